"""SharedKey: what fastblob signs is accepted, what azure-storage-blob signs is too, and nothing else is."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import fastblob
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.storage.blob import BlobServiceClient
from support import MIB, Account, content, names, sdk_client

NAMES = [
    "plain",
    "a b",
    "a+b",
    "a%20b",
    "a/b/c",
    "ü/日本語",
    "q?x=1&y=2",
    "🎉",
    "~!*'();:@&=+$,#[]",
    "dots...",
]


@pytest.fixture
def key_client(account: Account) -> fastblob.Client:
    """A fastblob client that signs with the account's key."""
    return fastblob.Client(account.endpoint, account.key)


@pytest.fixture
def key_sdk(account: Account) -> Iterator[BlobServiceClient]:
    """An azure-storage-blob client that signs with the account's key."""
    with sdk_client(account.endpoint, account.key) as sdk:
        yield sdk


@pytest.mark.parametrize("name", NAMES)
def test_names(key_client: fastblob.Client, key_sdk: BlobServiceClient, container: str, name: str) -> None:
    key_client.write(f"{container}/{name}", b"data")
    assert key_sdk.get_blob_client(container, name).download_blob().readall() == b"data"
    assert key_client.read(f"{container}/{name}", 1, 2) == b"at"
    assert names(key_client.list(f"{container}/{name}", delimiter="/")) == []
    key_client.copy(f"{container}/{name}", f"{container}/copy of {name}")
    key_client.delete_many([f"{container}/{name}", f"{container}/copy of {name}"])


def test_headers_of_every_kind(key_client: fastblob.Client, container: str) -> None:
    for number, size in enumerate([0, 10, 20 * MIB]):
        key_client.write(
            f"{container}/{number}",
            content(size),
            metadata={"Zeta": "spaces   inside", "alpha": "a,b", "Beta_1": ""},
            content_type="text/plain; charset=utf-8",
            tier="Cool",
            tags={"k": "v w", "l": "+-./:=_"},
        )
        assert key_client.read(f"{container}/{number}") == content(size)


def test_lists_with_every_parameter(key_client: fastblob.Client, container: str) -> None:
    key_client.write_many((f"{container}/p q/{name}", b"x") for name in NAMES)
    assert len(list(key_client.list(f"{container}/p q"))) == len(NAMES)


@pytest.mark.parametrize("position", [0, 20, 63])
def test_a_key_that_is_wrong_in_one_byte(account: Account, container: str, position: int) -> None:
    key = bytearray(base64.b64decode(account.key))
    key[position] ^= 1
    wrong = base64.b64encode(bytes(key)).decode()
    with pytest.raises(fastblob.AuthenticationError):
        fastblob.Client(account.endpoint, wrong).write(f"{container}/blob", b"data")
    # The referee agrees: without this, a server that accepts nothing would pass as well as one that verifies.
    with sdk_client(account.endpoint, wrong) as sdk, pytest.raises(ClientAuthenticationError):
        sdk.get_blob_client(container, "blob").upload_blob(b"data")
    assert not account.client().exists(f"{container}/blob")
