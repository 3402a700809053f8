"""Index tags: conditions on them, and the search for blobs by them."""

from __future__ import annotations

from collections.abc import Callable

import fastblob
import pytest
from fastblob.local import LocalAzure
from hostile.server import Connection, Request, Server, each
from support import MIB, Account

MET, UNMET = "\"state\" = 'done'", "\"state\" = 'open'"

CALLS: dict[str, Callable[..., object]] = {
    "read": lambda client, blob, **options: client.read(blob, **options),
    "read of many ranges": lambda client, blob, **options: client.read(f"{blob}-large", **options),
    "read_into": lambda client, blob, **options: client.read_into(blob, bytearray(4), **options),
    "read_many": lambda client, blob, **options: client.read_many([blob], **options),
    "properties": lambda client, blob, **options: client.properties(blob, **options),
    "properties_many": lambda client, blob, **options: client.properties_many([blob], **options),
    "get_tags": lambda client, blob, **options: client.get_tags(blob, **options),
    "write": lambda client, blob, **options: client.write(blob, b"new", **options),
    "write of blocks": lambda client, blob, **options: client.write(blob, bytes(9 * MIB), **options),
    "write_many": lambda client, blob, **options: client.write_many(
        [(blob, b"new", fastblob.WriteOptions(**options))]
    ),
    "upload": lambda client, blob, **options: client.upload(__file__, blob, **options),
    "copy": lambda client, blob, **options: client.copy(f"{blob}-large", blob, **options),
    "set_metadata": lambda client, blob, **options: client.set_metadata(blob, {"a": "b"}, **options),
    "set_http_headers": lambda client, blob, **options: client.set_http_headers(blob, **options),
    "set_tags": lambda client, blob, **options: client.set_tags(blob, {"a": "b"}, **options),
    "set_tier": lambda client, blob, **options: client.set_tier(blob, "Cool", **options),
    "delete": lambda client, blob, **options: client.delete(blob, **options),
    "delete_many": lambda client, blob, **options: client.delete_many([blob], **options),
}


@pytest.fixture
def blob(client: fastblob.Client, container: str) -> str:
    """A blob whose state is `done`; beside it is one of several ranges, of the same tags."""
    client.write(f"{container}/blob", b"data", tags={"state": "done"})
    client.write(f"{container}/blob-large", bytes(20 * MIB), tags={"state": "done"})
    return f"{container}/blob"


@pytest.mark.parametrize("call", CALLS)
def test_a_condition_on_tags_that_is_met(client: fastblob.Client, blob: str, call: str) -> None:
    CALLS[call](client, blob, if_tags=MET)


@pytest.mark.parametrize("call", CALLS)
def test_a_condition_on_tags_that_is_not_met(
    client: fastblob.Client, account: Account, blob: str, call: str
) -> None:
    if account.server == "azurite" and call in {"set_tags", "set_tier"}:
        pytest.skip("Azurite does not look at the condition there")
    before = client.properties(blob)
    with pytest.raises(fastblob.BlobModifiedError, match="tags are others") as caught:
        CALLS[call](client, blob, if_tags=UNMET)
    assert (caught.value.status_code, caught.value.error_code) == (412, "ConditionNotMet")
    assert client.properties(blob) == before


def test_a_condition_on_the_tags_of_a_source(service_client: fastblob.Client, service_container: str) -> None:
    source, target = f"{service_container}/source", f"{service_container}/target"
    service_client.write(source, b"data", tags={"state": "done"})
    with pytest.raises(fastblob.BlobModifiedError):
        service_client.copy(source, target, source_if_tags=UNMET)
    service_client.copy(source, target, source_if_tags=MET)
    assert service_client.read(target) == b"data"


@pytest.mark.parametrize("bad", ["", "a\r\nx-ms-lease-id: 1", "\"k\" = 'ü'"])
def test_conditions_that_no_header_holds(service_client: fastblob.Client, bad: str) -> None:
    with pytest.raises(ValueError, match="if_tags"):
        service_client.read("data/blob", if_tags=bad)


