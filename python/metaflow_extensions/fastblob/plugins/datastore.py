"""Metaflow's datastore ``azure`` on fastblob."""

from __future__ import annotations

import itertools
import json
import threading
from io import BytesIO
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from metaflow.datastore.datastore_storage import CloseAfterUse, DataStoreStorage
from metaflow.metaflow_config import ARTIFACT_LOCALROOT, DATASTORE_SYSROOT_AZURE

from . import account, forwarding, packing, unavailable_artifacts
from .availability import is_usable
from .blob_cache import CONTENT_SIZE, is_content_addressed, of_this_process
from .blob_names import BlobNames, as_path
from .errors import as_metaflow_errors, is_immutable
from .packing import ArtifactToPack
from .scratch import ScratchDirectory, ScratchDirectoryError
from .stock_internals import NAMES as STOCK_NAMES
from .stock_internals import StockInternals
from .task_listing import TaskListing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO

    import fastblob

# Metaflow's metadata, as JSON, in the metadata of the blob; as its own Azure datastore writes it.
USER_ATTRIBUTES = "metaflow_user_attributes"

# Metaflow asks for each artifact whether it is there already. Up to this size, in bytes before compression,
# writing it unless it exists costs less than asking first: some 20 ms, nearly all for the compression.
ASK_FIRST_SIZE = 1024 * 1024


