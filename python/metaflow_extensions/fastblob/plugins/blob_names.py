"""Which blob holds what Metaflow stores under a key: the same as with Metaflow's own Azure datastore.

That one takes any key, and its HTTP client folds ``.`` and ``..`` as segments, as those of URLs are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from metaflow.datastore.exceptions import DataException

if TYPE_CHECKING:
    import fastblob

_DOT_SEGMENT = re.compile(r"/\.\.?(?:/|$)")


class BlobNames:
    """The names of the blobs below the root of a datastore.

    Args:
        root: ``<container>`` or ``<container>/<prefix>``.
    """

    def __init__(self, root: str) -> None:
        self._container, _, prefix = root.partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._only_container = f"{self._container}/"
        self._root = self._only_container + self._prefix

    def blob(self, key: str) -> str:
        """The blob of a key, ``<container>/<name>``.

        Raises:
            DataException: No blob can have that name.
        """
        blob = self._root + (key.lstrip("/") if self._prefix else key)
        # The first of the two is soon answered.
        if "/." in blob and _DOT_SEGMENT.search(blob):
            blob = _fold_dot_segments(blob)
        if blob == self._only_container:
            raise DataException(f"'{key}' cannot be the name of an object: it names the container")
        try:
            as_path(blob)
        except ValueError as error:
            raise DataException(f"'{key}' cannot be the name of an object: {error}") from None
        return blob

    def directory(self, key: str) -> str:
        """The directory of a key, ``<container>/<prefix>`` without the slash at its end.

        Raises:
            DataException: No blob can be in such a directory.
        """
        name = (self._prefix + f"{key.rstrip('/')}/".lstrip("/")) if self._prefix else key.rstrip("/")
        directory = f"{self._container}/{name}"
        # The slash that Metaflow's own datastore puts behind a directory is put there by the listing.
        directory = directory[:-1] if directory.endswith("/") else directory
        try:
            as_path(directory)
        except ValueError as error:
            raise DataException(f"'{key}' cannot be the name of a directory: {error}") from None
        return directory

    def key(self, name: str) -> str:
        """The key of a blob or directory that is called ``name`` in the container."""
        return name[len(self._prefix) :]


def as_path(blob: str) -> fastblob.BlobPath:
    """What fastblob's calls take for a blob with any name, for which a str would be checked strictly."""
    import fastblob

    container, _, name = blob.partition("/")
    return fastblob.BlobPath(container, name)


def _fold_dot_segments(blob: str) -> str:
    """RFC 3986, section 5.2.4, on the name; nothing leads out of the container.

    https://www.rfc-editor.org/rfc/rfc3986#section-5.2.4
    """
    container, *segments = blob.split("/")
    folded: list[str] = []
    for segment in segments:
        if segment == "..":
            if not folded:
                raise DataException(
                    f"'{blob}' cannot be the name of an object: '..' leads out of the container"
                )
            folded.pop()
        elif segment != ".":
            folded.append(segment)
    if segments[-1] in {".", ".."}:
        folded.append("")
    return "/".join([container, *folded])
