"""Many tasks at once, each of which looks for the token of the scheduler where everybody could see it."""

import json
import os
import subprocess
import sys

from metaflow import FlowSpec, card, step

TASKS = 16
LOOK = "import json, os; print(json.dumps(dict(os.environ)))"


def look():
    """What a step and what it starts have in the environment."""
    seen = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True).stdout
    for environment in (os.environ, json.loads(seen)):
        assert not [name for name in environment if name.startswith("METAFLOW_FASTBLOB_TOKEN")]


class WideFlow(FlowSpec):
    @step
    def start(self):
        look()
        self.numbers = list(range(TASKS))
        self.next(self.work, foreach="numbers")

    @card(type="blank")
    @step
    def work(self):
        look()
        self.doubled = 2 * self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(task.doubled for task in inputs)
        self.next(self.end)

    @step
    def end(self):
        print("total", self.total)


if __name__ == "__main__":
    WideFlow()
