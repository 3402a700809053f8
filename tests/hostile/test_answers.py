"""What the network says is not believed: answers that come early, unasked, for ever, or do not fit."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastblob
import pytest
from fastblob.local import LocalAzure
from hostile.child import in_child
from hostile.server import ETAG, TIME, Connection, Request, Server, answer_head, each, list_page

MIB = 1 << 20
CREATED = {"ETag": ETAG, "Last-Modified": TIME}
OTHER_ETAG = '"0x8DA0000000000B2"'


def refused(call: Callable[[], object], *kinds: type[Exception]) -> fastblob.TransferError:
    """The TransferError that the call ends with."""
    with pytest.raises(fastblob.TransferError) as caught:
        call()
    if kinds:
        assert isinstance(caught.value, kinds), repr(caught.value)
    return caught.value


# Early answers ------------------------------------------------------------------------------------

WRITES: dict[str, Callable[[Any], object]] = {
    "bytes": lambda client: client.write("data/blob", bytes(8 * MIB), overwrite=True),
    "blocks": lambda client: client.write("data/blob", bytes(40 * MIB), overwrite=True),
}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("then", ["close", "reset", "stay"])
@pytest.mark.parametrize("write", WRITES)
@in_child()
def test_a_refusal_before_the_body_was_read(tls: bool, then: str, write: str) -> None:
    def script(connection: Connection) -> None:
        request = connection.read_head()
        if request is None:
            return
        connection.answer_error(request, 403, "AuthorizationPermissionMismatch", {"Connection": "close"})
        if then == "stay":
            connection.hold()
        elif then == "reset":
            connection.reset()

    with LocalAzure() as azure, Server(script, tls=azure if tls else None) as server:
        client = server.client(max_connections=1)
        error = refused(lambda: WRITES[write](client), fastblob.AuthenticationError)
        assert error.error_code == "AuthorizationPermissionMismatch"
        # Blocks that were on their way beside the first are refused as well; no request is sent again.
        targets = [head.target for head in server.heads]
        assert len(targets) == len(set(targets)) == server.connections


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("operation", ["Put Blob", "Put Block"])
@in_child()
def test_a_success_before_the_body_was_read_is_none(tls: bool, operation: str) -> None:
    # Only the head has arrived; the server never looks at the rest.
    def script(connection: Connection) -> None:
        request = connection.read_head()
        if request is None:
            return
        if request.query.get("comp") == "blocklist":
            connection.read_body(request)
        connection.answer(request, 201, CREATED)
        connection.server.ended.wait(1)

    size = 8 * MIB if operation == "Put Blob" else 40 * MIB
    with LocalAzure() as azure, Server(script, tls=azure if tls else None) as server:
        client = server.client(max_retries=1, timeout=5)
        refused(lambda: client.write("data/blob", bytes(size), overwrite=True))


# Unasked bytes ------------------------------------------------------------------------------------

FORGED = b"forged!"


def forged_answer(request: Request) -> bytes:
    """A whole answer that nobody has asked for yet."""
    headers = {"Content-Range": f"bytes 0-{len(FORGED) - 1}/{len(FORGED)}", "x-ms-blob-type": "BlockBlob"}
    return (
        answer_head(request, 206, len(FORGED), {**headers, **CREATED, "x-ms-client-request-id": None})
        + FORGED
    )


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("when", ["behind the answer", "on the idle connection"])
@in_child()
def test_an_answer_that_nobody_asked_for(tls: bool, when: str) -> None:
    idle = threading.Event()
    sent = threading.Event()

    def script(connection: Connection) -> None:
        for request in connection.requests():
            if connection.number == 0 and when == "behind the answer":
                head = {"Content-Range": "bytes 0-6/7", "x-ms-blob-type": "BlockBlob", **CREATED}
                connection.send(answer_head(request, 206, 7, head) + b"content" + forged_answer(request))
                sent.set()
            else:
                connection.answer_range(request, b"content")
                if connection.number == 0:
                    idle.wait(10)
                    connection.send(forged_answer(request))
                    sent.set()

    with LocalAzure() as azure, Server(script, tls=azure if tls else None) as server:
        client = server.client(max_connections=1)
        assert client.read("data/first") == b"content"
        idle.set()
        assert sent.wait(10)
        assert client.read("data/second") == b"content"
        assert server.connections == 2


@pytest.mark.parametrize("verb", ["read", "properties", "list", "write", "delete"])
@in_child()
def test_the_answer_to_another_request(verb: str) -> None:
    # The service echoes the id of the request that it answers: here it is that of somebody else's.
    foreign = {"x-ms-client-request-id": "5eb9a563-0000-0000-8000-00000000dead"}

    def respond(connection: Connection, request: Request) -> None:
        if request.method == "PUT":
            connection.answer(request, 201, {**CREATED, **foreign})
        elif request.method == "DELETE":
            connection.answer(request, 202, foreign)
        elif request.query.get("comp") == "list":
            connection.answer(request, 200, {"Content-Type": "application/xml", **foreign}, list_page(["a"]))
        elif request.method == "HEAD":
            connection.answer(
                request, 200, {"x-ms-blob-type": "BlockBlob", "Content-Length": "7", **CREATED, **foreign}
            )
        else:
            connection.answer_range(request, b"content", foreign)

    calls: dict[str, Callable[[Any], object]] = {
        "read": lambda client: client.read("data/blob"),
        "properties": lambda client: client.properties("data/blob"),
        "list": lambda client: list(client.list("data")),
        "write": lambda client: client.write("data/blob", b"x", overwrite=True),
        "delete": lambda client: client.delete("data/blob"),
    }
    with Server(each(respond)) as server:
        client = server.client(max_retries=1)
        refused(lambda: calls[verb](client))


@in_child()
def test_an_answer_without_an_echo_is_taken() -> None:
    # Refusals by what stands before the service have none, nor has Azurite's every answer.
    def respond(connection: Connection, request: Request) -> None:
        connection.answer_range(request, b"content", {"x-ms-client-request-id": None})

    with Server(each(respond)) as server:
        assert server.client().read("data/blob") == b"content"


# Odd successes ------------------------------------------------------------------------------------


def fine_answer(request: Request) -> tuple[int, dict[str, str], bytes]:
    """What the service would say."""
    if request.method == "PUT" and "x-ms-copy-source" in request.headers:
        return 202, {"x-ms-copy-id": "1", "x-ms-copy-status": "success", **CREATED}, b""
    if request.method == "PUT":
        return 201, CREATED, b""
    if request.method == "DELETE":
        return 202, {}, b""
    if request.method == "HEAD":
        return 200, {"x-ms-blob-type": "BlockBlob", "Content-Length": "7", **CREATED}, b""
    if request.query.get("comp") == "list":
        return 200, {"Content-Type": "application/xml"}, list_page(["a"])
    return 206, {"Content-Range": "bytes 0-6/7", "x-ms-blob-type": "BlockBlob", **CREATED}, b"content"


VERBS: dict[str, tuple[Callable[[Any, Path], object], Callable[[Request], bool], set[int]]] = {
    "read": (
        lambda client, folder: client.read("data/blob"),
        lambda request: request.method == "GET",
        {200, 206},
    ),
    "download": (
        lambda client, folder: client.download("data/blob", folder / "target"),
        lambda request: request.method == "GET",
        {200, 206},
    ),
    "properties": (
        lambda client, folder: client.properties("data/blob"),
        lambda request: request.method == "HEAD",
        {200},
    ),
    "exists": (
        lambda client, folder: client.exists("data/blob"),
        lambda request: request.method == "HEAD",
        {200},
    ),
    "list": (
        lambda client, folder: list(client.list("data")),
        lambda request: request.method == "GET",
        {200},
    ),
    "write": (
        lambda client, folder: client.write("data/blob", b"x", overwrite=True),
        lambda request: request.method == "PUT",
        {201},
    ),
    "write: block": (
        lambda client, folder: client.write("data/blob", bytes(20 * MIB), overwrite=True),
        lambda request: request.query.get("comp") == "block",
        {201},
    ),
    "write: commit": (
        lambda client, folder: client.write("data/blob", bytes(20 * MIB), overwrite=True),
        lambda request: request.query.get("comp") == "blocklist",
        {201},
    ),
    "delete": (
        lambda client, folder: client.delete("data/blob"),
        lambda request: request.method == "DELETE",
        {202},
    ),
    "delete_many": (
        lambda client, folder: client.delete_many(["data/blob", "data/other"]),
        lambda request: request.method == "POST",
        {202},
    ),
    "copy": (
        lambda client, folder: client.copy("data/blob", "data/other", overwrite=True),
        lambda request: request.method == "PUT",
        {202},
    ),
}
SUCCESSES = [200, 201, 202, 203, 204, 206, 226]


@pytest.mark.parametrize("verb", VERBS)
@in_child()
def test_a_success_of_another_kind_is_none(verb: str, tmp_path: Path) -> None:
    # A caching proxy's 203, another verb's 201: each verb has its own successes.
    call, meant, good = VERBS[verb]
    believed = []
    for status in SUCCESSES:
        if status in good:
            continue

        def respond(connection: Connection, request: Request, status: int = status) -> None:
            fine, headers, body = fine_answer(request)
            if status == 204:
                body = b""
            connection.answer(request, status if meant(request) else fine, headers, body)

        with Server(each(respond)) as server:
            try:
                call(server.client(max_retries=0), tmp_path)
            except fastblob.TransferError:
                continue
            believed.append(status)
    assert not believed


@in_child()
def test_what_the_service_says_of_each_verb_is_believed(tmp_path: Path) -> None:
    # The other side of the test above: its answers are refused for their status and for nothing else.
    for verb, (call, _, _) in VERBS.items():
        if verb == "delete_many":
            continue

        def respond(connection: Connection, request: Request) -> None:
            status, headers, body = fine_answer(request)
            connection.answer(request, status, headers, body)

        with Server(each(respond)) as server:
            call(server.client(max_retries=0), tmp_path)


# Two versions -------------------------------------------------------------------------------------

SIZE = 40 * MIB
READS: dict[str, Callable[[Any, Path], object]] = {
    "read": lambda client, folder: client.read("data/blob"),
    "read_many": lambda client, folder: client.read_many(["data/blob"]),
    "read_into": lambda client, folder: client.read_into("data/blob", bytearray(SIZE)),
    "download": lambda client, folder: client.download("data/blob", folder / "target"),
}


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("difference", ["ETag", "total", "no ETag"])
@in_child()
def test_later_ranges_of_another_version(read: str, difference: str, tmp_path: Path) -> None:
    # A service, or a proxy, that does not honour If-Match.
    content = bytes(SIZE)

    def respond(connection: Connection, request: Request) -> None:
        headers: dict[str, str | None] = {}
        assert request.range is not None
        first, last = request.range
        if first > 0:
            headers = {
                "ETag": {"ETag": OTHER_ETAG, "total": ETAG, "no ETag": None}[difference],
            }
            if difference == "total":
                headers["Content-Range"] = f"bytes {first}-{min(last, SIZE - 1)}/{SIZE + 1}"
        connection.answer_range(request, content, headers)

    with Server(each(respond)) as server:
        client = server.client(max_retries=1)
        refused(lambda: READS[read](client, tmp_path))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("read", READS)
@in_child()
def test_no_etag_at_all_for_a_blob_of_several_ranges(read: str, tmp_path: Path) -> None:
    # Without one nothing ties the ranges together.
    content = bytes(SIZE)

    def respond(connection: Connection, request: Request) -> None:
        connection.answer_range(request, content, {"ETag": None})

    with Server(each(respond)) as server:
        client = server.client(max_retries=0)
        refused(lambda: READS[read](client, tmp_path))


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("difference", ["ETag", "total", "no ETag"])
@in_child()
def test_a_break_and_then_another_version(read: str, difference: str, tmp_path: Path) -> None:
    old, new = b"o" * MIB, b"n" * MIB
    broken = threading.Event()

    def respond(connection: Connection, request: Request) -> None:
        assert request.range is not None
        first, _ = request.range
        if not broken.is_set():
            broken.set()
            head = {"Content-Range": f"bytes 0-{MIB - 1}/{MIB}", "x-ms-blob-type": "BlockBlob", **CREATED}
            connection.send(answer_head(request, 206, MIB, head) + old[: MIB // 2])
            connection.close()
        elif difference == "ETag":
            connection.answer_range(request, new, {"ETag": OTHER_ETAG})
        elif difference == "no ETag":
            connection.answer_range(request, new, {"ETag": None} if first else {"ETag": OTHER_ETAG})
        else:
            connection.answer_range(request, new + b"n", {"ETag": ETAG if first else OTHER_ETAG})

    with Server(each(respond)) as server:
        client = server.client(max_retries=2)
        got: Any = None
        try:
            got = READS[read](client, tmp_path)
        except fastblob.TransferError:
            return
    if read == "read_into":
        return
    data: Any = (tmp_path / "target").read_bytes() if read == "download" else got
    data = data[0] if read == "read_many" else data
    assert len(set(data)) == 1


# Answers without end ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pages", ["the same marker", "two markers in turn", "an empty page and the same marker"]
)
@pytest.mark.parametrize("call", ["list", "list_many", "download_prefix"])
@in_child()
def test_page_markers_that_repeat(pages: str, call: str, tmp_path: Path) -> None:
    def respond(connection: Connection, request: Request) -> None:
        if request.query.get("comp") != "list":
            connection.answer_range(request, b"abc")
            return
        marker = "m1"
        if pages == "two markers in turn" and request.query.get("marker") == "m1":
            marker = "m2"
        names = [] if "empty" in pages else ["a"]
        # A client that goes on for ever is let go, to be judged by what it did.
        if len(connection.server.heads) > 200:
            marker = ""
        connection.answer(request, 200, {"Content-Type": "application/xml"}, list_page(names, marker))

    with Server(each(respond)) as server:
        client = server.client(max_retries=0)
        calls: dict[str, Callable[[], object]] = {
            "list": lambda: list(client.list("data")),
            "list_many": lambda: client.list_many(["data"]),
            "download_prefix": lambda: client.download_prefix("data", tmp_path),
        }
        refused(calls[call])
        lists = [head for head in server.heads if head.query.get("comp") == "list"]
        assert len(lists) <= 10


@in_child()
def test_many_empty_pages_with_new_markers_are_legal() -> None:
    count = itertools.count(1)

    def respond(connection: Connection, request: Request) -> None:
        number = next(count)
        names, marker = (["last"], "") if number == 50 else ([], f"m{number}")
        connection.answer(request, 200, {"Content-Type": "application/xml"}, list_page(names, marker))

    with Server(each(respond)) as server:
        assert [item.name for item in server.client().list("data")] == ["last"]


def memory_peak() -> int:
    """The most memory that this process ever had, in bytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


