"""Metaflow's own Azure datastore and fastblob's side by side on the loopback service, as a table.

    python benches/metaflow_datastore.py                     # everything, without latency and with 10 ms
    python benches/metaflow_datastore.py --rounds 5 --workload "load 1,000 x 64 KiB"

The two take turns within a round, so that a machine that gets slower meanwhile does so for both. Medians are
shown: wall seconds, CPU seconds of the client, requests to the account. Flows are run on Metaflow's local
datastore too, as nothing can be faster. See metaflow_workloads.py for what is measured.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from importlib.metadata import version

from metaflow_workloads import WORKLOADS, Flow, prepared


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--workload", choices=WORKLOADS, action="append", help="only this one; may be repeated"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency-ms", type=float, action="append", help="of the service; default: 0 and 10")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(", ".join(f"{name} {version(name)}" for name in ("fastblob", "metaflow", "azure-storage-blob")))
    print(f"medians of {options.rounds} rounds, files in {tempfile.gettempdir()}\n")
    print(f"{'':30}{'latency':>8} {'datastore':10}{'wall s':>9}{'CPU s':>9}{'requests':>10}  stock / this")
    for latency in options.latency_ms or [0.0, 10.0]:
        for workload in options.workload or WORKLOADS:
            compare(workload, latency, options.rounds)


def compare(workload: str, latency: float, rounds: int) -> None:
    """Prints the lines of one workload."""
    datastores = ["stock", "fastblob"]
    if isinstance(WORKLOADS[workload], Flow):
        datastores.append("local")
    measured: dict[str, list[tuple[float, float, int]]] = {name: [] for name in datastores}
    for _ in range(rounds):
        for name in datastores:
            with prepared(name, workload, latency / 1000) as process:
                begun = time.perf_counter()
                process.run()
                wall = time.perf_counter() - begun
                measured[name].append((wall, process.cpu_seconds, process.requests))
    stock_wall = statistics.median(wall for wall, _, _ in measured["stock"])
    for name in datastores:
        wall, cpu, requests = (statistics.median(values) for values in zip(*measured[name], strict=True))
        print(
            f"{workload:30}{latency:>5.0f} ms {name:10}{wall:>9.2f}{cpu:>9.2f}{requests:>10.0f}"
            f"{stock_wall / wall:>9.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
