"""A flow whose artifacts are on Azure Blob Storage: nothing in it knows of fastblob.

pip install "fastblob[metaflow]"
export METAFLOW_DEFAULT_DATASTORE=azure
export METAFLOW_DATASTORE_SYSROOT_AZURE=mycontainer/metaflow
export METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT=https://myaccount.blob.core.windows.net
python examples/metaflow_flow.py run
"""

import array
import random

from metaflow import FlowSpec, Parameter, step


class AzureFlow(FlowSpec):
    """Draws samples in parallel and averages them."""

    samples = Parameter("samples", default=100_000, help="samples a task draws")

    @step
    def start(self):
        """Decides what the tasks begin with."""
        self.seeds = [1, 2, 3]
        self.next(self.draw, foreach="seeds")

    @step
    def draw(self):
        """Draws samples; they become an artifact of 8 bytes each."""
        generator = random.Random(self.input)
        self.drawn = array.array("d", (generator.random() for _ in range(self.samples)))
        self.next(self.average)

    @step
    def average(self, inputs):
        """Loads what the tasks have drawn."""
        values = [value for task in inputs for value in task.drawn]
        self.mean = sum(values) / len(values)
        self.next(self.end)

    @step
    def end(self):
        """Says the result."""
        print(f"mean of {3 * self.samples} samples: {self.mean:.3f}")


if __name__ == "__main__":
    AzureFlow()
