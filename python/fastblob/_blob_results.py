"""What calls say about blobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _fastblob
from ._result import ContentResult

if TYPE_CHECKING:
    from datetime import datetime


class BlobProperties(ContentResult[_fastblob.Properties]):
    """Properties of a blob, from ``properties()``. Immutable; pickles.

    Every call that takes a blob takes it as well, and means the blob that it describes: a version or a
    snapshot, where that was asked for.
    https://learn.microsoft.com/rest/api/storageservices/get-blob-properties
    """

    __slots__ = ()

    _attributes = (
        "container",
        "name",
        "size",
        "etag",
        "last_modified",
        "creation_time",
        "content_type",
        "content_encoding",
        "content_language",
        "content_disposition",
        "cache_control",
        "content_md5",
        "metadata",
        "blob_type",
        "tier",
        "tier_inferred",
        "tag_count",
        "archive_status",
        "rehydrate_priority",
        "immutability_policy_until",
        "immutability_policy_mode",
        "legal_hold",
        "encryption_scope",
        "lease_state",
        "copy_id",
        "copy_status",
        "copy_status_description",
        "version_id",
        "is_current_version",
        "snapshot",
        "by_version",
    )

    @property
    def container(self) -> str:
        """The container's name."""
        return self._raw.container

    @property
    def name(self) -> str:
        """The blob's name in its container."""
        return self._raw.name

    @property
    def size(self) -> int:
        """Bytes."""
        return self._raw.size

    @property
    def etag(self) -> str:
        """The ETag in double quotes, as the service sends it."""
        return self._raw.etag

    @property
    def last_modified(self) -> datetime:
        """When the blob was last written, in UTC."""
        return self._raw.last_modified

    @property
    def creation_time(self) -> datetime | None:
        """When the blob was first written, in UTC."""
        return self._raw.creation_time

    @property
    def metadata(self) -> dict[str, str]:
        """The blob's metadata."""
        return self._raw.metadata

    @property
    def blob_type(self) -> str | None:
        """``"BlockBlob"``, or ``"AppendBlob"`` or ``"PageBlob"``, which can be read but not written here."""
        return self._raw.blob_type

    @property
    def tier(self) -> str | None:
        """Access tier, such as ``"Hot"``."""
        return self._raw.tier

    @property
    def tier_inferred(self) -> bool:
        """Whether the tier is the account's default, and not the blob's own."""
        return self._raw.tier_inferred

    @property
    def tag_count(self) -> int:
        """Number of index tags."""
        return self._raw.tag_count

    @property
    def archive_status(self) -> str | None:
        """Where a blob is being rehydrated: to which tier, such as ``"rehydrate-pending-to-hot"``."""
        return self._raw.archive_status

    @property
    def rehydrate_priority(self) -> str | None:
        """How soon it will be: ``"Standard"`` or ``"High"``."""
        return self._raw.rehydrate_priority

    @property
    def immutability_policy_until(self) -> datetime | None:
        """Until when an immutability policy protects the blob, in UTC."""
        return self._raw.immutability_policy_until

    @property
    def immutability_policy_mode(self) -> str | None:
        """Whether that time can be brought forward: ``"unlocked"`` or ``"locked"``."""
        return self._raw.immutability_policy_mode

    @property
    def legal_hold(self) -> bool:
        """Whether a legal hold protects the blob."""
        return self._raw.legal_hold

    @property
    def encryption_scope(self) -> str | None:
        """The encryption scope that the blob was written with, where it has one."""
        return self._raw.encryption_scope

    @property
    def lease_state(self) -> str | None:
        """Whether the blob is leased: ``"available"``, ``"leased"``, ``"expired"``, ..."""
        return self._raw.lease_state

    @property
    def copy_id(self) -> str | None:
        """The ID of the last ``copy`` onto the blob, where nobody has written it since."""
        return self._raw.copy_id

    @property
    def copy_status(self) -> str | None:
        """What became of that copy: ``"pending"``, ``"success"``, ``"aborted"`` or ``"failed"``."""
        return self._raw.copy_status

    @property
    def copy_status_description(self) -> str | None:
        """Why it failed, or is not done yet."""
        return self._raw.copy_status_description

    @property
    def version_id(self) -> str | None:
        """The version, where the account keeps versions."""
        return self._raw.version_id

    @property
    def is_current_version(self) -> bool | None:
        """Whether that version is the blob itself; None where the account keeps none."""
        return self._raw.is_current_version

    @property
    def snapshot(self) -> str | None:
        """Of a snapshot: when it was taken, as the service writes it."""
        return self._raw.snapshot

    @property
    def _by_version(self) -> bool:
        return self._raw.by_version

    def _shown(self) -> tuple[str, ...]:
        return self._attributes[:-1]


