"""Drives a call of the compiled module: gives it what it needs of the thread that called.

That is items, tokens, and the content of file objects; and between them this thread reports progress and runs
signal handlers. Code of the user is thus only ever called here, in plain Python frames, with no lock held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _fastblob
from ._file_objects import read_block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ._connection import Connection
    from ._progress import Reporter

_FINISHED = _fastblob.FINISHED
_ITEMS = _fastblob.ITEMS
_TOKEN = _fastblob.TOKEN
_BLOCK = _fastblob.BLOCK


def drive(
    connection: Connection,
    engine: _fastblob.Engine,
    call: _fastblob.Call,
    reporter: Reporter | None = None,
    items: Iterator[object] | None = None,
) -> None:
    """Sees a call to its end, which leaves its result in it.

    Whatever is raised here, by code of the user or by a signal handler, ends the call: what has not begun
    does not begin, what runs is given up, and the exception comes out unchanged when nothing runs any more.
    Whoever does not want to wait for that presses Ctrl-C again.
    """
    try:
        while True:
            needs = call.wait()
            connection.renew_secret(engine)
            if needs & _TOKEN:
                supply_token(connection, engine)
            if needs & _BLOCK:
                _supply_block(call)
            if needs & _ITEMS and items is not None:
                _supply_items(call, items)
            if reporter is not None:
                reporter.tick(call)
            if needs & _FINISHED:
                break
        if reporter is not None:
            reporter.report(call)
    except BaseException as error:
        _give_up(call, error)
        raise
    finally:
        if reporter is not None:
            reporter.close()


def _give_up(call: _fastblob.Call, error: BaseException) -> None:
    if not call.cancel():
        return
    while True:
        needs = call.wait()
        # A need that nobody meets any more would keep the call.
        if needs & _BLOCK:
            call.block_failed(call.next_block()[0], error)
        if needs & _ITEMS:
            call.end_of_input()
        if needs & _FINISHED:
            return


def supply_token(connection: Connection, engine: _fastblob.Engine) -> None:
    """Asks the credential for the token that it is this thread's turn to fetch."""
    try:
        # Without a name for the token, which a traceback with local variables would show.
        engine.set_token(*connection.fetch_token(engine.token_claims()))
    except BaseException as error:
        engine.token_failed(error)
        if not isinstance(error, Exception):
            raise


def _supply_block(call: _fastblob.Call) -> None:
    number, file, wanted = call.next_block()
    try:
        data, is_last = read_block(file, wanted)
    except BaseException as error:
        call.block_failed(number, error)
        if not isinstance(error, Exception):
            raise
    else:
        call.put_block(number, data, is_last)


def _supply_items(call: _fastblob.Call, items: Iterator[object]) -> None:
    for item in items:
        if not call.add(item):
            return
    call.end_of_input()


def converted(items: Iterable[object], convert: Callable[[Any], object]) -> Iterator[object]:
    """Items as the compiled module takes them; a malformed one is refused with its number."""
    for index, item in enumerate(items):
        try:
            made = convert(item)
        except (ValueError, TypeError) as error:
            if type(error) not in {ValueError, TypeError}:
                raise
            raise type(error)(f"item {index}: {error}") from error
        yield made
