"""The embedded service's structured messages, with azure-storage-blob's encoder and decoder as the oracle."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from azure.storage.blob import BlobBlock, BlobServiceClient, ContainerClient
from azure.storage.blob._shared.streams import StructuredMessageEncodeStream, StructuredMessageProperties
from fastblob.local import LocalAzure
from support import MIB, SUBPROCESS_SECONDS, content

# The first service version that knows structured messages.
FIRST_VERSION = "2025-01-05"
SIZES = [0, 1, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 20 * MIB]
FORM = "XSM/1.0; properties=crc64"


@pytest.fixture(params=["memory", "files"])
def azure(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalAzure]:
    directory = tmp_path / "blocks" if request.param == "files" else None
    with LocalAzure(containers=["data"], tls=False, directory=directory) as service:
        yield service


@pytest.fixture
def container(azure: LocalAzure) -> Iterator[ContainerClient]:
    with BlobServiceClient(
        azure.blob_endpoint,
        azure.account_key,
        retry_total=0,
        api_version=FIRST_VERSION,
        max_single_get_size=64 * MIB,
        max_single_put_size=64 * MIB,
    ) as sdk:
        yield sdk.get_container_client("data")


def _read(container: ContainerClient, **options: Any) -> bytes:
    """Downloads with the check on, and makes sure that there was something to check."""
    answers: list[Any] = []
    download = container.get_blob_client("blob").download_blob(
        validate_content="crc64", raw_response_hook=answers.append, **options
    )
    data: bytes = download.readall()
    for answer in answers:
        # The client leaves the connection of a message without content open.
        answer.http_response.internal_response.close()
    # The client asks for a range first, which an empty blob does not have.
    assert answers[-1].http_response.headers["x-ms-structured-body"] == FORM
    return data


@pytest.mark.parametrize("size", SIZES)
def test_put_blob_and_get_blob(azure: LocalAzure, container: ContainerClient, size: int) -> None:
    data = content(size)
    # The client's own Put Blob sends the checksum of bytes in a header: only its encoder is used.
    message = StructuredMessageEncodeStream(io.BytesIO(data), size, StructuredMessageProperties.CRC64).read()
    request = Request(
        f"{azure.blob_endpoint}/data/blob",
        data=message,
        method="PUT",
        headers={
            "Authorization": f"Bearer {azure.issue_token()}",
            "x-ms-version": FIRST_VERSION,
            "x-ms-blob-type": "BlockBlob",
            "x-ms-structured-body": FORM,
            "x-ms-structured-content-length": str(size),
        },
    )
    with urlopen(request, timeout=SUBPROCESS_SECONDS) as answer:
        assert answer.status == 201
        assert answer.headers["x-ms-structured-body"] == FORM
    assert _read(container) == data


@pytest.mark.parametrize("size", SIZES[1:])
def test_put_block(container: ContainerClient, size: int) -> None:
    data = content(size)
    blob = container.get_blob_client("blob")
    answers: list[Any] = []
    blob.stage_block(
        "AAAA", io.BytesIO(data), length=size, validate_content="crc64", raw_response_hook=answers.append
    )
    assert answers[0].http_response.headers["x-ms-structured-body"] == FORM
    blob.commit_block_list([BlobBlock("AAAA"), BlobBlock("AAAA")])
    assert _read(container) == data + data


@pytest.mark.parametrize(
    ("offset", "length"),
    [(0, 1), (1, 4 * MIB), (4 * MIB - 1, 2), (3 * MIB, 9 * MIB + 7), (20 * MIB - 1, 1), (5 * MIB, None)],
)
def test_ranges(container: ContainerClient, offset: int, length: int | None) -> None:
    data = content(20 * MIB)
    container.upload_blob("blob", data)
    end = None if length is None else offset + length
    assert _read(container, offset=offset, length=length) == data[offset:end]
