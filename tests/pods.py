"""Runs on this machine what Argo's pods would run, each in an empty directory in place of its container."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECONDS = 120


@dataclass
class Pods:
    """The pods of a workflow.

    Attributes:
        env: The environment of the image, to which Argo adds what the workflow says.
        folder: An empty directory, which gets one for each pod.
        python: The interpreter of the image.
        containers: What the workflow says of each step's container, by the step's name.
    """

    env: dict[str, str]
    folder: Path
    python: Path
    containers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def deploy(self, said: str) -> None:
        """Takes the workflow from what ``argo-workflows create --only-json`` said."""
        workflow, _ = json.JSONDecoder().raw_decode(said[said.index("{") :])
        self.containers = {
            template["name"]: template["container"]
            for template in workflow["spec"]["templates"]
            if "container" in template
        }

    def env_of(self, step: str) -> dict[str, str]:
        """The variables that the workflow sets; Kubernetes itself fills in those without a value."""
        return {entry["name"]: entry.get("value") or "pod" for entry in self.containers[step]["env"]}

    def run(self, step: str, previous: str | None = None) -> str:
        """Runs a step, which must end well.

        Args:
            step: Its name.
            previous: The step before it, which was run already.

        Returns:
            All that it said.
        """
        pod = self.folder / step
        pod.mkdir(parents=True)
        ran = subprocess.run(
            ["bash", "-c", self._command(step, previous, pod)],
            cwd=pod,
            env={
                **self.env,
                **self.env_of(step),
                "METAFLOW_SKIP_INSTALL_DEPENDENCIES": "1",
                # The second one has the command with which Metaflow fetches the code package.
                "PATH": f"{self.python.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout
        return ran.stdout

    def _command(self, step: str, previous: str | None, pod: Path) -> str:
        """The pod's command, filled in as Argo does it."""
        command: str = self.containers[step]["command"][-1]
        # It leaves what the next pod needs to know in a directory at the root of the file system.
        command = re.sub(r"--with=argo_workflows_internal\S*", "", command)
        command = re.sub(r"METAFLOW_TASK_ID=\(t-.*? tail -c 9\)\)", f"METAFLOW_TASK_ID={step}-task", command)
        input_paths = f"argo-flow/{previous}/{previous}-task" if previous else ""
        return (
            command.replace("{{workflow.name}}", "flow")
            .replace("{{inputs.parameters.input-paths}}", input_paths)
            .replace("/tmp/mf-input-paths", f"{pod}/input-paths")
        )
