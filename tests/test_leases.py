"""Leases on blobs: what each call does with them, and where they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastblob
import pytest
from hostile.server import Connection, Request, Server, each
from support import MIB

ID = "fa57b10b-0000-4000-8000-00000000000a"
OTHER = "fa57b10b-0000-4000-8000-00000000000b"


@pytest.fixture
def blob(client: fastblob.Client, container: str) -> Iterator[str]:
    """A blob, whose lease is broken at the end."""
    path = f"{container}/blob"
    client.write(path, b"data", tags={"k": "v"})
    yield path
    if client.exists(path) and client.properties(path).lease_state != "available":
        client.break_lease(path, 0)


def state(client: fastblob.Client, blob: str) -> str | None:
    return client.properties(blob).lease_state


def test_one_is_acquired_renewed_changed_and_released(client: fastblob.Client, blob: str) -> None:
    lease = client.acquire_lease(blob, 15)
    assert state(client, blob) == "leased"
    client.renew_lease(blob, lease)
    assert client.change_lease(blob, lease, OTHER) == OTHER
    with pytest.raises(fastblob.BlobConflictError) as caught:
        client.renew_lease(blob, lease)
    assert caught.value.error_code == "LeaseIdMismatchWithLeaseOperation"
    client.release_lease(blob, OTHER)
    assert state(client, blob) == "available"


def test_its_id_may_be_chosen_and_it_need_not_end(client: fastblob.Client, blob: str) -> None:
    assert client.acquire_lease(blob, None, id=ID) == ID
    # Whoever knows the id may acquire it again.
    assert client.acquire_lease(blob, 60, id=ID) == ID
    assert client.break_lease(blob, 0) == 0
    assert state(client, blob) == "broken"


def test_nobody_else_acquires_one(client: fastblob.Client, blob: str) -> None:
    client.acquire_lease(blob)
    with pytest.raises(fastblob.BlobConflictError, match="lease on the blob already") as caught:
        client.acquire_lease(blob)
    assert (caught.value.status_code, caught.value.error_code) == (409, "LeaseAlreadyPresent")
    assert caught.value.blob == blob


def test_one_that_is_being_broken_is_held_to_its_end(client: fastblob.Client, blob: str) -> None:
    lease = client.acquire_lease(blob, 60)
    assert 0 < client.break_lease(blob) <= 60
    client.write(blob, b"new", overwrite=True, lease=lease)
    with pytest.raises(fastblob.BlobConflictError, match="wait until it ends"):
        client.acquire_lease(blob)


def test_a_blob_that_is_not_there(client: fastblob.Client, container: str) -> None:
    blob = f"{container}/missing"
    for call in (
        lambda: client.acquire_lease(blob),
        lambda: client.break_lease(blob),
        lambda: client.renew_lease(blob, ID),
        lambda: client.release_lease(blob, ID),
    ):
        with pytest.raises(fastblob.BlobNotFoundError):
            call()


def test_one_that_is_not_there(client: fastblob.Client, blob: str) -> None:
    for call in (
        lambda: client.renew_lease(blob, ID),
        lambda: client.release_lease(blob, ID),
        lambda: client.break_lease(blob),
    ):
        with pytest.raises(fastblob.BlobConflictError):
            call()


@pytest.mark.parametrize("seconds", [-1, 0, 14, 61, 2**70])
def test_a_time_that_none_lasts(service_client: fastblob.Client, seconds: int) -> None:
    with pytest.raises(ValueError, match="15 to 60 seconds"):
        service_client.acquire_lease("data/blob", seconds)


def test_what_is_refused_before_anything_is_sent(service_client: fastblob.Client) -> None:
    client = service_client
    calls: list[Callable[[], object]] = [
        lambda: client.acquire_lease("data/blob", id="mine"),
        lambda: client.acquire_lease("data"),
        lambda: client.break_lease("data/blob", 61),
        lambda: client.renew_lease("data/blob", ""),
        lambda: client.change_lease("data/blob", ID, "a\r\nb: c"),
        lambda: client.lease("data/"),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"GUID|container|0 to 60|slash"):
            call()


# What takes a lease, with a client, the leased blob, a folder and the lease.
Call = Callable[[Any, str, Path, str], object]
READS: dict[str, Call] = {
    "read": lambda client, blob, folder, lease: client.read(blob, lease=lease),
    "read_into": lambda client, blob, folder, lease: client.read_into(blob, bytearray(4), lease=lease),
    "read_many": lambda client, blob, folder, lease: client.read_many([blob], lease=lease),
    "download": lambda client, blob, folder, lease: client.download(blob, folder / "new", lease=lease),
    "download_many": lambda client, blob, folder, lease: client.download_many(
        [(blob, folder / "new")], lease=lease
    ),
    "properties": lambda client, blob, folder, lease: client.properties(blob, lease=lease),
    "properties_many": lambda client, blob, folder, lease: client.properties_many([blob], lease=lease),
    "get_tags": lambda client, blob, folder, lease: client.get_tags(blob, lease=lease),
    "copy from it": lambda client, blob, folder, lease: client.copy(blob, blob + "2", source_lease=lease),
}
CHANGES: dict[str, Call] = {
    "write": lambda client, blob, folder, lease: client.write(blob, b"new", overwrite=True, lease=lease),
    "write of blocks": lambda client, blob, folder, lease: client.write(
        blob, bytes(9 * MIB), overwrite=True, lease=lease
    ),
    "write_many": lambda client, blob, folder, lease: client.write_many(
        [(blob, b"new", fastblob.WriteOptions(lease=lease))], overwrite=True
    ),
    "upload": lambda client, blob, folder, lease: client.upload(
        folder / "source", blob, overwrite=True, lease=lease
    ),
    "upload_many": lambda client, blob, folder, lease: client.upload_many(
        [(folder / "source", blob, fastblob.WriteOptions(lease=lease))], overwrite=True
    ),
    "copy onto it": lambda client, blob, folder, lease: client.copy(
        blob.replace("blob", "source"), blob, overwrite=True, lease=lease
    ),
    "set_metadata": lambda client, blob, folder, lease: client.set_metadata(blob, {"k": "v"}, lease=lease),
    "set_http_headers": lambda client, blob, folder, lease: client.set_http_headers(
        blob, content_type="text/x", lease=lease
    ),
    "set_tags": lambda client, blob, folder, lease: client.set_tags(blob, {"k": "v"}, lease=lease),
    "set_tier": lambda client, blob, folder, lease: client.set_tier(blob, "Cool", lease=lease),
    "delete": lambda client, blob, folder, lease: client.delete(blob, lease=lease),
    "delete_many": lambda client, blob, folder, lease: client.delete_many([blob], lease=lease),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file to upload."""
    (tmp_path / "source").write_bytes(b"new")
    return tmp_path


