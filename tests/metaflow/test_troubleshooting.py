"""The situations of the troubleshooting section, and credentials: what a data scientist is told."""

from __future__ import annotations

import io
import socket
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from fastblob.local import LocalAzure
from support import SDK_API_VERSION, Account

Storage = Any


@pytest.fixture
def account(service_account: Account) -> Account:
    """Only the embedded service: its answers can be scripted."""
    return service_account


@pytest.fixture
def storage(new_storage: Callable[[str], Storage], container: str) -> Storage:
    return new_storage(f"{container}/mf")


def write(storage: Storage) -> None:
    storage.save_bytes([("key", io.BytesIO(b"1"))], overwrite=True)


def read(storage: Storage) -> None:
    with storage.load_bytes(["key"]) as loaded:
        assert [key for key, _, _ in loaded] == ["key"]


def ask(storage: Storage) -> None:
    storage.is_file(["key"])


def enumerate_(storage: Storage) -> None:
    storage.list_content(["key"])


@pytest.fixture(params=[write, read, ask, enumerate_])
def operation(request: pytest.FixtureRequest) -> Callable[[Storage], None]:
    return request.param  # type: ignore[no-any-return]


def raised(operation: Callable[[Storage], None], storage: Storage) -> tuple[str, str]:
    """The class of Metaflow's exception and what it says."""
    from metaflow.exception import MetaflowException

    with pytest.raises(MetaflowException) as caught:
        operation(storage)
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return type(caught.value).__name__, str(caught.value)


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "AuthorizationPermissionMismatch", "Storage Blob Data Contributor"),
        (403, "AuthorizationFailure", "firewall, private endpoints"),
        (403, "AuthenticationFailed", "Sign in again with `az login`"),
        (401, "InvalidAuthenticationInfo", "`az account show` tells who is signed in"),
    ],
)
def test_access_denied(
    service: LocalAzure,
    storage: Storage,
    operation: Callable[[Storage], None],
    status: int,
    code: str,
    said: str,
) -> None:
    service.add_fault(status=status, code=code, path="mf")
    kind, message = raised(operation, storage)
    assert kind == "MetaflowAzureAuthenticationError"
    assert said in message
    assert service.blob_endpoint in message


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "AccountIsDisabled", "the storage account is disabled"),
        (403, "AuthorizationSourceIPMismatch", "check its firewall"),
        (403, "AuthorizationProtocolMismatch", "AuthorizationProtocolMismatch"),
        (403, "InsufficientAccountPermissions", "InsufficientAccountPermissions"),
    ],
)
def test_access_denied_to_whoever_signs_in(
    service: LocalAzure, storage: Storage, status: int, code: str, said: str
) -> None:
    service.add_fault(status=status, code=code, path="mf")
    kind, message = raised(read, storage)
    assert kind == "MetaflowAzureAuthenticationError"
    assert said in message
    assert "az login" not in message


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "BlobArchived",
            ["archive tier", "Rehydrate", "az storage blob set-tier", "/mf/<flow>/data/", "rule"],
        ),
        ("BlobBeingRehydrated", ["archive tier", "takes hours"]),
        ("BlobImmutableDueToPolicy", ["immutability policy", "container without a policy"]),
        ("BlobImmutableDueToLegalHold", ["legal hold", "METAFLOW_DATASTORE_SYSROOT_AZURE"]),
        ("ContainerImmutabilityPolicyLocked", ["immutability policy"]),
        ("ContainerBeingDeleted", ["container does not exist"]),
        ("ContainerDisabled", ["409 ContainerDisabled"]),
        ("InvalidBlobType", ["not a block blob"]),
        ("LeaseAlreadyPresent", ["lease"]),
        ("PublicAccessNotPermitted", ["does not allow anonymous access"]),
        ("SnapshotsPresent", ["snapshots"]),
        ("NewInTheNextVersion", ["409 NewInTheNextVersion"]),
    ],
)
def test_a_conflict(
    service: LocalAzure, storage: Storage, operation: Callable[[Storage], None], code: str, said: list[str]
) -> None:
    service.add_fault(status=409, code=code, path="mf")
    kind, message = raised(operation, storage)
    assert kind == "MetaflowAzureResourceError"
    for words in said:
        assert words in message
    assert "az login" not in message


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "InvalidInput"),
        (400, "InvalidAuthenticationInfo"),
        (401, "InvalidAuthenticationInfo"),
        (401, "NewInTheNextVersion"),
        (403, "AuthenticationFailed"),
        (404, "BlobNotFound"),
        (404, "ContainerNotFound"),
        (404, "ResourceNotFound"),
        (404, "NewInTheNextVersion"),
        (409, "AccountBeingCreated"),
        (409, "BlobArchived"),
        (409, "BlobOverwritten"),
        (409, "ContainerBeingDeleted"),
        (409, "ContainerDisabled"),
        (409, "ResourceTypeMismatch"),
        (409, "NewInTheNextVersion"),
        (412, "ConditionNotMet"),
        (412, "LeaseIdMissing"),
        (413, "RequestBodyTooLarge"),
        (416, "InvalidRange"),
    ],
)
def test_where_stock_says_what_kind_of_error_it_is_so_does_fastblob(
    service: LocalAzure,
    storage: Storage,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
) -> None:
    from metaflow.exception import MetaflowException
    from metaflow.plugins.azure import blob_service_client_factory
    from metaflow.plugins.datastores.azure_storage import AzureStorage as StockAzureStorage

    monkeypatch.setattr(blob_service_client_factory, "AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", account.endpoint)
    stock = StockAzureStorage(storage.datastore_root)
    service.add_fault(status=status, code=code, path="mf")
    for operation in (write, enumerate_):
        kinds = []
        for one in (stock, storage):
            with pytest.raises(MetaflowException) as caught:
                operation(one)
            kinds.append(type(caught.value).__name__)
        assert kinds[0] == "MetaflowInternalError" or kinds[1] == kinds[0], operation


