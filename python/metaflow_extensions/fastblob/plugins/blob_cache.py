"""What this process knows of content-addressed blobs, which never change."""

from __future__ import annotations

import copy
import functools
import os
import re
import threading
import time
from collections import OrderedDict
from typing import Any

from metaflow.metaflow_config import AZURE_STORAGE_BLOB_SERVICE_ENDPOINT

# The keys of Metaflow's content-addressed store; see `DataStoreStorage.get_datastore_root_from_location`.
_CONTENT_ADDRESSED = re.compile(r"(?:^|/)data/([0-9a-f]{2})/(?:r_)?\1[0-9a-f]{38}$")

# Metaflow's bookkeeping (names, transitions, foreach stacks), which every process loads again and again, is
# well below 1 KiB a blob; what is larger is kept by whoever loaded it.
CONTENT_SIZE = 16 * 1024
CONTENT_TOTAL = 8 * 1024 * 1024
# Of an entry: its key, its metadata and the objects around them.
OVERHEAD = 1024

# That a blob exists is believed for so long: somebody may delete it, by a lifecycle rule for instance.
KNOWN_SECONDS = 3600
KNOWN_COUNT = 50_000

# What the process that schedules a run hands on to its tasks. What all of them share (names, None, empty
# lists) comes up early in a run.
HANDED_ON_VARIABLE = "METAFLOW_FASTBLOB_KNOWN_BLOBS"
# Linux allows 128 KiB for a variable.
HANDED_ON_BYTES = 32 * 1024


def is_content_addressed(path: str) -> bool:
    """Whether the name of the blob is the hash of its content."""
    return _CONTENT_ADDRESSED.search(path) is not None


class BlobCache:
    """Blobs that were seen to exist and, of small ones, their content and metadata; the oldest go first."""

    def __init__(self) -> None:
        # The value is when the blob was seen, in seconds since the epoch.
        self._known: OrderedDict[str, float] = OrderedDict()
        self._contents: OrderedDict[str, tuple[bytes, dict[str, Any] | None]] = OrderedDict()
        self._size = 0
        self._make_lock()
        # A thread of the parent may hold the lock at the moment of the fork.
        os.register_at_fork(after_in_child=self._make_lock)

    def _make_lock(self) -> None:
        self._lock = threading.Lock()

    def add_known(self, blob: str) -> None:
        """Notes that a content-addressed blob exists now."""
        with self._lock:
            self._known[blob] = time.time()
            if len(self._known) > KNOWN_COUNT:
                self._known.popitem(last=False)

    def knows(self, blob: str) -> bool:
        """Whether the blob was seen to exist lately."""
        seen = self._known.get(blob)
        return seen is not None and _is_recent(seen)

    def forget(self, blob: str) -> None:
        """Notes that the blob is not there."""
        with self._lock:
            self._known.pop(blob, None)
            content, _ = self._contents.pop(blob, (None, None))
            if content is not None:
                self._size -= len(content) + OVERHEAD

    def add_content(self, blob: str, content: bytes, metadata: dict[str, Any] | None) -> None:
        """Notes what is in a content-addressed blob of at most CONTENT_SIZE bytes."""
        with self._lock:
            if blob in self._contents:
                return
            self._contents[blob] = content, copy.copy(metadata)
            self._size += len(content) + OVERHEAD
            while self._size > CONTENT_TOTAL:
                _, (oldest, _) = self._contents.popitem(last=False)
                self._size -= len(oldest) + OVERHEAD

    def content(self, blob: str) -> tuple[bytes, dict[str, Any] | None] | None:
        """Content and metadata of the blob, or None."""
        cached = self._contents.get(blob)
        return cached and (cached[0], copy.copy(cached[1]))

    def hand_on(self) -> dict[str, str]:
        """The environment variable for a process that is about to be started; none if nothing is known."""
        lines = []
        room = HANDED_ON_BYTES
        with self._lock:
            for blob, seen in self._known.items():
                if _is_recent(seen):
                    lines.append(f"{seen:.0f} {blob}")
                    room -= len(lines[-1].encode()) + 1
                    if room < 0:
                        break
        if not lines:
            return {}
        return {HANDED_ON_VARIABLE: "\n".join([AZURE_STORAGE_BLOB_SERVICE_ENDPOINT, *lines])}

    def take_over(self) -> None:
        """Believes what the process that started this one knew of the same account."""
        handed_on = os.environ.pop(HANDED_ON_VARIABLE, None)
        if handed_on is not None:
            endpoint, *lines = handed_on.split("\n")
            if endpoint == AZURE_STORAGE_BLOB_SERVICE_ENDPOINT:
                for line in lines:
                    seen, _, blob = line.partition(" ")
                    self._known[blob] = float(seen)


def _is_recent(seen: float) -> bool:
    return time.time() - seen < KNOWN_SECONDS


@functools.lru_cache(maxsize=None)
def of_this_process() -> BlobCache:
    """The one that all datastores of this process share."""
    cache = BlobCache()
    cache.take_over()
    return cache
