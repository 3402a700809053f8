"""Between a client and the compiled module: the engine of this process, and calls seen to their end."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar, cast

from . import _fastblob
from ._driving import converted, drive, supply_token
from ._results import TransferResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ._credentials import Secret
    from ._progress import Reporter

_Value = TypeVar("_Value")


class Connection:
    """The engine, made anew in a child of ``os.fork()``, where its threads and sockets are its parent's.

    Args:
        endpoint: The account's URL, without query.
        secret: The credential, as the engine knows it.
        options: The keyword arguments of the engine.
    """

    def __init__(self, endpoint: str, secret: Secret, options: dict[str, Any]) -> None:
        self._endpoint = endpoint
        self._secret = secret
        self._options = options
        self._closed = False
        self._engines: dict[int, _fastblob.Engine] = {}
        self._open()

    def _open(self) -> None:
        process = os.getpid()
        made = _fastblob.Engine(self._endpoint, self._secret.kind, **self._options)
        self._secret.give_to(made)
        if self._closed:
            made.close()
        # Threads that come here together go on with the same one. Without a lock, which some thread of the
        # parent might have held when it forked.
        self._engine = self._engines.setdefault(process, made)
        self._process = process
        for other in [number for number in self._engines if number != process]:
            self._engines.pop(other, None)

    @property
    def endpoint(self) -> str:
        """The account's URL, without query."""
        return self._engine.endpoint

    def engine(self) -> _fastblob.Engine:
        """The engine of this process, with the secret as it is now."""
        if self._process != os.getpid():
            self._open()
        engine = self._engine
        if self._secret.changes:
            self._secret.renew(engine)
        return engine

    def renew_secret(self, engine: _fastblob.Engine) -> None:
        """Hands on what the credential's ``update()`` was given."""
        if self._secret.changes:
            self._secret.renew(engine)

    def fetch_token(self, claims: str | None) -> tuple[str, float]:
        """Asks the credential for a token, on this thread."""
        return self._secret.fetch_token(claims)

    def supply_token(self, source: _fastblob.CopySource) -> None:
        """Fetches a token for the source of a copy, where one is needed now or soon."""
        engine = self.engine()
        if source.needs_token():
            supply_token(self, engine)

    def close(self) -> None:
        """Closes what is idle, and refuses further calls, also in children."""
        self._closed = True
        if self._process == os.getpid():
            self._engine.close()

    def finish(self, result: _Value | _fastblob.Call, reporter: Reporter | None = None) -> _Value:
        """The result of a call on one blob, which is there at once or has to be driven."""
        if not isinstance(result, _fastblob.Call):
            return result
        drive(self, self._engine, result, reporter)
        return cast("_Value", result.result())

    def run(self, call: _fastblob.Call, reporter: Reporter | None) -> list[_fastblob.Outcome]:
        """What became of the items of a call that brings its own."""
        drive(self, self._engine, call, reporter)
        return _outcomes(call)

    def run_items(
        self,
        call: _fastblob.Call,
        items: Iterable[object],
        reporter: Reporter | None,
        convert: Callable[[Any], object] | None = None,
    ) -> list[_fastblob.Outcome]:
        """What became of the items of a call: all outcomes, or the exception that ended it.

        Raises:
            Exception: The failure that ``on_error`` does not collect, with ``.results``.
        """
        self._drive_items(call, items, reporter, convert)
        return _outcomes(call)

    def run_reads(
        self, call: _fastblob.Call, items: Iterable[object], reporter: Reporter | None
    ) -> list[bytes | Exception]:
        """The bytes or the error of each item of a call of reads, for which no outcomes are made.

        Raises:
            Exception: As ``run_items``.
        """
        self._drive_items(call, items, reporter)
        contents = call.contents()
        if contents is None:
            _outcomes(call)
            raise AssertionError
        return contents

    def _drive_items(
        self,
        call: _fastblob.Call,
        items: Iterable[object],
        reporter: Reporter | None,
        convert: Callable[[Any], object] | None = None,
    ) -> None:
        made = items if convert is None else converted(items, convert)
        # A list or tuple is looked through before anything moves: a malformed item is noticed while there is
        # nothing to undo yet.
        if isinstance(items, (list, tuple)):
            call.add_all(items if convert is None else list(made))
            drive(self, self._engine, call, reporter)
        else:
            drive(self, self._engine, call, reporter, iter(made))


def _outcomes(call: _fastblob.Call) -> list[_fastblob.Outcome]:
    outcomes, failed = call.outcomes()
    if failed is None:
        return outcomes
    error: Any = outcomes[failed].error
    # An exception of the user's own code may refuse attributes, and comes out all the same.
    with suppress(Exception):
        error.results = list(map(TransferResult, outcomes))
    try:
        raise error
    finally:
        # Its traceback refers to this frame: what the frame refers to would live as long as a cycle does.
        del error, outcomes
