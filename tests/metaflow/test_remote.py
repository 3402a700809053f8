"""Tasks on Kubernetes and Argo, as far as one machine can show: their specifications, and their commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fastblob.local import LocalAzure

Place = Any

HERE = Path(__file__).parent
FLOW = HERE / "small_flow.py"
OURS = "metaflow_extensions.fastblob.plugins.datastore"
STOCK = "metaflow.plugins.datastores.azure_storage"
IMAGE = "myregistry.azurecr.io/my-image:v1.0"
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


def test_the_job_of_kubernetes(here: Place) -> None:
    said = here.succeed(HERE / "kubernetes_job.py")
    job = json.loads(said.splitlines()[-1])
    container = job["spec"]["template"]["spec"]["containers"][0]
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert env | forwarded(here) == env
    assert env["FROM_THE_STEP"] == "1"
    assert container["image"] == IMAGE


@pytest.mark.parametrize("image_has_fastblob", [True, False])
def test_the_workflow_of_argo_and_its_tasks(
    here: Place, place: tuple[Place, LocalAzure], tmp_path: Path, image_has_fastblob: bool
) -> None:
    made = here.succeed(FLOW, "argo-workflows", "create", "--only-json")
    workflow, _ = json.JSONDecoder().raw_decode(made[made.index("{") :])
    containers = {
        template["name"]: template["container"]
        for template in workflow["spec"]["templates"]
        if "container" in template
    }
    previous = ""
    for step in ("start", "end"):
        container = containers[step]
        assert container["image"] == IMAGE
        assert (
            container["resources"]["requests"] | {"cpu": "4", "memory": "8000M"}
            == (container["resources"]["requests"])
        )
        # Kubernetes itself gives those without a value, such as the name of the pod.
        env = {entry["name"]: entry.get("value") or "pod" for entry in container["env"]}
        assert env | forwarded(here) == env
        task = tmp_path / step
        task.mkdir()
        if not image_has_fastblob:
            (task / "fastblob").mkdir()
            (task / "fastblob/__init__.py").write_text("raise ImportError('not in this image')")
        said = run_task(here, place[1], container["command"][-1], step, previous, task, env)
        assert f"step ran: hello on {OURS if image_has_fastblob else STOCK}" in said
        assert said.count(WARNING) == (0 if image_has_fastblob else 1), said
        previous = f"argo-flow/{step}/{step}-task"


def run_task(
    here: Place,
    service: LocalAzure,
    command: str,
    step: str,
    previous: str,
    task: Path,
    env: dict[str, str],
) -> str:
    """Runs the command of a pod in an empty directory, with what Argo fills in and what an image offers."""
    package = re.search(r"--container=(\S+) --blob=(\S+) ", command)
    assert package is not None
    service.client().download("/".join(package.groups()), task / "package")
    downloader = task / "download-azure-blob"
    downloader.write_text(f"#!/bin/sh\ncp {task}/package job.tar\n")
    downloader.chmod(0o755)
    # It leaves what the next pod needs to know in a directory at the root of the file system.
    command = re.sub(r"--with=argo_workflows_internal\S*", "", command)
    command = re.sub(r"METAFLOW_TASK_ID=\(t-.*? tail -c 9\)\)", f"METAFLOW_TASK_ID={step}-task", command)
    command = (
        command.replace("{{workflow.name}}", "flow")
        .replace("{{inputs.parameters.input-paths}}", previous)
        .replace("/tmp/mf-input-paths", f"{task}/input-paths")
    )
    ran = subprocess.run(
        ["bash", "-c", command],
        cwd=task,
        env={
            **here.env,
            **env,
            "METAFLOW_SKIP_INSTALL_DEPENDENCIES": "1",
            "PATH": f"{task}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(task),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout
