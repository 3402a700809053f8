"""The progress bar of ``progress=True``."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._fastblob import Progress


class _Bar:
    def __init__(self) -> None:
        from tqdm.auto import tqdm

        self._bar = tqdm(unit="B", unit_scale=True, unit_divisor=1024)

    def __call__(self, progress: Progress) -> None:
        total = "?" if progress.items_total is None else progress.items_total
        self._bar.set_postfix_str(f"{progress.items_done}/{total} items", refresh=False)
        self._bar.update(progress.bytes_done - self._bar.n)

    def close(self) -> None:
        self._bar.close()


def make_bar() -> _Bar | None:
    """A tqdm bar; None, with a warning, where tqdm is not installed."""
    try:
        return _Bar()
    except ImportError:
        warnings.warn(
            'progress=True needs tqdm: pip install "fastblob[progress]" (going on without a bar)',
            RuntimeWarning,
            stacklevel=2,
        )
        return None
