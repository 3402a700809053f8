"""How a blob is named."""

from __future__ import annotations

from typing import Any, NoReturn

from . import _fastblob


class BlobPath:
    """The path of one blob, ``<container>/<name>``; or of a container, or of a prefix in it.

    With ``version_id`` or ``snapshot`` it names that state of the blob, for whatever reads it (``read``,
    ``download``, ``properties``, ``get_tags``, the source of ``copy``), and for ``delete``, ``set_tier`` and
    ``set_tags``. What writes the blob itself refuses it. As str it ends in ``?versionid=...`` or
    ``?snapshot=...``; such a str names a blob that is called so, and not the version.

    Every call that takes a blob takes it as str or as BlobPath. With one argument, and as a str, it is
    checked strictly. With two arguments the name is taken as it is, as the service lists it: also with
    slashes at its ends, two in a row, backslashes, and ``.`` or ``..`` as segments.
    https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata

    Immutable; hashable, ordered by container, name, version and snapshot, and pickles.

    Args:
        path_or_container: ``"<container>/<name>"`` or ``"<container>"``; the container alone where ``name``
            is given.
        name: The blob's name in its container, verbatim.
        version_id: A version of the blob, as a result or a listing gives it.
            https://learn.microsoft.com/azure/storage/blobs/versioning-overview
        snapshot: A snapshot of the blob: its time, as ``create_snapshot`` or a listing gives it.
            https://learn.microsoft.com/azure/storage/blobs/snapshots-overview

    Raises:
        ValueError: It is not such a path: a scheme or host in front; a leading, trailing or doubled slash; an
            illegal container name; ``.`` or ``..`` as a segment; a backslash; a name of more than 1,024
            characters or 254 segments. The message gives the reason and, where possible, the repaired form.
            Or ``version_id`` and ``snapshot`` are given both, or of a container, or are none.
        TypeError: An argument is not a str.
    """

    __slots__ = ("_container", "_name", "_snapshot", "_version_id")

    _container: str
    _name: str
    _version_id: str | None
    _snapshot: str | None

    def __init__(
        self,
        path_or_container: str,
        name: str | None = None,
        /,
        *,
        version_id: str | None = None,
        snapshot: str | None = None,
    ) -> None:
        if name is None:
            container, name = _fastblob.parse_path(path_or_container)
        else:
            container = path_or_container
        _fastblob.check_path(container, name, version_id, snapshot)
        object.__setattr__(self, "_container", container)
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_version_id", version_id)
        object.__setattr__(self, "_snapshot", snapshot)

    @property
    def container(self) -> str:
        """The container's name."""
        return self._container

    @property
    def name(self) -> str:
        """The name in the container; empty where the path names the container alone."""
        return self._name

    @property
    def version_id(self) -> str | None:
        """The version that is meant; None: the blob itself, or a snapshot."""
        return self._version_id

    @property
    def snapshot(self) -> str | None:
        """The time of the snapshot that is meant; None: the blob itself, or a version."""
        return self._snapshot

    def __str__(self) -> str:
        path = f"{self._container}/{self._name}" if self._name else self._container
        if self._version_id is not None:
            return f"{path}?versionid={self._version_id}"
        return path if self._snapshot is None else f"{path}?snapshot={self._snapshot}"

    def __repr__(self) -> str:
        path = f"{self._container}/{self._name}" if self._name else self._container
        try:
            is_strict = _fastblob.parse_path(path) == (self._container, self._name)
        except ValueError:
            is_strict = False
        shown = repr(path) if is_strict else f"{self._container!r}, {self._name!r}"
        if self._version_id is not None:
            shown += f", version_id={self._version_id!r}"
        if self._snapshot is not None:
            shown += f", snapshot={self._snapshot!r}"
        return f"{type(self).__name__}({shown})"

    @property
    def _key(self) -> tuple[str, str, str, str]:
        return self._container, self._name, self._version_id or "", self._snapshot or ""

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, BlobPath) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    def __lt__(self, other: object) -> bool:
        return self._key < other._key if isinstance(other, BlobPath) else NotImplemented

    def __le__(self, other: object) -> bool:
        return self._key <= other._key if isinstance(other, BlobPath) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return self._key > other._key if isinstance(other, BlobPath) else NotImplemented

    def __ge__(self, other: object) -> bool:
        return self._key >= other._key if isinstance(other, BlobPath) else NotImplemented

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a BlobPath cannot be changed (attribute {name!r}): make another one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a BlobPath cannot be changed (attribute {name!r}): make another one")

    def __reduce__(self) -> tuple[Any, ...]:
        state = {"version_id": self._version_id, "snapshot": self._snapshot}
        return _restored, (type(self), self._container, self._name, state)


def _restored(path: type[BlobPath], container: str, name: str, state: dict[str, str | None]) -> BlobPath:
    return path(container, name, **state)
