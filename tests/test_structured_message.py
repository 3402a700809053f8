"""The embedded service's structured messages, with azure-storage-blob's encoder and decoder as the oracle."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from azure.storage.blob import BlobBlock, BlobServiceClient, ContainerClient
from fastblob.local import LocalAzure
from support import MIB, content

# The first service version that knows structured messages.
FIRST_VERSION = "2025-01-05"
SIZES = [0, 1, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 20 * MIB]
FORM = "XSM/1.0; properties=crc64"


@pytest.fixture(params=["memory", "files"])
def container(request: pytest.FixtureRequest, tmp_path) -> Iterator[ContainerClient]:
    directory = tmp_path / "blocks" if request.param == "files" else None
    with (
        LocalAzure(containers=["data"], tls=False, directory=directory) as azure,
        BlobServiceClient(
            azure.blob_endpoint,
            azure.account_key,
            retry_total=0,
            api_version=FIRST_VERSION,
            max_single_get_size=64 * MIB,
            max_single_put_size=64 * MIB,
        ) as sdk,
    ):
        yield sdk.get_container_client("data")


def _read(container: ContainerClient, **options) -> bytes:
    """Downloads with the check on, and makes sure that there was something to check."""
    answers = []
    download = container.get_blob_client("blob").download_blob(
        validate_content="crc64", raw_response_hook=answers.append, **options
    )
    data = download.readall()
    assert answers
    assert all(answer.http_response.headers["x-ms-structured-body"] == FORM for answer in answers)
    return data


@pytest.mark.parametrize("size", SIZES)
def test_put_blob_and_get_blob(container: ContainerClient, size: int) -> None:
    data = content(size)
    # A generator: with bytes at hand the client would send the checksum in a header instead.
    requests = []
    container.upload_blob(
        "blob",
        iter([data]),
        length=size,
        validate_content="crc64",
        raw_request_hook=requests.append,
    )
    assert requests[0].http_request.headers.get("x-ms-structured-body") == FORM
    assert _read(container) == data


@pytest.mark.parametrize("size", SIZES[1:])
def test_put_block(container: ContainerClient, size: int) -> None:
    data = content(size)
    blob = container.get_blob_client("blob")
    answers = []
    blob.stage_block(
        "AAAA", iter([data]), length=size, validate_content="crc64", raw_response_hook=answers.append
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
