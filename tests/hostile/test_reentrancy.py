"""User code that runs during a call may use the client: nothing of ours is held meanwhile."""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastblob
import pytest
from fastblob.local import LocalAzure
from hostile.child import in_child
from hostile.server import Connection, Request, Server, each

MIB = 1 << 20

LIMITS: dict[str, dict[str, Any]] = {
    "two connections": {"max_connections": 2},
    "8 MiB of memory": {"memory_limit": 8 * MIB},
    "one connection and 8 MiB": {"max_connections": 1, "memory_limit": 8 * MIB},
}


class Reads:
    """A file object that calls something at every fourth piece that it gives."""

    def __init__(self, call: Callable[[], object], size: int = 20 * MIB) -> None:
        self.call = call
        self.left = size
        self.pieces = 0

    def read(self, size: int = -1) -> bytes:
        if self.pieces % 4 == 0:
            self.call()
        self.pieces += 1
        size = min(self.left, MIB if size < 0 else size)
        self.left -= size
        return b"x" * size


def inner_calls(client: Any) -> dict[str, Callable[[], object]]:
    """What user code may do with the client in the middle of another call."""
    return {
        "read": lambda: client.read("data/blob"),
        "read of a large blob": lambda: client.read("data/large"),
        "write": lambda: client.write("data/inner", b"x", overwrite=True),
        "read_many": lambda: client.read_many(["data/blob"] * 4),
        "write of a stream": lambda: client.write("data/inner", io.BytesIO(b"x" * MIB), overwrite=True),
        "properties": lambda: client.properties("data/blob"),
        "list": lambda: list(client.list("data")),
    }


INNER = list(inner_calls(None))


def fill(azure: LocalAzure) -> None:
    """Writes what the inner calls need."""
    client = azure.client()
    client.write("data/blob", b"content")
    client.write("data/large", bytes(18 * MIB))


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("inner", INNER)
@in_child()
def test_a_file_object_that_uses_the_client(limits: str, inner: str) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        fill(azure)
        client: Any = azure.client(**LIMITS[limits])
        call = inner_calls(client)[inner]
        assert client.write("data/outer", Reads(call)).size == 20 * MIB


@pytest.mark.parametrize("limits", LIMITS)
@in_child()
def test_file_objects_of_write_many_that_use_the_client(limits: str) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        fill(azure)
        client: Any = azure.client(**LIMITS[limits])
        streams = [(f"data/{n}", Reads(lambda: client.read("data/large"), 3 * MIB)) for n in range(3)]
        assert [result.size for result in client.write_many(streams)] == [3 * MIB] * 3


