"""Calls about leases on blobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._lease import Lease, lease_id

if TYPE_CHECKING:
    from ._connection import Connection
    from ._types import Blob


class Leasing:
    """The part of ``fastblob.Client`` about leases on blobs."""

    _connection: Connection

    def lease(self, blob: Blob, seconds: int | None = 30) -> Lease:
        """Holds a lease on a blob for the length of a ``with`` block: nobody else writes or deletes it then.

        The lease is renewed in the background, and released at the end of the block. ::

            with client.lease("container/state.json") as lease:
                state = client.read("container/state.json")
                client.write("container/state.json", changed(state), overwrite=True, lease=lease)

        ``help(fastblob.Lease)`` tells what becomes of trouble with renewals.

        Args:
            blob: ``<container>/<name>``, of a blob that exists.
            seconds: How long the lease lasts should this process end without releasing it, 15 to 60; None:
                for ever, until somebody breaks it.

        Returns:
            What the ``with`` block holds; the lease is acquired when that begins, and what ``acquire_lease``
            raises comes out there.

        Raises:
            ValueError: The path is malformed.

        https://learn.microsoft.com/rest/api/storageservices/lease-blob
        """
        return Lease(self._connection, blob, seconds)

    def acquire_lease(self, blob: Blob, seconds: int | None = 60, *, id: str | None = None) -> str:
        """Acquires a lease on a blob, which nobody renews; ``lease`` is for what one ``with`` block does.

        Args:
            blob: ``<container>/<name>``, of a blob that exists.
            seconds: After how many it ends if it is not renewed, 15 to 60; None: never.
            id: The ID that it will have, a GUID; None: a new one.

        Returns:
            The ID, which the other calls take as ``lease=``.

        Raises:
            BlobConflictError: There is a lease on the blob already.
            BlobNotFoundError: There is no such blob.

        https://learn.microsoft.com/rest/api/storageservices/lease-blob
        """
        connection = self._connection
        return connection.finish(connection.engine().acquire_lease(blob, seconds, id))

    def renew_lease(self, blob: Blob, lease: Lease | str) -> None:
        """Lets a lease last as long as it did when it was acquired, from now on.

        Args:
            blob: ``<container>/<name>``.
            lease: The lease, or its ID.

        Raises:
            BlobConflictError: It was broken, or there is another lease on the blob. One that has ended can be
                renewed until somebody else writes or leases the blob.
            BlobNotFoundError: There is no such blob.

        https://learn.microsoft.com/rest/api/storageservices/lease-blob
        """
        connection = self._connection
        connection.finish(connection.engine().renew_lease(blob, lease_id(lease)))

    def change_lease(self, blob: Blob, lease: str, new_id: str) -> str:
        """Gives a lease another ID, so that whoever knows the old one holds it no more.

        Args:
            blob: ``<container>/<name>``.
            lease: Its ID. (That of a ``with`` block stays as it is.)
            new_id: The ID that it will have, a GUID.

        Returns:
            The new ID.

        Raises:
            BlobConflictError: It was broken, or there is another lease on the blob, or none.
            BlobNotFoundError: There is no such blob.

        https://learn.microsoft.com/rest/api/storageservices/lease-blob
        """
        connection = self._connection
        return connection.finish(connection.engine().change_lease(blob, lease, new_id))

    def release_lease(self, blob: Blob, lease: str) -> None:
        """Ends a lease at once; others may acquire one.

        Args:
            blob: ``<container>/<name>``.
            lease: Its ID. (That of a ``with`` block ends with it.)

        Raises:
            BlobConflictError: There is another lease on the blob, or none.
            BlobNotFoundError: There is no such blob.

        https://learn.microsoft.com/rest/api/storageservices/lease-blob
        """
        connection = self._connection
        connection.finish(connection.engine().release_lease(blob, lease))

    def break_lease(self, blob: Blob, seconds: int | None = None) -> int:
        """Ends a lease whose ID need not be known.

        Args:
            blob: ``<container>/<name>``.
            seconds: Until the end, 0 to 60, and not longer than it lasts by itself; None: when it would end
                by itself, at once where it never would. Its holder may use it till then, but not renew it.

        Returns:
            In how many seconds others may acquire a lease.

        Raises:
            BlobConflictError: There is no lease on the blob.
            BlobNotFoundError: There is no such blob.

        https://learn.microsoft.com/rest/api/storageservices/lease-blob
        """
        connection = self._connection
        return connection.finish(connection.engine().break_lease(blob, seconds))
