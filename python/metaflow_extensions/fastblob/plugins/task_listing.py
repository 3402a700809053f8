"""What a listing of a task's directory gives away, so that it need not be asked.

To open a task, Metaflow asks for each attempt whether it began and whether it is done: one listing answers
that.
"""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_BEGUN = re.compile(r"(?P<task>.+)/(?P<attempt>\d+)\.attempt\.json$")

# Only to be sure that a listing answers the questions that follow at once; they take a millisecond.
SECONDS = 1.0


class TaskListing(threading.local):
    """The files of the task that this thread asked for last."""

    _task: str | None = None
    _blobs: frozenset[str] = frozenset()
    _until = 0.0

    @staticmethod
    def task_to_list(blob: str) -> str | None:
        """The directory to list where the question for this blob is the first one about a task, else None."""
        begun = _BEGUN.match(blob)
        return begun["task"] if begun and begun["attempt"] == "0" else None

    def remember(self, task: str, blobs: Iterable[str]) -> None:
        """Notes what is in the directory of a task.

        Args:
            task: ``<container>/<directory>``.
            blobs: The blobs in it, ``<container>/<name>``.
        """
        self._task, self._blobs, self._until = task, frozenset(blobs), time.monotonic() + SECONDS

    def forget(self) -> None:
        """Must be called where this thread has written something."""
        self._until = 0.0

    def answer(self, blob: str) -> bool | None:
        """Whether the blob exists, or None where that must be asked.

        That something is missing is believed only of attempts after the first: a mark that a task is done may
        have been set meanwhile.
        """
        begun = _BEGUN.match(blob)
        if time.monotonic() > self._until or (begun and begun["attempt"] == "0"):
            return None
        if blob in self._blobs:
            return True
        return False if begun and begun["task"] == self._task else None