def test_blobs_are_found_in_a_container_and_in_the_account(
    azurite_account: Account, service: LocalAzure
) -> None:
    client, sdk = azurite_account.client(), azurite_account.sdk
    containers = ["found-one", "found-two"]
    for container in containers:
        sdk.create_container(container)
        for name, state in [("a/b ü", "done"), ("c", "open"), ("d", "done")]:
            client.write(f"{container}/{name}", name.encode(), tags={"state": state, "more": "x"})
    try:
        everywhere = list(client.find("\"state\" = 'done'"))
        assert sorted(item.path for item in everywhere) == [
            f"{container}/{name}" for container in containers for name in ["a/b ü", "d"]
        ]
        theirs = [(blob.container_name, blob.name) for blob in sdk.find_blobs_by_tags("\"state\" = 'done'")]
        assert [(item.container, item.name) for item in everywhere] == theirs
        assert all(item.tags == {"state": "done"} for item in everywhere)
        here = list(client.find("\"state\" = 'done' AND \"more\" = 'x'", container="found-two"))
        assert sorted(item.path for item in here) == ["found-two/a/b ü", "found-two/d"]
        assert client.read_many(here) == [item.name.encode() for item in here]
        assert [item.tag_count for item in client.properties_many(here)] == [2, 2]
        client.delete_many(everywhere)
        assert list(client.find("\"state\" = 'done'")) == []
    finally:
        for container in containers:
            sdk.delete_container(container)


def test_the_embedded_service_does_not_search(
    service_client: fastblob.Client, service_container: str
) -> None:
    for container in [None, service_container]:
        with pytest.raises(fastblob.ServiceError) as caught:
            list(service_client.find("\"state\" = 'done'", container=container))
        assert caught.value.status_code == 501


def page(paths: list[str], next_marker: str = "") -> bytes:
    """What the service answers to a search."""
    blobs = ""
    for path in paths:
        container, _, name = path.partition("/")
        blobs += (
            f"<Blob><Name>{name}</Name><ContainerName>{container}</ContainerName><Tags><TagSet><Tag>"
            "<Key>state</Key><Value>done</Value></Tag></TagSet></Tags></Blob>"
        )
    return (
        '\ufeff<?xml version="1.0" encoding="utf-8"?>'
        '<EnumerationResults ServiceEndpoint="https://account.blob.core.windows.net/">'
        f"<Where>\"state\"='done'</Where><Blobs>{blobs}</Blobs><NextMarker>{next_marker}</NextMarker>"
        "</EnumerationResults>"
    ).encode()


def searched(*pages: bytes) -> Server:
    """A service that answers searches with these pages, one after another."""
    left = list(pages)

    def respond(connection: Connection, request: Request) -> None:
        connection.answer(request, 200, {"Content-Type": "application/xml"}, left.pop(0))

    return Server(each(respond))


def test_pages_are_asked_for_as_they_are_needed() -> None:
    with searched(page(["one/a", "two/b"], "next!"), page([]), page(["one/c"])) as server:
        found = server.client().find(MET)
        assert not server.heads
        assert [next(found).path, next(found).path] == ["one/a", "two/b"]
        assert len(server.heads) == 1
        assert list(found) == []
    first, second = server.heads
    assert first.target.split("?")[0] == "/account/"
    assert first.query == {"comp": "blobs", "where": MET}
    assert second.query == {"comp": "blobs", "where": MET, "marker": "next!"}


def test_one_container_is_searched_by_its_own_path() -> None:
    with searched(page(["data/a"])) as server:
        (found,) = server.client().find(MET, container="data")
    assert server.heads[0].path == "/data"
    assert server.heads[0].query == {"restype": "container", "comp": "blobs", "where": MET}
    assert (found.path, found.tags, found.size) == ("data/a", {"state": "done"}, None)
    assert repr(found) == "BlobItem(path='data/a', tags={'state': 'done'})"


@pytest.mark.parametrize(
    ("pages", "why"),
    [
        ([page(["other/a"])], "not in the container"),
        ([page([], "again"), page([], "again")], "does not end"),
        ([b"<html>"], "not the XML"),
    ],
    ids=["elsewhere", "endless", "no page"],
)
def test_answers_that_are_not_believed(pages: list[bytes], why: str) -> None:
    with searched(*pages) as server, pytest.raises(fastblob.ServiceError, match=why):
        list(server.client().find(MET, container="data"))


@pytest.mark.parametrize(("tags", "container"), [("", None), (MET, "data/blob"), (MET, "No")])
def test_searches_that_are_none(
    service_client: fastblob.Client, service: LocalAzure, tags: str, container: str | None
) -> None:
    service.clear_requests()
    with pytest.raises(ValueError, match=r"condition|as a whole|container name"):
        service_client.find(tags, container=container)
    assert not service.requests()


def test_who_may_not_search_is_told_what_is_missing() -> None:
    def respond(connection: Connection, request: Request) -> None:
        connection.answer_error(request, 403, "AuthorizationPermissionMismatch")

    with (
        Server(each(respond)) as server,
        pytest.raises(fastblob.AuthenticationError, match=r"find blobs by tags \(f\)"),
    ):
        list(server.client("sv=2021-04-10&sig=abc").find(MET))
