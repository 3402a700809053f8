"""Tasks on Kubernetes, Argo and Airflow, as far as one machine can show: what they are given, and run."""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pods import Pods
from support import python_without_fastblob

if TYPE_CHECKING:
    from fastblob.local import LocalAzure

Place = Any

HERE = Path(__file__).parent
FLOW = HERE / "small_flow.py"
OURS = "metaflow_extensions.fastblob.plugins.datastore"
STOCK = "metaflow.plugins.datastores.azure_storage"
IMAGE = "myregistry.azurecr.io/my-image:v1.0"
# Of AKS, which gives such pods a token for the identity of their service account.
WORKLOAD_IDENTITY = {"azure.workload.identity/use": "true"}
WARNING = "Metaflow's own, slower Azure datastore is used"

pytestmark = pytest.mark.timeout(200)


def forwarded(here: Place) -> dict[str, str]:
    """What the page names, as a remote task must see it."""
    return {
        "METAFLOW_DEFAULT_DATASTORE": "azure",
        "METAFLOW_DATASTORE_SYSROOT_AZURE": here.env["METAFLOW_DATASTORE_SYSROOT_AZURE"],
        "METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT": here.env["AZURE_STORAGE_BLOB_ENDPOINT"],
        "METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE": "highCpu",
        "METAFLOW_AZURE_KEY_VAULT_PREFIX": here.env["METAFLOW_AZURE_KEY_VAULT_PREFIX"],
        "METAFLOW_DEFAULT_AZURE_CLIENT_PROVIDER": "azure-default",
        "METAFLOW_FASTBLOB": "1",
    }


@pytest.fixture
def here(place: tuple[Place, LocalAzure]) -> Place:
    """A place where the endpoint is not configured for Metaflow but follows from Azure's own variables."""
    here = place[0]
    here.env["AZURE_STORAGE_BLOB_ENDPOINT"] = here.env.pop("METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT")
    here.env.update(
        METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE="highCpu", METAFLOW_KUBERNETES_NAMESPACE="flows", REMOTE="1"
    )
    return here


def test_the_jobs_of_kubernetes(here: Place) -> None:
    token = json.dumps({"for": "somebody", "token": "canary-of-a-token", "expires_on": 4_000_000_000})
    said = here.succeed(HERE / "kubernetes_job.py", METAFLOW_FASTBLOB_TOKEN=token)
    assert "canary-of-a-token" not in said
    assert "METAFLOW_FASTBLOB_TOKEN" not in said
    job, jobset = json.loads(said.splitlines()[-1])
    jobs = [job, *(replicated["template"] for replicated in jobset["spec"]["replicatedJobs"])]
    assert len(jobs) == 3
    for started in jobs:
        pod = started["spec"]["template"]
        assert pod["metadata"]["labels"] | WORKLOAD_IDENTITY == pod["metadata"]["labels"]
        assert pod["spec"]["serviceAccountName"] == "flows-account"
        container = pod["spec"]["containers"][0]
        env = {entry["name"]: entry.get("value") for entry in container["env"]}
        assert env | forwarded(here) == env
        assert env["FROM_THE_STEP"] == "1"
        assert container["image"] == IMAGE


def test_the_dag_of_airflow(here: Place) -> None:
    """Settings of a profile reach the tasks as those of the environment do."""
    workload = {"METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE": here.env.pop("METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE")}
    Path(here.env["METAFLOW_HOME"], "config_team.json").write_text(json.dumps(workload))
    assert here.live(METAFLOW_PROFILE="team")["in_force"] == OURS
    here.succeed(FLOW, "airflow", "create", "dag.py", METAFLOW_PROFILE="team")
    (config,) = re.findall(r"^CONFIG = (.*)$", (here.directory / "dag.py").read_text(), re.MULTILINE)
    for state in ast.literal_eval(config)["states"].values():
        env = {entry["name"]: entry.get("value") for entry in state["operator_args"]["env_vars"]}
        assert env | forwarded(here) == env


@pytest.mark.parametrize("image_has_fastblob", [True, False])
def test_the_workflow_of_argo_and_its_tasks(here: Place, tmp_path: Path, image_has_fastblob: bool) -> None:
    python = Path(sys.executable) if image_has_fastblob else python_without_fastblob(tmp_path / "image")
    pods = Pods(here.env, tmp_path / "pods", python)
    pods.deploy(here.succeed(FLOW, "argo-workflows", "create", "--only-json"))
    for step, previous in (("start", None), ("end", "start")):
        container = pods.containers[step]
        assert container["image"] == IMAGE
        requested = container["resources"]["requests"]
        assert requested | {"cpu": "4", "memory": "8000M"} == requested
        env = pods.env_of(step)
        assert env | forwarded(here) == env
        said = pods.run(step, previous)
        assert f"step ran: hello on {OURS if image_has_fastblob else STOCK}" in said
        assert said.count(WARNING) == (0 if image_has_fastblob else 1), said


def test_the_identity_of_argos_pods(here: Place) -> None:
    """As the page of documentation has it: by settings, and by an @environment."""
    said = here.succeed(
        FLOW,
        "--with",
        'environment:vars={"AZURE_CLIENT_ID": "of-the-identity"}',
        "argo-workflows",
        "create",
        "--only-json",
        METAFLOW_KUBERNETES_LABELS="azure.workload.identity/use=true",
        METAFLOW_KUBERNETES_SERVICE_ACCOUNT="flows-account",
    )
    workflow, _ = json.JSONDecoder().raw_decode(said[said.index("{") :])
    pods = {template["name"]: template for template in workflow["spec"]["templates"]}
    for pod in (pods["start"], pods["end"]):
        assert pod["metadata"]["labels"] | WORKLOAD_IDENTITY == pod["metadata"]["labels"]
        assert pod["serviceAccountName"] == "flows-account"
        env = {entry["name"]: entry.get("value") for entry in pod["container"]["env"]}
        assert env["AZURE_CLIENT_ID"] == "of-the-identity"
