"""azure-storage-blob reads what fastblob wrote, and the other way round, on both accounts."""

from __future__ import annotations

import hashlib
import uuid

import fastblob
import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobBlock, ContentSettings, StandardBlobTier
from support import MIB, Account, content, names

ODD_NAMES = ["a b/c%20d", "x+y#z?q=1&r", "ünï/🎉", "dots...", 'it\'s <a> & "b"']


@pytest.mark.parametrize("size", [0, 100, 20 * MIB])
def test_the_sdk_reads_what_fastblob_wrote(
    client: fastblob.Client, account: Account, container: str, size: int
) -> None:
    data = content(size)
    client.write(
        f"{container}/blob",
        data,
        metadata={"owner": "me"},
        content_type="application/x-thing",
        tier="Cool",
        tags={"k": "v"},
    )
    blob = account.sdk.get_blob_client(container, "blob")
    download = blob.download_blob()
    assert download.readall() == data
    properties = download.properties
    assert properties.metadata == {"owner": "me"}
    assert properties.content_settings.content_type == "application/x-thing"
    assert blob.get_blob_properties().blob_tier == "Cool"
    assert blob.get_blob_tags() == {"k": "v"}


@pytest.mark.parametrize("size", [0, 100, 20 * MIB])
def test_fastblob_reads_what_the_sdk_wrote(
    client: fastblob.Client, account: Account, container: str, size: int
) -> None:
    data = content(size)
    account.sdk.get_blob_client(container, "blob").upload_blob(
        data,
        metadata={"owner": "me"},
        content_settings=ContentSettings(content_type="application/x-thing"),
        standard_blob_tier=StandardBlobTier.COOL,
        tags={"k": "v"},
    )
    assert client.read(f"{container}/blob") == data
    properties = client.properties(f"{container}/blob")
    assert properties.metadata == {"owner": "me"}
    assert properties.content_type == "application/x-thing"
    assert properties.tier == "Cool"
    assert properties.tag_count == 1


def test_blocks_committed_by_fastblob_are_ordinary_blocks(
    client: fastblob.Client, account: Account, container: str
) -> None:
    data = content(20 * MIB)
    client.write(f"{container}/blob", data)
    committed, uncommitted = account.sdk.get_blob_client(container, "blob").get_block_list("all")
    assert sum(block.size for block in committed) == len(data)
    assert uncommitted == []
    assert len({len(block.id) for block in committed}) == 1


def test_fastblob_reads_blocks_committed_by_the_sdk(
    client: fastblob.Client, account: Account, container: str
) -> None:
    blob = account.sdk.get_blob_client(container, "blob")
    pieces = [content(3 * MIB, seed) for seed in range(4)]
    blocks = []
    for piece in pieces:
        block_id = uuid.uuid4().hex
        blob.stage_block(block_id, piece)
        blocks.append(BlobBlock(block_id))
    blob.commit_block_list(blocks)
    assert client.read(f"{container}/blob") == b"".join(pieces)


def test_uncommitted_blocks_are_invisible(client: fastblob.Client, account: Account, container: str) -> None:
    account.sdk.get_blob_client(container, "blob").stage_block("x", b"data")
    assert not client.exists(f"{container}/blob")
    assert list(client.list(container)) == []
    with pytest.raises(fastblob.BlobNotFoundError):
        client.read(f"{container}/blob")


def test_uncommitted_blocks_with_ids_of_another_length_are_named(
    client: fastblob.Client, account: Account, container: str
) -> None:
    # In one blob the service accepts ids of one length only, those of blocks left over included.
    blob = account.sdk.get_blob_client(container, "blob")
    blob.stage_block("x", b"left over")
    with pytest.raises(fastblob.ServiceError, match="uncommitted blocks") as caught:
        client.write(f"{container}/blob", content(20 * MIB))
    assert caught.value.error_code == "InvalidBlobOrBlock"


def test_what_the_message_about_uncommitted_blocks_advises_helps(
    service_client: fastblob.Client, service_account: Account, service_container: str
) -> None:
    # Not on Azurite, where content in a single request does not drop them.
    service_account.sdk.get_blob_client(service_container, "blob").stage_block("x", b"left over")
    service_client.write(f"{service_container}/blob", b"small")
    service_client.write(f"{service_container}/blob", content(20 * MIB), overwrite=True)
    assert service_client.properties(f"{service_container}/blob").size == 20 * MIB


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_mean_the_same_blob(
    client: fastblob.Client, account: Account, container: str, name: str
) -> None:
    client.write(f"{container}/fastblob/{name}", b"1")
    account.sdk.get_blob_client(container, f"sdk/{name}").upload_blob(b"2")
    assert account.sdk.get_blob_client(container, f"fastblob/{name}").download_blob().readall() == b"1"
    assert client.read(f"{container}/sdk/{name}") == b"2"
    listed = [blob.name for blob in account.sdk.get_container_client(container).list_blobs()]
    assert listed == names(client.list(container)) == [f"fastblob/{name}", f"sdk/{name}"]


def test_the_etag_and_the_time_are_the_sdk_s(
    client: fastblob.Client, account: Account, container: str
) -> None:
    result = client.write(f"{container}/blob", b"data")
    seen = account.sdk.get_blob_client(container, "blob").get_blob_properties()
    properties = client.properties(f"{container}/blob")
    assert result.etag == properties.etag == seen.etag
    assert properties.last_modified == seen.last_modified
    assert properties.creation_time == seen.creation_time


def test_a_stored_md5_is_seen_and_checked(client: fastblob.Client, account: Account, container: str) -> None:
    digest = hashlib.md5(b"data").digest()
    account.sdk.get_blob_client(container, "blob").upload_blob(
        b"data", content_settings=ContentSettings(content_md5=bytearray(digest))
    )
    assert client.properties(f"{container}/blob").content_md5 == digest
    assert client.read(f"{container}/blob") == b"data"


def test_a_wrong_stored_md5_is_an_integrity_error(account: Account, container: str) -> None:
    client = account.client(checksum="md5")
    blob = account.sdk.get_blob_client(container, "blob")
    blob.upload_blob(content(5000))
    wrong = hashlib.md5(b"other").digest()
    blob.set_http_headers(ContentSettings(content_md5=bytearray(wrong)))
    with pytest.raises(fastblob.IntegrityError, match="MD5"):
        client.read(f"{container}/blob")


def test_both_see_the_other_s_blob_as_existing(
    client: fastblob.Client, account: Account, container: str
) -> None:
    client.write(f"{container}/blob", b"data")
    with pytest.raises(ResourceExistsError):
        account.sdk.get_blob_client(container, "blob").upload_blob(b"other")
    account.sdk.get_blob_client(container, "sdk").upload_blob(b"data")
    with pytest.raises(ResourceExistsError):
        client.write(f"{container}/sdk", b"other")


def test_the_sdk_deletes_what_fastblob_lists(
    client: fastblob.Client, account: Account, container: str
) -> None:
    client.write_many((f"{container}/p/{number}", b"x") for number in range(20))
    found = names(client.list(f"{container}/p"))
    account.sdk.get_container_client(container).delete_blobs(*found)
    assert list(client.list(container)) == []
