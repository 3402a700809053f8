"""Containers: created, described, listed and deleted; and what is told of the account."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import fastblob
import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from fastblob import BlobPath, ContainerProperties
from fastblob.local import LocalAzure
from hostile.server import TIME, Connection, Request, Server, each
from support import Account

LEASE = "fa57b10b-0000-4000-8000-00000000000a"


@pytest.fixture
def prefix(account: Account) -> Iterator[str]:
    """What the names of a test's containers begin with; they are gone at the end."""
    prefix = f"test-{uuid.uuid4().hex[:16]}-"
    yield prefix
    for container in account.sdk.list_containers(prefix):
        account.sdk.delete_container(container.name)


def test_one_is_created_described_and_deleted(client: fastblob.Client, prefix: str, account: Account) -> None:
    name = prefix + "a"
    assert not client.container_exists(name)
    client.create_container(name, metadata={"Team": "a b"}, public_access="blob")
    assert client.container_exists(name)
    client.write(f"{name}/blob", b"data")
    properties = client.container_properties(name)
    theirs = account.sdk.get_container_client(name).get_container_properties()
    assert properties.name == name
    assert (properties.etag, properties.last_modified) == (theirs.etag, theirs.last_modified)
    assert {key.lower(): value for key, value in (properties.metadata or {}).items()} == {"team": "a b"}
    assert properties.public_access == theirs.public_access == "blob"
    assert properties.lease_state == "available"
    assert not properties.has_immutability_policy
    assert not properties.has_legal_hold
    assert not properties.is_deleted
    client.delete_container(name)
    assert not client.container_exists(name)


def test_nobody_reads_one_unless_it_says_so(client: fastblob.Client, prefix: str) -> None:
    client.create_container(prefix + "a")
    properties = client.container_properties(BlobPath(prefix + "a"))
    assert (properties.public_access, properties.metadata) == (None, {})


def test_one_that_exists(client: fastblob.Client, container: str) -> None:
    with pytest.raises(fastblob.BlobExistsError, match="the container exists already") as caught:
        client.create_container(container)
    assert isinstance(caught.value, ResourceExistsError)
    assert (caught.value.blob, caught.value.status_code) == (container, 409)
    assert caught.value.error_code == "ContainerAlreadyExists"


def test_one_that_is_not_there(client: fastblob.Client, prefix: str) -> None:
    for call in (client.delete_container, client.container_properties):
        with pytest.raises(fastblob.BlobNotFoundError, match="the container does not exist") as caught:
            call(prefix + "none")
        assert isinstance(caught.value, ResourceNotFoundError)
        assert caught.value.blob == prefix + "none"
    client.delete_container(prefix + "none", missing_ok=True)


def test_lists(client: fastblob.Client, prefix: str) -> None:
    names = [prefix + letter for letter in "abc"]
    for name in reversed(names):
        client.create_container(name, metadata={"k": name[-1]})
    listed = list(client.list_containers(prefix))
    assert [container.name for container in listed] == names
    assert [container.metadata for container in listed] == [None, None, None]
    assert [container.name for container in client.list_containers(prefix + "b")] == names[1:2]
    assert list(client.list_containers(prefix + "none")) == []
    with_metadata = list(client.list_containers(prefix, include=["metadata"]))
    assert [container.metadata for container in with_metadata] == [{"k": "a"}, {"k": "b"}, {"k": "c"}]
    assert set(names) <= {container.name for container in client.list_containers()}
    # What is listed can be handed back.
    for container in listed:
        assert client.container_properties(container).etag == container.etag
        client.delete_container(container)
    assert list(client.list_containers(prefix)) == []