@pytest.mark.parametrize("what", ["a page", "an error", "a head", "an error without length", "a HEAD's head"])
@in_child()
def test_answers_are_bounded(what: str) -> None:
    # Each far larger than anything that the service says; sent in pieces, so that the server needs no memory.
    piece = b"x" * MIB
    total = 200

    def respond(connection: Connection, request: Request) -> None:
        if what == "a page":
            start = list_page(["a"]).split(b"</Blobs>")[0]
            connection.send(
                answer_head(request, 200, len(start) + total * MIB, {"Content-Type": "application/xml"})
            )
            connection.send(start)
        elif what == "an error":
            connection.send(answer_head(request, 400, total * MIB, {"Content-Type": "application/xml"}))
        elif what == "an error without length":
            connection.send(answer_head(request, 400, None, {"Connection": "close"}))
        else:
            connection.send(b"HTTP/1.1 200 OK\r\nx-ms-meta-a: ")
        for _ in range(total):
            connection.send(piece)

    with Server(each(respond)) as server:
        client = server.client(max_retries=0)
        before = memory_peak()
        if what == "a page":
            refused(lambda: list(client.list("data")))
        elif what == "a HEAD's head":
            refused(lambda: client.properties("data/blob"))
        else:
            refused(lambda: client.read("data/blob"))
        assert memory_peak() - before < 100 * MIB


