"""What is tried again, how often, and where it goes on: each row of the table, through faults."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import fastblob
import pytest
from fastblob.local import LocalAzure
from support import MIB, Account, content, files_below

PASSING = [
    (503, "ServerBusy"),
    (500, "OperationTimedOut"),
    (500, "InternalError"),
    (429, "TooManyRequests"),
    (408, "RequestTimeout"),
    (502, ""),
    (504, ""),
]

FINAL = [
    (400, "InvalidHeaderValue", fastblob.ServiceError),
    (403, "AuthenticationFailed", fastblob.AuthenticationError),
    (403, "AuthorizationFailure", fastblob.AuthenticationError),
    (403, "AuthorizationPermissionMismatch", fastblob.AuthenticationError),
    (404, "BlobNotFound", fastblob.BlobNotFoundError),
    (404, "ContainerNotFound", fastblob.BlobNotFoundError),
    (409, "ContainerBeingDeleted", fastblob.BlobConflictError),
    (409, "BlobAlreadyExists", fastblob.BlobExistsError),
    (412, "ConditionNotMet", fastblob.BlobModifiedError),
    (412, "LeaseIdMissing", fastblob.BlobModifiedError),
    (409, "BlobArchived", fastblob.BlobConflictError),
    (409, "BlobImmutableDueToPolicy", fastblob.BlobConflictError),
    (409, "InvalidBlobType", fastblob.BlobConflictError),
    (405, "UnsupportedHttpVerb", fastblob.ServiceError),
]

# Each with the operation that the fault strikes; `c` is the container, in which `blob` and `another` lie.
CALLS: dict[str, tuple[str, Callable[[fastblob.Client, str], object]]] = {
    "read": ("GetBlob", lambda f, c: f.read(f"{c}/blob")),
    "write": ("PutBlob", lambda f, c: f.write(f"{c}/new", b"data")),
    "write a block": ("PutBlock", lambda f, c: f.write(f"{c}/new", content(20 * MIB))),
    "commit": ("PutBlockList", lambda f, c: f.write(f"{c}/new", content(20 * MIB))),
    "list": ("ListBlobs", lambda f, c: list(f.list(c))),
    "properties": ("GetBlobProperties", lambda f, c: f.properties(f"{c}/blob")),
    "exists": ("GetBlobProperties", lambda f, c: f.exists(f"{c}/blob")),
    "delete": ("DeleteBlob", lambda f, c: f.delete(f"{c}/blob")),
    "delete_many": ("BlobBatch", lambda f, c: f.delete_many([f"{c}/blob", f"{c}/another"])),
    "copy": ("CopyBlob", lambda f, c: f.copy(f"{c}/blob", f"{c}/new")),
}


@pytest.fixture
def blob(service: LocalAzure, service_client: fastblob.Client, service_container: str) -> str:
    """A blob of 1,000 bytes, with another beside it; the request log begins after them."""
    path = f"{service_container}/blob"
    service_client.write(path, content(1000))
    service_client.write(f"{service_container}/another", b"data")
    service.clear_requests()
    return path


@pytest.mark.parametrize(("status", "code"), PASSING)
def test_failures_that_pass_are_tried_again(
    service: LocalAzure, service_client: fastblob.Client, blob: str, status: int, code: str
) -> None:
    service.add_fault(operation="GetBlob", status=status, code=code, times=2)
    assert service_client.read(blob) == content(1000)
    assert [record.status for record in service.requests()] == [status, status, 206]


@pytest.mark.parametrize(("status", "code", "error"), FINAL)
def test_failures_that_stay_are_not(
    service: LocalAzure,
    service_client: fastblob.Client,
    blob: str,
    status: int,
    code: str,
    error: type[fastblob.TransferError],
) -> None:
    service.add_fault(operation="PutBlob", status=status, code=code)
    with pytest.raises(error) as caught:
        service_client.write(blob, b"data", overwrite=True)
    assert type(caught.value) is error
    assert (caught.value.status_code, caught.value.error_code) == (status, code)
    assert (caught.value.blob, caught.value.attempts) == (blob, 1)
    assert caught.value.request_id
    # What the blob is may be asked for, to say it.
    assert service.request_counts()["PutBlob"] == 1


@pytest.mark.parametrize("call", CALLS)
def test_every_call_outlives_a_busy_service(
    service: LocalAzure, service_client: fastblob.Client, blob: str, call: str
) -> None:
    operation, run = CALLS[call]
    service.add_fault(operation=operation, status=503, code="ServerBusy", times=1)
    run(service_client, blob.split("/", maxsplit=1)[0])
    struck = [
        record for record in service.requests() if record.operation == operation and record.status == 503
    ]
    assert len(struck) == 1


@pytest.mark.parametrize("call", CALLS)
def test_every_call_outlives_a_broken_connection(
    service: LocalAzure, service_client: fastblob.Client, blob: str, call: str
) -> None:
    operation, run = CALLS[call]
    service.add_fault(operation=operation, reset=True, times=1)
    run(service_client, blob.split("/", maxsplit=1)[0])
    assert service.request_counts()[operation] > 1


@pytest.mark.parametrize("call", CALLS)
def test_every_call_outlives_a_lost_answer(
    service: LocalAzure, service_client: fastblob.Client, blob: str, call: str
) -> None:
    # Carried out, but the client never heard: what was created must not count as somebody else's on the
    # second attempt, and what was deleted not as missing.
    operation, run = CALLS[call]
    service.add_fault(operation=operation, lose_answer=True, times=1)
    run(service_client, blob.split("/", maxsplit=1)[0])
    assert service.request_counts()[operation] > 1


@pytest.mark.parametrize("size", [1000, 20 * MIB])
def test_somebody_else_s_blob_stays_a_conflict_after_a_retry(
    service: LocalAzure, service_client: fastblob.Client, blob: str, size: int
) -> None:
    service.add_fault(method="PUT", reset=True, times=1)
    with pytest.raises(fastblob.BlobExistsError):
        service_client.write(blob, content(size, seed=2))
    assert service_client.read(blob) == content(1000)


def test_retries_are_counted(
    service: LocalAzure, service_client: fastblob.Client, blob: str, tmp_path: Path
) -> None:
    service.add_fault(operation="GetBlob", status=503, code="ServerBusy", times=2)
    result = service_client.download(blob, tmp_path / "blob")
    assert (result.requests, result.retries) == (3, 2)


def test_giving_up_says_how_often_it_tried(service: LocalAzure, service_account: Account, blob: str) -> None:
    client = service_account.client(max_retries=2)
    client.exists(blob)
    service.add_fault(operation="GetBlob", status=503, code="ServerBusy")
    with pytest.raises(fastblob.ServiceError) as caught:
        client.read(blob)
    assert (caught.value.status_code, caught.value.error_code) == (503, "ServerBusy")
    assert caught.value.attempts == service.request_counts()["GetBlob"] == 3


def test_no_retries_where_none_are_wanted(service: LocalAzure, service_account: Account, blob: str) -> None:
    client = service_account.client(max_retries=0)
    service.add_fault(operation="GetBlob", reset=True)
    with pytest.raises(fastblob.NetworkError) as caught:
        client.read(blob)
    assert caught.value.attempts == service.request_counts()["GetBlob"] == 1


@pytest.mark.parametrize(
    ("header", "value", "seconds"), [("Retry-After", "1", 1.0), ("x-ms-retry-after-ms", "700", 0.7)]
)
def test_the_delay_that_the_service_asks_for_is_kept(
    service: LocalAzure, service_client: fastblob.Client, blob: str, header: str, value: str, seconds: float
) -> None:
    # Its own first delay would be 0.25 seconds at most.
    service.add_fault(operation="GetBlob", status=503, code="ServerBusy", headers={header: value}, times=1)
    started = time.monotonic()
    service_client.read(blob)
    assert time.monotonic() - started >= seconds


def test_a_silent_connection_is_given_up(service: LocalAzure, service_account: Account, blob: str) -> None:
    client = service_account.client(timeout=0.5)
    service.add_fault(operation="GetBlob", delay=40, times=1)
    assert client.read(blob) == content(1000)
    assert service.request_counts()["GetBlob"] >= 1


def ranges(service: LocalAzure) -> list[tuple[int, int]]:
    """First and last byte of the ranges asked for, in the order of the requests."""
    asked = [record.range for record in service.requests() if record.operation == "GetBlob"]
    assert all(value is not None and value.startswith("bytes=") for value in asked)
    pairs = [value.removeprefix("bytes=").split("-") for value in asked if value is not None]
    return [(int(first), int(last)) for first, last in pairs]


@pytest.mark.parametrize(
    ("checksum", "broken_at", "goes_on_at"),
    [
        (None, 1, 1),
        (None, 500_000, 500_000),
        (None, 6 * MIB - 1, 6 * MIB - 1),
        # Behind the last segment that is verified.
        ("md5", 500_000, 0),
        ("crc64", 5 * MIB, 4 * MIB),
    ],
)
def test_a_broken_download_goes_on_where_it_broke(
    service: LocalAzure,
    service_account: Account,
    service_container: str,
    tmp_path: Path,
    checksum: str | None,
    broken_at: int,
    goes_on_at: int,
) -> None:
    service_client = service_account.client(checksum=checksum)
    data = content(6 * MIB)
    service_client.write(f"{service_container}/blob", data)
    service.clear_requests()
    service.add_fault(operation="GetBlob", truncate_after=broken_at, times=1)
    service_client.download(f"{service_container}/blob", tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == data
    first, second = ranges(service)
    assert first[0] == 0
    assert second[0] == goes_on_at


@pytest.mark.parametrize("read", ["read", "read_into", "download"])
def test_a_reset_download_repeats_no_more_than_was_lost(
    service: LocalAzure, service_account: Account, service_container: str, tmp_path: Path, read: str
) -> None:
    data = content(20 * MIB)
    client = service_account.client(max_connections=1, checksum=None)
    client.write(f"{service_container}/blob", data)
    service.clear_requests()
    for after in range(3):
        service.add_fault(operation="GetBlob", reset_after=MIB, after=2 * after, times=1)
    if read == "read":
        got = client.read(f"{service_container}/blob")
    elif read == "read_into":
        got = bytes(bytearray_of(client, f"{service_container}/blob", len(data)))
    else:
        client.download(f"{service_container}/blob", tmp_path / "blob")
        got = (tmp_path / "blob").read_bytes()
    assert got == data
    asked = ranges(service)
    assert len(asked) == 6
    parts = sorted({min(last, len(data) - 1) for _, last in asked})
    assert len(parts) == 3
    for start, end in zip([0, *(last + 1 for last in parts)], parts, strict=False):
        begun = [first for first, last in asked if min(last, len(data) - 1) == end]
        assert begun[0] == start
        # A reset may discard what had arrived but was not yet read; never more than that is asked for again.
        assert all(earlier <= later <= earlier + MIB for earlier, later in pairwise(begun))


def bytearray_of(client: fastblob.Client, blob: str, size: int) -> bytearray:
    buffer = bytearray(size)
    assert client.read_into(blob, buffer) == size
    return buffer


@pytest.mark.parametrize("after", [0, 1, 100_000])
def test_a_broken_upload_is_sent_again(
    service: LocalAzure, service_client: fastblob.Client, service_container: str, after: int
) -> None:
    data = content(20 * MIB)
    service.add_fault(method="PUT", reset_upload_after=after, times=2)
    service_client.write(f"{service_container}/blob", data)
    assert service_client.read(f"{service_container}/blob") == data


@pytest.mark.parametrize("size", [1000, 20 * MIB])
def test_a_lost_answer_to_the_write_is_no_conflict(
    service: LocalAzure, service_client: fastblob.Client, service_container: str, size: int
) -> None:
    data = content(size)
    operation = "PutBlob" if size == 1000 else "PutBlockList"
    service.add_fault(operation=operation, lose_answer=True, times=1)
    result = service_client.write(f"{service_container}/blob", data, metadata={"owner": "me"})
    properties = service_client.properties(f"{service_container}/blob")
    assert result.etag == properties.etag
    assert properties.metadata == {"owner": "me"}
    assert service_client.read(f"{service_container}/blob") == data


def on_first_bytes(action: Callable[[], object]) -> Callable[[fastblob.Progress], None]:
    """A progress callable that does something once, as soon as bytes have moved."""
    done: list[Any] = []

    def progress(state: fastblob.Progress) -> None:
        if state.bytes_done and not done:
            done.append(action())

    return progress


def test_a_blob_that_changes_under_a_download_is_read_anew(
    service: LocalAzure, service_account: Account, service_container: str, tmp_path: Path
) -> None:
    old, new = content(20 * MIB, 1), content(20 * MIB, 2)
    client = service_account.client(max_connections=1)
    client.write(f"{service_container}/blob", old)
    # The second range waits until the blob has been replaced, which the first bytes of the first one set off.
    service.add_fault(operation="GetBlob", after=1, delay=2, times=1)
    writer = service_account.client()
    client.download(
        f"{service_container}/blob",
        tmp_path / "blob",
        progress=on_first_bytes(lambda: writer.write(f"{service_container}/blob", new, overwrite=True)),
    )
    assert (tmp_path / "blob").read_bytes() == new


def test_a_blob_that_goes_on_changing_is_an_error(
    service: LocalAzure, service_account: Account, service_container: str, tmp_path: Path
) -> None:
    client = service_account.client()
    client.write(f"{service_container}/blob", content(20 * MIB))
    service.add_fault(operation="GetBlob", after=1, status=412, code="ConditionNotMet")
    with pytest.raises(fastblob.BlobModifiedError):
        client.download(f"{service_container}/blob", tmp_path / "blob")
    assert files_below(tmp_path) == {}


def test_connections_that_died_in_the_pool_are_replaced(tmp_path: Path) -> None:
    with LocalAzure(tls=False, containers=["data"]) as first:
        port = int(first.blob_endpoint.split(":")[2].split("/")[0])
        client = fastblob.Client(first.blob_endpoint, first.account_key)
        client.write("data/blob", b"data")
    with LocalAzure(tls=False, containers=["data"], port=port) as second:
        result = client.write("data/blob", b"data")
        assert second.request_counts() == {"PutBlob": 1}
    # A connection that the service had closed is no failed attempt of this request.
    assert result.error is None


def test_a_busy_service_in_the_middle_of_many(
    service: LocalAzure, service_client: fastblob.Client, service_container: str
) -> None:
    blobs = [f"{service_container}/{number}" for number in range(300)]
    service.add_fault(operation="PutBlob", after=50, status=503, code="ServerBusy", times=20)
    service.add_fault(operation="GetBlob", after=50, status=503, code="ServerBusy", times=20)
    results = service_client.write_many((blob, blob.encode()) for blob in blobs)
    assert sum(result.retries for result in results) == 20
    assert service_client.read_many(blobs) == [blob.encode() for blob in blobs]
