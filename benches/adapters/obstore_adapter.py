"""obstore: its asynchronous calls, as many at a time as its documentation shows."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.store import AzureStore

from . import CONTAINER

if TYPE_CHECKING:
    from collections.abc import Sequence

CONCURRENT = 32
PART = 8 << 20


class ObstoreAdapter:
    """obstore; a large blob is read in parallel ranges, which its users write by themselves."""

    def __init__(self, endpoint: str, account: str, key: str) -> None:
        self._store = AzureStore(
            container_name=CONTAINER,
            endpoint=endpoint,
            account_name=account,
            account_key=key,
            client_options={"allow_http": True},
        )

    def download_file(self, name: str, path: str) -> None:
        asyncio.run(self._download_file(name, path))

    async def _download_file(self, name: str, path: str) -> None:
        size = (await obstore.head_async(self._store, name))["size"]
        limit = asyncio.Semaphore(8)
        with Path(path).open("wb") as file:
            file.truncate(size)

            def write(start: int, data: memoryview) -> None:
                os.pwrite(file.fileno(), data, start)

            async def get(start: int) -> None:
                async with limit:
                    length = min(PART, size - start)
                    data = await obstore.get_range_async(self._store, name, start=start, length=length)
                    await asyncio.to_thread(write, start, memoryview(data))

            await asyncio.gather(*(get(start) for start in range(0, size, PART)))

    def upload_file(self, path: str, name: str) -> None:
        obstore.put(self._store, name, Path(path), chunk_size=PART, max_concurrency=8)

    def read_blobs(self, names: Sequence[str]) -> list[bytes]:
        return asyncio.run(self._read_blobs(names))

    async def _read_blobs(self, names: Sequence[str]) -> list[bytes]:
        limit = asyncio.Semaphore(CONCURRENT)

        async def read(name: str) -> bytes:
            async with limit:
                answer = await obstore.get_async(self._store, name)
                return bytes(await answer.bytes_async())

        return await asyncio.gather(*(read(name) for name in names))

    def write_blobs(self, names: Sequence[str], data: bytes) -> None:
        asyncio.run(self._write_blobs(names, data))

    async def _write_blobs(self, names: Sequence[str], data: bytes) -> None:
        limit = asyncio.Semaphore(CONCURRENT)

        async def write(name: str) -> None:
            async with limit:
                await obstore.put_async(self._store, name, data)

        await asyncio.gather(*(write(name) for name in names))