@in_child()
def test_a_page_of_62_mb_with_many_names_costs_no_multiple_of_it() -> None:
    # A legal page has 5,000 names at most; whoever sends 60 times as many is cut off or pays for it himself.
    start, end = list_page([]).split(b"</Blobs>")
    page = start + b"<Blob><Name>a</Name></Blob>" * 2_300_000 + b"</Blobs>" + end
    assert len(page) > 58 * MIB

    def respond(connection: Connection, request: Request) -> None:
        connection.answer(request, 200, {"Content-Type": "application/xml"}, page)

    with Server(each(respond)) as server:
        client = server.client(max_retries=0)
        before = memory_peak()
        try:
            for _ in client.list("data"):
                pass
        except fastblob.TransferError:
            pass
        # The server itself holds the page twice.
        assert memory_peak() - before < 3 * len(page)


# Bytes that trickle -------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["the body of an error", "a head", "a page", "the TLS handshake"])
@in_child()
def test_bytes_that_trickle_come_to_an_end(what: str) -> None:
    # Two bytes a second for `timeout=1` are signs of life in none of them: what should take a millisecond
    # would take hours.
    endless = b"x" * 100_000

    def respond(connection: Connection) -> None:
        if what == "the TLS handshake":
            # The first bytes of a record that is announced as 16 KiB long.
            connection.trickle(b"\x16\x03\x03\x40\x00" + endless, 0.05)
            return
        for request in connection.requests():
            if what == "the body of an error":
                connection.send(answer_head(request, 400, 100_000, {"Content-Type": "application/xml"}))
            elif what == "a page":
                connection.send(answer_head(request, 200, 100_000, {"Content-Type": "application/xml"}))
            else:
                connection.send(b"HTTP/1.1 200 OK\r\nx-ms-meta-a: ")
            connection.trickle(endless, 0.05)

    with LocalAzure() as azure, Server(respond, tls=azure if "TLS" in what else None, raw=True) as server:
        client = server.client(max_retries=0, timeout=1)
        if what == "a page":
            refused(lambda: list(client.list("data")))
        else:
            refused(lambda: client.read("data/blob"))


