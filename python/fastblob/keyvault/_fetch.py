"""Reads secrets through azure-keyvault-secrets, all at once."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ClientAuthenticationError

from ._errors import (
    SecretError,
    VaultAuthenticationError,
    VaultServiceError,
    VaultUnreachableError,
    from_azure,
)
from ._ids import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable

    from azure.core.credentials import AccessToken, TokenCredential
    from azure.keyvault.secrets import KeyVaultSecret, SecretClient

    from ._ids import SecretId

# As many connections as the HTTP library keeps to one host; a step has few secrets.
_CONCURRENCY = 10
# The library waits 300 s for either, times four attempts: far too long for a firewall that drops packets.
_CONNECT_SECONDS = 10
_READ_SECONDS = 30

_log = logging.getLogger("fastblob.keyvault")


def fetch(
    secrets: Iterable[SecretId], credential: TokenCredential
) -> dict[SecretId, KeyVaultSecret | SecretError]:
    """Reads secrets concurrently, with one client for each vault and one token for all.

    Answers 429 and 5xx and broken connections are retried, after ``Retry-After`` where the vault sends it.

    Args:
        secrets: Secrets with their vaults.
        credential: Where tokens come from.

    Returns:
        For each secret what the vault says about it, or why it could not be read.
    """
    by_vault: dict[str, list[SecretId]] = {}
    for secret in dict.fromkeys(secrets):
        by_vault.setdefault(str(secret.vault_url), []).append(secret)
    shared = _SharedToken(credential)
    with ExitStack() as stack:
        clients = {vault: stack.enter_context(_client(vault, shared)) for vault in by_vault}
        pool = stack.enter_context(ThreadPoolExecutor(_CONCURRENCY, "fastblob-keyvault"))

        def read(secret: SecretId) -> KeyVaultSecret | SecretError:
            return _read(clients[str(secret.vault_url)], secret)

        # The first request to a vault brings the challenge that all others would meet as well.
        first = [of_vault[0] for of_vault in by_vault.values()]
        answers = dict(zip(first, pool.map(read, first), strict=True))
        rest = []
        for secret, *others in by_vault.values():
            # Who cannot sign in, or does not reach the vault, is not kept waiting for each of its secrets.
            if isinstance(answers[secret], (VaultAuthenticationError, VaultUnreachableError)):
                answers.update(dict.fromkeys(others, answers[secret]))
            else:
                rest += others
        answers.update(zip(rest, pool.map(read, rest), strict=True))
    return answers


def _client(vault_url: str, credential: _SharedToken) -> SecretClient:
    from azure.keyvault.secrets import SecretClient

    return SecretClient(
        vault_url,
        credential,
        connection_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        # The library sends a token only to hosts below the domain that the token is for. No name of a vault
        # on this machine is, and what listens here is the user's own.
        verify_challenge_resource=not is_loopback(vault_url),
    )


def _read(client: SecretClient, secret: SecretId) -> KeyVaultSecret | SecretError:
    try:
        answer = client.get_secret(secret.name, secret.version)
    except Exception as error:  # noqa: BLE001 - the library raises ValueError and others for strange answers
        failure = error
    else:
        if not isinstance(answer.value, str):
            return VaultServiceError(f"The secret {secret} has no value", secret=str(secret))
        expires = answer.properties.expires_on
        # The service leaves it to the reader what an expiry date means:
        # https://learn.microsoft.com/azure/key-vault/secrets/about-secrets#date-time-controlled-operations
        if expires is not None and expires < datetime.now(UTC):
            _log.warning("The secret %s expired on %s: set a new value.", secret, expires.date())
        return answer
    # Outside of the except block, so that it does not become the context of what is raised: see from_azure.
    return from_azure(failure, secret)


class _SharedToken:
    """A credential that is asked once for each kind of token, however many threads and clients want it."""

    def __init__(self, credential: TokenCredential) -> None:
        self._credential = credential
        self._tokens: dict[tuple[Any, ...], AccessToken | ClientAuthenticationError] = {}
        self._lock = threading.Lock()

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        given = {name: value for name, value in options.items() if value is not None}
        kind = (scopes, *sorted(given.items()))
        with self._lock:
            if kind not in self._tokens:
                self._tokens[kind] = self._ask(scopes, given)
            token = self._tokens[kind]
        if isinstance(token, ClientAuthenticationError):
            # One for each who asks, as raising it changes it.
            raise ClientAuthenticationError(token.message) from token
        return token

    def _ask(
        self, scopes: tuple[str, ...], options: dict[str, Any]
    ) -> AccessToken | ClientAuthenticationError:
        try:
            return self._credential.get_token(*scopes, **options)
        except ClientAuthenticationError as error:
            return ClientAuthenticationError(error.message)
        except Exception as error:  # noqa: BLE001 - whatever it is, there is no token
            return ClientAuthenticationError(f"{type(error).__name__}: {error}")
