"""Turns fastblob's errors into Metaflow's own, with what a data scientist can do about them."""

from __future__ import annotations

import contextlib
import shlex
from http import HTTPStatus
from typing import TYPE_CHECKING

from metaflow.exception import MetaflowException, MetaflowInternalError
from metaflow.metaflow_config import DEFAULT_AZURE_CLIENT_PROVIDER
from metaflow.plugins.azure.azure_exceptions import (
    MetaflowAzureAuthenticationError,
    MetaflowAzurePackageError,
    MetaflowAzureResourceError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import fastblob


_NO_ROLE = {"AuthorizationPermissionMismatch", "AuthorizationPermissionDenied"}
_NOT_SIGNED_IN = {"AuthenticationFailed", "InvalidAuthenticationInfo"}
# https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
_IMMUTABLE = {
    "BlobImmutableDueToLegalHold",
    "BlobImmutableDueToPolicy",
    "ContainerHasLegalHold",
    "ContainerImmutabilityPolicyLocked",
}
# As in azure_cli.py, which takes long to import.
_TIMED_OUT = "The Azure CLI (az) did not answer"
_ARCHIVED = {"BlobArchived", "BlobBeingRehydrated"}


class AzureConfigurationError(MetaflowException, ValueError):
    """A setting is missing or malformed."""

    headline = "Invalid Azure configuration"


@contextlib.contextmanager
def as_metaflow_errors(endpoint: str, root: str) -> Iterator[None]:
    """Raises what fastblob raises within as Metaflow's exception for it.

    Args:
        endpoint: The account's URL, for the messages.
        root: The datastore's root, for the messages.
    """
    import fastblob

    try:
        yield
    except fastblob.TransferError as error:
        raise _to_metaflow_error(error, endpoint, root) from None


def is_immutable(error: fastblob.TransferError) -> bool:
    """Whether an immutability policy or a legal hold protects what was to be written."""
    return (error.error_code or "") in _IMMUTABLE


def _to_metaflow_error(error: fastblob.TransferError, endpoint: str, root: str) -> MetaflowException:
    """Metaflow's exception for one of fastblob's."""
    import fastblob

    cause = error.__cause__
    if isinstance(cause, ImportError) and (cause.name or "").startswith("azure"):
        return MetaflowAzurePackageError(msg=f'{cause}: pip install "fastblob[metaflow]"')
    # Metaflow's own datastore calls every conflict a matter of the resource.
    if isinstance(error, fastblob.AuthenticationError) and error.status_code != HTTPStatus.CONFLICT:
        return MetaflowAzureAuthenticationError(msg=_authentication(error, endpoint))
    if isinstance(error, fastblob.NetworkError):
        return MetaflowAzureResourceError(
            msg=f"{error}. The endpoint is {endpoint}: check METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT, "
            "the firewall of the account, and whether it can be reached only through a private endpoint."
        )
    if error.error_code == "ContainerNotFound":
        container = root.split("/", maxsplit=1)[0]
        return MetaflowAzureResourceError(
            msg=f"The container '{container}' does not exist at {endpoint}. Correct the container in "
            f"METAFLOW_DATASTORE_SYSROOT_AZURE (now '{root}'), or create it: az storage container create "
            f"--name {container} --blob-endpoint {endpoint} --auth-mode login"
        )
    about_a_resource = (fastblob.BlobNotFoundError, fastblob.BlobExistsError, fastblob.BlobModifiedError)
    if error.status_code == HTTPStatus.CONFLICT or isinstance(error, about_a_resource):
        exception = MetaflowAzureResourceError(msg=_about_blob(error, endpoint, root))
        # For whoever knows what Metaflow calls them.
        exception.blobs = [] if error.blob is None else [error.blob]
        return exception
    return MetaflowInternalError(msg=f"Azure error: {error}")


def _about_blob(error: fastblob.TransferError, endpoint: str, root: str) -> str:
    """What is wrong with a blob, and what to do about it."""
    container, _, name = (error.blob or "").partition("/")
    if error.error_code in _ARCHIVED:
        set_tier = (
            f"az storage blob set-tier --tier Hot --container-name {shlex.quote(container)} "
            f"--name {shlex.quote(name)} --blob-endpoint {endpoint} --auth-mode login"
        )
        return (
            f"The blob '{error.blob}' is in the archive tier, where it cannot be read; a lifecycle rule of "
            "the account is what moves blobs there. Rehydrate it, which takes hours, and try again then: "
            f"{set_tier}. And exclude what is below '{root}/<flow>/data/' from the rule (no prefixMatch of "
            f"it may cover that), since new runs use old blobs. ({error})"
        )
    if is_immutable(error):
        return (
            f"An immutability policy or a legal hold on the container '{container}' does not let the blob "
            f"'{error.blob}' be written. Metaflow writes logs and the state of tasks again and again: choose "
            f"a container without a policy in METAFLOW_DATASTORE_SYSROOT_AZURE (now '{root}'), or have the "
            f"policy removed. ({error})"
        )
    return f"{error}. (The account is {endpoint}.)"


def _authentication(error: fastblob.AuthenticationError, endpoint: str) -> str:
    sign_in = (
        "Sign in again with `az login` (`az account show` tells who is signed in), or check AZURE_CLIENT_ID, "
        "AZURE_CLIENT_SECRET and AZURE_TENANT_ID, or the managed identity of this machine"
    )
    if error.status_code == HTTPStatus.UNAUTHORIZED or error.error_code in _NOT_SIGNED_IN:
        return f"{error}. {sign_in}. The account is {endpoint}."
    if error.error_code in _NO_ROLE:
        return f"{error}. Runs need 'Storage Blob Data Contributor'. The account is {endpoint}."
    if error.status_code is not None:
        return f"{error}. The account is {endpoint}."
    # DefaultAzureCredential gives a line to each of the credentials that it tried.
    reason = "; ".join(line.strip() for line in str(error.__cause__ or error).splitlines() if line.strip())
    no_token = f"The client provider '{DEFAULT_AZURE_CLIENT_PROVIDER}' gave no token"
    if _TIMED_OUT in reason:
        return f"{no_token}: it was slow, which does not mean that nobody is signed in. Reason: {reason}"
    return f"{no_token}. {sign_in}. Reason: {reason}"
