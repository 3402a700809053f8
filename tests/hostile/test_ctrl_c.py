"""Ctrl-C ends a call wherever it waits.

Judged by the order of events: whatever a call waits for never happens, so that only the signal can end it.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastblob.local import LocalAzure
from hostile.child import in_child
from hostile.server import KEY, Connection, Request, Server, each

MIB = 1 << 20
NEVER = 600

# How long after its cause a wait has surely begun. Too short a time would make a test easier, not fail.
SETTLED_SECONDS = 0.3


def interrupt_after(event: threading.Event) -> None:
    """Sends SIGINT to this process a moment after ``event``."""

    def send() -> None:
        event.wait(NEVER)
        threading.Event().wait(SETTLED_SECONDS)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=send, daemon=True).start()


def is_interrupted(call: Callable[[], object], begun: threading.Event | None = None) -> None:
    """The call ends with KeyboardInterrupt once SIGINT has been sent.

    A call that does not end is the child's time limit, which is the point of this file.
    """
    if begun is None:
        begun = threading.Event()
        begun.set()
    interrupt_after(begun)
    with pytest.raises(KeyboardInterrupt):
        call()


class Silent:
    """A service that takes requests and never answers those for ``held``."""

    def __init__(self) -> None:
        self.begun = threading.Event()

    def respond(self, connection: Connection, request: Request) -> None:
        """Holds it, or answers with a blob."""
        if "held" in request.path or request.query.get("comp") == "list":
            self.begun.set()
            connection.hold()
        connection.answer_range(request, b"content")


WAITS: dict[str, Callable[[Any, Path], object]] = {
    "read": lambda client, folder: client.read("data/held"),
    "read_into": lambda client, folder: client.read_into("data/held", bytearray(7)),
    "read_many": lambda client, folder: client.read_many(["data/held"] * 30),
    "write": lambda client, folder: client.write("data/held", b"x"),
    "write of blocks": lambda client, folder: client.write("data/held", bytes(40 * MIB)),
    "properties": lambda client, folder: client.properties("data/held"),
    "properties_many": lambda client, folder: client.properties_many(["data/held"] * 30),
    "exists": lambda client, folder: client.exists("data/held"),
    "delete": lambda client, folder: client.delete("data/held"),
    "list": lambda client, folder: list(client.list("data")),
    "list_many": lambda client, folder: client.list_many(["data"] * 3),
    "copy": lambda client, folder: client.copy("data/held", "data/held2"),
    "copy_from": lambda client, folder: client.copy_from(client, "data/source", "data/held"),
    "copy_from, the source": lambda client, folder: client.copy_from(client, "data/held", "data/target"),
    "copy_from_many": lambda client, folder: client.copy_from_many(client, [("data/source", "data/held")]),
    "download": lambda client, folder: client.download("data/held", folder / "target"),
    "download_prefix": lambda client, folder: client.download_prefix("data", folder),
}


@pytest.mark.parametrize("call", WAITS)
@in_child()
def test_while_waiting_for_an_answer(call: str, tmp_path: Path) -> None:
    silent = Silent()
    with Server(each(silent.respond)) as server:
        client = server.client(timeout=NEVER)
        is_interrupted(lambda: WAITS[call](client, tmp_path), silent.begun)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("call", WAITS)
@pytest.mark.parametrize("holders", ["a thread in read", "a thread in read_many", "a thread in a list"])
@in_child()
def test_while_waiting_for_a_permit(call: str, holders: str, tmp_path: Path) -> None:
    # The only connection belongs to a call of another thread that never ends.
    silent = Silent()
    with Server(each(silent.respond)) as server:
        client = server.client(timeout=NEVER, max_connections=1)
        hold: dict[str, Callable[[], object]] = {
            "a thread in read": lambda: client.read("data/held"),
            "a thread in read_many": lambda: client.read_many(["data/held"] * 3),
            "a thread in a list": lambda: list(client.list("data")),
        }
        threading.Thread(target=hold[holders], daemon=True).start()
        is_interrupted(lambda: WAITS[call](client, tmp_path), silent.begun)


@pytest.mark.parametrize("call", ["write", "write_many"])
@in_child()
def test_while_waiting_for_memory(call: str) -> None:
    # A stream of another thread holds all of it.
    silent = Silent()
    with Server(each(silent.respond)) as server:
        client = server.client(timeout=NEVER, memory_limit=8 * MIB)

        def hold() -> None:
            client.write("data/held", Endless())

        threading.Thread(target=hold, daemon=True).start()
        calls: dict[str, Callable[[], object]] = {
            "write": lambda: client.write("data/held2", Endless()),
            "write_many": lambda: client.write_many([("data/held2", Endless())]),
        }
        is_interrupted(calls[call], silent.begun)


class Endless:
    """A file object without end."""

    def read(self, size: int = -1) -> bytes:
        """So many zeros."""
        return bytes(min(size, MIB) if size >= 0 else MIB)


@pytest.mark.parametrize("call", ["upload", "upload_many", "upload_dir"])
@in_child()
def test_while_a_pipe_is_silent(call: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client: Any = azure.client()
        calls: dict[str, Callable[[], object]] = {
            "upload": lambda: client.upload(fifo, "data/new"),
            "upload_many": lambda: client.upload_many([(fifo, "data/new")]),
            "upload_dir": lambda: client.upload_dir(folder, "data/new"),
        }
        begun = threading.Event()
        begun.set()
        interrupt_after(begun)
        # Refusing a pipe at once is as good as being interrupted; the interrupt then comes afterwards.
        try:
            calls[call]()
        except OSError:
            pass
        except KeyboardInterrupt:
            return
        with pytest.raises(KeyboardInterrupt):
            threading.Event().wait(NEVER)


@pytest.mark.parametrize("opened", [False, True], ids=["nobody writes", "a writer that is silent"])
@in_child()
def test_while_a_file_object_of_a_pipe_is_silent(opened: bool) -> None:
    reading, writing = os.pipe()
    with LocalAzure(tls=False, containers=["data"]) as azure, os.fdopen(reading, "rb") as file:
        client: Any = azure.client()
        if opened:
            os.write(writing, b"something")
        is_interrupted(lambda: client.write("data/new", file))
    os.close(writing)


class Stuck:
    """A credential that never gives a token."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    def get_token(self, *scopes: str, **options: object) -> Any:
        """Waits as a subprocess or a socket would be waited for."""
        self.asked.set()
        threading.Event().wait(NEVER)


