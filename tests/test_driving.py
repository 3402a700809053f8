"""What the thread that called does for a call: items, tokens, file objects, progress, interruption.

On calls that say what they need by a script, in place of the compiled module's: each order of events is there
at once, without a service that takes its time.
"""

from __future__ import annotations

import gc
import io
import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import fastblob
import pytest
from fastblob._content_types import guess_content_type
from fastblob._credentials import TokenSource
from fastblob._driving import converted, drive
from fastblob._fastblob import BLOCK, FINISHED, ITEMS, TOKEN
from fastblob._file_objects import read_block
from fastblob._progress import Reporter, make_reporter


class ScriptedCall:
    """Answers ``wait()`` by a script, whose exceptions it raises, and keeps what it is given."""

    def __init__(self, *needs: int | BaseException, room: int = 1000, file: Any = None) -> None:
        self._needs = [*needs, FINISHED]
        self._room = room
        self._file = file
        self.events: list[Any] = []

    def wait(self) -> int:
        need = self._needs.pop(0) if len(self._needs) > 1 else self._needs[0]
        if isinstance(need, BaseException):
            raise need
        return need

    def add(self, item: object) -> bool:
        self.events.append(item)
        self._room -= 1
        return self._room > 0

    def end_of_input(self) -> None:
        self.events.append("end")

    def cancel(self) -> bool:
        self.events.append("cancel")
        return True

    def next_block(self) -> tuple[int, object, int]:
        return 7, self._file, 10

    def put_block(self, number: int, data: Any, last: bool) -> None:
        self.events.append((number, bytes(data), last))

    def block_failed(self, number: int, error: BaseException) -> None:
        self.events.append((number, error))

    def progress(self) -> Any:
        return None


class Tokens:
    """Both the connection and the engine of a call that needs tokens."""

    def __init__(self, answer: Any = ("token", 1.0)) -> None:
        self._answer = answer
        self.given: list[Any] = []
        self.renewed = 0

    def renew_secret(self, _: object) -> None:
        self.renewed += 1

    def token_claims(self) -> str | None:
        return "claims"

    def fetch_token(self, claims: str | None) -> Any:
        assert claims == "claims"
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer

    def set_token(self, token: str, expires_on: float) -> None:
        if "\r" in token:
            raise ValueError("a token with a line end")
        self.given.append((token, expires_on))

    def token_failed(self, error: BaseException) -> None:
        self.given.append(error)


def run(call: Any, tokens: Tokens | None = None, **options: Any) -> list[Any]:
    """Drives a call, and gives what it was given."""
    both: Any = tokens or Tokens()
    drive(both, both, call, **options)
    events: list[Any] = call.events
    return events


def test_items_are_taken_as_there_is_room() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(3):
            taken.append(number)
            yield number

    call = ScriptedCall(0, ITEMS, 0, room=1)
    assert run(call, items=items()) == [0]
    assert taken == [0]
    assert run(ScriptedCall(ITEMS, ITEMS, ITEMS, room=2), items=items()) == [0, 1, 2, "end"]


def test_an_exception_of_the_items_comes_out_after_the_end() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError("mine")

    call = ScriptedCall(ITEMS, 0, 0)
    with pytest.raises(ZeroDivisionError, match="mine"):
        run(call, items=items())
    assert call.events == [1, "cancel"]
    assert call.wait() == FINISHED


def test_a_malformed_item_is_refused_with_its_number() -> None:
    with pytest.raises(ValueError, match=r"^item 1: invalid literal") as caught:
        list(converted(["1", "x"], int))
    assert isinstance(caught.value.__cause__, ValueError)

    def fail(_: object) -> object:
        raise UnicodeDecodeError("utf-8", b"x", 0, 1, "mine")

    with pytest.raises(UnicodeDecodeError):
        list(converted(["1"], fail))


def test_tokens_are_fetched_on_the_thread_that_called() -> None:
    tokens = Tokens()
    run(ScriptedCall(TOKEN, 0), tokens)
    assert tokens.given == [("token", 1.0)]


@pytest.mark.parametrize("answer", [ZeroDivisionError("mine"), ("token\r\n", 1.0), None])
def test_a_credential_that_fails_is_the_calls_business(answer: Any) -> None:
    tokens = Tokens(answer)
    run(ScriptedCall(TOKEN), tokens)
    (error,) = tokens.given
    assert isinstance(error, Exception)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_exception_leaves_the_credential_and_the_call(kind: type[BaseException]) -> None:
    tokens, call = Tokens(kind()), ScriptedCall(TOKEN, 0, 0)
    with pytest.raises(kind):
        run(call, tokens)
    assert [type(error) for error in tokens.given] == [kind]
    assert call.events == ["cancel"]


def test_ctrl_c_waits_for_the_end() -> None:
    call = ScriptedCall(KeyboardInterrupt(), BLOCK | ITEMS, 0)
    with pytest.raises(KeyboardInterrupt):
        run(call, items=iter([1]))
    cancelled, (number, error), end = call.events
    assert (cancelled, number, type(error), end) == ("cancel", 7, KeyboardInterrupt, "end")
    assert call.wait() == FINISHED


def test_a_second_ctrl_c_waits_for_nothing() -> None:
    call = ScriptedCall(KeyboardInterrupt(), 0, KeyboardInterrupt("second"), 0)
    with pytest.raises(KeyboardInterrupt, match="second"):
        run(call)
    assert call.wait() == 0


def test_secrets_are_read_again_at_each_turn() -> None:
    tokens = Tokens()
    run(ScriptedCall(0, 0, 0), tokens)
    assert tokens.renewed == 4


