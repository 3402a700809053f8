"""The tree of errors: what each one is, and that code written for azure-storage-blob goes on catching."""

from __future__ import annotations

import azure.core.exceptions as azure
import fastblob
import pytest
from fastblob.local import LocalAzure
from support import Account


@pytest.mark.parametrize(
    ("error", "base"),
    [
        (fastblob.TransferError, azure.AzureError),
        (fastblob.BlobNotFoundError, azure.ResourceNotFoundError),
        (fastblob.BlobExistsError, azure.ResourceExistsError),
        (fastblob.BlobModifiedError, azure.ResourceModifiedError),
        (fastblob.AuthenticationError, azure.ClientAuthenticationError),
        (fastblob.ServiceError, azure.HttpResponseError),
        (fastblob.NetworkError, azure.ServiceRequestError),
        (fastblob.IntegrityError, azure.HttpResponseError),
        (fastblob.TransferCancelledError, fastblob.TransferError),
    ],
)
def test_the_tree(error: type[Exception], base: type[Exception]) -> None:
    assert issubclass(error, base)
    assert issubclass(error, fastblob.TransferError)


def test_the_same_handler_catches_both(account: Account, container: str) -> None:
    client = account.client()
    for read in (
        lambda: client.read(f"{container}/none"),
        lambda: account.sdk.get_blob_client(container, "none").download_blob(),
    ):
        with pytest.raises(azure.ResourceNotFoundError) as caught:
            read()
        assert caught.value.status_code == 404
        assert caught.value.error_code == "BlobNotFound"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (403, "AuthorizationPermissionMismatch", "Storage Blob Data Contributor"),
        (403, "AuthorizationFailure", "firewall"),
        (403, "AuthenticationFailed", "clock"),
        (404, "ContainerNotFound", "container"),
        (409, "BlobArchived", "rehydrate"),
        (409, "BlobAlreadyExists", "overwrit"),
        (412, "LeaseIdMissing", "lease"),
        (409, "BlobImmutableDueToPolicy", "polic"),
        (409, "InvalidBlobType", "block blob"),
        (503, "ServerBusy", "fewer requests"),
    ],
)
def test_messages_say_what_to_do(
    service: LocalAzure, service_account: Account, service_container: str, status: int, code: str, advice: str
) -> None:
    client = service_account.client(max_retries=0)
    service.add_fault(operation="PutBlob", status=status, code=code)
    with pytest.raises(fastblob.TransferError) as caught:
        client.write(f"{service_container}/some blob", b"data")
    message = str(caught.value)
    assert advice.lower() in message.lower()
    assert f"{service_container}/some blob" in message
    assert code in message


def test_a_message_is_one_clear_sentence_without_dumps(
    service_client: fastblob.Client, service_container: str
) -> None:
    with pytest.raises(fastblob.BlobNotFoundError) as caught:
        service_client.read(f"{service_container}/none")
    message = str(caught.value)
    assert "\n" not in message
    assert not any(sign in message for sign in ("Error {", "Some(", "<?xml", "Code:"))
    assert len(message) < 300