class AzureStorage(DataStoreStorage):
    """Objects of Metaflow as blobs below ``datastore_root``: ``<container>`` or ``<container>/<prefix>``.

    Where fastblob cannot be used, constructing one gives Metaflow's own AzureStorage.

    Args:
        root: The root; None: the one that Metaflow's command line has set for the class.

    Raises:
        AzureConfigurationError: The root, the endpoint or the workload type is missing or malformed.
    """

    TYPE = "azure"

    def __new__(cls, root: str | None = None) -> Any:
        """Chooses between this class and Metaflow's own."""
        forwarding.install()
        if is_usable():
            packing.install(AzureStorage)
            unavailable_artifacts.install(AzureStorage)
            return super().__new__(cls)
        from metaflow.plugins.datastores.azure_storage import AzureStorage as StockAzureStorage

        return StockAzureStorage(root or cls.datastore_root)

    def __init__(self, root: str | None = None) -> None:
        super().__init__(root)
        account.check_root(self.datastore_root)
        self._client = account.client()
        self._cache = of_this_process()
        self._saving = threading.local()
        self._listing = TaskListing()
        self._names = BlobNames(self.datastore_root)
        self._internals = StockInternals(self.datastore_root)

    def __getattr__(self, name: str) -> Any:
        """What other extensions know of the inside of Metaflow's own class."""
        if name in STOCK_NAMES:
            return self._internals.get(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @classmethod
    def get_datastore_root_from_config(
        cls,
        echo: Callable[..., object],  # noqa: ARG003 - Metaflow's signature, here and below
        create_on_absent: bool = True,  # noqa: ARG003
    ) -> str | None:
        """The root that METAFLOW_DATASTORE_SYSROOT_AZURE names; a container is never created."""
        return DATASTORE_SYSROOT_AZURE  # type: ignore[no-any-return]

    def is_file(self, paths: Iterable[str]) -> list[bool]:
        """Whether each of the paths is a blob."""
        blobs = [self._names.blob(path) for path in paths]
        answers = {blob: self._remembered(blob) for blob in blobs}
        unknown = [blob for blob, answer in answers.items() if answer is None]
        if unknown:
            answers.update(zip(unknown, self._ask_which_exist(unknown), strict=True))
        return [bool(answers[blob]) for blob in blobs]

    def info_file(self, path: str) -> tuple[bool, dict[str, Any] | None]:
        """Whether the path is a blob, and Metaflow's metadata of it."""
        (properties,) = self._properties([self._names.blob(path)])
        return (False, None) if properties is None else (True, _user_attributes(properties.metadata))

    def size_file(self, path: str) -> int | None:
        """The size of the blob in bytes, or None."""
        (properties,) = self._properties([self._names.blob(path)])
        return None if properties is None else properties.size

    def list_content(self, paths: Iterable[str]) -> list[Any]:
        """What is directly below each of the paths."""
        directories = [as_path(self._names.directory(path)) for path in paths]
        with self._errors():
            lists = self._client.list_many(directories, delimiter="/")
        items = list(itertools.chain.from_iterable(lists))
        prefixes = {item.path for item in items if item.is_prefix}
        return [
            # A directory may end with more slashes than the one that the listing takes off.
            self.list_content_result(self._names.key(item.name.rstrip("/")), is_file=False)
            if item.is_prefix
            else self.list_content_result(self._names.key(item.name), is_file=True)
            for item in items
            # An empty blob with the name of a directory is how some programs mark the directory.
            if item.is_prefix or item.size or item.path not in prefixes
        ]

    def save_bytes(
        self,
        path_and_bytes_iter: Iterable[tuple[str, Any]],
        overwrite: bool = False,
        len_hint: int = 0,  # noqa: ARG002 - nothing is prepared ahead of the items
    ) -> None:
        """Writes the objects; one that exists, unless it may be overwritten, is left alone."""
        # Whatever makes the items may save something else meanwhile.
        outer = getattr(self._saving, "blobs", None)
        self._saving.blobs = set()
        try:
            writes = self._writes(path_and_bytes_iter, overwrite=overwrite)
            for (_, replace), group in itertools.groupby(writes, key=attrgetter("call", "overwrite")):
                self._write(group, overwrite=replace)
        finally:
            self._saving.blobs = outer
            self._listing.forget()

    def load_bytes(self, keys: Iterable[str]) -> CloseAfterUse:
        """Fetches the objects into files that last until the result, a context manager, is closed."""
        keys = list(keys)
        directory = ScratchDirectory(ARTIFACT_LOCALROOT, len(keys))
        try:
            return CloseAfterUse(iter(self._load(keys, directory.path)), closer=directory)
        except OSError as error:
            directory.close()
            raise ScratchDirectoryError(error) from None
        except BaseException:
            directory.close()
            raise

    def _errors(self) -> AbstractContextManager[None]:
        return as_metaflow_errors(self._client.endpoint, self.datastore_root)

    def _remembered(self, blob: str) -> bool | None:
        """Whether the blob exists, or None where that must be asked."""
        if not is_content_addressed(blob):
            return self._listing.answer(blob)
        if self._cache.knows(blob):
            return True
        # Asked within save_bytes, of an artifact that is about to be saved: the write itself finds out.
        saving = getattr(self._saving, "blobs", None)
        return None if saving is None else blob in saving

    def _ask_which_exist(self, blobs: list[str]) -> list[bool]:
        task = self._listing.task_to_list(blobs[0]) if len(blobs) == 1 else None
        if task is None:
            return [properties is not None for properties in self._properties(blobs)]
        with self._errors():
            files = [
                item.path for item in self._client.list(as_path(task), delimiter="/") if not item.is_prefix
            ]
        self._listing.remember(task, files)
        return [blobs[0] in files]

    def _properties(self, blobs: list[str]) -> list[fastblob.BlobProperties | None]:
        import fastblob

        found: list[fastblob.BlobProperties | None] = []
        with self._errors():
            paths = map(as_path, blobs)
            answers = self._client.properties_many(paths, on_error=fastblob.BlobNotFoundError)
            for blob, answer in zip(blobs, answers, strict=True):
                if isinstance(answer, Exception):
                    self._note_missing(blob, answer)
                    found.append(None)
                else:
                    found.append(answer)
                    if is_content_addressed(blob):
                        self._cache.add_known(blob)
        return found

    def _writes(self, path_and_bytes_iter: Iterable[tuple[str, Any]], *, overwrite: bool) -> Iterator[_Write]:
        """What is to be written; whatever comes after a blob of the same name must wait for the next call."""
        saving: set[str] = self._saving.blobs
        call = 0
        for path, content in path_and_bytes_iter:
            stream, metadata = content if isinstance(content, tuple) else (content, None)
            blob = self._names.blob(path)
            replace = overwrite and not is_content_addressed(blob)
            size, data = _sized(stream)
            if not replace and (blob in saving or self._exists(blob, size)):
                continue
            if blob in saving:
                saving.clear()
                call += 1
            saving.add(blob)
            attributes = {USER_ATTRIBUTES: json.dumps(metadata)} if metadata else None
            yield _Write(call, replace, (as_path(blob), data(), attributes))

    def _exists(self, blob: str, size: int) -> bool:
        """Whether the blob is known to exist; for a large one that is asked."""
        return self._cache.knows(blob) or (size > ASK_FIRST_SIZE and self._ask_which_exist([blob])[0])

    def _write(self, writes: Iterable[_Write], *, overwrite: bool) -> None:
        import fastblob

        # One that exists is left alone. Under an immutability policy the service may refuse it in the words
        # with which it refuses an overwrite.
        exists, service = fastblob.BlobExistsError, fastblob.ServiceError
        with self._errors():
            results = self._client.write_many(
                (write.item for write in writes),
                overwrite=overwrite,
                on_error=(exists,) if overwrite else (exists, service),
            )
            refused = []
            for result in results:
                if isinstance(result.error, service):
                    if not is_immutable(result.error):
                        raise result.error
                    refused.append(result)
            self._check_exist(refused)
        for result in results:
            if is_content_addressed(result.blob):
                self._cache.add_known(result.blob)

    def _check_exist(self, refused: list[fastblob.TransferResult]) -> None:
        """Raises the error of a write that was refused, unless the blob is there."""
        found = self._properties([result.blob for result in refused]) if refused else []
        for result, properties in zip(refused, found, strict=True):
            if properties is None and result.error is not None:
                raise result.error

    def _load(self, keys: list[str], directory: Path) -> list[tuple[str, str | None, dict[str, Any] | None]]:
        import fastblob

        loaded: list[tuple[str, str | None, dict[str, Any] | None]] = []
        wanted = []
        for index, key in enumerate(keys):
            blob, file = self._names.blob(key), directory / str(index)
            cached = self._cache.content(blob)
            if cached is None:
                wanted.append((key, blob, file))
            else:
                file.write_bytes(cached[0])
                loaded.append((key, str(file), cached[1]))
        with self._errors():
            results = self._client.download_many(
                [(as_path(blob), file) for _, blob, file in wanted], on_error=fastblob.BlobNotFoundError
            )
            for (key, _, file), result in zip(wanted, results, strict=True):
                loaded.append((key, *self._loaded(result, file)))
        return loaded

    def _loaded(
        self, result: fastblob.TransferResult, file: Path
    ) -> tuple[str | None, dict[str, Any] | None]:
        if result.error is not None:
            self._note_missing(result.blob, result.error)
            return None, None
        metadata = _user_attributes(result.metadata)
        if is_content_addressed(result.blob):
            self._cache.add_known(result.blob)
            if result.size <= CONTENT_SIZE:
                self._cache.add_content(result.blob, file.read_bytes(), metadata)
        return str(file), metadata

    def _note_missing(self, blob: str, error: Exception) -> None:
        """Forgets the blob; where it is the container that is missing, raises the error."""
        if getattr(error, "error_code", None) == "ContainerNotFound":
            raise error
        self._cache.forget(blob)


class _Write(NamedTuple):
    call: int
    overwrite: bool
    item: tuple[fastblob.BlobPath, bytes | memoryview, dict[str, str] | None]


def _sized(stream: BinaryIO | ArtifactToPack) -> tuple[int, Callable[[], bytes | memoryview]]:
    """How many bytes something has, and what gives them."""
    if isinstance(stream, ArtifactToPack):
        return stream.size, lambda: _bytes(stream.pack())
    data = _bytes(stream)
    return len(data), lambda: data


def _bytes(stream: BinaryIO) -> bytes | memoryview:
    """What is in the stream, which is closed; without a copy where that is possible."""
    with stream:
        # Of a subclass, read() may give something else.
        if type(stream) is BytesIO:
            return memoryview(stream.getvalue())[stream.tell() :]
        return stream.read()


def _user_attributes(metadata: dict[str, str]) -> dict[str, Any] | None:
    attributes = metadata.get(USER_ATTRIBUTES)
    return None if attributes is None else json.loads(attributes)
