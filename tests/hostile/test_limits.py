"""A limit is a limit for the whole client, whoever calls; and what waits for it comes in its turn."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastblob
import pytest
from fastblob.local import LocalAzure
from hostile.child import environment, in_child
from hostile.server import ETAG, TIME, Connection, Request, Server, answer_head, each

MIB = 1 << 20
MAX_CONNECTIONS = 4
THREADS = 24

# Of the account that the embedded service has by default; Azurite's, and public.
WELL_KNOWN_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

# How long a server that holds its answers waits for one request more.
QUIET_SECONDS = 1.0


def in_threads(number: int, call: Callable[[int], object]) -> None:
    """Calls ``call(0)`` to ``call(number - 1)`` at the same time; the first exception comes out."""
    failures: list[BaseException] = []

    def run(index: int) -> None:
        try:
            call(index)
        except BaseException as error:  # noqa: BLE001 - raised below, on the test's thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@pytest.mark.parametrize("threads", [130, 300])
@in_child()
def test_more_threads_in_read_than_connections_and_one_in_read_many(threads: int) -> None:
    # Slow enough that calling threads wait for one another, while a batch after the other begins and ends.
    with LocalAzure(tls=False, containers=["data"], latency=0.4) as azure:
        client = azure.client()
        client.write("data/blob", b"content")
        reading = threading.Thread(
            target=in_threads,
            args=(threads, lambda index: [client.read("data/blob") for _ in range(2)]),
            daemon=True,
        )
        reading.start()
        while reading.is_alive():
            assert client.read_many([]) == []
        assert client.read_many(["data/blob"] * 20) == [b"content"] * 20


@in_child()
def test_300_threads_in_single_calls_of_every_kind() -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client()
        client.write("data/blob", b"content")
        calls: list[Callable[[int], object]] = [
            lambda index: client.read("data/blob"),
            lambda index: client.properties("data/blob"),
            lambda index: client.write(f"data/new{index}", b"x"),
            lambda index: list(client.list("data")),
            lambda index: client.exists("data/none"),
        ]
        in_threads(300, lambda index: calls[index % len(calls)](index))


# Each with the client, the number of the thread and a folder; `data/blob` has 100 bytes, `data/large` 20 MiB.
CALLS: dict[str, Callable[[Any, int, Path], object]] = {
    "read": lambda client, index, folder: client.read("data/blob"),
    "read of a large blob": lambda client, index, folder: client.read("data/large"),
    "read_into": lambda client, index, folder: client.read_into("data/blob", bytearray(100)),
    "write": lambda client, index, folder: client.write(f"data/new{index}", b"x"),
    "write of a large blob": lambda client, index, folder: client.write(f"data/new{index}", bytes(20 * MIB)),
    "write of a stream": lambda client, index, folder: client.write(
        f"data/new{index}", io.BytesIO(b"x" * 100)
    ),
    "properties": lambda client, index, folder: client.properties("data/blob"),
    "exists": lambda client, index, folder: client.exists("data/none"),
    "delete": lambda client, index, folder: client.delete(f"data/old{index}"),
    "list": lambda client, index, folder: list(client.list("data")),
    "copy": lambda client, index, folder: client.copy("data/blob", f"data/new{index}"),
    "read_many": lambda client, index, folder: client.read_many(["data/blob"] * 8),
    "write_many": lambda client, index, folder: client.write_many(
        [(f"data/new{index}-{n}", b"x") for n in range(8)]
    ),
    "delete_many": lambda client, index, folder: client.delete_many([f"data/old{index}"]),
    "properties_many": lambda client, index, folder: client.properties_many(["data/blob"] * 8),
    "list_many": lambda client, index, folder: client.list_many(["data"] * 4),
    "download": lambda client, index, folder: client.download("data/blob", folder / f"target{index}"),
    "download_many": lambda client, index, folder: client.download_many(
        [("data/blob", folder / f"target{index}-{n}") for n in range(4)]
    ),
    "download_prefix": lambda client, index, folder: client.download_prefix("data/some", folder / f"{index}"),
    "upload": lambda client, index, folder: client.upload(folder / "source", f"data/new{index}"),
    "upload_dir": lambda client, index, folder: client.upload_dir(folder / "sources", f"data/new{index}"),
}


@pytest.mark.parametrize("call", CALLS)
@in_child()
def test_max_connections_binds_every_kind_of_call(call: str, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x" * 100)
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources/file").write_bytes(b"x" * 100)
    with LocalAzure(tls=False, containers=["data"], latency=0.01) as azure:
        setup = azure.client()
        setup.write("data/blob", bytes(100))
        setup.write("data/some/blob", bytes(100))
        if "large" in call:
            setup.write("data/large", bytes(20 * MIB))
        if "delete" in call:
            setup.write_many([(f"data/old{n}", b"x") for n in range(THREADS)])
        azure.clear_requests()
        client = azure.client(max_connections=MAX_CONNECTIONS)
        threads = 4 if "large" in call else THREADS
        in_threads(threads, lambda index: CALLS[call](client, index, tmp_path))
        # Connections are kept: a client that is never refused anything opens no more than it may have.
        assert len({record.connection for record in azure.requests()}) <= MAX_CONNECTIONS


@in_child()
def test_max_connections_binds_all_kinds_of_calls_together(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x" * 100)
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources/file").write_bytes(b"x" * 100)
    kinds = [name for name in CALLS if "large" not in name]
    with LocalAzure(tls=False, containers=["data"], latency=0.01) as azure:
        setup = azure.client()
        setup.write_many([(f"data/old{n}", b"x") for n in range(len(kinds))])
        setup.write("data/blob", bytes(100))
        setup.write("data/some/blob", bytes(100))
        azure.clear_requests()
        client = azure.client(max_connections=MAX_CONNECTIONS)
        in_threads(len(kinds), lambda index: CALLS[kinds[index]](client, index, tmp_path))
        assert len({record.connection for record in azure.requests()}) <= MAX_CONNECTIONS


class Held:
    """A service that answers nothing until no further request comes, and then all of them at once."""

    def __init__(self) -> None:
        self.peaks: list[int] = []
        self.waiting = 0
        self.changed = threading.Condition()
        self.busy_waves = 1

    def respond(self, connection: Connection, request: Request) -> None:
        """Joins the wave, waits for its end, and answers: ServerBusy to the first, the blob afterwards."""
        with self.changed:
            self.waiting += 1
            wave = len(self.peaks)
            self.changed.notify_all()
            while len(self.peaks) == wave:
                seen = self.waiting

                def goes_on(seen: int = seen) -> bool:
                    return self.waiting != seen or len(self.peaks) > wave

                if not self.changed.wait_for(goes_on, QUIET_SECONDS):
                    self.peaks.append(self.waiting)
                    self.waiting = 0
                    self.changed.notify_all()
        if wave < self.busy_waves:
            connection.answer_error(request, 503, "ServerBusy")
        else:
            connection.answer_range(request, b"content")


LOADS: dict[str, Callable[[Any], object]] = {
    "one thread in read_many": lambda client: client.read_many(["data/blob"] * 48),
    "one thread in properties_many": lambda client: client.properties_many(["data/blob"] * 48),
    "many threads in read": lambda client: in_threads(48, lambda index: client.read("data/blob")),
    "many threads in properties": lambda client: in_threads(48, lambda index: client.properties("data/blob")),
    "many threads in exists": lambda client: in_threads(48, lambda index: client.exists("data/blob")),
}


@pytest.mark.parametrize("load", LOADS)
@in_child(seconds=40)
def test_halving_after_server_busy_binds_every_caller(load: str) -> None:
    held = Held()
    with Server(each(held.respond)) as server:
        client = server.client(max_connections=16)
        LOADS[load](client)
    first, second = held.peaks[:2]
    assert second <= max(1, first // 2), held.peaks


@pytest.mark.parametrize("threads", [1, 40])
@in_child()
def test_memory_limit_binds_streams_of_many_threads(threads: int, tmp_path: Path) -> None:
    # The service in another process, so that this one's memory is the client's.
    limit = 16 * MIB
    (tmp_path / "blobs").mkdir()
    command = [
        sys.executable,
        "-m",
        "fastblob.local",
        "--plain-http",
        "--container",
        "data",
        "--latency-ms",
        "20",
    ]
    command += ["--directory", str(tmp_path / "blobs")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as azure:
        try:
            client: Any = fastblob.Client(endpoint_of(azure), WELL_KNOWN_KEY, memory_limit=limit)
            client.write("data/first", b"x")
            before = peak_memory()
            in_threads(threads, lambda index: client.write(f"data/stream{index}", Zeros(8 * MIB)))
            # Stacks of threads, what the allocator keeps, and the pieces that the file objects give.
            assert peak_memory() - before < limit + 64 * MIB
        finally:
            azure.terminate()


def endpoint_of(azure: subprocess.Popen[str]) -> str:
    """The endpoint that ``python -m fastblob.local`` prints."""
    assert azure.stdout is not None
    for line in azure.stdout:
        if line.startswith("export AZURE_STORAGE_BLOB_ENDPOINT="):
            return line.partition("=")[2].strip().strip("'")
    raise AssertionError("no endpoint printed")


def peak_memory() -> int:
    """The most memory that this process ever had, in bytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


