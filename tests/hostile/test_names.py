"""Names that are found are taken as they are: what ``list`` returns can be read, copied and deleted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import fastblob
import pytest
from fastblob.local import LocalAzure
from hostile.child import in_child
from hostile.server import Connection, Request, Server, each, list_page

# Each legal for the service, and refused where somebody makes it as a path.
FOUND = [
    "dir/",
    "a//b",
    "/leading",
    "a\\b",
    "trailing.",
    " spaces ",
    "a/./b",
    "a/../b",
    "..",
    ".",
    "a?b",
    "%2F",
    "//",
    "caf\u00e9/\U0001f600",
]


class OneBlob:
    """A service that lists one blob and has it under exactly this name.

    Names are compared as the service would decode them: once, without folding.
    """

    def __init__(self, name: str, container: str = "data") -> None:
        self.name = name
        self.container = container
        self.deleted = False
        self.asked: list[str] = []

    def respond(self, connection: Connection, request: Request) -> None:
        """Answers for that name alone."""
        if request.query.get("comp") == "list":
            escaped = self.name.replace("&", "&amp;").replace("<", "&lt;")
            names = [] if self.deleted else [escaped]
            connection.answer(request, 200, {"Content-Type": "application/xml"}, list_page(names))
            return
        if request.query.get("comp") == "batch":
            connection.answer_error(request, 400, "NotForThisTest")
            return
        self.asked.append(request.path)
        if request.path != f"/{self.container}/{self.name}" and request.method != "PUT":
            connection.answer_error(request, 404, "BlobNotFound")
        elif request.method == "DELETE":
            self.deleted = True
            connection.answer(request, 202, {"x-ms-delete-type-permanent": "true"})
        elif request.method == "HEAD":
            head = {
                "ETag": '"0x1"',
                "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT",
                "x-ms-blob-type": "BlockBlob",
            }
            connection.answer(request, 200, {**head, "Content-Length": "3"})
        elif request.method == "PUT" and "x-ms-copy-source" in request.headers:
            head = {"ETag": '"0x1"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
            connection.answer(request, 202, {**head, "x-ms-copy-id": "1", "x-ms-copy-status": "success"})
        elif request.method == "PUT":
            connection.answer(
                request, 201, {"ETag": '"0x1"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
            )
        else:
            connection.answer_range(request, b"abc")


CALLS: dict[str, Callable[[Any, Any, Path], object]] = {
    "read": lambda client, blob, folder: client.read(blob),
    "read_into": lambda client, blob, folder: client.read_into(blob, bytearray(3)),
    "read_many": lambda client, blob, folder: client.read_many([blob]),
    "download": lambda client, blob, folder: client.download(blob, folder / "target"),
    "download_many": lambda client, blob, folder: client.download_many([(blob, folder / "target")]),
    "properties": lambda client, blob, folder: client.properties(blob),
    "properties_many": lambda client, blob, folder: client.properties_many([blob]),
    "exists": lambda client, blob, folder: client.exists(blob),
    "write": lambda client, blob, folder: client.write(blob, b"abc", overwrite=True),
    "write_many": lambda client, blob, folder: client.write_many([(blob, b"abc")], overwrite=True),
    "delete": lambda client, blob, folder: client.delete(blob),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("how", ["the item", "BlobPath"])
@in_child()
def test_every_call_takes_what_list_returns(call: str, how: str, tmp_path: Path) -> None:
    failed = {}
    for name in FOUND:
        one = OneBlob(name)
        with Server(each(one.respond)) as server:
            client = server.client(max_retries=0)
            (item,) = client.list("data")
            assert item.name == name
            blob: Any = item if how == "the item" else fastblob.BlobPath("data", name)
            try:
                CALLS[call](client, blob, tmp_path)
            except (fastblob.TransferError, ValueError, TypeError) as error:
                failed[name] = repr(error)
            else:
                assert set(one.asked) == {f"/data/{name}"}
    assert not failed


@in_child()
def test_a_copy_of_what_list_returns() -> None:
    asked = []
    for name in FOUND:
        one = OneBlob(name)
        with Server(each(one.respond)) as server:
            client = server.client(max_retries=0)
            (item,) = client.list("data")
            # The target's properties are those of a blob that this service does not have.
            with contextlib.suppress(fastblob.BlobNotFoundError):
                client.copy(item, fastblob.BlobPath("data", "target"), overwrite=True)
            (copy,) = [head for head in server.heads if head.method == "PUT"]
            source = unquote(urlsplit(copy.headers["x-ms-copy-source"]).path)
            asked.append(source.partition("/account/data/")[2])
    assert asked == FOUND


@pytest.mark.parametrize("container", ["$root", "$web", "$logs", "$blobchangefeed"])
@in_child()
def test_containers_that_are_found(container: str) -> None:
    one = OneBlob("blob", container)
    with Server(each(one.respond)) as server:
        client = server.client(max_retries=0)
        (item,) = client.list(container)
        assert client.read(item) == b"abc"
        assert client.read(fastblob.BlobPath(container, "blob")) == b"abc"


def test_a_blob_path_of_two_arguments_takes_the_name_verbatim() -> None:
    paths = [fastblob.BlobPath("data", name) for name in FOUND]
    assert [(path.container, path.name) for path in paths] == [("data", name) for name in FOUND]


@pytest.mark.parametrize(
    "path", ["data/dir/", "data/a//b", "/data/a", "data/a\\b", "data/a/../b", "data/..", "", "https://a/b"]
)
def test_a_path_that_is_made_is_checked(path: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        fastblob.BlobPath(path)


@in_child()
def test_items_of_a_listing_with_the_embedded_service() -> None:
    from azure.storage.blob import BlobServiceClient

    names = ["dir/", "a//b", "/leading", "trailing.", "caf\u00e9", "a b", "%41", "a+b", "a#b", "a?b=c&d"]
    with LocalAzure(tls=False, containers=["data"]) as azure:
        with BlobServiceClient(
            azure.blob_endpoint, credential=azure.account_key, api_version="2024-11-04"
        ) as sdk:
            for name in names:
                sdk.get_blob_client("data", name).upload_blob(name.encode())
        client: Any = azure.client()
        items = list(client.list("data"))
        assert sorted(item.name for item in items) == sorted(names)
        assert client.read_many(items) == [item.name.encode() for item in items]
        assert client.properties_many(items)
        client.delete_many(items)
        assert not list(client.list("data"))


@in_child()
def test_what_a_delimiter_lists_can_be_listed_again() -> None:
    from azure.storage.blob import BlobServiceClient

    names = {"a/b/c", "a//b", "/x", "d/e"}
    with LocalAzure(tls=False, containers=["data"]) as azure:
        with BlobServiceClient(
            azure.blob_endpoint, credential=azure.account_key, api_version="2024-11-04"
        ) as sdk:
            for name in names:
                sdk.get_blob_client("data", name).upload_blob(b"x")
        client: Any = azure.client()
        found = set()
        waiting: list[Any] = ["data"]
        while waiting:
            for item in client.list(waiting.pop(), delimiter="/"):
                if item.is_prefix:
                    waiting.append(item)
                else:
                    found.add(item.name)
        assert found == names
