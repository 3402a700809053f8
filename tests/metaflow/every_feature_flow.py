"""One run through everything of Metaflow that touches the datastore."""

import hashlib
import os
import random
import signal

from metaflow import FlowSpec, IncludeFile, Parameter, card, catch, current, parallel_map, retry, step
from metaflow.cards import Markdown
from metaflow.plugins import DATASTORES

SIZES = [int(size) for size in os.environ["SIZES"].split()]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def check_live():
    (live,) = [plugin for plugin in DATASTORES if plugin.TYPE == "azure"]
    in_force = type(live("container/root")).__module__
    assert in_force == os.environ["EXPECTED"], in_force


def with_card(step_function):
    return step_function if os.environ.get("NOCARD") else card(type="blank")(step_function)


class EveryFeatureFlow(FlowSpec):
    tasks = Parameter("tasks", default=3)
    included = IncludeFile("included", is_text=False)

    @step
    def start(self):
        check_live()
        self.included_digest = digest(self.included)
        self.numbers = list(range(self.tasks))
        self.next(self.work, foreach="numbers")

    @with_card
    @retry(times=1, minutes_between_retries=0)
    @step
    def work(self):
        check_live()
        if self.input == 0 and current.retry_count == 0:
            print("killed", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        for index, size in enumerate(SIZES):
            setattr(self, f"blob{index}", random.Random(f"{self.input} {index}").randbytes(size))
        # Children of fork() use the datastore that their parent has used.
        self.digests = parallel_map(lambda name: digest(getattr(self, name)), self.names())
        self.start_numbers = parallel_map(lambda _: len(self.numbers), [1, 2])
        if not os.environ.get("NOCARD"):
            current.card.append(Markdown(f"# task {self.input}"))
        print("worked on", self.input)
        self.next(self.join)

    def names(self):
        return [f"blob{index}" for index in range(len(SIZES))]

    @step
    def join(self, inputs):
        check_live()
        for task in inputs:
            assert task.digests == [digest(getattr(task, name)) for name in self.names()]
        assert [task.input for task in inputs] == [0, *range(1, self.tasks)]
        self.included_digest = inputs[0].included_digest
        assert self.included_digest == digest(self.included)
        if os.environ.get("FAIL"):
            raise RuntimeError("asked to fail")
        self.next(self.fail)

    @catch(var="caught")
    @step
    def fail(self):
        check_live()
        if self.included_digest:
            raise ValueError("caught by @catch")
        self.next(self.end)

    @step
    def end(self):
        assert isinstance(self.caught.exception, str)
        self.total = self.tasks
        print("total", self.total)


if __name__ == "__main__":
    EveryFeatureFlow()
