"""fastblob, azure-storage-blob and obstore side by side on the loopback service.

    python benches/compare.py                       # everything, 5 rounds
    python benches/compare.py --workload small-down --rounds 9 --latency-ms 10

Each measurement is a process of its own, which connects, moves a few blobs, and then is timed: wall and CPU
seconds of the transfer, and the process's peak memory. The libraries take turns within a round, so that a
machine that gets slower meanwhile does so for all; the medians are shown, and their ratio to obstore's. What
was moved is checked after the clock was stopped.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import platform
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from adapters import ADAPTERS, CONTAINER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters import Adapter

# The service's default account and its key, which is public: they are Azurite's.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

LARGE = 1 << 30
SMALL = 64 << 10
COUNT = 3_000
WORKLOADS = {
    "large-down": "1 GiB down to a file",
    "large-up": "1 GiB up from a file",
    "small-down": "3,000 blobs of 64 KiB down to memory",
    "small-up": "3,000 blobs of 64 KiB up from memory",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--workload", choices=WORKLOADS, action="append", help="only this one; may be repeated"
    )
    parser.add_argument("--tool", choices=ADAPTERS, action="append", help="only this one; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--latency-ms", type=float, default=0.0, help="of the service, before each answer")
    parser.add_argument("--tls", action="store_true", help="HTTPS instead of plain HTTP")
    parser.add_argument(
        "--measure", nargs=4, metavar=("TOOL", "WORKLOAD", "ENDPOINT", "FOLDER"), help=argparse.SUPPRESS
    )
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(*arguments.measure)))
        return
    workloads = arguments.workload or list(WORKLOADS)
    tools = arguments.tool or list(ADAPTERS)
    with tempfile.TemporaryDirectory(prefix="fastblob-bench-") as folder:
        compare(workloads, tools, arguments.rounds, arguments.latency_ms, arguments.tls, Path(folder))


def compare(
    workloads: list[str], tools: list[str], rounds: int, latency: float, tls: bool, folder: Path
) -> None:
    source = folder / "source"
    with source.open("wb") as file:
        for _ in range(LARGE >> 24):
            file.write(os.urandom(1 << 24))
    results: dict[tuple[str, str], list[dict[str, float]]] = {}
    with serve(latency, tls) as (endpoint, environment):
        seed(endpoint, environment, source)
        for workload in workloads:
            for _ in range(rounds):
                for tool in tools:
                    command = [sys.executable, __file__, "--measure", tool, workload, endpoint, str(folder)]
                    output = subprocess.run(
                        command, check=True, stdout=subprocess.PIPE, text=True, env=environment
                    )
                    results.setdefault((workload, tool), []).append(json.loads(output.stdout))
    print_table(results, rounds)


@contextmanager
def serve(latency: float, tls: bool) -> Iterator[tuple[str, dict[str, str]]]:
    """The service in a process of its own, so that its CPU time is not the client's."""
    command = [sys.executable, "-m", "fastblob.local", "--container", CONTAINER, "--latency-ms", str(latency)]
    command += [] if tls else ["--plain-http"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        environment = dict(os.environ)
        for line in process.stdout:
            if not line.startswith("export "):
                break
            name, _, value = line.removeprefix("export ").strip().partition("=")
            environment[name] = shlex.split(value)[0]
        try:
            yield environment["AZURE_STORAGE_BLOB_ENDPOINT"], environment
        finally:
            process.terminate()


def seed(endpoint: str, environment: dict[str, str], source: Path) -> None:
    """Uploads what is downloaded later, from a process that has the service's environment."""
    program = (
        "import sys; from adapters import ADAPTERS; from compare import *;"
        "adapter = ADAPTERS['fastblob'](sys.argv[1], ACCOUNT, KEY);"
        "adapter.upload_file(sys.argv[2], 'large-down');"
        "adapter.write_blobs(names('small-down'), small_content())"
    )
    command = [sys.executable, "-c", program, endpoint, str(source)]
    subprocess.run(command, check=True, env=environment, cwd=Path(__file__).parent)


def names(prefix: str) -> list[str]:
    return [f"{prefix}/{index:05}" for index in range(COUNT)]


def small_content() -> bytes:
    return bytes(range(256)) * (SMALL // 256)


def measure(tool: str, workload: str, endpoint: str, folder: str) -> dict[str, float]:
    """Runs one transfer in this process."""
    adapter = ADAPTERS[tool](endpoint, ACCOUNT, KEY)
    warm_up = [f"warm-up/{tool}/{index}" for index in range(8)]
    adapter.write_blobs(warm_up, b"x")
    adapter.read_blobs(warm_up)
    target = Path(folder) / "target"
    action = {
        "large-down": lambda: adapter.download_file("large-down", str(target)),
        "large-up": lambda: adapter.upload_file(str(Path(folder) / "source"), f"large-up/{tool}"),
        "small-down": lambda: adapter.read_blobs(names("small-down")),
        "small-up": lambda: adapter.write_blobs(names("small-up"), small_content()),
    }[workload]
    cpu, wall = time.process_time(), time.perf_counter()
    moved = action()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    check(adapter, tool, workload, moved, Path(folder))
    return {"wall": wall, "cpu": cpu, "peak": peak}


def check(adapter: Adapter, tool: str, workload: str, moved: list[bytes] | None, folder: Path) -> None:
    """Fails unless the bytes are where they should be."""
    if workload == "small-down":
        assert moved is not None
        assert len(moved) == COUNT
        assert all(data == small_content() for data in moved)
    elif workload == "small-up":
        assert adapter.read_blobs(names("small-up")[-1:]) == [small_content()]
    elif workload == "large-down":
        assert filecmp.cmp(folder / "source", folder / "target", shallow=False)
        (folder / "target").unlink()
    else:
        adapter.download_file(f"large-up/{tool}", str(folder / "target"))
        assert filecmp.cmp(folder / "source", folder / "target", shallow=False)
        (folder / "target").unlink()


def median(measured: list[dict[str, float]], what: str) -> float:
    return statistics.median(one[what] for one in measured)


def print_table(results: dict[tuple[str, str], list[dict[str, float]]], rounds: int) -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(", ".join(f"{tool} {version(tool)}" for tool in ADAPTERS))
    print(f"medians of {rounds} rounds; in brackets the ratio to obstore\n")
    print(f"{'':42}{'wall s':>16}{'CPU s':>16}{'peak MiB':>10}")
    for (workload, tool), measured in results.items():
        wall, cpu, peak = (
            statistics.median(one[what] for one in measured) for what in ("wall", "cpu", "peak")
        )
        reference = results.get((workload, "obstore"))
        ratios = ["", ""]
        if reference:
            ratios = [
                f" ({value / median(reference, what):4.2f})" for what, value in (("wall", wall), ("cpu", cpu))
            ]
        label = f"{WORKLOADS[workload][:22]:22} {tool}"
        print(f"{label:42}{f'{wall:.3f}{ratios[0]}':>16}{f'{cpu:.3f}{ratios[1]}':>16}{peak:>10.0f}")


if __name__ == "__main__":
    main()
