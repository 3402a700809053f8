"""Copies from another account, whose bytes the target's service fetches with what it was given."""

from __future__ import annotations

import base64
import re
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import fastblob
import pytest
from azure.core.credentials import AccessToken
from fastblob.local import LocalAzure
from hostile.server import ETAG, FOR_EVER, KEY, TIME, Connection, Request, Server, each
from support import MIB, Account, account_sas, content, tomorrow, yesterday

BLOCK = 64 * MIB


def encoded_crc64(data: bytes) -> str:
    return base64.b64encode(fastblob.crc64(data).to_bytes(8, "little")).decode()


class Target:
    """An account that fetches what it is told to copy, as Azure's recorded answers have it."""

    def __init__(self, service: LocalAzure) -> None:
        self._context = ssl.create_default_context(cafile=service.env()["SSL_CERT_FILE"])
        self._lock = threading.Lock()
        self._blocks: dict[str, bytes] = {}
        self.requests: list[Request] = []
        self.blobs: dict[str, bytes] = {}

    def respond(self, connection: Connection, request: Request) -> None:
        """Answers a request."""
        assert request.method == "PUT", request.method
        with self._lock:
            self.requests.append(request)
        created = {"ETag": ETAG, "Last-Modified": TIME}
        if request.query.get("comp") == "blocklist":
            ids = re.findall(r"<Latest>(.*?)</Latest>", request.body.decode())
            self.blobs[request.path] = b"".join(self._blocks[block] for block in ids)
            connection.answer(request, 201, created)
            return
        assert not request.body
        try:
            data = self.fetch(request)
        except urllib.error.HTTPError as error:
            error.close()
            message = f"Could not read {request.headers['x-ms-copy-source']}"
            connection.answer_error(request, error.code, "CannotVerifyCopySource", message=message)
            return
        with self._lock:
            if request.query.get("comp") == "block":
                self._blocks[request.query["blockid"]] = data
            else:
                assert request.headers["x-ms-blob-type"] == "BlockBlob"
                self.blobs[request.path] = data
        connection.answer(request, 201, created | {"x-ms-content-crc64": encoded_crc64(data)})

    def fetch(self, request: Request) -> bytes:
        """What the source gives for what the request shows."""
        headers = {"x-ms-version": "2025-11-05", "If-Match": request.headers["x-ms-source-if-match"]}
        if "x-ms-copy-source-authorization" in request.headers:
            headers["Authorization"] = request.headers["x-ms-copy-source-authorization"]
        if "x-ms-source-range" in request.headers:
            headers["x-ms-range"] = request.headers["x-ms-source-range"]
        source = urllib.request.Request(request.headers["x-ms-copy-source"], headers=headers)
        with urllib.request.urlopen(source, context=self._context) as answer:
            data = answer.read()
            assert isinstance(data, bytes)
            return data

    def header(self, name: str) -> set[str | None]:
        """The values of a header in all requests that name a source."""
        named = [request for request in self.requests if "x-ms-copy-source" in request.headers]
        return {request.headers.get(name) for request in named}


@pytest.fixture
def target(service: LocalAzure) -> Target:
    return Target(service)


@pytest.fixture
def client(target: Target) -> Iterator[fastblob.Client]:
    """A client of the target's account."""
    with Server(each(target.respond)) as server:
        yield server.client(max_retries=2)


def source_client(account: Account, kind: str) -> fastblob.Client:
    credentials: dict[str, Any] = {
        "key": account.key,
        "sas": account_sas(account, tomorrow()),
        "token": account.credential,
    }
    return fastblob.Client(account.endpoint, credentials[kind])


