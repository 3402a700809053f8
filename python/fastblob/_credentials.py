"""Turns every kind of credential into one that the engine knows: a key, a SAS, a source of tokens."""

from __future__ import annotations

import base64
import binascii
import os
import threading
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential, TokenCredential

    from ._fastblob import _EngineCredential

    _Credential: TypeAlias = TokenCredential | AzureNamedKeyCredential | AzureSasCredential | str

# The same in every cloud: https://learn.microsoft.com/azure/storage/blobs/authorize-access-azure-active-directory
SCOPE = "https://storage.azure.com/.default"
_KEY_LENGTH = 64
# What decides how DefaultAzureCredential behaves.
_IDENTITY_VARIABLES = ("AZURE_", "IDENTITY_", "IMDS_", "MSI_")

_default_credentials: dict[tuple[tuple[str, str], ...], TokenCredential] = {}
_default_credentials_lock = threading.Lock()


def for_engine(credential: _Credential | None) -> _EngineCredential:
    """What ``BaseClient`` takes for this credential; None stands for DefaultAzureCredential.

    Raises:
        TypeError: It is none of the kinds that ``fastblob.Client`` takes.
        ValueError: It is a string, and neither an account key nor a SAS.
    """
    if credential is None:
        return TokenSource(None)
    if isinstance(credential, str):
        return _from_string(credential)
    # By their attributes, since importing azure.core.credentials would cost every program 0.1 s.
    # Handed on as they are: they may be told another key or SAS at any time.
    if getattr(credential, "named_key", None) is not None or isinstance(
        getattr(credential, "signature", None), str
    ):
        return credential  # type: ignore[return-value]
    get_token: Any = getattr(credential, "get_token", None)
    if get_token is None:
        raise TypeError(
            f"credential is a {type(credential).__name__}; give a TokenCredential such as those of "
            "azure.identity, an AzureNamedKeyCredential, an AzureSasCredential, an account key or a SAS"
        )
    import inspect

    if inspect.iscoroutinefunction(get_token):
        raise TypeError(
            f"{type(credential).__name__} is asynchronous: take the class of the same name from "
            "azure.identity, not from azure.identity.aio"
        )
    return TokenSource(credential)  # type: ignore[arg-type]


def _from_string(credential: str) -> _EngineCredential:
    if "sig=" in credential:
        return credential.lstrip("?")
    try:
        key = base64.b64decode(credential, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_LENGTH:
        raise ValueError(
            "credential is a str, but neither an account key (base64 of 64 bytes) nor a SAS (with 'sig=')"
        )
    return None, credential


class TokenSource:
    """Fetches tokens for the engine, which keeps them and asks again in good time before they expire."""

    def __init__(self, credential: TokenCredential | None) -> None:
        self._credential = credential

    def __call__(self, claims: str | None) -> tuple[str, float]:
        """Fetches a token.

        Args:
            claims: What a challenge of the service (continuous access evaluation) demands of the token.

        Returns:
            The token and when it expires, in seconds since the epoch.
        """
        credential: Any = self._credential or default_credential()
        if hasattr(credential, "get_token_info"):
            options: dict[str, object] = {"enable_cae": True}
            if claims is not None:
                options["claims"] = claims
            token = credential.get_token_info(SCOPE, options=options)
        elif claims is not None:
            token = credential.get_token(SCOPE, claims=claims, enable_cae=True)
        else:
            token = credential.get_token(SCOPE)
        return token.token, float(token.expires_on)


def default_credential() -> TokenCredential:
    """The one DefaultAzureCredential of this process, since finding out what works here takes seconds.

    All clients that are given no other credential use it; other Azure libraries may share it, and with it the
    tokens that it keeps.

    Returns:
        An ``azure.identity.DefaultAzureCredential``; another one only where the environment that configures
        it has changed, and in a child of ``os.fork()``.
    """
    configuration = tuple(
        sorted((name, value) for name, value in os.environ.items() if name.startswith(_IDENTITY_VARIABLES))
    )
    with _default_credentials_lock:
        credential = _default_credentials.get(configuration)
        if credential is None:
            from azure.identity import DefaultAzureCredential

            credential = _default_credentials[configuration] = DefaultAzureCredential()
        return credential


def _forget_default_credentials() -> None:
    # A child of os.fork() must neither use its parent's connections nor wait for a lock that a thread of its
    # parent held.
    global _default_credentials_lock  # noqa: PLW0603
    _default_credentials_lock = threading.Lock()
    _default_credentials.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_default_credentials)
