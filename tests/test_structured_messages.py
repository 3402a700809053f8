"""The engine reads structured messages where an endpoint sends them, and does without where it does not."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import fastblob
import pytest
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.storage.blob import (
    AccountSasPermissions,
    ContentSettings,
    ResourceTypes,
    generate_account_sas,
)
from fastblob.local import LocalAzure
from support import MIB, Account, content, tomorrow, write_file

SIZES = [0, 1, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 20 * MIB + 3]
# Of a message: in the head of its first segment, in its first content.
SPOILT = [13, 30]


@pytest.mark.parametrize("size", SIZES)
def test_blobs_of_every_size(
    service_account: Account, service_container: str, tmp_path: Path, size: int
) -> None:
    data = content(size)
    service_account.sdk.get_blob_client(service_container, "blob").upload_blob(data)
    client = service_account.client()
    blob = f"{service_container}/blob"
    buffer = bytearray(size)
    assert client.read(blob) == data
    assert client.read_into(blob, buffer) == size
    assert buffer == data
    assert client.download(blob, tmp_path / "blob").crc64 == fastblob.crc64(data)
    assert (tmp_path / "blob").read_bytes() == data


@pytest.mark.parametrize(
    ("offset", "length"),
    [(0, 1), (1, 4 * MIB), (4 * MIB - 1, 2), (3 * MIB, 9 * MIB + 7), (20 * MIB - 1, 1), (5 * MIB, None)],
)
def test_ranges(service_account: Account, service_container: str, offset: int, length: int | None) -> None:
    data = content(20 * MIB)
    service_account.sdk.get_blob_client(service_container, "blob").upload_blob(data)
    end = None if length is None else offset + length
    got = service_account.client().read(f"{service_container}/blob", offset=offset, length=length)
    assert got == data[offset:end]


@pytest.mark.parametrize("at", SPOILT)
@pytest.mark.parametrize("kind", ["token", "key", "sas"])
def test_each_kind_of_credential(
    service: LocalAzure, service_account: Account, service_container: str, kind: str, at: int
) -> None:
    account = service_account
    credentials: dict[str, Any] = {
        "token": account.credential,
        "key": AzureNamedKeyCredential(account.name, account.key),
        "sas": AzureSasCredential(
            generate_account_sas(
                account.name,
                account.key,
                ResourceTypes(object=True),
                AccountSasPermissions(read=True),
                expiry=tomorrow(),
            )
        ),
    }
    account.sdk.get_blob_client(service_container, "blob").upload_blob(content(1000))
    client = fastblob.Client(account.endpoint, credentials[kind])
    assert client.read(f"{service_container}/blob") == content(1000)
    service.clear_requests()
    # That the damage is found tells that a message was asked for.
    service.add_fault(operation="GetBlob", corrupt_at=at)
    with pytest.raises(fastblob.IntegrityError, match="CRC64"):
        client.read(f"{service_container}/blob")
    assert [record.operation for record in service.requests()] == ["GetBlob", "GetBlob"]


def test_azurite_which_sends_none_costs_nothing(azurite_account: Account, tmp_path: Path) -> None:
    container = azurite_account.sdk.get_container_client("messages")
    container.create_container()
    data = content(20 * MIB)
    container.upload_blob("blob", data)
    client = azurite_account.client()
    results = [client.download("messages/blob", tmp_path / "blob") for _ in range(2)]
    assert (tmp_path / "blob").read_bytes() == data
    assert client.read("messages/blob", offset=5, length=MIB) == data[5 : 5 + MIB]
    container.delete_container()
    assert [(result.requests, result.retries) for result in results] == [(3, 0), (3, 0)]


def test_where_a_crc64_is_asked_of_azurite_that_costs_two_requests_once(
    azurite_account: Account, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    container = azurite_account.sdk.get_container_client("messages-crc64")
    container.create_container()
    container.upload_blob("blob", b"data")
    client = azurite_account.client(checksum="crc64")
    results = [client.download("messages-crc64/blob", tmp_path / "blob") for _ in range(2)]
    container.delete_container()
    assert (tmp_path / "blob").read_bytes() == b"data"
    assert [result.requests for result in results] == [3, 1]
    assert [record.levelname for record in caplog.records if "CRC64" in record.message] == ["WARNING"]


@pytest.mark.parametrize(("checksum", "size"), [("md5", 20 * MIB), ("md5", 1000), ("crc64", 1000)])
@pytest.mark.parametrize("call", ["read", "download"])
def test_a_wrong_stored_md5(
    account: Account, container: str, tmp_path: Path, checksum: str, size: int, call: str
) -> None:
    blob = account.sdk.get_blob_client(container, "blob")
    data = content(size)
    blob.upload_blob(data)
    wrong = hashlib.md5(b"other", usedforsecurity=False).digest()
    blob.set_http_headers(ContentSettings(content_md5=bytearray(wrong)))
    client = account.client(checksum=checksum)

    def get() -> bytes:
        if call == "read":
            return client.read(f"{container}/blob")
        client.download(f"{container}/blob", tmp_path / "blob")
        return (tmp_path / "blob").read_bytes()

    if checksum == "crc64":
        assert get() == data
    else:
        with pytest.raises(fastblob.IntegrityError, match="MD5"):
            get()


def test_blocks_of_a_file_are_messages_that_the_service_verified(
    service: LocalAzure, service_account: Account, service_container: str, tmp_path: Path
) -> None:
    data = write_file(tmp_path / "source", 30 * MIB + 5)
    client = service_account.client()
    for _ in range(2):
        service.clear_requests()
        result = client.upload(tmp_path / "source", f"{service_container}/blob", overwrite=True)
        assert result.crc64 == fastblob.crc64(data)
    blob = service_account.sdk.get_blob_client(service_container, "blob")
    assert blob.download_blob().readall() == data
    blocks = [record for record in service.requests() if record.operation == "PutBlock"]
    # None has a checksum in its head, once one of the first upload was taken for what it is.
    assert [record.content_crc64 for record in blocks] == [None] * 4


def test_azurite_stores_no_message_as_content(azurite_account: Account, tmp_path: Path) -> None:
    container = azurite_account.sdk.get_container_client("messages-up")
    container.create_container()
    data = write_file(tmp_path / "source", 20 * MIB)
    client = azurite_account.client()
    results = []
    for name in ("first", "second"):
        results.append(client.upload(tmp_path / "source", f"messages-up/{name}"))
        assert container.get_blob_client(name).download_blob().readall() == data
    container.delete_container()
    assert (results[1].requests, results[1].retries) == (4, 0)
