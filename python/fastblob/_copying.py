"""Calls that make and remove blobs without moving their bytes through this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._blob_results import BlobProperties
from ._options import conditions, raw_options

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ._connection import Connection
    from ._lease import Lease
    from ._types import Blob, Snapshots, Tier


class Copying:
    """The part of ``fastblob.Client`` that copies and deletes one blob."""

    _connection: Connection

    def copy(
        self,
        source: Blob,
        target: Blob,
        *,
        overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        tier: Tier | None = None,
        tags: Mapping[str, str] | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
        source_if_match: str | None = None,
        source_if_none_match: str | None = None,
        source_if_modified_since: datetime | None = None,
        source_if_unmodified_since: datetime | None = None,
        source_if_tags: str | None = None,
        source_lease: Lease | str | None = None,
        wait: bool = True,
    ) -> BlobProperties:
        """Copies a blob inside the account, without moving its bytes through this machine.

        The service may go on in the background: its end is waited for, as long as there is progress within
        the client's ``timeout``.

        Args:
            source: ``<container>/<name>``; or a version or a snapshot of it.
            target: ``<container>/<name>``.
            overwrite: Replace a blob that is there.
            metadata: The target's metadata; None: the source's.
            tier: The target's access tier; None: the account's default.
            tags: The target's index tags; None: none.
            if_match: As for ``read``, of the target, and so are the five following.
            if_none_match: See there.
            if_modified_since: See there.
            if_unmodified_since: See there.
            if_tags: See there.
            lease: See there.
            source_if_match: As for ``read``, of the source, and so are the five following.
            source_if_none_match: See there.
            source_if_modified_since: See there.
            source_if_unmodified_since: See there.
            source_if_tags: See there.
            source_lease: See there.
            wait: Whether the end of a copy in the background is waited for. Otherwise ``copy_status`` of the
                result may be ``"pending"``, and ``properties()`` of the target tells how it goes on.

        Returns:
            The properties of the target, when the copy is complete; with its ``copy_id``.

        Raises:
            BlobNotFoundError: There is no such source, or no such container; or the target vanished while the
                copy went on.
            BlobExistsError: There is such a target, and ``overwrite`` is False.
            BlobModifiedError: A condition is not met, or somebody else wrote the target meanwhile.
            ValueError: The client has an ``encryption_key`` or an ``encryption_scope``.
            ServiceError: The copy failed, was aborted or made no progress; the message has its ID.

        https://learn.microsoft.com/rest/api/storageservices/copy-blob
        """
        options = raw_options(
            overwrite=overwrite,
            metadata=metadata,
            tier=tier,
            tags=tags,
            if_match=if_match,
            if_none_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
            if_tags=if_tags,
            lease=lease,
        )
        of_source = conditions(
            source_if_match,
            source_if_none_match,
            source_if_modified_since,
            source_if_unmodified_since,
            source_if_tags,
            source_lease,
        )
        connection = self._connection
        result = connection.engine().copy(source, target, options, of_source, wait)
        return BlobProperties(connection.finish(result))

    def delete(
        self,
        blob: Blob,
        *,
        missing_ok: bool = False,
        snapshots: Snapshots | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> None:
        """Deletes a blob, or a version or a snapshot of it.

        Where the account keeps versions, the blob's current version becomes an old one; where it has soft
        delete, ``undelete`` brings back what was deleted.

        Args:
            blob: ``<container>/<name>``; of a version or a snapshot a BlobPath that has it, or an item of a
                listing.
            missing_ok: Whether it is fine that there is no such blob, or no such container.
            snapshots: ``"include"``: the blob's snapshots are deleted with it; ``"only"``: they are, and the
                blob stays. None: a blob that has snapshots is not deleted.
            if_match: As for ``read``, and so are the five following.
            if_none_match: See there.
            if_modified_since: See there.
            if_unmodified_since: See there.
            if_tags: See there.
            lease: See there.

        Raises:
            BlobNotFoundError: There is no such blob, and ``missing_ok`` is False.
            BlobModifiedError: A condition is not met.
            BlobConflictError: The blob has snapshots, and ``snapshots`` is None; or it is immutable.

        https://learn.microsoft.com/rest/api/storageservices/delete-blob
        """
        connection = self._connection
        required = conditions(if_match, if_none_match, if_modified_since, if_unmodified_since, if_tags, lease)
        connection.finish(connection.engine().delete(blob, missing_ok, snapshots, required))
