"""Ctrl-C between any two instructions of the Python part costs nobody else anything.

A trace function raises KeyboardInterrupt before the first instruction that runs in fastblob's own frames,
then before the second, and so on, each time with a client that has no token yet; the exception is kept, as an
interactive interpreter keeps it, and with it all that the frames of the call refer to.
"""

from __future__ import annotations

import io
import itertools
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import fastblob
import pytest
from hostile.child import in_child
from hostile.server import ETAG, TIME, Connection, Request, Server, each, list_page

SOURCES = str(Path(fastblob.__file__).parent)


class Token:
    """A credential."""

    def get_token(self, *_: str, **__: object) -> Any:
        """A token for two hours."""
        from azure.core.credentials import AccessToken

        return AccessToken("token", int(time.time()) + 7200)


def respond(connection: Connection, request: Request) -> None:
    """Answers with two pages of a list, or with a blob."""
    if request.query.get("comp") == "list":
        is_second = request.query.get("marker") == "second"
        connection.answer(request, 200, {}, list_page(["d", "e"]) if is_second else list_page(PAGE, "second"))
    elif request.method == "PUT":
        connection.answer(request, 201, {"ETag": ETAG, "Last-Modified": TIME})
    else:
        connection.answer_range(request, b"content")


PAGE = ["a", "b", "c"]

CALLS: dict[str, Callable[[Any, Path], object]] = {
    "read": lambda client, folder: client.read("data/blob"),
    "read, watched": lambda client, folder: client.read("data/blob", progress=lambda _: None),
    "read_many": lambda client, folder: client.read_many(["data/blob"] * 3),
    "read_many of a generator": lambda client, folder: client.read_many("data/blob" for _ in range(3)),
    "write of a stream": lambda client, folder: client.write("data/new", io.BytesIO(b"x")),
    "download_prefix": lambda client, folder: client.download_prefix("data", folder),
    "list": lambda client, folder: list(client.list("data")),
}


def interrupted_at(number: int, call: Callable[[], object]) -> KeyboardInterrupt | None:
    """What comes of ``call`` if Ctrl-C is pressed before that instruction; None where there are fewer."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(SOURCES):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            count += 1
            if count == number:
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt as error:
        return error
    finally:
        sys.settrace(None)
    return None


@pytest.mark.parametrize("call", CALLS)
@in_child(seconds=60)
def test_no_thread_waits_for_a_token_that_nobody_fetches(call: str, tmp_path: Path) -> None:
    with Server(each(respond)) as server:
        for number in itertools.count(1):
            client = server.client(Token(), max_connections=2)
            kept = interrupted_at(number, lambda: CALLS[call](client, tmp_path))  # noqa: B023
            if kept is None:
                assert number > 100
                break
            # Where the turn to fetch a token is still with the call, this thread never ends.
            other = threading.Thread(target=client.read, args=("data/blob",))
            other.start()
            other.join()


@in_child(seconds=60)
def test_a_list_that_goes_on_has_lost_no_page_and_repeats_none() -> None:
    with Server(each(respond)) as server:
        for number in itertools.count(1):
            entries = server.client(Token()).list("data")
            names: list[str] = []
            interrupted = interrupted_at(
                number,
                lambda: names.extend(entry.name for entry in entries),  # noqa: B023
            )
            names.extend(entry.name for entry in entries)
            # The entry that was being given when Ctrl-C came is gone, as with every iterator.
            missing = [name for name in "abcde" if name not in names]
            assert len(missing) <= 1, number
            assert sorted(set(names)) == names, number
            if interrupted is None:
                assert number > 100
                break
