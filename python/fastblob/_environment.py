"""Which account, and with which credential, according to the environment."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

ENDPOINT_VARIABLES = ("METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", "AZURE_STORAGE_BLOB_ENDPOINT")
CONNECTION_STRING_VARIABLE = "AZURE_STORAGE_CONNECTION_STRING"
ACCOUNT_VARIABLES = ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT")
VARIABLES = (*ENDPOINT_VARIABLES, CONNECTION_STRING_VARIABLE, *ACCOUNT_VARIABLES)
KEY_VARIABLE = "AZURE_STORAGE_KEY"
SAS_VARIABLE = "AZURE_STORAGE_SAS_TOKEN"

# https://learn.microsoft.com/azure/storage/common/storage-account-overview#storage-account-name
_ACCOUNT_NAME = re.compile("[a-z0-9]{3,24}(-secondary)?")

# The account that Azurite and its predecessors come with; the key is public.
# https://learn.microsoft.com/azure/storage/common/storage-connect-azurite
DEVELOPMENT_ENDPOINT = "http://127.0.0.1:10000/devstoreaccount1"
DEVELOPMENT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Account(NamedTuple):
    """Where an account is, and what was configured to open it; a name only where ``url`` may not show it."""

    url: str
    name: str | None = None
    key: str | None = None
    sas: str | None = None


def may_hold_secret(endpoint: str) -> bool:
    """Whether there is a user name, a query or a fragment in it, or it is a connection string or a key."""
    return re.search(r"[\s?#@;=]", endpoint) is not None


def from_environment() -> Account | None:
    """The account that the environment names, or None.

    Raises:
        ValueError: A variable is malformed.
    """
    metaflow_endpoint, endpoint = (os.environ.get(name) for name in ENDPOINT_VARIABLES)
    if metaflow_endpoint:
        return Account(metaflow_endpoint)
    key, sas = os.environ.get(KEY_VARIABLE), os.environ.get(SAS_VARIABLE)
    if endpoint:
        return Account(endpoint, key=key, sas=sas)
    if connection_string := os.environ.get(CONNECTION_STRING_VARIABLE):
        try:
            return from_connection_string(connection_string)
        except ValueError as error:
            raise ValueError(f"{CONNECTION_STRING_VARIABLE}: {error}".rstrip(".")) from None
    for variable in ACCOUNT_VARIABLES:
        if name := os.environ.get(variable):
            if not _ACCOUNT_NAME.fullmatch(name):
                # Without the value: it may be a URL with a SAS.
                raise ValueError(
                    f"{variable} is not the name of a storage account, such as 'myaccount' (lowercase "
                    f"letters and digits); a URL belongs into {ENDPOINT_VARIABLES[-1]}"
                )
            return Account(f"https://{name}.blob.core.windows.net", key=key, sas=sas)
    return None


def from_connection_string(connection_string: str) -> Account:
    """Takes a storage connection string apart.

    The form: https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string

    Raises:
        ValueError: It is malformed, or names neither a blob endpoint nor an account.
    """
    from azure.core.utils import parse_connection_string

    settings = parse_connection_string(connection_string)
    if settings.get("usedevelopmentstorage", "").lower() == "true":
        return Account(DEVELOPMENT_ENDPOINT, key=DEVELOPMENT_KEY)
    name = settings.get("accountname")
    url = settings.get("blobendpoint")
    if url is None and name is not None:
        if not _ACCOUNT_NAME.fullmatch(name):
            raise ValueError("AccountName is not the name of a storage account, such as 'myaccount'")
        protocol = settings.get("defaultendpointsprotocol", "https")
        suffix = settings.get("endpointsuffix", "core.windows.net")
        url = f"{protocol}://{name}.blob.{suffix}"
    if url is None:
        raise ValueError(
            "the connection string names no blob service: add BlobEndpoint=https://... or AccountName=..."
        )
    return Account(url, name, settings.get("accountkey"), settings.get("sharedaccesssignature"))
