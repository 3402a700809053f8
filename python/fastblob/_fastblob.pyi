"""The compiled part of fastblob: signatures and documentation.

Users see these names through ``fastblob`` itself: ``fastblob.Client`` is ``BaseClient`` with a constructor
that finds the endpoint and the credential by itself.
"""

import builtins
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import BinaryIO, Literal, Self, TypeAlias, final, overload

from typing_extensions import Buffer, disjoint_base

_StrPath: TypeAlias = str | os.PathLike[str]
_ErrorClasses: TypeAlias = type[Exception] | tuple[type[Exception], ...]
_OnError: TypeAlias = Literal["raise", "collect"] | _ErrorClasses
_Checksum: TypeAlias = Literal["md5", "crc64"] | None
_Tier: TypeAlias = Literal["Hot", "Cool", "Cold", "Archive"]
_WorkloadType: TypeAlias = Literal["default", "general", "highCpu", "highMemory", "high_throughput"]
_EngineCredential: TypeAlias = Callable[[str | None], tuple[str, float]] | tuple[str | None, str] | str | None
_ProgressOption: TypeAlias = bool | Callable[[Progress], object] | None

__all__ = [
    "BaseClient",
    "BlobItem",
    "BlobIterator",
    "BlobPath",
    "BlobProperties",
    "Progress",
    "Service",
    "TransferResult",
    "__version__",
    "crc64",
]

__version__: str

@final
class BlobPath:
    """The path of one blob, ``<container>/<name>``; or of a container, or of a prefix in it.

    Every call that takes a blob takes it as str or as BlobPath; the rules are the same.
    https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata

    With two arguments the name is taken as it is, as the service lists it: also with slashes at its ends, two
    in a row, backslashes, and ``.`` or ``..`` as segments.

    Args:
        path_or_container: ``"<container>/<name>"`` or ``"<container>"``; the container alone where ``name``
            is given.
        name: The blob's name in its container, verbatim.

    Raises:
        ValueError: It is not such a path: a scheme or host in front; a leading, trailing or doubled slash; an
            illegal container name; ``.`` or ``..`` as a segment; a backslash; a name of more than 1,024
            characters or 254 segments. The message gives the reason and, where possible, the repaired form.
    """

    def __new__(cls, path_or_container: str, name: str | None = None, /) -> Self: ...
    @property
    def container(self) -> str:
        """The container's name."""

    @property
    def name(self) -> str:
        """The name in the container; empty where the path names the container alone."""

    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __getnewargs__(self) -> tuple[str, str]: ...

@final
class TransferResult:
    """What became of one item of a transfer. Immutable; pickles."""

    @property
    def blob(self) -> str:
        """``<container>/<name>``."""

    @property
    def path(self) -> str | None:
        """The local file, where one took part."""

    @property
    def size(self) -> int:
        """Bytes that arrived (download), or that the blob now has (upload, copy)."""

    @property
    def etag(self) -> str | None:
        """The blob's ETag in double quotes, as the service sends it; None after a delete or a failure."""

    @property
    def crc64(self) -> int | None:
        """CRC-64/NVME of the bytes that were moved; None where none were (delete, copy, failure)."""

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata that a download brought along; empty otherwise."""

    @property
    def requests(self) -> int:
        """Requests sent for this item, repeated ones included."""

    @property
    def retries(self) -> int:
        """Requests among them that repeated one that had failed."""

    @property
    def seconds(self) -> float:
        """Wall time from the item's beginning to its end."""

    @property
    def error(self) -> Exception | None:
        """Why the item failed, or None."""

    def __setstate__(self, error: object, /) -> None: ...

@final
class Progress:
    """How far a call has come, as handed to a ``progress`` callable about ten times a second."""

    @property
    def items_done(self) -> int:
        """Items that have ended, failed ones included."""

    @property
    def items_total(self) -> int | None:
        """All items; None while the input, a generator or a listing, has not ended."""

    @property
    def bytes_done(self) -> int:
        """Bytes of content moved so far."""

    @property
    def requests(self) -> int:
        """Requests sent so far."""

    @property
    def retries(self) -> int:
        """Requests among them that repeated one that had failed."""