@pytest.mark.parametrize("kind", ["key", "sas", "token"])
@pytest.mark.parametrize("size", [0, 1000, BLOCK + 1])
def test_the_service_reads_as_the_source_s_client_may(
    service_account: Account,
    service_container: str,
    client: fastblob.Client,
    target: Target,
    kind: str,
    size: int,
) -> None:
    source = source_client(service_account, kind)
    blob = fastblob.BlobPath(service_container, "ü b#?%41")
    found = source.write(blob, content(size), metadata={"owner": "me"}, content_type="text/csv")
    result = client.copy_from(source, blob, "data/target")
    assert target.blobs == {"/data/target": content(size)}
    assert (result.blob, result.size, result.etag) == ("data/target", size, ETAG)
    # Of one request the service says no more than of each block.
    assert result.crc64 == (fastblob.crc64(content(size)) if size > BLOCK else None)
    assert target.header("x-ms-source-if-match") == {found.etag}
    assert (target.header("x-ms-copy-source-authorization") == {None}) == (kind != "token")
    (url,) = {url.split("?")[0] for url in target.header("x-ms-copy-source") if url}
    assert url == f"{source.endpoint}/{service_container}/%C3%BC%20b%23%3F%2541"


def test_what_a_blob_of_blocks_has_of_its_source(
    service_account: Account, service_container: str, client: fastblob.Client, target: Target
) -> None:
    source = source_client(service_account, "key")
    path = f"{service_container}/b"
    source.write(path, bytes(BLOCK + 1), metadata={"Owner": "me"}, content_type="text/csv", content_md5=True)
    client.copy_from(source, path, "data/target", cache_control="no-store", tags={"a": "b"}, tier="Cool")
    headers = target.requests[-1].headers
    stored = source.properties(path).content_md5
    assert stored is not None
    assert headers["x-ms-meta-owner"] == "me"
    assert headers["x-ms-blob-content-type"] == "text/csv"
    assert headers["x-ms-blob-cache-control"] == "no-store"
    assert headers["x-ms-blob-content-md5"] == base64.b64encode(stored).decode()
    assert headers["x-ms-tags"] == "a=b"
    assert headers["x-ms-access-tier"] == "Cool"
    assert headers["if-none-match"] == "*"
    assert target.header("if-none-match") == {None}


@pytest.mark.parametrize("size", [10, BLOCK + 1])
def test_what_is_given_takes_the_place_of_the_source_s(
    service_account: Account, service_container: str, client: fastblob.Client, target: Target, size: int
) -> None:
    source = source_client(service_account, "key")
    path = f"{service_container}/b"
    source.write(path, bytes(size), metadata={"a": "1"}, content_type="text/csv", content_language="de")
    client.copy_from(
        source, path, "data/target", overwrite=True, metadata={"b": "2"}, content_type="text/plain"
    )
    headers = target.requests[-1].headers
    assert "x-ms-meta-a" not in headers
    assert headers["x-ms-meta-b"] == "2"
    assert headers["x-ms-blob-content-type"] == "text/plain"
    assert headers["x-ms-blob-content-language"] == "de"
    assert "if-none-match" not in headers


def test_inside_an_account(
    service: LocalAzure, service_client: fastblob.Client, service_container: str
) -> None:
    source = f"{service_container}/source"
    service_client.write(source, content(1000), metadata={"owner": "me"}, content_type="text/csv")
    service.clear_requests()
    service_client.copy_from(service_client, source, f"{service_container}/target", tags={"a": "b"})
    assert service.request_counts() == {"GetBlobProperties": 1, "PutBlobFromURL": 1}
    found = service_client.properties(f"{service_container}/target")
    assert (found.metadata, found.content_type, found.tag_count) == ({"owner": "me"}, "text/csv", 1)
    assert service_client.read(found) == content(1000)
    with pytest.raises(fastblob.BlobExistsError):
        service_client.copy_from(service_client, source, f"{service_container}/target")


def test_from_a_url(
    service_account: Account, service_container: str, client: fastblob.Client, target: Target
) -> None:
    source = source_client(service_account, "key")
    source.write(f"{service_container}/b", b"content")
    url = source.sas_url(f"{service_container}/b", permissions="r", expiry=tomorrow())
    client.copy_from(*fastblob.Client.from_blob_url(url), "data/target")
    assert target.blobs == {"/data/target": b"content"}


