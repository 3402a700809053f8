"""Keys and encryption scopes of customers: where they are sent, where they are not, and who may see them."""

from __future__ import annotations

import base64
import hashlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastblob
import pytest
from fastblob.local import LocalAzure
from hostile.server import ETAG, KEY, TIME, Connection, Request, Server, each
from support import MIB, Account, run_python

SECRET = bytes(range(32))
ENCODED = base64.b64encode(SECRET).decode()
SHA256 = base64.b64encode(hashlib.sha256(SECRET).digest()).decode()
KEY_HEADERS = {
    "x-ms-encryption-key": ENCODED,
    "x-ms-encryption-key-sha256": SHA256,
    "x-ms-encryption-algorithm": "AES256",
}
OPTIONS: list[dict[str, Any]] = [{"encryption_key": SECRET}, {"encryption_scope": "mine"}]
CONTENT = bytes(20 * MIB)

READS: dict[str, Callable[[Any, Path], object]] = {
    "read": lambda client, folder: client.read("data/blob"),
    "read_many": lambda client, folder: client.read_many(["data/blob"]),
    "download": lambda client, folder: client.download("data/blob", folder / "target"),
    "properties": lambda client, folder: client.properties("data/blob"),
}
WRITES: dict[str, Callable[[Any, Path], object]] = {
    "write": lambda client, folder: client.write("data/blob", b"x"),
    "write of blocks": lambda client, folder: client.write("data/blob", CONTENT),
    "upload of blocks": lambda client, folder: client.upload(folder / "source", "data/blob"),
    "set_metadata": lambda client, folder: client.set_metadata("data/blob", {"a": "b"}),
    "create_snapshot": lambda client, folder: client.create_snapshot("data/blob"),
}
OTHERS: dict[str, Callable[[Any, Path], object]] = {
    "delete": lambda client, folder: client.delete("data/blob"),
    "get_tags": lambda client, folder: client.get_tags("data/blob"),
    "set_tier": lambda client, folder: client.set_tier("data/blob", "Cool"),
    "set_http_headers": lambda client, folder: client.set_http_headers("data/blob"),
    "list": lambda client, folder: list(client.list("data")),
}
TAGS = b"<Tags><TagSet></TagSet></Tags>"
EMPTY = b"<EnumerationResults><Blobs></Blobs><NextMarker/></EnumerationResults>"
STATUSES = {"PUT": 201, "DELETE": 202, "HEAD": 200}


def encrypting(connection: Connection, request: Request) -> None:
    """A service that encrypts as it is told, and says so."""
    names = ("x-ms-encryption-key-sha256", "x-ms-encryption-scope")
    told = {name: request.headers[name] for name in names if name in request.headers}
    told |= {"ETag": ETAG, "Last-Modified": TIME, "x-ms-snapshot": "2026-01-01T00:00:00.0000000Z"}
    if request.method == "PUT" and "x-ms-structured-body" in request.headers:
        told["x-ms-structured-body"] = request.headers["x-ms-structured-body"]
    comp = request.query.get("comp")
    if request.method == "GET" and comp is None:
        connection.answer_range(request, CONTENT, told)
    elif request.method == "GET":
        connection.answer(request, 200, told, TAGS if comp == "tags" else EMPTY)
    else:
        changes = comp in {"metadata", "properties", "tier"}
        connection.answer(request, 200 if changes else STATUSES[request.method], told)


def ignoring(connection: Connection, request: Request) -> None:
    """A service that knows nothing of encryption."""
    for name in [*KEY_HEADERS, "x-ms-encryption-scope"]:
        request.headers.pop(name, None)
    encrypting(connection, request)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "source").write_bytes(CONTENT)
    return tmp_path


def encryption_headers(request: Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name.startswith("x-ms-encryption-")}


@pytest.mark.parametrize("call", [*READS, *WRITES])
def test_every_request_for_content_brings_the_key(service: LocalAzure, folder: Path, call: str) -> None:
    with Server(each(encrypting), tls=service) as server:
        (READS | WRITES)[call](server.client(encryption_key=SECRET), folder)
    assert server.heads
    assert all(encryption_headers(request) == KEY_HEADERS for request in server.heads)


@pytest.mark.parametrize("call", [*READS, *WRITES])
def test_writes_name_the_scope(folder: Path, call: str) -> None:
    with Server(each(encrypting)) as server:
        (READS | WRITES)[call](server.client(encryption_scope="mine"), folder)
    expected = {"x-ms-encryption-scope": "mine"} if call in WRITES else {}
    assert all(encryption_headers(request) == expected for request in server.heads)


@pytest.mark.parametrize("call", OTHERS)
def test_nothing_else_brings_them(service: LocalAzure, folder: Path, call: str) -> None:
    with Server(each(encrypting), tls=service) as server:
        for options in OPTIONS:
            OTHERS[call](server.client(**options), folder)
    assert [encryption_headers(request) for request in server.heads] == [{}, {}]


