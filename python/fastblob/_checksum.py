"""The checksum of the service, for bytes that are at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _fastblob

if TYPE_CHECKING:
    from typing_extensions import Buffer


def crc64(data: Buffer, value: int = 0, /) -> int:
    """CRC-64/NVME, the checksum of Azure Blob Storage (``x-ms-content-crc64``).

    Args:
        data: Anything with a C-contiguous buffer.
        value: The checksum of the bytes that come before, to go on from.

    Returns:
        The checksum, 0 to 2**64 - 1, as in ``TransferResult.crc64``.

    Raises:
        ValueError: ``value`` is no such checksum.
        TypeError: ``data`` has no buffer.
        BufferError: The buffer is not C-contiguous.
    """
    if not 0 <= value < 1 << 64:
        raise ValueError(f"value must be a checksum, 0 to 2**64 - 1, got {value}")
    return _fastblob.crc64(data, value)
