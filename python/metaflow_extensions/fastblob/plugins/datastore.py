"""Metaflow's datastore ``azure`` on fastblob."""

from __future__ import annotations

import functools
import itertools
import json
import shutil
import threading
from io import BytesIO
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, NamedTuple

from metaflow.datastore.datastore_storage import CloseAfterUse, DataStoreStorage
from metaflow.metaflow_config import (
    ARTIFACT_LOCALROOT,
    AZURE_STORAGE_BLOB_SERVICE_ENDPOINT,
    AZURE_STORAGE_WORKLOAD_TYPE,
    DATASTORE_SYSROOT_AZURE,
)

from . import forwarding
from .availability import is_usable
from .blob_cache import CONTENT_SIZE, BlobCache, is_content_addressed
from .credential import ProviderCredential, check_provider
from .errors import AzureConfigurationError, as_metaflow_errors, to_metaflow_error
from .task_metadata import Attempts, artifacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    import fastblob

# Metaflow's metadata, as JSON, in the metadata of the blob; as its own Azure datastore writes it.
USER_ATTRIBUTES = "metaflow_user_attributes"

# Metaflow asks for each artifact whether it is there already. Up to this size writing it, unless it exists,
# costs less than asking first.
ASK_FIRST_SIZE = 8 * 1024 * 1024