def test_progress(
    service_account: Account, service_container: str, client: fastblob.Client, target: Target
) -> None:
    source = source_client(service_account, "key")
    source.write(f"{service_container}/b", bytes(1000))
    seen: list[fastblob.Progress] = []
    client.copy_from(source, f"{service_container}/b", "data/target", progress=seen.append)
    assert (seen[-1].bytes_done, seen[-1].items_done) == (1000, 1)


# Large ones, of which no byte is looked at ------------------------------------------------------------


class Large:
    """The account of a blob of this size, and of its copy."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.heads = 0
        self.puts: list[Request] = []

    def respond(self, connection: Connection, request: Request) -> None:
        """Answers a request to either."""
        if request.method == "HEAD":
            self.heads += 1
            head = {"Content-Length": str(self.size), "ETag": ETAG, "Last-Modified": TIME}
            connection.answer(request, 200, head)
            return
        self.puts.append(request)
        connection.answer(request, 201, {"ETag": ETAG, "Last-Modified": TIME})


def test_blocks_cover_the_source_once() -> None:
    large = Large(5 * BLOCK + 7)
    with Server(each(large.respond)) as server:
        client = server.client()
        result = client.copy_from(client, "data/source", "data/target")
    assert (result.size, result.crc64) == (large.size, None)
    *blocks, commit = large.puts
    ranges = sorted(tuple(map(int, block.headers["x-ms-source-range"][6:].split("-"))) for block in blocks)
    assert ranges == [(first, min(first + BLOCK, large.size) - 1) for first in range(0, large.size, BLOCK)]
    assert commit.query == {"comp": "blocklist"}
    # In the order of the content, in whatever order they came.
    by_range = sorted(blocks, key=lambda block: int(block.headers["x-ms-source-range"][6:].split("-")[0]))
    ids = re.findall(r"<Latest>(.*?)</Latest>", commit.body.decode())
    assert ids == [block.query["blockid"] for block in by_range]


def test_the_lease_goes_along_with_each() -> None:
    lease = "1f812371-a41d-49e6-b123-f4b542e851c5"
    large = Large(BLOCK + 7)
    with Server(each(large.respond)) as server:
        client = server.client()
        client.copy_from(client, "data/source", "data/target", overwrite=True, lease=lease)
    assert [put.headers["x-ms-lease-id"] for put in large.puts] == [lease] * 3


class Tokens:
    """A first token that has ended when it comes, and is tried for a moment; later ones are good."""

    def __init__(self) -> None:
        self.count = 0
        self.renewed = threading.Event()

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.count += 1
        if self.count == 1:
            return AccessToken("token-1", int(datetime.now(UTC).timestamp()))
        self.renewed.set()
        return AccessToken(f"token-{self.count}", int(tomorrow().timestamp()))


def test_a_source_s_token_that_ends_is_fetched_again() -> None:
    tokens = Tokens()
    large = Large(3 * BLOCK)

    def respond(connection: Connection, request: Request) -> None:
        assert tokens.renewed.wait(FOR_EVER)
        large.respond(connection, request)

    with Server(each(large.respond)) as server, Server(each(respond)) as other:
        source = server.client(tokens)
        other.client(max_connections=1).copy_from(source, "data/source", "data/target")
    sent = [put.headers.get("x-ms-copy-source-authorization") for put in large.puts[:-1]]
    assert sent == ["Bearer token-1", "Bearer token-2", "Bearer token-2"]


# Many --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["key", "sas", "token"])
def test_many(
    service_account: Account, service_container: str, client: fastblob.Client, target: Target, kind: str
) -> None:
    source = source_client(service_account, kind)
    source.write_many([(f"{service_container}/{number}", content(number)) for number in range(20)])
    results = client.copy_from_many(
        source, ((item, f"data/{item.name}") for item in source.list(service_container)), tags={"a": "b"}
    )
    assert target.blobs == {f"/data/{number}": content(number) for number in range(20)}
    assert [result.blob for result in results] == [f"data/{name}" for name in sorted(map(str, range(20)))]
    assert target.header("x-ms-tags") == {"a=b"}


def test_many_of_which_some_fail(
    service_account: Account, service_container: str, client: fastblob.Client, target: Target
) -> None:
    source = source_client(service_account, "key")
    source.write(f"{service_container}/b", b"content")
    items = [(f"{service_container}/none", "data/none"), (f"{service_container}/b", "data/b")]
    missing, copied = client.copy_from_many(source, items, on_error="collect")
    assert isinstance(missing.error, fastblob.BlobNotFoundError)
    assert (missing.blob, missing.error.blob) == ("data/none", f"{service_container}/none")
    assert copied.error is None
    assert target.blobs == {"/data/b": b"content"}
    with pytest.raises(fastblob.BlobNotFoundError):
        client.copy_from_many(source, items, overwrite=True)
    with pytest.raises(ValueError, match="two items"):
        client.copy_from_many(source, [(f"{service_container}/b", "data/b")] * 2)
    with pytest.raises(TypeError, match="item 0: expected"):
        client.copy_from_many(source, [f"{service_container}/b"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="iterable"):
        client.copy_from_many(source, "data/b")  # type: ignore[arg-type]


# What goes wrong -----------------------------------------------------------------------------------


def test_a_source_that_is_not_there(
    service_account: Account, service_container: str, client: fastblob.Client, target: Target
) -> None:
    source = source_client(service_account, "key")
    with pytest.raises(fastblob.BlobNotFoundError) as caught:
        client.copy_from(source, f"{service_container}/none", "data/target")
    assert caught.value.blob == f"{service_container}/none"
    assert target.requests == []


def test_a_source_that_does_not_meet_a_condition(
    service_account: Account, service_container: str, client: fastblob.Client, target: Target
) -> None:
    source = source_client(service_account, "key")
    source.write(f"{service_container}/b", b"content")
    with pytest.raises(fastblob.BlobModifiedError):
        client.copy_from(source, f"{service_container}/b", "data/target", source_if_match=ETAG)
    assert target.requests == []


REFUSALS = [
    (401, "CannotVerifyCopySource", fastblob.AuthenticationError, "does not let the service read it"),
    (403, "CannotVerifyCopySource", fastblob.BlobNotFoundError, "does not let the service read it"),
    (404, "CannotVerifyCopySource", fastblob.BlobNotFoundError, "does not exist"),
    (412, "CannotVerifyCopySource", fastblob.BlobNotFoundError, "was written while it was copied"),
    (412, "SourceConditionNotMet", fastblob.BlobModifiedError, "was written while it was copied"),
]


@pytest.mark.parametrize("size", [7, BLOCK + 1])
@pytest.mark.parametrize(("status", "code", "kind", "said"), REFUSALS)
def test_an_error_of_the_source_names_it(
    size: int, status: int, code: str, kind: type[fastblob.TransferError], said: str
) -> None:
    def refuse(connection: Connection, request: Request) -> None:
        shown = f"{request.headers['x-ms-copy-source']} {request.headers['authorization']}"
        connection.answer_error(request, status, code, message=f"Could not read {shown}")

    with Server(each(Large(size).respond)) as server, Server(each(refuse)) as other:
        source = server.client()
        with pytest.raises(kind, match=said) as caught:
            other.client().copy_from(source, "data/source", "data/target")
        assert f"{source.endpoint}/data/source" in str(caught.value)
    assert (caught.value.blob, caught.value.error_code) == ("data/source", code)
    assert "sig=" not in str(caught.value)


@pytest.mark.parametrize("kind", ["sas", "token"])
def test_what_opens_the_source_is_not_shown(kind: str) -> None:
    secret = "bm90LXNob3duLWF0LWFsbC1ieS1hbnlib2R5"
    sas = f"sv=1&sp=r&sig={secret}"

    class Token:
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            return AccessToken(secret, int(tomorrow().timestamp()))

    def refuse(connection: Connection, request: Request) -> None:
        connection.answer_error(request, 400, "InvalidHeaderValue", message=f"What is {secret} for?")

    with Server(each(Large(7).respond)) as server, Server(each(refuse)) as other:
        source = server.client(sas if kind == "sas" else Token())
        with pytest.raises(fastblob.ServiceError, match="What is REDACTED for") as caught:
            other.client().copy_from(source, "data/source", "data/target")
    assert secret not in str(caught.value)


def test_an_error_of_the_target_names_that() -> None:
    def refuse(connection: Connection, request: Request) -> None:
        connection.answer_error(request, 404, "ContainerNotFound")

    with (
        Server(each(Large(7).respond)) as server,
        Server(each(refuse)) as other,
        pytest.raises(fastblob.BlobNotFoundError, match="container does not exist") as caught,
    ):
        other.client().copy_from(server.client(), "data/source", "none/target")
    assert caught.value.blob == "none/target"


def test_a_source_s_credential_that_fails(client: fastblob.Client, target: Target) -> None:
    class NoTokens:
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            raise ValueError("nobody is signed in")

    source = fastblob.Client("http://127.0.0.1:9/account", NoTokens())
    with pytest.raises(fastblob.AuthenticationError, match="nobody is signed in"):
        client.copy_from(source, "data/b", "data/t")
    assert target.requests == []


def test_a_source_s_token_is_not_sent_in_the_clear(service_account: Account, service_container: str) -> None:
    source = source_client(service_account, "token")
    client = fastblob.Client("http://azurite.example.com:10000/account", KEY)
    with pytest.raises(ValueError, match=r"a token is not sent to http://azurite\.example"):
        client.copy_from(source, f"{service_container}/b", "data/t")


def test_a_source_s_client_without_a_right(
    service_account: Account, service_container: str, client: fastblob.Client
) -> None:
    source_client(service_account, "key").write(f"{service_container}/b", b"content")
    expired = fastblob.Client(service_account.endpoint, account_sas(service_account, yesterday()))
    with pytest.raises(fastblob.AuthenticationError):
        client.copy_from(expired, f"{service_container}/b", "data/target")


def test_a_lost_answer_of_a_copy_that_succeeded() -> None:
    md5 = base64.b64encode(bytes(16)).decode()
    puts = 0

    def respond(connection: Connection, request: Request) -> None:
        nonlocal puts
        if request.method == "HEAD":
            now = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
            properties = {"Content-Length": "7", "Content-MD5": md5, "Content-Type": "text/csv"}
            times = {"Last-Modified": now, "x-ms-creation-time": now}
            connection.answer(request, 200, {"ETag": ETAG, **properties, **times})
            return
        puts += 1
        if puts == 1:
            connection.reset()
            return
        connection.answer_error(request, 409, "BlobAlreadyExists")

    with Server(each(respond)) as server:
        client = server.client()
        result = client.copy_from(client, "data/source", "data/target")
    assert (puts, result.etag, result.retries) == (2, ETAG, 1)


def test_what_is_refused_before_anything_is_sent(client: fastblob.Client, target: Target) -> None:
    with pytest.raises(TypeError, match=r"source_client must be a fastblob\.Client, not str"):
        client.copy_from("https://acct.blob.core.windows.net", "data/b", "data/t")  # type: ignore[arg-type]
    unreachable = fastblob.Client("http://127.0.0.1:9/account", KEY)
    with pytest.raises(ValueError, match="must not end with a slash"):
        client.copy_from(unreachable, "data/b", "data/t/")
    with pytest.raises(ValueError, match="names a container"):
        client.copy_from(unreachable, "data", "data/t")
    with pytest.raises(ValueError, match="metadata"):
        client.copy_from(unreachable, "data/b", "data/t", metadata={"not legal": ""})
    assert target.requests == []


def test_what_a_copy_cannot_keep_is_refused(service: LocalAzure) -> None:
    source = service.client()
    target = fastblob.Client(service.blob_endpoint, service.account_key, encryption_scope="scope")
    service.clear_requests()
    with pytest.raises(ValueError, match="encryption_scope"):
        target.copy_from(source, "data/source", "data/target")
    with pytest.raises(ValueError, match="a version or a snapshot"):
        source.copy_from(source, fastblob.BlobPath("data", "source", version_id="v"), "data/target")
    assert service.requests() == []
