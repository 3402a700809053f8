"""A conflict is never taken for a success of our own, nor a success of our own for a conflict."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import fastblob
import pytest
from fastblob.local import LocalAzure
from hostile.child import in_child
from hostile.server import ETAG, TIME, Connection, Request, Server, each

MIB = 1 << 20
SMALL = b"the same bytes"
LARGE = bytes(20 * MIB)

# Each with what is written and the operation that makes the blob; a folder holds `small` and `large`.
WRITES: dict[str, tuple[bytes, str, Callable[[Any, Path], object]]] = {
    "write": (SMALL, "PutBlob", lambda client, folder: client.write("data/lock", SMALL)),
    "write of blocks": (LARGE, "PutBlockList", lambda client, folder: client.write("data/lock", LARGE)),
    "write of a stream": (
        SMALL,
        "PutBlob",
        lambda client, folder: client.write("data/lock", io.BytesIO(SMALL)),
    ),
    "write of a long stream": (
        LARGE,
        "PutBlockList",
        lambda client, folder: client.write("data/lock", io.BytesIO(LARGE)),
    ),
    "write_many": (SMALL, "PutBlob", lambda client, folder: client.write_many([("data/lock", SMALL)])),
    "upload": (SMALL, "PutBlob", lambda client, folder: client.upload(folder / "small", "data/lock")),
    "upload of blocks": (
        LARGE,
        "PutBlockList",
        lambda client, folder: client.upload(folder / "large", "data/lock"),
    ),
    "copy": (SMALL, "CopyBlob", lambda client, folder: client.copy("data/source", "data/lock")),
}


def prepare(azure: LocalAzure, folder: Path) -> Any:
    """What the writes need, and the client that makes them."""
    (folder / "small").write_bytes(SMALL)
    (folder / "large").write_bytes(LARGE)
    azure.client().write("data/source", SMALL)
    return azure.client()


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("status", "code"), [(503, "ServerBusy"), (429, "TooManyRequests")])
@in_child()
def test_after_a_busy_answer_a_conflict_is_one(write: str, status: int, code: str, tmp_path: Path) -> None:
    # "Busy" says that nothing was done, so whoever has the blob now, with the same bytes, is somebody else.
    content, operation, call = WRITES[write]
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = prepare(azure, tmp_path)
        azure.client().write("data/lock", content)
        azure.add_fault(operation=operation, status=status, code=code, times=1)
        with pytest.raises(fastblob.BlobExistsError):
            call(client, tmp_path)


@pytest.mark.parametrize("write", WRITES)
@in_child()
def test_a_lease_on_the_blob_says_that_there_is_one(write: str, tmp_path: Path) -> None:
    # Azure looks at the lease before it looks at whether the blob may exist; so it does for a single block.
    content, operation, call = WRITES[write]
    for struck in [operation, "PutBlock"] if content is LARGE else [operation]:
        with LocalAzure(tls=False, containers=["data"]) as azure:
            client = prepare(azure, tmp_path)
            azure.add_fault(operation=struck, status=412, code="LeaseIdMissing")
            with pytest.raises(fastblob.BlobExistsError) as caught:
                call(client, tmp_path)
            assert (caught.value.status_code, caught.value.error_code) == (412, "LeaseIdMissing")


LEASE = "1f812371-a41d-49e6-b123-f4b542e851c5"


@pytest.mark.parametrize(
    ("code", "options", "error"),
    [
        ("LeaseIdMissing", {"if_none_match": "*"}, fastblob.BlobExistsError),
        ("LeaseIdMissing", {"overwrite": True}, fastblob.BlobModifiedError),
        ("LeaseIdMissing", {"if_match": ETAG}, fastblob.BlobModifiedError),
        ("LeaseLost", {"lease": LEASE}, fastblob.BlobExistsError),
        ("LeaseLost", {"lease": LEASE, "overwrite": True}, fastblob.BlobModifiedError),
        # The lease that the caller meant to hold is another's; or there may be no blob at all.
        ("LeaseIdMismatchWithBlobOperation", {"lease": LEASE}, fastblob.BlobModifiedError),
        ("LeaseNotPresentWithBlobOperation", {"lease": LEASE}, fastblob.BlobModifiedError),
    ],
)
@in_child()
def test_a_lease_is_a_conflict_only_for_who_wants_no_blob_there(
    code: str, options: dict[str, Any], error: type[fastblob.TransferError]
) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        azure.add_fault(operation="PutBlob", status=412, code=code)
        with pytest.raises(error) as caught:
            azure.client().write("data/lock", SMALL, **options)
        assert type(caught.value) is error


@pytest.mark.parametrize("write", WRITES)
@in_child()
def test_two_writers_of_the_same_bytes_do_not_both_win(write: str, tmp_path: Path) -> None:
    # One after the other, the second one's first try struck by a busy service.
    _, operation, call = WRITES[write]
    with LocalAzure(tls=False, containers=["data"]) as azure:
        first, second = prepare(azure, tmp_path), azure.client()
        call(first, tmp_path)
        azure.add_fault(operation=operation, status=503, code="ServerBusy", times=1)
        with pytest.raises(fastblob.BlobExistsError):
            call(second, tmp_path)


@pytest.mark.parametrize("write", [name for name in WRITES if name != "copy"])
@in_child()
def test_a_lost_answer_is_no_conflict(write: str, tmp_path: Path) -> None:
    content, operation, call = WRITES[write]
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = prepare(azure, tmp_path)
        azure.add_fault(operation=operation, lose_answer=True, times=1)
        call(client, tmp_path)
        assert client.read("data/lock") == content


OPTIONS: dict[str, Any] = {"metadata": {"owner": "us"}, "content_type": "text/plain", "tags": {"who": "us"}}


class TheirBlob:
    """The answer to the first Put Blob gets lost, the second one is refused: there is a blob. Is it ours?

    Args:
        difference: In what it differs from the one that was sent; empty: in nothing.
    """

    def __init__(self, difference: str) -> None:
        self.difference = difference
        self.puts = 0
        self.content = SMALL
        self.metadata = {"owner": "us"}
        self.content_type = "text/plain"
        self.tags = {"who": "us"}
        self.created = formatdate(usegmt=True)
        if difference == "content":
            self.content = SMALL[::-1]
        elif difference == "length":
            self.content = SMALL + b"!"
        elif difference == "metadata":
            self.metadata = {"owner": "them"}
        elif difference == "more metadata":
            self.metadata = {"owner": "us", "more": "1"}
        elif difference == "no metadata":
            self.metadata = {}
        elif difference == "content type":
            self.content_type = "application/json"
        elif difference == "tags":
            self.tags = {"who": "them"}
        elif difference == "no tags":
            self.tags = {}
        elif difference == "created before":
            self.created = TIME

    def respond(self, connection: Connection, request: Request) -> None:
        """Answers as the service that holds the blob."""
        if request.method == "PUT":
            self.puts += 1
            if self.puts == 1:
                # Whoever made the blob made it now, unless that is the difference.
                self.created = TIME if self.difference == "created before" else formatdate(usegmt=True)
                connection.close()
            else:
                connection.answer_error(request, 409, "BlobAlreadyExists")
        elif request.query.get("comp") == "tags":
            tags = "".join(
                f"<Tag><Key>{escape(name)}</Key><Value>{escape(value)}</Value></Tag>"
                for name, value in self.tags.items()
            )
            body = f'<?xml version="1.0" encoding="utf-8"?><Tags><TagSet>{tags}</TagSet></Tags>'
            connection.answer(request, 200, {"Content-Type": "application/xml"}, body.encode())
        elif request.query.get("comp") == "blocklist":
            body = '<?xml version="1.0" encoding="utf-8"?><BlockList><CommittedBlocks /></BlockList>'
            connection.answer(request, 200, {"Content-Type": "application/xml"}, body.encode())
        elif request.method == "HEAD":
            connection.answer(request, 200, {**self.properties(), "Content-Length": str(len(self.content))})
        else:
            connection.answer_range(request, self.content, self.properties())

    def properties(self) -> dict[str, str | None]:
        """The headers that a Get Blob and a Get Blob Properties have."""
        md5 = base64.b64encode(hashlib.md5(self.content, usedforsecurity=False).digest()).decode()
        return {
            "ETag": ETAG,
            "Last-Modified": self.created,
            "x-ms-creation-time": self.created,
            "x-ms-blob-type": "BlockBlob",
            "Content-MD5": md5,
            "Content-Type": self.content_type,
            "x-ms-tag-count": str(len(self.tags)) if self.tags else None,
            **{f"x-ms-meta-{name}": value for name, value in self.metadata.items()},
        }


@pytest.mark.parametrize(
    "difference",
    [
        *("content", "length", "metadata", "more metadata", "no metadata", "content type", "tags", "no tags"),
        "created before",
    ],
)
@in_child()
def test_a_lost_answer_and_somebody_elses_blob(difference: str) -> None:
    with Server(each(TheirBlob(difference).respond)) as server, pytest.raises(fastblob.BlobExistsError):
        server.client().write("data/lock", SMALL, **OPTIONS)


@in_child()
def test_a_lost_answer_and_our_blob() -> None:
    theirs = TheirBlob("")
    with Server(each(theirs.respond)) as server:
        result = server.client().write("data/lock", SMALL, **OPTIONS)
    assert (theirs.puts, result.etag, result.size) == (2, ETAG, len(SMALL))


@pytest.mark.parametrize("status", [503, 429])
@pytest.mark.parametrize("call", ["delete", "delete_many"])
@in_child()
def test_after_a_busy_answer_a_missing_blob_is_missing(status: int, call: str) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client: Any = azure.client()
        azure.add_fault(
            method="DELETE" if call == "delete" else "POST", status=status, times=1, code="ServerBusy"
        )
        with pytest.raises(fastblob.BlobNotFoundError):
            client.delete("data/none") if call == "delete" else client.delete_many(["data/none"])


@pytest.mark.parametrize(
    ("status", "code", "is_open"),
    [
        (401, "InvalidAuthenticationInfo", False),
        (503, "ServerBusy", False),
        (429, "TooManyRequests", False),
        (500, "InternalError", True),
    ],
)
@in_child()
def test_after_a_part_of_a_batch_that_was_refused_a_missing_blob_is_missing(
    status: int, code: str, is_open: bool
) -> None:
    # Tried again alone, it is not there. Only where the part may have been carried out is that a success.
    part = "HTTP/1.1 {} x\r\nx-ms-request-id: r\r\nx-ms-error-code: {}\r\n\r\n"

    def respond(connection: Connection, request: Request) -> None:
        if request.query.get("comp") != "batch":
            connection.answer_error(request, 404, "BlobNotFound")
            return
        parts = [f"--b\r\nContent-ID: {index}\r\n\r\n{part.format(status, code)}" for index in range(2)]
        body = "".join(parts) + "--b--\r\n"
        connection.answer(request, 202, {"Content-Type": "multipart/mixed; boundary=b"}, body.encode())

    with Server(each(respond)) as server:
        results = server.client().delete_many(["data/a", "data/b"], on_error="collect")
        assert [request.method for request in server.heads] == ["POST", "DELETE", "DELETE"]
        for result in results:
            assert result.error is None if is_open else isinstance(result.error, fastblob.BlobNotFoundError)


@in_child()
def test_capability_flags_are_not_set_by_refusals_of_something_else(tmp_path: Path) -> None:
    # Refusals that name another header say nothing about checksums: later uploads go on with CRC64.
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client(max_retries=0)
        for number in range(4):
            azure.add_fault(operation="PutBlob", status=400, code="InvalidHeaderValue", times=1)
            with contextlib.suppress(fastblob.ServiceError):
                client.write(f"data/{number}", SMALL)
            azure.clear_faults()
        azure.clear_requests()
        client.write("data/last", SMALL)
        client.write("data/large", LARGE)
        uploads = [record for record in azure.requests() if record.operation in {"PutBlob", "PutBlock"}]
        assert all(record.content_crc64 for record in uploads)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "InvalidHeaderValue"),
        (400, "UnsupportedHeader"),
        (500, "InternalError"),
        (501, "NotImplemented"),
    ],
)
@in_child()
def test_capability_flags_are_not_set_when_the_alternative_fails_too(status: int, code: str) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client(max_retries=0)
        azure.add_fault(operation="PutBlob", status=status, code=code)
        for number in range(3):
            with pytest.raises(fastblob.ServiceError):
                client.write(f"data/{number}", SMALL)
        azure.clear_faults()
        azure.clear_requests()
        client.write("data/last", SMALL)
        assert [bool(record.content_crc64) for record in azure.requests()] == [True]
