"""The smallest flow; its steps may run on Kubernetes."""

import os

from metaflow import FlowSpec, kubernetes, step
from metaflow.plugins import DATASTORES


def remote(step_function):
    """@kubernetes where the flow is deployed; a local run would start a job for it."""
    if "REMOTE" in os.environ:
        return kubernetes(image="myregistry.azurecr.io/my-image:v1.0", cpu=4, memory=8000)(step_function)
    return step_function


def say(text):
    (live,) = [plugin for plugin in DATASTORES if plugin.TYPE == "azure"]
    print("step ran:", text, "on", type(live("container/root")).__module__)


class SmallFlow(FlowSpec):
    @remote
    @step
    def start(self):
        self.word = "hello"
        say(self.word)
        self.next(self.end)

    @remote
    @step
    def end(self):
        say(self.word)


if __name__ == "__main__":
    SmallFlow()
