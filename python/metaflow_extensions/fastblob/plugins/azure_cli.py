"""The Azure CLI as a source of tokens for many processes at once.

Each ``az account get-access-token`` starts an interpreter and opens the CLI's caches: several at once take
more than the 10 s that azure-identity waits, or fail, and nothing tells that from a login that is missing.
See https://github.com/Azure/azure-sdk-for-python/issues/37739.

This module is slow to import: azure.identity is.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azure.identity import AzureCliCredential, CredentialUnavailableError
from metaflow.metaflow_config import AZURE_CLI_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenCredential

# What the message of a time-out has, and no other message.
TIMED_OUT = "The Azure CLI (az) did not answer"

# Turns are waited for as long as so many processes may take, one after the other.
_TURNS = 10
_POLL_SECONDS = 0.1


def make_patient(credential: TokenCredential) -> None:
    """Has a DefaultAzureCredential ask the Azure CLI as AzureCliInTurn does."""
    chain: Any = credential
    if any(type(member) is AzureCliCredential for member in chain.credentials):
        in_turn = AzureCliInTurn(process_timeout=int(AZURE_CLI_TIMEOUT))
        chain.credentials = tuple(
            in_turn if type(member) is AzureCliCredential else member for member in chain.credentials
        )


class AzureCliInTurn(AzureCliCredential):
    """Asks ``az`` while no other process of this user does, and once more where it failed."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """As in ``azure.core.credentials.TokenCredential``."""
        token: AccessToken = self._in_turn(super().get_token, *scopes, **options)
        return token

    def get_token_info(self, *scopes: str, **options: Any) -> AccessTokenInfo:
        """As in ``azure.core.credentials.SupportsTokenInfo``."""
        token: AccessTokenInfo = self._in_turn(super().get_token_info, *scopes, **options)
        return token

    def _in_turn(self, ask: Callable[..., Any], *scopes: str, **options: Any) -> Any:
        if shutil.which("az") is None:
            # Nothing to wait for; the answer is quick.
            return ask(*scopes, **options)
        seconds = self._process_timeout
        with _turn(_TURNS * seconds):
            try:
                return ask(*scopes, **options)
            except CredentialUnavailableError as error:
                if not _may_pass(error):
                    raise
            try:
                return ask(*scopes, **options)
            except CredentialUnavailableError as error:
                if isinstance(error.__cause__, subprocess.TimeoutExpired):
                    raise CredentialUnavailableError(
                        message=f"{TIMED_OUT} within {seconds} s, twice. Is `az account get-access-token` as "
                        "slow in a terminal? METAFLOW_AZURE_CLI_TIMEOUT sets how many seconds it is given."
                    ) from error
                raise


def _may_pass(error: CredentialUnavailableError) -> bool:
    """Whether ``az`` was there and may do better at another try; it tells whoever has to sign in so."""
    cause = error.__cause__
    if isinstance(cause, subprocess.CalledProcessError):
        return "az login" not in (cause.stderr or "") and "AADSTS" not in (cause.stderr or "")
    return isinstance(cause, subprocess.TimeoutExpired)


@contextlib.contextmanager
def _turn(seconds: float) -> Iterator[None]:
    """Within, no other process of this user is within, unless that had to be waited for too long."""
    try:
        import fcntl

        path = Path(tempfile.gettempdir(), f"metaflow-fastblob-az-{os.getuid()}.lock")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except (ImportError, OSError):
        yield
        return
    try:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    break
                time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)
