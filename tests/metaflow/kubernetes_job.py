"""Prints what Metaflow sends to Kubernetes for steps: a job, and a set of jobs for several nodes."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

from kubernetes import config
from metaflow.datastore import FlowDataStore
from metaflow.metaflow_environment import MetaflowEnvironment
from metaflow.plugins import DATASTORES
from metaflow.plugins.kubernetes.kubernetes import Kubernetes

sent = []


class KubernetesApi(BaseHTTPRequestHandler):
    """Takes whatever is created, and shows it as it came."""

    def do_POST(self) -> None:
        sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer(201, sent[-1])

    def do_GET(self) -> None:
        self.answer(200, {"items": []} if "/pods" in self.path else sent[-1])

    def answer(self, status: int, content: dict) -> None:
        content.get("metadata", {}).update(name="j", namespace="flows", uid="u")
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args) -> None:
        pass


server = HTTPServer(("127.0.0.1", 0), KubernetesApi)
threading.Thread(target=server.serve_forever, daemon=True).start()
KUBECONFIG = {
    "current-context": "c",
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
    "users": [{"name": "u", "user": {}}],
}
Path("kubeconfig").write_text(json.dumps(KUBECONFIG))
config.load_kube_config("kubeconfig")
# Metaflow would look for a configuration of its own.
config.load_kube_config = lambda: None

(storage,) = [plugin for plugin in DATASTORES if plugin.TYPE == "azure"]
assert storage.__module__ == "metaflow_extensions.fastblob.plugins.datastore"
datastore = FlowDataStore("SmallFlow", storage_impl=storage, ds_root="flows/mf")
for num_parallel in (0, 2):
    Kubernetes(datastore, SimpleNamespace(TYPE="local"), MetaflowEnvironment(None)).launch_job(
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
        namespace="flows",
        service_account="flows-account",
        cpu="4",
        memory="8000",
        disk="10240",
        run_time_limit=3600,
        env={"FROM_THE_STEP": "1"},
        qos="Burstable",
        persistent_volume_claims={},
        labels={"azure.workload.identity/use": "true"},
        annotations={},
        secrets=[],
        node_selector={},
        tolerations=[],
        num_parallel=num_parallel,
        port=1234,
    )
print(json.dumps(sent), flush=True)
# Metaflow would try to end what it has started.
os._exit(0)
