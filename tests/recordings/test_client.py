"""Recorded answers of the real service to fastblob's client, with azure-storage-blob to compare with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import fastblob
import pytest
from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient
from hostile.server import KEY, Server
from recordings import sessions
from recordings.calls import CALLS, Asked, asked_for, operation
from recordings.sessions import Answer, Exchange
from recordings.speaker import REQUEST_ID, saying

ABSENT = "no recordings of the real service at hand: FASTBLOB_AZURE_RECORDINGS names their folder"


def answers() -> list[Any]:
    """The recorded answers to what fastblob has a call for, or one parameter that is skipped."""
    found = []
    for exchange in sessions.exchanges():
        headers = {name.lower(): value for name, value in exchange.headers.items()}
        name = operation(exchange.method, exchange.url, headers) if "blob.core" in exchange.host else None
        if name and exchange.has_headers:
            found.append(pytest.param(exchange, name, id=exchange.name))
    return found or [pytest.param(None, "", marks=pytest.mark.skip(reason=ABSENT))]


def outcome(call: Callable[[], Any]) -> Any:
    """What a call returns, or raises."""
    try:
        return call()
    except AzureError as error:
        return error


def both(answer: Answer, name: str, asked: Asked) -> tuple[Any, Any]:
    """What becomes of a call of fastblob, and of the same of azure-storage-blob, that gets this answer."""
    ours, theirs = CALLS[name]
    with Server(saying(answer, name)) as server:
        client = server.client(max_retries=0)
        sdk = BlobServiceClient(server.url, credential=KEY, retry_total=0)
        with sdk, client:
            return outcome(lambda: ours(client, asked)), outcome(lambda: theirs(sdk, asked))


@pytest.mark.parametrize(("exchange", "name"), answers())
def test_recorded_answers_mean_the_same_to_both(exchange: Exchange, name: str) -> None:
    headers = {key.lower(): value for key, value in exchange.headers.items()}
    asked = asked_for(exchange.url, headers, exchange.body)
    ours, theirs = both(exchange.answer, name, asked)
    if isinstance(theirs, AzureError):
        assert isinstance(ours, fastblob.TransferError), repr(ours)
        assert isinstance(ours, type(theirs)), f"{ours!r} is no {type(theirs).__name__}"
        assert ours.status_code == exchange.answer.status
        assert ours.error_code == exchange.answer.error_code
        assert ours.request_id == exchange.answer.headers.get("x-ms-request-id", REQUEST_ID)
        return
    if isinstance(ours, fastblob.BlobNotFoundError):
        # The one thing that fastblob takes for something else: a directory of a hierarchical namespace.
        assert exchange.answer.headers["x-ms-meta-hdi_isfolder"] == "true"
        return
    assert not isinstance(ours, AzureError), repr(ours)
    check_results(name, ours, theirs, exchange.answer)


def check_results(name: str, ours: Any, theirs: Any, answer: Answer) -> None:
    """What both give is the same."""
    if name == "GetBlob":
        assert ours == theirs
    elif name == "GetBlobProperties":
        assert described(ours) == their_description(theirs)
    elif name == "ListBlobs":
        blobs = [described(item) for item in ours if not item.is_prefix]
        assert blobs == [their_description(item) for item in theirs]
        states = [state(item) for item in ours if not item.is_prefix]
        assert states == [their_state(item) for item in theirs]
        assert [item.name for item in ours if item.is_prefix] == prefixes(answer)
    elif name == "GetContainerProperties":
        assert described_container(ours) == their_container(theirs)
    elif name == "ListContainers":
        assert list(map(described_container, ours)) == list(map(their_container, theirs))
    elif name == "GetAccountInformation":
        assert (ours.sku, ours.kind) == (theirs["sku_name"], theirs["account_kind"])
        assert ours.has_hierarchical_namespace == bool(theirs["is_hns_enabled"])
    elif name in {"GetBlobTags", "LeaseBlob, break"}:
        assert ours == theirs
    elif name == "SnapshotBlob":
        assert ours.snapshot == theirs["snapshot"]
    elif name == "FindBlobs":
        found = [(item.container, item.name, item.tags) for item in ours]
        assert found == [(blob.container_name, blob.name, blob.tags) for blob in theirs]


def prefixes(page: Answer) -> list[str]:
    """What stands for several blobs on a page of a list."""
    assert page.xml is not None
    names = page.xml.iterfind(".//BlobPrefix/Name")
    texts = [unquote(name.text or "") if name.get("Encoded") else name.text or "" for name in names]
    return [text.removesuffix("/") for text in texts]


def described(blob: Any) -> dict[str, Any]:
    """What fastblob says of a blob."""
    return {
        "name": blob.name,
        "size": blob.size,
        "etag": (blob.etag or "").strip('"'),
        "last_modified": blob.last_modified,
        "creation_time": blob.creation_time,
        "content_type": blob.content_type,
        "content_encoding": blob.content_encoding,
        "content_language": blob.content_language,
        "cache_control": blob.cache_control,
        "type": blob.blob_type,
        "tier": blob.tier,
        "tier_inferred": blob.tier_inferred,
        "archive_status": blob.archive_status,
        "rehydrate_priority": blob.rehydrate_priority,
    }


def their_description(blob: Any) -> dict[str, Any]:
    """What azure-storage-blob says of a blob, in fastblob's terms."""
    return {
        "name": blob.name,
        "size": blob.size,
        "etag": (blob.etag or "").strip('"'),
        "last_modified": blob.last_modified,
        "creation_time": blob.creation_time,
        "content_type": blob.content_settings.content_type,
        "content_encoding": blob.content_settings.content_encoding,
        "content_language": blob.content_settings.content_language,
        "cache_control": blob.content_settings.cache_control,
        "type": str(blob.blob_type.value),
        "tier": blob.blob_tier,
        "tier_inferred": bool(blob.blob_tier_inferred),
        "archive_status": blob.archive_status,
        "rehydrate_priority": blob.rehydrate_priority,
    }


