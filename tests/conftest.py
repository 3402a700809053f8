"""The accounts under test: the embedded service, and Azurite over HTTPS, each once per worker."""

from __future__ import annotations

import os
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import fastblob
import pytest
from azure.identity import DefaultAzureCredential
from fastblob.local import LocalAzure
from support import Account, sdk_client

AZURITE = Path(__file__).parent / "node_modules/azurite/dist/src/blob/main.js"
AZURITE_START_SECONDS = 30

# Set by real_account.py: an account that is no stand-in, and `<container>/<prefix>` in it for the tests.
REAL_ENDPOINT = os.environ.get("FASTBLOB_TEST_ENDPOINT")
REAL_PLACE = os.environ.get("FASTBLOB_TEST_PLACE")

# What of a developer's own environment would decide which account, credential or proxy the tests use.
FOREIGN_PREFIXES = ("AZURE_", "METAFLOW_", "IDENTITY_", "MSI_")
FOREIGN_NAMES = frozenset(
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"]
)


@pytest.fixture(scope="session")
def session_environment() -> Iterator[pytest.MonkeyPatch]:
    """The process environment without anything that points to a real account."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(FOREIGN_PREFIXES) or name.upper() in FOREIGN_NAMES:
                patch.delenv(name)
        yield patch


@pytest.fixture(scope="session")
def session_service(session_environment: pytest.MonkeyPatch) -> Iterator[LocalAzure]:
    """The embedded service, with the variables set that lead an unmodified credential to it."""
    with LocalAzure() as service:
        for name, value in service.env().items():
            session_environment.setenv(name, value)
        yield service


@pytest.fixture
def service(session_service: LocalAzure) -> Iterator[LocalAzure]:
    """The embedded service with an empty request log and no faults."""
    session_service.clear_faults()
    session_service.clear_requests()
    yield session_service
    session_service.clear_faults()


@pytest.fixture(scope="session")
def credential(session_service: LocalAzure) -> Iterator[DefaultAzureCredential]:
    """An unmodified DefaultAzureCredential, which finds the embedded managed-identity endpoint."""
    with closing(DefaultAzureCredential()) as credential:
        yield credential


@pytest.fixture(scope="session")
def service_account(session_service: LocalAzure, credential: DefaultAzureCredential) -> Iterator[Account]:
    """The embedded service's account."""
    endpoint = session_service.blob_endpoint
    with sdk_client(endpoint, credential) as sdk:
        yield Account(
            "service",
            endpoint,
            session_service.account_name,
            session_service.account_key,
            credential,
            sdk,
        )


@pytest.fixture(scope="session")
def azurite_endpoint(session_service: LocalAzure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Azurite over HTTPS with OAuth, on a free port, with a certificate of the service's authority."""
    folder = tmp_path_factory.mktemp("azurite")
    certificate, key = folder / "server.crt", folder / "server.key"
    certificate.write_text(session_service.server_certificate)
    key.write_text(session_service.server_key)
    command = ["node", str(AZURITE), "--blobPort", "0", "--inMemoryPersistence", "--silent"]
    command += ["--oauth", "basic", "--cert", str(certificate), "--key", str(key)]
    command += ["--disableTelemetry", "--blobKeepAliveTimeout", "60"]
    # When a copy's source carries a SAS, Azurite asks itself for it.
    trust = {"NODE_EXTRA_CA_CERTS": session_service.env()["SSL_CERT_FILE"]}
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **trust},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        # Ends the loop below should Azurite neither come up nor end by itself.
        watchdog = threading.Timer(AZURITE_START_SECONDS, process.kill)
        watchdog.start()
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if "successfully listens on " in line:
                    break
            else:
                pytest.fail(f"Azurite did not start:\n{''.join(said)}", pytrace=False)
            watchdog.cancel()
            address = said[-1].split("successfully listens on ")[1].strip()
            yield f"{address}/{session_service.account_name}"
        finally:
            watchdog.cancel()
            process.terminate()


@pytest.fixture(scope="session")
def azurite_account(
    azurite_endpoint: str, session_service: LocalAzure, credential: DefaultAzureCredential
) -> Iterator[Account]:
    """Azurite's account, which has the same well-known name and key as the embedded service's."""
    with sdk_client(azurite_endpoint, credential) as sdk:
        yield Account(
            "azurite",
            azurite_endpoint,
            session_service.account_name,
            session_service.account_key,
            credential,
            sdk,
        )


@pytest.fixture(scope="session")
def real_account() -> Iterator[Account]:
    """The account that real_account.py was given, with the credential of the environment."""
    assert REAL_ENDPOINT is not None
    key = os.environ.get("AZURE_STORAGE_KEY", "")
    with closing(DefaultAzureCredential()) as token_credential:
        credential = key or os.environ.get("AZURE_STORAGE_SAS_TOKEN") or token_credential
        with sdk_client(REAL_ENDPOINT, credential) as sdk:
            yield Account("real", REAL_ENDPOINT, str(sdk.account_name), key, credential, sdk)


@pytest.fixture(params=["real"] if REAL_ENDPOINT else ["service", "azurite"])
def account(request: pytest.FixtureRequest) -> Account:
    """Each account in turn: a test that asks for this one must hold on both."""
    if request.param != "real":
        request.getfixturevalue("service")
    account = request.getfixturevalue(f"{request.param}_account")
    assert isinstance(account, Account)
    return account


@contextmanager
def temporary_container(account: Account) -> Iterator[str]:
    """A new container, removed with everything in it at the end."""
    name = f"test-{uuid.uuid4().hex}"
    account.sdk.create_container(name)
    yield name
    account.sdk.delete_container(name)


@contextmanager
def temporary_prefix(account: Account) -> Iterator[str]:
    """A prefix with nothing below it, neither before nor at the end: containers are not made elsewhere."""
    place = f"{REAL_PLACE}/{uuid.uuid4().hex}"
    yield place
    client = account.client()
    client.delete_many(client.list(place), missing_ok=True)


@pytest.fixture
def container(account: Account, request: pytest.FixtureRequest) -> Iterator[str]:
    """A new container of ``account``; of a real one a prefix, ``<container>/<prefix>``."""
    if account.server == "real":
        with temporary_prefix(account) as place:
            yield place
        return
    service: LocalAzure = request.getfixturevalue("service")
    with temporary_container(account) as name:
        yield name
        service.clear_faults()


@pytest.fixture
def client(account: Account) -> fastblob.Client:
    """A new client of ``account``."""
    return account.client()


@pytest.fixture
def service_container(service_account: Account, service: LocalAzure) -> Iterator[str]:
    """A new container in the embedded service, for tests that need its faults or its request log."""
    with temporary_container(service_account) as name:
        yield name
        service.clear_faults()


@pytest.fixture
def service_client(service: LocalAzure, service_account: Account) -> fastblob.Client:
    """A new client of the embedded service."""
    return service_account.client()
