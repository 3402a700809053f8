"""Turns fastblob's errors into Metaflow's own, with what a data scientist can do about them."""

from __future__ import annotations

import contextlib
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


_NOT_SIGNED_IN = {"AuthenticationFailed", "InvalidAuthenticationInfo"}


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


def _to_metaflow_error(error: fastblob.TransferError, endpoint: str, root: str) -> MetaflowException:
    """Metaflow's exception for one of fastblob's."""
    import fastblob

    cause = error.__cause__
    if isinstance(cause, ImportError) and (cause.name or "").startswith("azure"):
        return MetaflowAzurePackageError(msg=f'{cause}: pip install "fastblob[metaflow]"')
    if isinstance(error, fastblob.AuthenticationError):
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
    if isinstance(error, (fastblob.BlobNotFoundError, fastblob.BlobExistsError, fastblob.BlobModifiedError)):
        return MetaflowAzureResourceError(msg=str(error))
    return MetaflowInternalError(msg=f"Azure error: {error}")


def _authentication(error: fastblob.AuthenticationError, endpoint: str) -> str:
    sign_in = (
        "Sign in again with `az login` (`az account show` tells who is signed in), or check AZURE_CLIENT_ID, "
        "AZURE_CLIENT_SECRET and AZURE_TENANT_ID, or the managed identity of this machine"
    )
    if error.status_code == HTTPStatus.UNAUTHORIZED or error.error_code in _NOT_SIGNED_IN:
        return f"{error}. {sign_in}. The account is {endpoint}."
    if error.status_code is not None:
        return f"{error}. The account is {endpoint}."
    # DefaultAzureCredential gives a line to each of the credentials that it tried.
    reason = "; ".join(line.strip() for line in str(error.__cause__ or error).splitlines() if line.strip())
    return f"The client provider '{DEFAULT_AZURE_CLIENT_PROVIDER}' gave no token. {sign_in}. Reason: {reason}"
