"""Prints the job that Metaflow would send to Kubernetes for a step."""

import json
from pathlib import Path
from types import SimpleNamespace

from kubernetes import client, config
from metaflow.datastore import FlowDataStore
from metaflow.metaflow_environment import MetaflowEnvironment
from metaflow.plugins import DATASTORES
from metaflow.plugins.kubernetes.kubernetes import Kubernetes

KUBECONFIG = {
    "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:9"}}],
    "users": [{"name": "u", "user": {}}],
}

Path("kubeconfig").write_text(json.dumps(KUBECONFIG))
config.load_kube_config("kubeconfig")
# Metaflow would look for a configuration of its own.
config.load_kube_config = lambda: None

(storage,) = [plugin for plugin in DATASTORES if plugin.TYPE == "azure"]
assert storage.__module__ == "metaflow_extensions.fastblob.plugins.datastore"
datastore = FlowDataStore("SmallFlow", storage_impl=storage, ds_root="flows/mf")
kubernetes = Kubernetes(datastore, SimpleNamespace(TYPE="local"), MetaflowEnvironment(None))
job = kubernetes.create_job_object(
    flow_name="SmallFlow",
    run_id="1",
    step_name="start",
    task_id="2",
    attempt="0",
    user="tester",
    code_package_metadata=None,
    code_package_sha="sha",
    code_package_url="flows/mf/SmallFlow/data/ab/abcd",
    code_package_ds="azure",
    step_cli="python small_flow.py step start",
    docker_image="myregistry.azurecr.io/my-image:v1.0",
    docker_image_pull_policy=None,
    name_pattern="t-",
    namespace="flows",
    cpu="4",
    memory="8000",
    disk="10240",
    run_time_limit=3600,
    env={"FROM_THE_STEP": "1"},
    qos="Burstable",
    persistent_volume_claims={},
    labels={},
    annotations={},
    secrets=[],
    node_selector={},
    tolerations=[],
)
print(json.dumps(client.ApiClient().sanitize_for_serialization(job.create()._job)))
