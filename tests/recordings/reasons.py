"""Why the embedded service may answer otherwise than was recorded: each difference that is left, by kind.

``docs/azure-fidelity.md`` has the same reasons under the same names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from recordings.comparison import Difference
from recordings.sessions import Exchange

# Which header or element came with which version of the service, or went with it.
SINCE = {
    "x-ms-content-crc64": "2019-02-02",
    "EnumerationResults/Blobs/Blob/OrMetadata": "2019-12-12",
    "x-ms-default-encryption-scope": "2019-07-07",
    "x-ms-deny-encryption-scope-override": "2019-07-07",
    "x-ms-immutable-storage-with-versioning-enabled": "2020-10-02",
    "EnumerationResults/Containers/Container/Properties/DefaultEncryptionScope": "2019-07-07",
    "EnumerationResults/Containers/Container/Properties/DenyEncryptionScopeOverride": "2019-07-07",
    "EnumerationResults/Containers/Container/Properties/ImmutableStorageWithVersioningEnabled": "2020-10-02",
}
UNTIL = {"x-ms-tag-count": "2019-12-12"}

# What an account that versions its blobs, deletes softly or tracks reads adds to answers.
SETTINGS = (
    "x-ms-version-id",
    "x-ms-is-current-version",
    "x-ms-last-access-time",
    "EnumerationResults/Blobs/Blob/VersionId",
    "EnumerationResults/Blobs/Blob/IsCurrentVersion",
    "EnumerationResults/Blobs/Blob/Properties/LastAccessTime",
)

Matches = Callable[[Exchange, Difference], bool]


@dataclass(frozen=True)
class Reason:
    """A kind of difference that may be.

    Attributes:
        name: What the documentation calls it.
        matches: Whether a difference is of the kind.
    """

    name: str
    matches: Matches


def version_of(exchange: Exchange) -> str:
    """The version of the service that answered; the first one where none is named."""
    return exchange.answer.headers.get("x-ms-version") or exchange.header("x-ms-version") or "2009-09-19"


def _settings(_: Exchange, found: Difference) -> bool:
    permanent = found.what.startswith("=x-ms-delete-type-permanent") and found.recorded == "false"
    return permanent or (found.what[0] == "-" and found.what[1:].removesuffix(" (part)") in SETTINGS)


def _older(exchange: Exchange, found: Difference) -> bool:
    sign, what, version = found.what[0], found.what[1:], version_of(exchange)
    if exchange.header("x-ms-version") == "" and version < "2012-02-12":
        return found.kind == "header"
    return (sign == "+" and version < SINCE.get(what, "")) or (sign == "-" and version <= UNTIL.get(what, ""))


def _framing(exchange: Exchange, found: Difference) -> bool:
    nothing = exchange.answer.status == 201 and not exchange.answer.body
    return nothing and found.what in {"+content-length", "-transfer-encoding"}


def _unlucky(exchange: Exchange, _: Difference) -> bool:
    return exchange.answer.status >= 500


def _deleting(exchange: Exchange, _: Difference) -> bool:
    return exchange.answer.error_code == "ContainerBeingDeleted"


def _unseen(_: Exchange, found: Difference) -> bool:
    return found.recorded == "404 ContainerNotFound" and found.now.startswith("20")


def _others(exchange: Exchange, found: Difference) -> bool:
    containers = exchange.path in {"", "/"} and "comp=list" in exchange.url
    # A page that starts with one that is not there has no marker that could be translated.
    return containers and (found.kind == "body" or "InvalidQueryParameterValue" in found.now)


def _order(_: Exchange, found: Difference) -> bool:
    rehydrates = {"200", "202", "409 BlobBeingRehydrated"}
    return found.what == "=status (part)" and {found.recorded, found.now} <= rehydrates


REASONS = (
    Reason("settings of the account", _settings),
    Reason("versions of the service", _older),
    Reason("framing of nothing", _framing),
    Reason("trouble of that hour", _unlucky),
    Reason("containers take time to go", _deleting),
    Reason("containers that went unseen", _unseen),
    Reason("other containers of the account", _others),
    Reason("parts of a batch in any order", _order),
)


def reason_of(exchange: Exchange, found: Difference) -> str | None:
    """The name of the reason for a difference, if there is one."""
    return next((reason.name for reason in REASONS if reason.matches(exchange, found)), None)
