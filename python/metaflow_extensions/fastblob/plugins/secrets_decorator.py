"""``@secrets`` with ``secrets=[...]`` besides Metaflow's own ``sources=[...]``.

Plugins are still being imported when this module is: what needs them is imported inside of the methods.
"""

from __future__ import annotations

from typing import Any

from metaflow.exception import MetaflowException
from metaflow.plugins.secrets.secrets_decorator import SecretsDecorator
from metaflow.plugins.secrets.utils import DISALLOWED_SECRETS_ENV_VAR_PREFIXES

_VAULT = "az-key-vault"


class KeyVaultSecretsDecorator(SecretsDecorator):
    """Specifies secrets to be retrieved and set as environment variables before the step runs.

    Parameters
    ----------
    sources : List[Union[str, Dict[str, Any]]], default: []
        List of secret specs, defining how the secrets are to be retrieved
    secrets : List[Union[str, Tuple[str, Dict[str, str]]]], optional, default: None
        Secrets of Azure Key Vault, with `sources=["az-key-vault"]`. Each is a name (`api-key`), a name and a
        version (`api-key/<version>`), a URL (`https://<vault>.vault.azure.net/secrets/api-key`), also with a
        version, or a pair of one of them and `{"env_var_name": "CUSTOM_API_KEY"}`. Without the latter the
        variable is the name in upper case with underscores for hyphens (`API_KEY`).
    role : str, optional, default: None
        Role to use for fetching secrets
    allow_override : bool, optional, default: False
        Toggle whether secrets can replace existing environment variables.
    """

    name = "secrets"
    defaults = {**SecretsDecorator.defaults, "secrets": None}  # noqa: RUF012 - as in Metaflow

    def init(self) -> None:
        """Brings ``secrets=`` into Metaflow's own form, in which it also travels to remote tasks."""
        super().init()
        # `--with` hands attributes on to tasks as text, and bool("False") is true.
        if self.attributes["allow_override"] == "False":
            self.attributes["allow_override"] = False
        secrets = self.attributes["secrets"]
        if secrets is None:
            return
        sources = self.attributes["sources"]
        if list(sources or ()) != [_VAULT]:
            raise MetaflowException(
                f"@secrets: secrets= names secrets of Azure Key Vault and needs sources=[{_VAULT!r}] "
                f"alone; got sources={sources!r}. Secrets of several backends all go into sources=, as in "
                'sources=["az-key-vault.api-key", "aws-secrets-manager.other"]'
            )
        if not secrets:
            raise MetaflowException("@secrets: secrets= is empty: name a secret, or leave the decorator out")
        self.attributes["sources"] = [
            {"type": _VAULT, "id": written, "options": {"env_var_name": variable}}
            for written, variable in _with_variables(secrets)
        ]
        self.attributes["secrets"] = None

    def task_pre_step(self, *args: Any, **kwargs: Any) -> None:
        """Sets the variables, before the step runs."""
        from .secrets_provider import fetched_together

        with fetched_together(self.attributes["sources"]):
            super().task_pre_step(*args, **kwargs)


def _with_variables(secrets: Any) -> list[tuple[str, str]]:
    """Each secret as it was written, with its variable."""
    try:
        from fastblob import keyvault
    except ImportError:
        # A remote task without fastblob in its image: what is written was checked when the run was started.
        pairs = _unchecked(secrets)
    else:
        try:
            pairs = [(wanted.written, wanted.variable) for wanted in keyvault.parse_entries(secrets)]
        except (TypeError, ValueError) as error:
            raise MetaflowException(f"@secrets: {error}") from None
    for written, variable in pairs:
        if variable.startswith(tuple(DISALLOWED_SECRETS_ENV_VAR_PREFIXES)):
            raise MetaflowException(
                f"@secrets: {written!r} goes into the variable {variable}, but Metaflow keeps all that begin "
                f"with {' or '.join(DISALLOWED_SECRETS_ENV_VAR_PREFIXES)} to itself: choose another "
                "env_var_name"
            )
    return pairs


def _unchecked(secrets: Any) -> list[tuple[str, str]]:
    try:
        pairs = [(entry, {}) if isinstance(entry, str) else entry for entry in secrets]
        return [(written, options.get("env_var_name") or _variable(written)) for written, options in pairs]
    except (AttributeError, TypeError, ValueError):
        raise MetaflowException(
            "@secrets: an entry of secrets= is neither a name, nor a URL, nor a pair of one and "
            "{'env_var_name': ...}"
        ) from None


def _variable(written: str) -> str:
    name = written.rpartition("/secrets/")[2].partition("/")[0]
    return name.upper().replace("-", "_")
