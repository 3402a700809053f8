"""What can be sent to another process: clients, results, errors."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastblob
import pytest
from azure.core.credentials import AccessToken
from fastblob.local import LocalAzure
from support import Account, account_sas, tomorrow


@pytest.fixture
def blob(service_client: fastblob.Client, service_container: str) -> str:
    """A small blob."""
    service_client.write(f"{service_container}/dir/blob", b"data", metadata={"k": "v"}, content_type="text/x")
    return f"{service_container}/dir/blob"


CLIENTS: dict[str, Callable[[Account], fastblob.Client]] = {
    "environment": lambda a: fastblob.Client(),
    "DefaultAzureCredential": lambda a: fastblob.Client(a.endpoint, max_connections=3, timeout=5.0),
    "key": lambda a: fastblob.Client(a.endpoint, a.key),
    "SAS": lambda a: fastblob.Client(f"{a.endpoint}?{account_sas(a, tomorrow())}"),
    "connection string": lambda a: fastblob.Client.from_connection_string(
        f"BlobEndpoint={a.endpoint};AccountName={a.name};AccountKey={a.key}"
    ),
}


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_clients(service_account: Account, blob: str, kind: str, protocol: int) -> None:
    client = CLIENTS[kind](service_account)
    again = pickle.loads(pickle.dumps(client, protocol))
    assert type(again) is fastblob.Client
    assert again.endpoint == client.endpoint
    assert again.read(blob) == b"data"


def test_a_client_with_a_credential_that_does_not_pickle(service_account: Account) -> None:
    class Locked:
        def __init__(self) -> None:
            self.lock = threading.Lock()

        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            raise NotImplementedError

    with pytest.raises((AttributeError, TypeError, pickle.PicklingError), match=r"Locked|lock"):
        pickle.dumps(fastblob.Client(service_account.endpoint, Locked()))


def same(value: Any, attributes: list[str]) -> None:
    again = pickle.loads(pickle.dumps(value))
    assert type(again) is type(value)
    assert [getattr(again, name) for name in attributes] == [getattr(value, name) for name in attributes]
    assert repr(again) == repr(value)
    assert copy.deepcopy(value) is not None


def test_results(service_client: fastblob.Client, blob: str, tmp_path: Path) -> None:
    result = service_client.download(blob, tmp_path / "file")
    same(
        result,
        ["blob", "path", "size", "etag", "crc64", "metadata", "requests", "retries", "seconds", "error"],
    )


def test_failed_results(service_client: fastblob.Client, blob: str) -> None:
    (result,) = service_client.delete_many([f"{blob}-none"], on_error="collect")
    again = pickle.loads(pickle.dumps(result))
    assert type(again.error) is fastblob.BlobNotFoundError
    assert again.error.blob == f"{blob}-none"


def test_properties_items_and_paths(service_client: fastblob.Client, blob: str) -> None:
    described = [
        "container",
        "name",
        "size",
        "etag",
        "last_modified",
        "creation_time",
        "content_type",
        "content_md5",
    ]
    same(service_client.properties(blob), [*described, "metadata", "tier", "tag_count"])
    for item in service_client.list(blob.split("/", maxsplit=1)[0], delimiter="/"):
        same(item, [*described, "path", "is_prefix", "tier"])
    same(fastblob.BlobPath(blob), ["container", "name"])


ERRORS = [
    "TransferError",
    "BlobNotFoundError",
    "BlobExistsError",
    "BlobModifiedError",
    "BlobConflictError",
    "AuthenticationError",
    "ServiceError",
    "NetworkError",
    "IntegrityError",
    "TransferCancelledError",
]
ATTRIBUTES = ["blob", "status_code", "error_code", "request_id", "attempts"]


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_class(name: str) -> None:
    error = getattr(fastblob, name)(
        "what happened", blob="c/b", status_code=418, error_code="Teapot", request_id="r", attempts=2
    )
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error) == "what happened"
    assert [getattr(again, attribute) for attribute in ATTRIBUTES] == ["c/b", 418, "Teapot", "r", 2]


def test_a_raised_error_with_its_results(
    service: LocalAzure, service_client: fastblob.Client, blob: str
) -> None:
    with pytest.raises(fastblob.BlobNotFoundError) as caught:
        service_client.read_many([blob, f"{blob}-none"])
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert [result.blob for result in again.results] == [blob, f"{blob}-none"]