@final
class BlobProperties:
    """Properties of a blob, from ``properties()``. Immutable; pickles.

    https://learn.microsoft.com/rest/api/storageservices/get-blob-properties
    """

    @property
    def container(self) -> str:
        """The container's name."""

    @property
    def name(self) -> str:
        """The blob's name in its container."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def etag(self) -> str:
        """The ETag in double quotes, as the service sends it."""

    @property
    def last_modified(self) -> datetime:
        """When the blob was last written, in UTC."""

    @property
    def creation_time(self) -> datetime | None:
        """When the blob was first written, in UTC."""

    @property
    def content_type(self) -> str | None:
        """The content type that the blob was given."""

    @property
    def content_md5(self) -> bytes | None:
        """MD5 of the content, 16 bytes, where the uploader stored one."""

    @property
    def metadata(self) -> dict[str, str]:
        """The blob's metadata."""

    @property
    def tier(self) -> str | None:
        """Access tier, such as ``"Hot"``."""

    @property
    def tag_count(self) -> int:
        """Number of index tags."""

    def __eq__(self, other: object, /) -> bool: ...

@final
class BlobItem:
    """An entry of ``list()``: a blob, or with a delimiter a prefix that stands for several.

    Immutable; pickles.
    https://learn.microsoft.com/rest/api/storageservices/list-blobs
    """

    @property
    def container(self) -> str:
        """The container's name."""

    @property
    def name(self) -> str:
        """The blob's name in its container; a prefix comes without its trailing delimiter."""

    @property
    def path(self) -> str:
        """``<container>/<name>``, as every call of fastblob takes it."""

    @property
    def is_prefix(self) -> bool:
        """Whether this is a prefix and not a blob."""

    @property
    def size(self) -> int | None:
        """Bytes; None for a prefix, and so are all the following."""

    @property
    def etag(self) -> str | None:
        """The ETag in double quotes, as the other calls give it."""

    @property
    def last_modified(self) -> datetime | None:
        """When the blob was last written, in UTC."""

    @property
    def creation_time(self) -> datetime | None:
        """When the blob was first written, in UTC."""

    @property
    def content_type(self) -> str | None:
        """The content type that the blob was given."""

    @property
    def content_md5(self) -> bytes | None:
        """MD5 of the content, 16 bytes, where the uploader stored one."""

    @property
    def tier(self) -> str | None:
        """Access tier, such as ``"Hot"``."""

    def __eq__(self, other: object, /) -> bool: ...

