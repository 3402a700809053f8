"""A lease that is held for the length of a ``with`` block, and renewed meanwhile."""

from __future__ import annotations

import contextvars
import math
import os
import threading
import time
from typing import TYPE_CHECKING

from ._paths import BlobPath
from ._progress import Reporter

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from ._connection import Connection
    from ._results import Progress
    from ._types import Blob

# Within the time that a lease lasts.
_RENEWALS = 3
# Seconds between attempts after one that failed, and for the last one where time is over already.
_PAUSE = 1.0
_LAST_ATTEMPT = 5.0


class Lease:
    """A lease on a blob, held inside of the ``with`` block of ``client.lease()``.

    Calls take it as ``lease=``, like the ID of a lease. A thread of its own renews it three times within its
    seconds; the credential may be asked for a token there. Trouble with that is told by the next call that
    is given the lease, and by ``id``, once it means that the lease may be lost: at once where the service
    says so (it was broken, or the blob is gone), else when the lease would have ended by itself. Calls that
    run already are not told: those that write are refused by the service.

    At the end of the block the lease is released. What went wrong with it raises there, unless something else
    is raised, which gets a note then, and unless the blob is gone: whoever deletes it ends its lease.

    A child of ``os.fork()`` may use ``id``, for which it is its parent who renews and releases.
    """

    def __init__(self, connection: Connection, blob: Blob, seconds: int | None) -> None:
        self._connection = connection
        self._blob = BlobPath(blob) if isinstance(blob, str) else BlobPath(blob.container, blob.name)
        self._seconds = seconds
        self._was_entered = False
        self._held: _Held | None = None

    @property
    def id(self) -> str:
        """The ID, a GUID, for any program that is to use the lease.

        Raises:
            TransferError: The lease may be lost, or it is.
            ValueError: The block has not begun, or it has ended.
        """
        if self._held is None:
            raise ValueError(
                f"the lease on {self._blob} is held inside of its with block only, which "
                f"{'has ended' if self._was_entered else 'has not begun'}"
            )
        self._held.check()
        return self._held.id

    def __enter__(self) -> Self:
        if self._was_entered:
            raise ValueError(f"the lease on {self._blob} was used already: take another one")
        self._held = _Held(self._connection, self._blob, self._seconds)
        self._was_entered = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        held, self._held = self._held, None
        if held is None:
            return
        try:
            held.release()
        except Exception as error:
            if value is None:
                raise
            if value is not error:
                value.add_note(f"The lease was not held to the end: {error}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on {self._blob}, {'not held' if self._held is None else 'held'}>"


class _EndedError(Exception):
    """The block has ended: the renewal that runs is not needed any more."""


class _Held:
    """A lease from its acquisition on."""

    def __init__(self, connection: Connection, blob: BlobPath, seconds: int | None) -> None:
        self._connection = connection
        self._blob = blob
        self._process = os.getpid()
        self._failure: BaseException | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        began = time.monotonic()
        self.id = connection.finish(connection.engine().acquire_lease(blob, seconds, None))
        # By this machine's clock, and not later than by that of the service.
        self._until = math.inf if seconds is None else began + seconds
        if seconds is not None:
            self._start(seconds)

    def _start(self, seconds: int) -> None:
        # A credential finds the context variables of whoever took the lease.
        run = contextvars.copy_context().run
        thread = threading.Thread(
            target=run, args=(self._renew_in_time, seconds), name="fastblob-lease", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            self.release()
            raise
        self._thread = thread

    def check(self) -> None:
        """Raises where the lease may be lost."""
        if self._process != os.getpid():
            return
        if self._failure is not None:
            # The way to here was the thread's, and is of no use.
            raise self._failure.with_traceback(None)
        if time.monotonic() >= self._until:
            raise self._too_late()

    def release(self) -> None:
        """Ends the renewals, and the lease.

        Raises:
            Exception: What went wrong with the lease, but for a blob that is gone.
        """
        if self._process != os.getpid():
            return
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        failure = self._failure
        if failure is None:
            until = max(self._until, time.monotonic() + _LAST_ATTEMPT)
            try:
                call = self._connection.engine().release_lease(self._blob, self.id, watched=True)
                self._connection.finish(call, self._limit(until))
            except Exception as error:  # noqa: BLE001 - raised below
                failure = error
        from ._exceptions import BlobNotFoundError

        if failure is not None and not isinstance(failure, BlobNotFoundError):
            raise failure.with_traceback(None)

    def _renew_in_time(self, seconds: int) -> None:
        """What the thread does."""
        pause = seconds / _RENEWALS
        while not self._ended.wait(pause):
            began = time.monotonic()
            try:
                call = self._connection.engine().renew_lease(self._blob, self.id, watched=True)
                # One attempt there is, also where this process was suspended: if it succeeds, nobody had
                # the lease meanwhile.
                limit = self._limit(max(self._until, began + _LAST_ATTEMPT), self._ended)
                self._connection.finish(call, limit)
            except _EndedError:
                return
            except BaseException as error:  # noqa: BLE001 - raised where the lease is used
                if _is_final(error) or time.monotonic() >= self._until:
                    self._failure = error
                    return
                pause = _PAUSE
            else:
                self._until = began + seconds
                pause = seconds / _RENEWALS

    def _limit(self, until: float, ended: threading.Event | None = None) -> Reporter:
        """Gives up a call at that time, or when the block has ended."""

        def look(progress: Progress) -> None:
            if progress.items_done:
                return
            if ended is not None and ended.is_set():
                raise _EndedError
            if time.monotonic() >= until:
                raise self._too_late()

        return Reporter(look, delay=0)

    def _too_late(self) -> Exception:
        from ._exceptions import NetworkError

        return NetworkError(
            f"the lease on the blob may have ended: the service did not answer in time (blob {self._blob})",
            blob=str(self._blob),
        )


def _is_final(error: BaseException) -> bool:
    from ._exceptions import BlobConflictError, BlobModifiedError, BlobNotFoundError

    return not isinstance(error, Exception) or isinstance(
        error, (BlobConflictError, BlobModifiedError, BlobNotFoundError)
    )


def lease_id(lease: Lease | str) -> str:
    """The ID of a lease that a call is given."""
    return lease.id if isinstance(lease, Lease) else lease
