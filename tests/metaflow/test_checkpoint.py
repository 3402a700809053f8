"""metaflow-checkpoint, an extension that reaches into Metaflow's own Azure datastore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fastblob.local import LocalAzure

Place = Any

FLOW = Path(__file__).with_name("checkpoint_flow.py")
OURS = "metaflow_extensions.fastblob.plugins.datastore"

pytestmark = pytest.mark.timeout(200)


@pytest.mark.parametrize("workload_type", ["default", "high_throughput"])
def test_a_checkpoint_a_model_and_one_from_a_hub(place: tuple[Place, LocalAzure], workload_type: str) -> None:
    said = place[0].succeed(FLOW, "run", METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE=workload_type)
    assert f"on {OURS}" in said
    assert said.count("asked to fail") >= 1
    assert "loaded epoch 2" in said
    saved = [line.rpartition(" ")[2] for line in said.splitlines() if "saved epoch" in line]
    assert saved == ["1", "2", "3"]
    assert "checkpoints 3" in said