@in_child()
def test_one_byte_a_connection_is_no_progress() -> None:
    # Bytes that arrive start the count of failures anew, but not for ever at this price.
    def respond(connection: Connection, request: Request) -> None:
        assert request.range is not None
        first, _ = request.range
        head = {"Content-Range": f"bytes {first}-999999/1000000", "x-ms-blob-type": "BlockBlob", **CREATED}
        connection.send(answer_head(request, 206, 1_000_000 - first, head) + b"x")
        connection.close()

    with Server(each(respond)) as server:
        client = server.client(max_retries=1, timeout=1)
        refused(lambda: client.read("data/blob"))
        assert len(server.heads) < 50


@in_child()
def test_a_copy_that_stays_pending_for_ever() -> None:
    def respond(connection: Connection, request: Request) -> None:
        pending = {"x-ms-copy-id": "1", "x-ms-copy-status": "pending", "x-ms-copy-progress": "0/7", **CREATED}
        if request.method == "PUT":
            connection.answer(request, 202, pending)
        else:
            connection.answer(request, 200, {"x-ms-blob-type": "BlockBlob", **pending})

    with Server(each(respond)) as server:
        client = server.client(max_retries=0, timeout=1)
        refused(lambda: client.copy("data/blob", "data/other", overwrite=True))