@pytest.mark.parametrize("outer", ["read_many", "write_many", "download_many", "delete_many", "upload_many"])
@pytest.mark.parametrize("inner", ["read", "read of a large blob", "read_many", "list"])
@in_child()
def test_a_generator_that_uses_the_client(outer: str, inner: str, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x")
    with LocalAzure(tls=False, containers=["data"]) as azure:
        fill(azure)
        azure.client().write_many([(f"data/old{n}", b"x") for n in range(8)])
        client = azure.client(max_connections=1, memory_limit=8 * MIB)
        call = inner_calls(client)[inner]

        def items() -> Iterator[Any]:
            for n in range(8):
                call()
                yield {
                    "read_many": "data/blob",
                    "write_many": (f"data/new{n}", b"x"),
                    "download_many": ("data/blob", tmp_path / f"{n}"),
                    "delete_many": f"data/old{n}",
                    "upload_many": (tmp_path / "source", f"data/new{n}"),
                }[outer]

        assert len(getattr(client, outer)(items())) == 8


@pytest.mark.parametrize("limits", LIMITS)
@in_child()
def test_a_progress_callable_that_uses_the_client(limits: str, tmp_path: Path) -> None:
    with LocalAzure(tls=False, containers=["data"], latency=0.05) as azure:
        fill(azure)
        client: Any = azure.client(**LIMITS[limits])
        called = []

        def progress(_: object) -> None:
            called.append(client.read("data/large"))

        client.download("data/large", tmp_path / "target", progress=progress)
        client.read_many(["data/blob"] * 10, progress=progress)
        client.write("data/new", bytes(18 * MIB), progress=progress)
        assert called


HELD: dict[str, Callable[[Any], object]] = {
    "read": lambda client: client.read("data/held"),
    "read_many": lambda client: client.read_many(["data/held"] * 4),
    "properties": lambda client: client.properties("data/held"),
    "list": lambda client: list(client.list("data")),
    "write": lambda client: client.write("data/held", b"x"),
    "write of a stream": lambda client: client.write("data/held", io.BytesIO(b"x")),
}


@pytest.mark.parametrize("held", HELD)
@in_child()
def test_a_signal_handler_that_uses_the_client(held: str) -> None:
    # The main thread's call is answered only after the handler's own call has been.
    handled = threading.Event()

    def respond(connection: Connection, request: Request) -> None:
        if not request.path.endswith("/free"):
            handled.wait(60)
        if request.method == "PUT":
            connection.answer(
                request, 201, {"ETag": '"0x1"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
            )
        elif request.query.get("comp") == "list":
            connection.answer_error(request, 404, "ContainerNotFound")
        else:
            connection.answer_range(request, b"content")

    with Server(each(respond)) as server:
        client = server.client(max_connections=8)

        def handler(*_: object) -> None:
            assert client.read("data/free") == b"content"
            handled.set()

        signal.signal(signal.SIGUSR1, handler)

        def send() -> None:
            server.wait_for_requests(1)
            os.kill(os.getpid(), signal.SIGUSR1)

        threading.Thread(target=send, daemon=True).start()
        try:
            HELD[held](client)
        except fastblob.BlobNotFoundError:
            assert held == "list"
        assert handled.is_set()


@in_child()
def test_a_signal_handler_that_uses_the_client_while_all_wait_for_a_token() -> None:
    class Slow:
        """Gives a token only when the handler has run."""

        def __init__(self) -> None:
            self.asked = threading.Event()
            self.handled = threading.Event()

        def get_token(self, *scopes: str, **options: object) -> Any:
            from azure.core.credentials import AccessToken

            self.asked.set()
            assert self.handled.wait(15)
            return AccessToken("token", int(time.time()) + 7200)

    with Server(each(lambda connection, request: connection.answer_range(request, b"content"))) as server:
        slow = Slow()
        client = server.client(slow)
        other = server.client()

        def handler(*_: object) -> None:
            # What needs no token of the same client, and what another client does, goes on.
            assert other.read("data/blob") == b"content"
            slow.handled.set()

        signal.signal(signal.SIGUSR1, handler)
        first = threading.Thread(target=lambda: client.read("data/blob"), daemon=True)
        first.start()
        assert slow.asked.wait(10)
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        assert client.read("data/blob") == b"content"
        first.join()


@pytest.mark.parametrize("threads", [1, 12])
@in_child()
def test_a_credential_that_uses_another_client(threads: int) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        azure.client().write("data/token", azure.issue_token().encode())
        holder = azure.client(max_connections=1)

        class FromBlob:
            def get_token(self, *scopes: str, **options: object) -> Any:
                from azure.core.credentials import AccessToken

                return AccessToken(holder.read("data/token").decode(), int(time.time()) + 7200)

        client = azure.client(FromBlob(), max_connections=1)
        running = [
            threading.Thread(target=client.read, args=("data/token",), daemon=True) for _ in range(threads)
        ]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        assert client.read_many(["data/token"] * 20)


@in_child()
def test_a_logging_handler_that_uses_the_client() -> None:
    import logging

    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client(max_connections=1)
        client.write("data/blob", b"content")
        said: list[logging.LogRecord] = []

        class Handler(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if not said:
                    said.append(record)
                    assert client.read("data/other") == b"other"

        client.write("data/other", b"other")
        logger = logging.getLogger("fastblob")
        logger.setLevel(logging.DEBUG)
        logger.addHandler(Handler())
        azure.add_fault(path="/blob", status=503, code="ServerBusy", times=1)
        assert client.read("data/blob") == b"content"
        assert said
