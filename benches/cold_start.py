"""CPU time of a new process up to its first answer from the account, Metaflow's datastore and fastblob's.

    python benches/cold_start.py

Every task of a flow is several such processes. The two take turns; medians are shown, in milliseconds.
"""

from __future__ import annotations

import itertools
import os
import resource
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastblob.local import LocalAzure

CONTAINER = "bench"
STEPS = ["import metaflow", "make the datastore", "get a token", "ask for a blob"]
ROUNDS = 9


def main() -> None:
    from fastblob.local import LocalAzure  # not in the measured process, which is to import it on the clock

    measured: dict[str, list[list[float]]] = {"stock": [], "fastblob": []}
    with LocalAzure(containers=[CONTAINER]) as service:
        for _ in range(ROUNDS):
            for datastore, processes in measured.items():
                processes.append(_in_new_process(service, datastore))
    print(f"{'':10}" + "".join(f"{step:>20}" for step in STEPS) + f"{'total':>10}")
    for datastore, processes in measured.items():
        medians = [statistics.median(times) for times in zip(*processes, strict=True)]
        total = statistics.median(sum(times) for times in processes)
        print(f"{datastore:10}" + "".join(f"{median:20.1f}" for median in medians) + f"{total:10.1f}")


def _in_new_process(service: LocalAzure, datastore: str) -> list[float]:
    answer = subprocess.run(
        [sys.executable, __file__, datastore],
        env={**os.environ, **service.env()},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return [float(word) for word in answer.stdout.split()]


def measured(datastore: str) -> None:
    """The measured process; prints the milliseconds of each of STEPS."""
    if datastore == "stock":
        # As if no extension of Metaflow were installed.
        sys.modules["metaflow_extensions"] = None
    at = [_cpu_milliseconds()]
    from metaflow.plugins import DATASTORES

    at.append(_cpu_milliseconds())
    plugin = next(plugin for plugin in DATASTORES if plugin.TYPE == "azure")
    storage = plugin(f"{CONTAINER}/mf")
    at.append(_cpu_milliseconds())
    assert type(storage).__module__.startswith("metaflow_extensions.fastblob") == (datastore == "fastblob")
    from metaflow.plugins.azure.azure_credential import create_cacheable_azure_credential

    create_cacheable_azure_credential().get_token("https://storage.azure.com/.default")
    at.append(_cpu_milliseconds())
    assert storage.is_file(["not there"]) == [False]
    at.append(_cpu_milliseconds())
    print(*(after - before for before, after in itertools.pairwise(at)))


def _cpu_milliseconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return 1000 * (used.ru_utime + used.ru_stime)


if __name__ == "__main__":
    measured(sys.argv[1]) if sys.argv[1:] else main()
