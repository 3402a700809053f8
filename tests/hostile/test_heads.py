"""Values from outside end up neither in the head of a request nor, with escapes, in a message."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import fastblob
import pytest
from fastblob.local import LocalAzure
from hostile.child import in_child
from hostile.server import ETAG, TIME, Connection, Request, Server, each, list_page

INJECTED = "x-injected: 1"
TOKENS = {
    "a header": f"token\r\n{INJECTED}",
    "a request": f"token\r\n\r\nDELETE /account/data/other HTTP/1.1\r\n{INJECTED}\r\n\r\n",
    "a bare line feed": f"token\n{INJECTED}",
    "a bare carriage return": f"token\r{INJECTED}",
    "a null byte": "token\0more",
    "an escape": "token\x1b[2J",
    "a character that is not ASCII": "tok\u00e9n",
}


class Gives:
    """A credential that gives this token."""

    def __init__(self, token: str) -> None:
        self.token = token

    def get_token(self, *scopes: str, **options: object) -> Any:
        """The token, good for two hours."""
        from azure.core.credentials import AccessToken

        return AccessToken(self.token, int(time.time()) + 7200)


def respond(connection: Connection, request: Request) -> None:
    """Answers as the service would."""
    if request.method == "PUT":
        connection.answer(request, 201, {"ETag": ETAG, "Last-Modified": TIME})
    elif request.method == "DELETE":
        connection.answer(request, 202)
    elif request.query.get("comp") == "list":
        connection.answer(request, 200, {"Content-Type": "application/xml"}, list_page(["a"]))
    else:
        connection.answer_range(request, b"content")


CALLS: dict[str, Callable[[Any], object]] = {
    "read": lambda client: client.read("data/blob"),
    "write": lambda client: client.write("data/blob", b"x"),
    "list": lambda client: list(client.list("data")),
    "properties": lambda client: client.properties("data/blob"),
    "read_many": lambda client: client.read_many(["data/blob"] * 3),
}


@pytest.mark.parametrize("call", CALLS)
@in_child()
def test_a_token_is_one_value(call: str) -> None:
    sent, shown = [], []
    for kind, token in TOKENS.items():
        with Server(each(respond)) as server:
            client = server.client(Gives(token), max_retries=0)
            try:
                CALLS[call](client)
            except fastblob.AuthenticationError as error:
                if token in str(error):
                    shown.append(kind)
            if server.heads:
                sent.append(kind)
    assert not sent
    assert not shown


@in_child()
def test_a_token_of_the_real_managed_identity_credential() -> None:
    import json
    import os

    def token(connection: Connection, request: Request) -> None:
        answer = {
            "access_token": TOKENS["a header"],
            "expires_on": str(int(time.time()) + 7200),
            "token_type": "Bearer",
        }
        answer["resource"] = "https://storage.azure.com"
        connection.answer(request, 200, {"Content-Type": "application/json"}, json.dumps(answer).encode())

    with Server(each(token)) as identity, Server(each(respond)) as server:
        os.environ["IDENTITY_ENDPOINT"] = f"http://127.0.0.1:{identity.port}/token"
        os.environ["IDENTITY_HEADER"] = "secret"
        from azure.identity import ManagedIdentityCredential

        with pytest.raises(fastblob.TransferError):
            server.client(ManagedIdentityCredential(), max_retries=0).read("data/blob")
        assert not server.heads


# Each a way to hand a value over that ends in a head, and what is refused before anything is sent.
OPTIONS: dict[str, Callable[[Any, str], object]] = {
    "metadata value": lambda client, bad: client.write("data/blob", b"x", metadata={"name": bad}),
    "metadata name": lambda client, bad: client.write("data/blob", b"x", metadata={bad: "value"}),
    "content type": lambda client, bad: client.write("data/blob", b"x", content_type=bad),
    "tier": lambda client, bad: client.write("data/blob", b"x", tier=bad),
    "metadata of an item": lambda client, bad: client.write_many([("data/blob", b"x", {"name": bad})]),
    "metadata of a large blob": lambda client, bad: client.write(
        "data/blob", bytes(9 << 20), metadata={"name": bad}
    ),
}


BAD = [f"a\r\n{INJECTED}", f"a\n{INJECTED}", "a\0b", "a\x7fb", "a\x1bb"]


@pytest.mark.parametrize("option", OPTIONS)
@in_child()
def test_options_that_end_in_a_head(option: str) -> None:
    with Server(each(respond)) as server:
        client = server.client(max_retries=0)
        for bad in BAD:
            with pytest.raises(ValueError, match=r"\w"):
                OPTIONS[option](client, bad)
        assert not server.heads


@pytest.mark.parametrize("option", ["if_match", "if_none_match", "if_tags", "lease"])
@in_child()
def test_conditions_that_end_in_a_head(option: str) -> None:
    with Server(each(respond)) as server:
        client = server.client(max_retries=0)
        with pytest.raises(ValueError, match=r"\w"):
            client.read("data/blob", **{option: f"a\r\n{INJECTED}"})
        assert not server.heads


@pytest.mark.parametrize(
    "option", ["content_encoding", "cache_control", "content_language", "content_disposition"]
)
@in_child()
def test_content_headers_that_end_in_a_head(option: str) -> None:
    with Server(each(respond)) as server:
        client = server.client(max_retries=0)
        with pytest.raises(ValueError, match=r"\w"):
            client.write("data/blob", b"x", **{option: f"a\r\n{INJECTED}"})
        assert not server.heads


@in_child()
def test_a_sas_that_is_none() -> None:
    with Server(each(respond)) as server:
        for end in (f"\r\n{INJECTED}", "\nb", " b", "\0b"):
            try:
                server.client(f"sv=1&sig=a{end}", max_retries=0).read("data/blob")
            except (ValueError, fastblob.TransferError):
                continue
        for head in server.heads:
            assert INJECTED not in head.head.decode()
            assert b"\n" not in head.head.replace(b"\r\n", b"")


@in_child()
def test_an_etag_of_the_service_with_control_characters_is_not_sent_back() -> None:
    # It becomes If-Match of the ranges that follow.
    content = bytes(20 << 20)

    def odd(connection: Connection, request: Request) -> None:
        connection.answer_range(request, content, {"ETag": '"a\rx-injected: 1"'})

    with Server(each(odd)) as server:
        with contextlib.suppress(fastblob.TransferError):
            server.client(max_retries=0).read("data/blob")
        assert all(b"\rx-injected" not in head.head for head in server.heads)


CONTROL = {
    "an escape": "\x1b[31mred\x1b[0m",
    "a line end": "first\r\nINFO:forged log line",
    "a line feed": "first\nINFO:forged log line",
    "a null byte": "a\0b",
    "C1": "a\x9b31mb",
    "a line separator": "a\u2028b",
    "text that runs backwards": "a\u202eb",
    "a bell": "a\x07b",
}


def is_clean(text: str) -> bool:
    """Whether a terminal and a log show it as one line."""
    return all(character.isprintable() for character in text)


def refuse(connection: Connection, request: Request, where: str, text: str) -> None:
    """Answers 400 with the text in that place."""
    # Line ends would end a header: what comes after them is no part of its value.
    value = text.replace("\r\n", "\r").encode().decode("latin-1").replace("\n", "\x0b")
    bare = "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\nx-ms-version: 2021-12-02\r\n"
    if where == "message":
        connection.answer_error(request, 400, "InvalidInput", message=text)
    elif where == "code":
        connection.answer_error(request, 400, f"Bad{text}", {"x-ms-error-code": None})
    elif where == "code in a header":
        connection.send(f"{bare}x-ms-error-code: Bad{value}\r\n\r\n".encode("latin-1"))
    elif where == "status line":
        connection.send(f"HTTP/1.1 400 {value}\r\nContent-Length: 0\r\n\r\n".encode("latin-1"))
    elif where == "request id":
        connection.send(f"{bare}x-ms-request-id: {value}\r\n\r\n".encode("latin-1"))
    else:
        page = f"<html><title>{text}</title>{text}</html>".encode()
        connection.answer(request, 400, {"Content-Type": "text/html", "x-ms-version": None}, page)


@pytest.mark.parametrize(
    "where", ["message", "code", "code in a header", "status line", "request id", "web page"]
)
@in_child()
def test_the_services_text_in_a_message(where: str) -> None:
    unclean = {}
    for kind, text in CONTROL.items():

        def respond(connection: Connection, request: Request, text: str = text) -> None:
            refuse(connection, request, where, text)

        with Server(each(respond)) as server, pytest.raises(fastblob.TransferError) as caught:
            server.client(max_retries=0).read("data/blob")
        error = caught.value
        said = [str(error), str(error.error_code), str(error.request_id)]
        if not all(is_clean(text) for text in said):
            unclean[kind] = said
    assert not unclean


@in_child()
def test_names_of_blobs_in_a_message() -> None:
    # A name that was found may hold anything; a message shows it escaped.
    with LocalAzure(tls=False, containers=["data"]) as azure:
        with pytest.raises(fastblob.BlobNotFoundError) as caught:
            azure.client().read("data/a\x1b[31m\u202eb")
        assert is_clean(str(caught.value))


@in_child()
def test_names_of_files_in_a_message(tmp_path: Any) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        results = azure.client().upload_many([(tmp_path / "a\x1b[31m\nb", "data/x")], on_error="collect")
        assert isinstance(results[0].error, OSError)
        assert is_clean(str(results[0].error))


@in_child()
def test_metadata_of_the_service_with_line_ends_stays_one_value() -> None:
    # Folded headers and bare carriage returns are refused or kept, but never taken for another header.
    def odd(connection: Connection, request: Request) -> None:
        connection.answer_range(request, b"content", {"x-ms-meta-a": "1\rx-ms-meta-b: 2"})

    with Server(each(odd)) as server:
        client = server.client(max_retries=0)
        try:
            results = client.download_many([("data/blob", "/dev/null")], on_error="collect")
        except (fastblob.TransferError, ValueError, OSError):
            return
        assert "b" not in results[0].metadata
