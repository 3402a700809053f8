"""CRC-64/NVME against Microsoft's own implementation, and what transfers do with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fastblob
import pytest
from azure.storage.extensions.checksums import crc64 as microsoft
from fastblob.local import LocalAzure
from hypothesis import given
from hypothesis import strategies as st
from support import MIB, Account, content, files_below


def test_the_check_value() -> None:
    assert fastblob.crc64(b"123456789") == 0xAE8B14860A799888


@given(st.binary(max_size=5000))
def test_agrees_with_azure_storage_extensions(data: bytes) -> None:
    assert fastblob.crc64(data) == microsoft.compute(data, 0)


@given(st.binary(max_size=2000), st.integers(0, 2000))
def test_continues_an_earlier_value(data: bytes, cut: int) -> None:
    assert fastblob.crc64(data[cut:], fastblob.crc64(data[:cut])) == fastblob.crc64(data)


@pytest.mark.parametrize("value", [-1, 1 << 64, 10**400])
def test_an_earlier_value_is_a_checksum(value: int) -> None:
    with pytest.raises(ValueError, match=r"value must be a checksum, 0 to 2\*\*64 - 1, got"):
        fastblob.crc64(b"x", value)


def test_agrees_on_a_large_buffer() -> None:
    data = content(10 * MIB + 3)
    assert fastblob.crc64(data) == microsoft.compute(data, 0)


@pytest.mark.parametrize("size", [0, 1, 4 * MIB, 40 * MIB + 1])
def test_results_carry_the_checksum_of_the_whole_blob(
    service_client: fastblob.Client, service_container: str, tmp_path: Path, size: int
) -> None:
    data = content(size)
    expected = microsoft.compute(data, 0)
    assert service_client.write(f"{service_container}/blob", data).crc64 == expected
    assert service_client.download(f"{service_container}/blob", tmp_path / "blob").crc64 == expected


@pytest.mark.parametrize("size", [1000, 20 * MIB])
@pytest.mark.parametrize("code", ["Crc64Mismatch", "Md5Mismatch"])
def test_bytes_spoilt_on_the_way_up_are_an_integrity_error(
    service: LocalAzure, service_client: fastblob.Client, service_container: str, size: int, code: str
) -> None:
    # What the service says where the content that arrived is not what was summed up.
    service.add_fault(method="PUT", status=400, code=code)
    with pytest.raises(fastblob.IntegrityError) as caught:
        service_client.write(f"{service_container}/blob", content(size))
    assert caught.value.error_code == code
    service.clear_faults()
    assert not service_client.exists(f"{service_container}/blob")


def test_every_upload_request_carries_a_checksum_that_the_service_verified(
    service: LocalAzure, service_client: fastblob.Client, service_container: str
) -> None:
    service_client.write(f"{service_container}/small", content(1000))
    service_client.write(f"{service_container}/large", content(20 * MIB))
    uploads = [record for record in service.requests() if record.operation in {"PutBlob", "PutBlock"}]
    assert len(uploads) > 2
    assert all(record.content_crc64 for record in uploads)


SPOILT = pytest.mark.parametrize(("after", "at"), [(0, 0), (0, 30), (0, 4 * MIB), (2, 50)])


@SPOILT
@pytest.mark.parametrize("call", ["read", "download", "read_into"])
@pytest.mark.parametrize("checksum", ["md5", "crc64"])
def test_a_byte_spoilt_on_the_way_down_is_an_integrity_error(
    service: LocalAzure,
    service_account: Account,
    service_container: str,
    tmp_path: Path,
    after: int,
    at: int,
    call: str,
    checksum: str,
) -> None:
    client = service_account.client(checksum=checksum)
    blob = f"{service_container}/blob"
    data = content(20 * MIB)
    client.write(blob, data)
    service.add_fault(operation="GetBlob", corrupt_at=at, after=after)
    calls: dict[str, Callable[[], object]] = {
        "read": lambda: client.read(blob),
        "download": lambda: client.download(blob, tmp_path / "blob"),
        "read_into": lambda: client.read_into(blob, bytearray(len(data))),
    }
    with pytest.raises(fastblob.IntegrityError, match="CRC64"):
        calls[call]()
    assert files_below(tmp_path) == {}


@SPOILT
def test_what_was_spoilt_once_is_read_once_more(
    service: LocalAzure,
    service_client: fastblob.Client,
    service_container: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    after: int,
    at: int,
) -> None:
    data = content(20 * MIB)
    service_client.write(f"{service_container}/blob", data)
    service.add_fault(operation="GetBlob", corrupt_at=at, after=after, times=1)
    result = service_client.download(f"{service_container}/blob", tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == data
    assert (result.requests, result.retries) == (4, 1)
    assert [record.levelname for record in caplog.records if "read once more" in record.message] == [
        "WARNING"
    ]


def test_checksum_none_verifies_nothing_but_lengths(
    service: LocalAzure, service_account: Account, service_container: str
) -> None:
    data = content(5000)
    service_account.sdk.get_blob_client(service_container, "blob").upload_blob(data)
    service.add_fault(operation="GetBlob", corrupt_at=10, times=1)
    spoilt = service_account.client(checksum=None).read(f"{service_container}/blob")
    assert [at for at in range(5000) if spoilt[at] != data[at]] == [10]


def test_on_azurite_which_knows_no_crc64_uploads_still_work(
    azurite_account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    container = azurite_account.sdk.get_container_client("crc64-fallback")
    container.create_container()
    client = azurite_account.client()
    first = client.write("crc64-fallback/a", b"data")
    second = client.write("crc64-fallback/b", b"data")
    container.delete_container()
    assert first.crc64 == second.crc64 == fastblob.crc64(b"data")
    # The refusal is remembered: the second upload is not tried with a CRC64 again.
    assert (first.requests, second.requests) == (2, 1)
    assert [record.levelname for record in caplog.records if record.name.startswith("fastblob")] == [
        "WARNING"
    ]
