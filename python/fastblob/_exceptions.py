"""What fastblob raises.

Every class is also a subclass of the ``azure.core.exceptions`` class that azure-storage-blob raises in the
same situation, so code that catches those goes on working::

    azure.core.exceptions.AzureError
    └── TransferError
        ├── BlobNotFoundError        also ResourceNotFoundError
        ├── BlobExistsError          also ResourceExistsError
        ├── BlobModifiedError        also ResourceModifiedError
        ├── AuthenticationError      also ClientAuthenticationError
        ├── ServiceError             also HttpResponseError
        │   └── BlobConflictError    also ResourceExistsError
        ├── NetworkError             also ServiceRequestError
        ├── IntegrityError           also HttpResponseError
        └── TransferCancelledError

Outside the tree, as everywhere in Python: ``ValueError`` for an argument or a path that cannot be right,
``TypeError`` for one of the wrong type, and for local files the ``OSError`` that belongs to it
(``FileNotFoundError``, ``PermissionError``, ...) with ``.filename``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
)

if TYPE_CHECKING:
    from ._results import TransferResult


class TransferError(AzureError):
    """A blob could not be moved; the base of all errors that come from the service or on the way to it.

    Attributes:
        blob: The blob in question, ``<container>/<name>``, or None.
        status_code: The HTTP status of the last answer, or None where none came.
        error_code: The service's error code (``x-ms-error-code``), such as ``"BlobNotFound"``, or None.
            All codes: https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
        request_id: ``x-ms-request-id`` of the last answer, which Azure support asks for, or None.
        attempts: How many times the request was sent.
        results: For calls on many blobs with ``on_error="raise"``: what became of every item, in input
            order; items that had not begun carry a TransferCancelledError. Empty otherwise.
    """

    blob: str | None
    status_code: int | None
    error_code: str | None
    request_id: str | None
    attempts: int
    results: list[TransferResult]

    def __init__(
        self,
        message: str,
        *,
        blob: str | None = None,
        status_code: int | None = None,
        error_code: str | None = None,
        request_id: str | None = None,
        attempts: int = 0,
    ) -> None:
        super().__init__(message)
        self.blob = blob
        self.status_code = status_code
        self.error_code = error_code
        self.request_id = request_id
        self.attempts = attempts
        self.results = []

    def __reduce__(self) -> tuple[Any, ...]:
        # AzureError keeps what was being handled when it was made; its traceback does not pickle.
        kept = ("blob", "status_code", "error_code", "request_id", "attempts", "results")
        return type(self), (self.message,), {name: getattr(self, name) for name in kept}


class BlobNotFoundError(TransferError, ResourceNotFoundError):
    """The blob or its container does not exist (404), or the source of a copy cannot be had."""


class BlobExistsError(TransferError, ResourceExistsError):
    """The blob exists already, and ``overwrite=True`` was not given; or a container that is to be created."""


class BlobModifiedError(TransferError, ResourceModifiedError):
    """The blob changed while it was being read, or is leased (412)."""


class AuthenticationError(TransferError, ClientAuthenticationError):
    """No token could be had, or the service refused the one, the key or the SAS that was sent (401, 403).

    Where the credential itself failed, its exception is ``__cause__``.
    """


class ServiceError(TransferError, HttpResponseError):
    """The service refused, or went on failing after all retries; see ``status_code`` and ``error_code``."""


class BlobConflictError(ServiceError, ResourceExistsError):
    """The blob or its container is in a state that does not allow it (409, but for what exists already).

    Archived, being rehydrated, immutable, leased to somebody else, with snapshots, or encrypted with a key of
    the customer's, for instance; or the container is being deleted: see ``error_code``.
    """


class NetworkError(TransferError, ServiceRequestError):
    """The service could not be reached, or connections to it went on breaking after all retries."""


class IntegrityError(TransferError, HttpResponseError):
    """The bytes that arrived are not those that were sent: a checksum, a length or a range is wrong.

    An HttpResponseError, since there was an answer and it is not usable; not a DecodeError, which is about
    answers that arrived whole and cannot be parsed.
    """


class TransferCancelledError(TransferError):
    """The item was given up because another one failed or the call was interrupted."""
