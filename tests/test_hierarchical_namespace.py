"""Accounts with hierarchical namespace: a directory is not a blob, though the service answers as if it were.

The answers are those of such an account, as recordings have them: a directory is an empty block blob with
``hdi_isfolder`` to whoever asks for it by name, and in a list its ``ResourceType`` is ``directory``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastblob
import pytest
from hostile.server import ETAG, TIME, Connection, Request, Server, each

DIRECTORIES = {"dir", "dir/below"}
FILES = {"dir/below/file": b"content", "dir/empty": b"", "file": b"more"}


def entry(name: str) -> str:
    """What a flat list has of a path."""
    kind = "directory" if name in DIRECTORIES else "file"
    return (
        f"<Blob><Name>{name}</Name><Properties><Creation-Time>{TIME}</Creation-Time><Last-Modified>{TIME}"
        f"</Last-Modified><Etag>0x8DA0000000000A1</Etag><ResourceType>{kind}</ResourceType><Content-Length>"
        f"{len(FILES.get(name, b''))}</Content-Length><BlobType>BlockBlob</BlobType></Properties>"
        "<OrMetadata /></Blob>"
    )


def list_of(prefix: str, *, one_level: bool) -> str:
    """What a list below a prefix has."""
    names = sorted(name for name in DIRECTORIES | set(FILES) if name.startswith(prefix))
    if not one_level:
        return "".join(map(entry, names))
    # A directory is named once, as the prefix that it is.
    return "".join(
        f"<BlobPrefix><Name>{name}/</Name><Properties><ResourceType>directory</ResourceType></Properties></BlobPrefix>"
        if name in DIRECTORIES
        else entry(name)
        for name in names
        if "/" not in name.removeprefix(prefix)
    )


def respond(connection: Connection, request: Request) -> None:
    """Answers as the account does."""
    name = request.path.removeprefix("/data").removeprefix("/")
    headers = {"ETag": ETAG, "Last-Modified": TIME, "x-ms-blob-type": "BlockBlob"}
    if request.query.get("comp") == "list":
        listed = list_of(request.query.get("prefix", ""), one_level="delimiter" in request.query)
        body = (
            '\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="data"><Blobs>'
            f"{listed}</Blobs><NextMarker /></EnumerationResults>"
        )
        connection.answer(request, 200, {"Content-Type": "application/xml"}, body.encode())
    elif name not in DIRECTORIES | set(FILES):
        connection.answer_error(request, 404, "BlobNotFound")
    elif request.method == "GET":
        connection.answer_range(request, FILES.get(name, b""), headers)
    else:
        folder = {"x-ms-meta-hdi_isfolder": "true"} if name in DIRECTORIES else {}
        length = str(len(FILES.get(name, b"")))
        connection.answer(request, 200, {**headers, **folder, "Content-Length": length})


@pytest.fixture
def client() -> Iterator[Any]:
    with Server(each(respond)) as server:
        yield server.client()


@pytest.mark.parametrize("directory", sorted(DIRECTORIES))
def test_a_directory_is_no_blob(client: fastblob.Client, directory: str, tmp_path: Path) -> None:
    assert not client.exists(f"data/{directory}")
    for call in (
        lambda: client.properties(f"data/{directory}"),
        lambda: client.read(f"data/{directory}"),
        lambda: client.read_into(f"data/{directory}", bytearray(10)),
        lambda: client.download(f"data/{directory}", tmp_path / "file"),
    ):
        with pytest.raises(fastblob.BlobNotFoundError, match="a directory") as caught:
            call()
        assert caught.value.request_id
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_one(client: fastblob.Client) -> None:
    for name, content in FILES.items():
        assert client.exists(f"data/{name}")
        assert client.properties(f"data/{name}").size == len(content)
        assert client.read(f"data/{name}") == content


def test_lists_have_no_directories(client: fastblob.Client, tmp_path: Path) -> None:
    assert [item.name for item in client.list("data")] == sorted(FILES)
    assert [item.name for item in client.list("data/dir")] == ["dir/below/file", "dir/empty"]
    level = [(item.name, item.is_prefix) for item in client.list("data/dir", delimiter="/")]
    assert level == [("dir/below", True), ("dir/empty", False)]
    client.download_prefix("data/dir", tmp_path)
    assert (tmp_path / "below" / "file").read_bytes() == b"content"
    assert (tmp_path / "empty").read_bytes() == b""
