"""Says which artifact of which task it is whose blob is gone, or cannot be read.

Metaflow asks its datastore for blobs by their hashes, and takes for granted that they are there.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from metaflow.plugins.azure.azure_exceptions import MetaflowAzureResourceError

from .wrapping import wrap_method

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def install(storage: type) -> None:
    """Makes Metaflow's stores say so where they are on storages of this class."""

    def in_content_addressed_store(load: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
            if isinstance(self._storage_impl, storage):
                store = copy.copy(self)
                vars(store)["_storage_impl"] = _Complete(self._storage_impl)
                return load(store, *args, **kwargs)
            return load(self, *args, **kwargs)

        return wrapper

    otherwise = "an artifact that cannot be loaded is not called by its name"
    module = "metaflow.datastore.content_addressed_store"
    wrap_method(
        module, "ContentAddressedStore", "load_blobs", in_content_addressed_store, otherwise=otherwise
    )
    module = "metaflow.datastore.task_datastore"
    wrap_method(module, "TaskDataStore", "load_artifacts", _in_task_datastore, otherwise=otherwise)
    module = "metaflow.datastore.datastore_set"
    wrap_method(module, "TaskDataStoreSet", "__init__", _in_datastore_set, otherwise=otherwise)


class _Complete:
    """A storage all of whose blobs must be there."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def load_bytes(self, keys: Iterable[str]) -> Any:
        loaded = self._storage.load_bytes(keys)
        items = list(loaded.data)
        missing = [self._storage.full_uri(key) for key, file, _ in items if file is None]
        if missing:
            loaded.__exit__(None, None, None)
            blobs = ", ".join(f"'{blob}'" for blob in missing)
            error = MetaflowAzureResourceError(
                msg=f"Gone: {blobs}. Somebody, or a lifecycle rule of the account, has deleted what is below "
                "data/, which new runs share with old ones. If soft delete is on, undelete it; otherwise run "
                "the step that makes it again."
            )
            error.blobs = missing
            raise error
        loaded.data = iter(items)
        return loaded


def _in_task_datastore(load_artifacts: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    def wrapper(self: Any, names: Iterable[str]) -> Iterator[Any]:
        try:
            yield from load_artifacts(self, names)
        except MetaflowAzureResourceError as error:
            raise _naming_artifact(error, [self]) from None

    return wrapper


def _in_datastore_set(init: Callable[..., None]) -> Callable[..., None]:
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            init(self, *args, **kwargs)
        except MetaflowAzureResourceError as error:
            raise _naming_artifact(error, getattr(self, "task_datastores", ())) from None

    return wrapper


def _naming_artifact(error: MetaflowAzureResourceError, tasks: Iterable[Any]) -> MetaflowAzureResourceError:
    """The error, with what Metaflow calls its blob in front; the error itself where that is not known."""
    keys = {blob.rpartition("/")[2] for blob in getattr(error, "blobs", ())}
    called = [
        f"'{name}' of {task.parent_datastore.flow_name}/{task.pathspec}"
        for task in tasks
        for name, sha in task.ds_metadata["objects"].items()
        if sha in keys
    ]
    if not called:
        return error
    return MetaflowAzureResourceError(msg=f"Cannot load the artifact {', '.join(called)}. {error.message}")
