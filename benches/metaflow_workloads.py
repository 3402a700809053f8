"""What Metaflow does with a datastore, each time in a new process, with the clock outside of it.

``python metaflow_workloads.py DATASTORE WORKLOAD`` is that process. It prepares all that is not to be
measured, and makes sure that it has the right datastore; says "ready" and waits for a line; does the work,
and says how many CPU seconds that took. What was moved is checked after that.

Files are in the directory for temporary ones (TMPDIR), those that artifacts are loaded into as well.
"""

from __future__ import annotations

import hashlib
import io
import os
import resource
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fastblob.local import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONTAINER = "bench"
DATASTORES = {
    "stock": "metaflow.plugins.datastores.azure_storage",
    "fastblob": "metaflow_extensions.fastblob.plugins.datastore",
    "local": "metaflow.plugins.datastores.local_storage",
}


class Objects(NamedTuple):
    """Saving or loading with one call of the datastore; "save again" saves artifacts that are all there."""

    action: str
    count: int
    size: int


class Flow(NamedTuple):
    """A run of a flow."""

    file: str


WORKLOADS: dict[str, Objects | Flow] = {
    "save 1,000 x 64 KiB": Objects("save", 1_000, 64 << 10),
    "load 1,000 x 64 KiB": Objects("load", 1_000, 64 << 10),
    "save again 1,000 x 64 KiB": Objects("save again", 1_000, 64 << 10),
    "save again 10 x 16 MiB": Objects("save again", 10, 16 << 20),
    "save 1 x 1 GiB": Objects("save", 1, 1 << 30),
    "load 1 x 1 GiB": Objects("load", 1, 1 << 30),
    "run a flow of 20 tasks": Flow("twenty_tasks.py"),
    "run a flow of 6 tasks, 63 MiB": Flow("six_tasks.py"),
}


@dataclass
class Prepared:
    """A process that waits for the word to begin."""

    process: subprocess.Popen[str]
    service: LocalAzure
    cpu_seconds: float = 0.0
    requests: int = 0

    def run(self) -> None:
        """What is to be timed. Then ``cpu_seconds`` and ``requests``, without those for tokens, are known."""
        print("go", file=self.process.stdin, flush=True)
        self.cpu_seconds = float(self._line())
        counts = self.service.request_counts()
        self.requests = sum(counts.values()) - counts.get("Token", 0)

    def _line(self) -> str:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process ended with status {self.process.wait()}")
        return line


@contextmanager
def prepared(datastore: str, workload: str, latency: float) -> Iterator[Prepared]:
    """A process that is ready to do the work, on an account of its own.

    Args:
        datastore: One of DATASTORES.
        workload: One of WORKLOADS.
        latency: Seconds that the service waits before each answer.
    """
    with (
        LocalAzure(containers=[CONTAINER], latency=latency) as service,
        tempfile.TemporaryDirectory(prefix="fastblob-bench-") as folder,
    ):
        what = WORKLOADS[workload]
        if isinstance(what, Objects) and what.action != "save":
            with _started(datastore, workload.replace("load", "save"), service, folder) as first:
                first.run()
        with _started(datastore, workload, service, folder) as process:
            service.clear_requests()
            yield process


@contextmanager
def _started(datastore: str, workload: str, service: LocalAzure, folder: str) -> Iterator[Prepared]:
    env = {
        **os.environ,
        **service.env(),
        "METAFLOW_FASTBLOB": "1" if datastore == "fastblob" else "0",
        "METAFLOW_HOME": folder,
        "METAFLOW_USER": "bench",
        "METAFLOW_DEFAULT_DATASTORE": "local" if datastore == "local" else "azure",
        "METAFLOW_DEFAULT_METADATA": "local",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": f"{folder}/local",
        "METAFLOW_DATASTORE_SYSROOT_AZURE": f"{CONTAINER}/mf",
    }
    with subprocess.Popen(
        [sys.executable, __file__, datastore, workload],
        env=env,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        started = Prepared(process, service)
        assert started._line() == "ready\n"
        yield started
    assert process.returncode == 0


def work(datastore: str, workload: str) -> None:
    """The measured process."""
    from metaflow.plugins import DATASTORES as PLUGINS

    name, root = ("local", None) if datastore == "local" else ("azure", f"{CONTAINER}/mf")
    storage = next(plugin for plugin in PLUGINS if name == plugin.TYPE)(root)
    assert type(storage).__module__ == DATASTORES[datastore]
    what = WORKLOADS[workload]
    action, check = _flow(what) if isinstance(what, Flow) else _objects(what, storage)
    print("ready", flush=True)
    sys.stdin.readline()
    begun = _cpu_seconds()
    action()
    print(_cpu_seconds() - begun, flush=True)
    check()


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _flow(flow: Flow) -> tuple[Callable[[], object], Callable[[], object]]:
    command = [sys.executable, str(Path(__file__).with_name("flows") / flow.file), "--quiet", "run"]
    # The flow itself checks what it loads.
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), lambda: None


def _objects(what: Objects, storage) -> tuple[Callable[[], object], Callable[[], object]]:
    from metaflow.datastore.content_addressed_store import ContentAddressedStore

    storage.is_file(["not there; now there are a connection and a token"])
    objects = _made(what.count, what.size)
    if what.action == "save":
        streams = [(key, io.BytesIO(data)) for key, data in objects.items()]
        return lambda: storage.save_bytes(iter(streams), len_hint=len(streams)), lambda: None
    if what.action == "save again":
        # Metaflow asks the datastore for each of them, and compresses what is not there.
        store = ContentAddressedStore("Bench/data", storage)
        return lambda: store.save_blobs(iter(objects.values()), len_hint=len(objects)), lambda: None
    opened = []
    loaded = []

    def load() -> None:
        opened.append(storage.load_bytes(list(objects)))
        loaded.extend(opened[0].__enter__())

    def check() -> None:
        assert len(loaded) == len(objects)
        assert all(_digest(Path(file).read_bytes()) == _digest(objects[key]) for key, file, _ in loaded)
        opened[0].__exit__(None, None, None)

    return load, check


def _made(count: int, size: int) -> dict[str, bytes]:
    """Objects that differ, the same in every process."""
    block = hashlib.shake_256(b"fastblob").digest(min(size, 1 << 20))
    data = block * (size // len(block))
    return {f"objects/{number}": number.to_bytes(8, "big") + data[8:] for number in range(count)}


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data).digest()


if __name__ == "__main__":
    work(*sys.argv[1:])