def test_metadata_are_replaced(azurite_account: Account) -> None:
    client = azurite_account.client()
    name = f"test-{uuid.uuid4().hex}"
    client.create_container(name, metadata={"a": "1", "b": "2"})
    client.set_container_metadata(name, {"c": "3"})
    assert client.container_properties(name).metadata == {"c": "3"}
    client.set_container_metadata(name, {})
    assert client.container_properties(name).metadata == {}
    client.delete_container(name)
    with pytest.raises(fastblob.BlobNotFoundError):
        client.set_container_metadata(name, {"c": "3"})


def test_what_takes_the_lease_of_a_container(azurite_account: Account) -> None:
    client = azurite_account.client()
    name = f"test-{uuid.uuid4().hex}"
    client.create_container(name)
    azurite_account.sdk.get_container_client(name).acquire_lease(60, lease_id=LEASE)
    other = LEASE.replace("a", "b")
    for call in (
        lambda: client.delete_container(name),
        lambda: client.delete_container(name, lease=other),
        lambda: client.container_properties(name, lease=other),
        lambda: client.set_container_metadata(name, {}, lease=other),
    ):
        with pytest.raises(fastblob.BlobModifiedError):
            call()
    assert client.container_properties(name, lease=LEASE).lease_state == "leased"
    client.set_container_metadata(name, {"k": "v"}, lease=LEASE)
    client.delete_container(name, lease=LEASE)


def test_the_account(azurite_account: Account) -> None:
    theirs = azurite_account.sdk.get_account_information()
    information = azurite_account.client().account_information()
    assert information.sku == theirs["sku_name"]
    assert information.kind == theirs["account_kind"]
    assert not information.has_hierarchical_namespace
    assert pickle.loads(pickle.dumps(information)) == information
    assert repr(information).startswith("AccountInformation(sku='Standard_")


def test_what_the_embedded_service_does_not_offer(
    service_client: fastblob.Client, service_container: str
) -> None:
    for call in (
        service_client.account_information,
        lambda: service_client.set_container_metadata(service_container, {}),
        lambda: list(service_client.list_containers(include=["deleted"])),
    ):
        with pytest.raises(fastblob.ServiceError) as caught:
            call()
        assert (caught.value.status_code, caught.value.error_code) == (501, "NotImplemented")


@pytest.mark.parametrize(
    "name", ["", "ab", "a" * 64, "Data", "a--b", "-ab", "ab-", "a_b", "data/blob", "data/", "$other", "a?b"]
)
def test_names_are_checked_before_anything_is_sent(
    service_client: fastblob.Client, service: LocalAzure, name: str
) -> None:
    client: Any = service_client
    service.clear_requests()
    for call in (
        client.create_container,
        client.delete_container,
        client.container_exists,
        client.container_properties,
        lambda name: client.set_container_metadata(name, {}),
    ):
        with pytest.raises(ValueError, match="is not a container name"):
            call(name)
    assert service.requests() == []


def test_arguments_that_cannot_be_right(service_client: fastblob.Client) -> None:
    client: Any = service_client
    values: list[Callable[[], object]] = [
        lambda: client.create_container("data", public_access="public"),
        lambda: client.create_container("data", metadata={"a-b": "c"}),
        lambda: client.container_exists(BlobPath("data/blob")),
        lambda: client.list_containers(include=["tags"]),
        lambda: client.delete_container("data", lease="mine"),
    ]
    for call in values:
        with pytest.raises(ValueError, match=r"public access|identifier|container name|include|GUID"):
            call()
    types: list[Callable[[], object]] = [
        lambda: client.create_container(1),
        lambda: client.list_containers(include="metadata"),
        lambda: client.create_container("data", metadata=[1]),
    ]
    for call in types:
        with pytest.raises(TypeError):
            call()


def deleted(name: str, days: int) -> str:
    return (
        f"<Container><Name>{name}</Name><Deleted>true</Deleted><Version>01D8FF4</Version><Properties>"
        f'<Last-Modified>{TIME}</Last-Modified><Etag>"0x1"</Etag><LeaseStatus>unlocked</LeaseStatus>'
        f"<LeaseState>expired</LeaseState><DeletedTime>{TIME}</DeletedTime>"
        f"<RemainingRetentionDays>{days}</RemainingRetentionDays></Properties></Container>"
    )