@pytest.mark.parametrize("call", [*READS, *WRITES])
def test_what_is_not_encrypted_so_is_no_success(service: LocalAzure, folder: Path, call: str) -> None:
    with Server(each(ignoring), tls=service) as server:
        client = server.client(encryption_key=SECRET)
        with pytest.raises(fastblob.ServiceError, match=r"(is|it) encrypted with") as caught:
            (READS | WRITES)[call](client, folder)
        assert "encryption_key" in str(caught.value)
        assert caught.value.request_id
        if call in WRITES:
            with pytest.raises(fastblob.ServiceError, match="encrypted with encryption_scope"):
                WRITES[call](server.client(encryption_scope="mine"), folder)


@pytest.mark.parametrize("option", ["encryption_key", "encryption_scope"])
def test_copies_are_refused(service: LocalAzure, option: str) -> None:
    options = {"encryption_key": SECRET} if option == "encryption_key" else {option: "mine"}
    with Server(each(encrypting), tls=service) as server:
        with pytest.raises(ValueError, match=f"without regard to {option}"):
            server.client(**options).copy("data/blob", "data/other")
        assert not server.heads


def test_a_key_goes_over_https_alone() -> None:
    with pytest.raises(ValueError, match="in the clear") as caught:
        fastblob.Client("http://127.0.0.1:1/account", "sig=x", encryption_key=SECRET)
    assert ENCODED not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"encryption_key": SECRET[:31]}, ValueError),
        ({"encryption_key": ENCODED}, TypeError),
        ({"encryption_key": bytearray(SECRET)}, TypeError),
        ({"encryption_scope": ""}, ValueError),
        ({"encryption_scope": "a\r\nb: c"}, ValueError),
        ({"encryption_key": SECRET, "encryption_scope": "mine"}, ValueError),
    ],
)
def test_values_that_are_none(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match="encryption_") as caught:
        fastblob.Client("https://account.example", "sig=x", **options)
    assert ENCODED not in str(caught.value)


def test_nobody_sees_the_key(service: LocalAzure, caplog: pytest.LogCaptureFixture) -> None:
    def repeats(connection: Connection, request: Request) -> None:
        message = f"What came: {request.headers['x-ms-encryption-key']}"
        connection.answer_error(request, 400, "InvalidHeaderValue", message=message)

    caplog.set_level("DEBUG")
    with Server(each(repeats), tls=service) as server:
        client = server.client(encryption_key=SECRET)
        with pytest.raises(fastblob.ServiceError, match="REDACTED") as caught:
            client.write("data/blob", b"x")
    shown = f"{caught.value!r} {caught.value} {client!r} {caplog.text}"
    assert ENCODED not in shown
    assert repr(SECRET) not in shown


def test_key_and_scope_survive_pickling(service: LocalAzure) -> None:
    with Server(each(encrypting), tls=service) as server:
        for options in OPTIONS:
            pickle.loads(pickle.dumps(server.client(**options))).write("data/blob", b"x")
    assert [encryption_headers(request) for request in server.heads] == [
        KEY_HEADERS,
        {"x-ms-encryption-scope": "mine"},
    ]


FORK = """
import os, sys, warnings, fastblob
warnings.simplefilter("ignore", DeprecationWarning)
client = fastblob.Client(sys.argv[1], sys.argv[2], encryption_key=bytes(range(32)))
client.read("data/blob", 0, 3)
child = os.fork()
if child == 0:
    client.read("data/blob", 0, 3)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_key_survives_fork(service: LocalAzure) -> None:
    with Server(each(encrypting), tls=service) as server:
        ran = run_python(FORK, server.url, KEY, env={"SSL_CERT_FILE": str(service.ca_file)})
    assert ran.returncode == 0, ran.stderr
    assert [encryption_headers(request) for request in server.heads] == [KEY_HEADERS, KEY_HEADERS]


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("BlobUsesCustomerSpecifiedEncryption", "make a client with that encryption_key"),
        ("BlobCustomerSpecifiedEncryptionMismatch", "another key or scope"),
        ("BlobDoesNotUseCustomerSpecifiedEncryption", "a client without encryption_key"),
    ],
)
def test_blobs_that_are_encrypted_otherwise(code: str, word: str) -> None:
    def respond(connection: Connection, request: Request) -> None:
        connection.answer_error(request, 409, code)

    with Server(each(respond)) as server:
        with pytest.raises(fastblob.BlobConflictError, match=word):
            server.client().read("data/blob")
        assert server.client().exists("data/blob")


def test_the_embedded_service_does_not_pretend(service_account: Account, service_container: str) -> None:
    for options in OPTIONS:
        with pytest.raises(fastblob.ServiceError) as caught:
            service_account.client(**options).write(f"{service_container}/blob", b"x")
        assert caught.value.status_code == 501
