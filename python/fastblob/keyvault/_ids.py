"""How a secret may be written, which vault that means, which variable it becomes; nothing is sent here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import NamedTuple, TypeAlias
from urllib.parse import SplitResult, urlsplit

SecretEntry: TypeAlias = "str | tuple[str, Mapping[str, str]]"

VAULT_VARIABLE = "METAFLOW_AZURE_KEY_VAULT_PREFIX"

# https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#dns-suffixes-for-object-identifiers
_VAULT_DOMAINS = (
    ".vault.azure.net",
    ".vault.azure.cn",
    ".vault.usgovcloudapi.net",
    ".vault.microsoftazure.de",
)
# https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#object-identifiers
_VAULT_NAME = re.compile(r"(?!.*--)[A-Za-z0-9-]{3,24}")
_SECRET_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,126}")
_VERSION = re.compile(r"[0-9A-Fa-f]{32}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# urlsplit() drops line breaks and tabs without a word, so they would change what the text means.
_NOT_IN_URLS = re.compile(r"[^\x21-\x7e]")


@dataclass(frozen=True)
class SecretId:
    """One secret in one vault.

    Attributes:
        vault_url: URL of the vault, without a slash at its end; None: the one that is configured.
        name: The secret's name.
        version: Which of its versions, 32 hexadecimal digits; None: the newest.
    """

    vault_url: str | None
    name: str
    version: str | None = None

    @property
    def variable(self) -> str:
        """The environment variable of a secret of this name: ``api-key`` becomes ``API_KEY``."""
        return self.name.upper().replace("-", "_")

    def within(self, vault_url: str | None) -> SecretId:
        """This secret with its vault, which is ``vault_url`` unless it names one itself.

        Raises:
            ValueError: Neither names a vault; or ``vault_url`` is not the URL of one.
        """
        if self.vault_url is not None:
            return self
        if not vault_url:
            raise ValueError(
                f"{self!s} is a name without a vault, and {VAULT_VARIABLE} is not set: set it to the vault's "
                "URL (https://<vault>.vault.azure.net), or write "
                f"https://<vault>.vault.azure.net/secrets/{self!s}"
            )
        return replace(self, vault_url=parse_vault_url(vault_url))

    def __str__(self) -> str:
        name = self.name if self.version is None else f"{self.name}/{self.version}"
        return name if self.vault_url is None else f"{self.vault_url}/secrets/{name}"


class WantedSecret(NamedTuple):
    """A secret as it was written, what that means, and the environment variable that it goes into."""

    written: str
    id: SecretId
    variable: str


def parse_secret_id(secret: str) -> SecretId:
    """Takes a secret's name or URL, with or without a version, apart.

    Raises:
        ValueError: It is malformed.
    """
    if _NOT_IN_URLS.search(secret):
        raise ValueError(f"{secret!r}: a secret is written without spaces and in ASCII")
    if "://" not in secret:
        return _named(secret, None, secret.rstrip("/").split("/"))
    url = _split(secret)
    kind, *rest = url.path.strip("/").split("/")
    if kind != "secrets" or url.query or url.fragment:
        raise ValueError(
            f"{secret!r} is not the URL of a secret: write https://<vault>.vault.azure.net/secrets/<name>, "
            "with /<version> at the end where a certain version is meant"
        )
    return _named(secret, _vault_url(secret, url), rest)


def parse_vault_url(text: str) -> str:
    """The vault's URL, without a slash at its end.

    Raises:
        ValueError: It is not the URL of a Key Vault.
    """
    url = _split(text)
    if url.path.strip("/") or url.query or url.fragment or _NOT_IN_URLS.search(text):
        raise ValueError(
            f"{text!r} is not the URL of a Key Vault: write https://<vault>.vault.azure.net and no more"
        )
    return _vault_url(text, url)


def is_loopback(vault_url: str) -> bool:
    """Whether the vault is on this machine, as that of ``fastblob.local`` is."""
    host = urlsplit(vault_url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def parse_entries(secrets: Iterable[SecretEntry]) -> list[WantedSecret]:
    """Takes a list of secrets apart: names, URLs, and pairs of one and ``{"env_var_name": ...}``.

    Raises:
        TypeError: An entry is neither a string nor such a pair.
        ValueError: An entry is malformed, or two go into the same variable.
    """
    if isinstance(secrets, str):
        raise TypeError(f"secrets is a list: write [{secrets!r}]")
    if isinstance(secrets, Mapping) or not isinstance(secrets, Iterable):
        raise TypeError(f"secrets is a list of names, URLs and pairs, not {type(secrets).__name__}")
    by_variable: dict[str, WantedSecret] = {}
    for entry in secrets:
        wanted = _parse_entry(entry)
        other = by_variable.setdefault(wanted.variable, wanted)
        if other is not wanted:
            raise ValueError(
                f"the secrets {other.written!r} and {wanted.written!r} both go into the variable "
                f"{wanted.variable}: give one another, as ({wanted.written!r}, {{'env_var_name': ...}})"
            )
    return list(by_variable.values())


def _parse_entry(entry: object) -> WantedSecret:
    secret, options = entry, {}
    # A pair arrives as a list from JSON, as on a command line or in a configuration file.
    if isinstance(entry, (tuple, list)) and len(entry) == 2:  # noqa: PLR2004
        secret, options = entry
    if not isinstance(secret, str) or not isinstance(options, Mapping):
        raise TypeError(
            "secrets: an entry is a name, a URL, or a pair (name or URL, {'env_var_name': ...}); "
            f"got {entry!r}"
        )
    if unknown := sorted(str(option) for option in options if option != "env_var_name"):
        raise ValueError(f"{secret!r}: no such option: {', '.join(unknown)}; there is only env_var_name")
    secret_id = parse_secret_id(secret)
    variable = options.get("env_var_name", secret_id.variable)
    if not isinstance(variable, str) or not _VARIABLE.fullmatch(variable):
        raise ValueError(
            f"{secret!r}: {variable!r} cannot be the name of an environment variable: letters, digits and "
            "underscores, not beginning with a digit"
        )
    return WantedSecret(secret, secret_id, variable)


def _named(written: str, vault_url: str | None, parts: list[str]) -> SecretId:
    name, *versions = parts or [""]
    if len(versions) > 1:
        raise ValueError(f"{written!r}: a secret is written <name> or <name>/<version>, and no more slashes")
    if not _SECRET_NAME.fullmatch(name):
        repaired = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
        hint = f"; did you mean {repaired!r}?" if _SECRET_NAME.fullmatch(repaired) else ""
        raise ValueError(
            f"{written!r}: a secret's name has 1 to 127 letters, digits and hyphens, and begins with a "
            f"letter{hint}"
        )
    if versions and not _VERSION.fullmatch(versions[0]):
        raise ValueError(f"{written!r}: a version has 32 hexadecimal digits")
    return SecretId(vault_url, name, versions[0] if versions else None)


def _split(written: str) -> SplitResult:
    try:
        url = urlsplit(written)
        # Whether it is a number is only looked at here.
        _ = url.port
    except ValueError as error:
        raise ValueError(f"{written!r} is not a URL: {error}") from None
    return url


def _vault_url(written: str, url: SplitResult) -> str:
    host, port = url.hostname or "", url.port
    if url.scheme == "https" and "@" not in url.netloc:
        if is_loopback(written):
            return f"https://{url.netloc}"
        for domain in _VAULT_DOMAINS:
            name = host.removesuffix(domain)
            if name != host and _VAULT_NAME.fullmatch(name) and port in {None, 443}:
                return f"https://{host}"
    raise ValueError(
        f"{written!r} is not in a Key Vault: its URL begins with https://<vault>{_VAULT_DOMAINS[0]} "
        f"(in other clouds {', '.join(_VAULT_DOMAINS[1:])}), the vault's name having 3 to 24 letters, digits "
        "and single hyphens"
    )
