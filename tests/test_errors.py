"""The tree of errors: what each one is, and that code written for azure-storage-blob goes on catching."""

from __future__ import annotations

from collections.abc import Callable

import azure.core.exceptions as azure
import fastblob
import pytest
from azure.core.credentials import AccessToken
from fastblob.local import LocalAzure
from hostile.server import Connection, Request, Server, each
from support import Account, account_sas, tomorrow


@pytest.mark.parametrize(
    ("error", "base"),
    [
        (fastblob.TransferError, azure.AzureError),
        (fastblob.BlobNotFoundError, azure.ResourceNotFoundError),
        (fastblob.BlobExistsError, azure.ResourceExistsError),
        (fastblob.BlobModifiedError, azure.ResourceModifiedError),
        (fastblob.AuthenticationError, azure.ClientAuthenticationError),
        (fastblob.ServiceError, azure.HttpResponseError),
        (fastblob.BlobConflictError, azure.ResourceExistsError),
        (fastblob.BlobConflictError, fastblob.ServiceError),
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
        (409, "BlobBeingRehydrated", "archive_status"),
        (409, "BlobImmutableDueToPolicy", "polic"),
        (409, "BlobImmutableDueToLegalHold", "legal hold"),
        (409, "BlobUsesCustomerSpecifiedEncryption", "encrypted with a key"),
        (409, "ContainerBeingDeleted", "wait before it is created again, or use another name"),
        (409, "PublicAccessNotPermitted", "anonymous access; give a credential"),
        (401, "NoAuthenticationInformation", "anonymous access; give a credential"),
        (400, "InvalidAuthenticationInfo", "the token is malformed"),
        (401, "InvalidAuthenticationInfo", "one for https://storage.azure.com/"),
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


@pytest.mark.parametrize(
    ("call", "role", "permission"),
    [
        (lambda client, blob: client.read(blob), "Reader", "read (r)"),
        (lambda client, blob: client.exists(blob), "Reader", "read (r)"),
        (lambda client, blob: list(client.list(blob)), "Reader", "list (l)"),
        (lambda client, blob: client.write(blob, b""), "Contributor", "write (w)"),
        (lambda client, blob: client.set_metadata(blob, {}), "Contributor", "write (w)"),
        (lambda client, blob: client.delete(blob), "Contributor", "delete (d)"),
        (lambda client, blob: client.get_tags(blob), "Owner", "tags (t)"),
        (lambda client, blob: client.write(blob, b"", tags={"a": "b"}), "Owner", "tags (t)"),
    ],
)
def test_a_missing_right_is_named(
    service: LocalAzure,
    service_account: Account,
    call: Callable[[fastblob.Client, str], object],
    role: str,
    permission: str,
) -> None:
    service.add_fault(status=403, code="AuthorizationPermissionMismatch", path="data")
    sas = account_sas(service_account, tomorrow())
    for client, named in [
        (service_account.client(), f"'Storage Blob Data {role}'"),
        (fastblob.Client(service_account.endpoint, sas), permission),
    ]:
        with pytest.raises(fastblob.AuthenticationError) as caught:
            call(client, "data/blob")
        assert named in str(caught.value)


@pytest.mark.parametrize(
    ("code", "exists"), [("BlobUsesCustomerSpecifiedEncryption", True), ("ContainerBeingDeleted", False)]
)
def test_what_a_conflict_says_of_existence(
    service: LocalAzure, service_account: Account, code: str, exists: bool
) -> None:
    service.add_fault(operation="GetBlobProperties", status=409, code=code)
    assert service_account.client().exists("data/blob") is exists


def test_a_conflict_that_says_nothing_of_existence(service: LocalAzure, service_account: Account) -> None:
    service.add_fault(operation="GetBlobProperties", status=409, code="NewInTheNextVersion")
    with pytest.raises(fastblob.BlobConflictError):
        service_account.client().exists("data/blob")


def refusal(code: str, element: str, detail: str) -> bytes:
    """The body of an answer that says in an element of its own why a credential was refused."""
    return (
        f"\ufeff<?xml version='1.0' encoding='utf-8'?><Error><Code>{code}</Code><Message>Server failed.\n"
        f"RequestId:x\nTime:y</Message><{element}>{detail}</{element}></Error>"
    ).encode()


@pytest.mark.parametrize("element", ["AuthenticationErrorDetail", "ExtendedErrorDetail"])
def test_why_authentication_failed_is_told_without_signatures(element: str) -> None:
    signature = "w8l9wSK9o2yTUJVk1dVyzqxF5dAMVPyVJnkm6qXxwlg="

    def respond(connection: Connection, request: Request) -> None:
        text = f"The MAC signature &apos;{signature}&apos; is not the one expected.\nString to sign: 'PUT"
        body = refusal("AuthenticationFailed", element, text)
        headers = {"x-ms-error-code": "AuthenticationFailed", "Content-Type": "application/xml"}
        connection.answer(request, 403, headers, body)

    with Server(each(respond)) as server, pytest.raises(fastblob.AuthenticationError) as caught:
        server.client().read("data/blob")
    message = str(caught.value)
    assert "the service says: The MAC signature REDACTED is not the one expected." in message
    assert signature[:12] not in message
    assert "String to sign" not in message


def test_a_token_for_another_audience() -> None:
    # As recorded: without a version and without the echo of the request's id.
    challenge = (
        "Bearer authorization_uri=https://login.microsoftonline.com/a-tenant/oauth2/authorize "
        "resource_id=https://storage.azure.com"
    )
    detail = "Audience validation failed. Audience did not match."

    def respond(connection: Connection, request: Request) -> None:
        body = refusal("InvalidAuthenticationInfo", "AuthenticationErrorDetail", detail)
        headers = {"x-ms-error-code": "InvalidAuthenticationInfo", "WWW-Authenticate": challenge}
        absent = {"x-ms-version": None, "x-ms-client-request-id": None}
        connection.answer(request, 401, {**headers, **absent}, body)

    with Server(each(respond)) as server, pytest.raises(fastblob.AuthenticationError) as caught:
        server.client(OtherAudience()).read("data/blob")
    assert "https://storage.azure.com/" in str(caught.value)
    assert detail in str(caught.value)
    assert (caught.value.status_code, caught.value.error_code) == (401, "InvalidAuthenticationInfo")


class OtherAudience:
    """A credential whose tokens are not for storage."""

    def get_token(self, *_: str, **__: object) -> AccessToken:
        """A token that is as good tomorrow."""
        return AccessToken("not-for-storage", int(tomorrow().timestamp()))


def test_a_message_is_one_clear_sentence_without_dumps(
    service_client: fastblob.Client, service_container: str
) -> None:
    with pytest.raises(fastblob.BlobNotFoundError) as caught:
        service_client.read(f"{service_container}/none")
    message = str(caught.value)
    assert "\n" not in message
    assert not any(sign in message for sign in ("Error {", "Some(", "<?xml", "Code:"))
    assert len(message) < 300
