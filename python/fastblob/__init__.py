"""Moves Azure block blobs fast: many small ones, few large ones, from and to files and memory.

Start with ``Client``, or with the functions of this module, which are its methods on a client made from the
environment::

    import fastblob

    fastblob.upload_many([("data/a.bin", "container/a.bin"), ("data/b.bin", "container/b.bin")])
    content = fastblob.read("container/a.bin")

A blob is named ``<container>/<name>`` everywhere. ``help(fastblob._exceptions)`` draws what is raised when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._blob_results import BlobItem, BlobProperties
from ._checksum import crc64
from ._client import Client
from ._container_results import AccountInformation, ContainerProperties
from ._credentials import default_credential
from ._default import (
    account_information,
    acquire_lease,
    break_lease,
    change_lease,
    container_exists,
    container_properties,
    copy,
    create_container,
    create_snapshot,
    create_snapshot_many,
    delete,
    delete_container,
    delete_many,
    download,
    download_many,
    download_prefix,
    exists,
    find,
    get_tags,
    lease,
    list,
    list_containers,
    list_many,
    promote,
    properties,
    properties_many,
    read,
    read_into,
    read_many,
    release_lease,
    renew_lease,
    set_container_metadata,
    set_http_headers,
    set_metadata,
    set_metadata_many,
    set_tags,
    set_tags_many,
    set_tier,
    set_tier_many,
    undelete,
    undelete_many,
    upload,
    upload_dir,
    upload_many,
    write,
    write_many,
)
from ._fastblob import __version__
from ._lease import Lease
from ._options import WriteOptions
from ._paths import BlobPath
from ._results import Progress, TransferResult
from ._types import BinaryReadable, BinaryReadableInto

if TYPE_CHECKING:
    import builtins

    from ._exceptions import (
        AuthenticationError,
        BlobConflictError,
        BlobExistsError,
        BlobModifiedError,
        BlobNotFoundError,
        IntegrityError,
        NetworkError,
        ServiceError,
        TransferCancelledError,
        TransferError,
    )

__all__ = [
    "AccountInformation",
    "AuthenticationError",
    "BinaryReadable",
    "BinaryReadableInto",
    "BlobConflictError",
    "BlobExistsError",
    "BlobItem",
    "BlobModifiedError",
    "BlobNotFoundError",
    "BlobPath",
    "BlobProperties",
    "Client",
    "ContainerProperties",
    "IntegrityError",
    "Lease",
    "NetworkError",
    "Progress",
    "ServiceError",
    "TransferCancelledError",
    "TransferError",
    "TransferResult",
    "WriteOptions",
    "__version__",
    "account_information",
    "acquire_lease",
    "break_lease",
    "change_lease",
    "container_exists",
    "container_properties",
    "copy",
    "crc64",
    "create_container",
    "create_snapshot",
    "create_snapshot_many",
    "default_credential",
    "delete",
    "delete_container",
    "delete_many",
    "download",
    "download_many",
    "download_prefix",
    "exists",
    "find",
    "get_tags",
    "lease",
    "list",
    "list_containers",
    "list_many",
    "promote",
    "properties",
    "properties_many",
    "read",
    "read_into",
    "read_many",
    "release_lease",
    "renew_lease",
    "set_container_metadata",
    "set_http_headers",
    "set_metadata",
    "set_metadata_many",
    "set_tags",
    "set_tags_many",
    "set_tier",
    "set_tier_many",
    "undelete",
    "undelete_many",
    "upload",
    "upload_dir",
    "upload_many",
    "write",
    "write_many",
]


def __getattr__(name: str) -> object:
    # azure.core.exceptions, which they derive from, takes 0.1 s to import: only when one is asked for.
    if name in __all__ and name.endswith("Error"):
        from . import _exceptions

        value: object = getattr(_exceptions, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> builtins.list[str]:
    return sorted(globals().keys() | set(__all__))
