"""How many requests each call sends, and over how many connections: both are promises."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import fastblob
import pytest
from fastblob.local import LocalAzure
from hostile import server
from support import MIB, Account, content, write_file

Call = Callable[[fastblob.Client, str, Path], object]

PREPARED = {"small": 1000, "empty": 0, "large": 20 * MIB}

# In each, `c` is the container, in which PREPARED lies, and `d` a folder.
CALLS: dict[str, tuple[Call, dict[str, int]]] = {
    "read": (lambda f, c, d: f.read(f"{c}/small"), {"GetBlob": 1}),
    "read a part": (lambda f, c, d: f.read(f"{c}/small", 10, 20), {"GetBlob": 1}),
    # No range of an empty blob can be had, and the refusal tells nothing about it.
    "read nothing": (lambda f, c, d: f.read(f"{c}/empty"), {"GetBlob": 1, "GetBlobProperties": 1}),
    "read in ranges": (lambda f, c, d: f.read(f"{c}/large"), {"GetBlob": 3}),
    "read_into": (lambda f, c, d: f.read_into(f"{c}/small", bytearray(1000)), {"GetBlob": 1}),
    "download": (lambda f, c, d: f.download(f"{c}/small", d / "x"), {"GetBlob": 1}),
    "download in ranges": (lambda f, c, d: f.download(f"{c}/large", d / "x"), {"GetBlob": 3}),
    "write": (lambda f, c, d: f.write(f"{c}/new", b"data"), {"PutBlob": 1}),
    "write nothing": (lambda f, c, d: f.write(f"{c}/new", b""), {"PutBlob": 1}),
    "overwrite": (lambda f, c, d: f.write(f"{c}/small", b"data", overwrite=True), {"PutBlob": 1}),
    "write in blocks": (
        lambda f, c, d: f.write(f"{c}/new", content(20 * MIB)),
        {"PutBlock": 3, "PutBlockList": 1},
    ),
    "write with everything": (
        lambda f, c, d: f.write(
            f"{c}/new", b"x", metadata={"a": "b"}, content_type="text/x", tier="Cool", tags={"k": "v"}
        ),
        {"PutBlob": 1},
    ),
    "upload": (lambda f, c, d: f.upload(d / "small", f"{c}/new"), {"PutBlob": 1}),
    "read_many": (
        lambda f, c, d: f.read_many([f"{c}/small", f"{c}/empty"]),
        {"GetBlob": 2, "GetBlobProperties": 1},
    ),
    "write_many": (lambda f, c, d: f.write_many((f"{c}/{n}", b"x") for n in range(9)), {"PutBlob": 9}),
    "list": (lambda f, c, d: list(f.list(c)), {"ListBlobs": 1}),
    "list_many": (lambda f, c, d: f.list_many([c, c], delimiter="/"), {"ListBlobs": 2}),
    "properties": (lambda f, c, d: f.properties(f"{c}/small"), {"GetBlobProperties": 1}),
    "properties_many": (
        lambda f, c, d: f.properties_many([f"{c}/small", f"{c}/empty"]),
        {"GetBlobProperties": 2},
    ),
    "exists": (lambda f, c, d: f.exists(f"{c}/small"), {"GetBlobProperties": 1}),
    "delete": (lambda f, c, d: f.delete(f"{c}/small"), {"DeleteBlob": 1}),
    "delete_many": (lambda f, c, d: f.delete_many([f"{c}/small", f"{c}/empty"]), {"BlobBatch": 1}),
    "copy": (lambda f, c, d: f.copy(f"{c}/small", f"{c}/new"), {"CopyBlob": 1, "GetBlobProperties": 1}),
    "nothing at all": (lambda f, c, d: f.read_many([]), {}),
}


@pytest.mark.parametrize("name", CALLS)
def test_requests_of_one_call(
    name: str, service: LocalAzure, service_account: Account, service_container: str, tmp_path: Path
) -> None:
    # With the account's key, so that no request for a token is among those counted.
    client = fastblob.Client(service_account.endpoint, service_account.key)
    write_file(tmp_path / "small", 1000)
    for blob, size in PREPARED.items():
        client.write(f"{service_container}/{blob}", content(size))
    service.clear_requests()
    call, expected = CALLS[name]
    call(client, service_container, tmp_path)
    assert service.request_counts() == expected


def test_results_count_the_requests(
    service: LocalAzure, service_client: fastblob.Client, service_container: str
) -> None:
    small = service_client.write(f"{service_container}/small", b"data")
    large = service_client.write(f"{service_container}/large", content(20 * MIB))
    assert (small.requests, large.requests) == (1, 4)


def test_the_second_call_uses_the_first_one_s_connection(
    service: LocalAzure, service_client: fastblob.Client, service_container: str
) -> None:
    service_client.write(f"{service_container}/blob", b"data")
    service.clear_requests()
    for _ in range(5):
        service_client.read(f"{service_container}/blob")
    service_client.properties(f"{service_container}/blob")
    list(service_client.list(service_container))
    assert len({record.connection for record in service.requests()}) == 1


def test_a_second_batch_makes_no_connection(
    service: LocalAzure, service_account: Account, service_container: str
) -> None:
    client = service_account.client(max_connections=4)
    blobs = [f"{service_container}/{number}" for number in range(200)]
    client.write_many((blob, b"x") for blob in blobs)
    client.read_many(blobs)
    known = {record.connection for record in service.requests()}
    service.clear_requests()
    client.read_many(blobs)
    assert {record.connection for record in service.requests()} <= known


def test_max_connections_is_the_most(
    service: LocalAzure, service_account: Account, service_container: str
) -> None:
    client = service_account.client(max_connections=3)
    service.clear_requests()
    client.write_many((f"{service_container}/{number}", b"x") for number in range(100))
    client.write(f"{service_container}/large", content(40 * MIB))
    uploads = [record for record in service.requests() if record.operation.startswith("Put")]
    assert len({record.connection for record in uploads}) <= 3


def test_each_request_has_an_id_of_its_own(
    service: LocalAzure, service_client: fastblob.Client, service_container: str
) -> None:
    service.clear_requests()
    service_client.write(f"{service_container}/large", content(20 * MIB))
    ids = [record.client_request_id for record in service.requests() if record.operation != "Token"]
    assert len(ids) == 4
    assert None not in ids
    assert len(set(ids)) == len(ids)


def test_one_token_serves_many_requests(service: LocalAzure, service_container: str) -> None:
    service.clear_requests()
    client = fastblob.Client(service.blob_endpoint)
    client.write_many((f"{service_container}/{number}", b"x") for number in range(200))
    assert service.request_counts().get("Token", 0) <= 1


def test_the_version_is_the_newest_that_azurite_accepts() -> None:
    azurite = Path(__file__).parent / "node_modules" / "azurite" / "dist" / "src" / "blob"
    constants = (azurite / "utils" / "constants.js").read_text()
    accepted = constants.partition("exports.ValidAPIVersions = [")[2].partition("]")[0]
    with server.Server(server.blob(b"content")) as one:
        one.client().read("data/blob")
    newest = max(re.findall(r"[0-9-]{10}", accepted))
    assert [head.headers["x-ms-version"] for head in one.heads] == [newest]


def test_what_is_asked_of_an_empty_blob_next_is_no_retry(
    service_client: fastblob.Client, service_container: str, tmp_path: Path
) -> None:
    service_client.write(f"{service_container}/empty", b"")
    result = service_client.download(f"{service_container}/empty", tmp_path / "empty")
    assert (result.requests, result.retries) == (2, 0)