@pytest.mark.parametrize("status", ["aborted", "failed"])
@in_child()
def test_a_copy_that_did_not_succeed(status: str) -> None:
    def respond(connection: Connection, request: Request) -> None:
        copy = {"x-ms-copy-id": "1", "x-ms-copy-status": "pending", **CREATED}
        if request.method == "PUT":
            connection.answer(request, 202, copy)
        else:
            connection.answer(
                request, 200, {"x-ms-blob-type": "BlockBlob", **copy, "x-ms-copy-status": status}
            )

    with Server(each(respond)) as server:
        client = server.client(max_retries=0, timeout=5)
        error = refused(lambda: client.copy("data/blob", "data/other", overwrite=True))
        assert status in str(error)


# A proxy ------------------------------------------------------------------------------------------


@in_child()
def test_what_a_proxy_sends_behind_its_answer_to_connect_is_not_the_first_answer() -> None:
    import os

    from hostile.server import server_context

    with LocalAzure() as azure:
        context = server_context(azure)

        def script(connection: Connection) -> None:
            # The proxy plays the service as well, with its certificate; what comes first is in the clear.
            request = connection.read_head()
            assert request is not None
            assert request.method == "CONNECT"
            head = {"Content-Range": "bytes 0-6/7", "x-ms-blob-type": "BlockBlob", **CREATED}
            forged = answer_head(request, 206, 7, {**head, "x-ms-client-request-id": None}) + FORGED
            connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n" + forged)
            connection.socket = context.wrap_socket(connection.socket, server_side=True)
            for inner in connection.requests():
                connection.answer_range(inner, b"content")

        with Server(script) as proxy:
            os.environ["SSL_CERT_FILE"] = str(azure.ca_file)
            os.environ["HTTPS_PROXY"] = f"http://127.0.0.1:{proxy.port}"
            client = fastblob.Client("https://localhost:1/account", azure.account_key, max_retries=0)
            # Refusing such a proxy is as good.
            with contextlib.suppress(fastblob.TransferError):
                assert client.read("data/blob") == b"content"