def test_the_container_does_not_exist(
    new_storage: Callable[[str], Storage], operation: Callable[[Storage], None]
) -> None:
    kind, message = raised(operation, new_storage("nowhere/mf"))
    assert kind == "MetaflowAzureResourceError"
    assert "METAFLOW_DATASTORE_SYSROOT_AZURE (now 'nowhere/mf')" in message
    assert "az storage container create --name nowhere" in message


def test_the_endpoint_refuses(
    storage: Storage,
    new_storage: Callable[[str], Storage],
    datastore_module: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    operation: Callable[[Storage], None],
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"https://127.0.0.1:{unused.getsockname()[1]}/acct"
        monkeypatch.setattr(datastore_module.account, "AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", endpoint)
        kind, message = raised(operation, new_storage(storage.datastore_root))
    assert kind == "MetaflowAzureResourceError"
    assert endpoint in message
    assert "private endpoint" in message


@pytest.mark.parametrize(
    ("root", "said"),
    [
        ("https://container/mf", 'scheme or host in front; write "container/mf"'),
        ("/container/mf", 'must not begin with a slash; write "container/mf"'),
        ("container/mf/", 'must not end with a slash; write "container/mf"'),
        ("container//mf", 'must not contain consecutive slashes; write "container/mf"'),
        ("acct.blob.core.windows.net/container/mf", 'host in front; write "container/mf"'),
        ("Container_1/mf", "not a container name"),
        (None, "it is not set"),
    ],
)
def test_the_root_is_malformed(
    new_storage: Callable[[str | None], Storage], root: str | None, said: str
) -> None:
    # ValueError is what the page names, and a Metaflow exception is shown without a traceback.
    with pytest.raises(ValueError, match="METAFLOW_DATASTORE_SYSROOT_AZURE must be") as caught:
        new_storage(root)
    assert said in str(caught.value)
    assert raised(new_storage, root)[0] == "AzureConfigurationError"


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", None, "set METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT"),
        ("AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", "ftp://x", "scheme other than https"),
        ("AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", "https://a.blob.core.windows.net?sig=x", "is not the URL"),
        ("AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", "https://a:sig=x@a.blob.core.windows.net", "is not the URL"),
        ("AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", "AccountName=a;AccountKey=sig=x", "is not the URL"),
        ("AZURE_STORAGE_WORKLOAD_TYPE", "huge", "choose 'default', 'highCpu'"),
    ],
)
def test_a_setting_is_wrong(
    new_storage: Callable[[str], Storage],
    datastore_module: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    value: str | None,
    said: str,
) -> None:
    monkeypatch.setattr(datastore_module.account, setting, value)
    kind, message = raised(new_storage, "container/mf")
    assert kind == "AzureConfigurationError"
    assert said in message
    assert f"METAFLOW_{setting}" in message
    assert "sig=" not in message


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        (
            "AZURE_STORAGE_CONNECTION_STRING",
            "AccountName",
            "AZURE_STORAGE_CONNECTION_STRING: Connection string is",
        ),
        ("AZURE_STORAGE_CONNECTION_STRING", "AccountName=Acct Name", "AccountName is not"),
        ("AZURE_STORAGE_ACCOUNT", "https://acct.blob.core.windows.net", "a URL belongs into"),
    ],
)
def test_a_variable_of_the_account_is_wrong(
    new_storage: Callable[[str], Storage],
    datastore_module: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setattr(datastore_module.account, "AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", None)
    for name in ("METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", "AZURE_STORAGE_BLOB_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    kind, message = raised(new_storage, "container/mf")
    assert kind == "AzureConfigurationError"
    assert variable in message
    assert said in message


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), ("text", "no PEM certificate is in it")]
)
def test_the_bundle_of_certificates_is_wrong(
    new_storage: Callable[[str], Storage],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    content: str | None,
    said: str,
) -> None:
    bundle = tmp_path_factory.mktemp("certificates") / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    kind, message = raised(new_storage, "container/mf")
    assert kind == "AzureConfigurationError"
    assert f"REQUESTS_CA_BUNDLE is {bundle}: " in message
    assert said in message


