"""What type checkers find right, and where they find a mistake: for test_typing.py, and never run."""

from __future__ import annotations

import gzip
import io
import mmap
import socket
from array import array
from datetime import datetime
from pathlib import Path
from typing import assert_type

import fastblob
import numpy as np
from fastblob import (
    BinaryReadable,
    BinaryReadableInto,
    BlobItem,
    BlobPath,
    BlobProperties,
    ContainerProperties,
    TransferResult,
    WriteOptions,
)


class OnlyRead:
    def read(self, size: int, /) -> bytes:
        return b""


class OnlyReadInto:
    def readinto(self, buffer: bytearray | memoryview, /) -> int:
        return 0


class Text:
    def read(self, size: int, /) -> str:
        return ""


def what_write_accepts(client: fastblob.Client, file: io.BufferedReader, raw: io.RawIOBase) -> None:
    client.write("c/b", b"bytes")
    client.write("c/b", bytearray(8))
    client.write("c/b", memoryview(b"bytes"))
    client.write("c/b", array("d", [1.0]))
    client.write("c/b", mmap.mmap(-1, 8))
    client.write("c/b", np.zeros(8).data)
    client.write("c/b", io.BytesIO())
    client.write("c/b", gzip.GzipFile("file"))
    client.write("c/b", socket.socket().makefile("rb"))
    client.write("c/b", file)
    client.write("c/b", raw)
    client.write("c/b", OnlyRead())
    client.write("c/b", OnlyReadInto())
    readable: BinaryReadable = io.BytesIO()
    into: BinaryReadableInto = io.BytesIO()
    client.write_many([("c/a", readable), ("c/b", into), ("c/c", b"", {"k": "v"}), ("c/d", b"", None)])
    client.write_many([("c/a", b"", WriteOptions(content_type="text/x", if_match='"0x1"'))])


def what_write_refuses(client: fastblob.Client) -> None:
    client.write("c/b", "text")  # type: ignore[arg-type]
    client.write("c/b", Text())  # type: ignore[arg-type]
    client.write("c/b", None)  # type: ignore[arg-type]
    client.write("c/b", b"", tier="Warm")  # type: ignore[arg-type]
    client.write("c/b", b"", content_type=True)  # type: ignore[arg-type]
    client.read(Path("c/b"))  # type: ignore[arg-type]


def the_blobs_of_all_calls(client: fastblob.Client, item: BlobItem, found: BlobProperties) -> None:
    for blob in ("c/b", BlobPath("c", "a//b"), item, found):
        assert_type(client.read(blob, if_match=None, if_modified_since=datetime.now()), bytes)  # noqa: DTZ005
        assert_type(client.properties(blob), BlobProperties)
        client.delete(blob, missing_ok=True)


def what_comes_back(client: fastblob.Client) -> None:
    assert_type(client.read_many(["c/b", ("c/b", 0, None), (BlobPath("c/b"), 1, 2)]), list[bytes])
    assert_type(client.read_many(["c/b"], on_error="collect"), list[bytes | Exception])
    assert_type(client.read_many(["c/b"], on_error=fastblob.BlobNotFoundError), list[bytes | Exception])
    assert_type(client.read_many(["c/b"], with_results=True), list[TransferResult])
    assert_type(client.read_many(["c/b"], with_results=True, on_error="collect"), list[TransferResult])
    assert_type(client.properties_many(["c/b"]), list[BlobProperties])
    assert_type(client.list_many(["c"], on_error="collect"), list[list[BlobItem] | Exception])
    assert_type([item.size for item in client.list("c", name_prefix="a")], list[int | None])
    assert_type(client.get_tags("c/b"), dict[str, str])
    assert_type([container.name for container in client.list_containers("a")], list[str])
    assert_type(client.container_properties("c"), ContainerProperties)
    assert_type([item.tags for item in client.find("k = 'v'", container="c")], list[dict[str, str] | None])
    client.set_tier("c/b", "Hot", rehydrate_priority="Soon")  # type: ignore[arg-type]
    with client as same:
        assert_type(same, fastblob.Client)


def leases(client: fastblob.Client) -> None:
    assert_type(client.acquire_lease("c/b", None), str)
    with client.lease("c/b", seconds=15) as lease:
        client.write("c/b", b"bytes", overwrite=True, lease=lease)
        client.copy("c/a", "c/b", overwrite=True, lease=lease.id, source_lease=lease)
        client.write_many([("c/b", b"", WriteOptions(lease=lease))])
        client.delete("c/b", lease=client)  # type: ignore[arg-type]


def the_functions_of_the_module() -> None:
    assert_type(fastblob.read("c/b", 1, length=2), bytes)
    assert_type(fastblob.read_many(["c/b"]), list[bytes])
    assert_type(fastblob.read_many(["c/b"], on_error="collect"), list[bytes | Exception])
    assert_type(fastblob.download_many([("c/b", Path("file"))]), list[TransferResult])
    fastblob.read("c/b", ofset=1)  # type: ignore[call-arg]
    fastblob.upload_many([("file", "c/b", {"k": "v"})], progress=True, follow=True)  # type: ignore[call-arg]
