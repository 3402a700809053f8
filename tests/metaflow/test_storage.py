"""Metaflow's contract for a datastore, operation by operation, on the embedded service and on Azurite."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import Mock
from weakref import WeakSet

import pytest
from fastblob import BlobPath
from fastblob.local import LocalAzure
from support import Account, content

Storage = Any


def save(storage: Storage, *items: tuple[str, bytes], metadata: Any = None, **options: Any) -> None:
    storage.save_bytes(
        ((path, (io.BytesIO(data), metadata)) for path, data in items), len_hint=len(items), **options
    )


def load(storage: Storage, *paths: str) -> dict[str, tuple[bytes | None, Any]]:
    with storage.load_bytes(paths) as loaded:
        return {key: (file and Path(file).read_bytes(), metadata) for key, file, metadata in loaded}


def artifacts_in(storage: Storage) -> Any:
    """What Metaflow keeps artifacts in."""
    from metaflow.datastore.content_addressed_store import ContentAddressedStore

    return ContentAddressedStore("Flow/data", storage)


def stock_storage(storage: Storage, account: Account, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """Metaflow's own datastore on the same root."""
    from metaflow.plugins.azure import blob_service_client_factory
    from metaflow.plugins.datastores.azure_storage import AzureStorage as StockAzureStorage

    monkeypatch.setattr(blob_service_client_factory, "AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", account.endpoint)
    return StockAzureStorage(storage.datastore_root)


def data_key(content_hash: str) -> str:
    return f"Flow/data/{content_hash[:2]}/{content_hash}"


@pytest.fixture
def storage(new_storage: Callable[[str], Storage], container: str, service: LocalAzure) -> Storage:
    storage = new_storage(f"{container}/a/root")
    storage.is_file(["the first question takes a token along"])
    service.clear_requests()
    return storage


@pytest.fixture
def assert_requests(account: Account, service: LocalAzure) -> Callable[..., None]:
    """Checks the requests since the last call, where the account counts them."""

    def check(**expected: int) -> None:
        counted = service.request_counts()
        counted.pop("Token", None)
        service.clear_requests()
        assert account.server != "service" or counted == expected

    return check


def test_what_was_saved_is_loaded_with_its_metadata(storage: Storage) -> None:
    metadata = {"cas_raw": False, "cas_version": 1, "text": "ä\n"}
    items = [("empty", b""), ("some", content(100)), ("large", content(9_000_000))]
    save(storage, *items, metadata=metadata)
    save(storage, ("without", b"metadata"))
    loaded = load(storage, "some", "without", "missing", "large", "empty", "dir/missing")
    assert loaded == {
        **{path: (data, metadata) for path, data in items},
        "without": (b"metadata", None),
        "missing": (None, None),
        "dir/missing": (None, None),
    }


def test_a_key_that_is_asked_for_twice_comes_twice(storage: Storage) -> None:
    save(storage, ("k", b"1"))
    with storage.load_bytes(["k", "nothing", "k"]) as loaded:
        items = list(loaded)
        assert sorted(key for key, _, _ in items) == ["k", "k", "nothing"]
        files = [Path(file) for _, file, _ in items if file]
        assert len(set(files)) == 2
    assert not any(file.exists() for file in files)


def test_nothing_asked_for(storage: Storage) -> None:
    save(storage)
    assert load(storage) == {}
    assert storage.is_file([]) == []
    assert storage.list_content([]) == []


def test_without_overwrite_the_first_one_stays(
    storage: Storage, assert_requests: Callable[..., None]
) -> None:
    save(storage, ("k", b"first"))
    save(storage, ("k", b"second"), ("other", b"new"))
    assert load(storage, "k", "other") == {"k": (b"first", None), "other": (b"new", None)}
    save(storage, ("k", b"third"), overwrite=True)
    assert load(storage, "k") == {"k": (b"third", None)}
    assert_requests(PutBlob=4, GetBlob=3)


def test_a_key_that_comes_twice_in_one_call_is_written_in_order(storage: Storage) -> None:
    save(storage, ("k", b"1"), ("other", b"o"), ("k", b"2"), overwrite=True)
    assert load(storage, "k", "other") == {"k": (b"2", None), "other": (b"o", None)}


