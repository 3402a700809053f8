"""Reads binary file objects, block by block."""

from __future__ import annotations

import mmap
import operator
from typing import Any


def read_block(file: Any, wanted: int) -> tuple[bytes | memoryview, bool]:
    """Reads until there are ``wanted`` bytes, or no more.

    Returns:
        The bytes, and whether the file object has come to its end.

    Raises:
        OSError: It is non-blocking and has no data, or gives more than it was asked for.
        TypeError: It gives text.
    """
    readinto = getattr(file, "readinto", None)
    return _read(file.read, wanted) if readinto is None else _read_into(readinto, wanted)


def _memory(size: int) -> memoryview:
    # Pages of its own, which the operating system clears as they are touched and takes back when the block
    # has been sent: an allocator would keep the memory of as many blocks as there are threads.
    return memoryview(mmap.mmap(-1, size))


def _read_into(readinto: Any, wanted: int) -> tuple[memoryview, bool]:
    block = _memory(wanted)
    filled = 0
    while filled < wanted:
        asked = wanted - filled
        count = readinto(block[filled:])
        if count is None:
            raise _would_block()
        count = operator.index(count)
        if not 0 <= count <= asked:
            raise OSError(f"readinto() returned {count}, which is not within the {asked} bytes asked for")
        if count == 0:
            return block[:filled], True
        filled += count
    return block, False


def _read(read: Any, wanted: int) -> tuple[bytes | memoryview, bool]:
    first = _piece(read, wanted)
    if len(first) in {0, wanted}:
        return first, not first
    second = _piece(read, wanted - len(first))
    if not second:
        return first, True
    block = _memory(wanted)
    filled = 0
    for piece in (first, second):
        block[filled : filled + len(piece)] = piece
        filled += len(piece)
    del first, second, piece
    while filled < wanted:
        piece = _piece(read, wanted - filled)
        if not piece:
            return block[:filled], True
        block[filled : filled + len(piece)] = piece
        filled += len(piece)
    return block, False


def _piece(read: Any, wanted: int) -> bytes:
    piece = read(wanted)
    if piece is None:
        raise _would_block()
    if isinstance(piece, str):
        raise TypeError("the file object gives str: open the file in binary mode")
    if not isinstance(piece, bytes):
        piece = memoryview(piece).tobytes()
    if len(piece) > wanted:
        raise OSError(f"read({wanted}) returned {len(piece)} bytes")
    return piece


def _would_block() -> OSError:
    return OSError("the file object has no data at the moment (it is non-blocking): make it blocking")
