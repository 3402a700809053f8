"""Entra ID credentials: one for everything in a process."""

from __future__ import annotations

import contextlib
import functools
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
    from collections.abc import Mapping

    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenCredential, TokenRequestOptions


# The same in every cloud.
STORAGE_SCOPE = "https://storage.azure.com/.default"

# Where tokens live shorter than the tasks of a run would like, another one is asked for so often.
_PAUSE_SECONDS = 60

# Under which a DefaultAzureCredential keeps its SharedCredential.
_SHARED = "_metaflow_fastblob_shared"


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
        return _shared_credential()


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


class SharedCredential:
    """A DefaultAzureCredential that has the datastore's token already.

    Args:
        default: Gives all other tokens.
    """

    def __init__(self, default: Any) -> None:
        self.default = default

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """As in ``azure.core.credentials.TokenCredential``."""
        if _is_for_storage(scopes, options):
            return of_this_process().shared_token()
        token: AccessToken = self.default.get_token(*scopes, **options)
        return token

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """As in ``azure.core.credentials.SupportsTokenInfo``."""
        if _is_for_storage(scopes, options or {}):
            from azure.core.credentials import AccessTokenInfo

            token = of_this_process().shared_token()
            return AccessTokenInfo(token.token, token.expires_on)
        info: AccessTokenInfo = self.default.get_token_info(*scopes, options=options)
        return info

    def close(self) -> None:
        """Does nothing: others go on with the same credential."""

    def __enter__(self) -> SharedCredential:  # noqa: PYI034 - there is no Self in Python 3.8
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _is_for_storage(scopes: tuple[str, ...], options: Mapping[str, Any]) -> bool:
    """Whether any token for storage will do; to a challenge, or in another tenant, it will not."""
    return scopes == (STORAGE_SCOPE,) and not options.get("claims") and not options.get("tenant_id")


def _shared_credential() -> SharedCredential:
    """The one of this process; another one only where fastblob has another one too."""
    import fastblob

    default: Any = fastblob.default_credential()
    shared = getattr(default, _SHARED, None)
    if shared is None:
        from . import azure_cli

        azure_cli.make_patient(default)
        shared = SharedCredential(default)
        setattr(default, _SHARED, shared)
    return cast("SharedCredential", shared)


class ProviderCredential:
    """The credential of the provider that METAFLOW_DEFAULT_AZURE_CLIENT_PROVIDER names.

    It is made when a token is needed: importing azure.identity takes longer than all that is done here.
    """

    def __init__(self) -> None:
        # With what it is for: see `token_relay.identity`.
        self._latest: tuple[str, AccessToken] | None = None
        self._asked = 0.0
        # Whose first token was the one that this process has received. A child of a fork is another process.
        self._received_by: int | None = None

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """As in ``azure.core.credentials.TokenCredential``."""
        if scopes == (STORAGE_SCOPE,):
            return self._storage_token(**options)
        credential: TokenCredential = create_cacheable_azure_credential()
        return credential.get_token(*scopes, **options)

    def shared_token(self) -> AccessToken:
        """A token for storage that lives for some minutes at least, if there are such tokens."""
        return self._kept() or self._storage_token()

    def hand_on(self) -> dict[str, str]:
        """The environment variable for a process that is about to be started here, if there is a token."""
        if self._latest is None:
            return {}
        if self._kept() is None and time.time() - self._asked > _PAUSE_SECONDS:
            # The process that is started finds out, and reports, why there is none.
            with contextlib.suppress(Exception):
                self._storage_token()
        kept = self._kept()
        return {} if kept is None else token_relay.variables(kept)

    def _kept(self) -> AccessToken | None:
        """The latest token, unless it expires soon or the environment names another identity by now."""
        identity, token = self._latest or ("", None)
        if token is None or not token_relay.is_fresh(token.expires_on):
            return None
        return token if identity == token_relay.identity() else None

    def _storage_token(self, **options: Any) -> AccessToken:
        identity = token_relay.identity()
        received = None if options else token_relay.received()
        # Whoever asks again was not content with it.
        if received is not None and self._received_by != os.getpid():
            self._received_by = os.getpid()
            # All that is asked of an AccessToken, which takes 0.1 s to import.
            token = cast("AccessToken", received)
        else:
            self._asked = time.time()
            credential = create_cacheable_azure_credential()
            if isinstance(credential, SharedCredential):
                credential = credential.default
            token = credential.get_token(STORAGE_SCOPE, **options)
        self._latest = identity, token
        return token


@functools.lru_cache(maxsize=None)
def of_this_process() -> ProviderCredential:
    """The one that all datastores of this process share."""
    return ProviderCredential()