@pytest.mark.parametrize("call", WAITS)
@in_child()
def test_while_the_credential_is_slow(call: str, tmp_path: Path) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        stuck = Stuck()
        client = azure.client(stuck)
        is_interrupted(lambda: WAITS[call](client, tmp_path), stuck.asked)


@pytest.mark.parametrize("call", WAITS)
@in_child()
def test_while_another_thread_fetches_the_token(call: str, tmp_path: Path) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        stuck = Stuck()
        client = azure.client(stuck)
        threading.Thread(target=client.read, args=("data/held",), daemon=True).start()
        is_interrupted(lambda: WAITS[call](client, tmp_path), stuck.asked)


@pytest.mark.parametrize("call", ["read", "read_many", "properties", "list"])
@in_child()
def test_while_the_resolver_is_silent(call: str, tmp_path: Path) -> None:
    import socket
    import sys

    if not sys.platform.startswith("linux") or not unshare_mounts():
        pytest.skip("needs the right to a mount namespace of its own")
    # In it the resolver's configuration names an address of loopback where requests are swallowed; one for
    # each process, as the port is always the same.
    number = os.getpid()
    address = f"127.{number >> 16 & 127 | 1}.{number >> 8 & 255}.{number & 255}"
    configuration = tmp_path / "resolv.conf"
    configuration.write_text(f"nameserver {address}\noptions timeout:30 attempts:5\n")
    if not bind_mount(configuration, Path("/etc/resolv.conf")):
        pytest.skip("needs the right to mount")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as swallowing:
        swallowing.bind((address, 53))
        import fastblob

        client: Any = fastblob.Client("https://account.blob.core.windows.net", KEY)
        is_interrupted(lambda: WAITS[call](client, tmp_path))


