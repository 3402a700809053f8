"""Calls about what a blob has besides its content: properties, metadata, tags, its tier."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, overload

from ._blob_results import BlobProperties
from ._on_error import names_of, not_a_string
from ._options import conditions, raw_options
from ._progress import make_reporter
from ._results import TransferResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from typing import Literal

    from . import _fastblob
    from ._connection import Connection
    from ._lease import Lease
    from ._types import Blob, ErrorClasses, OnError, ProgressOption, RehydratePriority, Tier


class Properties:
    """The part of ``fastblob.Client`` about what a blob has besides its content."""

    _connection: Connection

    def properties(
        self,
        blob: Blob,
        *,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> BlobProperties:
        """The properties of a blob.

        Args:
            blob: ``<container>/<name>``.
            if_match: As for ``read``, and so are the five following.
            if_none_match: See there.
            if_modified_since: See there.
            if_unmodified_since: See there.
            if_tags: See there.
            lease: See there.

        Returns:
            Its properties.

        Raises:
            BlobNotFoundError: There is no such blob.
            BlobModifiedError: A condition is not met.

        https://learn.microsoft.com/rest/api/storageservices/get-blob-properties
        """
        connection = self._connection
        required = conditions(if_match, if_none_match, if_modified_since, if_unmodified_since, if_tags, lease)
        return BlobProperties(connection.finish(connection.engine().properties(blob, required)))

    def exists(self, blob: Blob) -> bool:
        """Whether a blob exists; False as well where its container does not, or is being deleted.

        True of one that is encrypted with a key of the customer's; False of a directory of an account with
        hierarchical namespace.

        Not needed before a write: that fails by itself where the blob exists, without a race.

        Args:
            blob: ``<container>/<name>``.

        Returns:
            Whether it was there when the service was asked.

        Raises:
            TransferError: The service does not say, for instance AuthenticationError.

        https://learn.microsoft.com/rest/api/storageservices/get-blob-properties
        """
        connection = self._connection
        try:
            connection.finish(connection.engine().properties(blob, None))
        except Exception as error:
            from ._exceptions import BlobConflictError, BlobNotFoundError

            if isinstance(error, BlobNotFoundError):
                return False
            # Of a blob that is encrypted with a key of the customer's the service says no more than that.
            if isinstance(error, BlobConflictError) and error.error_code == "ContainerBeingDeleted":
                return False
            if isinstance(error, BlobConflictError) and "CustomerSpecifiedEncryption" in str(
                error.error_code
            ):
                return True
            raise
        return True

    @overload
    def properties_many(
        self,
        blobs: Iterable[Blob],
        *,
        on_error: Literal["raise"] = "raise",
        progress: ProgressOption = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> list[BlobProperties]: ...
    @overload
    def properties_many(
        self,
        blobs: Iterable[Blob],
        *,
        on_error: Literal["collect"] | ErrorClasses,
        progress: ProgressOption = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> list[BlobProperties | Exception]: ...
    def properties_many(
        self,
        blobs: Iterable[Blob],
        *,
        on_error: OnError = "raise",
        progress: ProgressOption = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> list[BlobProperties] | list[BlobProperties | Exception]:
        """Asks for the properties of many blobs, one request each.

        Args:
            blobs: Blobs, as for ``download_many``; one may occur several times.
            on_error: ``"raise"``: as for ``download_many``. Otherwise an exception that is collected
                stands in the place of the properties of one that failed, a missing one for instance.
            progress: As for ``download``.
            if_modified_since: As for ``read``, for all blobs, and so are the three following.
            if_unmodified_since: See there.
            if_tags: See there.
            lease: See there.

        Returns:
            The properties, in the order of the input.

        Raises:
            TransferError: The first failure that is not collected, of the class that ``properties`` raises.
        """
        collected, reporter = names_of(on_error), make_reporter(progress)
        not_a_string(blobs, "blobs")
        required = conditions(None, None, if_modified_since, if_unmodified_since, if_tags, lease)
        connection = self._connection
        call = connection.engine().properties_many(collected, required)
        return [
            outcome.error or _properties(outcome) for outcome in connection.run_items(call, blobs, reporter)
        ]

    def set_metadata(
        self,
        blob: Blob,
        metadata: Mapping[str, str],
        *,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> str:
        """Replaces the metadata of a blob; its content stays.

        Args:
            blob: ``<container>/<name>``.
            metadata: Names (identifiers) and values (ASCII), 8 KiB in all; empty: none any more.
            if_match: As for ``read``, and so are the five following.
            if_none_match: See there.
            if_modified_since: See there.
            if_unmodified_since: See there.
            if_tags: See there.
            lease: See there.

        Returns:
            The blob's new ETag.

        Raises:
            BlobNotFoundError: There is no such blob.
            BlobModifiedError: A condition is not met.

        https://learn.microsoft.com/rest/api/storageservices/set-blob-metadata
        """
        connection = self._connection
        required = conditions(if_match, if_none_match, if_modified_since, if_unmodified_since, if_tags, lease)
        return connection.finish(connection.engine().set_metadata(blob, metadata, required)).etag or ""

    def set_metadata_many(
        self,
        items: Iterable[tuple[Blob, Mapping[str, str]]],
        *,
        on_error: OnError = "raise",
        progress: ProgressOption = None,
    ) -> list[TransferResult]:
        """Replaces the metadata of many blobs, each as by ``set_metadata``.

        Args:
            items: ``(blob, metadata)`` pairs, as for ``download_many``. A blob may occur once only.
            on_error: As for ``download_many``.
            progress: As for ``download``.

        Returns:
            One result per item, in the order of the input.

        Raises:
            TransferError: The first failure that is not collected, of the class that ``set_metadata`` raises.
        """
        collected = names_of(on_error)
        return self._change_many(self._connection.engine().set_metadata_many(collected), items, progress)

    def set_http_headers(
        self,
        blob: Blob,
        *,
        content_type: str | None = None,
        content_encoding: str | None = None,
        content_language: str | None = None,
        content_disposition: str | None = None,
        cache_control: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> str:
        """Replaces the content headers of a blob, all of them: what is None here is taken away.

        A stored MD5 of the content is taken away with them.

        Args:
            blob: ``<container>/<name>``.
            content_type: MIME type.
            content_encoding: Such as ``"gzip"``.
            content_language: Such as ``"en"``.
            content_disposition: Such as ``"attachment"``.
            cache_control: Such as ``"no-cache"``.
            if_match: As for ``read``, and so are the five following.
            if_none_match: See there.
            if_modified_since: See there.
            if_unmodified_since: See there.
            if_tags: See there.
            lease: See there.

        Returns:
            The blob's new ETag.

        Raises:
            BlobNotFoundError: There is no such blob.
            BlobModifiedError: A condition is not met.

        https://learn.microsoft.com/rest/api/storageservices/set-blob-properties
        """
        options = raw_options(
            content_type=content_type,
            content_encoding=content_encoding,
            content_language=content_language,
            content_disposition=content_disposition,
            cache_control=cache_control,
        )
        connection = self._connection
        required = conditions(if_match, if_none_match, if_modified_since, if_unmodified_since, if_tags, lease)
        return connection.finish(connection.engine().set_http_headers(blob, options, required)).etag or ""

    def set_tier(
        self,
        blob: Blob,
        tier: Tier,
        *,
        rehydrate_priority: RehydratePriority | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> None:
        """Moves a blob into another access tier.

        Args:
            blob: ``<container>/<name>``.
            tier: ``"Hot"``, ``"Cool"``, ``"Cold"`` or ``"Archive"``. What comes out of the archive can be
                read after hours only; ``properties().archive_status`` tells.
            rehydrate_priority: How soon what is in the archive is out of it: ``"Standard"`` within 15 hours,
                ``"High"`` within one for up to 10 GB, at a higher price. None: the service's default.
                https://learn.microsoft.com/azure/storage/blobs/archive-rehydrate-overview
            if_tags: As for ``read``.
            lease: The ID of the lease that is held on the blob.

        Raises:
            BlobNotFoundError: There is no such blob.
            BlobConflictError: The blob is on its way out of the archive already, or of a type without tiers.
            BlobModifiedError: A condition is not met.
            ServiceError: The account knows no such tier.

        https://learn.microsoft.com/rest/api/storageservices/set-blob-tier
        """
        connection = self._connection
        required = conditions(if_tags=if_tags, lease=lease)
        connection.finish(connection.engine().set_tier(blob, tier, rehydrate_priority, required))

    def set_tier_many(
        self,
        blobs: Iterable[Blob],
        tier: Tier,
        *,
        rehydrate_priority: RehydratePriority | None = None,
        on_error: OnError = "raise",
        progress: ProgressOption = None,
    ) -> list[TransferResult]:
        """Moves many blobs into another access tier, each as by ``set_tier``.

        Args:
            blobs: Blobs, as for ``download_many``, each once.
            tier: As for ``set_tier``.
            rehydrate_priority: As for ``set_tier``.
            on_error: As for ``download_many``.
            progress: As for ``download``.

        Returns:
            One result per blob, in the order of the input.

        Raises:
            TransferError: The first failure that is not collected, of the class that ``set_tier`` raises.
        """
        collected = names_of(on_error)
        call = self._connection.engine().set_tier_many(tier, rehydrate_priority, collected)
        return self._change_many(call, blobs, progress, "blobs")

    def get_tags(
        self, blob: Blob, *, if_tags: str | None = None, lease: Lease | str | None = None
    ) -> dict[str, str]:
        """The index tags of a blob.

        Args:
            blob: ``<container>/<name>``.
            if_tags: As for ``read``.
            lease: The ID of the lease that is held on the blob.

        Returns:
            Names and values; empty where it has none.

        Raises:
            BlobNotFoundError: There is no such blob.
            BlobModifiedError: A condition is not met.
            AuthenticationError: The credential may read the blob, but not its tags.

        https://learn.microsoft.com/rest/api/storageservices/get-blob-tags
        """
        connection = self._connection
        return connection.finish(connection.engine().get_tags(blob, conditions(if_tags=if_tags, lease=lease)))

    def set_tags(
        self,
        blob: Blob,
        tags: Mapping[str, str],
        *,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> None:
        """Replaces the index tags of a blob; its ETag stays.

        Args:
            blob: ``<container>/<name>``.
            tags: At most 10; empty: none any more.
                https://learn.microsoft.com/azure/storage/blobs/storage-manage-find-blobs
            if_tags: As for ``read``.
            lease: The ID of the lease that is held on the blob.

        Raises:
            BlobNotFoundError: There is no such blob.
            BlobModifiedError: A condition is not met.
            AuthenticationError: The credential may write the blob, but not its tags.

        https://learn.microsoft.com/rest/api/storageservices/set-blob-tags
        """
        connection = self._connection
        required = conditions(if_tags=if_tags, lease=lease)
        connection.finish(connection.engine().set_tags(blob, tags, required))

    def set_tags_many(
        self,
        items: Iterable[tuple[Blob, Mapping[str, str]]],
        *,
        on_error: OnError = "raise",
        progress: ProgressOption = None,
    ) -> list[TransferResult]:
        """Replaces the index tags of many blobs, each as by ``set_tags``.

        Args:
            items: ``(blob, tags)`` pairs, as for ``download_many``. A blob may occur once only.
            on_error: As for ``download_many``.
            progress: As for ``download``.

        Returns:
            One result per item, in the order of the input.

        Raises:
            TransferError: The first failure that is not collected, of the class that ``set_tags`` raises.
        """
        collected = names_of(on_error)
        return self._change_many(self._connection.engine().set_tags_many(collected), items, progress)

    def _change_many(
        self,
        call: _fastblob.Call,
        items: Iterable[object],
        progress: ProgressOption,
        form: str = "(blob, mapping) pairs",
    ) -> list[TransferResult]:
        not_a_string(items, form)
        return list(map(TransferResult, self._connection.run_items(call, items, make_reporter(progress))))


def _properties(outcome: _fastblob.Outcome) -> BlobProperties:
    return BlobProperties(cast("_fastblob.Properties", outcome.value))
