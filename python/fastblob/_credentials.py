"""Turns every kind of credential into one that the engine knows: a key, a SAS, a source of tokens."""

from __future__ import annotations

import base64
import binascii
import os
import threading
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential, TokenCredential

    from ._fastblob import Engine

    Credential: TypeAlias = TokenCredential | AzureNamedKeyCredential | AzureSasCredential | str
    _Kind: TypeAlias = Literal["anonymous", "token", "key", "sas"]

# The same in every cloud: https://learn.microsoft.com/azure/storage/blobs/authorize-access-azure-active-directory
SCOPE = "https://storage.azure.com/.default"
_KEY_LENGTH = 64
# What decides how DefaultAzureCredential behaves.
_IDENTITY_VARIABLES = ("AZURE_", "IDENTITY_", "IMDS_", "MSI_")
# The beginning of the year 10000, which is the first that a datetime cannot hold.
_END_OF_TIME = 253_402_300_800

_default_credentials: dict[tuple[tuple[str, str], ...], TokenCredential] = {}
_default_credentials_lock = threading.Lock()


class Secret:
    """What requests are signed with; this one is for those that are not.

    Attributes:
        kind: How the engine calls it.
        changes: Whether it may be another one at the next call.
    """

    kind: _Kind = "anonymous"
    changes = False

    def give_to(self, engine: Engine) -> None:
        """Hands the secret to an engine that has none yet."""

    def renew(self, engine: Engine) -> None:
        """Hands the secret on where it has changed."""

    def fetch_token(self, claims: str | None) -> tuple[str, float]:
        """Fetches a token.

        Args:
            claims: What a challenge of the service (continuous access evaluation) demands of the token.

        Returns:
            The token and when it expires, in seconds since the epoch.
        """
        raise NotImplementedError


class FixedKey(Secret):
    """An account key, of the account that the endpoint names."""

    kind = "key"

    def __init__(self, key: str) -> None:
        self._key = key

    def give_to(self, engine: Engine) -> None:
        engine.set_key(None, self._key)


class FixedSas(Secret):
    """A SAS, without its question mark."""

    kind = "sas"

    def __init__(self, sas: str) -> None:
        self._sas = sas.lstrip("?")

    def give_to(self, engine: Engine) -> None:
        engine.set_sas(self._sas)


class NamedKey(Secret):
    """An AzureNamedKeyCredential, whose ``update()`` counts from the next request on."""

    kind = "key"
    changes = True

    def __init__(self, credential: Any) -> None:
        self._credential = credential

    def give_to(self, engine: Engine) -> None:
        latest = self._credential.named_key
        engine.set_key(latest.name, latest.key)
        # Only now: one that is refused is refused again at the next call.
        self._latest = latest

    def renew(self, engine: Engine) -> None:
        # `update()` makes a new tuple.
        if self._credential.named_key is not self._latest:
            self.give_to(engine)


class UpdatableSas(Secret):
    """An AzureSasCredential, whose ``update()`` counts from the next request on."""

    kind = "sas"
    changes = True

    def __init__(self, credential: Any) -> None:
        self._credential = credential

    def give_to(self, engine: Engine) -> None:
        latest = self._credential.signature
        engine.set_sas(latest.lstrip("?"))
        self._latest = latest

    def renew(self, engine: Engine) -> None:
        if self._credential.signature is not self._latest:
            self.give_to(engine)


class TokenSource(Secret):
    """Fetches tokens for the engine, which keeps them and asks again in good time before they expire."""

    kind = "token"

    def __init__(self, credential: TokenCredential | None) -> None:
        self._credential = credential

    def fetch_token(self, claims: str | None) -> tuple[str, float]:
        answer = self._ask(claims)
        token, expires_on = answer.token, answer.expires_on
        mistake = None if isinstance(token, str) else f"a token that is a {type(token).__name__}, not a str"
        mistake = mistake or _mistake_in_time(expires_on)
        if mistake is None:
            return token, float(expires_on)
        name = type(self._credential).__name__
        # A traceback with local variables must not show them.
        del answer, token
        raise ValueError(f"{name} gives {mistake}")

    def _ask(self, claims: str | None) -> Any:
        credential: Any = default_credential() if self._credential is None else self._credential
        if hasattr(credential, "get_token_info"):
            options: dict[str, object] = {"enable_cae": True}
            if claims is not None:
                options["claims"] = claims
            return credential.get_token_info(SCOPE, options=options)
        if claims is not None:
            return credential.get_token(SCOPE, claims=claims, enable_cae=True)
        return credential.get_token(SCOPE)


def _mistake_in_time(expires_on: object) -> str | None:
    if isinstance(expires_on, bool) or not isinstance(expires_on, (int, float)):
        return f"an expires_on that is a {type(expires_on).__name__}, not seconds since the epoch"
    # Not a number, it is no less than anything.
    if not 0 <= expires_on < _END_OF_TIME:
        return f"expires_on={expires_on!r}, which is no time in seconds since the epoch"
    return None


def secret_of(credential: Credential | None) -> Secret:
    """What an engine takes for this credential; None stands for DefaultAzureCredential.

    Raises:
        TypeError: It is none of the kinds that ``fastblob.Client`` takes.
        ValueError: It is a string, and neither an account key nor a SAS.
    """
    if credential is None:
        return TokenSource(None)
    if isinstance(credential, str):
        return _of_string(credential)
    # By their attributes, since importing azure.core.credentials would cost every program 0.1 s.
    if getattr(credential, "named_key", None) is not None:
        return NamedKey(credential)
    if isinstance(getattr(credential, "signature", None), str):
        return UpdatableSas(credential)
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


def _of_string(credential: str) -> Secret:
    if "sig=" in credential:
        return FixedSas(credential)
    try:
        key = base64.b64decode(credential, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_LENGTH:
        raise ValueError(
            "credential is a str, but neither an account key (base64 of 64 bytes) nor a SAS (with 'sig=')"
        )
    return FixedKey(credential)


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