_cache = BlobCache()


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
            return super().__new__(cls)
        from metaflow.plugins.datastores.azure_storage import AzureStorage as StockAzureStorage

        return StockAzureStorage(root or cls.datastore_root)

    def __init__(self, root: str | None = None) -> None:
        super().__init__(root)
        _check_root(self.datastore_root)
        self._client = _client()
        self._saving = threading.local()
        self._attempts = Attempts()

    @classmethod
    def get_datastore_root_from_config(
        cls,
        _echo: Callable[..., object],
        create_on_absent: bool = True,  # noqa: ARG003 - Metaflow's signature
    ) -> str | None:
        """The root that METAFLOW_DATASTORE_SYSROOT_AZURE names; a container is never created."""
        return DATASTORE_SYSROOT_AZURE  # type: ignore[no-any-return]

    def is_file(self, paths: Iterable[str]) -> list[bool]:
        """Whether each of the paths is a blob."""
        blobs = [self._blob(path) for path in paths]
        answers = {blob: self._known_to_exist(blob) for blob in blobs}
        asked = [blob for blob, answer in answers.items() if answer is None]
        if asked:
            answers.update(zip(asked, self._exist(asked), strict=True))
        return [bool(answers[blob]) for blob in blobs]

    def info_file(self, path: str) -> tuple[bool, dict[str, Any] | None]:
        """Whether the path is a blob, and Metaflow's metadata of it."""
        (properties,) = self._properties([self._blob(path)])
        return (False, None) if properties is None else (True, _user_attributes(properties.metadata))

    def size_file(self, path: str) -> int | None:
        """The size of the blob in bytes, or None."""
        (properties,) = self._properties([self._blob(path)])
        return None if properties is None else properties.size

    def list_content(self, paths: Iterable[str]) -> list[Any]:
        """What is directly below each of the paths."""
        # The names in the container begin with the prefix of the root.
        prefix = self.datastore_root.partition("/")[2]
        start = len(prefix) + 1 if prefix else 0
        with self._errors():
            lists = self._client.list_many([self._blob(path) for path in paths], delimiter="/")
        return [
            self.list_content_result(item.name[start:], not item.is_prefix)
            for item in itertools.chain.from_iterable(lists)
        ]

    def save_bytes(
        self,
        path_and_bytes_iter: Iterable[tuple[str, Any]],
        overwrite: bool = False,
        len_hint: int = 0,  # noqa: ARG002 - nothing is prepared ahead of the items
    ) -> None:
        """Writes the objects; one that exists, unless it may be overwritten, is left alone."""
        self._saving.blobs = set()
        try:
            writes = self._writes(path_and_bytes_iter, overwrite=overwrite)
            for options, group in itertools.groupby(writes, key=lambda write: write.options):
                self._write(options, group)
        finally:
            del self._saving.blobs

    def load_bytes(self, keys: Iterable[str]) -> CloseAfterUse:
        """Fetches the objects into files that last until the result, a context manager, is closed."""
        directory = Path(mkdtemp(dir=ARTIFACT_LOCALROOT, prefix="metaflow.fastblob."))
        closer = _Directory(directory)
        try:
            return CloseAfterUse(iter(self._load(keys, directory)), closer=closer)
        except BaseException:
            closer.close()
            raise

    def _blob(self, path: str) -> str:
        path = path.strip("/")
        return f"{self.datastore_root}/{path}" if path else self.datastore_root

    def _errors(self) -> AbstractContextManager[None]:
        return as_metaflow_errors(self._client.endpoint, self.datastore_root)

    def _known_to_exist(self, blob: str) -> bool | None:
        """Whether the blob exists, or None where that must be asked."""
        if not is_content_addressed(blob):
            return self._attempts.exists(blob)
        if _cache.knows(blob):
            return True
        # Asked within save_bytes, of an artifact that is about to be saved: the write itself finds out.
        saving = getattr(self._saving, "blobs", None)
        return None if saving is None else blob in saving

    def _exist(self, blobs: list[str]) -> list[bool]:
        task = self._attempts.task_to_list(blobs[0]) if len(blobs) == 1 else None
        if task is None:
            return [properties is not None for properties in self._properties(blobs)]
        with self._errors():
            files = [item.path for item in self._client.list(task, delimiter="/") if not item.is_prefix]
        self._attempts.remember(task, files)
        return [blobs[0] in files]

    def _properties(self, blobs: list[str]) -> list[fastblob.BlobProperties | None]:
        answers = self._client.properties_many(blobs, on_error="collect")
        return [self._property(blob, answer) for blob, answer in zip(blobs, answers, strict=True)]

    def _property(
        self, blob: str, answer: fastblob.BlobProperties | Exception
    ) -> fastblob.BlobProperties | None:
        if isinstance(answer, Exception):
            if _is_missing(answer):
                return None
            raise self._to_raise(answer) from None
        if _is_directory(answer.metadata):
            return None
        if is_content_addressed(blob):
            _cache.add_known(blob)
        return answer

    def _writes(self, path_and_bytes_iter: Iterable[tuple[str, Any]], *, overwrite: bool) -> Iterator[_Write]:
        """What is to be written. A call takes a blob once and one set of metadata, hence the options."""
        saving: set[str] = self._saving.blobs
        call = 0
        for path, content in path_and_bytes_iter:
            stream, metadata = content if isinstance(content, tuple) else (content, None)
            blob, immutable = self._blob(path), is_content_addressed(path)
            data = _bytes(stream)
            if immutable and (blob in saving or self._exists_already(blob, data)):
                continue
            if blob in saving:
                saving.clear()
                call += 1
            saving.add(blob)
            attributes = json.dumps(metadata) if metadata else None
            yield _Write(blob, data, _Options(call, overwrite and not immutable, attributes))

    def _exists_already(self, blob: str, data: bytes | memoryview) -> bool:
        return _cache.knows(blob) or (len(data) > ASK_FIRST_SIZE and self._exist([blob])[0])

    def _write(self, options: _Options, writes: Iterable[_Write]) -> None:
        import fastblob

        results = self._client.write_many(
            ((write.blob, write.data) for write in writes),
            overwrite=options.overwrite,
            metadata=None if options.attributes is None else {USER_ATTRIBUTES: options.attributes},
            on_error="collect",
        )
        for result in results:
            exists = not options.overwrite and isinstance(result.error, fastblob.BlobExistsError)
            if result.error is not None and not exists:
                raise self._to_raise(result.error) from None
            if is_content_addressed(result.blob):
                _cache.add_known(result.blob)

    def _load(
        self, keys: Iterable[str], directory: Path
    ) -> list[tuple[str, str | None, dict[str, Any] | None]]:
        loaded: list[tuple[str, str | None, dict[str, Any] | None]] = []
        wanted = []
        for index, key in enumerate(keys):
            blob, file = self._blob(key), directory / str(index)
            cached = _cache.content(blob)
            if cached is None:
                wanted.append((key, blob, file))
            else:
                file.write_bytes(cached[0])
                loaded.append((key, str(file), cached[1]))
        results = self._client.download_many([(blob, file) for _, blob, file in wanted], on_error="collect")
        for (key, _, file), result in zip(wanted, results, strict=True):
            loaded.append((key, *self._loaded(result, file)))
        return loaded

    def _loaded(
        self, result: fastblob.TransferResult, file: Path
    ) -> tuple[str | None, dict[str, Any] | None]:
        if result.error is not None:
            if _is_missing(result.error):
                return None, None
            raise self._to_raise(result.error) from None
        if _is_directory(result.metadata):
            return None, None
        metadata = _user_attributes(result.metadata)
        if is_content_addressed(result.blob):
            _cache.add_known(result.blob)
            if result.size <= CONTENT_SIZE:
                _cache.add_content(result.blob, file.read_bytes(), metadata)
        for blob in artifacts(result.blob, file):
            _cache.add_known(blob)
        return str(file), metadata

    def _to_raise(self, error: Exception) -> Exception:
        import fastblob

        if isinstance(error, fastblob.TransferError):
            error = to_metaflow_error(error, self._client.endpoint, self.datastore_root)
        return error


