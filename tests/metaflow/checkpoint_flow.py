"""A task that is tried again from its checkpoint, a model that is saved and loaded, one from a hub."""

import sys
import types
from pathlib import Path

from metaflow import Checkpoint, FlowSpec, checkpoint, current, huggingface_hub, model, retry, step
from metaflow.plugins import DATASTORES

EPOCHS = 3
WEIGHTS = bytes(range(256)) * 400


def snapshot_download(*, repo_id, local_dir, **_):
    Path(local_dir, "config.json").write_text(repo_id)


# Nothing here leaves the machine: in place of the real hub's.
hub = types.ModuleType("huggingface_hub")
hub.snapshot_download = snapshot_download
sys.modules["huggingface_hub"] = hub


class CheckpointFlow(FlowSpec):
    @retry(times=1, minutes_between_retries=0)
    @checkpoint
    @step
    def start(self):
        (live,) = [plugin for plugin in DATASTORES if plugin.TYPE == "azure"]
        print("on", type(live("container/root")).__module__)
        epoch = 0
        if current.checkpoint.is_loaded:
            epoch = int(Path(current.checkpoint.directory, "epoch").read_text())
            print("loaded epoch", epoch)
        while epoch < EPOCHS:
            epoch += 1
            directory = Path(current.checkpoint.directory)
            (directory / "epoch").write_text(str(epoch))
            (directory / "weights").write_bytes(WEIGHTS)
            current.checkpoint.save()
            print("saved epoch", epoch)
            if epoch == 2 and current.retry_count == 0:
                raise RuntimeError("asked to fail")
        self.checkpoints = len(list(Checkpoint().list()))
        self.next(self.train)

    @model
    @step
    def train(self):
        directory = Path("model-to-save")
        directory.mkdir()
        (directory / "weights").write_bytes(WEIGHTS)
        (directory / "empty").write_bytes(b"")
        self.trained = current.model.save(str(directory), label="trained", storage_format="files")
        for file in directory.iterdir():
            file.unlink()
        directory.rmdir()
        self.next(self.predict)

    @model(load="trained")
    @huggingface_hub
    @step
    def predict(self):
        loaded = Path(current.model.loaded["trained"])
        assert (loaded / "weights").read_bytes() == WEIGHTS
        assert (loaded / "empty").read_bytes() == b""
        # From the hub once, from the datastore then.
        for _ in range(2):
            with current.huggingface_hub.load(repo_id="team/model") as directory:
                assert Path(directory, "config.json").read_text() == "team/model"
            hub.snapshot_download = None
        self.next(self.end)

    @step
    def end(self):
        print("checkpoints", self.checkpoints)


if __name__ == "__main__":
    CheckpointFlow()
