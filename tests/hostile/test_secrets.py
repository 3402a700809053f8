"""Secrets where nobody expects them: in a URL, in a path, in what the service says, in a traceback."""

from __future__ import annotations

import base64
import contextlib
import io
import logging
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import fastblob
import pytest
from fastblob.local import LocalAzure
from hostile.child import in_child
from hostile.server import Connection, Request, Server, each

SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0" + "Zm9vYmFy" * 8
KEY_LIKE = base64.b64encode(b"canary" * 10 + b"1234").decode()
SAS = f"sv=2022-11-02&ss=b&srt=sco&sp=rwdl&se=2099-01-01T00:00:00Z&sig={quote(KEY_LIKE, safe='')}"


def frames_of_fastblob(error: BaseException) -> str:
    """The local variables of fastblob's own frames: ours are full of the secret."""
    said = []
    step: Any = error
    while step is not None:
        at = step.__traceback__
        while at is not None:
            if "/fastblob/" in at.tb_frame.f_code.co_filename:
                said.append(repr({name: repr(value) for name, value in at.tb_frame.f_locals.items()}))
            at = at.tb_next
        step = step.__cause__ or step.__context__
    return "\n".join(said)


def shown(error: BaseException) -> str:
    """All that the exceptions of a chain say themselves."""
    said = []
    step: BaseException | None = error
    while step is not None:
        said += [str(step), repr(step), repr(vars(step)), repr(step.args)]
        step = step.__cause__ or step.__context__
    return "\n".join(said)


def has_secret(text: str) -> bool:
    """Whether a secret, plain or percent-encoded, whole or the most of it, is in the text."""
    halves = [secret for whole in (SECRET, KEY_LIKE) for secret in (whole[:24], whole[-24:])]
    return any(half in text or quote(half, safe="") in text for half in halves)


URLS = {
    "a key": KEY_LIKE,
    "a SAS": SAS,
    "a SAS with a question mark": f"?{SAS}",
    "a URL with a container and a SAS": f"https://acct.blob.core.windows.net/data?{SAS}",
    "a URL with a blob and a SAS": f"https://acct.blob.core.windows.net/data/blob?{SAS}",
    "a URL with a fragment": f"https://acct.blob.core.windows.net#{KEY_LIKE}",
    "a URL with a password": f"https://user:{KEY_LIKE}@acct.blob.core.windows.net",
    "a scheme that is none": f"htps://acct.blob.core.windows.net?{SAS}",
    "a connection string": f"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={KEY_LIKE};",
    "a host with a SAS": f"acct.blob.core.windows.net?{SAS}",
    "a port that is none": f"https://acct.blob.core.windows.net:99999?{SAS}",
    "a path that is a key": f"https://acct.blob.core.windows.net/{KEY_LIKE}",
    "two question marks": f"https://acct.blob.core.windows.net??{SAS}",
    "a quoted question mark": f"https://acct.blob.core.windows.net/%3F{SAS}",
}


@pytest.mark.parametrize("url", URLS)
def test_an_account_url_that_holds_a_secret(url: str) -> None:
    said = what_is_said_of(lambda: fastblob.Client(URLS[url], max_retries=0))
    assert not has_secret(said), said


def what_is_said_of(make: Callable[[], fastblob.Client]) -> str:
    """What the client says of itself, or the refusal to make it."""
    try:
        client = make()
    except (ValueError, TypeError) as error:
        return shown(error)
    return f"{client!r} {client} {client.endpoint}"