def unshare_mounts() -> bool:
    """Gives this process mounts of its own."""
    import ctypes

    return bool(ctypes.CDLL(None).unshare(0x00020000) == 0)


def bind_mount(source: Path, target: Path) -> bool:
    """Lays ``source`` over ``target``, in this process's mounts only."""
    import ctypes

    libc = ctypes.CDLL(None)
    private, bind = 1 << 18, 4096
    recursive = 1 << 14
    if libc.mount(b"none", b"/", None, private | recursive, None) != 0:
        return False
    return bool(libc.mount(os.fsencode(source), os.fsencode(target), None, bind, None) == 0)


@pytest.mark.parametrize("call", ["read", "list", "properties"])
@in_child()
def test_while_connecting(call: str, tmp_path: Path) -> None:
    import socket

    import fastblob

    # Nobody accepts, and the queue of those who wait is full.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = [socket.socket() for _ in range(8)]
        for filler in waiting:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        client: Any = fastblob.Client(
            f"http://127.0.0.1:{listener.getsockname()[1]}/account", KEY, timeout=NEVER
        )
        is_interrupted(lambda: WAITS[call](client, tmp_path))
        for filler in waiting:
            filler.close()


@pytest.mark.parametrize("call", ["read", "list", "write"])
@in_child()
def test_while_a_tls_handshake_is_silent(call: str, tmp_path: Path) -> None:
    begun = threading.Event()

    def script(connection: Connection) -> None:
        connection.socket.recv(1)
        begun.set()
        connection.hold()

    with LocalAzure() as azure, Server(script, tls=azure, raw=True) as server:
        client = server.client(timeout=NEVER)
        is_interrupted(lambda: WAITS[call](client, tmp_path), begun)


@pytest.mark.parametrize("call", ["read", "write of blocks", "read_many", "list", "copy", "exists"])
@in_child()
def test_while_waiting_for_another_try(call: str, tmp_path: Path) -> None:
    begun = threading.Event()

    def respond(connection: Connection, request: Request) -> None:
        connection.answer_error(request, 503, "ServerBusy", {"Retry-After": "100"})
        begun.set()

    with Server(each(respond)) as server:
        client = server.client()
        is_interrupted(lambda: WAITS[call](client, tmp_path), begun)


@pytest.mark.parametrize("consumer", ["read_many", "write_many", "upload_many", "delete_many"])
@in_child()
def test_inside_a_generator(consumer: str) -> None:
    begun = threading.Event()

    def items() -> Iterator[Any]:
        begun.set()
        threading.Event().wait(NEVER)
        yield "data/never"

    with LocalAzure(tls=False, containers=["data"]) as azure:
        client: Any = azure.client()
        is_interrupted(lambda: getattr(client, consumer)(items()), begun)


@in_child()
def test_while_another_threads_call_ends() -> None:
    # A batch whose generator failed waits for what it has begun; so does one that Ctrl-C interrupts.
    silent = Silent()
    with Server(each(silent.respond)) as server:
        client = server.client(timeout=NEVER)

        def items() -> Iterator[str]:
            yield from ["data/held"] * 4
            silent.begun.wait(NEVER)
            raise ValueError("from the generator")

        ended = threading.Event()

        def call() -> None:
            try:
                client.read_many(items())
            except ValueError:
                ended.set()

        threading.Thread(target=call, daemon=True).start()
        is_interrupted(lambda: client.read("data/held"), silent.begun)
        assert ended.wait(10)