def page(containers: str, marker: str = "") -> bytes:
    return (
        '\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults>'
        f"<Containers>{containers}</Containers><NextMarker>{marker}</NextMarker></EnumerationResults>"
    ).encode()


def listing(*pages: bytes) -> Server:
    """An account whose containers are on these pages, the last of which comes again and again."""
    left = list(pages)

    def respond(connection: Connection, request: Request) -> None:
        body = left.pop(0) if len(left) > 1 else left[0]
        connection.answer(request, 200, {"Content-Type": "application/xml"}, body)

    return Server(each(respond))


def test_deleted_containers_and_pages() -> None:
    with listing(page(deleted("data", 7), "next"), page(""), page(deleted("data", 0))) as server:
        listed = server.client().list_containers("d", include=("metadata", "deleted"))
        assert isinstance(next(listed), ContainerProperties)
        assert len(server.heads) == 1
        assert list(listed) == []
        assert [head.target for head in server.heads] == [
            "/account/?comp=list&prefix=d&include=metadata%2Cdeleted",
            "/account/?comp=list&prefix=d&include=metadata%2Cdeleted&marker=next",
        ]
        (item,) = server.client().list_containers(include=["deleted"])
    assert item.is_deleted
    assert (item.version, item.remaining_retention_days) == ("01D8FF4", 0)
    assert item.deleted_time == item.last_modified
    assert pickle.loads(pickle.dumps(item)) == item
    assert "is_deleted=True" in repr(item)
    assert "has_legal_hold" not in repr(item)


@pytest.mark.parametrize(
    "body",
    [
        page(deleted("data", 1), "same"),
        page(deleted("other", 1)),
        page("<Container><Properties /></Container>"),
        b"<html>",
    ],
)
def test_a_list_that_cannot_be_one(body: bytes) -> None:
    with listing(body) as server, pytest.raises(fastblob.ServiceError, match="the list"):
        list(server.client().list_containers("data"))


def test_one_that_is_being_deleted() -> None:
    def respond(connection: Connection, request: Request) -> None:
        connection.answer_error(request, 409, "ContainerBeingDeleted")

    with Server(each(respond)) as server, server.client() as client:
        for call in (client.create_container, client.delete_container, client.container_properties):
            with pytest.raises(fastblob.BlobConflictError, match="wait before it is created again") as caught:
                call("data")
            assert caught.value.error_code == "ContainerBeingDeleted"
        assert not client.container_exists("data")
        client.delete_container("data", missing_ok=True)


def test_an_error_about_the_account_names_no_blob() -> None:
    def respond(connection: Connection, request: Request) -> None:
        connection.answer_error(request, 403, "AuthorizationFailure")

    with Server(each(respond)) as server, server.client() as client:
        for call in (client.account_information, lambda: list(client.list_containers())):
            with pytest.raises(fastblob.AuthenticationError) as caught:
                call()
            assert caught.value.blob is None
            assert "(blob " not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "code", "outcome"),
    [
        (lambda client: client.delete_container("data"), "ContainerNotFound", None),
        (lambda client: client.delete_container("data"), "ContainerBeingDeleted", None),
        (lambda client: client.create_container("data"), "ContainerAlreadyExists", "got lost"),
    ],
)
def test_an_answer_that_got_lost(call: Any, code: str, outcome: str | None) -> None:
    lost: list[Request] = []

    def respond(connection: Connection, request: Request) -> None:
        if lost:
            connection.answer_error(request, 409 if "Found" not in code else 404, code)
        else:
            lost.append(request)
            connection.close()

    with Server(each(respond)) as server, server.client() as client:
        if outcome is None:
            call(client)
        else:
            with pytest.raises(fastblob.BlobExistsError, match=outcome):
                call(client)
    assert len(server.heads) == 2
