"""The calls of fastblob, and of azure-storage-blob, that a recorded answer is an answer to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import fastblob
from azure.core import MatchConditions
from azure.storage.blob import BlobBlock, BlobServiceClient, ContentSettings
from fastblob import BlobPath

LEASE = "fa57b10b-0000-4000-8000-000000000001"
MIB = 1 << 20


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    Attributes:
        body: What is written.
        span: First byte and number of bytes that are read; None: all.
        overwrite: Whether a blob that is there may be replaced.
        known: The ETag of what need not be read again.
    """

    container: str = "data"
    name: str = "blob"
    body: bytes = b"content"
    span: tuple[int, int] | None = None
    overwrite: bool = True
    known: str | None = None

    @property
    def path(self) -> BlobPath:
        """The blob, whatever its name."""
        return BlobPath(self.container, self.name)


Ours = Callable[[fastblob.Client, Asked], Any]
Theirs = Callable[[BlobServiceClient, Asked], Any]


def _blob(sdk: BlobServiceClient, asked: Asked) -> Any:
    return sdk.get_blob_client(asked.container, asked.name)


def _their_condition(asked: Asked) -> dict[str, Any]:
    known = {"etag": asked.known, "match_condition": MatchConditions.IfModified}
    return known if asked.known else {}


def _read(client: fastblob.Client, asked: Asked) -> bytes:
    return client.read(asked.path, *(asked.span or ()), if_none_match=asked.known)


def _their_read(sdk: BlobServiceClient, asked: Asked) -> bytes:
    data = _blob(sdk, asked).download_blob(*(asked.span or ()), **_their_condition(asked)).readall()
    assert isinstance(data, bytes)
    return data


def _write_blocks(client: fastblob.Client, asked: Asked) -> Any:
    return client.write(asked.path, bytes(9 * MIB), overwrite=asked.overwrite)


def _their_write(sdk: BlobServiceClient, asked: Asked) -> Any:
    return _blob(sdk, asked).upload_blob(asked.body, overwrite=asked.overwrite)


def _their_block_list(sdk: BlobServiceClient, asked: Asked) -> Any:
    condition = {} if asked.overwrite else {"if_none_match": "*"}
    return _blob(sdk, asked).commit_block_list([BlobBlock("MQ==")], **condition)


def _copy(client: fastblob.Client, asked: Asked) -> Any:
    return client.copy("data/source", asked.path, overwrite=asked.overwrite)


def _their_copy(sdk: BlobServiceClient, asked: Asked) -> Any:
    source = sdk.get_blob_client("data", "source").url
    return _blob(sdk, asked).start_copy_from_url(source)


def _copy_from(client: fastblob.Client, asked: Asked) -> Any:
    # The speaker says how large each source is.
    return client.copy_from(client, "data/source", asked.path, overwrite=asked.overwrite)


def _copy_blocks(client: fastblob.Client, asked: Asked) -> Any:
    return client.copy_from(client, "data/large", asked.path, overwrite=asked.overwrite)


def _their_copy_from(sdk: BlobServiceClient, asked: Asked) -> Any:
    source = sdk.get_blob_client("data", "source").url
    return _blob(sdk, asked).upload_blob_from_url(source, overwrite=asked.overwrite)


def _their_copied_block(sdk: BlobServiceClient, asked: Asked) -> Any:
    source = sdk.get_blob_client("data", "source").url
    return _blob(sdk, asked).stage_block_from_url("MQ==", source)


def _list(client: fastblob.Client, asked: Asked) -> Any:
    return list(client.list(asked.container))


def _their_list(sdk: BlobServiceClient, asked: Asked) -> Any:
    return list(sdk.get_container_client(asked.container).list_blobs())


