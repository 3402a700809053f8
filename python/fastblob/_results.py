"""What calls say about what they did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _fastblob
from ._result import ContentResult, Result

if TYPE_CHECKING:
    from datetime import datetime


class TransferResult(ContentResult[_fastblob.Outcome]):
    """What became of one item of a transfer. Immutable; pickles.

    The content headers and the metadata are those that came with the blob (download, read); None, and an
    empty dict, otherwise.
    """

    __slots__ = ()

    _attributes = (
        "blob",
        "path",
        "size",
        "etag",
        "last_modified",
        "version_id",
        "crc64",
        "content_md5",
        "content_type",
        "content_encoding",
        "content_language",
        "content_disposition",
        "cache_control",
        "metadata",
        "requests",
        "retries",
        "seconds",
        "skipped",
        "error",
        "value",
    )

    @property
    def blob(self) -> str:
        """``<container>/<name>``, and of a version or a snapshot ``?versionid=...`` or ``?snapshot=...``."""
        return self._raw.blob

    @property
    def path(self) -> str | None:
        """The local file, where one took part."""
        return self._raw.path

    @property
    def size(self) -> int:
        """Bytes that arrived (download, read), or that the blob now has (upload, copy)."""
        return self._raw.size

    @property
    def etag(self) -> str | None:
        """The blob's ETag in double quotes, as the service sends it; None after a delete or a failure."""
        return self._raw.etag

    @property
    def last_modified(self) -> datetime | None:
        """When the blob was last written, in UTC; None after a delete or a failure."""
        return self._raw.last_modified

    @property
    def version_id(self) -> str | None:
        """The version that was read or written, where the account keeps versions."""
        return self._raw.version_id

    @property
    def crc64(self) -> int | None:
        """CRC-64/NVME of the bytes that were moved; None where none were (delete, failure)."""
        return self._raw.crc64

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata that came with the blob."""
        return self._raw.metadata

    @property
    def requests(self) -> int:
        """Requests sent for this item, repeated ones included."""
        return self._raw.requests

    @property
    def retries(self) -> int:
        """Requests among them that repeated one that had failed."""
        return self._raw.retries

    @property
    def seconds(self) -> float:
        """Wall time from the item's beginning to its end."""
        return self._raw.seconds

    @property
    def skipped(self) -> str | None:
        """Why nothing was done, where that is no failure; None otherwise.

        For an entry of a directory that is not a file, or a blob to be deleted that was not there.
        """
        return self._raw.skipped

    @property
    def error(self) -> Exception | None:
        """Why the item failed, or None."""
        return self._raw.error

    @property
    def data(self) -> bytes | None:
        """The bytes, of ``read_many(with_results=True)``; None otherwise, and after a failure."""
        return self._raw.value if isinstance(self._raw.value, bytes) else None

    def _shown(self) -> tuple[str, ...]:
        # Without the bytes, which may be many.
        return self._attributes[:-1]


class Progress(Result[_fastblob.Progress]):
    """How far a call has come, as handed to a ``progress`` callable about ten times a second.

    Immutable; pickles.
    """

    __slots__ = ()

    _attributes = (
        "items_done",
        "items_total",
        "bytes_done",
        "requests",
        "retries",
    )

    @property
    def items_done(self) -> int:
        """Items that have ended, failed ones included."""
        return self._raw.items_done

    @property
    def items_total(self) -> int | None:
        """All items; None while the input, a generator or a listing, has not ended."""
        return self._raw.items_total

    @property
    def bytes_done(self) -> int:
        """Bytes of content moved so far."""
        return self._raw.bytes_done

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return self._raw.requests

    @property
    def retries(self) -> int:
        """Requests among them that repeated one that had failed."""
        return self._raw.retries
