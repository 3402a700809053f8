"""Metaflow's own Azure datastore and fastblob's for pytest-benchmark, which keeps and compares figures.

    pytest benches/test_metaflow_datastore.py --benchmark-json=today.json

metaflow_datastore.py measures the same, with the datastores taking turns within a round.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from metaflow_workloads import WORKLOADS, Flow, Prepared, prepared

ROUNDS = 3
CASES = [
    pytest.param(datastore, workload, latency, id=f"{workload}, {latency:.0f} ms, {datastore}")
    for latency in (0.0, 10.0)
    for workload, what in WORKLOADS.items()
    for datastore in (["stock", "fastblob", "local"] if isinstance(what, Flow) else ["stock", "fastblob"])
]


@pytest.mark.parametrize(("datastore", "workload", "latency"), CASES)
def test_metaflow_datastore(benchmark, datastore: str, workload: str, latency: float) -> None:
    benchmark.group = f"{workload}, {latency:.0f} ms"
    with ExitStack() as round_:

        def begin() -> tuple[tuple[Prepared], dict[str, object]]:
            return (round_.enter_context(prepared(datastore, workload, latency / 1000)),), {}

        def end(process: Prepared) -> None:
            benchmark.extra_info["requests"] = process.requests
            benchmark.extra_info["cpu_seconds"] = process.cpu_seconds
            round_.close()

        benchmark.pedantic(Prepared.run, setup=begin, teardown=end, rounds=ROUNDS)
