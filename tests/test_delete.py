"""Deletes, one by one and in blob batches."""

from __future__ import annotations

import fastblob
import pytest
from fastblob.local import LocalAzure
from support import Account


@pytest.fixture
def blobs(service_client: fastblob.Client, service_container: str) -> list[str]:
    """More blobs than go into one batch."""
    paths = [f"{service_container}/{number} ü%" for number in range(600)]
    service_client.write_many((path, b"x") for path in paths)
    return paths


def test_batches_of_256(service: LocalAzure, service_client: fastblob.Client, blobs: list[str]) -> None:
    service.clear_requests()
    results = service_client.delete_many(blobs)
    assert [(result.blob, result.error) for result in results] == [(blob, None) for blob in blobs]
    assert service.request_counts()["BlobBatch"] == 3
    assert list(service_client.list(blobs[0].split("/")[0])) == []


def test_a_missing_blob_among_others(service_client: fastblob.Client, blobs: list[str]) -> None:
    wanted = [*blobs[:10], f"{blobs[0]}-none", *blobs[10:20]]
    results = service_client.delete_many(wanted, on_error="collect")
    failed = [result for result in results if result.error is not None]
    assert [result.blob for result in failed] == [f"{blobs[0]}-none"]
    assert isinstance(failed[0].error, fastblob.BlobNotFoundError)
    assert not any(service_client.exists(blob) for blob in wanted)


def test_a_missing_blob_raised(service_client: fastblob.Client, blobs: list[str]) -> None:
    with pytest.raises(fastblob.BlobNotFoundError) as caught:
        service_client.delete_many([f"{blobs[0]}-none"])
    assert caught.value.blob == f"{blobs[0]}-none"
    assert len(caught.value.results) == 1


def test_several_containers(
    service_account: Account, service_client: fastblob.Client, blobs: list[str]
) -> None:
    service_account.sdk.create_container("second-container")
    service_client.write("second-container/blob", b"x")
    service_client.delete_many(["second-container/blob", blobs[0]])
    assert not service_client.exists("second-container/blob")
    assert not service_client.exists(blobs[0])
    service_account.sdk.delete_container("second-container")


def test_with_the_account_s_key(service: LocalAzure, blobs: list[str]) -> None:
    client = fastblob.Client(service.blob_endpoint, service.account_key)
    client.delete_many(blobs)
    assert not client.exists(blobs[0])


def test_a_lost_answer_to_a_delete_is_no_error(
    service: LocalAzure, service_client: fastblob.Client, blobs: list[str]
) -> None:
    service.add_fault(operation="DeleteBlob", lose_answer=True, times=1)
    service_client.delete(blobs[0])
    assert not service_client.exists(blobs[0])


def test_a_generator(service_client: fastblob.Client, blobs: list[str]) -> None:
    assert len(service_client.delete_many(blob for blob in blobs)) == len(blobs)


def test_a_container_is_not_deleted(service_client: fastblob.Client, blobs: list[str]) -> None:
    with pytest.raises(ValueError, match="container"):
        service_client.delete(blobs[0].split("/")[0])
    assert service_client.exists(blobs[0])


def test_a_leased_blob(service_account: Account, service_client: fastblob.Client, blobs: list[str]) -> None:
    container, name = blobs[0].split("/")
    lease = service_account.sdk.get_blob_client(container, name).acquire_lease()
    with pytest.raises(fastblob.BlobModifiedError) as caught:
        service_client.delete(blobs[0])
    assert (caught.value.status_code, caught.value.error_code) == (412, "LeaseIdMissing")
    lease.release()
