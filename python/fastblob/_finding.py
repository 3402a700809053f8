"""Calls that search for blobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._listing import BlobIterator

if TYPE_CHECKING:
    from ._connection import Connection


class Finding:
    """The part of ``fastblob.Client`` that searches for blobs."""

    _connection: Connection

    def find(self, tags: str, *, container: str | None = None) -> BlobIterator:
        """Searches for blobs by their index tags, in the whole account or in one container.

        The service's index follows a write after some time, usually seconds.

        Args:
            tags: What must hold of them, such as ``"state" = 'done' AND "owner" > 'm'``: names in double and
                values in single quotes, compared as text by ``=``, ``>``, ``>=``, ``<`` and ``<=``, joined by
                ``AND``.
            container: Its name; None: all that the account has.

        Returns:
            An iterator that asks for pages of 5,000 as they are needed; whatever the service raises comes out
            of it. Each item has the blob's ``path``, good for every other call, and in ``tags`` those that
            are named in the condition.

        Raises:
            BlobNotFoundError: There is no such container.
            AuthenticationError: The credential may read blobs, but not search by tags.
            ServiceError: The condition is malformed.

        https://learn.microsoft.com/rest/api/storageservices/find-blobs-by-tags
        """
        connection = self._connection
        engine = connection.engine()
        return BlobIterator(connection, engine, engine.find_pages(tags, container))
