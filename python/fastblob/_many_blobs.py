"""Calls that move many blobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from ._on_error import names_of, not_a_string
from ._options import ItemOptions, conditions
from ._progress import make_reporter
from ._results import TransferResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from typing import Literal

    from typing_extensions import Buffer

    from ._connection import Connection
    from ._lease import Lease
    from ._options import WriteOptions
    from ._types import (
        BinaryReadable,
        BinaryReadableInto,
        Blob,
        ErrorClasses,
        OnError,
        ProgressOption,
        Snapshots,
        StrPath,
        Tier,
    )


class ManyBlobs:
    """The part of ``fastblob.Client`` that moves many blobs."""

    _connection: Connection

    def download_many(
        self,
        items: Iterable[tuple[Blob, StrPath]],
        *,
        on_error: OnError = "raise",
        progress: ProgressOption = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> list[TransferResult]:
        """Downloads many blobs into files, each as by ``download``.

        Args:
            items: ``(blob, path)`` pairs. A list or tuple is checked as a whole before anything is sent; any
                other iterable is consumed as slots free up. A path may occur once only.
            on_error: ``"raise"``: the first failure ends the call: what has begun is cancelled, and the error
                is raised with the results of all items as ``.results``. ``"collect"``: all items are tried,
                and failures stand in their results' ``error``. A class of fastblob's errors, a base of
                them, or a tuple: these are collected, and the first other one is raised, be it an OSError.
            progress: As for ``download``.
            if_modified_since: As for ``read``, for all blobs, and so are the three following.
            if_unmodified_since: See there.
            if_tags: See there.
            lease: See there.

        Returns:
            One result per item, in the order of the input.

        Raises:
            TransferError: The first failure that is not collected, of the class that ``download`` raises.
            OSError: A file cannot be written, and not all errors are collected.
        """
        collected, reporter = names_of(on_error), make_reporter(progress)
        not_a_string(items, "(blob, path) pairs")
        required = conditions(None, None, if_modified_since, if_unmodified_since, if_tags, lease)
        connection = self._connection
        call = connection.engine().download_many(collected, required)
        return list(map(TransferResult, connection.run_items(call, items, reporter)))

    def upload_many(
        self,
        items: Iterable[tuple[StrPath, Blob] | tuple[StrPath, Blob, Mapping[str, str] | WriteOptions | None]],
        *,
        overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        content_type: str | Literal[False] | None = None,
        tier: Tier | None = None,
        tags: Mapping[str, str] | None = None,
        content_encoding: str | None = None,
        content_language: str | None = None,
        content_disposition: str | None = None,
        cache_control: str | None = None,
        content_md5: bool = False,
        on_error: OnError = "raise",
        progress: ProgressOption = None,
    ) -> list[TransferResult]:
        """Uploads many files, each as by ``upload``.

        Args:
            items: ``(path, blob)`` pairs, as for ``download_many``; or ``(path, blob, options)`` where an
                item has ``WriteOptions``, or metadata, of its own. A blob may occur once only.
            overwrite: As for ``upload``, for all items that have none of their own, and so are the nine
                following.
            metadata: See there.
            content_type: See there.
            tier: See there.
            tags: See there.
            content_encoding: See there.
            content_language: See there.
            content_disposition: See there.
            cache_control: See there.
            content_md5: See there.
            on_error: As for ``download_many``.
            progress: As for ``download``.

        Returns:
            One result per item, in the order of the input.

        Raises:
            TransferError: The first failure that is not collected, of the class that ``upload`` raises.
            OSError: A file cannot be read, and not all errors are collected.
        """
        options = ItemOptions(
            {
                "overwrite": overwrite,
                "metadata": metadata,
                "content_type": content_type,
                "tier": tier,
                "tags": tags,
                "content_encoding": content_encoding,
                "content_language": content_language,
                "content_disposition": content_disposition,
                "cache_control": cache_control,
                "content_md5": content_md5,
            },
            guess=True,
        )
        collected, reporter = names_of(on_error), make_reporter(progress)
        not_a_string(items, "(path, blob) pairs")
        connection = self._connection
        call = connection.engine().upload_many(options.common, collected)
        return list(map(TransferResult, connection.run_items(call, items, reporter, options.of_file)))

    @overload
    def read_many(
        self,
        blobs: Iterable[Blob | tuple[Blob, int, int | None]],
        *,
        on_error: Literal["raise"] = "raise",
        with_results: Literal[False] = False,
        progress: ProgressOption = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> list[bytes]: ...
    @overload
    def read_many(
        self,
        blobs: Iterable[Blob | tuple[Blob, int, int | None]],
        *,
        on_error: Literal["collect"] | ErrorClasses,
        with_results: Literal[False] = False,
        progress: ProgressOption = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> list[bytes | Exception]: ...
    @overload
    def read_many(
        self,
        blobs: Iterable[Blob | tuple[Blob, int, int | None]],
        *,
        on_error: OnError = "raise",
        with_results: Literal[True],
        progress: ProgressOption = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> list[TransferResult]: ...
    def read_many(
        self,
        blobs: Iterable[Blob | tuple[Blob, int, int | None]],
        *,
        on_error: OnError = "raise",
        with_results: bool = False,
        progress: ProgressOption = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> list[bytes] | list[bytes | Exception] | list[TransferResult]:
        """Reads many blobs, or parts of them, into memory, each as by ``read``.

        Args:
            blobs: Blobs, as for ``download_many``, or ``(blob, offset, length)`` for a part of one; a blob
                may occur several times.
            on_error: ``"raise"``: as for ``download_many``. Otherwise an exception that is collected
                stands in the place of the bytes of one that failed.
            with_results: Give a result for each, with the bytes as ``data``, and with ETag, content headers
                and metadata, instead of the bytes alone.
            progress: As for ``download``.
            if_modified_since: As for ``read``, for all blobs, and so are the three following.
            if_unmodified_since: See there.
            if_tags: See there.
            lease: See there.

        Returns:
            The contents, in the order of the input; or one result per item.

        Raises:
            TransferError: The first failure that is not collected, of the class that ``read`` raises.
        """
        collected, reporter = names_of(on_error), make_reporter(progress)
        not_a_string(blobs, "blobs")
        required = conditions(None, None, if_modified_since, if_unmodified_since, if_tags, lease)
        connection = self._connection
        call = connection.engine().read_many(collected, required)
        if with_results:
            return list(map(TransferResult, connection.run_items(call, blobs, reporter)))
        return connection.run_reads(call, blobs, reporter)

    def write_many(
        self,
        items: Iterable[
            tuple[Blob, Buffer | BinaryReadable | BinaryReadableInto]
            | tuple[
                Blob,
                Buffer | BinaryReadable | BinaryReadableInto,
                Mapping[str, str] | WriteOptions | None,
            ]
        ],
        *,
        overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        content_type: str | Literal[False] | None = None,
        tier: Tier | None = None,
        tags: Mapping[str, str] | None = None,
        content_encoding: str | None = None,
        content_language: str | None = None,
        content_disposition: str | None = None,
        cache_control: str | None = None,
        content_md5: bool = False,
        on_error: OnError = "raise",
        progress: ProgressOption = None,
    ) -> list[TransferResult]:
        """Uploads many pieces of data, each as by ``write``.

        Args:
            items: ``(blob, data)`` pairs, as for ``download_many``; or ``(blob, data, options)`` where an
                item has ``WriteOptions``, or metadata, of its own. A blob may occur once only.
            overwrite: As for ``upload``, for all items that have none of their own, and so are the nine
                following.
            metadata: See there.
            content_type: See there; None: the service's default.
            tier: See there.
            tags: See there.
            content_encoding: See there.
            content_language: See there.
            content_disposition: See there.
            cache_control: See there.
            content_md5: See there.
            on_error: As for ``download_many``.
            progress: As for ``download``.

        Returns:
            One result per item, in the order of the input.

        Raises:
            TransferError: The first failure that is not collected, of the class that ``write`` raises.
        """
        options = ItemOptions(
            {
                "overwrite": overwrite,
                "metadata": metadata,
                "content_type": content_type,
                "tier": tier,
                "tags": tags,
                "content_encoding": content_encoding,
                "content_language": content_language,
                "content_disposition": content_disposition,
                "cache_control": cache_control,
                "content_md5": content_md5,
            },
            guess=False,
        )
        collected, reporter = names_of(on_error), make_reporter(progress)
        not_a_string(items, "(blob, data) pairs")
        connection = self._connection
        call = connection.engine().write_many(options.common, collected)
        return list(map(TransferResult, connection.run_items(call, items, reporter, options.of_blob)))

    def delete_many(
        self,
        blobs: Iterable[Blob],
        *,
        missing_ok: bool = False,
        snapshots: Snapshots | None = None,
        on_error: OnError = "raise",
        progress: ProgressOption = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> list[TransferResult]:
        """Deletes many blobs, up to 256 with one request.

        Args:
            blobs: Blobs, versions and snapshots, as for ``delete``, each once.
            missing_ok: Whether it is fine that a blob, or its container, is not there: no error then, and its
                result's ``skipped`` says it.
            snapshots: As for ``delete``, for all blobs.
            on_error: As for ``download_many``; a missing blob is a failure unless ``missing_ok``.
            progress: As for ``download``.
            if_modified_since: As for ``read``, for all blobs, and so are the three following.
            if_unmodified_since: See there.
            if_tags: See there.
            lease: See there.

        Returns:
            One result per blob, in the order of the input.

        Raises:
            TransferError: The first failure that is not collected, of the class that ``delete`` raises.

        https://learn.microsoft.com/rest/api/storageservices/blob-batch
        """
        collected, reporter = names_of(on_error), make_reporter(progress)
        not_a_string(blobs, "blobs")
        required = conditions(None, None, if_modified_since, if_unmodified_since, if_tags, lease)
        connection = self._connection
        call = connection.engine().delete_many(missing_ok, snapshots, collected, required)
        return list(map(TransferResult, connection.run_items(call, blobs, reporter)))
