"""Secrets from Azure Key Vault, many with one call.

::

    from fastblob.keyvault import get_secrets

    secrets = get_secrets(["api-key", ("database-password", {"env_var_name": "DB_PASS"})])
    secrets["API_KEY"], secrets["DB_PASS"]

Errors, each also a subclass of what azure-keyvault-secrets raises in the same situation::

    azure.core.exceptions.AzureError
    └── SecretError
        ├── SecretNotFoundError       also ResourceNotFoundError
        ├── SecretForbiddenError      also HttpResponseError
        ├── VaultAuthenticationError  also ClientAuthenticationError
        ├── VaultUnreachableError     also ServiceRequestError
        └── VaultServiceError         also HttpResponseError

None of them holds a secret's value.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ._errors import (
    SecretError,
    SecretForbiddenError,
    SecretNotFoundError,
    VaultAuthenticationError,
    VaultServiceError,
    VaultUnreachableError,
)
from ._fetch import fetch
from ._ids import VAULT_VARIABLE, SecretEntry, SecretId, WantedSecret, parse_entries, parse_secret_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from azure.core.credentials import TokenCredential

__all__ = [
    "SecretEntry",
    "SecretError",
    "SecretForbiddenError",
    "SecretId",
    "SecretNotFoundError",
    "VaultAuthenticationError",
    "VaultServiceError",
    "VaultUnreachableError",
    "WantedSecret",
    "fetch",
    "get_secrets",
    "parse_entries",
    "parse_secret_id",
]


def get_secrets(
    secrets: Iterable[SecretEntry], *, vault_url: str | None = None, credential: TokenCredential | None = None
) -> dict[str, str]:
    """Reads secrets, all at once.

    Service documentation: https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret

    Args:
        secrets: Each in one of these forms: ``"api-key"``; ``"api-key/<version>"``;
            ``"https://<vault>.vault.azure.net/secrets/api-key"``, also with ``/<version>``; or a pair of one
            of them and ``{"env_var_name": "CUSTOM_API_KEY"}``.
        vault_url: URL of the vault of those that are not written as a URL; None: the environment variable
            ``METAFLOW_AZURE_KEY_VAULT_PREFIX``.
        credential: Any ``TokenCredential``; None: ``DefaultAzureCredential``, the one that the clients of
            ``fastblob`` use as well.

    Returns:
        The values by variable name, in the order of ``secrets``. A secret's variable is its name in upper
        case with underscores for hyphens (``api-key``: ``API_KEY``), or its ``env_var_name`` as given.

    Raises:
        TypeError: An entry has none of these forms.
        ValueError: An entry is malformed, two go into one variable, or no vault is known; nothing was sent.
        SecretError: A secret could not be read: the first of them, in the order of ``secrets``.
    """
    wanted = [
        entry._replace(id=entry.id.within(vault_url or os.environ.get(VAULT_VARIABLE)))
        for entry in parse_entries(secrets)
    ]
    if not wanted:
        return {}
    if credential is None:
        from fastblob import default_credential

        credential = default_credential()
    answers = fetch([entry.id for entry in wanted], credential)
    # The values come out at the very end, so that no traceback that shows variables has one.
    found = {}
    for entry in wanted:
        answer = answers[entry.id]
        if isinstance(answer, SecretError):
            raise answer
        found[entry.variable] = answer
    return {variable: str(secret.value) for variable, secret in found.items()}
