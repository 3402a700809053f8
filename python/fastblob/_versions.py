"""Calls about other states of a blob than the current one: snapshots, versions, what is soft-deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, overload

from ._blob_results import BlobProperties
from ._on_error import names_of, not_a_string
from ._options import conditions, raw_options
from ._paths import BlobPath
from ._progress import make_reporter
from ._results import TransferResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from typing import Literal

    from ._connection import Connection
    from ._lease import Lease
    from ._types import Blob, ErrorClasses, OnError, ProgressOption, Tier


class Versions:
    """The part of ``fastblob.Client`` about snapshots, versions and soft delete."""

    _connection: Connection

    def create_snapshot(
        self,
        blob: Blob,
        *,
        metadata: Mapping[str, str] | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> BlobPath:
        """Takes a snapshot of a blob: what it is now, to be read whatever becomes of it.

        ``list(..., include=("snapshots",))`` lists snapshots, ``promote`` makes one the blob again, and
        ``delete`` deletes one, or with ``snapshots=`` all of a blob. Where the answer to a request gets lost,
        the repetition takes a second one.

        Args:
            blob: ``<container>/<name>``.
            metadata: The snapshot's metadata; None: the blob's.
            if_match: As for ``read``, and so are the five following.
            if_none_match: See there.
            if_modified_since: See there.
            if_unmodified_since: See there.
            if_tags: See there.
            lease: See there.

        Returns:
            The snapshot, as every call that reads takes it.

        Raises:
            BlobNotFoundError: There is no such blob.
            BlobModifiedError: A condition is not met.

        https://learn.microsoft.com/rest/api/storageservices/snapshot-blob
        """
        connection = self._connection
        required = conditions(if_match, if_none_match, if_modified_since, if_unmodified_since, if_tags, lease)
        return _snapshot(connection.finish(connection.engine().create_snapshot(blob, metadata, required)))

    @overload
    def create_snapshot_many(
        self,
        blobs: Iterable[Blob],
        *,
        metadata: Mapping[str, str] | None = None,
        on_error: Literal["raise"] = "raise",
        progress: ProgressOption = None,
    ) -> list[BlobPath]: ...
    @overload
    def create_snapshot_many(
        self,
        blobs: Iterable[Blob],
        *,
        metadata: Mapping[str, str] | None = None,
        on_error: Literal["collect"] | ErrorClasses,
        progress: ProgressOption = None,
    ) -> list[BlobPath | Exception]: ...
    def create_snapshot_many(
        self,
        blobs: Iterable[Blob],
        *,
        metadata: Mapping[str, str] | None = None,
        on_error: OnError = "raise",
        progress: ProgressOption = None,
    ) -> list[BlobPath] | list[BlobPath | Exception]:
        """Takes a snapshot of each of many blobs, one request each; not all at one moment.

        Args:
            blobs: Blobs, as for ``download_many``, each once.
            metadata: As for ``create_snapshot``, of all snapshots.
            on_error: ``"raise"``: as for ``download_many``. Otherwise an exception that is collected
                stands in the place of the snapshot of one that failed.
            progress: As for ``download``.

        Returns:
            The snapshots, in the order of the input.

        Raises:
            TransferError: The first failure that is not collected, of the class that ``create_snapshot``
                raises.
        """
        collected, reporter = names_of(on_error), make_reporter(progress)
        not_a_string(blobs, "blobs")
        connection = self._connection
        call = connection.engine().create_snapshot_many(metadata, collected)
        return [
            outcome.error or _snapshot(cast("tuple[str, str, str]", outcome.value))
            for outcome in connection.run_items(call, blobs, reporter)
        ]

    def promote(
        self,
        blob: Blob,
        *,
        tier: Tier | None = None,
        tags: Mapping[str, str] | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
        wait: bool = True,
    ) -> BlobProperties:
        """Makes a version or a snapshot the blob itself again: copies it onto its own name.

        Also where the blob was deleted meanwhile. The version or snapshot stays; and where the account keeps
        versions, what the blob was until now becomes an old one.

        Args:
            blob: A version or a snapshot: a BlobPath that has it, or an item of a listing.
            tier: The blob's access tier; None: the account's default.
            tags: The blob's index tags, which no copy brings along; None: none. To keep them:
                ``tags=client.get_tags(blob)``.
            if_match: As for ``read``, of the blob as it is now, and so are the five following.
            if_none_match: See there.
            if_modified_since: See there.
            if_unmodified_since: See there.
            if_tags: See there.
            lease: See there.
            wait: As for ``copy``.

        Returns:
            The properties of the blob, as ``copy`` gives them.

        Raises:
            BlobNotFoundError: There is no such version or snapshot.
            BlobModifiedError: A condition is not met, or somebody else wrote the blob meanwhile.
            ValueError: What is named is neither a version nor a snapshot.

        https://learn.microsoft.com/azure/storage/blobs/versioning-overview
        """
        options = raw_options(
            overwrite=True,
            tier=tier,
            tags=tags,
            if_match=if_match,
            if_none_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
            if_tags=if_tags,
            lease=lease,
        )
        connection = self._connection
        return BlobProperties(connection.finish(connection.engine().promote(blob, options, wait)))

    def undelete(self, blob: Blob) -> None:
        """Brings a blob back that was deleted, with its snapshots, where the account has soft delete.

        Where the account keeps versions, its deleted versions come back as what they were: old ones, one of
        which ``promote`` makes the blob itself. A blob that is not deleted stays as it is.

        Args:
            blob: ``<container>/<name>``, or an item of a listing with ``include=("deleted",)``.

        Raises:
            BlobNotFoundError: There is no such blob, or it is gone for good.

        https://learn.microsoft.com/rest/api/storageservices/undelete-blob
        """
        connection = self._connection
        connection.finish(connection.engine().undelete(blob))

    def undelete_many(
        self, blobs: Iterable[Blob], *, on_error: OnError = "raise", progress: ProgressOption = None
    ) -> list[TransferResult]:
        """Brings many blobs back that were deleted, one request each.

        Args:
            blobs: Each as for ``undelete``; one may occur several times.
            on_error: As for ``download_many``.
            progress: As for ``download``.

        Returns:
            One result per blob, in the order of the input.

        Raises:
            TransferError: The first failure that is not collected, of the class that ``undelete`` raises.
        """
        collected, reporter = names_of(on_error), make_reporter(progress)
        not_a_string(blobs, "blobs")
        connection = self._connection
        call = connection.engine().undelete_many(collected)
        return list(map(TransferResult, connection.run_items(call, blobs, reporter)))


def _snapshot(parts: tuple[str, str, str]) -> BlobPath:
    container, name, time = parts
    return BlobPath(container, name, snapshot=time)
