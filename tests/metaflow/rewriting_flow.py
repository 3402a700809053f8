"""Every step writes the same artifact anew; one of them can be made to fail."""

import os

from metaflow import FlowSpec, step

VALUE = "the same artifact in every task"


class RewritingFlow(FlowSpec):
    @step
    def start(self):
        self.value = VALUE
        self.next(self.middle)

    @step
    def middle(self):
        self.value = VALUE
        if os.environ.get("FAIL"):
            raise RuntimeError("asked to fail")
        self.next(self.end)

    @step
    def end(self):
        assert self.value == VALUE


if __name__ == "__main__":
    RewritingFlow()
