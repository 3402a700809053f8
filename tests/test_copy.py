"""Server-side copies."""

from __future__ import annotations

import fastblob
import pytest
from fastblob.local import LocalAzure
from support import Account, account_sas, content, tomorrow


@pytest.fixture
def source(service_client: fastblob.Client, service_container: str) -> str:
    """A blob with a name that must be encoded."""
    path = f"{service_container}/source ü#?%41"
    service_client.write(path, content(1000), metadata={"owner": "me"})
    return path


def test_no_bytes_come_here(
    service: LocalAzure, service_client: fastblob.Client, source: str, service_container: str
) -> None:
    service.clear_requests()
    properties = service_client.copy(source, f"{service_container}/target")
    assert service.request_counts() == {"CopyBlob": 1, "GetBlobProperties": 1}
    assert properties == service_client.properties(f"{service_container}/target")
    assert service_client.read(f"{service_container}/target") == content(1000)


def test_an_existing_target(service_client: fastblob.Client, source: str, service_container: str) -> None:
    target = f"{service_container}/target"
    service_client.write(target, b"old")
    with pytest.raises(fastblob.BlobExistsError):
        service_client.copy(source, target)
    assert service_client.read(target) == b"old"
    service_client.copy(source, target, overwrite=True)
    assert service_client.read(target) == content(1000)


def test_a_missing_source(service_client: fastblob.Client, service_container: str) -> None:
    with pytest.raises(fastblob.BlobNotFoundError) as caught:
        service_client.copy(f"{service_container}/none", f"{service_container}/target")
    assert caught.value.blob == f"{service_container}/none"
    assert not service_client.exists(f"{service_container}/target")


def test_to_another_container(service_account: Account, service_client: fastblob.Client, source: str) -> None:
    service_account.sdk.create_container("copy-target")
    service_client.copy(source, "copy-target/blob")
    assert service_client.read("copy-target/blob") == content(1000)
    service_account.sdk.delete_container("copy-target")


@pytest.mark.parametrize("kind", ["key", "sas"])
def test_with_other_credentials(
    service_account: Account, source: str, service_container: str, kind: str
) -> None:
    credential = service_account.key if kind == "key" else account_sas(service_account, tomorrow())
    client = fastblob.Client(service_account.endpoint, credential)
    client.copy(source, f"{service_container}/target")
    assert client.read(f"{service_container}/target") == content(1000)


def test_onto_itself_changes_nothing(service_client: fastblob.Client, source: str) -> None:
    with pytest.raises((ValueError, fastblob.BlobExistsError)):
        service_client.copy(source, source)
    assert service_client.read(source) == content(1000)
