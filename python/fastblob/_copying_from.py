"""Copies between accounts, whose bytes do not pass through this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._connection import Connection
from ._on_error import names_of, not_a_string
from ._options import conditions, raw_options
from ._progress import Reporter, make_reporter
from ._results import TransferResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from . import _fastblob
    from ._client import Client
    from ._lease import Lease
    from ._types import Blob, OnError, ProgressOption, Tier


class CopyingFrom:
    """The part of ``fastblob.Client`` that copies from another account."""

    _connection: Connection

    def copy_from(
        self,
        source_client: Client,
        source: Blob,
        target: Blob,
        *,
        overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        tier: Tier | None = None,
        tags: Mapping[str, str] | None = None,
        content_encoding: str | None = None,
        content_language: str | None = None,
        content_disposition: str | None = None,
        cache_control: str | None = None,
        progress: ProgressOption = None,
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
    ) -> TransferResult:
        """Copies a blob of another account into this one, without moving its bytes through this machine.

        The target's service reads the source, as the source's client may: by its SAS, by a SAS of an hour
        that is signed with its account key for this blob, by a token of its credential, or as anybody where
        it is anonymous. All of the copy is of one version of the source. Up to 64 MiB are one request; more
        are copied in blocks, several at a time, and the blob appears under its name when it is complete.

        Of a URL with a SAS: ``client.copy_from(*Client.from_blob_url(url), target)``.

        Args:
            source_client: The client of the source's account.
            source: ``<container>/<name>`` in that account.
            target: ``<container>/<name>`` in the account of this client.
            overwrite: Replace a blob that is there.
            metadata: The target's metadata; None, or empty: the source's.
            content_type: MIME type; None: the source's, and so with the other headers.
            tier: The target's access tier; None: the account's default.
            tags: The target's index tags; None: none.
            content_encoding: Such as ``"gzip"``.
            content_language: Such as ``"en"``.
            content_disposition: Such as ``"attachment"``.
            cache_control: Such as ``"no-cache"``.
            progress: As for ``download``.
            if_match: As for ``read``, of the target, and so are the five following.
            if_none_match: See there.
            if_modified_since: See there.
            if_unmodified_since: See there.
            if_tags: See there.
            lease: See there.
            source_if_match: As for ``read``, of the source, and so are the three following.
            source_if_none_match: See there.
            source_if_modified_since: See there.
            source_if_unmodified_since: See there.

        Returns:
            Size, ETag and cost; the checksum, where the service says it of all blocks.

        Raises:
            BlobNotFoundError: There is no such source, or no such container; or the service cannot read the
                source: ``error_code`` is ``"CannotVerifyCopySource"`` then, and the message says why.
            BlobExistsError: There is such a target, and ``overwrite`` is False.
            BlobModifiedError: A condition is not met.
            AuthenticationError: The credential of either client is refused.

        https://learn.microsoft.com/rest/api/storageservices/put-blob-from-url,
        https://learn.microsoft.com/rest/api/storageservices/put-block-from-url
        """
        origin = _connection_of(source_client)
        options = raw_options(
            overwrite=overwrite,
            metadata=metadata,
            content_type=content_type,
            content_encoding=content_encoding,
            content_language=content_language,
            content_disposition=content_disposition,
            cache_control=cache_control,
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
            source_if_match, source_if_none_match, source_if_modified_since, source_if_unmodified_since
        )
        reporter = make_reporter(progress)
        copied = origin.engine().copy_source()
        connection = self._connection
        call = connection.engine().copy_from(copied, source, of_source, target, options)
        return TransferResult(connection.finish(call, _TokenSupplier(origin, copied, reporter)))

    def copy_from_many(
        self,
        source_client: Client,
        items: Iterable[tuple[Blob, Blob]],
        *,
        overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        tier: Tier | None = None,
        tags: Mapping[str, str] | None = None,
        on_error: OnError = "raise",
        progress: ProgressOption = None,
    ) -> list[TransferResult]:
        """Copies many blobs of another account into this one, as ``copy_from`` does, several at a time.

        Args:
            source_client: The client of the source's account.
            items: Pairs ``(source, target)``, as for ``copy_from``, each target once.
            overwrite: Replace blobs that are there.
            metadata: The targets' metadata; None, or empty: that of each source.
            tier: The targets' access tier; None: the account's default.
            tags: The targets' index tags; None: none.
            on_error: As for ``download_many``.
            progress: As for ``download``.

        Returns:
            One result per item, in the order of the input.

        Raises:
            TransferError: The first failure that is not collected, of the class that ``copy_from`` raises.

        https://learn.microsoft.com/rest/api/storageservices/put-blob-from-url
        """
        collected, reporter = names_of(on_error), make_reporter(progress)
        not_a_string(items, "(source, target)")
        origin = _connection_of(source_client)
        options = raw_options(overwrite=overwrite, metadata=metadata, tier=tier, tags=tags)
        copied = origin.engine().copy_source()
        connection = self._connection
        call = connection.engine().copy_from_many(copied, options, collected)
        supplier = _TokenSupplier(origin, copied, reporter)
        return list(map(TransferResult, connection.run_items(call, items, supplier)))


def _connection_of(client: object) -> Connection:
    connection: object = getattr(client, "_connection", None)
    if not isinstance(connection, Connection):
        raise TypeError(f"source_client must be a fastblob.Client, not {type(client).__name__}")
    return connection


class _TokenSupplier(Reporter):
    """Keeps a token of the source's account at hand while a copy goes on, and reports its progress.

    Args:
        origin: The source's client.
        source: What is copied.
        reporter: Who is told of the progress.
    """

    def __init__(self, origin: Connection, source: _fastblob.CopySource, reporter: Reporter | None) -> None:
        self._origin = origin
        self._source = source
        self._reporter = reporter
        origin.supply_token(source)

    def tick(self, call: _fastblob.Call) -> None:
        self._origin.supply_token(self._source)
        if self._reporter is not None:
            self._reporter.tick(call)

    def report(self, call: _fastblob.Call) -> None:
        if self._reporter is not None:
            self._reporter.report(call)

    def close(self) -> None:
        if self._reporter is not None:
            self._reporter.close()
