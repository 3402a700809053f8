"""6 tasks: three with artifacts of 1 KiB, 1 MiB and 20 MiB that gzip cannot shrink; one reads them all."""

import hashlib
import random

from metaflow import FlowSpec, step

SIZES = {"small": 1 << 10, "medium": 1 << 20, "large": 20 << 20}


class SixTasks(FlowSpec):
    @step
    def start(self):
        self.numbers = list(range(3))
        self.next(self.work, foreach="numbers")

    @step
    def work(self):
        self.digests = {}
        for name, size in SIZES.items():
            data = random.Random(f"{self.input} {name}").randbytes(size)
            setattr(self, name, data)
            self.digests[name] = hashlib.sha256(data).hexdigest()
        self.next(self.join)

    @step
    def join(self, inputs):
        for task in inputs:
            for name, digest in task.digests.items():
                assert hashlib.sha256(getattr(task, name)).hexdigest() == digest
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    SixTasks()
