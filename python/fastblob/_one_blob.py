"""Calls that move one blob."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._content_types import guess_content_type
from ._options import conditions, raw_options
from ._progress import make_reporter
from ._results import TransferResult

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Literal

    from typing_extensions import Buffer

    from ._connection import Connection
    from ._lease import Lease
    from ._types import BinaryReadable, BinaryReadableInto, Blob, ProgressOption, StrPath, Tier


class OneBlob:
    """The part of ``fastblob.Client`` that moves one blob."""

    _connection: Connection

    def download(
        self,
        blob: Blob,
        path: StrPath,
        *,
        progress: ProgressOption = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> TransferResult:
        """Downloads a blob into a file.

        The file appears under its name when it is complete and verified, and replaces one that is there; its
        folder is made where it is missing. Large blobs are fetched in ranges, several at a time, all of the
        same version of the blob.

        Args:
            blob: ``<container>/<name>``.
            path: The file.
            progress: True for a tqdm bar (``pip install "fastblob[progress]"``), or a callable that is given
                a ``Progress`` about every 100 ms and once at the end, on the calling thread.
            if_match: As for ``read``, and so are the five following.
            if_none_match: See there.
            if_modified_since: See there.
            if_unmodified_since: See there.
            if_tags: See there.
            lease: See there.

        Returns:
            Size, ETag, checksum, content headers, metadata and cost.

        Raises:
            BlobNotFoundError: There is no such blob.
            BlobModifiedError: A condition is not met, or the blob was overwritten twice while it was being
                read.
            IntegrityError: What arrived is not what was stored.
            OSError: The file cannot be written; ``.filename`` says which.

        https://learn.microsoft.com/rest/api/storageservices/get-blob
        """
        reporter = make_reporter(progress)
        connection = self._connection
        result = connection.engine().download(
            blob,
            path,
            conditions(if_match, if_none_match, if_modified_since, if_unmodified_since, if_tags, lease),
            reporter is not None,
        )
        return TransferResult(connection.finish(result, reporter))

    def upload(
        self,
        path: StrPath,
        blob: Blob,
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
        progress: ProgressOption = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> TransferResult:
        """Uploads a file as a block blob.

        The blob appears under its name when it is complete. Every request carries a CRC64 that the service
        verifies. A small file takes one request; a large one is sent in blocks, several at a time.

        Args:
            path: The file.
            blob: ``<container>/<name>``.
            overwrite: Replace a blob that is there; otherwise that is an error, which the write itself finds.
            metadata: Names (identifiers) and values (ASCII), 8 KiB in all.
            content_type: MIME type; None: by the file's name, where its suffix is known; False, and
                otherwise: the service's default, ``application/octet-stream``.
            tier: Access tier; None: the account's default.
                https://learn.microsoft.com/azure/storage/blobs/access-tiers-overview
            tags: At most 10 index tags.
                https://learn.microsoft.com/azure/storage/blobs/storage-manage-find-blobs
            content_encoding: Such as ``"gzip"``; the content is sent as it is.
            content_language: Such as ``"en"``.
            content_disposition: Such as ``"attachment"``.
            cache_control: Such as ``"no-cache"``.
            content_md5: Store an MD5 of the content, so that other tools can check what they read.
            progress: As for ``download``.
            if_match: As for ``read``, and so are the five following.
            if_none_match: See there.
            if_modified_since: See there.
            if_unmodified_since: See there.
            if_tags: See there.
            lease: See there.

        Returns:
            Size, ETag, checksum and cost.

        Raises:
            BlobExistsError: There is such a blob, and ``overwrite`` is False.
            BlobNotFoundError: There is no such container.
            BlobModifiedError: A condition is not met.
            OSError: The file cannot be read, or changed meanwhile; ``.filename`` says which.

        https://learn.microsoft.com/rest/api/storageservices/put-blob
        """
        options = raw_options(
            overwrite=overwrite,
            metadata=metadata,
            content_type=guess_content_type(path) if content_type is None else content_type,
            tier=tier,
            tags=tags,
            content_encoding=content_encoding,
            content_language=content_language,
            content_disposition=content_disposition,
            cache_control=cache_control,
            content_md5=content_md5,
            if_match=if_match,
            if_none_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
            if_tags=if_tags,
            lease=lease,
        )
        reporter = make_reporter(progress)
        connection = self._connection
        result = connection.engine().upload(path, blob, options, reporter is not None)
        return TransferResult(connection.finish(result, reporter))

    def read(
        self,
        blob: Blob,
        offset: int = 0,
        length: int | None = None,
        *,
        progress: ProgressOption = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> bytes:
        """Reads a blob, or a part of it, into memory.

        Args:
            blob: ``<container>/<name>``.
            offset: First byte. Beyond the end there is nothing, as with a file: ``b""``.
            length: Bytes; None: to the end. A range that ends beyond the blob is cut there, as with a file.
            progress: As for ``download``.
            if_match: The ETag that the blob must have.
            if_none_match: The ETag that the blob must not have.
            if_modified_since: The blob must have been written after this time, which has a time zone.
            if_unmodified_since: The blob must not have been written after this time, which has a time zone.
            if_tags: What must hold of the blob's index tags, such as ``"state" = 'done' AND "owner" <> 'x'``.
                https://learn.microsoft.com/rest/api/storageservices/find-blobs-by-tags
            lease: The ID of the lease that is held on the blob.

        Returns:
            The bytes, which the network wrote into this object directly.

        Raises:
            BlobNotFoundError: There is no such blob.
            BlobModifiedError: A condition is not met, or the blob was overwritten twice while it was being
                read.
            IntegrityError: What arrived is not what was stored.

        https://learn.microsoft.com/rest/api/storageservices/get-blob
        """
        reporter = None if progress is None else make_reporter(progress)
        connection = self._connection
        result = connection.engine().read(
            blob,
            offset,
            length,
            conditions(if_match, if_none_match, if_modified_since, if_unmodified_since, if_tags, lease),
            reporter is not None,
        )
        return result if isinstance(result, bytes) else connection.finish(result, reporter)

    def read_into(
        self,
        blob: Blob,
        buffer: Buffer,
        offset: int = 0,
        *,
        progress: ProgressOption = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> int:
        """Reads a blob, or a part of it, into memory of the caller, like ``io.RawIOBase.readinto``.

        Args:
            blob: ``<container>/<name>``.
            buffer: Anything with a writable, C-contiguous buffer: ``bytearray``, ``memoryview``, a numpy
                array, ``mmap``. Nobody else should use it meanwhile; after an exception its content is
                undefined.
            offset: First byte of the blob to read.
            progress: As for ``download``.
            if_match: As for ``read``, and so are the five following.
            if_none_match: See there.
            if_modified_since: See there.
            if_unmodified_since: See there.
            if_tags: See there.
            lease: See there.

        Returns:
            The number of bytes: the buffer's size, or less where the blob ends before.

        Raises:
            BlobNotFoundError: There is no such blob.
            BlobModifiedError: A condition is not met, or the blob was overwritten twice while it was being
                read.
            IntegrityError: What arrived is not what was stored.
            BufferError: The buffer is read-only or not contiguous.

        https://learn.microsoft.com/rest/api/storageservices/get-blob
        """
        reporter = None if progress is None else make_reporter(progress)
        connection = self._connection
        result = connection.engine().read_into(
            blob,
            buffer,
            offset,
            conditions(if_match, if_none_match, if_modified_since, if_unmodified_since, if_tags, lease),
            reporter is not None,
        )
        return connection.finish(result, reporter)

    def write(
        self,
        blob: Blob,
        data: Buffer | BinaryReadable | BinaryReadableInto,
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
        progress: ProgressOption = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> TransferResult:
        """Uploads bytes, or what a file object gives, as a block blob.

        Args:
            blob: ``<container>/<name>``.
            data: Anything with a C-contiguous buffer, sent from where it is; or a binary file object, read
                from its current position to its end (its exceptions come out unchanged).
            overwrite: As for ``upload``, and so are the nine following.
            metadata: See there.
            content_type: See there; None: the service's default, as there is no file's name.
            tier: See there.
            tags: See there.
            content_encoding: See there.
            content_language: See there.
            content_disposition: See there.
            cache_control: See there.
            content_md5: See there.
            progress: As for ``download``.
            if_match: As for ``read``, and so are the five following.
            if_none_match: See there.
            if_modified_since: See there.
            if_unmodified_since: See there.
            if_tags: See there.
            lease: See there.

        Returns:
            Size, ETag, checksum and cost.

        Raises:
            BlobExistsError: There is such a blob, and ``overwrite`` is False.
            BlobNotFoundError: There is no such container.
            BlobModifiedError: A condition is not met.

        https://learn.microsoft.com/rest/api/storageservices/put-blob
        """
        options = raw_options(
            overwrite=overwrite,
            metadata=metadata,
            content_type=content_type,
            tier=tier,
            tags=tags,
            content_encoding=content_encoding,
            content_language=content_language,
            content_disposition=content_disposition,
            cache_control=cache_control,
            content_md5=content_md5,
            if_match=if_match,
            if_none_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
            if_tags=if_tags,
            lease=lease,
        )
        reporter = make_reporter(progress)
        connection = self._connection
        result = connection.engine().write(blob, data, options, reporter is not None)
        return TransferResult(connection.finish(result, reporter))
