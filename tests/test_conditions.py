"""Conditions on reads, writes, deletes and copies: ETags, times, leases; the service decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fastblob
import pytest
from azure.core.exceptions import ResourceModifiedError
from fastblob.local import LocalAzure
from support import MIB, Account, content

OTHER_ETAG = '"0x8D0000000000000"'
PAST = datetime(2020, 1, 1, tzinfo=UTC)
FUTURE = datetime.now(UTC) + timedelta(days=1)

# Each with a client, the blob that is there and a folder; `options` are the conditions.
CALLS: dict[str, Callable[..., object]] = {
    "read": lambda client, blob, folder, **options: client.read(blob, **options),
    "read of a part": lambda client, blob, folder, **options: client.read(blob, 1, 2, **options),
    "read_into": lambda client, blob, folder, **options: client.read_into(blob, bytearray(4), **options),
    "download": lambda client, blob, folder, **options: client.download(blob, folder / "target", **options),
    "properties": lambda client, blob, folder, **options: client.properties(blob, **options),
    "write": lambda client, blob, folder, **options: client.write(blob, b"new", overwrite=True, **options),
    "write of blocks": lambda client, blob, folder, **options: client.write(
        blob, bytes(20 * MIB), overwrite=True, **options
    ),
    "upload": lambda client, blob, folder, **options: client.upload(
        folder / "source", blob, overwrite=True, **options
    ),
    "delete": lambda client, blob, folder, **options: client.delete(blob, **options),
}
READS = {"read", "read of a part", "read_into", "download", "properties"}


@pytest.fixture
def client(service: LocalAzure, service_account: Account) -> Any:
    """A client of the embedded service; untyped, since the options are newer than the types."""
    return service_account.client()


@pytest.fixture
def blob(client: Any, service_container: str, tmp_path: Path) -> str:
    """A blob of 4 bytes; the folder holds `source`."""
    (tmp_path / "source").write_bytes(b"new")
    client.write(f"{service_container}/blob", b"data")
    return f"{service_container}/blob"


@pytest.mark.parametrize("call", CALLS)
def test_if_match_of_the_right_version(client: Any, blob: str, tmp_path: Path, call: str) -> None:
    CALLS[call](client, blob, tmp_path, if_match=client.properties(blob).etag)


@pytest.mark.parametrize("call", CALLS)
def test_if_match_of_another_version(client: Any, blob: str, tmp_path: Path, call: str) -> None:
    with pytest.raises(fastblob.BlobModifiedError) as caught:
        CALLS[call](client, blob, tmp_path, if_match=OTHER_ETAG)
    assert isinstance(caught.value, ResourceModifiedError)
    assert (caught.value.status_code, caught.value.error_code) == (412, "ConditionNotMet")
    assert client.read(blob) == b"data"


@pytest.mark.parametrize("call", CALLS)
def test_if_none_match_of_another_version(client: Any, blob: str, tmp_path: Path, call: str) -> None:
    CALLS[call](client, blob, tmp_path, if_none_match=OTHER_ETAG)


@pytest.mark.parametrize("call", CALLS)
def test_if_none_match_of_this_version(client: Any, blob: str, tmp_path: Path, call: str) -> None:
    with pytest.raises(fastblob.TransferError) as caught:
        CALLS[call](client, blob, tmp_path, if_none_match=client.properties(blob).etag)
    assert caught.value.status_code == (304 if call in READS else 412)
    assert client.read(blob) == b"data"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("condition", "good"),
    [
        ({"if_modified_since": PAST}, True),
        ({"if_modified_since": FUTURE}, False),
        ({"if_unmodified_since": FUTURE}, True),
        ({"if_unmodified_since": PAST}, False),
    ],
    ids=["modified since", "not modified since", "unmodified since", "not unmodified since"],
)
def test_times(
    client: Any, blob: str, tmp_path: Path, call: str, condition: dict[str, datetime], good: bool
) -> None:
    if good:
        CALLS[call](client, blob, tmp_path, **condition)
        return
    with pytest.raises(fastblob.TransferError) as caught:
        CALLS[call](client, blob, tmp_path, **condition)
    assert caught.value.status_code in {304, 412}
    assert client.read(blob) == b"data"


def test_if_match_of_a_blob_that_is_not_there(client: Any, service_container: str) -> None:
    with pytest.raises((fastblob.BlobModifiedError, fastblob.BlobNotFoundError)):
        client.write(f"{service_container}/none", b"x", overwrite=True, if_match=OTHER_ETAG)
    assert not client.exists(f"{service_container}/none")


def test_if_match_replaces_without_overwrite(client: Any, blob: str) -> None:
    # Whoever names the version that is to be replaced has said that one is.
    client.write(blob, b"new", if_match=client.properties(blob).etag)
    assert client.read(blob) == b"new"


def test_one_of_two_writers_that_read_the_same_version_wins(client: Any, blob: str) -> None:
    etag = client.properties(blob).etag
    client.write(blob, b"first", overwrite=True, if_match=etag)
    with pytest.raises(fastblob.BlobModifiedError):
        client.write(blob, b"second", overwrite=True, if_match=etag)
    assert client.read(blob) == b"first"


def test_a_large_read_of_a_given_version_is_not_begun_anew_with_another(
    client: Any, service: LocalAzure, service_container: str
) -> None:
    blob = f"{service_container}/large"
    etag = client.write(blob, content(20 * MIB)).etag
    client.write(blob, content(20 * MIB, seed=2), overwrite=True)
    with pytest.raises(fastblob.BlobModifiedError):
        client.read(blob, if_match=etag)


@pytest.mark.parametrize("which", ["target", "target's lease"])
def test_copies(client: Any, service_account: Account, blob: str, which: str) -> None:
    target = f"{blob}-target"
    etag = client.write(target, b"old").etag
    if which == "target":
        with pytest.raises(fastblob.BlobModifiedError):
            client.copy(blob, target, overwrite=True, if_match=OTHER_ETAG)
        client.copy(blob, target, overwrite=True, if_match=etag)
    else:
        lease = lease_of(service_account, target)
        with pytest.raises(fastblob.BlobModifiedError):
            client.copy(blob, target, overwrite=True)
        client.copy(blob, target, overwrite=True, lease=lease)
    assert client.read(target) == b"data"


def lease_of(account: Account, path: str) -> str:
    """The id of a new lease of the blob."""
    container, _, name = path.partition("/")
    lease = account.sdk.get_blob_client(container, name).acquire_lease(60)
    assert isinstance(lease.id, str)
    return lease.id


@pytest.mark.parametrize("call", [call for call in CALLS if call not in READS])
def test_a_leased_blob_is_changed_with_its_lease_alone(
    client: Any, service_account: Account, blob: str, tmp_path: Path, call: str
) -> None:
    lease = lease_of(service_account, blob)
    with pytest.raises(fastblob.BlobModifiedError) as caught:
        CALLS[call](client, blob, tmp_path)
    assert caught.value.error_code == "LeaseIdMissing"
    assert client.read(blob) == b"data"
    CALLS[call](client, blob, tmp_path, lease=lease)


@pytest.mark.parametrize("call", CALLS)
def test_the_lease_of_somebody_else(
    client: Any, service_account: Account, blob: str, tmp_path: Path, call: str
) -> None:
    lease_of(service_account, blob)
    with pytest.raises(fastblob.BlobModifiedError) as caught:
        CALLS[call](client, blob, tmp_path, lease="00000000-0000-0000-0000-000000000000")
    assert caught.value.error_code == "LeaseIdMismatchWithBlobOperation"


@pytest.mark.parametrize("bad", ["", 7, b"etag"])
def test_etags_that_are_none(client: Any, blob: str, bad: object) -> None:
    with pytest.raises((ValueError, TypeError), match="if_match"):
        client.read(blob, if_match=bad)