class _Options(NamedTuple):
    call: int
    overwrite: bool
    attributes: str | None


class _Write(NamedTuple):
    blob: str
    data: bytes | memoryview
    options: _Options


class _Directory:
    def __init__(self, path: Path) -> None:
        self._path = path

    def close(self) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


def _bytes(stream: BinaryIO) -> bytes | memoryview:
    """What is in the stream, without a copy where that is possible."""
    if isinstance(stream, BytesIO):
        return stream.getbuffer()[stream.tell() :]
    with stream:
        return stream.read()


def _is_missing(error: Exception) -> bool:
    import fastblob

    return isinstance(error, fastblob.BlobNotFoundError) and error.error_code != "ContainerNotFound"


def _is_directory(metadata: dict[str, str]) -> bool:
    # In accounts with a hierarchical namespace: a blob to those who ask for it by name.
    return metadata.get("hdi_isfolder") == "true"


def _user_attributes(metadata: dict[str, str]) -> dict[str, Any] | None:
    attributes = metadata.get(USER_ATTRIBUTES)
    return None if attributes is None else json.loads(attributes)


def _check_root(root: str | None) -> None:
    import fastblob

    try:
        fastblob.BlobPath(root or "")
    except ValueError as error:
        raise AzureConfigurationError(
            "METAFLOW_DATASTORE_SYSROOT_AZURE must be <container>/<prefix>, such as mycontainer/metaflow: "
            f"{error}"
        ) from None


@functools.cache
def _client() -> fastblob.Client:
    """The client of this process: all datastores share its connections and its token."""
    import fastblob

    if not AZURE_STORAGE_BLOB_SERVICE_ENDPOINT:
        raise AzureConfigurationError(
            "No storage account is configured: set METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT, such as "
            "https://myaccount.blob.core.windows.net, or AZURE_STORAGE_ACCOUNT."
        )
    check_provider()
    try:
        return fastblob.Client(
            AZURE_STORAGE_BLOB_SERVICE_ENDPOINT,
            ProviderCredential(),
            workload_type=AZURE_STORAGE_WORKLOAD_TYPE,
        )
    except ValueError as error:
        raise AzureConfigurationError(
            "METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT or METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE is wrong: "
            f"{error}"
        ) from None