# By the operation's name in Azure's documentation: https://learn.microsoft.com/rest/api/storageservices
CALLS: dict[str, tuple[Ours, Theirs]] = {
    "GetBlob": (_read, _their_read),
    "GetBlobProperties": (
        lambda client, asked: client.properties(asked.path, if_none_match=asked.known),
        lambda sdk, asked: _blob(sdk, asked).get_blob_properties(**_their_condition(asked)),
    ),
    "PutBlob": (
        lambda client, asked: client.write(asked.path, asked.body, overwrite=asked.overwrite),
        _their_write,
    ),
    "PutBlock": (_write_blocks, lambda sdk, asked: _blob(sdk, asked).stage_block("MQ==", asked.body)),
    "PutBlockList": (_write_blocks, _their_block_list),
    "CopyBlob": (_copy, _their_copy),
    "PutBlobFromURL": (_copy_from, _their_copy_from),
    "PutBlockFromURL": (_copy_blocks, _their_copied_block),
    "DeleteBlob": (
        lambda client, asked: client.delete(asked.path),
        lambda sdk, asked: _blob(sdk, asked).delete_blob(),
    ),
    "SetBlobMetadata": (
        lambda client, asked: client.set_metadata(asked.path, {"k": "v"}),
        lambda sdk, asked: _blob(sdk, asked).set_blob_metadata({"k": "v"}),
    ),
    "SetBlobProperties": (
        lambda client, asked: client.set_http_headers(asked.path, content_type="text/plain"),
        lambda sdk, asked: _blob(sdk, asked).set_http_headers(ContentSettings("text/plain")),
    ),
    "GetBlobTags": (
        lambda client, asked: client.get_tags(asked.path),
        lambda sdk, asked: _blob(sdk, asked).get_blob_tags(),
    ),
    "SetBlobTags": (
        lambda client, asked: client.set_tags(asked.path, {"k": "v"}),
        lambda sdk, asked: _blob(sdk, asked).set_blob_tags({"k": "v"}),
    ),
    "SetBlobTier": (
        lambda client, asked: client.set_tier(asked.path, "Cool"),
        lambda sdk, asked: _blob(sdk, asked).set_standard_blob_tier("Cool"),
    ),
    "ListBlobs": (_list, _their_list),
}

BY_COMP = {
    ("PUT", "block"): "PutBlock",
    ("PUT", "blocklist"): "PutBlockList",
    ("PUT", "metadata"): "SetBlobMetadata",
    ("PUT", "properties"): "SetBlobProperties",
    ("GET", "tags"): "GetBlobTags",
    ("PUT", "tags"): "SetBlobTags",
    ("PUT", "tier"): "SetBlobTier",
    ("GET", ""): "GetBlob",
    ("HEAD", ""): "GetBlobProperties",
    ("DELETE", ""): "DeleteBlob",
}

# What fastblob does not ask for: another state of a blob than the current one.
OTHER_STATES = re.compile(
    r"snapshot|versionid|showonly|include=[^&]*(deleted|snapshots|versions|uncommitted)"
)


def operation(method: str, url: str, headers: dict[str, str]) -> str | None:
    """The operation that a request asks for; None where fastblob has no call for it."""
    query = parse_qs(urlsplit(url).query)
    comp = query.get("comp", [""])[0]
    container, _, name = urlsplit(url).path.strip("/").partition("/")
    if OTHER_STATES.search(urlsplit(url).query) or not container:
        return None
    if comp == "list":
        return "ListBlobs"
    if not name or "restype" in query:
        return None
    if comp == "block" and "x-ms-copy-source" in headers:
        return "PutBlockFromURL"
    return _of_put(headers) if (method, comp) == ("PUT", "") else BY_COMP.get((method, comp))


def _of_put(headers: dict[str, str]) -> str | None:
    if "x-ms-copy-source" not in headers:
        return "PutBlob" if headers.get("x-ms-blob-type") == "BlockBlob" else None
    if "x-ms-blob-type" in headers:
        return "PutBlobFromURL"
    return None if "x-ms-requires-sync" in headers else "CopyBlob"


def asked_for(url: str, headers: dict[str, str], body: bytes) -> Asked:
    """What a request asks for."""
    container, _, name = unquote(urlsplit(url).path).lstrip("/").partition("/")
    span = None
    found = re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("x-ms-range", headers.get("range", "")))
    if found:
        span = (int(found[1]), int(found[2]) - int(found[1]) + 1)
    known = headers.get("if-none-match") or None
    return Asked(container, name, body, span, known is None, known if known != "*" else None)