def test_a_package_of_azure_is_missing(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    # Another environment: the credential is made anew.
    monkeypatch.setenv("AZURE_CLIENT_ID", "another")
    kind, message = raised(read, storage)
    assert kind == "MetaflowAzurePackageError"
    assert 'pip install "fastblob[metaflow]"' in message


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential"}, "AZURE_CLIENT_ID, AZURE_CLIENT_SECRET"),
        ({"AZURE_TOKEN_CREDENTIALS": "AzureCliCredential", "PATH": "/nowhere"}, "Azure CLI not found"),
    ],
)
def test_nobody_is_signed_in(
    storage: Storage,
    new_storage: Callable[[str], Storage],
    monkeypatch: pytest.MonkeyPatch,
    operation: Callable[[Storage], None],
    variables: dict[str, str],
    said: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    kind, message = raised(operation, new_storage(storage.datastore_root))
    assert kind == "MetaflowAzureAuthenticationError"
    assert "Sign in again with `az login`" in message
    assert "'azure-default'" in message
    assert said in message


def test_a_failure_that_nobody_foresaw(service: LocalAzure, storage: Storage) -> None:
    service.add_fault(status=400, code="InvalidInput", path="mf")
    kind, message = raised(read, storage)
    assert kind == "MetaflowInternalError"
    assert message.startswith("Azure error: ")
    assert "400 InvalidInput" in message


def test_the_credential_serves_a_client_of_the_users_own(
    storage: Storage, service: LocalAzure, account: Account, container: str
) -> None:
    from azure.storage.blob import BlobServiceClient
    from metaflow.plugins.azure import create_azure_credential

    write(storage)
    service.clear_requests()
    with BlobServiceClient(
        account.endpoint, credential=create_azure_credential(), api_version=SDK_API_VERSION
    ) as client:
        assert client.get_blob_client(container, "mf/key").download_blob().readall() == b"1"
    # The token that fastblob uses, and nobody was asked for another.
    assert service.request_counts() == {"GetBlob": 1}
    assert create_azure_credential() is create_azure_credential()


@pytest.fixture
def other_provider(
    datastore_module: ModuleType, monkeypatch: pytest.MonkeyPatch, service: LocalAzure
) -> Iterator[list[str]]:
    """A client provider of somebody else, and what it was asked for."""
    from metaflow import metaflow_config, plugins
    from metaflow.plugins.azure import azure_credential

    asked = []

    class Credential:
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            asked.extend(scopes)
            return AccessToken(service.issue_token(), 4_000_000_000)

    class Provider:
        name = "mine"
        create_cacheable_azure_credential = staticmethod(Credential)

    monkeypatch.setattr(plugins, "AZURE_CLIENT_PROVIDERS", [*plugins.AZURE_CLIENT_PROVIDERS, Provider])
    monkeypatch.setattr(metaflow_config, "DEFAULT_AZURE_CLIENT_PROVIDER", "mine")
    monkeypatch.setattr(azure_credential, "cached_provider_class", None)
    yield asked
    azure_credential.cached_provider_class = None


def test_another_client_provider_is_asked(
    other_provider: list[str], new_storage: Callable[[str], Storage], container: str
) -> None:
    storage = new_storage(f"{container}/mf")
    write(storage)
    read(storage)
    assert other_provider == ["https://storage.azure.com/.default"]


def test_a_token_with_little_life_left_is_used(
    new_storage: Callable[[str], Storage],
    datastore_module: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with LocalAzure(containers=["short"], token_lifetime=200) as short:
        for name, value in short.env().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(
            datastore_module.account, "AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", short.blob_endpoint
        )
        storage = new_storage("short/mf")
        for _ in range(10):
            write(storage)
            read(storage)
        assert short.request_counts() == {"Token": 1, "PutBlob": 10, "GetBlob": 10}


def test_the_default_provider_is_ours(datastore_module: ModuleType) -> None:
    from metaflow.plugins import AZURE_CLIENT_PROVIDERS

    (provider,) = [provider for provider in AZURE_CLIENT_PROVIDERS if provider.name == "azure-default"]
    assert provider.__module__ == "metaflow_extensions.fastblob.plugins.credential"
