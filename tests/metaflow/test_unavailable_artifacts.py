"""Artifacts whose blobs are gone, or cannot be read: which of which task they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastblob.local import LocalAzure
from support import Account

Storage = Any


@pytest.fixture
def account(service_account: Account) -> Account:
    return service_account


@pytest.fixture
def storage(new_storage: Callable[[str], Storage], container: str) -> Storage:
    return new_storage(f"{container}/mf")


def flow_datastore(storage: Storage) -> Any:
    """Metaflow's own, as the tasks of a run have it."""
    from metaflow.datastore import FlowDataStore
    from metaflow.metaflow_environment import MetaflowEnvironment

    return FlowDataStore(
        "Flow", MetaflowEnvironment(None), storage_impl=type(storage), ds_root=storage.datastore_root
    )


def save_task(storage: Storage, task_id: str, **artifacts: Any) -> dict[str, str]:
    """Saves a task that is done, and gives the blobs of its artifacts."""
    task = flow_datastore(storage).get_task_datastore("1", "train", task_id, attempt=0, mode="w")
    task.init_task()
    task.save_artifacts(artifacts.items())
    task.done()
    shas: dict[str, str] = task.ds_metadata["objects"]
    return {name: f"{storage.datastore_root}/Flow/data/{sha[:2]}/{sha}" for name, sha in shas.items()}


def open_task(storage: Storage, task_id: str = "2") -> Any:
    return flow_datastore(storage).get_task_datastore("1", "train", task_id)


def message_of(operation: Callable[[], object]) -> str:
    from metaflow.plugins.azure.azure_exceptions import MetaflowAzureResourceError

    with pytest.raises(MetaflowAzureResourceError) as caught:
        operation()
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


@pytest.fixture
def blobs(storage: Storage, new_storage: Callable[[str], Storage]) -> dict[str, str]:
    """Those of a task that another process has run."""
    blobs = save_task(storage, "2", model=b"m" * 50_000, rate=0.1)
    new_storage(storage.datastore_root)
    return blobs


def test_an_artifact_that_is_gone(storage: Storage, account: Account, blobs: dict[str, str]) -> None:
    account.client().delete(blobs["model"])
    task = open_task(storage)
    assert task["rate"] == 0.1
    said = message_of(lambda: task["model"])
    assert said.startswith("Cannot load the artifact 'model' of Flow/1/train/2. Gone: ")
    assert blobs["model"] in said
    assert "lifecycle rule" in said
    assert "'rate'" not in said


def test_two_names_of_the_same_value(
    storage: Storage, new_storage: Callable[[str], Storage], account: Account
) -> None:
    blobs = save_task(storage, "2", one=b"the same", other=b"the same")
    new_storage(storage.datastore_root)
    account.client().delete(blobs["one"])
    task = open_task(new_storage(storage.datastore_root))
    said = message_of(lambda: list(task.load_artifacts(["one", "other"])))
    assert "'one' of Flow/1/train/2, 'other' of Flow/1/train/2" in said


def test_several_that_are_gone(storage: Storage, account: Account, blobs: dict[str, str]) -> None:
    account.client().delete_many(blobs.values())
    task = open_task(storage)
    said = message_of(lambda: list(task.load_artifacts(["model", "rate"])))
    for name, blob in blobs.items():
        assert f"'{name}' of Flow/1/train/2" in said
        assert blob in said


def test_an_artifact_that_was_archived(storage: Storage, service: LocalAzure, blobs: dict[str, str]) -> None:
    service.add_fault(operation="GetBlob", path=blobs["model"], status=409, code="BlobArchived")
    said = message_of(lambda: open_task(storage)["model"])
    assert said.startswith("Cannot load the artifact 'model' of Flow/1/train/2. ")
    assert "az storage blob set-tier --tier Hot" in said


def test_artifacts_that_are_loaded_ahead_of_a_join(
    storage: Storage, new_storage: Callable[[str], Storage], account: Account, blobs: dict[str, str]
) -> None:
    from metaflow.datastore.datastore_set import TaskDataStoreSet

    save_task(storage, "3", model=b"another", rate=0.2)
    new_storage(storage.datastore_root)
    account.client().delete(blobs["model"])
    flow = flow_datastore(storage)
    said = message_of(lambda: TaskDataStoreSet(flow, "1", steps=["train"], prefetch_data_artifacts=["model"]))
    assert "'model' of Flow/1/train/2" in said
    assert "train/3" not in said


def test_data_that_is_no_artifact(storage: Storage) -> None:
    flow = flow_datastore(storage)
    ((_, key),) = flow.save_data([b"a code package"])
    assert dict(flow.load_data([key])) == {key: b"a code package"}
    said = message_of(lambda: dict(flow.load_data(["00" + key[2:]])))
    assert said.startswith("Gone: ")
    assert "artifact '" not in said


def test_the_store_of_another_datastore_is_left_alone(storage: Storage, tmp_path_factory: Any) -> None:
    from metaflow.datastore.content_addressed_store import ContentAddressedStore
    from metaflow.plugins.datastores.local_storage import LocalStorage

    store = ContentAddressedStore("data", LocalStorage(str(tmp_path_factory.mktemp("local"))))
    ((_, key),) = store.save_blobs(iter([b"artifact"]))
    assert dict(store.load_blobs([key])) == {key: b"artifact"}
    with pytest.raises(TypeError):
        list(store.load_blobs(["00" + key]))
