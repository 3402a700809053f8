"""azure-storage-blob: threads, connections for each of them, large pieces."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient

from . import CONTAINER

if TYPE_CHECKING:
    from collections.abc import Sequence

THREADS = 16


class AzureSdkAdapter:
    """azure-storage-blob, tuned: by default its pool keeps 10 connections and a download uses one."""

    def __init__(self, endpoint: str, account: str, key: str) -> None:
        session = requests.Session()
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=2 * THREADS))
        session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=2 * THREADS))
        service = BlobServiceClient(
            endpoint,
            credential={"account_name": account, "account_key": key},
            transport=RequestsTransport(session=session, session_owner=False),
            max_chunk_get_size=8 << 20,
            max_single_get_size=8 << 20,
            max_block_size=8 << 20,
            max_single_put_size=8 << 20,
        )
        self._container = service.get_container_client(CONTAINER)
        self._threads = ThreadPoolExecutor(THREADS)

    def download_file(self, name: str, path: str) -> None:
        with Path(path).open("wb") as file:
            self._container.download_blob(name, max_concurrency=8).readinto(file)

    def upload_file(self, path: str, name: str) -> None:
        with Path(path).open("rb") as file:
            self._container.upload_blob(name, file, overwrite=True, max_concurrency=8)

    def read_blobs(self, names: Sequence[str]) -> list[bytes]:
        def read(name: str) -> bytes:
            return self._container.download_blob(name).readall()

        return list(self._threads.map(read, names))

    def write_blobs(self, names: Sequence[str], data: bytes) -> None:
        def write(name: str) -> None:
            self._container.upload_blob(name, data, overwrite=True)

        list(self._threads.map(write, names))
