"""Calls about containers, and about the account itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._container_results import AccountInformation, ContainerProperties
from ._listing import included
from ._options import conditions
from ._pages import PageIterator
from ._paths import BlobPath

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from ._connection import Connection
    from ._types import Container


class ContainerIterator(PageIterator[ContainerProperties]):
    """What ``list_containers()`` returns: asks for one page at a time, as ``list()`` does."""

    _item = ContainerProperties


class Containers:
    """The part of ``fastblob.Client`` about containers, and about the account itself."""

    _connection: Connection

    def create_container(
        self,
        container: Container,
        *,
        metadata: Mapping[str, str] | None = None,
        public_access: Literal["blob", "container"] | None = None,
    ) -> None:
        """Creates a container.

        Args:
            container: Its name: 3 to 63 lower-case letters, digits and single hyphens.
            metadata: Names (identifiers) and values (ASCII), 8 KiB in all.
            public_access: What anybody may do without a credential, if the account allows that: ``"blob"``:
                read blobs whose names are known; ``"container"``: list them as well; None: nothing.

        Raises:
            BlobExistsError: There is a container of that name.
            BlobConflictError: There was one, which is being deleted: for at least 30 seconds, and as long as
                it has blobs, its name cannot be used again (``error_code`` is ``"ContainerBeingDeleted"``).

        https://learn.microsoft.com/rest/api/storageservices/create-container
        """
        connection = self._connection
        engine = connection.engine()
        connection.finish(engine.create_container(name_of(container), metadata, public_access))

    def delete_container(
        self, container: Container, *, missing_ok: bool = False, lease: str | None = None
    ) -> None:
        """Deletes a container with all the blobs in it, which are gone at once.

        Args:
            container: Its name.
            missing_ok: Whether it is fine that it is not there, or is being deleted already.
            lease: The ID of the lease that is held on the container.

        Raises:
            BlobNotFoundError: There is no such container.
            BlobConflictError: It is being deleted, or something protects it.
            BlobModifiedError: It is leased.

        https://learn.microsoft.com/rest/api/storageservices/delete-container
        """
        connection = self._connection
        engine = connection.engine()
        required = conditions(lease=lease)
        connection.finish(engine.delete_container(name_of(container), missing_ok, required))

    def container_exists(self, container: Container) -> bool:
        """Whether a container exists; False as well while it is being deleted.

        Args:
            container: Its name.

        Returns:
            Whether it was there when the service was asked.

        Raises:
            TransferError: The service does not say, for instance AuthenticationError.

        https://learn.microsoft.com/rest/api/storageservices/get-container-properties
        """
        try:
            self.container_properties(container)
        except Exception as error:
            if getattr(error, "error_code", None) in {"ContainerNotFound", "ContainerBeingDeleted"}:
                return False
            raise
        return True

    def container_properties(self, container: Container, *, lease: str | None = None) -> ContainerProperties:
        """The properties of a container, with its metadata.

        Args:
            container: Its name.
            lease: The ID of the lease that must be held on the container.

        Returns:
            Its properties.

        Raises:
            BlobNotFoundError: There is no such container.
            BlobModifiedError: There is no such lease.

        https://learn.microsoft.com/rest/api/storageservices/get-container-properties
        """
        connection = self._connection
        engine = connection.engine()
        required = conditions(lease=lease)
        return ContainerProperties(
            connection.finish(engine.container_properties(name_of(container), required))
        )

    def set_container_metadata(
        self, container: Container, metadata: Mapping[str, str], *, lease: str | None = None
    ) -> None:
        """Replaces all metadata of a container.

        Args:
            container: Its name.
            metadata: Names (identifiers) and values (ASCII), 8 KiB in all.
            lease: The ID of the lease that must be held on the container.

        Raises:
            BlobNotFoundError: There is no such container.
            BlobModifiedError: There is no such lease.

        https://learn.microsoft.com/rest/api/storageservices/set-container-metadata
        """
        connection = self._connection
        engine = connection.engine()
        required = conditions(lease=lease)
        connection.finish(engine.set_container_metadata(name_of(container), metadata, required))

    def list_containers(
        self, prefix: str | None = None, *, include: Sequence[Literal["metadata", "deleted"]] = ()
    ) -> ContainerIterator:
        """Lists the containers of the account, in the order of their names.

        Args:
            prefix: What the names begin with; None: all.
            include: ``"metadata"``: tell the metadata of each; ``"deleted"``: list also those that were
                deleted and can be restored.

        Returns:
            An iterator over ``ContainerProperties`` that asks for pages of 5,000 as they are needed; whatever
            the service raises comes out of it.

        Raises:
            ValueError: ``include`` has another word.

        https://learn.microsoft.com/rest/api/storageservices/list-containers2
        """
        connection = self._connection
        engine = connection.engine()
        pages = engine.container_pages(prefix=prefix, include=included(include))
        return ContainerIterator(connection, engine, pages)

    def account_information(self) -> AccountInformation:
        """What kind of account it is.

        Returns:
            Its SKU and kind, and whether it has a hierarchical namespace.

        Raises:
            TransferError: The service does not say, for instance AuthenticationError.

        https://learn.microsoft.com/rest/api/storageservices/get-account-information
        """
        connection = self._connection
        return AccountInformation(connection.finish(connection.engine().account_information()))


def name_of(container: Container) -> str:
    """The name of a container, which the compiled module checks."""
    if isinstance(container, ContainerProperties):
        return container.name
    # One of a blob names no container: with the blob's name it is refused.
    return str(container) if isinstance(container, BlobPath) else container