@pytest.mark.parametrize("url", URLS)
def test_an_account_url_in_the_environment_that_holds_a_secret(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = ("AZURE_STORAGE_BLOB_ENDPOINT", "AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_CONNECTION_STRING")
    for variable in ("METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", *variables):
        monkeypatch.delenv(variable, raising=False)
    for variable in variables:
        monkeypatch.setenv(variable, URLS[url])
        said = what_is_said_of(lambda: fastblob.Client(max_retries=0))
        assert not has_secret(said), said
        monkeypatch.delenv(variable)


def test_a_url_with_a_container_and_a_sas_is_refused() -> None:
    # Otherwise its blobs would land in a container called like the first part of their paths.
    with pytest.raises(ValueError, match="container"):
        fastblob.Client(f"https://acct.blob.core.windows.net/data?{SAS}")


@pytest.mark.parametrize("slash", ["/", ""])
def test_a_url_of_an_account_with_a_sas_is_taken(slash: str) -> None:
    client = fastblob.Client(f"https://acct.blob.core.windows.net{slash}?{SAS}")
    assert client.endpoint == "https://acct.blob.core.windows.net"


PATHS = [
    f"https://acct.blob.core.windows.net/data/blob?{SAS}",
    f"acct.blob.core.windows.net/data/blob?{SAS}",
    f"data//blob?{SAS}",
    f"/data/blob?{SAS}",
    f"data/blob?{SAS}/",
    f"DATA/blob?{SAS}",
    f"data/../blob?{SAS}",
    f"data/bl\\ob?{SAS}",
    f"?{SAS}",
    f"data/{'x' * 1100}?{SAS}",
]


TAKES_A_PATH: dict[str, Callable[[Any, str], object]] = {
    "read": lambda client, path: client.read(path),
    "write": lambda client, path: client.write(path, b"x"),
    "copy": lambda client, path: client.copy("data/blob", path),
    "read_many": lambda client, path: client.read_many([path]),
    "write_many": lambda client, path: client.write_many([(path, b"x")]),
    "list": lambda client, path: list(client.list(path)),
    "download": lambda client, path: client.download(path, "/nonexistent/target"),
    "BlobPath": lambda client, path: fastblob.BlobPath(path),
}


@pytest.mark.parametrize("call", TAKES_A_PATH)
@in_child()
def test_a_path_that_holds_a_signature(call: str) -> None:
    told = []
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client()
        for path in PATHS:
            try:
                TAKES_A_PATH[call](client, path)
            except (ValueError, fastblob.TransferError, OSError) as error:
                if has_secret(shown(error)):
                    told.append(str(error))
    assert not told


@in_child()
def test_a_legal_path_that_holds_a_signature_is_not_found_without_showing_it() -> None:
    # `?` is legal in a name; a message about it hides the signature all the same.
    with LocalAzure(tls=False, containers=["data"]) as azure:
        with pytest.raises(fastblob.BlobNotFoundError) as caught:
            azure.client().read(f"data/blob?{SAS}")
        assert not has_secret(str(caught.value))


class Gives:
    """A credential that gives the secret as token."""

    def get_token(self, *scopes: str, **options: object) -> Any:
        """The token, good for two hours."""
        from azure.core.credentials import AccessToken

        return AccessToken(SECRET, int(time.time()) + 7200)


ECHOES: dict[str, Callable[[str], tuple[int, dict[str, str | None], str]]] = {
    "in the message": lambda said: (400, {}, f"Authorization header {said} is malformed"),
    "in the message of a 403": lambda said: (403, {}, f"The header was '{said}'"),
    "in the message of a 401": lambda said: (
        401,
        {},
        f"Signature did not match. String to sign used was {said}",
    ),
    "in the code": lambda said: (400, {"x-ms-error-code": said}, "Bad"),
    "in the request id": lambda said: (400, {"x-ms-request-id": said}, "Bad"),
    "in the message of a 503": lambda said: (503, {}, f"too busy for {said}"),
}


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("kind", ["token", "token in a web page", "SAS", "part of the token"])
@in_child()
def test_the_services_own_text_with_a_secret(echo: str, kind: str) -> None:
    def respond(connection: Connection, request: Request) -> None:
        said = request.headers.get("authorization", request.target)
        if kind == "part of the token":
            said = said.removeprefix("Bearer ")[:60]
        status, headers, message = ECHOES[echo](said)
        if kind == "token in a web page":
            page = f"<html><title>{message}</title>{message}</html>".encode()
            connection.answer(request, status, {"Content-Type": "text/html", "x-ms-version": None}, page)
        else:
            connection.answer_error(request, status, "Said", headers, message.replace("&", "&amp;"))

    stream = io.StringIO()
    logging.getLogger().addHandler(logging.StreamHandler(stream))
    logging.getLogger().setLevel(logging.DEBUG)
    with Server(each(respond)) as server:
        client = server.client(SAS if kind == "SAS" else Gives(), max_retries=1)
        with pytest.raises(fastblob.TransferError) as caught:
            client.read("data/blob")
        assert server.heads
    assert not has_secret(shown(caught.value)), shown(caught.value)
    assert not has_secret(stream.getvalue()), stream.getvalue()


@pytest.mark.parametrize("kind", ["key", "token"])
@in_child()
def test_the_services_own_text_with_the_secret_of_a_part(kind: str) -> None:
    # Each request inside of a batch is authorised for itself.
    sent: list[str] = []

    def respond(connection: Connection, request: Request) -> None:
        parts: list[str] = []
        for line in request.body.decode().splitlines():
            if line.lower().startswith("authorization: "):
                sent.append(re.split("[ :]", line)[-1])
                error = f"<Error><Code>Odd</Code><Message>not {sent[-1][:30]} of {line}</Message></Error>"
                head = "HTTP/1.1 400 x\r\nx-ms-request-id: r\r\nContent-Type: application/xml"
                parts.append(f"--b\r\nContent-ID: {len(parts)}\r\n\r\n{head}\r\n\r\n{error}\r\n")
        body = "".join(parts) + "--b--\r\n"
        connection.answer(request, 202, {"Content-Type": "multipart/mixed; boundary=b"}, body.encode())

    with Server(each(respond)) as server:
        client = server.client(Gives() if kind == "token" else KEY_LIKE)
        results = client.delete_many(["data/a", "data/b"], on_error="collect")
    assert len(sent) == 2
    for result in results:
        said = shown(result.error)
        assert "not REDACTED of" in said
        assert not any(secret[:20] in said for secret in sent), said


@in_child()
def test_the_services_own_text_with_the_password_for_a_proxy() -> None:
    def respond(connection: Connection, request: Request) -> None:
        sent = request.headers["proxy-authorization"]
        connection.answer_error(request, 400, "Odd", message=f"sent {sent} and {sent.split()[1]}")

    with Server(each(respond)) as server:
        proxy = f"http://user:hunter2hunter2@127.0.0.1:{server.port}"
        client = fastblob.Client("http://acct.blob.example/acct", KEY_LIKE, proxy=proxy, max_retries=0)
        with pytest.raises(fastblob.ServiceError) as caught:
            client.read("data/blob")
        sent = server.heads[0].headers["proxy-authorization"].split()[1]
        assert sent not in shown(caught.value)
        assert "REDACTED" in str(caught.value)


@pytest.mark.parametrize("kind", ["key", "SAS", "token"])
@in_child()
def test_local_variables_in_a_traceback(kind: str) -> None:
    with LocalAzure(tls=False) as azure:
        credential: Any = {"key": KEY_LIKE, "SAS": SAS, "token": Gives()}[kind]
        client = fastblob.Client(azure.blob_endpoint, credential, max_retries=0)
        for call in (
            lambda: client.read("data/blob"),
            lambda: client.write("data/blob", b"x"),
            lambda: client.read_many(["data/blob"]),
            lambda: list(client.list("data")),
            lambda: client.write_many([("data/blob", b"x")]),
        ):
            with pytest.raises((fastblob.TransferError, ValueError, OverflowError)) as caught:
                call()
            assert not has_secret(frames_of_fastblob(caught.value)), frames_of_fastblob(caught.value)


ARGUMENTS: dict[str, Callable[[], object]] = {
    "endpoint": lambda: fastblob.Client.from_connection_string(
        f"AccountName=acct;AccountKey={KEY_LIKE};BlobEndpoint=no"
    ),
    "key alone": lambda: fastblob.Client.from_connection_string(f"AccountKey={KEY_LIKE}"),
    "key as string": lambda: fastblob.Client.from_connection_string(f"{KEY_LIKE}"),
    "SAS": lambda: fastblob.Client.from_connection_string(
        f"BlobEndpoint=https://a/;SharedAccessSignature={SAS};;;=;"
    ),
    "short key": lambda: fastblob.Client("https://acct.blob.core.windows.net", KEY_LIKE[:-4]),
    "bytes": lambda: fastblob.Client("https://acct.blob.core.windows.net", KEY_LIKE.encode()),  # type: ignore[arg-type]
    "dict": lambda: fastblob.Client("https://acct.blob.core.windows.net", {"key": KEY_LIKE}),  # type: ignore[arg-type]
    "exchanged": lambda: fastblob.Client(KEY_LIKE, "https://acct.blob.core.windows.net"),
    "option": lambda: fastblob.Client("https://acct.blob.core.windows.net", KEY_LIKE, max_connections=-1),
}


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_arguments_that_are_refused(arguments: str) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)) as caught:
        ARGUMENTS[arguments]()
    assert not has_secret(shown(caught.value)), shown(caught.value)


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_local_variables_where_arguments_are_refused(arguments: str) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)) as caught:
        ARGUMENTS[arguments]()
    assert not has_secret(frames_of_fastblob(caught.value)), frames_of_fastblob(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
@in_child()
def test_a_token_for_this_machine_is_not_sent_through_a_proxy_in_the_clear(host: str, variable: str) -> None:
    import os

    def respond(connection: Connection, request: Request) -> None:
        connection.answer_range(request, b"content")

    with Server(each(respond)) as proxy, Server(each(respond)) as server:
        os.environ[variable] = f"http://127.0.0.1:{proxy.port}"
        client = fastblob.Client(f"http://{host}:{server.port}/account", Gives(), max_retries=0)
        with contextlib.suppress(fastblob.TransferError):
            client.read("data/blob")
        assert not proxy.heads


@in_child()
def test_pickles_and_reprs_of_what_a_client_gives(tmp_path: Any) -> None:
    import pickle

    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = fastblob.Client(azure.blob_endpoint, KEY_LIKE, max_retries=0)
        with pytest.raises(fastblob.TransferError) as caught:
            client.read_many(["data/blob"])
        pickled = pickle.dumps(caught.value)
        assert not has_secret(pickled.decode("latin-1"))
        assert not has_secret(repr(caught.value.results))
