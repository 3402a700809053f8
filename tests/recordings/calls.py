"""The calls of fastblob, and of azure-storage-blob, that a recorded answer is an answer to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import fastblob
from azure.core import MatchConditions
from azure.storage.blob import BlobBlock, BlobLeaseClient, BlobServiceClient, ContentSettings
from fastblob import BlobPath

LEASE = "fa57b10b-0000-4000-8000-000000000001"
MIB = 1 << 20
FOUND = "\"state\" = 'done'"


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    Attributes:
        body: What is written.
        span: First byte and number of bytes that are read; None: all.
        overwrite: Whether a blob that is there may be replaced.
        known: The ETag of what need not be read again.
        lease: The ID of the lease that is acquired, renewed or released, or that a changed one has then.
        state: What names a version or a snapshot.
        include: What a list tells and has besides.
        snapshots: What becomes of the snapshots of what is deleted.
    """

    container: str = "data"
    name: str = "blob"
    body: bytes = b"content"
    span: tuple[int, int] | None = None
    overwrite: bool = True
    known: str | None = None
    lease: str = LEASE
    state: dict[str, str] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    snapshots: str | None = None

    @property
    def path(self) -> BlobPath:
        """The blob, whatever its name."""
        return BlobPath(self.container, self.name, **self.state)


Ours = Callable[[fastblob.Client, Asked], Any]
Theirs = Callable[[BlobServiceClient, Asked], Any]


def _blob(sdk: BlobServiceClient, asked: Asked) -> Any:
    return sdk.get_blob_client(asked.container, asked.name, **asked.state)


def _container(sdk: BlobServiceClient, asked: Asked) -> Any:
    return sdk.get_container_client(asked.container)


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


def _their_lease(sdk: BlobServiceClient, asked: Asked) -> BlobLeaseClient:
    return BlobLeaseClient(_blob(sdk, asked), asked.lease)


def _list(client: fastblob.Client, asked: Asked) -> Any:
    include: Any = asked.include
    return list(client.list(asked.container, include=include))


def _their_list(sdk: BlobServiceClient, asked: Asked) -> Any:
    include: Any = [word.replace("uncommitted", "uncommittedblobs") for word in asked.include]
    return list(sdk.get_container_client(asked.container).list_blobs(include=include))


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
    "DeleteBlob": (
        lambda client, asked: client.delete(asked.path, snapshots=cast("Any", asked.snapshots)),
        lambda sdk, asked: _blob(sdk, asked).delete_blob(delete_snapshots=asked.snapshots),
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
    "CreateContainer": (
        # Some were recorded with names that fastblob refuses before it sends anything.
        lambda client, asked: client.create_container("data"),
        lambda sdk, asked: sdk.get_container_client("data").create_container(),
    ),
    "DeleteContainer": (
        lambda client, asked: client.delete_container(asked.container),
        lambda sdk, asked: _container(sdk, asked).delete_container(),
    ),
    "GetContainerProperties": (
        lambda client, asked: client.container_properties(asked.container),
        lambda sdk, asked: _container(sdk, asked).get_container_properties(),
    ),
    "SetContainerMetadata": (
        lambda client, asked: client.set_container_metadata(asked.container, {"k": "v"}),
        lambda sdk, asked: _container(sdk, asked).set_container_metadata({"k": "v"}),
    ),
    "ListContainers": (
        lambda client, asked: list(client.list_containers(include=("metadata", "deleted"))),
        lambda sdk, asked: list(sdk.list_containers(include_metadata=True, include_deleted=True)),
    ),
    "GetAccountInformation": (
        lambda client, asked: client.account_information(),
        lambda sdk, asked: sdk.get_account_information(),
    ),
    "LeaseBlob, acquire": (
        lambda client, asked: client.acquire_lease(asked.path, id=asked.lease),
        lambda sdk, asked: _their_lease(sdk, asked).acquire(),
    ),
    "LeaseBlob, renew": (
        lambda client, asked: client.renew_lease(asked.path, asked.lease),
        lambda sdk, asked: _their_lease(sdk, asked).renew(),
    ),
    "LeaseBlob, change": (
        lambda client, asked: client.change_lease(asked.path, LEASE, asked.lease),
        lambda sdk, asked: _their_lease(sdk, asked).change(asked.lease),
    ),
    "LeaseBlob, release": (
        lambda client, asked: client.release_lease(asked.path, asked.lease),
        lambda sdk, asked: _their_lease(sdk, asked).release(),
    ),
    "LeaseBlob, break": (
        lambda client, asked: client.break_lease(asked.path),
        lambda sdk, asked: _their_lease(sdk, asked).break_lease(),
    ),
    "SnapshotBlob": (
        lambda client, asked: client.create_snapshot(asked.path),
        lambda sdk, asked: _blob(sdk, asked).create_snapshot(),
    ),
    "UndeleteBlob": (
        lambda client, asked: client.undelete(asked.path),
        lambda sdk, asked: _blob(sdk, asked).undelete_blob(),
    ),
    "FindBlobs": (
        lambda client, asked: list(client.find(FOUND, container=asked.container or None)),
        lambda sdk, asked: list(
            sdk.get_container_client(asked.container).find_blobs_by_tags(FOUND)
            if asked.container
            else sdk.find_blobs_by_tags(FOUND)
        ),
    ),
}

