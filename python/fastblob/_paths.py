"""How a blob is named."""

from __future__ import annotations

from typing import Any, NoReturn

from . import _fastblob


class BlobPath:
    """The path of one blob, ``<container>/<name>``; or of a container, or of a prefix in it.

    Every call that takes a blob takes it as str or as BlobPath. With one argument, and as a str, it is
    checked strictly. With two arguments the name is taken as it is, as the service lists it: also with
    slashes at its ends, two in a row, backslashes, and ``.`` or ``..`` as segments.
    https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata

    Immutable; hashable, ordered by container and name, and pickles.

    Args:
        path_or_container: ``"<container>/<name>"`` or ``"<container>"``; the container alone where ``name``
            is given.
        name: The blob's name in its container, verbatim.

    Raises:
        ValueError: It is not such a path: a scheme or host in front; a leading, trailing or doubled slash; an
            illegal container name; ``.`` or ``..`` as a segment; a backslash; a name of more than 1,024
            characters or 254 segments. The message gives the reason and, where possible, the repaired form.
        TypeError: An argument is not a str.
    """

    __slots__ = ("_container", "_name")

    _container: str
    _name: str

    def __init__(self, path_or_container: str, name: str | None = None, /) -> None:
        if name is None:
            container, name = _fastblob.parse_path(path_or_container)
        else:
            _fastblob.check_path(path_or_container, name)
            container = path_or_container
        object.__setattr__(self, "_container", container)
        object.__setattr__(self, "_name", name)

    @property
    def container(self) -> str:
        """The container's name."""
        return self._container

    @property
    def name(self) -> str:
        """The name in the container; empty where the path names the container alone."""
        return self._name

    def __str__(self) -> str:
        return f"{self._container}/{self._name}" if self._name else self._container

    def __repr__(self) -> str:
        path = str(self)
        try:
            is_strict = _fastblob.parse_path(path) == self._key
        except ValueError:
            is_strict = False
        shown = repr(path) if is_strict else f"{self._container!r}, {self._name!r}"
        return f"{type(self).__name__}({shown})"

    @property
    def _key(self) -> tuple[str, str]:
        return self._container, self._name

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
        return type(self), self._key