@pytest.mark.parametrize("call", CHANGES)
def test_a_change_takes_the_lease_and_none_other(
    client: fastblob.Client, blob: str, folder: Path, call: str
) -> None:
    client.copy(blob, blob.replace("blob", "source"))
    client.acquire_lease(blob, id=ID)
    for lease in (None, OTHER):
        with pytest.raises(fastblob.BlobModifiedError) as caught:
            CHANGES[call](client, blob, folder, lease)  # type: ignore[arg-type]
        assert caught.value.status_code == 412
    assert client.read(blob) == b"data"
    client.break_lease(blob, 0)
    with client.lease(blob) as held:
        CHANGES[call](client, blob, folder, held)  # type: ignore[arg-type]


def answer(connection: Connection, request: Request) -> None:
    """Lets everything succeed."""
    version = {"ETag": '"0x1"', "Last-Modified": "Tue, 14 Nov 2023 22:13:20 GMT"}
    comp = request.query.get("comp")
    if comp == "tags" and request.method == "GET":
        connection.answer(request, 200, body=b"<Tags><TagSet/></Tags>")
    elif comp == "batch":
        boundary = request.headers["content-type"].partition("boundary=")[2]
        part = f"--{boundary}\r\nContent-ID: 0\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n--{boundary}--\r\n"
        kind = {"Content-Type": f"multipart/mixed; boundary={boundary}"}
        connection.answer(request, 202, kind, part.encode())
    elif request.method == "GET":
        connection.answer_range(request, b"data")
    elif request.method == "HEAD":
        connection.answer(request, 200, version)
    elif "x-ms-copy-source" in request.headers:
        done = {"x-ms-copy-id": "1", "x-ms-copy-status": "success"}
        connection.answer(request, 202, {**version, **done})
    elif request.method == "DELETE":
        connection.answer(request, 202)
    else:
        connection.answer(request, 200 if comp in {"metadata", "properties", "tier"} else 201, version)


@pytest.mark.parametrize("call", [*READS, *CHANGES])
def test_every_request_of_a_call_has_the_lease(folder: Path, call: str) -> None:
    def respond(connection: Connection, request: Request) -> None:
        if request.query.get("comp") == "tags" and request.method == "PUT":
            connection.answer(request, 204)
        else:
            answer(connection, request)

    with Server(each(respond)) as server, server.client(max_retries=0) as client:
        {**READS, **CHANGES}[call](client, "data/blob", folder, ID)
        name = "x-ms-source-lease-id" if call == "copy from it" else "x-ms-lease-id"
        for request in server.heads:
            if request.method == "HEAD" and call.startswith("copy"):
                continue
            assert f"{name}: {ID}".encode() in (request.head + request.body).lower(), request.target
        assert server.heads