def test_each_object_keeps_its_own_metadata(storage: Storage) -> None:
    storage.save_bytes(
        iter(
            [
                ("a", (io.BytesIO(b"a"), {"n": 1})),
                ("b", io.BytesIO(b"b")),
                ("c", (io.BytesIO(b"c"), {"n": 1})),
                ("d", (io.BytesIO(b"d"), {"n": 2})),
            ]
        )
    )
    loaded = load(storage, "a", "b", "c", "d")
    assert [loaded[key][1] for key in "abcd"] == [{"n": 1}, None, {"n": 1}, {"n": 2}]


def test_objects_are_written_by_one_call_whatever_their_metadata(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = storage._client
    with monkeypatch.context() as patch:
        spy = Mock(wraps=client)
        patch.setattr(storage, "_client", spy)
        storage.save_bytes((f"many/{n}", (io.BytesIO(b""), {"n": n})) for n in range(50))
    spy.write_many.assert_called_once()
    assert load(storage, "many/7", "many/49") == {"many/7": (b"", {"n": 7}), "many/49": (b"", {"n": 49})}


def test_streams_of_every_kind_are_read_from_where_they_are(storage: Storage, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"--from a file")
    stream, memory = file.open("rb"), io.BytesIO(b"--from memory")
    stream.seek(2)
    memory.seek(2)
    storage.save_bytes([("file", stream), ("memory", memory)])
    file.unlink()
    assert stream.closed
    assert load(storage, "file", "memory") == {
        "file": (b"from a file", None),
        "memory": (b"from memory", None),
    }


def test_an_exception_of_the_iterator_comes_out_as_it_is(storage: Storage) -> None:
    def items() -> Iterable[tuple[str, io.BytesIO]]:
        yield "k", io.BytesIO(b"1")
        raise LookupError("of the caller")

    with pytest.raises(LookupError, match="of the caller"):
        storage.save_bytes(items())
    # What the failed call had in mind must not leak into the next one.
    assert storage.is_file([data_key("ab" + "0" * 38)]) == [False]


def test_streams_of_the_caller_are_closed_like_by_stock(storage: Storage) -> None:
    class Shout(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(size).upper()

    streams = [io.BytesIO(b"1"), Shout(b"loud")]

    def items() -> Iterator[tuple[str, io.BytesIO]]:
        yield "shout", streams[1]
        with streams[0] as stream:
            yield "with", stream

    storage.save_bytes(items())
    assert load(storage, "shout", "with") == {"shout": (b"LOUD", None), "with": (b"1", None)}
    assert all(stream.closed for stream in streams)


def test_who_makes_the_objects_may_save_others(storage: Storage) -> None:
    def items() -> Iterator[tuple[str, io.BytesIO]]:
        yield "a", io.BytesIO(b"1")
        save(storage, ("inner", b"2"))
        yield "b", io.BytesIO(b"3")

    storage.save_bytes(items())
    assert load(storage, "a", "b", "inner") == {
        key: (data, None) for key, data in (("a", b"1"), ("b", b"3"), ("inner", b"2"))
    }


def test_questions_about_files(storage: Storage) -> None:
    save(storage, ("dir/file", b"12345"), metadata={"n": 1})
    save(storage, ("plain", b""))
    assert storage.is_file(["dir/file", "dir", "missing", "plain", "dir/file"]) == [
        True,
        False,
        False,
        True,
        True,
    ]
    assert storage.info_file("dir/file") == (True, {"n": 1})
    assert storage.info_file("plain") == (True, None)
    assert storage.info_file("missing") == (False, None)
    assert [storage.size_file(path) for path in ("dir/file", "plain", "missing")] == [5, 0, None]


def test_a_listing_is_one_level(storage: Storage) -> None:
    save(storage, *[(path, b"") for path in ("A/b.txt", "A/c.txt", "A/D/x", "A/D/y/z", "AB", "E/f")])
    listed = storage.list_content(["A", "E", "missing"])
    assert sorted(tuple(entry) for entry in listed) == [
        ("A/D", False),
        ("A/b.txt", True),
        ("A/c.txt", True),
        ("E/f", True),
    ]
    assert {entry.path: entry.is_file for entry in storage.list_content([""])} == {
        "A": False,
        "AB": True,
        "E": False,
    }


def test_a_root_may_be_a_container(new_storage: Callable[[str], Storage], container: str) -> None:
    storage = new_storage(container)
    save(storage, ("A/b", b"1"))
    assert load(storage, "A/b") == {"A/b": (b"1", None)}
    assert [tuple(entry) for entry in storage.list_content(["A"])] == [("A/b", True)]


def test_a_directory_of_a_hierarchical_namespace_is_no_file(
    storage: Storage, account: Account, container: str
) -> None:
    account.client().write(f"{container}/a/root/dir", b"", metadata={"hdi_isfolder": "true"})
    assert storage.is_file(["dir"]) == [False]
    assert storage.size_file("dir") is None
    assert storage.info_file("dir") == (False, None)
    assert load(storage, "dir") == {"dir": (None, None)}


def test_a_blob_that_marks_a_directory_is_no_file_of_its_own(storage: Storage) -> None:
    save(storage, ("A/dir", b""), ("A/dir/file", b"1"), ("A/file", b""))
    assert sorted(tuple(entry) for entry in storage.list_content(["A"])) == [
        ("A/dir", False),
        ("A/file", True),
    ]


# Keys of which fastblob's own paths, which users write, would be refused.
ODD_KEYS = [
    "a//b", "a/./b", "a/../c", "../beside-the-root", "./x", "x/.", "x/..", "a\\b", "dir/", "/lead", "//lead",
    "dot.", "a/dot./b", "dots..", "sp ace", " ", "per%20cent", "%2e%2e/x", "q?x=1", "h#x", "plus+&;='\"",
    "~t", "new\nline", "tab\t", "\x01", "é/\u2028", "", "/", "n" * 900,
]  # fmt: skip


def test_odd_keys_are_kept_apart(storage: Storage) -> None:
    # "/" and "//lead" are the same as "" and "/lead", and a folded one is what it is folded to.
    same = {"/", "//lead", "x/..", "a/./b", "./x", "../beside-the-root"}
    keys = [key for key in ODD_KEYS if key not in same]
    save(storage, *[(key, key.encode()) for key in keys], metadata={"n": 1})
    assert load(storage, *keys) == {key: (key.encode(), {"n": 1}) for key in keys}
    assert storage.is_file(keys) == [True] * len(keys)
    assert [storage.size_file(key) for key in keys] == [len(key.encode()) for key in keys]
    assert storage.info_file("a//b") == (True, {"n": 1})
    assert storage.is_file(["dir", "a", "a/"]) == [False] * 3


@pytest.mark.parametrize("account", ["service"], indirect=True)
@pytest.mark.parametrize("root", ["", "/a/root"])
def test_odd_keys_are_the_blobs_that_stock_makes_of_them(
    new_storage: Callable[[str], Storage],
    account: Account,
    container: str,
    monkeypatch: pytest.MonkeyPatch,
    root: str,
) -> None:
    storage = new_storage(container + root)
    stock = stock_storage(storage, account, monkeypatch)
    # With a container as root, these name no blob: stock sends them nevertheless, and fails.
    unnamed = {"", "x/..", "../beside-the-root"} if not root else set()
    keys = [key for key in ODD_KEYS if key not in unnamed]
    client = account.client()

    def blobs() -> dict[str, bytes]:
        found = {item.name: item for item in client.list(container)}
        contents = client.read_many([BlobPath(container, name) for name in found])
        client.delete_many([BlobPath(container, name) for name in found])
        return dict(zip(found, contents, strict=True))

    for key in keys:
        save(stock, (key, key.encode()), overwrite=True)
        assert load(storage, key) == {key: (key.encode(), None)}
        assert (storage.is_file([key]), storage.size_file(key)) == ([True], len(key.encode()))
        of_stock = blobs()
        save(storage, (key, key.encode()))
        assert blobs() == of_stock, key
    save(storage, *[(key, b"1") for key in keys], overwrite=True)
    for directory in ("a", "a/", "a//", "/a", "a/.", "dir", "dir/", "x", "é", "nothing", "a\\", "../a"):
        listed, expected = (sorted(map(tuple, one.list_content([directory]))) for one in (storage, stock))
        assert listed == expected, directory


@pytest.mark.parametrize("key", ["../../../other/x", "../../..", "n" * 1025])
def test_a_key_that_cannot_be_a_blob(
    storage: Storage, assert_requests: Callable[..., None], key: str
) -> None:
    from metaflow.datastore.exceptions import DataException

    for call in (
        lambda: save(storage, (key, b"")),
        lambda: load(storage, key),
        lambda: storage.is_file([key]),
    ):
        with pytest.raises(DataException, match="cannot be the name of an object"):
            call()
    assert_requests()


def test_the_container_itself_is_no_object(new_storage: Callable[[str], Storage], container: str) -> None:
    from metaflow.datastore.exceptions import DataException

    for key in ("", "x/..", "../x"):
        with pytest.raises(DataException, match=r"names the container|leads out of the container"):
            new_storage(container).is_file([key])


def test_thousands_of_objects_take_one_request_each(
    storage: Storage, account: Account, assert_requests: Callable[..., None]
) -> None:
    # Azurite takes its time.
    count = 3000 if account.server == "service" else 300
    items = [(f"many/{number}", str(number).encode()) for number in range(count)]
    save(storage, *items)
    assert load(storage, *[path for path, _ in items]) == {path: (data, None) for path, data in items}
    assert storage.is_file([path for path, _ in items] + ["many/none"]) == [True] * count + [False]
    assert len(storage.list_content(["many"])) == count
    assert_requests(PutBlob=count, GetBlob=count, GetBlobProperties=count + 1, ListBlobs=1)


def test_objects_are_taken_from_the_iterator_as_memory_allows(
    new_storage: Callable[[str], Storage],
    datastore_module: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    container: str,
) -> None:
    monkeypatch.setattr(datastore_module.account, "AZURE_STORAGE_WORKLOAD_TYPE", "general")
    count, size, buffers = 200, 1024 * 1024, 128 * 1024 * 1024
    taken: WeakSet[io.BytesIO] = WeakSet()
    most = 0

    def items() -> Iterator[tuple[str, io.BytesIO]]:
        nonlocal most
        for number in range(count):
            stream = io.BytesIO(bytes(size))
            taken.add(stream)
            most = max(most, len(taken))
            yield f"large/{number}", stream

    storage = new_storage(f"{container}/mf")
    storage.save_bytes(items())
    assert most * size <= buffers + size
    assert len(storage.list_content(["large"])) == count


def test_artifacts_are_written_and_read_once(
    storage: Storage,
    new_storage: Callable[[str], Storage],
    datastore_module: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    assert_requests: Callable[..., None],
) -> None:
    monkeypatch.setattr(datastore_module, "ASK_FIRST_SIZE", 20_000)
    blobs = [b"small", content(1000), b"small", content(30_000)]
    store = artifacts_in(storage)
    keys = [key for _, key in store.save_blobs(iter(blobs), len_hint=4)]
    assert_requests(PutBlob=3, GetBlobProperties=1)
    store.save_blobs(iter(blobs))
    assert_requests()
    assert dict(store.load_blobs(keys)) == dict(zip(keys, blobs, strict=True))
    assert_requests(GetBlob=4)
    assert dict(store.load_blobs(keys)) == dict(zip(keys, blobs, strict=True))
    assert_requests(GetBlob=1)

    another_process = artifacts_in(new_storage(storage.datastore_root))
    assert [key for _, key in another_process.save_blobs(iter(blobs))] == keys
    assert_requests(PutBlob=2, GetBlobProperties=1)
    assert dict(another_process.load_blobs(keys)) == dict(zip(keys, blobs, strict=True))


def test_an_artifact_that_exists_is_not_compressed(
    storage: Storage,
    new_storage: Callable[[str], Storage],
    datastore_module: ModuleType,
    assert_requests: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from metaflow.datastore import content_addressed_store

    large = bytes(datastore_module.ASK_FIRST_SIZE + 1)
    artifacts_in(storage).save_blobs(iter([large]))
    assert_requests(GetBlobProperties=1, PutBlob=1)
    store = artifacts_in(new_storage(storage.datastore_root))
    with monkeypatch.context() as patch:
        patch.setattr(content_addressed_store.gzip, "GzipFile", None)
        ((_, key),) = store.save_blobs(iter([large]))
    assert_requests(GetBlobProperties=1)
    assert dict(store.load_blobs([key])) == {key: large}


def test_other_datastores_are_given_what_they_expect(storage: Storage, tmp_path: Path) -> None:
    from metaflow.plugins.datastores.local_storage import LocalStorage

    directory = tmp_path / "local"
    store = artifacts_in(LocalStorage(str(directory)))
    ((_, key),) = store.save_blobs(iter([b"artifact"]))
    assert dict(store.load_blobs([key])) == {key: b"artifact"}
    shutil.rmtree(directory)


def test_an_artifact_that_another_run_wrote_differently_is_left_alone(storage: Storage) -> None:
    key = data_key("0123456789" * 4)
    save(storage, (key, b"first"), metadata={"cas_version": 1})
    save(storage, (key, b"again"), metadata={"cas_version": 2}, overwrite=True)
    assert load(storage, key) == {key: (b"first", {"cas_version": 1})}


def test_opening_a_task_is_one_listing(
    storage: Storage, account: Account, assert_requests: Callable[..., None]
) -> None:
    task, sha = "Flow/1/start/1", "cd" + "1" * 38
    save(storage, (f"{task}/0.attempt.json", b"{}"), (f"{task}/1.attempt.json", b"{}"))
    save(storage, (f"{task}/1.data.json", json.dumps({"objects": {"x": sha}}).encode()))
    assert_requests(PutBlob=3)
    attempts = [f"{task}/{number}.attempt.json" for number in range(6)]
    assert [storage.is_file([attempt])[0] for attempt in attempts] == [True, True] + [False] * 4
    assert_requests(ListBlobs=1)
    # What was missing may have come meanwhile.
    for name in ("1.DONE.lock", "2.attempt.json"):
        account.client().write(f"{storage.datastore_root}/{task}/{name}", b"")
    assert storage.is_file([f"{task}/1.DONE.lock"]) == [True]
    assert [storage.is_file([attempt])[0] for attempt in attempts[:3]] == [True, True, True]
    # What this process itself writes is there at once.
    save(storage, (f"{task}/3.attempt.json", b"{}"))
    assert storage.is_file([f"{task}/3.attempt.json"]) == [True]
    assert_requests(PutBlob=3, GetBlobProperties=2, ListBlobs=1)


def test_an_artifact_that_was_deleted_is_written_again(
    storage: Storage, new_storage: Callable[[str], Storage], account: Account
) -> None:
    """Whatever the lists of artifacts of earlier tasks say; a lifecycle rule may have deleted it."""
    store = artifacts_in(storage)
    ((_, key),) = store.save_blobs(iter([b"artifact"]))
    listed = json.dumps({"objects": {"x": key}}).encode()
    save(storage, ("Flow/1/start/1/0.data.json", listed), ("Flow/1/start/1/0.task_end", b"{}"))
    account.client().delete(f"{storage.datastore_root}/Flow/data/{key[:2]}/{key}")

    another = new_storage(storage.datastore_root)
    assert load(another, "Flow/1/start/1/0.data.json", "Flow/1/start/1/0.task_end")
    store = artifacts_in(another)
    store.save_blobs(iter([b"artifact"]))
    assert dict(store.load_blobs([key])) == {key: b"artifact"}


@pytest.mark.parametrize("notice", [load, lambda storage, path: storage.size_file(path)])
def test_an_artifact_that_turned_out_to_be_missing_is_written_again(
    storage: Storage, account: Account, notice: Callable[[Storage, str], object]
) -> None:
    store = artifacts_in(storage)
    ((_, key),) = store.save_blobs(iter([b"artifact"]))
    blob = f"{storage.datastore_root}/{data_key(key)}"
    account.client().delete(blob)
    notice(storage, data_key(key))
    store.save_blobs(iter([b"artifact"]))
    assert account.client().exists(blob)


def test_a_file_that_only_looks_like_a_list_of_artifacts(storage: Storage) -> None:
    save(storage, ("Flow/1/start/1/0.data.json", b"[]"))
    assert load(storage, "Flow/1/start/1/0.data.json") == {"Flow/1/start/1/0.data.json": (b"[]", None)}


def test_a_large_object_that_exists_is_not_sent(
    storage: Storage, datastore_module: ModuleType, assert_requests: Callable[..., None]
) -> None:
    data = bytes(datastore_module.ASK_FIRST_SIZE + 1)
    save(storage, ("k", data))
    assert_requests(GetBlobProperties=1, PutBlob=1)
    save(storage, ("k", data))
    assert_requests(GetBlobProperties=1)
    save(storage, ("k", data), overwrite=True)
    assert_requests(PutBlob=1)


# Metaflow's own Azure support sends an API version that Azurite refuses; see test_flows.py.
@pytest.mark.parametrize("account", ["service"], indirect=True)
def test_stock_reads_what_fastblob_writes_and_the_other_way_round(
    storage: Storage, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock = stock_storage(storage, account, monkeypatch)
    for name, writer, reader in (("from-fastblob", storage, stock), ("from-stock", stock, storage)):
        save(
            writer, (f"{name}/1", content(10)), (f"{name}/2", b""), metadata={"cas_raw": True, "ä": [1, None]}
        )
        save(writer, (f"{name}/3", b"plain"))
        paths = [f"{name}/{number}" for number in (1, 2, 3, 4)]
        assert load(writer, *paths) == load(reader, *paths)
        assert load(reader, *paths)[f"{name}/1"] == (content(10), {"cas_raw": True, "ä": [1, None]})
        assert writer.is_file(paths) == reader.is_file(paths) == [True, True, True, False]
        assert [writer.size_file(path) for path in paths] == [reader.size_file(path) for path in paths]
        listed = [sorted(map(tuple, one.list_content([name]))) for one in (writer, reader)]
        assert listed[0] == listed[1]


@pytest.mark.parametrize("account", ["service"], indirect=True)
def test_the_tail_of_a_log_that_grows(
    storage: Storage, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    from metaflow.mflog import get_log_tailer
    from metaflow.plugins.azure import blob_service_client_factory

    monkeypatch.setattr(blob_service_client_factory, "AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", account.endpoint)
    tail = get_log_tailer(f"{storage.datastore_root}/log", "azure")
    seen = [list(tail)]
    for log in (b"one\ntw", b"one\ntwo\nthree\n", b"one\ntwo\nthree\n"):
        save(storage, ("log", log), overwrite=True)
        seen.append(list(tail))
    assert seen == [[], [b"one\n"], [b"two\n", b"three\n"], []]


POLICIES = ["BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold"]


@pytest.mark.parametrize("account", ["service"], indirect=True)
@pytest.mark.parametrize("code", POLICIES)
def test_what_exists_under_an_immutability_policy_is_left_alone(
    storage: Storage, new_storage: Callable[[str], Storage], service: LocalAzure, code: str
) -> None:
    store = artifacts_in(storage)
    ((_, key),) = store.save_blobs(iter([b"artifact"]))
    service.add_fault(operation="PutBlob", status=409, code=code)
    another = new_storage(storage.datastore_root)
    assert [saved.key for saved in artifacts_in(another).save_blobs(iter([b"artifact"]))] == [key]
    save(storage, (data_key(key), b"not an artifact"))
    service.clear_requests()
    # It is known to exist from now on.
    artifacts_in(another).save_blobs(iter([b"artifact"]))
    assert service.request_counts() == {}


@pytest.mark.parametrize("account", ["service"], indirect=True)
@pytest.mark.parametrize("code", POLICIES)
def test_what_does_not_exist_under_an_immutability_policy_is_not_saved(
    storage: Storage, service: LocalAzure, code: str
) -> None:
    from metaflow.plugins.azure.azure_exceptions import MetaflowAzureResourceError

    save(storage, ("there", b"1"))
    service.add_fault(operation="PutBlob", status=409, code=code)
    with pytest.raises(MetaflowAzureResourceError, match="immutability policy or a legal hold") as caught:
        save(storage, ("there", b"2"), ("not-there", b"2"))
    assert f"{storage.datastore_root}/not-there" in str(caught.value)
    with pytest.raises(MetaflowAzureResourceError, match="immutability policy or a legal hold"):
        save(storage, ("there", b"2"), overwrite=True)


@pytest.mark.parametrize("account", ["service"], indirect=True)
def test_other_refusals_come_out_of_a_save_that_does_not_overwrite(
    storage: Storage, service: LocalAzure
) -> None:
    from metaflow.exception import MetaflowInternalError

    service.add_fault(operation="PutBlob", status=400, code="InvalidInput")
    with pytest.raises(MetaflowInternalError, match="400 InvalidInput"):
        save(storage, ("k", b"1"), ("l", b"1"))


@pytest.mark.parametrize("account", ["service"], indirect=True)
def test_the_inside_of_stock_is_there_for_other_extensions(
    storage: Storage, account: Account, service: LocalAzure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stock_storage(storage, account, monkeypatch)
    save(storage, ("k", b"1"))
    assert load(storage, "k") == {"k": (b"1", None)}
    assert storage._internals._stock is None, "nobody has asked for it yet"
    assert not hasattr(storage, "anything else")
    file = tmp_path / "file"
    file.write_bytes(b"of an extension")
    # As metaflow-checkpoint does it.
    save_file = storage.root_client.save_bytes_single
    storage._executor.submit(save_file, ("k", str(file), {"n": 1}), overwrite=True).result()
    file.unlink()
    assert load(storage, "k") == {"k": (b"of an extension", {"n": 1})}
    assert storage.root_client.get_blob_full_path("k") == "a/root/k"
    storage.root_client.get_blob_client("k").delete_blob()
    assert storage.is_file(["k"]) == [False]
    # It goes on with the token that fastblob has.
    assert "Token" not in service.request_counts()