class BlobItem(ContentResult[_fastblob.ListEntry]):
    """An entry of ``list()``: a blob, or with a delimiter a prefix that stands for several; or of ``find()``.

    Immutable; pickles. Every call that takes a blob takes it as well, whatever its name is. A snapshot, or a
    version that is not the current one, stands for itself alone, as a ``BlobPath`` does that has it; what is
    deleted can be handed to ``undelete`` alone.
    https://learn.microsoft.com/rest/api/storageservices/list-blobs
    """

    __slots__ = ()

    _attributes = (
        "container",
        "name",
        "path",
        "is_prefix",
        "size",
        "etag",
        "last_modified",
        "creation_time",
        "content_type",
        "content_encoding",
        "content_language",
        "content_disposition",
        "cache_control",
        "content_md5",
        "blob_type",
        "tier",
        "tier_inferred",
        "archive_status",
        "rehydrate_priority",
        "metadata",
        "tags",
        "version_id",
        "is_current_version",
        "snapshot",
        "is_deleted",
        "deleted_time",
        "remaining_retention_days",
        "lease_state",
        "lease_status",
        "server_encrypted",
        "copy_id",
        "copy_status",
        "copy_status_description",
        "copy_source",
        "copy_progress",
        "copy_completion_time",
    )

    @property
    def container(self) -> str:
        """The container's name."""
        return self._raw.container

    @property
    def name(self) -> str:
        """The blob's name in its container; a prefix comes without its trailing delimiter."""
        return self._raw.name

    @property
    def path(self) -> str:
        """``<container>/<name>``, which is also that of the blob whose version or snapshot this is."""
        return self._raw.path

    @property
    def is_prefix(self) -> bool:
        """Whether this is a prefix and not a blob."""
        return self._raw.is_prefix

    @property
    def size(self) -> int | None:
        """Bytes; None for a prefix, and of what ``find()`` gives. So are all the following but ``tags``."""
        return self._raw.size

    @property
    def etag(self) -> str | None:
        """The ETag in double quotes, as the other calls give it."""
        return self._raw.etag

    @property
    def last_modified(self) -> datetime | None:
        """When the blob was last written, in UTC."""
        return self._raw.last_modified

    @property
    def creation_time(self) -> datetime | None:
        """When the blob was first written, in UTC."""
        return self._raw.creation_time

    @property
    def blob_type(self) -> str | None:
        """``"BlockBlob"``, or ``"AppendBlob"`` or ``"PageBlob"``, which can be read but not written here."""
        return self._raw.blob_type

    @property
    def tier(self) -> str | None:
        """Access tier, such as ``"Hot"``."""
        return self._raw.tier

    @property
    def tier_inferred(self) -> bool:
        """Whether the tier is the account's default, and not the blob's own."""
        return self._raw.tier_inferred

    @property
    def archive_status(self) -> str | None:
        """Where a blob is being rehydrated: to which tier, such as ``"rehydrate-pending-to-hot"``."""
        return self._raw.archive_status

    @property
    def rehydrate_priority(self) -> str | None:
        """How soon it will be: ``"Standard"`` or ``"High"``."""
        return self._raw.rehydrate_priority

    @property
    def metadata(self) -> dict[str, str] | None:
        """The blob's metadata, with ``include=("metadata",)``; None otherwise."""
        return self._raw.metadata

    @property
    def tags(self) -> dict[str, str] | None:
        """The blob's index tags, with ``include=("tags",)``; those that ``find()`` asked for; else None."""
        return self._raw.tags

    @property
    def version_id(self) -> str | None:
        """The version, where the account keeps versions."""
        return self._raw.version_id

    @property
    def is_current_version(self) -> bool | None:
        """Whether that version is the blob itself: written, deleted and read by its name, then.

        To read that very version later on, whatever becomes of the blob, take
        ``BlobPath(item.container, item.name, version_id=item.version_id)``.
        """
        return self._raw.is_current_version

    @property
    def snapshot(self) -> str | None:
        """Of a snapshot: when it was taken, as the service writes it."""
        return self._raw.snapshot

    @property
    def is_deleted(self) -> bool:
        """Whether it is deleted, and ``undelete`` can bring it back."""
        return self._raw.is_deleted

    @property
    def deleted_time(self) -> datetime | None:
        """When it was deleted, in UTC."""
        return self._raw.deleted_time

    @property
    def remaining_retention_days(self) -> int | None:
        """Days until what is deleted is gone for good; 0 on the last one."""
        return self._raw.remaining_retention_days

    @property
    def lease_state(self) -> str | None:
        """Whether the blob is leased: ``"available"``, ``"leased"``, ``"expired"``, ..."""
        return self._raw.lease_state

    @property
    def lease_status(self) -> str | None:
        """``"locked"`` or ``"unlocked"``."""
        return self._raw.lease_status

    @property
    def server_encrypted(self) -> bool | None:
        """Whether the service stores it encrypted."""
        return self._raw.server_encrypted

    @property
    def copy_id(self) -> str | None:
        """The ID of the last ``copy`` onto the blob, with ``include=("copy",)``."""
        return self._raw.copy_id

    @property
    def copy_status(self) -> str | None:
        """What became of that copy: ``"pending"``, ``"success"``, ``"aborted"`` or ``"failed"``."""
        return self._raw.copy_status

    @property
    def copy_status_description(self) -> str | None:
        """Why it failed, or is not done yet."""
        return self._raw.copy_status_description

    @property
    def copy_source(self) -> str | None:
        """URL of its source."""
        return self._raw.copy_source

    @property
    def copy_progress(self) -> str | None:
        """Bytes that it has copied, and bytes of its source: ``"1024/4096"``."""
        return self._raw.copy_progress

    @property
    def copy_completion_time(self) -> datetime | None:
        """When it ended, in UTC."""
        return self._raw.copy_completion_time

    def __hash__(self) -> int:
        raw = self._raw
        return hash((raw.container, raw.name, raw.etag, raw.version_id, raw.snapshot))

    def _shown(self) -> tuple[str, ...]:
        if self._raw.is_prefix:
            return ("path", "is_prefix")
        # What was not asked for is not shown as missing, nor what is as usual.
        told = (name for name in self._attributes[4:] if getattr(self._raw, name) is not None)
        unusual = ("is_deleted", "tier_inferred")
        return ("path", *(name for name in told if name not in unusual or getattr(self._raw, name)))