def test_progress_is_reported_at_the_end_and_the_bar_is_closed() -> None:
    seen: list[Any] = []
    run(ScriptedCall(0, 0), reporter=Reporter(seen.append, lambda: seen.append("closed")))
    assert [type(each) for each in seen] == [fastblob.Progress, str]


def test_a_bar_begins_with_the_call(capfd: pytest.CaptureFixture[str]) -> None:
    reporter = make_reporter(True)
    assert reporter is not None
    assert capfd.readouterr().err == ""
    done = SimpleNamespace(items_done=1, items_total=1, bytes_done=2048)
    call: Any = SimpleNamespace(progress=lambda: done)
    reporter.tick(call)
    reporter.close()
    assert "1/1 items" in capfd.readouterr().err


def test_a_progress_callable_that_raises_ends_the_call() -> None:
    def report(_: object) -> None:
        raise ZeroDivisionError("mine")

    call = ScriptedCall(0)
    with pytest.raises(ZeroDivisionError, match="mine"):
        run(call, reporter=Reporter(report))
    assert call.events == ["cancel"]


class Pieces:
    """A file object that gives what it is told to."""

    def __init__(self, *pieces: Any) -> None:
        self._pieces = list(pieces)

    def read(self, size: int) -> Any:
        piece = self._pieces.pop(0) if self._pieces else b""
        if isinstance(piece, BaseException):
            raise piece
        return piece


class PiecesInto(Pieces):
    def readinto(self, buffer: memoryview) -> Any:
        piece = self.read(len(buffer))
        if not isinstance(piece, bytes):
            return piece
        buffer[: len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize("kind", [Pieces, PiecesInto])
def test_blocks_are_filled(kind: type[Pieces]) -> None:
    assert run(ScriptedCall(BLOCK, BLOCK, file=kind(b"abcd", b"efghij", b"k"))) == [
        (7, b"abcdefghij", False),
        (7, b"k", True),
    ]
    assert run(ScriptedCall(BLOCK, file=kind())) == [(7, b"", True)]


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 3_000_000])
def test_large_blocks_grow(size: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    for file in (io.BytesIO(data), Pieces(data)):
        content, is_last = read_block(file, 4_000_000)
        assert (bytes(content), is_last) == (data, True)


def test_a_file_object_may_keep_what_it_fills() -> None:
    kept: list[memoryview] = []

    class Keeping:
        def readinto(self, buffer: memoryview) -> int:
            kept.append(buffer)
            buffer[:] = b"x" * len(buffer)
            return len(buffer) if len(kept) < 4 else 0

    content, is_last = read_block(Keeping(), 1 << 20)
    assert (bytes(content), is_last) == (b"x" * (1 << 20), False)


@pytest.mark.parametrize(
    ("file", "kind", "message"),
    [
        (Pieces(None), OSError, "non-blocking"),
        (PiecesInto(None), OSError, "non-blocking"),
        (Pieces("text"), TypeError, "binary mode"),
        (Pieces(b"x" * 11), OSError, r"read\(10\) returned 11 bytes"),
        (PiecesInto(11), OSError, "readinto.. returned 11"),
        (PiecesInto(-1), OSError, "readinto.. returned -1"),
        (Pieces(5), TypeError, "int"),
        (Pieces(ZeroDivisionError("mine")), ZeroDivisionError, "mine"),
    ],
    ids=["none", "none into", "text", "too much", "too much into", "negative", "number", "raises"],
)
def test_what_a_file_object_must_not_give(file: object, kind: type[Exception], message: str) -> None:
    ((number, error),) = run(ScriptedCall(BLOCK, file=file))
    assert number == 7
    with pytest.raises(kind, match=message):
        raise error


def test_ctrl_c_in_a_file_object() -> None:
    call = ScriptedCall(BLOCK, file=Pieces(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        run(call)
    assert [type(event) for event in call.events] == [tuple, str]


@pytest.mark.parametrize(
    ("expires_on", "reason"),
    [
        (1e19, "no time"),
        (float("nan"), "no time"),
        (float("inf"), "no time"),
        (-1, "no time"),
        ("1700000000", "str"),
        (None, "NoneType"),
        (True, "bool"),
    ],
)
def test_when_a_token_expires_must_be_a_time(expires_on: Any, reason: str) -> None:
    class Credential:
        def get_token(self, *_: str, **__: Any) -> Any:
            return SimpleNamespace(token="secret", expires_on=expires_on)

    with pytest.raises(ValueError, match=reason) as caught:
        TokenSource(Credential()).fetch_token(None)
    traceback = caught.tb
    while traceback is not None:
        # What tools that print local variables would show.
        if traceback.tb_frame.f_code.co_name == "fetch_token":
            assert "token" not in traceback.tb_frame.f_locals
        traceback = traceback.tb_next  # type: ignore[assignment]
    assert "secret" not in str(caught.value)


def test_a_credential_that_refers_to_its_client_is_collected() -> None:
    class Credential:
        client: fastblob.Client

        def get_token(self, *_: str, **__: Any) -> Any:
            raise NotImplementedError

    credential = Credential()
    credential.client = fastblob.Client("https://account.blob.core.windows.net", credential)
    alive = weakref.ref(credential.client)
    del credential
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.json", "application/json"),
        ("dir.d/A.JSON", "application/json"),
        ("a.tar.gz", "application/gzip"),
        ("a.csv.bz2", "application/x-bzip2"),
        ("a", None),
        (".json", None),
        (b"a.json", "application/json"),
        (5, None),
    ],
)
def test_types_by_the_names_of_files(name: object, content_type: str | None) -> None:
    assert guess_content_type(name) == content_type
