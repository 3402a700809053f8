"""20 tasks, each of which has a few small artifacts and one of 100 KB."""

import os

from metaflow import FlowSpec, step


class TwentyTasks(FlowSpec):
    @step
    def start(self):
        self.numbers = list(range(17))
        self.next(self.work, foreach="numbers")

    @step
    def work(self):
        self.number = self.input
        self.text = f"task {self.input}"
        self.data = os.urandom(100_000)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(task.number for task in inputs)
        self.size = sum(len(task.data) for task in inputs)
        self.next(self.end)

    @step
    def end(self):
        assert (self.total, self.size) == (136, 1_700_000)


if __name__ == "__main__":
    TwentyTasks()
