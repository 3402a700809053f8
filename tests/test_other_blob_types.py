"""Append blobs and page blobs of other programs: all but writing them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fastblob
import pytest
from fastblob.local import LocalAzure
from hostile.server import ETAG, TIME, Connection, Request, Server, each
from support import MIB, Account, content

DATA = content(1 * MIB)
TYPES = {"AppendBlob": "an append blob", "PageBlob": "a page blob"}


@pytest.fixture(params=TYPES)
def blob(request: pytest.FixtureRequest, azurite_account: Account, service: LocalAzure) -> Any:
    """A blob of another type, with content type and metadata."""
    sdk = azurite_account.sdk.create_container(f"types-{request.param.lower()}")
    sdk.upload_blob("blob", DATA, blob_type=request.param, metadata={"owner": "us"})
    yield request.param, f"types-{request.param.lower()}/blob"
    sdk.delete_container()


def test_they_are_read_listed_copied_and_deleted(
    blob: tuple[str, str], azurite_account: Account, tmp_path: Path
) -> None:
    blob_type, path = blob
    client = azurite_account.client()
    assert client.read(path) == DATA
    assert client.read(path, 1000, 10) == DATA[1000:1010]
    client.download(path, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == DATA
    (item,) = client.list(path.partition("/")[0])
    properties = client.properties(path)
    for found in (item, properties):
        assert (found.blob_type, found.size) == (blob_type, len(DATA))
        assert found.content_type == "application/octet-stream"
    assert properties.metadata == {"owner": "us"}
    client.set_metadata(path, {"owner": "them"})
    assert client.properties(path).metadata == {"owner": "them"}
    copied = client.copy(path, f"{path}-copy")
    assert (copied.blob_type, client.read(f"{path}-copy")) == (blob_type, DATA)
    client.delete_many([path, f"{path}-copy"])
    assert not client.exists(path)


@pytest.mark.parametrize("size", [10, 20 * MIB], ids=["at once", "in blocks"])
@pytest.mark.parametrize("blob_type", TYPES)
def test_a_write_says_what_is_there(blob_type: str, size: int) -> None:
    def respond(connection: Connection, request: Request) -> None:
        if request.method == "HEAD":
            head = {"ETag": ETAG, "Last-Modified": TIME, "x-ms-blob-type": blob_type}
            connection.answer(request, 200, head)
        else:
            connection.answer_error(request, 409, "InvalidBlobType")

    with Server(each(respond)) as server, pytest.raises(fastblob.BlobConflictError) as caught:
        server.client().write("data/blob", bytes(size), overwrite=True)
    assert f"the blob is {TYPES[blob_type]}, not a block blob" in str(caught.value)
    assert "delete it first or write to another name" in str(caught.value)
    assert (caught.value.status_code, caught.value.error_code) == (409, "InvalidBlobType")


def test_where_nothing_more_is_told_the_error_is_as_it_was() -> None:
    def respond(connection: Connection, request: Request) -> None:
        if request.method == "HEAD":
            connection.answer(request, 404, {"x-ms-error-code": "BlobNotFound"})
        else:
            connection.answer_error(request, 409, "InvalidBlobType")

    with (
        Server(each(respond)) as server,
        pytest.raises(fastblob.BlobConflictError, match="not a block blob") as caught,
    ):
        server.client().write("data/blob", b"x", overwrite=True)
    assert caught.value.error_code == "InvalidBlobType"