@in_child()
def test_connections_of_silent_addresses_share_one_time_limit() -> None:
    # Whoever listens but never accepts: the backlog is full, so that connecting hangs.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        fillers = []
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/account"
        from hostile.server import KEY

        client = fastblob.Client(url, KEY, timeout=1, max_retries=0)
        refused(lambda: client.read("data/blob"), fastblob.NetworkError)
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize("total", [2**64 - 1, 2**63, 2**63 - 1, 1 << 50])
@pytest.mark.parametrize("call", ["read", "download"])
@in_child()
def test_a_size_that_no_blob_can_have(call: str, total: int, tmp_path: Path) -> None:
    def respond(connection: Connection, request: Request) -> None:
        head = {"Content-Range": f"bytes 0-6/{total}", "x-ms-blob-type": "BlockBlob", **CREATED}
        connection.answer(request, 206, head, b"content")

    with Server(each(respond)) as server:
        client = server.client(max_retries=1)
        with pytest.raises(fastblob.NetworkError):
            client.read("data/blob") if call == "read" else client.download("data/blob", tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("offset", [2**63, 2**64 - 1, 2**70, -(2**70)])
@in_child()
def test_an_offset_beyond_any_blob(offset: int) -> None:
    with Server(each(lambda connection, request: None)) as server:
        with pytest.raises(ValueError, match="offset"):
            server.client().read("data/blob", offset)
        assert not server.heads
