"""``getLogger("fastblob")`` at DEBUG tells what happens on the way, with its reason, without secrets."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastblob.local import LocalAzure
from hostile.child import in_child
from hostile.server import Connection, Request, Server, each

SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0" + "Zm9vYmFy" * 8


class Kept(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps it."""
        self.records.append(record)

    @property
    def text(self) -> str:
        """Everything, a line each."""
        return "\n".join(record.getMessage() for record in self.records)


def debugging() -> Kept:
    """Keeps all that fastblob logs from now on."""
    kept = Kept()
    logger = logging.getLogger("fastblob")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(kept)
    return kept


class Gives:
    """A credential that gives the secret as token."""

    def __init__(self, lifetime: float = 7200) -> None:
        self.lifetime = lifetime

    def get_token(self, *scopes: str, **options: object) -> Any:
        """The token."""
        from azure.core.credentials import AccessToken

        return AccessToken(SECRET, int(time.time() + self.lifetime))


class Refuses:
    """Answers each request of a script of answers, and with the blob when they are used up."""

    def __init__(self, *answers: Callable[[Connection, Request], None]) -> None:
        self.answers = list(answers)

    def respond(self, connection: Connection, request: Request) -> None:
        """The next answer."""
        if self.answers:
            self.answers.pop(0)(connection, request)
        else:
            connection.answer_range(request, b"content")


def busy(connection: Connection, request: Request) -> None:
    """503."""
    connection.answer_error(request, 503, "ServerBusy")


def broken(connection: Connection, request: Request) -> None:
    """A reset."""
    connection.reset()


def internal(connection: Connection, request: Request) -> None:
    """500."""
    connection.answer_error(request, 500, "InternalError")


def challenge(connection: Connection, request: Request) -> None:
    """401."""
    header = {
        "WWW-Authenticate": "Bearer authorization_uri=https://login.microsoftonline.com/t resource_id=https://s"
    }
    connection.answer_error(request, 401, "InvalidAuthenticationInfo", header)


EVENTS: dict[str, tuple[Callable[[Connection, Request], None], str]] = {
    "a retry": (internal, r"500|InternalError"),
    "throttling": (busy, r"503|ServerBusy"),
    "a connection that broke": (broken, r"(?i)reset|closed|broke|connection"),
    "a new token": (challenge, r"(?i)token"),
}


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("call", ["read", "read_many"])
@in_child()
def test_what_happens_on_the_way_is_told(event: str, call: str) -> None:
    import re

    answer, expected = EVENTS[event]
    with Server(each(Refuses(answer).respond)) as server:
        client = server.client(Gives())
        kept = debugging()
        assert client.read("data/blob") if call == "read" else client.read_many(["data/blob"])
        told = [record for record in kept.records if re.search(expected, record.getMessage())]
        assert told, kept.text
        assert all(record.name.split(".")[0] == "fastblob" for record in kept.records)
        assert all(record.levelno >= logging.DEBUG for record in told)
        assert SECRET not in kept.text


@in_child()
def test_a_first_token_is_told() -> None:
    with Server(each(Refuses().respond)) as server:
        kept = debugging()
        server.client(Gives()).read("data/blob")
        assert "token" in kept.text.lower()
        assert SECRET[:20] not in kept.text


@in_child()
def test_a_reconnect_of_an_idle_connection_is_told() -> None:
    def script(connection: Connection) -> None:
        request = connection.read_head()
        if request is not None:
            connection.answer_range(request, b"content")

    with Server(script) as server:
        client = server.client()
        client.read("data/blob")
        kept = debugging()
        client.read("data/blob")
        assert "connect" in kept.text.lower()


@in_child()
def test_a_fall_back_is_told() -> None:
    # An endpoint that knows no CRC64, as Azurite.
    def respond(connection: Connection, request: Request) -> None:
        if "x-ms-content-crc64" in request.headers or "x-ms-structured-body" in request.headers:
            connection.answer_error(request, 500, "FeatureNotSupported")
        else:
            connection.answer(
                request, 201, {"ETag": '"0x1"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
            )

    with Server(each(respond)) as server:
        kept = debugging()
        server.client().write("data/blob", b"content")
        assert "crc64" in kept.text.lower(), kept.text


@in_child()
def test_a_url_with_a_signature_is_told_without_it() -> None:
    with Server(each(Refuses(internal, busy, broken).respond)) as server:
        kept = debugging()
        server.client(f"sv=1&sig={SECRET}").read("data/blob")
        assert kept.records
        assert SECRET[:20] not in kept.text


@in_child()
def test_nothing_is_told_above_debug_where_all_goes_well() -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        kept = debugging()
        client = azure.client()
        client.write("data/blob", b"content")
        client.read_many(["data/blob"] * 20)
        assert [record.getMessage() for record in kept.records if record.levelno > logging.DEBUG] == []


@in_child()
def test_a_level_that_is_changed_later_counts() -> None:
    with Server(each(Refuses(internal).respond)) as server:
        client = server.client()
        client.read("data/blob")
        kept = debugging()
        with Server(each(Refuses(internal).respond)) as other:
            other.client().read("data/blob")
        assert kept.records


@in_child()
def test_a_handler_that_fails_ends_no_call() -> None:
    class Fails(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("from the handler")

    logger = logging.getLogger("fastblob")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(Fails())
    with Server(each(Refuses(internal, broken).respond)) as server:
        client = server.client()
        # It may come out, as it does of Python's own logging, but not as an error of the service.
        with contextlib.suppress(RuntimeError):
            assert client.read("data/blob") == b"content"
