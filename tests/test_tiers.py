"""Access tiers: the archive, the way out of it, and what is told of both."""

from __future__ import annotations

import fastblob
import pytest
from fastblob.local import LocalAzure
from hostile.server import ETAG, TIME, Connection, Request, Server, each


@pytest.fixture
def archived(service_client: fastblob.Client, service_container: str) -> str:
    service_client.write(f"{service_container}/blob", b"data")
    service_client.set_tier(f"{service_container}/blob", "Archive")
    return f"{service_container}/blob"


def test_a_read_of_what_is_archived_says_what_to_do(service_client: fastblob.Client, archived: str) -> None:
    with pytest.raises(fastblob.BlobConflictError, match="rehydrate it to hot or cool") as caught:
        service_client.read(archived)
    assert caught.value.error_code == "BlobArchived"
    properties = service_client.properties(archived)
    assert (properties.tier, properties.tier_inferred, properties.archive_status) == ("Archive", False, None)


@pytest.mark.parametrize(("asked", "told"), [(None, "Standard"), ("Standard", "Standard"), ("High", "High")])
def test_the_way_out_of_the_archive(
    service_client: fastblob.Client, archived: str, asked: str | None, told: str
) -> None:
    service_client.set_tier(archived, "Hot", rehydrate_priority=asked)  # type: ignore[arg-type]
    (item,) = service_client.list(archived.partition("/")[0])
    properties = service_client.properties(archived)
    for found in (properties, item):
        assert (found.tier, found.archive_status) == ("Archive", "rehydrate-pending-to-hot")
        assert found.rehydrate_priority == told
    with pytest.raises(fastblob.BlobConflictError, match="on its way out of the archive"):
        service_client.set_tier(archived, "Hot")


def test_many_on_their_way(service_client: fastblob.Client, service_container: str) -> None:
    blobs = [f"{service_container}/{number}" for number in range(5)]
    service_client.write_many((blob, b"x") for blob in blobs)
    service_client.set_tier_many(blobs, "Archive")
    service_client.set_tier_many(blobs, "Cool", rehydrate_priority="High")
    found = service_client.properties_many(blobs)
    assert {properties.rehydrate_priority for properties in found} == {"High"}


def test_a_priority_that_is_none(
    service_client: fastblob.Client, service: LocalAzure, service_container: str
) -> None:
    service.clear_requests()
    with pytest.raises(ValueError, match="choose Standard, High"):
        service_client.set_tier(f"{service_container}/b", "Hot", rehydrate_priority="Low")  # type: ignore[arg-type]
    assert not service.requests()


def test_whose_tier_it_is(service_client: fastblob.Client, service_container: str) -> None:
    service_client.write(f"{service_container}/default", b"x")
    service_client.write(f"{service_container}/own", b"x", tier="Cool")
    told = {item.name: (item.tier, item.tier_inferred) for item in service_client.list(service_container)}
    assert told == {"default": ("Hot", True), "own": ("Cool", False)}
    properties = service_client.properties(f"{service_container}/default")
    assert (properties.tier, properties.tier_inferred, properties.blob_type) == ("Hot", True, "BlockBlob")


def test_what_protects_a_blob_is_told() -> None:
    def respond(connection: Connection, request: Request) -> None:
        head = {"ETag": ETAG, "Last-Modified": TIME, "x-ms-blob-type": "BlockBlob", "x-ms-legal-hold": "true"}
        head |= {"x-ms-immutability-policy-until-date": TIME, "x-ms-immutability-policy-mode": "locked"}
        if request.method == "HEAD":
            connection.answer(request, 200, {**head, "x-ms-encryption-scope": "mine"})
        else:
            connection.answer_error(request, 409, "BlobImmutableDueToPolicy")

    with Server(each(respond)) as server:
        client = server.client()
        properties = client.properties("data/blob")
        assert properties.immutability_policy_until == properties.last_modified
        assert (properties.immutability_policy_mode, properties.legal_hold) == ("locked", True)
        assert properties.encryption_scope == "mine"
        with pytest.raises(fastblob.BlobConflictError, match="immutability_policy_until"):
            client.delete("data/blob")
