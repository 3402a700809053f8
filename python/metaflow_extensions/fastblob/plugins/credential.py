"""Entra ID credentials: one for everything in a process."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from typing import TYPE_CHECKING, Any, cast

from metaflow.plugins.azure.azure_credential import (
    AzureDefaultClientProvider as StockAzureDefaultClientProvider,
)
from metaflow.plugins.azure.azure_credential import create_cacheable_azure_credential

from . import token_relay
from .availability import is_usable
from .errors import AzureConfigurationError

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential


# The same in every cloud.
STORAGE_SCOPE = "https://storage.azure.com/.default"

# Where tokens live shorter than the tasks of a run would like, another one is asked for so often.
_PAUSE_SECONDS = 60


class AzureDefaultClientProvider(StockAzureDefaultClientProvider):
    """Gives out the DefaultAzureCredential that fastblob uses too, so that a process asks for one token."""

    name = "azure-default"

    @staticmethod
    def create_cacheable_azure_credential(*args: Any, **kwargs: Any) -> TokenCredential:
        """The shared credential; with arguments for DefaultAzureCredential, a new one."""
        # It logs a warning for each kind of identity that is not configured.
        logging.getLogger("azure.identity").setLevel(logging.ERROR)
        if args or kwargs or not is_usable():
            stock: TokenCredential = StockAzureDefaultClientProvider.create_cacheable_azure_credential(
                *args, **kwargs
            )
            return stock
        import fastblob

        credential = fastblob.default_credential()
        from . import azure_cli

        azure_cli.make_patient(credential)
        return credential


def check_provider() -> None:
    """Raises AzureConfigurationError where no provider has the name that is configured."""
    from metaflow.metaflow_config import DEFAULT_AZURE_CLIENT_PROVIDER
    from metaflow.plugins import AZURE_CLIENT_PROVIDERS

    names = sorted(provider.name for provider in AZURE_CLIENT_PROVIDERS)
    if DEFAULT_AZURE_CLIENT_PROVIDER not in names:
        choice = ", ".join(map(repr, names))
        raise AzureConfigurationError(
            f"METAFLOW_DEFAULT_AZURE_CLIENT_PROVIDER is {DEFAULT_AZURE_CLIENT_PROVIDER!r}: no such "
            f"provider is installed; choose {choice}, or install the extension that has it."
        )


class ProviderCredential:
    """The credential of the provider that METAFLOW_DEFAULT_AZURE_CLIENT_PROVIDER names.

    It is made when a token is needed: importing azure.identity takes longer than all that is done here.
    """

    def __init__(self) -> None:
        self._latest: AccessToken | None = None
        self._asked = 0.0
        # Whose first token was the one that this process has received. A child of a fork is another process.
        self._received_by: int | None = None

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """As in ``azure.core.credentials.TokenCredential``."""
        if scopes == (STORAGE_SCOPE,) and not options:
            return self._storage_token()
        credential: TokenCredential = create_cacheable_azure_credential()
        return credential.get_token(*scopes, **options)

    def shared_token(self) -> AccessToken:
        """A token for storage that lives for some minutes at least, if there are such tokens."""
        latest = self._latest
        if latest is not None and token_relay.is_fresh(latest.expires_on):
            return latest
        return self._storage_token()

    def hand_on(self) -> dict[str, str]:
        """The environment variable for a process that is about to be started here, if there is a token."""
        if self._latest is None:
            return {}
        if not token_relay.is_fresh(self._latest.expires_on) and time.time() - self._asked > _PAUSE_SECONDS:
            # The process that is started finds out, and reports, why there is none.
            with contextlib.suppress(Exception):
                self._storage_token()
        if not token_relay.is_fresh(self._latest.expires_on):
            return {}
        return token_relay.variables(self._latest)

    def _storage_token(self) -> AccessToken:
        received = token_relay.received()
        # Whoever asks again was not content with it.
        if received is not None and self._received_by != os.getpid():
            self._received_by = os.getpid()
            # All that is asked of an AccessToken, which takes 0.1 s to import.
            self._latest = cast("AccessToken", received)
        else:
            self._asked = time.time()
            self._latest = create_cacheable_azure_credential().get_token(STORAGE_SCOPE)
        return self._latest
