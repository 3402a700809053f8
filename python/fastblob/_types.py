"""The types in the signatures of the public API."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

    from ._blob_results import BlobItem, BlobProperties
    from ._container_results import ContainerProperties
    from ._paths import BlobPath
    from ._results import Progress

    Blob: TypeAlias = str | BlobPath | BlobItem | BlobProperties
    Container: TypeAlias = str | BlobPath | ContainerProperties
    ProgressOption: TypeAlias = bool | Callable[[Progress], object] | None

StrPath: TypeAlias = str | os.PathLike[str]
Tier: TypeAlias = Literal["Hot", "Cool", "Cold", "Archive"]
RehydratePriority: TypeAlias = Literal["Standard", "High"]
Checksum: TypeAlias = Literal["auto", "md5", "crc64"] | None
WorkloadType: TypeAlias = Literal["default", "general", "highCpu", "highMemory", "high_throughput"]
ErrorClasses: TypeAlias = type[Exception] | tuple[type[Exception], ...]
OnError: TypeAlias = Literal["raise", "collect"] | ErrorClasses
Snapshots: TypeAlias = Literal["include", "only"]
Included: TypeAlias = Literal["metadata", "tags", "copy", "snapshots", "versions", "deleted", "uncommitted"]


class BinaryReadable(Protocol):
    """A binary file object that ``write`` reads from: a file opened with ``"rb"``, a pipe, a response, ..."""

    def read(self, size: int, /) -> Buffer | None:
        """At most ``size`` bytes from the current position; none at the end."""


class BinaryReadableInto(Protocol):
    """A binary file object that fills memory of the caller, which ``write`` prefers where both exist."""

    def readinto(self, buffer: Any, /) -> int | None:
        """Fills a writable buffer from its beginning, and returns the number of bytes; 0 at the end."""
