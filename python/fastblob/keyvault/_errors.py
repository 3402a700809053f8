"""The exceptions of ``fastblob.keyvault``, and which of them an exception of the Azure libraries becomes."""

from __future__ import annotations

import socket
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._ids import SecretId

_TOO_MANY_REQUESTS = 429
# What the service says about the caller is useful to whoever grants roles; more of it would hide what to do.
_LONGEST_ANSWER = 400


class SecretError(AzureError):
    """A secret could not be read; the base of all errors that come from a vault or on the way to it.

    Attributes:
        secret: URL of the secret.
        status_code: The HTTP status of the last answer, or None where none came.
        error_code: The innermost error code of that answer, such as ``"SecretNotFound"``, or None.
        request_id: ``x-ms-request-id`` of that answer, which Azure support asks for, or None.
    """

    secret: str
    status_code: int | None
    error_code: str | None
    request_id: str | None

    def __init__(
        self,
        message: str,
        *,
        secret: str = "",
        status_code: int | None = None,
        error_code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.secret = secret
        self.status_code = status_code
        self.error_code = error_code
        self.request_id = request_id

    def __reduce__(self) -> tuple[Any, ...]:
        # AzureError keeps what was being handled when it was made; its traceback does not pickle.
        kept = ("secret", "status_code", "error_code", "request_id")
        return type(self), (self.message,), {name: getattr(self, name) for name in kept}


class SecretNotFoundError(SecretError, ResourceNotFoundError):
    """The vault has no such secret, or no such version of it (404)."""


class SecretForbiddenError(SecretError, HttpResponseError):
    """The secret is disabled or expired, a role is missing, or the vault's firewall is in the way (403)."""


class VaultAuthenticationError(SecretError, ClientAuthenticationError):
    """No token could be had, or the vault refused it (401)."""


class VaultUnreachableError(SecretError, ServiceRequestError):
    """There is no such vault, or it could not be reached after all retries."""


class VaultServiceError(SecretError, HttpResponseError):
    """The vault went on failing or throttling after all retries, or what answered is not a Key Vault."""


def from_azure(error: Exception, secret: SecretId) -> SecretError:
    """What to raise instead of an exception that SecretClient raised for ``secret``.

    It does not refer to ``error``, which may hold the service's answer and with it the secret's value.
    """
    if (
        isinstance(error, HttpResponseError)
        and error.response is not None
        and not isinstance(error, DecodeError)
    ):
        return _from_answer(error, error.response, secret)
    if isinstance(error, ClientAuthenticationError):
        return VaultAuthenticationError(
            f"No token for Key Vault, to read {secret}: run `az login`, or set AZURE_TENANT_ID, "
            "AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or give this machine a managed identity. "
            f"{error.message}",
            secret=str(secret),
        )
    if isinstance(error, (ServiceRequestError, ServiceResponseError)):
        return VaultUnreachableError(_unreachable(error, secret), secret=str(secret))
    # The text of any other may quote the answer.
    return VaultServiceError(
        f"What answered at {secret.vault_url} for {secret} is not a Key Vault, or its answer was cut short "
        f"({type(error).__name__}): check the vault's URL, and whether a proxy answers in its place",
        secret=str(secret),
    )


def _unreachable(error: AzureError, secret: SecretId) -> str:
    host = urlsplit(secret.vault_url or "").hostname
    if any(isinstance(cause, socket.gaierror) for cause in _causes(error)):
        return (
            f"There is no vault {secret.vault_url}, at least its name {host} cannot be resolved here: check "
            "the name (`az keyvault list -o table`), METAFLOW_AZURE_KEY_VAULT_PREFIX, and, if it has a "
            "private endpoint, that this network resolves privatelink.vaultcore.azure.net. "
            f"{_text(error)}"
        )
    return (
        f"The vault {secret.vault_url} could not be reached to read {secret}: check the network, proxies "
        "(HTTPS_PROXY, NO_PROXY), trusted certificates (REQUESTS_CA_BUNDLE) and the vault's firewall. "
        f"{_text(error)}"
    )


def _text(error: AzureError) -> str:
    """What the library says about a failure of the network."""
    for cause in _causes(error):
        # These quote the bytes that are not HTTP, which may be a part of the answer with the secret.
        if isinstance(cause, HTTPException) and not isinstance(cause, OSError):
            return f"The answer was not HTTP, or broken off ({type(cause).__name__})"
    return str(error.message)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = getattr(error, "inner_exception", None) or error.__cause__ or error.__context__


def _from_answer(error: HttpResponseError, response: Any, secret: SecretId) -> SecretError:
    status = error.status_code or 0
    code, said = _code_and_message(response)
    vault = secret.vault_url
    name = urlsplit(vault or "").hostname or ""
    options = f"--vault-name {name.partition('.')[0]} --name {secret.name}"
    kind: type[SecretError]
    if status == 401:  # noqa: PLR2004
        kind = VaultAuthenticationError
        text = (
            f"The vault {vault} refused the token (401) for {secret}: sign in to the tenant that the vault "
            "belongs to (`az login --tenant <tenant>`, AZURE_TENANT_ID)"
        )
    elif status == 403:  # noqa: PLR2004
        kind = SecretForbiddenError
        text = _forbidden(code, secret, options)
    elif status == 404:  # noqa: PLR2004
        kind = SecretNotFoundError
        text = (
            f"There is no secret {secret}: check its name and version "
            f"(`az keyvault secret list-versions {options}`), and whether it was deleted "
            f"(`az keyvault secret recover {options}`)"
        )
    elif status == _TOO_MANY_REQUESTS:
        kind = VaultServiceError
        text = (
            f"The vault {vault} went on throttling (429) requests for {secret}: run fewer tasks at once, or "
            "spread their secrets over several vaults "
            "(https://learn.microsoft.com/azure/key-vault/general/service-limits)"
        )
    else:
        kind = VaultServiceError
        text = f"The vault {vault} could not answer for {secret} (status {status}, {code}): try again later"
    return kind(
        f"{text}. It said: {said}" if said else text,
        secret=str(secret),
        status_code=status,
        error_code=code,
        request_id=response.headers.get("x-ms-request-id"),
    )


def _forbidden(code: str | None, secret: SecretId, options: str) -> str:
    if code == "SecretDisabled":
        return (
            f"The secret {secret} is disabled: enable it (`az keyvault secret set-attributes {options} "
            "--enabled true`), or name another version"
        )
    if code == "SecretExpired":
        return f"The secret {secret} has expired: set a new value (`az keyvault secret set {options}`)"
    if code in {"ForbiddenByFirewall", "ForbiddenByConnection"}:
        return (
            f"The firewall of the vault {secret.vault_url} does not let this machine read {secret}: add its "
            "address or network to the vault's networking rules, or use the vault's private endpoint"
        )
    if code == "ForbiddenByPolicy":
        return (
            f"No access policy of the vault {secret.vault_url} lets you read {secret}: "
            "`az keyvault set-policy --object-id <principal> --secret-permissions get`, or, in a vault that "
            'uses Azure RBAC, assign the role "Key Vault Secrets User"'
        )
    return (
        f'You may not read {secret}: the role "Key Vault Secrets User" on the vault {secret.vault_url} is '
        'missing (`az role assignment create --role "Key Vault Secrets User" --assignee <principal> '
        "--scope <vault id>`; it takes up to ten minutes to work), or, in a vault with access policies, the "
        "permission `get`"
    )


def _code_and_message(response: Any) -> tuple[str | None, str | None]:
    """The innermost error code of an answer and its message, or None where it has none."""
    try:
        details = response.json()["error"]
        inner = details.get("innererror") or {}
        code, message = inner.get("code") or details.get("code"), details.get("message")
    except (AttributeError, KeyError, TypeError, ValueError, AzureError):
        return None, None
    return code, " ".join(str(message).split())[:_LONGEST_ANSWER] if message else None
