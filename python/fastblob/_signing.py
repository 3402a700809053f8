"""URLs that let others in: with a shared access signature (SAS), and without a credential of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._options import raw_options

if TYPE_CHECKING:
    from datetime import datetime

    from ._connection import Connection
    from ._types import Blob, SasProtocol


class Signing:
    """The part of ``fastblob.Client`` that makes URLs with a SAS."""

    _connection: Connection

    def sas_url(
        self,
        blob: Blob,
        *,
        permissions: str,
        expiry: datetime,
        start: datetime | None = None,
        ip: str | None = None,
        protocol: SasProtocol | None = None,
        content_type: str | None = None,
        content_encoding: str | None = None,
        content_language: str | None = None,
        content_disposition: str | None = None,
        cache_control: str | None = None,
    ) -> str:
        """Makes a URL with which whoever has it may use one blob until ``expiry``: keep it like a password.

        Signed with the account's key; or, where the credential is one of Entra ID, with a user delegation
        key, which the client asks the service for and keeps for later signatures. Then the SAS lasts seven
        days at most, and permits what the identity itself may do. With a key nothing is sent, and whether
        there is such a blob is not looked at.

        Args:
            blob: ``<container>/<name>``.
            permissions: Some of these letters, in this order: ``r`` read, ``a`` add, ``c`` create, ``w``
                write, ``d`` delete, ``x`` delete a version, ``y`` delete for good, ``t`` tags, ``m`` move,
                ``e`` execute, ``i`` set an immutability policy.
            expiry: When it ends; with a time zone.
            start: When it begins, with a time zone; None: at once. Clocks differ: give none, or a time that
                is 15 minutes past, where it is to be good at once.
            ip: The IPv4 address that requests must come from, or a range, ``"168.1.5.60-168.1.5.70"``.
            protocol: ``"https"``, or ``"https,http"`` for plain HTTP too. None: ``"https"``, where the client
                itself uses that.
            content_type: ``Content-Type`` that answers have instead of the blob's own, and so the four
                following.
            content_encoding: See there.
            content_language: See there.
            content_disposition: Such as ``'attachment; filename="report.pdf"'``.
            cache_control: Such as ``"no-cache"``.

        Returns:
            The blob's URL with the SAS. ``Client.from_blob_url`` takes it.

        Raises:
            ValueError: ``expiry`` is past, has no time zone, or is further away than the credential can sign
                for; a permission is unknown or out of order; or the client has a SAS, or no credential, and
                cannot sign.
            AuthenticationError: The identity may not have a user delegation key: it lacks the role 'Storage
                Blob Delegator' on the account, or one of 'Storage Blob Data ...' there.

        https://learn.microsoft.com/rest/api/storageservices/create-service-sas,
        https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas
        """
        headers = raw_options(
            content_type=content_type,
            content_encoding=content_encoding,
            content_language=content_language,
            content_disposition=content_disposition,
            cache_control=cache_control,
        )
        connection = self._connection
        engine = connection.engine()
        return connection.finish(
            engine.sas_url(blob, False, permissions, start, expiry, ip, protocol, headers)  # noqa: FBT003
        )

    def container_sas_url(
        self,
        container: Blob,
        *,
        permissions: str,
        expiry: datetime,
        start: datetime | None = None,
        ip: str | None = None,
        protocol: SasProtocol | None = None,
        content_type: str | None = None,
        content_encoding: str | None = None,
        content_language: str | None = None,
        content_disposition: str | None = None,
        cache_control: str | None = None,
    ) -> str:
        """Makes a URL with which whoever has it may use all blobs of a container until ``expiry``.

        Args:
            container: The container's name.
            permissions: Some of ``"racwdxyltfmei"``, in this order: as for ``sas_url``, and ``l`` list, ``f``
                find blobs by tags.
            expiry: As for ``sas_url``, and so are the following.
            start: See there.
            ip: See there.
            protocol: See there.
            content_type: See there.
            content_encoding: See there.
            content_language: See there.
            content_disposition: See there.
            cache_control: See there.

        Returns:
            The container's URL with the SAS. ``Client.from_container_url`` takes it.

        Raises:
            ValueError: As for ``sas_url``, and where ``container`` names a blob.
            AuthenticationError: As for ``sas_url``.

        https://learn.microsoft.com/rest/api/storageservices/create-service-sas,
        https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas
        """
        headers = raw_options(
            content_type=content_type,
            content_encoding=content_encoding,
            content_language=content_language,
            content_disposition=content_disposition,
            cache_control=cache_control,
        )
        connection = self._connection
        engine = connection.engine()
        return connection.finish(
            engine.sas_url(container, True, permissions, start, expiry, ip, protocol, headers)  # noqa: FBT003
        )

    def account_sas_url(
        self,
        *,
        permissions: str,
        resource_types: str,
        expiry: datetime,
        start: datetime | None = None,
        ip: str | None = None,
        protocol: SasProtocol | None = None,
    ) -> str:
        """Makes a URL with which whoever has it may use the account's blobs until ``expiry``.

        It is signed with the account's key, and cannot be with Entra ID. Nothing is sent.

        Args:
            permissions: Some of these letters, in this order: ``r`` read, ``w`` write, ``d`` delete, ``x``
                delete a version, ``y`` delete for good, ``l`` list, ``a`` add, ``c`` create, ``u`` update,
                ``p`` process, ``f`` find blobs by tags, ``t`` tags, ``i`` set an immutability policy.
            resource_types: Some of these letters, in this order: ``s`` the service itself (list containers),
                ``c`` containers (list blobs), ``o`` blobs.
            expiry: As for ``sas_url``, and so are the following.
            start: See there.
            ip: See there.
            protocol: See there.

        Returns:
            The account's URL with the SAS. ``Client`` takes it.

        Raises:
            ValueError: As for ``sas_url``, and where the client has no account key.

        https://learn.microsoft.com/rest/api/storageservices/create-account-sas
        """
        engine = self._connection.engine()
        return engine.account_sas_url(permissions, resource_types, start, expiry, ip, protocol)
