"""Real runs of Metaflow: on Azurite, over HTTPS, with DefaultAzureCredential."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fastblob.local import LocalAzure

Place = Any

ROOT = Path(__file__).parents[2]
CONTAINER = "flows"
FLOW = Path(__file__).with_name("every_feature_flow.py")
READ_BACK = Path(__file__).with_name("read_back.py")
OURS = "metaflow_extensions.fastblob.plugins.datastore"
STOCK = "metaflow.plugins.datastores.azure_storage"
INCLUDED = bytes(range(256)) * 20

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def included(azurite_place: Place) -> str:
    path: Path = azurite_place.directory / "included.bin"
    path.write_bytes(INCLUDED)
    return str(path)


def env_of(module: str, sizes: str = "1000 1000000") -> dict[str, str]:
    return {
        "EXPECTED": module,
        "SIZES": sizes,
        "METAFLOW_FASTBLOB": "1" if module == OURS else "0",
    }


def run_id_in(output: str) -> str:
    match = re.search(r"run-id (\d+)", output)
    assert match is not None
    return match.group(1)


def test_everything_in_one_run(azurite_place: Place, included: str) -> None:
    env = env_of(OURS)
    failed = azurite_place.run(FLOW, "run", "--included", included, **env, FAIL="1")
    assert failed.returncode == 1
    assert "asked to fail" in failed.stdout
    assert failed.stdout.count("killed") == 1
    resumed = azurite_place.succeed(FLOW, "resume", **env)
    failed_id, run_id = (run_id_in(output) for output in (failed.stdout, resumed))
    # The tasks that had ended were not run again.
    assert "worked on" not in resumed
    assert "total 3" in azurite_place.succeed(FLOW, "logs", f"{run_id}/end", **env)
    card = azurite_place.directory / "card.html"
    azurite_place.succeed(FLOW, "card", "get", f"{failed_id}/work/2", str(card), **env)
    assert len(card.read_bytes()) > 100_000
    # Both read what fastblob wrote, each from nothing but Azurite.
    for module in (OURS, STOCK):
        cache = str(azurite_place.directory / f"cache-{module}")
        read = azurite_place.succeed(READ_BACK, run_id, **env_of(module), METAFLOW_CLIENT_CACHE_PATH=cache)
        assert f"READ {run_id}" in read


def test_fastblob_resumes_and_reads_what_stock_wrote(azurite_place: Place, included: str) -> None:
    failed = azurite_place.run(FLOW, "run", "--included", included, **env_of(STOCK, "100"), FAIL="1")
    assert "asked to fail" in failed.stdout
    azurite_place.succeed(FLOW, "resume", **env_of(OURS, "100"))
    cache = str(azurite_place.directory / "cold-cache")
    azurite_place.succeed(READ_BACK, **env_of(OURS), METAFLOW_CLIENT_CACHE_PATH=cache)


def test_two_users_write_what_a_third_reads(azurite_place: Place, included: str) -> None:
    """All of them at the same time, and the same data: their artifacts are the same blobs."""
    env = env_of(OURS, "5000 70000")
    arguments = ["--quiet", "run", "--included", included, "--run-id-file"]

    def start(user: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, str(FLOW), *arguments, f"run-of-{user}"],
            cwd=azurite_place.directory,
            env={**azurite_place.env, **env, "METAFLOW_USER": user},
            stdout=subprocess.DEVNULL,
        )

    def read(user: str) -> None:
        run_id = (azurite_place.directory / f"run-of-{user}").read_text()
        cache = tempfile.mkdtemp(dir=azurite_place.directory)
        azurite_place.succeed(READ_BACK, run_id, **env, METAFLOW_CLIENT_CACHE_PATH=cache)

    assert start("carol").wait() == 0
    with start("alice") as alice, start("bob") as bob:
        while alice.poll() is None or bob.poll() is None:
            read("carol")
    assert (alice.returncode, bob.returncode) == (0, 0)
    for user in ("alice", "bob"):
        read(user)


def test_a_wide_foreach_and_a_large_artifact(
    azurite_place: Place, included: str, session_service: LocalAzure
) -> None:
    session_service.clear_requests()
    for tasks, size in (("50", "1000"), ("1", "200000000")):
        env = env_of(OURS, size)
        azurite_place.succeed(FLOW, "run", "--included", included, "--tasks", tasks, **env, NOCARD="1")
        azurite_place.succeed(READ_BACK, **env_of(OURS))
    # For each of the two runs one of the scheduler, and one of who reads.
    assert session_service.request_counts()["Token"] == 4


def test_how_many_requests_a_run_takes(place: tuple[Place, LocalAzure], tmp_path: Path) -> None:
    here, service = place
    (tmp_path / "included").write_bytes(INCLUDED)
    here.succeed(FLOW, "run", "--included", str(tmp_path / "included"), **env_of(OURS, "1000 1000"))
    counts = service.request_counts()
    assert counts.pop("Token") == 1
    # Metaflow's own Azure datastore needs 560.
    assert sum(counts.values()) <= 230, counts


def test_the_probe_flow_takes_at_most_200_requests(place: tuple[Place, LocalAzure]) -> None:
    here, service = place
    assert here.live()["in_force"] == OURS
    service.clear_requests()
    here.succeed(ROOT / "benches/flows/six_tasks.py", "run")
    counts = service.request_counts()
    assert counts.pop("Token") == 1
    # Metaflow's own Azure datastore needs 478.
    assert sum(counts.values()) <= 200, counts


def test_an_artifact_that_was_deleted_is_written_again(place: tuple[Place, LocalAzure]) -> None:
    here, service = place
    flow = FLOW.with_name("rewriting_flow.py")
    assert here.live()["in_force"] == OURS
    assert "asked to fail" in here.run(flow, "run", FAIL="1").stdout
    client = service.client()
    (listed,) = [
        item.path
        for item in client.list(f"{CONTAINER}/mf/RewritingFlow")
        if re.search(r"/start/\d+/0\.data\.json$", item.path)
    ]
    sha = json.loads(client.read(listed))["objects"]["value"]
    client.delete(f"{CONTAINER}/mf/RewritingFlow/data/{sha[:2]}/{sha}")
    here.succeed(flow, "resume")
    assert client.exists(f"{CONTAINER}/mf/RewritingFlow/data/{sha[:2]}/{sha}")


def test_the_example(place: tuple[Place, LocalAzure]) -> None:
    example = ROOT / "examples/metaflow_flow.py"
    assert place[0].live()["in_force"] == OURS
    assert "mean of 300000 samples: 0.50" in place[0].succeed(example, "run")
    assert any("/AzureFlow/data/" in request.path for request in place[1].requests())
