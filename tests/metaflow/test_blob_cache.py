"""What a process remembers of content-addressed blobs."""

from __future__ import annotations

import sys
import time
from types import ModuleType

import pytest


@pytest.fixture
def blob_cache(datastore_module: ModuleType) -> ModuleType:
    return sys.modules[datastore_module.of_this_process.__module__]


@pytest.mark.parametrize(("size", "most"), [(16 * 1024, 481), (0, 8192)])
def test_the_contents_are_bounded(blob_cache: ModuleType, size: int, most: int) -> None:
    cache = blob_cache.BlobCache()
    for number in range(10_000):
        cache.add_content(str(number), bytes(size), None)
    kept = [number for number in range(10_000) if cache.content(str(number)) is not None]
    assert kept == list(range(10_000 - most, 10_000))
    assert cache.content("9999") == (bytes(size), None)


def test_metadata_is_the_callers(blob_cache: ModuleType) -> None:
    cache = blob_cache.BlobCache()
    metadata = {"n": 1}
    cache.add_content("blob", b"", metadata)
    metadata["n"] = 2
    cache.content("blob")[1]["n"] = 3
    assert cache.content("blob") == (b"", {"n": 1})


def test_that_a_blob_exists_is_believed_for_an_hour(
    blob_cache: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, now = blob_cache.BlobCache(), time.time()
    cache.add_known("blob")
    assert cache.knows("blob")
    monkeypatch.setattr(time, "time", lambda: now + 3590)
    assert cache.knows("blob")
    monkeypatch.setattr(time, "time", lambda: now + 3610)
    assert not cache.knows("blob")


def test_known_blobs_are_bounded(blob_cache: ModuleType) -> None:
    cache = blob_cache.BlobCache()
    for number in range(60_000):
        cache.add_known(str(number))
    assert [number for number in range(60_000) if cache.knows(str(number))] == list(range(10_000, 60_000))


def test_a_task_takes_over_what_its_scheduler_knew(
    blob_cache: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = blob_cache.BlobCache()
    assert scheduler.hand_on() == {}
    for number in range(10_000):
        scheduler.add_known(str(number))
    ((variable, value),) = scheduler.hand_on().items()
    # Linux refuses to start a process with a longer one.
    assert len(value.encode()) < 128 * 1024
    monkeypatch.setenv(variable, value)
    task = blob_cache.BlobCache()
    task.take_over()
    handed_on = [number for number in range(10_000) if task.knows(str(number))]
    assert len(handed_on) > 1000
    assert handed_on == list(range(len(handed_on)))
    # Processes that the task starts have nothing to do with it.
    nobody = blob_cache.BlobCache()
    nobody.take_over()
    assert not nobody.knows("0")

    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(blob_cache, "AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", "https://another")
    on_another_account = blob_cache.BlobCache()
    on_another_account.take_over()
    assert not on_another_account.knows("0")


def test_what_was_seen_long_ago_is_not_handed_on(
    blob_cache: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, now = blob_cache.BlobCache(), time.time()
    cache.add_known("old")
    monkeypatch.setattr(time, "time", lambda: now + 3610)
    assert cache.hand_on() == {}
    cache.add_known("new")
    ((_, value),) = cache.hand_on().items()
    assert value.endswith(" new")
    assert "old" not in value


def test_a_blob_that_is_missing_is_forgotten(blob_cache: ModuleType) -> None:
    cache = blob_cache.BlobCache()
    cache.add_known("blob")
    cache.add_content("blob", b"content", None)
    cache.forget("blob")
    cache.forget("another")
    assert not cache.knows("blob")
    assert cache.content("blob") is None
