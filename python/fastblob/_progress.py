"""``progress=``: a bar, a callable, or nothing."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, NoReturn

from ._results import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from . import _fastblob
    from ._types import ProgressOption

_PERIOD = 0.1


class Reporter:
    """Calls a progress callable about every 100 ms and once at the end, on the thread of the call.

    Args:
        report: The callable.
        close: Called when the call has ended.
        delay: Seconds until the first report.
    """

    def __init__(
        self,
        report: Callable[[Progress], object],
        close: Callable[[], None] | None = None,
        delay: float = _PERIOD,
    ) -> None:
        self._report = report
        self._close = close
        self._due = time.monotonic() + delay

    def tick(self, call: _fastblob.Call) -> None:
        """Reports, if it is time to."""
        if time.monotonic() >= self._due:
            self.report(call)
            self._due = time.monotonic() + _PERIOD

    def report(self, call: _fastblob.Call) -> None:
        """Reports how far the call has come."""
        self._report(Progress(call.progress()))

    def close(self) -> None:
        """Takes the bar away."""
        if self._close is not None:
            self._close()


def make_reporter(progress: ProgressOption) -> Reporter | None:
    """The reporter for a ``progress`` argument; None where nobody wants to know.

    Raises:
        TypeError: It is no such argument.
    """
    if progress is None or progress is False:
        return None
    if progress is True:
        return _make_bar()
    if callable(progress):
        return Reporter(progress)
    raise TypeError(f"progress must be True, False, None or a callable, not {progress!r}")


def _make_bar() -> Reporter | None:
    """A tqdm bar; None, with a warning, where tqdm is not installed."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        warnings.warn(
            'progress=True needs tqdm: pip install "fastblob[progress]" (going on without a bar)',
            RuntimeWarning,
            stacklevel=2,
        )
        return None
    bar: tqdm[NoReturn] | None = None

    def report(progress: Progress) -> None:
        nonlocal bar
        if bar is None:
            # Not before: the call may be refused, and nobody would take the bar away.
            bar = tqdm(unit="B", unit_scale=True, unit_divisor=1024)
        total = "?" if progress.items_total is None else progress.items_total
        bar.set_postfix_str(f"{progress.items_done}/{total} items", refresh=False)
        bar.update(progress.bytes_done - bar.n)

    def close() -> None:
        if bar is not None:
            bar.close()

    return Reporter(report, close, delay=0)
