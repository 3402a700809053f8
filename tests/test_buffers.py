"""What has bytes: everything that may be written, and read into."""

from __future__ import annotations

import array
import ctypes
import gc
import mmap
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastblob
import numpy as np
import pytest
from fastblob.local import LocalAzure
from support import MIB, content

DATA = content(100_000)

READABLE: dict[str, Callable[[], Any]] = {
    "bytes": lambda: DATA,
    "bytearray": lambda: bytearray(DATA),
    "memoryview": lambda: memoryview(DATA),
    "memoryview of a part": lambda: memoryview(b"x" + DATA + b"x")[1:-1],
    "memoryview of wider items": lambda: memoryview(bytearray(DATA)).cast("I"),
    "array": lambda: array.array("q", DATA),
    "numpy": lambda: np.frombuffer(DATA, dtype=np.uint8),
    "numpy, two dimensions": lambda: np.frombuffer(DATA, dtype=np.float32).reshape(100, -1),
    "ctypes": lambda: (ctypes.c_char * len(DATA)).from_buffer_copy(DATA),
}


@pytest.fixture
def blob(service_container: str) -> str:
    """The path of a blob that does not exist."""
    return f"{service_container}/blob"


@pytest.mark.parametrize("kind", READABLE)
def test_write(service_client: fastblob.Client, blob: str, kind: str) -> None:
    result = service_client.write(blob, READABLE[kind]())
    assert (result.size, result.crc64) == (len(DATA), fastblob.crc64(DATA))
    assert service_client.read(blob) == DATA


@pytest.mark.parametrize("kind", READABLE)
def test_write_many(service_client: fastblob.Client, blob: str, kind: str) -> None:
    service_client.write_many([(blob, READABLE[kind]())])
    assert service_client.read(blob) == DATA


@pytest.mark.parametrize("kind", READABLE)
def test_crc64(kind: str) -> None:
    assert fastblob.crc64(READABLE[kind]()) == fastblob.crc64(DATA)


def test_mmap(service_client: fastblob.Client, blob: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(DATA)
    with (
        (tmp_path / "file").open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        service_client.write(blob, mapped)
    assert service_client.read(blob) == DATA


@pytest.mark.parametrize(
    "empty", [b"", bytearray(), memoryview(b""), np.empty(0)], ids=lambda e: type(e).__name__
)
def test_empty_buffers(service_client: fastblob.Client, blob: str, empty: Any) -> None:
    assert service_client.write(blob, empty).size == 0
    assert service_client.read(blob) == b""


WRITABLE: dict[str, Callable[[], Any]] = {
    "bytearray": lambda: bytearray(len(DATA)),
    "memoryview": lambda: memoryview(bytearray(len(DATA))),
    "array": lambda: array.array("q", bytes(len(DATA))),
    "numpy": lambda: np.zeros(len(DATA), dtype=np.uint8),
    "numpy, two dimensions": lambda: np.zeros((100, len(DATA) // 400), dtype=np.float32),
    "mmap": lambda: mmap.mmap(-1, len(DATA)),
}


@pytest.mark.parametrize("kind", WRITABLE)
def test_read_into(service_client: fastblob.Client, blob: str, kind: str) -> None:
    service_client.write(blob, DATA)
    buffer = WRITABLE[kind]()
    assert service_client.read_into(blob, buffer) == len(DATA)
    assert bytes(memoryview(buffer).cast("B")) == DATA


NOT_CONTIGUOUS: dict[str, Callable[[], Any]] = {
    "every other byte": lambda: memoryview(bytearray(100))[::2],
    "backwards": lambda: memoryview(bytearray(100))[::-1],
    "a column": lambda: np.zeros((10, 10), dtype=np.uint8)[:, 1],
    "transposed": lambda: np.zeros((10, 20), dtype=np.uint8).T,
}


@pytest.mark.parametrize("kind", NOT_CONTIGUOUS)
def test_what_is_not_contiguous_is_refused(
    service: LocalAzure, service_client: fastblob.Client, blob: str, kind: str
) -> None:
    service.clear_requests()
    with pytest.raises((BufferError, ValueError), match="contiguous"):
        service_client.write(blob, NOT_CONTIGUOUS[kind]())
    with pytest.raises((BufferError, ValueError), match="contiguous"):
        service_client.read_into(blob, NOT_CONTIGUOUS[kind]())
    assert service.requests() == []


@pytest.mark.parametrize("buffer", [b"bytes", memoryview(b"bytes"), np.frombuffer(b"bytes", dtype=np.uint8)])
def test_read_only_memory_is_not_read_into(
    service: LocalAzure, service_client: fastblob.Client, blob: str, buffer: Any
) -> None:
    service.clear_requests()
    with pytest.raises((BufferError, TypeError, ValueError), match=r"(?i)read-only|writable"):
        service_client.read_into(blob, buffer)
    assert service.requests() == []


def test_read_gives_real_bytes(service_client: fastblob.Client, blob: str) -> None:
    service_client.write(blob, DATA)
    read = service_client.read(blob)
    assert type(read) is bytes
    assert hash(read) == hash(DATA)
    (many,) = service_client.read_many([blob])
    assert type(many) is bytes


def test_buffers_are_released(service_client: fastblob.Client, blob: str) -> None:
    buffer = bytearray(DATA)
    service_client.write(blob, buffer)
    service_client.read_into(blob, buffer)
    # A bytearray that is still exported cannot be resized.
    buffer.append(1)


def test_buffers_of_a_failed_write_are_released(
    service: LocalAzure, service_client: fastblob.Client, blob: str
) -> None:
    buffers = [bytearray(20 * MIB), bytearray(10)]
    service.add_fault(method="PUT", status=403, code="AuthorizationFailure")
    with pytest.raises(fastblob.AuthenticationError):
        service_client.write_many((f"{blob}{number}", buffer) for number, buffer in enumerate(buffers))
    for buffer in buffers:
        buffer.append(1)


def test_a_buffer_is_kept_while_it_is_sent(
    service: LocalAzure, service_client: fastblob.Client, blob: str
) -> None:
    # The only reference to the array is the call's own.
    service.add_fault(method="PUT", delay=0.3, times=1)
    # Its own types say that an array is a buffer from Python 3.12 on only.
    service_client.write(blob, np.frombuffer(DATA, dtype=np.uint8).copy())  # type: ignore[arg-type]
    assert service_client.read(blob) == DATA


def test_nothing_keeps_what_was_written(service_client: fastblob.Client, blob: str) -> None:
    array_ = np.frombuffer(DATA, dtype=np.uint8).copy()
    alive = weakref.ref(array_)
    service_client.write_many([(blob, array_)])  # type: ignore[list-item]
    del array_
    gc.collect()
    assert alive() is None


def test_reads_leave_one_reference(service_client: fastblob.Client, blob: str) -> None:
    service_client.write(blob, DATA)
    expected = sys.getrefcount(bytes(DATA))
    assert sys.getrefcount(service_client.read(blob)) == expected
