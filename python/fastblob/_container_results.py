"""What calls say about containers, and about the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _fastblob
from ._result import Result

if TYPE_CHECKING:
    from datetime import datetime


class ContainerProperties(Result[_fastblob.ContainerProperties]):
    """Properties of a container, from ``container_properties()`` or ``list_containers()``.

    Immutable; pickles. The calls about containers take it as well, and mean the container that it describes.
    https://learn.microsoft.com/rest/api/storageservices/get-container-properties
    """

    __slots__ = ()

    _attributes = (
        "name",
        "etag",
        "last_modified",
        "metadata",
        "public_access",
        "lease_state",
        "has_immutability_policy",
        "has_legal_hold",
        "is_deleted",
        "version",
        "deleted_time",
        "remaining_retention_days",
    )

    @property
    def name(self) -> str:
        """The container's name."""
        return self._raw.name

    @property
    def etag(self) -> str:
        """The ETag in double quotes, as the service sends it."""
        return self._raw.etag

    @property
    def last_modified(self) -> datetime:
        """When the container, its metadata or its public access was last changed, in UTC; not its blobs."""
        return self._raw.last_modified

    @property
    def metadata(self) -> dict[str, str] | None:
        """The container's metadata; None in a list that was not asked to include them."""
        return self._raw.metadata

    @property
    def public_access(self) -> str | None:
        """What anybody may do: read ``"blob"``s, or list the ``"container"`` too; None: nothing."""
        return self._raw.public_access

    @property
    def lease_state(self) -> str | None:
        """Whether the container is leased: ``"available"``, ``"leased"``, ``"expired"``, ..."""
        return self._raw.lease_state

    @property
    def has_immutability_policy(self) -> bool:
        """Whether an immutability policy protects it."""
        return self._raw.has_immutability_policy

    @property
    def has_legal_hold(self) -> bool:
        """Whether a legal hold protects it."""
        return self._raw.has_legal_hold

    @property
    def is_deleted(self) -> bool:
        """Whether it was deleted and can be restored: such are in lists with ``include=("deleted",)``."""
        return self._raw.is_deleted

    @property
    def version(self) -> str | None:
        """Which of the deleted containers of its name it is."""
        return self._raw.version

    @property
    def deleted_time(self) -> datetime | None:
        """When it was deleted, in UTC."""
        return self._raw.deleted_time

    @property
    def remaining_retention_days(self) -> int | None:
        """For how many days it can be restored."""
        return self._raw.remaining_retention_days

    def __hash__(self) -> int:
        return hash((self._raw.name, self._raw.version, self._raw.etag))

    def _shown(self) -> tuple[str, ...]:
        # What there is none of is not shown.
        return ("name", *(name for name in self._attributes[1:] if getattr(self._raw, name)))


class AccountInformation(Result[_fastblob.AccountInformation]):
    """What kind of account it is, from ``account_information()``. Immutable; pickles.

    https://learn.microsoft.com/rest/api/storageservices/get-account-information
    """

    __slots__ = ()

    _attributes = ("sku", "kind", "has_hierarchical_namespace")

    @property
    def sku(self) -> str | None:
        """How it is replicated, such as ``"Standard_LRS"``."""
        return self._raw.sku

    @property
    def kind(self) -> str | None:
        """Such as ``"StorageV2"``."""
        return self._raw.kind

    @property
    def has_hierarchical_namespace(self) -> bool:
        """Whether directories are more than prefixes of names."""
        return self._raw.has_hierarchical_namespace

    def __hash__(self) -> int:
        return hash((self._raw.sku, self._raw.kind, self._raw.has_hierarchical_namespace))
