"""What this process knows of content-addressed blobs, which never change."""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from typing import Any

# The keys of Metaflow's content-addressed store; see `DataStoreStorage.get_datastore_root_from_location`.
_CONTENT_ADDRESSED = re.compile(r"(?:^|/)data/([0-9a-f]{2})/(?:r_)?\1[0-9a-f]{38}$")

# Metaflow's bookkeeping (names, transitions, foreach stacks), which every process loads again and again, is
# well below 1 KiB a blob; what is larger is kept by whoever loaded it.
CONTENT_SIZE = 16 * 1024
CONTENT_TOTAL = 8 * 1024 * 1024
KNOWN_COUNT = 50_000


def is_content_addressed(path: str) -> bool:
    """Whether the name of the blob is the hash of its content."""
    return _CONTENT_ADDRESSED.search(path) is not None


class BlobCache:
    """Blobs that are known to exist and, of small ones, their content and metadata; the oldest go first."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()
        self._contents: OrderedDict[str, tuple[bytes, dict[str, Any] | None]] = OrderedDict()
        self._size = 0
        self._make_lock()
        # A thread of the parent may hold the lock at the moment of the fork.
        os.register_at_fork(after_in_child=self._make_lock)

    def _make_lock(self) -> None:
        self._lock = threading.Lock()

    def add_known(self, blob: str) -> None:
        """Notes that a content-addressed blob exists."""
        with self._lock:
            self._known[blob] = None
            if len(self._known) > KNOWN_COUNT:
                self._known.popitem(last=False)

    def knows(self, blob: str) -> bool:
        """Whether the blob was seen to exist."""
        return blob in self._known

    def add_content(self, blob: str, content: bytes, metadata: dict[str, Any] | None) -> None:
        """Notes what is in a content-addressed blob of at most CONTENT_SIZE bytes."""
        with self._lock:
            if blob in self._contents:
                return
            self._contents[blob] = content, metadata
            self._size += len(content)
            while self._size > CONTENT_TOTAL:
                _, (oldest, _) = self._contents.popitem(last=False)
                self._size -= len(oldest)

    def content(self, blob: str) -> tuple[bytes, dict[str, Any] | None] | None:
        """Content and metadata of the blob, or None."""
        return self._contents.get(blob)
