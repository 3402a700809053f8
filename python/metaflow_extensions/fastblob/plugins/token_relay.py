"""A token for the processes that this one starts on this machine, so that they need not ask for their own.

It travels in a variable that is taken out of the environment when Metaflow is imported: neither a step, nor
what a step starts, nor a remote task sees it.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from metaflow.metaflow_config import AZURE_STORAGE_BLOB_SERVICE_ENDPOINT, DEFAULT_AZURE_CLIENT_PROVIDER
from metaflow_extensions.fastblob.toplevel import mfextinit_fastblob as toplevel

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

# Metaflow's own datastore asks for another one where less is left, in seconds.
LIFE = 300

# A provider of somebody else may give each process another identity.
_PROVIDER = "azure-default"
# What decides which identity DefaultAzureCredential finds.
_IDENTITY_VARIABLES = ("AZURE_", "IDENTITY_", "IMDS_", "MSI_")


class ReceivedToken(NamedTuple):
    """A token, and when it expires in seconds since the epoch."""

    token: str
    expires_on: int


def is_fresh(expires_on: float) -> bool:
    """Whether a token lives for long enough, given when it expires in seconds since the epoch."""
    return expires_on - time.time() >= LIFE


def variables(token: AccessToken) -> dict[str, str]:
    """What a process on this machine must find in its environment to use the token too."""
    if DEFAULT_AZURE_CLIENT_PROVIDER != _PROVIDER:
        return {}
    value = {"for": identity(), "token": token.token, "expires_on": token.expires_on}
    return {toplevel.TOKEN_VARIABLE: json.dumps(value)}


def received() -> ReceivedToken | None:
    """The token that this process was started with.

    None where there is none, it expires soon, or it is for somebody else or for another account.
    """
    value = _received()
    if value is None or value["for"] != identity() or not is_fresh(value["expires_on"]):
        return None
    return ReceivedToken(value["token"], value["expires_on"])


@functools.lru_cache(maxsize=None)
def _received() -> dict[str, Any] | None:
    return None if toplevel.received_token is None else json.loads(toplevel.received_token)


def identity() -> str:
    """Tells apart what this process would be given tokens for."""
    identity = [AZURE_STORAGE_BLOB_SERVICE_ENDPOINT, DEFAULT_AZURE_CLIENT_PROVIDER, os.environ.get("HOME")]
    settings = sorted(pair for pair in os.environ.items() if pair[0].startswith(_IDENTITY_VARIABLES))
    return hashlib.sha256(json.dumps([identity, settings]).encode()).hexdigest()
