"""Recorded answers to batches of deletions, told to ``delete_many`` and to azure-storage-blob."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from azure.storage.blob import BlobServiceClient
from fastblob import BlobPath
from hostile.server import KEY, Server
from recordings import sessions
from recordings.comparison import parts
from recordings.replay import is_batch
from recordings.sessions import Exchange
from recordings.speaker import saying

ABSENT = "no recordings of the real service at hand: FASTBLOB_AZURE_RECORDINGS names their folder"


def named(exchange: Exchange) -> list[BlobPath]:
    """The blobs that the parts of a batch delete; none if one of them does something else."""
    lines = [line.split(" ") for line in exchange.body.decode().splitlines() if line.endswith(" HTTP/1.1")]
    if any(method != "DELETE" for method, _, _ in lines):
        return []
    paths = [unquote(urlsplit(target).path).lstrip("/").partition("/") for _, target, _ in lines]
    return [BlobPath(container, name) for container, _, name in paths]


def batches() -> list[Any]:
    """The recorded batches, or one parameter that is skipped."""
    recorded = (exchange for exchange in sessions.exchanges() if is_batch(exchange))
    found = [pytest.param(batch, id=batch.name) for batch in recorded if named(batch)]
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))]


@pytest.mark.parametrize("exchange", batches())
def test_each_part_is_the_result_of_its_blob(exchange: Exchange) -> None:
    blobs = named(exchange)
    with Server(saying(exchange.answer, "BlobBatch")) as server:
        results = server.client(max_retries=0).delete_many(blobs, on_error="collect")
        with BlobServiceClient(server.url, credential=KEY, retry_total=0) as sdk:
            container = sdk.get_container_client(blobs[0].container)
            names = [blob.name for blob in blobs]
            theirs = [part.status_code for part in container.delete_blobs(*names, raise_on_any_failure=False)]
    errors = [result.error for result in results]
    assert [202 if error is None else error.status_code for error in errors] == theirs
    codes = [part.error_code for part in parts(exchange.answer)]
    assert ["" if error is None else error.error_code for error in errors] == codes
