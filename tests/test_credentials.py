"""Credentials: every kind there is, and what is refused."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import fastblob
import pytest
from azure.core.credentials import AccessToken, AzureNamedKeyCredential, AzureSasCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.storage.blob import (
    BlobSasPermissions,
    ContainerSasPermissions,
    generate_blob_sas,
    generate_container_sas,
)
from fastblob.local import LocalAzure
from support import Account, account_sas, names, tomorrow, yesterday


def round_trip(client: fastblob.Client, container: str) -> None:
    """Every kind of request that a credential must be good for."""
    client.write(f"{container}/a b/ü?", b"data", metadata={"k": "v"})
    client.write(f"{container}/large", bytes(9 * 1024 * 1024))
    assert client.read(f"{container}/a b/ü?") == b"data"
    assert client.properties(f"{container}/a b/ü?").metadata == {"k": "v"}
    assert names(client.list(f"{container}/a b")) == ["a b/ü?"]
    client.copy(f"{container}/a b/ü?", f"{container}/copy")
    for name in ("copy", "a b/ü?", "large"):
        client.delete(f"{container}/{name}")
    assert list(client.list(container)) == []


def connection_string(account: Account) -> str:
    return f"AccountName={account.name};AccountKey={account.key};BlobEndpoint={account.endpoint};"


CLIENTS: dict[str, Callable[[Account], fastblob.Client]] = {
    "DefaultAzureCredential, unmodified": lambda a: fastblob.Client(a.endpoint),
    "DefaultAzureCredential, given": lambda a: fastblob.Client(a.endpoint, a.credential),
    "account key": lambda a: fastblob.Client(a.endpoint, a.key),
    "named key": lambda a: fastblob.Client(a.endpoint, AzureNamedKeyCredential(a.name, a.key)),
    "SAS": lambda a: fastblob.Client(a.endpoint, account_sas(a, tomorrow())),
    "SAS with a question mark": lambda a: fastblob.Client(a.endpoint, "?" + account_sas(a, tomorrow())),
    "SAS credential": lambda a: fastblob.Client(a.endpoint, AzureSasCredential(account_sas(a, tomorrow()))),
    "SAS in the URL": lambda a: fastblob.Client(f"{a.endpoint}?{account_sas(a, tomorrow())}"),
    "connection string, key": lambda a: fastblob.Client.from_connection_string(connection_string(a)),
    "connection string, SAS": lambda a: fastblob.Client.from_connection_string(
        f"BlobEndpoint={a.endpoint};SharedAccessSignature={account_sas(a, tomorrow())}"
    ),
    "connection string and credential": lambda a: fastblob.Client.from_connection_string(
        f"BlobEndpoint={a.endpoint}", a.credential
    ),
}


@pytest.mark.parametrize("kind", CLIENTS)
def test_every_kind_of_credential(account: Account, container: str, kind: str) -> None:
    round_trip(CLIENTS[kind](account), container)


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_batch_with_every_kind_of_credential(
    service_account: Account, service_container: str, kind: str
) -> None:
    # Not on Azurite, which answers 500 to every batch with a SAS, that of azure-storage-blob included.
    client = CLIENTS[kind](service_account)
    blobs = [f"{service_container}/{name}" for name in ("a b/ü?", "plain")]
    client.write_many((blob, b"data") for blob in blobs)
    client.delete_many(blobs)
    assert list(client.list(service_container)) == []


ENVIRONMENTS: dict[str, Callable[[Account], dict[str, str]]] = {
    "METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT": lambda a: {
        "METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT": a.endpoint
    },
    "AZURE_STORAGE_BLOB_ENDPOINT": lambda a: {"AZURE_STORAGE_BLOB_ENDPOINT": a.endpoint},
    "endpoint and key": lambda a: {"AZURE_STORAGE_BLOB_ENDPOINT": a.endpoint, "AZURE_STORAGE_KEY": a.key},
    "endpoint and SAS": lambda a: {
        "AZURE_STORAGE_BLOB_ENDPOINT": a.endpoint,
        "AZURE_STORAGE_SAS_TOKEN": account_sas(a, tomorrow()),
    },
    "AZURE_STORAGE_CONNECTION_STRING": lambda a: {"AZURE_STORAGE_CONNECTION_STRING": connection_string(a)},
}


@pytest.fixture
def no_account(monkeypatch: pytest.MonkeyPatch, service: LocalAzure) -> pytest.MonkeyPatch:
    """The environment without any account."""
    for name in service.env():
        if name.endswith("ENDPOINT") and not name.startswith("IDENTITY"):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.parametrize("variables", ENVIRONMENTS)
def test_the_account_from_the_environment(
    account: Account, container: str, no_account: pytest.MonkeyPatch, variables: str
) -> None:
    for name, value in ENVIRONMENTS[variables](account).items():
        no_account.setenv(name, value)
    round_trip(fastblob.Client(), container)


@pytest.mark.parametrize("variable", ["AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"])
def test_the_account_s_name_alone(no_account: pytest.MonkeyPatch, variable: str) -> None:
    no_account.setenv(variable, "someaccount")
    assert fastblob.Client().endpoint == "https://someaccount.blob.core.windows.net"


def test_the_first_variable_that_is_set_wins(no_account: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(
        [
            "AZURE_STORAGE_ACCOUNT",
            "AZURE_STORAGE_BLOB_ENDPOINT",
            "METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT",
        ]
    ):
        no_account.setenv(name, f"https://account{number}.example.com" if number else "account0")
        assert f"account{number}" in fastblob.Client().endpoint
    assert fastblob.Client("https://argument.example.com").endpoint == "https://argument.example.com"


def test_no_account_at_all(no_account: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"AZURE_STORAGE_BLOB_ENDPOINT.*AZURE_STORAGE_ACCOUNT"):
        fastblob.Client()


@pytest.mark.parametrize(
    ("connection_string", "endpoint"),
    [
        ("UseDevelopmentStorage=true", "http://127.0.0.1:10000/devstoreaccount1"),
        (
            f"AccountName=acct;AccountKey={base64.b64encode(bytes(64)).decode()}",
            "https://acct.blob.core.windows.net",
        ),
        (
            "DefaultEndpointsProtocol=https;AccountName=acct;EndpointSuffix=core.chinacloudapi.cn",
            "https://acct.blob.core.chinacloudapi.cn",
        ),
        (
            "BlobEndpoint=https://blobs.example.com;SharedAccessSignature=sv=1&sig=x",
            "https://blobs.example.com",
        ),
    ],
)
def test_forms_of_connection_strings(connection_string: str, endpoint: str) -> None:
    assert fastblob.Client.from_connection_string(connection_string).endpoint.rstrip("/") == endpoint


@pytest.mark.parametrize("connection_string", ["", "nonsense", "FileEndpoint=https://x.example.com"])
def test_connection_strings_without_a_blob_service(connection_string: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)connection string"):
        fastblob.Client.from_connection_string(connection_string)


def test_anonymous_reads_of_a_public_container(service: LocalAzure, service_account: Account) -> None:
    service_account.sdk.create_container("public-for-all", public_access="container")
    service_account.client().write("public-for-all/blob", b"data")
    client = fastblob.Client(service.blob_endpoint, anonymous=True)
    assert client.read("public-for-all/blob") == b"data"
    assert names(client.list("public-for-all")) == ["blob"]
    with pytest.raises(fastblob.TransferError):
        client.write("public-for-all/other", b"data")
    service_account.sdk.delete_container("public-for-all")


def test_anonymous_and_a_credential_exclude_each_other(service: LocalAzure) -> None:
    with pytest.raises(ValueError, match="anonymous"):
        fastblob.Client(service.blob_endpoint, service.account_key, anonymous=True)


def test_anonymous_where_it_is_not_allowed(service: LocalAzure, service_container: str) -> None:
    client = fastblob.Client(service.blob_endpoint, anonymous=True)
    with pytest.raises(fastblob.TransferError) as caught:
        client.read(f"{service_container}/blob")
    assert caught.value.status_code in {401, 403, 404, 409}


def test_a_sas_that_lacks_a_permission(account: Account, container: str) -> None:
    account.client().write(f"{container}/blob", b"data")
    sas = generate_container_sas(
        account.name, container, account.key, permission=ContainerSasPermissions(read=True), expiry=tomorrow()
    )
    client = fastblob.Client(account.endpoint, sas)
    assert client.read(f"{container}/blob") == b"data"
    with pytest.raises(fastblob.AuthenticationError) as caught:
        client.write(f"{container}/other", b"data")
    assert caught.value.status_code == 403


def test_a_sas_for_one_blob(account: Account, container: str) -> None:
    client = account.client()
    client.write(f"{container}/blob", b"data")
    client.write(f"{container}/other", b"data")
    sas = generate_blob_sas(
        account.name,
        container,
        "blob",
        account_key=account.key,
        permission=BlobSasPermissions(read=True),
        expiry=tomorrow(),
    )
    limited = fastblob.Client(account.endpoint, sas)
    assert limited.read(f"{container}/blob") == b"data"
    with pytest.raises(fastblob.AuthenticationError):
        limited.read(f"{container}/other")


def test_an_expired_sas(account: Account, container: str) -> None:
    client = fastblob.Client(account.endpoint, account_sas(account, yesterday()))
    with pytest.raises(fastblob.AuthenticationError) as caught:
        client.read(f"{container}/blob")
    assert (caught.value.status_code, caught.value.attempts) == (403, 1)


def test_the_message_about_an_expired_sas_says_so(service_account: Account, service_container: str) -> None:
    client = fastblob.Client(service_account.endpoint, account_sas(service_account, yesterday()))
    with pytest.raises(fastblob.AuthenticationError, match=r"SAS.*expired") as caught:
        client.read(f"{service_container}/blob")
    assert caught.value.error_code == "AuthenticationFailed"


def test_a_wrong_key(account: Account, container: str) -> None:
    client = fastblob.Client(account.endpoint, base64.b64encode(b"x" * 64).decode())
    with pytest.raises(fastblob.AuthenticationError, match="key"):
        client.read(f"{container}/blob")


@pytest.mark.parametrize("credential", ["neither a key nor a sas", "c2hvcnQ=", ""])
def test_a_string_that_is_no_credential(service: LocalAzure, credential: str) -> None:
    with pytest.raises(ValueError, match=r"key.*SAS"):
        fastblob.Client(service.blob_endpoint, credential)


@pytest.mark.parametrize("credential", [5, object(), b"bytes"], ids=lambda c: type(c).__name__)
def test_an_object_that_is_no_credential(service: LocalAzure, credential: Any) -> None:
    with pytest.raises(TypeError, match="TokenCredential"):
        fastblob.Client(service.blob_endpoint, credential)


def test_an_asynchronous_credential(service: LocalAzure) -> None:
    class Asynchronous:
        async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            raise NotImplementedError

    with pytest.raises(TypeError, match="aio"):
        fastblob.Client(service.blob_endpoint, Asynchronous())  # type: ignore[arg-type]


def test_a_credential_that_raises(service: LocalAzure, service_container: str) -> None:
    class Broken:
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            raise ClientAuthenticationError("please log in")

    client = fastblob.Client(service.blob_endpoint, Broken())
    with pytest.raises(fastblob.AuthenticationError, match="please log in") as caught:
        client.read(f"{service_container}/blob")
    assert isinstance(caught.value.__cause__, ClientAuthenticationError)
    assert service.request_counts().get("GetBlob", 0) == 0


def test_default_azure_credential_with_nothing_to_find(
    service: LocalAzure, service_container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    client = fastblob.Client(service.blob_endpoint)
    with pytest.raises(fastblob.AuthenticationError, match="az login") as caught:
        client.read(f"{service_container}/blob")
    assert isinstance(caught.value.__cause__, ClientAuthenticationError)


def test_a_credential_that_returns_nonsense(service: LocalAzure, service_container: str) -> None:
    class Nonsense:
        def get_token(self, *scopes: str, **options: Any) -> Any:
            return None

    client = fastblob.Client(service.blob_endpoint, Nonsense())
    with pytest.raises(fastblob.AuthenticationError):
        client.read(f"{service_container}/blob")


def test_tokens_go_over_plain_http_to_this_machine(
    session_service: LocalAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalAzure(tls=False, containers=["data"]) as plain:
        for name, value in plain.env().items():
            monkeypatch.setenv(name, value)
        assert plain.blob_endpoint.startswith("http://127.0.0.1:")
        round_trip(fastblob.Client(), "data")
