"""Metaflow's own Azure datastore and fastblob's side by side on the loopback service.

    python benches/metaflow_datastore.py                     # everything, without latency and with 10 ms
    python benches/metaflow_datastore.py --rounds 5 --workload save-small --workload load-small

Each measurement is a process of its own. The two take turns within a round, so that a machine that gets
slower meanwhile does so for both; medians of the wall seconds are shown, and the requests of one round.
What was moved is checked after the clock was stopped, and so is which datastore was in force.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fastblob.local import LocalAzure

HERE = Path(__file__).resolve()
FLOW = HERE.with_name("metaflow_flow.py")
CONTAINER = "bench"
SMALL, COUNT, LARGE = 64 << 10, 1_000, 1 << 30
WORKLOADS = {
    "save-small": "save 1,000 artifacts of 64 KiB",
    "load-small": "load 1,000 artifacts of 64 KiB",
    "save-large": "save 1 artifact of 1 GiB",
    "load-large": "load 1 artifact of 1 GiB",
    "flow": "run a flow of 20 tasks",
}
DATASTORES = {
    "stock": "metaflow.plugins.datastores.azure_storage",
    "fastblob": "metaflow_extensions.fastblob.plugins.datastore",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--workload", choices=WORKLOADS, action="append", help="only this one; may be repeated"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency-ms", type=float, action="append", help="of the service; default: 0 and 10")
    parser.add_argument("--measure", nargs=2, metavar=("DATASTORE", "WORKLOAD"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(*options.measure)
        return
    print(f"{'workload':<34}{'latency':>8}{'stock':>10}{'fastblob':>10}{'ratio':>7}   requests")
    for latency in options.latency_ms or [0.0, 10.0]:
        for workload in options.workload or WORKLOADS:
            compare(workload, latency, options.rounds)


def compare(workload: str, latency: float, rounds: int) -> None:
    """Prints one line of the table."""
    seconds: dict[str, list[float]] = {name: [] for name in DATASTORES}
    requests = {}
    for _ in range(rounds):
        for name in DATASTORES:
            with (
                LocalAzure(containers=[CONTAINER], latency=latency / 1000) as service,
                tempfile.TemporaryDirectory(prefix="fastblob-bench-") as folder,
            ):
                command = [sys.executable, str(HERE), "--measure", name, workload]
                if workload.startswith("load"):
                    run([*command[:-1], workload.replace("load", "save")], name, service, folder)
                service.clear_requests()
                seconds[name].append(float(run(command, name, service, folder)))
                counted = service.request_counts()
                requests[name] = sum(counted.values()) - counted.get("Token", 0)
    stock, ours = (statistics.median(seconds[name]) for name in DATASTORES)
    print(
        f"{WORKLOADS[workload]:<34}{latency:>5.0f} ms{stock:>8.2f} s{ours:>8.2f} s{stock / ours:>7.1f}   "
        f"{requests['stock']} / {requests['fastblob']}",
        flush=True,
    )


def run(command: list[str], name: str, service: LocalAzure, folder: str) -> str:
    """Runs one measurement and returns the last line of what it says."""
    env = {
        **os.environ,
        **service.env(),
        "METAFLOW_FASTBLOB": "1" if name == "fastblob" else "0",
        "METAFLOW_HOME": folder,
        "METAFLOW_USER": "bench",
        "METAFLOW_DEFAULT_DATASTORE": "azure",
        "METAFLOW_DEFAULT_METADATA": "local",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": f"{folder}/metadata",
        "METAFLOW_DATASTORE_SYSROOT_AZURE": f"{CONTAINER}/mf",
    }
    return subprocess.run(
        command, env=env, cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.splitlines()[-1]


def measure(name: str, workload: str) -> None:
    """Prints the seconds that the workload takes in this process."""
    if workload == "flow":
        begun = time.perf_counter()
        subprocess.run([sys.executable, str(FLOW), "--quiet", "run"], check=True, stdout=subprocess.DEVNULL)
        print(time.perf_counter() - begun)
        return
    from metaflow.plugins import DATASTORES as PLUGINS

    storage = next(plugin for plugin in PLUGINS if plugin.TYPE == "azure")(f"{CONTAINER}/mf")
    assert type(storage).__module__ == DATASTORES[name]
    storage.is_file(["not there, but the token is"])
    action, kind = workload.split("-")
    objects = made(1, LARGE) if kind == "large" else made(COUNT, SMALL)
    begun = time.perf_counter()
    if action == "save":
        storage.save_bytes(((key, io.BytesIO(data)) for key, data in objects.items()), len_hint=len(objects))
        print(time.perf_counter() - begun)
        return
    with storage.load_bytes(list(objects)) as loaded:
        files = [(key, Path(file)) for key, file, _ in loaded]
        seconds = time.perf_counter() - begun
        assert all(digest(file.read_bytes()) == digest(objects[key]) for key, file in files)
        assert len(files) == len(objects)
    print(seconds)


def made(count: int, size: int) -> dict[str, bytes]:
    """Objects that differ, the same in every process."""
    block = hashlib.shake_256(b"fastblob").digest(min(size, 1 << 20))
    data = block * (size // len(block))
    return {f"objects/{number}": number.to_bytes(8, "big") + data[8:] for number in range(count)}


def digest(data: bytes) -> bytes:
    return hashlib.blake2b(data).digest()


if __name__ == "__main__":
    main()