@final
class BlobIterator(Iterator[BlobItem]):
    """What ``list()`` returns: asks for one page at a time, when the page before has been used up."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> BlobItem: ...

@disjoint_base
class BaseClient:
    """Moves blobs of one account; see ``fastblob.Client`` for how one is made, and for all options.

    Errors of every method, unless it says otherwise: ``fastblob.TransferError`` and its subclasses for what
    the service answers and for what happens on the way to it; ``ValueError`` for a malformed path or an
    option out of range and ``TypeError`` for an argument of the wrong type, both before anything is sent;
    ``OSError`` with ``.filename`` for local files. Ctrl-C ends a call within 200 ms and leaves no partial
    file or blob.

    Args:
        endpoint: The account's URL, without query.
        credential: A callable that takes the claims of a challenge, or None, and returns ``(token,
            expires_on)``; ``(account, key)``, where None as account means the endpoint's; a SAS without its
            question mark; None: anonymous.
        workload_type: As for ``fastblob.Client``, and so are all the following.
        max_connections: See there.
        memory_limit: See there.
        max_retries: See there.
        timeout: See there.
        checksum: See there.
    """

    def __new__(
        cls,
        endpoint: str,
        credential: _EngineCredential,
        *,
        workload_type: _WorkloadType = "default",
        max_connections: int | None = None,
        memory_limit: int | None = None,
        max_retries: int = 8,
        timeout: float = 60.0,
        checksum: _Checksum = "md5",
    ) -> Self: ...
    @property
    def endpoint(self) -> str:
        """The account's URL, without query."""

    def download(
        self, blob: str | BlobPath, path: _StrPath, *, progress: _ProgressOption = None
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

        Returns:
            Size, ETag, checksum and cost.

        Raises:
            BlobNotFoundError: There is no such blob.
            BlobModifiedError: It was overwritten twice while it was being read.
            IntegrityError: What arrived is not what was stored.
            OSError: The file cannot be written; ``.filename`` says which.
        """

    def upload(
        self,
        path: _StrPath,
        blob: str | BlobPath,
        *,
        overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        tier: _Tier | None = None,
        tags: Mapping[str, str] | None = None,
        progress: _ProgressOption = None,
    ) -> TransferResult:
        """Uploads a file as a block blob.

        The blob appears under its name when it is complete. Every request carries a CRC64 that the service
        verifies. A small file takes one request; a large one is sent in blocks, several at a time.

        Args:
            path: The file.
            blob: ``<container>/<name>``.
            overwrite: Replace a blob that is there; otherwise that is an error, which the write itself finds.
            metadata: Names (identifiers) and values (ASCII), 8 KiB in all.
            content_type: MIME type; None: the service's default, ``application/octet-stream``.
            tier: Access tier; None: the account's default.
                https://learn.microsoft.com/azure/storage/blobs/access-tiers-overview
            tags: At most 10 index tags.
                https://learn.microsoft.com/azure/storage/blobs/storage-manage-find-blobs
            progress: As for ``download``.

        Returns:
            Size, ETag, checksum and cost.

        Raises:
            BlobExistsError: There is such a blob, and ``overwrite`` is False.
            BlobNotFoundError: There is no such container.
            OSError: The file cannot be read, or changed meanwhile; ``.filename`` says which.
        """

    def read(self, blob: str | BlobPath, offset: int = 0, length: int | None = None) -> bytes:
        """Reads a blob, or a part of it, into memory.

        Args:
            blob: ``<container>/<name>``.
            offset: First byte.
            length: Bytes; None: to the end. A range that ends beyond the blob is cut there, as with a file.

        Returns:
            The bytes, which the network wrote into this object directly.

        Raises:
            BlobNotFoundError: There is no such blob.
            BlobModifiedError: It was overwritten twice while it was being read.
            IntegrityError: What arrived is not what was stored.
        """

    def read_into(self, blob: str | BlobPath, buffer: Buffer, offset: int = 0) -> int:
        """Reads a blob, or a part of it, into memory of the caller, like ``io.RawIOBase.readinto``.

        Args:
            blob: ``<container>/<name>``.
            buffer: Anything with a writable, C-contiguous buffer: ``bytearray``, ``memoryview``, a numpy
                array, ``mmap``. Nobody else should use it meanwhile; after an exception its content is
                undefined.
            offset: First byte of the blob to read.

        Returns:
            The number of bytes: the buffer's size, or less where the blob ends before.

        Raises:
            BlobNotFoundError: There is no such blob.
            BufferError: The buffer is read-only or not contiguous.
        """

    def write(
        self,
        blob: str | BlobPath,
        data: Buffer | BinaryIO,
        *,
        overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        tier: _Tier | None = None,
        tags: Mapping[str, str] | None = None,
        progress: _ProgressOption = None,
    ) -> TransferResult:
        """Uploads bytes, or what a file object gives, as a block blob.

        Args:
            blob: ``<container>/<name>``.
            data: Anything with a C-contiguous buffer, sent from where it is; or a binary file object, read
                from its current position to its end (its exceptions come out unchanged).
            overwrite: As for ``upload``, and so are all the following.
            metadata: See there.
            content_type: See there.
            tier: See there.
            tags: See there.
            progress: See there.

        Returns:
            Size, ETag, checksum and cost.

        Raises:
            BlobExistsError: There is such a blob, and ``overwrite`` is False.
            BlobNotFoundError: There is no such container.
        """

    def download_many(
        self,
        items: Iterable[tuple[str | BlobPath, _StrPath]],
        *,
        on_error: _OnError = "raise",
        progress: _ProgressOption = None,
    ) -> builtins.list[TransferResult]:
        """Downloads many blobs into files, each as by ``download``.

        Args:
            items: ``(blob, path)`` pairs. A list or tuple is checked as a whole before anything is sent; any
                other iterable is consumed as slots free up. A path may occur once only.
            on_error: ``"raise"``: the first failure ends the call: what has begun is cancelled, and the error
                is raised with the results of all items as ``.results``. ``"collect"``: all items are tried,
                and failures stand in their results' ``error``. A class of fastblob's errors, a base of
                them, or a tuple: these are collected, and the first other one is raised, be it an OSError.
            progress: As for ``download``.

        Returns:
            One result per item, in the order of the input.
        """

    def upload_many(
        self,
        items: Iterable[tuple[_StrPath, str | BlobPath]],
        *,
        overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        tier: _Tier | None = None,
        tags: Mapping[str, str] | None = None,
        on_error: _OnError = "raise",
        progress: _ProgressOption = None,
    ) -> builtins.list[TransferResult]:
        """Uploads many files, each as by ``upload``.

        Args:
            items: ``(path, blob)`` pairs, as for ``download_many``. A blob may occur once only.
            overwrite: As for ``upload``, for all items, and so are the four following.
            metadata: See there.
            content_type: See there.
            tier: See there.
            tags: See there.
            on_error: As for ``download_many``.
            progress: As for ``download``.

        Returns:
            One result per item, in the order of the input.
        """

    @overload
    def read_many(
        self,
        blobs: Iterable[str | BlobPath],
        *,
        on_error: Literal["raise"] = "raise",
        progress: _ProgressOption = None,
    ) -> builtins.list[bytes]:
        """Reads many blobs into memory, each as by ``read``.

        Args:
            blobs: Blobs, as for ``download_many``; one may occur several times.
            on_error: ``"raise"``: as for ``download_many``. Otherwise an exception that is collected
                stands in the place of the bytes of one that failed.
            progress: As for ``download``.

        Returns:
            The contents, in the order of the input.
        """

    @overload
    def read_many(
        self,
        blobs: Iterable[str | BlobPath],
        *,
        on_error: Literal["collect"] | _ErrorClasses,
        progress: _ProgressOption = None,
    ) -> builtins.list[bytes | Exception]: ...
    def write_many(
        self,
        items: Iterable[
            tuple[str | BlobPath, Buffer | BinaryIO]
            | tuple[str | BlobPath, Buffer | BinaryIO, Mapping[str, str] | None]
        ],
        *,
        overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        tier: _Tier | None = None,
        tags: Mapping[str, str] | None = None,
        on_error: _OnError = "raise",
        progress: _ProgressOption = None,
    ) -> builtins.list[TransferResult]:
        """Uploads many pieces of data, each as by ``write``.

        Args:
            items: ``(blob, data)`` pairs, as for ``download_many``, or ``(blob, data, metadata)`` where an
                item has metadata of its own. A blob may occur once only.
            overwrite: As for ``upload``, for all items, and so are the four following.
            metadata: See there; not for items that have their own.
            content_type: See there.
            tier: See there.
            tags: See there.
            on_error: As for ``download_many``.
            progress: As for ``download``.

        Returns:
            One result per item, in the order of the input.
        """

    def upload_dir(
        self,
        directory: _StrPath,
        prefix: str | BlobPath,
        *,
        overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        tier: _Tier | None = None,
        tags: Mapping[str, str] | None = None,
        on_error: _OnError = "raise",
        progress: _ProgressOption = None,
    ) -> builtins.list[TransferResult]:
        """Uploads every file below a directory, as ``<prefix>/<path relative to the directory>``.

        Args:
            directory: The directory; empty folders in it leave no trace.
            prefix: ``<container>`` or ``<container>/<prefix>``.
            overwrite: As for ``upload``, for all files, and so are the four following.
            metadata: See there.
            content_type: See there.
            tier: See there.
            tags: See there.
            on_error: As for ``download_many``.
            progress: As for ``download``.

        Returns:
            One result per file, sorted by path.

        Raises:
            OSError: The directory cannot be read.
        """

    def download_prefix(
        self,
        prefix: str | BlobPath,
        directory: _StrPath,
        *,
        on_error: _OnError = "raise",
        progress: _ProgressOption = None,
    ) -> builtins.list[TransferResult]:
        """Downloads every blob below a prefix; the counterpart of ``upload_dir``.

        Args:
            prefix: ``<container>`` or ``<container>/<prefix>``; ``c/a`` means all below ``c/a/``, and neither
                ``c/a`` nor ``c/ab``.
            directory: Where the files go, by what follows the prefix in their names; made where missing. No
                file is ever written outside.
            on_error: As for ``download_many``.
            progress: As for ``download``.

        Returns:
            One result per blob, in the order of the listing (by name); an empty list where nothing is there.

        Raises:
            BlobNotFoundError: There is no such container.
        """

    def list(self, prefix: str | BlobPath, *, delimiter: Literal["/"] | None = None) -> BlobIterator:
        """Lists the blobs below a prefix, in the order of their names.

        Args:
            prefix: ``<container>`` or ``<container>/<prefix>``; ``c/a`` means all below ``c/a/``.
            delimiter: ``"/"``: one level only, where a prefix stands for all below it. None: all levels.

        Returns:
            An iterator that asks for pages of 5,000 as they are needed; whatever the service raises comes out
            of it.

        Raises:
            BlobNotFoundError: There is no such container. A prefix with nothing below it is no error.
        """

    @overload
    def list_many(
        self,
        prefixes: Iterable[str | BlobPath],
        *,
        delimiter: Literal["/"] | None = None,
        on_error: Literal["raise"] = "raise",
        progress: _ProgressOption = None,
    ) -> builtins.list[builtins.list[BlobItem]]:
        """Lists the blobs below many prefixes, all at the same time.

        Where one list is so long that it should not be in memory as a whole, take ``list``.

        Args:
            prefixes: Each as for ``list``; one may occur several times.
            delimiter: As for ``list``.
            on_error: ``"raise"``: as for ``download_many``. Otherwise an exception that is collected
                stands in the place of a list that failed.
            progress: As for ``download``.

        Returns:
            For each prefix the list of what is below it, in the order of names; in the order of the input.

        Raises:
            BlobNotFoundError: A container does not exist. A prefix with nothing below it is no error.
        """

    @overload
    def list_many(
        self,
        prefixes: Iterable[str | BlobPath],
        *,
        delimiter: Literal["/"] | None = None,
        on_error: Literal["collect"] | _ErrorClasses,
        progress: _ProgressOption = None,
    ) -> builtins.list[builtins.list[BlobItem] | Exception]: ...
    def properties(self, blob: str | BlobPath) -> BlobProperties:
        """The properties of a blob.

        Args:
            blob: ``<container>/<name>``.

        Raises:
            BlobNotFoundError: There is no such blob.
        """

    def exists(self, blob: str | BlobPath) -> bool:
        """Whether a blob exists; False as well where its container does not.

        Not needed before a write: that fails by itself where the blob exists, without a race.

        Args:
            blob: ``<container>/<name>``.
        """

    def delete(self, blob: str | BlobPath) -> None:
        """Deletes a blob.

        Args:
            blob: ``<container>/<name>``.

        Raises:
            BlobNotFoundError: There is no such blob.
        """

    def delete_many(
        self,
        blobs: Iterable[str | BlobPath],
        *,
        on_error: _OnError = "raise",
        progress: _ProgressOption = None,
    ) -> builtins.list[TransferResult]:
        """Deletes many blobs, up to 256 with one request.

        https://learn.microsoft.com/rest/api/storageservices/blob-batch

        Args:
            blobs: Blobs, as for ``download_many``, each once.
            on_error: As for ``download_many``; a missing blob is a failure.
            progress: As for ``download``.

        Returns:
            One result per blob, in the order of the input.
        """

    @overload
    def properties_many(
        self,
        blobs: Iterable[str | BlobPath],
        *,
        on_error: Literal["raise"] = "raise",
        progress: _ProgressOption = None,
    ) -> builtins.list[BlobProperties]:
        """Asks for the properties of many blobs, one request each.

        Args:
            blobs: Blobs, as for ``download_many``; one may occur several times.
            on_error: ``"raise"``: as for ``download_many``. Otherwise an exception that is collected
                stands in the place of the properties of one that failed, a missing one for instance.
            progress: As for ``download``.

        Returns:
            The properties, in the order of the input.
        """

    @overload
    def properties_many(
        self,
        blobs: Iterable[str | BlobPath],
        *,
        on_error: Literal["collect"] | _ErrorClasses,
        progress: _ProgressOption = None,
    ) -> builtins.list[BlobProperties | Exception]: ...
    def copy(
        self, source: str | BlobPath, target: str | BlobPath, *, overwrite: bool = False
    ) -> BlobProperties:
        """Copies a blob inside the account, without moving its bytes through this machine.

        https://learn.microsoft.com/rest/api/storageservices/copy-blob

        Args:
            source: ``<container>/<name>``.
            target: ``<container>/<name>``.
            overwrite: Replace a blob that is there.

        Returns:
            The properties of the target, when the copy is complete.

        Raises:
            BlobNotFoundError: There is no such source, or no such container.
            BlobExistsError: There is such a target, and ``overwrite`` is False.
        """

def crc64(data: Buffer, value: int = 0, /) -> int:
    """CRC-64/NVME of ``data``, the checksum of Azure Blob Storage.

    Args:
        data: Anything with a C-contiguous buffer.
        value: The checksum of the bytes that come before, to go on from.

    Returns:
        The checksum, as in ``TransferResult.crc64``.
    """

@final
class Service:
    """The embedded loopback service; ``fastblob.local.LocalAzure`` is its public face and documents it."""

    def __new__(
        cls,
        *,
        containers: Sequence[str],
        tls: bool,
        port: int,
        account: str | None,
        account_key: str | None,
        directory: _StrPath | None,
        latency: float,
        bandwidth: int | None,
        token_lifetime: float,
        secrets: dict[str, str],
    ) -> Self: ...
    def stop(self) -> None: ...
    @property
    def blob_endpoint(self) -> str: ...
    @property
    def vault_url(self) -> str: ...
    @property
    def identity_endpoint(self) -> str: ...
    @property
    def identity_header(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def account_key(self) -> str: ...
    @property
    def certificate_authority(self) -> str: ...
    @property
    def server_certificate(self) -> str: ...
    @property
    def server_key(self) -> str: ...
    def issue_token(self, resource: str, lifetime: float) -> str: ...
    def create_container(self, name: str) -> None: ...
    def set_secret(self, name: str, value: str) -> None: ...
    def disable_secret(self, name: str) -> None: ...
    def expire_secret(self, name: str, at: datetime) -> None: ...
    def add_fault(
        self,
        scope: tuple[str | None, str | None, str | None, int, int],
        failure: str,
        value: object,
    ) -> None: ...
    def clear_faults(self) -> None: ...
    def requests(
        self,
    ) -> list[tuple[str, str, str, int, str | None, int, str | None, str | None]]: ...
    def request_counts(self) -> dict[str, int]: ...
    def clear_requests(self) -> None: ...
