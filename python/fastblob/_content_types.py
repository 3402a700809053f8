"""Guesses the type of a file's content from its name."""

from __future__ import annotations

import functools
import os

# What is compressed is not of the type that it has after decompression.
_COMPRESSED = {
    "br": None,
    "bzip2": "application/x-bzip2",
    "compress": "application/x-compress",
    "gzip": "application/gzip",
    "xz": "application/x-xz",
}


def guess_content_type(path: object) -> str | None:
    """The type that goes with the suffix of a file's name; None where there is none."""
    try:
        name = os.fsdecode(path)  # type: ignore[arg-type]
    except TypeError:
        # Refused where the file is opened.
        return None
    return _of_suffix(os.path.splitext(name)[1].lower())  # noqa: PTH122


@functools.lru_cache(maxsize=1024)
def _of_suffix(suffix: str) -> str | None:
    if not suffix:
        return None
    # Reads the system's tables: only where a file is uploaded.
    import mimetypes

    content_type, encoding = mimetypes.guess_type(f"file{suffix}")
    return content_type if encoding is None else _COMPRESSED.get(encoding)
