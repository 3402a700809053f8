"""The same four transfers with each library, each as its own documentation advises for speed.

Every adapter is made for an account endpoint with its key and has: ``download_file``, ``upload_file``,
``read_blobs``, ``write_blobs``. Names are blob names in the container ``bench``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CONTAINER = "bench"


class Adapter(Protocol):
    """What a library has to do."""

    def download_file(self, name: str, path: str) -> None:
        """Download one blob to a file."""

    def upload_file(self, path: str, name: str) -> None:
        """Upload one file, replacing the blob."""

    def read_blobs(self, names: Sequence[str]) -> list[bytes]:
        """Read blobs into memory, one ``bytes`` each."""

    def write_blobs(self, names: Sequence[str], data: bytes) -> None:
        """Write the same bytes to many blobs, replacing them."""


def _fastblob(endpoint: str, account: str, key: str) -> Adapter:
    from .fastblob_adapter import FastblobAdapter

    return FastblobAdapter(endpoint, account, key)


def _azure_sdk(endpoint: str, account: str, key: str) -> Adapter:
    from .azure_sdk_adapter import AzureSdkAdapter

    return AzureSdkAdapter(endpoint, account, key)


def _obstore(endpoint: str, account: str, key: str) -> Adapter:
    from .obstore_adapter import ObstoreAdapter

    return ObstoreAdapter(endpoint, account, key)


ADAPTERS: dict[str, Callable[[str, str, str], Adapter]] = {
    "fastblob": _fastblob,
    "obstore": _obstore,
    "azure-storage-blob": _azure_sdk,
}
