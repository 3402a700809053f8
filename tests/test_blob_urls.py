"""Clients made from the URL of a container or of a blob."""

from __future__ import annotations

import copy
import pickle

import fastblob
import pytest
from hostile.server import KEY
from support import Account, account_sas, tomorrow

AZURE = "https://acct.blob.core.windows.net"


@pytest.fixture
def key_client(account: Account) -> fastblob.Client:
    """A client that can sign."""
    return fastblob.Client(account.endpoint, account.key)


def test_a_container_with_its_sas(key_client: fastblob.Client, container: str) -> None:
    key_client.write(f"{container}/a/b", b"content")
    url = key_client.container_sas_url(container, permissions="rl", expiry=tomorrow())
    client, path = fastblob.Client.from_container_url(url)
    assert path == fastblob.BlobPath(container)
    assert client.endpoint == key_client.endpoint
    assert [item.name for item in client.list(path)] == ["a/b"]
    assert client.read(f"{path}/a/b") == b"content"
    with pytest.raises(fastblob.AuthenticationError):
        client.delete(f"{path}/a/b")


@pytest.mark.parametrize("name", ["b", "a/ü b", "a//b", "#?%41+&="])
def test_a_blob_with_its_sas(key_client: fastblob.Client, container: str, name: str) -> None:
    blob = fastblob.BlobPath(container, name)
    key_client.write(blob, b"content")
    url = key_client.sas_url(blob, permissions="r", expiry=tomorrow())
    client, path = fastblob.Client.from_blob_url(url, max_retries=0)
    assert path == blob
    assert client.read(path) == b"content"
    key_client.write(f"{container}/other", b"other")
    with pytest.raises(fastblob.AuthenticationError):
        client.read(f"{container}/other")


def test_with_a_credential_and_options(account: Account, container: str) -> None:
    url = f"{account.endpoint}/{container}/b"
    client, path = fastblob.Client.from_blob_url(url, account.key, timeout=20)
    client.write(path, b"content")
    assert client.read(path) == b"content"
    # It is a client like any other.
    again = pickle.loads(pickle.dumps(client))
    assert again.read(copy.copy(path)) == b"content"


def test_a_client_s_sas_is_the_account_s(account: Account) -> None:
    client, path = fastblob.Client.from_container_url(
        f"{account.endpoint}/data?{account_sas(account, tomorrow())}"
    )
    assert str(path) == "data"
    assert not client.exists("data/none")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"{AZURE}/data?sig=secret", "names a container, not a blob; Client.from_container_url"),
        (f"{AZURE}/?sig=secret", "names no container"),
        ("data/secret", "is not a URL"),
        (f"{AZURE}/data/b?snapshot=2024-01-01T00:00:00.0000000Z&sig=secret", "'snapshot'"),
        (f"{AZURE}/data/b?versionid=2024-01-01T00:00:00.0000000Z&sig=secret", "'versionid'"),
        ("https://user:secret@acct.blob.core.windows.net/data/b", "user name or password"),
    ],
)
def test_what_is_not_the_url_of_a_blob(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        fastblob.Client.from_blob_url(url)
    assert "secret" not in str(caught.value)


def test_what_is_not_the_url_of_a_container() -> None:
    with pytest.raises(ValueError, match=r"names a blob, not a container; Client\.from_blob_url"):
        fastblob.Client.from_container_url(f"{AZURE}/data/b?sig=secret")
    with pytest.raises(ValueError, match="restype"):
        fastblob.Client.from_container_url(f"{AZURE}/data?restype=container&comp=list&sig=secret")


@pytest.mark.parametrize("path", ["data", "data/b"])
def test_the_class_itself_takes_neither_but_says_what_does(path: str) -> None:
    with pytest.raises(ValueError, match=r"Client\.from_container_url\(\) and Client\.from_blob_url\(\)"):
        fastblob.Client(f"{AZURE}/{path}?sv=1&sig=secret")
    with pytest.raises(ValueError, match=r"Client\.from_container_url\(\)"):
        fastblob.Client(f"{AZURE}/{path}", KEY)
