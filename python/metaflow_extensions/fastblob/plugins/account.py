"""The account and the root of the datastore, according to the settings."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from metaflow.metaflow_config import (
    AZURE_CLI_TIMEOUT,
    AZURE_STORAGE_BLOB_SERVICE_ENDPOINT,
    AZURE_STORAGE_WORKLOAD_TYPE,
)

from . import credential
from .credential import check_provider
from .errors import AzureConfigurationError

if TYPE_CHECKING:
    import fastblob

_ENDPOINT = "METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT"


def check_root(root: str | None) -> None:
    """Raises AzureConfigurationError where the root is not ``<container>`` or ``<container>/<prefix>``."""
    import fastblob

    must_be = "METAFLOW_DATASTORE_SYSROOT_AZURE must be <container>/<prefix>, such as mycontainer/metaflow"
    if not root:
        raise AzureConfigurationError(f"{must_be}; it is not set.")
    try:
        fastblob.BlobPath(root)
    except ValueError as error:
        raise AzureConfigurationError(f"{must_be}: {error}") from None


@functools.lru_cache(maxsize=None)
def client() -> fastblob.Client:
    """The client of this process: all datastores share its connections and its token.

    Raises:
        AzureConfigurationError: A setting is missing or malformed.
    """
    import fastblob
    import metaflow
    from fastblob._environment import may_hold_secret

    endpoint = AZURE_STORAGE_BLOB_SERVICE_ENDPOINT
    if not endpoint:
        raise AzureConfigurationError(_why_no_endpoint())
    if may_hold_secret(endpoint):
        raise AzureConfigurationError(
            f"{_ENDPOINT} is not the URL of an account and nothing else, such as "
            "https://myaccount.blob.core.windows.net. Metaflow uses Entra ID only: no SAS, no key. "
            "(The value may be a secret, and is not shown.)"
        )
    check_provider()
    if not (AZURE_CLI_TIMEOUT.isdecimal() and int(AZURE_CLI_TIMEOUT) > 0):
        raise AzureConfigurationError(
            f"METAFLOW_AZURE_CLI_TIMEOUT is {AZURE_CLI_TIMEOUT!r}: it must be a whole number of seconds, "
            "such as 30."
        )
    try:
        return fastblob.Client(
            endpoint,
            credential.of_this_process(),
            workload_type=AZURE_STORAGE_WORKLOAD_TYPE,
            user_agent=f"metaflow/{metaflow.__version__}",
        )
    except ValueError as error:
        raise AzureConfigurationError(
            f"Azure storage cannot be set up: {error}. ({_ENDPOINT} is '{endpoint}', "
            f"METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE is '{AZURE_STORAGE_WORKLOAD_TYPE}'.)"
        ) from None


def _why_no_endpoint() -> str:
    from fastblob import _environment

    try:
        _environment.from_environment()
    except ValueError as error:
        return f"The environment names no storage account: {error}. Or set {_ENDPOINT}."
    return (
        f"No storage account is configured: set {_ENDPOINT}, such as "
        "https://myaccount.blob.core.windows.net, or AZURE_STORAGE_ACCOUNT."
    )