class Zeros:
    """A file object that makes its content up, in pieces of at most 64 KiB."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        """The next zeros."""
        size = min(self.left, 65536 if size < 0 else size, 65536)
        self.left -= size
        return bytes(size)


# With buffers for two blocks of 8 MiB at most, a stream waits until that much is free at once.
STREAMS: dict[str, Callable[[Any], object]] = {
    "write": lambda client: client.write("data/stream", Zeros(40 * MIB)),
    "write_many": lambda client: client.write_many([("data/stream", Zeros(40 * MIB))]),
    "write of bytes": lambda client: client.write("data/stream", bytes(40 * MIB)),
}


@pytest.mark.parametrize("stream", STREAMS)
@in_child()
def test_a_large_stream_is_not_overtaken_for_ever_by_small_reads(stream: str) -> None:
    # Judged by order, not by time: how many of 8,000 small reads come before the stream's end. Some hundreds
    # have come before its beginning, as nobody hears of them before the first report of progress.
    with LocalAzure(tls=False, containers=["data"], latency=0.01) as azure:
        client = azure.client(memory_limit=16 * MIB)
        client.write("data/small", b"x" * 100)
        under_way = threading.Event()

        def progress(state: fastblob.Progress) -> None:
            if state.items_done:
                under_way.set()

        def read_many() -> None:
            client.read_many(["data/small"] * 8000, progress=progress)

        reader = threading.Thread(target=read_many, daemon=True)
        reader.start()
        assert under_way.wait(10)
        STREAMS[stream](client)
        reader.join()
        operations = [record.operation for record in azure.requests()]
        assert operations[: operations.index("PutBlockList")].count("GetBlob") < 4000


@in_child()
def test_connections_grow_while_the_first_requests_still_run() -> None:
    # A slow network: each connection gives 1.3 MB/s, and none is done before there are more than at first.
    size = 64 * MIB
    grown = threading.Event()

    def respond(connection: Connection, request: Request) -> None:
        if connection.server.connections > 8:
            grown.set()
        assert request.range is not None
        first, last = request.range
        last = min(last, size - 1)
        length = last - first + 1
        span = {"Content-Range": f"bytes {first}-{last}/{size}", "x-ms-blob-type": "BlockBlob"}
        connection.send(answer_head(request, 206, length, {"ETag": ETAG, "Last-Modified": TIME, **span}))
        piece = bytes(65536)
        for position in range(0, length, len(piece)):
            grown.wait(0.05 if position + len(piece) < length else None)
            connection.send(piece[: length - position])

    with Server(each(respond)) as server:
        client = server.client(max_connections=64)
        client.read_many([f"data/{number}" for number in range(8)])
        assert grown.is_set()
