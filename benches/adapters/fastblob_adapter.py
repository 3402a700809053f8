"""fastblob: its calls as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fastblob
from azure.core.credentials import AzureNamedKeyCredential

from . import CONTAINER

if TYPE_CHECKING:
    from collections.abc import Sequence


class FastblobAdapter:
    """fastblob with its defaults."""

    def __init__(self, endpoint: str, account: str, key: str) -> None:
        self._client = fastblob.Client(endpoint, AzureNamedKeyCredential(account, key))

    def download_file(self, name: str, path: str) -> None:
        self._client.download(f"{CONTAINER}/{name}", path)

    def upload_file(self, path: str, name: str) -> None:
        self._client.upload(path, f"{CONTAINER}/{name}", overwrite=True)

    def read_blobs(self, names: Sequence[str]) -> list[bytes]:
        return self._client.read_many([f"{CONTAINER}/{name}" for name in names])

    def write_blobs(self, names: Sequence[str], data: bytes) -> None:
        self._client.write_many([(f"{CONTAINER}/{name}", data) for name in names], overwrite=True)
