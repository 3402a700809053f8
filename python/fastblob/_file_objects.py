"""Reads binary file objects, block by block."""

from __future__ import annotations

import operator
from typing import Any

# The memory of the first piece. It grows while there is more, so that thousands of small file objects do not
# cost a whole block of cleared memory each.
_FIRST_PIECE = 64 * 1024
_GROWTH = 8


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


def _read_into(readinto: Any, wanted: int) -> tuple[memoryview, bool]:
    buffer = bytearray(min(wanted, _FIRST_PIECE))
    filled = 0
    while filled < wanted:
        if filled == len(buffer):
            # A new one, since the file object may have kept a view of the old one, which thus cannot grow.
            grown = bytearray(min(wanted, len(buffer) * _GROWTH))
            grown[:filled] = buffer
            buffer = grown
        asked = len(buffer) - filled
        count = readinto(memoryview(buffer)[filled:])
        if count is None:
            raise _would_block()
        count = operator.index(count)
        if not 0 <= count <= asked:
            raise OSError(f"readinto() returned {count}, which is not within the {asked} bytes asked for")
        if count == 0:
            return memoryview(buffer)[:filled], True
        filled += count
    return memoryview(buffer), False


def _read(read: Any, wanted: int) -> tuple[bytes, bool]:
    pieces: list[bytes] = []
    filled = 0
    is_last = False
    while filled < wanted and not is_last:
        asked = wanted - filled
        piece = read(asked)
        if piece is None:
            raise _would_block()
        if isinstance(piece, str):
            raise TypeError("the file object gives str: open the file in binary mode")
        if not isinstance(piece, bytes):
            piece = memoryview(piece).tobytes()
        if len(piece) > asked:
            raise OSError(f"read({asked}) returned {len(piece)} bytes")
        filled += len(piece)
        is_last = not piece
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces), is_last


def _would_block() -> OSError:
    return OSError("the file object has no data at the moment (it is non-blocking): make it blocking")