def state(item: fastblob.BlobItem) -> dict[str, Any]:
    """What fastblob says of the state of a blob that is listed."""
    return {
        "version_id": item.version_id,
        "is_current_version": item.is_current_version or None,
        "snapshot": item.snapshot,
        "is_deleted": item.is_deleted,
        "deleted_time": item.deleted_time,
        "remaining_retention_days": item.remaining_retention_days,
        "blob_type": item.blob_type,
        "lease": (item.lease_state, item.lease_status),
        "server_encrypted": item.server_encrypted,
        "archive_status": item.archive_status,
        "copy": (item.copy_id, item.copy_status, item.copy_progress, item.copy_completion_time),
    }


def their_state(item: Any) -> dict[str, Any]:
    """What azure-storage-blob says of it, in fastblob's terms."""
    copied = item.copy
    return {
        "version_id": item.version_id,
        "is_current_version": item.is_current_version,
        "snapshot": item.snapshot,
        "is_deleted": bool(item.deleted),
        "deleted_time": item.deleted_time,
        "remaining_retention_days": item.remaining_retention_days,
        "blob_type": item.blob_type,
        "lease": (item.lease.state, item.lease.status),
        "server_encrypted": item.server_encrypted,
        "archive_status": item.archive_status,
        "copy": (copied.id, copied.status, copied.progress, copied.completion_time),
    }


def described_container(container: fastblob.ContainerProperties) -> dict[str, Any]:
    """What fastblob says of a container."""
    return {
        "name": container.name,
        "etag": container.etag,
        "last_modified": container.last_modified,
        "metadata": container.metadata,
        "public_access": container.public_access,
        "lease_state": container.lease_state,
        "has_immutability_policy": container.has_immutability_policy,
        "has_legal_hold": container.has_legal_hold,
        "is_deleted": container.is_deleted,
        "version": container.version,
    }


def their_container(container: Any) -> dict[str, Any]:
    """What azure-storage-blob says of a container, in fastblob's terms."""
    return {
        "name": container.name,
        "etag": container.etag,
        "last_modified": container.last_modified,
        "metadata": container.metadata or {},
        "public_access": container.public_access,
        "lease_state": container.lease.state,
        "has_immutability_policy": bool(container.has_immutability_policy),
        "has_legal_hold": bool(container.has_legal_hold),
        "is_deleted": bool(container.deleted),
        "version": container.version,
    }