BY_COMP = {
    ("PUT", "block"): "PutBlock",
    ("PUT", "blocklist"): "PutBlockList",
    ("PUT", "metadata"): "SetBlobMetadata",
    ("PUT", "properties"): "SetBlobProperties",
    ("GET", "tags"): "GetBlobTags",
    ("PUT", "tags"): "SetBlobTags",
    ("PUT", "tier"): "SetBlobTier",
    ("PUT", "snapshot"): "SnapshotBlob",
    ("PUT", "undelete"): "UndeleteBlob",
    ("GET", ""): "GetBlob",
    ("HEAD", ""): "GetBlobProperties",
    ("DELETE", ""): "DeleteBlob",
}

BY_COMP_OF_CONTAINER = {
    ("GET", "blobs"): "FindBlobs",
    ("PUT", ""): "CreateContainer",
    ("DELETE", ""): "DeleteContainer",
    ("GET", ""): "GetContainerProperties",
    ("PUT", "metadata"): "SetContainerMetadata",
    ("GET", "list"): "ListBlobs",
}
BY_COMP_OF_ACCOUNT = {
    ("GET", "list"): "ListContainers",
    ("GET", "properties"): "GetAccountInformation",
    ("GET", "blobs"): "FindBlobs",
}

# What fastblob does not ask for: what only accounts with hierarchical namespace have, and the names of blobs
# of which there are old versions alone.
OTHER_LISTS = re.compile(r"showonly|include=[^&]*(deletedwithversions|permissions|system)")


def operation(method: str, url: str, headers: dict[str, str]) -> str | None:
    """The operation that a request asks for; None where fastblob has no call for it."""
    query = parse_qs(urlsplit(url).query)
    comp = query.get("comp", [""])[0]
    container, _, name = urlsplit(url).path.strip("/").partition("/")
    if not container:
        is_of_service = query.get("restype") == ["service"]
        return None if is_of_service else BY_COMP_OF_ACCOUNT.get((method, comp))
    if OTHER_LISTS.search(urlsplit(url).query):
        return None
    if not name:
        is_of_container = query.get("restype") == ["container"]
        return BY_COMP_OF_CONTAINER.get((method, comp)) if is_of_container else None
    return None if "restype" in query else _of_blob(method, comp, headers)


def _of_blob(method: str, comp: str, headers: dict[str, str]) -> str | None:
    if comp == "block" and "x-ms-copy-source" in headers:
        return None
    if (method, comp) == ("PUT", "lease"):
        return f"LeaseBlob, {headers['x-ms-lease-action']}"
    return _of_put(headers) if (method, comp) == ("PUT", "") else BY_COMP.get((method, comp))


def _of_put(headers: dict[str, str]) -> str | None:
    if "x-ms-copy-source" not in headers:
        return "PutBlob" if headers.get("x-ms-blob-type") == "BlockBlob" else None
    asynchronous = not headers.keys() & {"x-ms-blob-type", "x-ms-requires-sync"}
    return "CopyBlob" if asynchronous else None


def asked_for(url: str, headers: dict[str, str], body: bytes) -> Asked:
    """What a request asks for."""
    container, _, name = unquote(urlsplit(url).path).lstrip("/").partition("/")
    span = None
    found = re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("x-ms-range", headers.get("range", "")))
    if found:
        span = (int(found[1]), int(found[2]) - int(found[1]) + 1)
    known = headers.get("if-none-match") or None
    lease = headers.get("x-ms-proposed-lease-id") or headers.get("x-ms-lease-id") or LEASE
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    parameters = {"version_id": "versionid", "snapshot": "snapshot"}
    return Asked(
        container,
        name,
        body,
        span,
        overwrite=known is None,
        known=known if known != "*" else None,
        lease=lease,
        state={ours: query[theirs] for ours, theirs in parameters.items() if theirs in query},
        include=tuple(
            re.findall(r"[a-z]+", query.get("include", "").replace("uncommittedblobs", "uncommitted"))
        ),
        snapshots=headers.get("x-ms-delete-snapshots"),
    )
