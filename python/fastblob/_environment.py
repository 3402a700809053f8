"""Which account, and with which credential, according to the environment."""

from __future__ import annotations

import os
from typing import NamedTuple

ENDPOINT_VARIABLES = ("METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", "AZURE_STORAGE_BLOB_ENDPOINT")
CONNECTION_STRING_VARIABLE = "AZURE_STORAGE_CONNECTION_STRING"
ACCOUNT_VARIABLES = ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT")
KEY_VARIABLE = "AZURE_STORAGE_KEY"
SAS_VARIABLE = "AZURE_STORAGE_SAS_TOKEN"

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


def from_environment() -> Account:
    """The account that the environment names.

    Raises:
        ValueError: None of the variables is set; or the connection string is malformed.
    """
    metaflow_endpoint, endpoint = (os.environ.get(name) for name in ENDPOINT_VARIABLES)
    if metaflow_endpoint:
        return Account(metaflow_endpoint)
    key, sas = os.environ.get(KEY_VARIABLE), os.environ.get(SAS_VARIABLE)
    if endpoint:
        return Account(endpoint, key=key, sas=sas)
    if connection_string := os.environ.get(CONNECTION_STRING_VARIABLE):
        return from_connection_string(connection_string)
    for variable in ACCOUNT_VARIABLES:
        if name := os.environ.get(variable):
            return Account(f"https://{name}.blob.core.windows.net", key=key, sas=sas)
    variables = ", ".join((*ENDPOINT_VARIABLES, CONNECTION_STRING_VARIABLE, *ACCOUNT_VARIABLES))
    raise ValueError(
        "no storage account given: pass account_url='https://<account>.blob.core.windows.net', "
        f"or set one of {variables}"
    )


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
        protocol = settings.get("defaultendpointsprotocol", "https")
        suffix = settings.get("endpointsuffix", "core.windows.net")
        url = f"{protocol}://{name}.blob.{suffix}"
    if url is None:
        raise ValueError(
            "the connection string names no blob service: add BlobEndpoint=https://... or AccountName=..."
        )
    return Account(url, name, settings.get("accountkey"), settings.get("sharedaccesssignature"))
