"""Reads a run of EveryFeatureFlow through Metaflow's client, in a process of its own."""

import hashlib
import os
import sys

from metaflow import Flow, namespace
from metaflow.plugins import DATASTORES

(live,) = [plugin for plugin in DATASTORES if plugin.TYPE == "azure"]
assert type(live("container/root")).__module__ == os.environ["EXPECTED"]
namespace(None)
flow = Flow("EveryFeatureFlow")
run = flow[sys.argv[1]] if len(sys.argv) > 1 else flow.latest_run
assert run.successful
assert run.data.total == len(list(run["work"])) == run.data.tasks
for task in run["work"]:
    names = [f"blob{index}" for index in range(len(task.data.digests))]
    assert [hashlib.sha256(task[name].data).hexdigest() for name in names] == task.data.digests
    assert task.data.start_numbers == [run.data.tasks] * 2
    # A task that was cloned by `resume` has no log.
    assert "origin-task-id" in task.metadata_dict or "worked on" in task.stdout
    assert task.artifacts.blob0._object["ds_type"] == "azure"
print("READ", run.id)
