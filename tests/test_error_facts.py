"""For every answer of ``facts/errors.tsv``: fastblob's error is a subclass of azure-storage-blob's.

The table says what the real service has been seen to answer, by recordings and its documentation; which class
belongs to each, azure-storage-blob itself says here. Where the table and azure-storage-blob differ, the table
is wrong, or a new version has changed its mind.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import azure.core.exceptions as azure
import fastblob
import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import BlobClient, BlobLeaseClient, BlobServiceClient, StandardBlobTier
from hostile.server import KEY, Connection, Request, Server, each
from support import MIB

LARGE = bytes(9 * MIB)
LEASE = "fa57b10b-0000-4000-8000-00000000000a"

Sdk = BlobServiceClient


def of(sdk: Sdk) -> BlobClient:
    """The one blob."""
    return sdk.get_blob_client("data", "blob")


def lease(sdk: Sdk) -> BlobLeaseClient:
    """The lease on the one blob."""
    return BlobLeaseClient(of(sdk), LEASE)


# The same for both: fastblob's call, and that of azure-storage-blob.
OPERATIONS: dict[str, tuple[Callable[[fastblob.Client], object], Callable[[Sdk], object]]] = {
    "read": (lambda f: f.read("data/blob"), lambda s: of(s).download_blob().readall()),
    "properties": (lambda f: f.properties("data/blob"), lambda s: of(s).get_blob_properties()),
    "write": (lambda f: f.write("data/blob", b"data"), lambda s: of(s).upload_blob(b"data")),
    "write, a block": (lambda f: f.write("data/blob", LARGE), lambda s: of(s).upload_blob(LARGE)),
    "write, the block list": (lambda f: f.write("data/blob", LARGE), lambda s: of(s).upload_blob(LARGE)),
    "copy": (
        lambda f: f.copy("data/source", "data/blob"),
        lambda s: of(s).start_copy_from_url(s.get_blob_client("data", "source").url),
    ),
    "delete": (lambda f: f.delete("data/blob"), lambda s: of(s).delete_blob()),
    "create_snapshot": (lambda f: f.create_snapshot("data/blob"), lambda s: of(s).create_snapshot()),
    "undelete": (lambda f: f.undelete("data/blob"), lambda s: of(s).undelete_blob()),
    "list": (lambda f: list(f.list("data")), lambda s: list(s.get_container_client("data").list_blobs())),
    "set_metadata": (lambda f: f.set_metadata("data/blob", {}), lambda s: of(s).set_blob_metadata({})),
    "set_http_headers": (lambda f: f.set_http_headers("data/blob"), lambda s: of(s).set_http_headers()),
    "set_tier": (
        lambda f: f.set_tier("data/blob", "Hot"),
        lambda s: of(s).set_standard_blob_tier(StandardBlobTier.HOT),
    ),
    "get_tags": (lambda f: f.get_tags("data/blob"), lambda s: of(s).get_blob_tags()),
    "set_tags": (lambda f: f.set_tags("data/blob", {}), lambda s: of(s).set_blob_tags({})),
    "create_container": (
        lambda f: f.create_container("data"),
        lambda s: s.get_container_client("data").create_container(),
    ),
    "delete_container": (
        lambda f: f.delete_container("data"),
        lambda s: s.get_container_client("data").delete_container(),
    ),
    "container_properties": (
        lambda f: f.container_properties("data"),
        lambda s: s.get_container_client("data").get_container_properties(),
    ),
    "set_container_metadata": (
        lambda f: f.set_container_metadata("data", {}),
        lambda s: s.get_container_client("data").set_container_metadata({}),
    ),
    "list_containers": (lambda f: list(f.list_containers()), lambda s: list(s.list_containers())),
    "account_information": (lambda f: f.account_information(), lambda s: s.get_account_information()),
    "acquire_lease": (lambda f: f.acquire_lease("data/blob"), lambda s: lease(s).acquire()),
    "renew_lease": (lambda f: f.renew_lease("data/blob", LEASE), lambda s: lease(s).renew()),
    "change_lease": (lambda f: f.change_lease("data/blob", LEASE, LEASE), lambda s: lease(s).change(LEASE)),
    "release_lease": (lambda f: f.release_lease("data/blob", LEASE), lambda s: lease(s).release()),
    "break_lease": (lambda f: f.break_lease("data/blob"), lambda s: lease(s).break_lease()),
}


def facts() -> list[dict[str, str]]:
    """The rows of the table."""
    with (Path(__file__).parent / "facts" / "errors.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t"))


class Answers:
    """A server that gives one answer to whatever comes, but lets blocks pass where their list is refused."""

    def __init__(self) -> None:
        self.fact: dict[str, str] = {}

    def respond(self, connection: Connection, request: Request) -> None:
        """Answers as the row says."""
        if self.fact["operation"] == "write, the block list" and request.query.get("comp") == "block":
            connection.answer(request, 201)
            return
        status, code = int(self.fact["status"]), self.fact["code"]
        if code == "-":
            connection.answer(request, status)
        elif status == 304 or request.method == "HEAD":
            connection.answer(request, status, {"x-ms-error-code": code})
        else:
            connection.answer_error(request, status, code)


@pytest.fixture(scope="module")
def answers() -> Answers:
    return Answers()


@pytest.fixture(scope="module")
def server(answers: Answers) -> Iterator[Server]:
    with Server(each(answers.respond)) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Any:
    return server.client(max_retries=0)


@pytest.fixture(scope="module")
def sdk(server: Server) -> Iterator[Sdk]:
    credential = AzureNamedKeyCredential("account", KEY)
    with Sdk(server.url, credential=credential, retry_total=0, max_single_put_size=MIB) as sdk:
        yield sdk


@pytest.mark.parametrize("fact", facts(), ids=lambda fact: " ".join([*fact.values()][:3]))
def test_an_error_is_a_subclass_of_what_azure_storage_blob_raises(
    fact: dict[str, str], answers: Answers, client: fastblob.Client, sdk: Sdk
) -> None:
    answers.fact = fact
    ours, theirs = OPERATIONS[fact["operation"]]
    with pytest.raises(azure.AzureError) as raised:
        theirs(sdk)
    assert type(raised.value).__name__ == fact["azure-storage-blob"]
    with pytest.raises(fastblob.TransferError) as caught:
        ours(client)
    assert type(caught.value).__name__ == fact["fastblob"]
    assert isinstance(caught.value, type(raised.value))
    code = None if fact["code"] == "-" else fact["code"]
    assert (caught.value.status_code, caught.value.error_code) == (int(fact["status"]), code)


def test_every_operation_is_in_the_table() -> None:
    assert {fact["operation"] for fact in facts()} == set(OPERATIONS)
