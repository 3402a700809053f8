"""The Key Vault as a backend of ``@secrets``: one token and concurrent requests for all secrets of a step."""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from metaflow.exception import MetaflowException
from metaflow.metaflow_config import AZURE_KEY_VAULT_PREFIX
from metaflow.plugins.azure.azure_credential import create_cacheable_azure_credential
from metaflow.plugins.azure.azure_secret_manager_secrets_provider import AzureKeyVaultSecretsProvider
from metaflow.plugins.secrets.secrets_spec import SecretSpec

from .availability import is_usable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from azure.keyvault.secrets import KeyVaultSecret


class KeyVaultSecretsProvider(AzureKeyVaultSecretsProvider):
    """Reads secrets with the credential of the datastore, and names their variables as Metaflow does."""

    TYPE = "az-key-vault"

    def get_secret_as_dict(
        self, secret_id: str, options: dict[str, Any] | None = None, role: str | None = None
    ) -> dict[str, str]:
        """Reads a secret.

        Args:
            secret_id: Its name or URL, with or without a version.
            options: ``env_var_name``: the variable it goes into, instead of one named like the secret.
            role: Of no meaning to Key Vault.

        Returns:
            The variable and its value.

        Raises:
            ValueError: ``secret_id`` is malformed, or its vault is not known.
            fastblob.keyvault.SecretError: It could not be read.
        """
        options = options or {}
        if not is_usable():
            variables: dict[str, str] = super().get_secret_as_dict(secret_id, options, role)
            return variables
        together = _together.get()
        if together is None or secret_id not in together:
            together = _Together([secret_id])
        secret = together[secret_id]
        variable = options.get("env_var_name")
        return {self._sanitize_key_as_env_var(secret.name if variable is None else variable): _value(secret)}


@contextmanager
def fetched_together(sources: Iterable[Any]) -> Iterator[None]:
    """Within, the first secret that is asked for brings along all others of Key Vault that ``sources`` names.

    Raises:
        MetaflowException: One of them is malformed, or its vault is not known; nothing was sent.
    """
    if not is_usable():
        yield
        return
    try:
        token = _together.set(_Together(_key_vault_ids(sources)))
    except ValueError as error:
        raise MetaflowException(f"Failed to retrieve a secret: {error}") from None
    try:
        yield
    finally:
        _together.reset(token)


class _Together:
    """Secrets by how they were written, all read once the first of them is asked for."""

    def __init__(self, written: Iterable[str]) -> None:
        from fastblob import keyvault

        self._ids = {
            secret: keyvault.parse_secret_id(secret).within(AZURE_KEY_VAULT_PREFIX) for secret in written
        }
        self._answers: dict[keyvault.SecretId, KeyVaultSecret | keyvault.SecretError] = {}

    def __contains__(self, written: str) -> bool:
        return written in self._ids

    def __getitem__(self, written: str) -> KeyVaultSecret:
        from fastblob import keyvault

        if not self._answers:
            self._answers = keyvault.fetch(self._ids.values(), create_cacheable_azure_credential())
        answer = self._answers[self._ids[written]]
        if isinstance(answer, keyvault.SecretError):
            raise answer
        return answer


_together: ContextVar[_Together | None] = ContextVar("key_vault_secrets_of_the_step", default=None)


def _key_vault_ids(sources: Iterable[Any]) -> list[str]:
    specs = []
    for source in sources:
        if isinstance(source, str):
            specs.append(SecretSpec.secret_spec_from_str(source, role=None))
        elif isinstance(source, dict):
            specs.append(SecretSpec.secret_spec_from_dict(source, role=None))
        # Metaflow itself says what is wrong with any other.
    return [spec.secret_id for spec in specs if spec.secrets_backend_type == KeyVaultSecretsProvider.TYPE]


def _value(secret: KeyVaultSecret) -> str:
    """The secret's value, which was found to fit into an environment variable."""
    value = str(secret.value)
    # The exceptions of os.environ would quote it.
    try:
        fits = b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        fits = False
    if not fits:
        raise ValueError(f"the value of {secret.id} has characters that no environment variable can hold")
    return value
