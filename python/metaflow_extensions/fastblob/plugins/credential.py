"""Entra ID credentials: one for everything in a process."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from metaflow.plugins.azure.azure_credential import (
    AzureDefaultClientProvider as StockAzureDefaultClientProvider,
)
from metaflow.plugins.azure.azure_credential import create_cacheable_azure_credential

from .availability import is_usable
from .errors import AzureConfigurationError

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential


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

        return fastblob.default_credential()


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

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """As in ``azure.core.credentials.TokenCredential``."""
        credential: TokenCredential = create_cacheable_azure_credential()
        return credential.get_token(*scopes, **options)
