"""A scripted server on a loopback port: says what it is told to, right or wrong, and counts.

It knows enough of Azure's answers to be believed: ``x-ms-request-id``, ``x-ms-version``, the echo of
``x-ms-client-request-id``, and ``ETag`` where asked. Everything else is up to the script, a function that is
called with each connection in a thread of its own.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import socket
import ssl
import struct
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

import fastblob
from fastblob.local import LocalAzure

# An account key of the right form.
KEY = base64.b64encode(bytes(64)).decode()
ETAG = '"0x8DA0000000000A1"'
REASONS = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content"}
TIME = formatdate(1_700_000_000, usegmt=True)

# Longer than any test: whoever is held is let go by the end of the server.
FOR_EVER = 600


@dataclass
class Request:
    """The head of a request; its body once it has been read."""

    method: str
    target: str
    headers: dict[str, str]
    head: bytes
    body: bytes = b""

    @property
    def path(self) -> str:
        """The decoded path below the account: ``/container/name``."""
        path = unquote(urlsplit(self.target).path)
        return "/" + path.removeprefix("/account/") if path.startswith("/account/") else path

    @property
    def query(self) -> dict[str, str]:
        """Query parameters, empty ones included."""
        return {
            name: values[0]
            for name, values in parse_qs(urlsplit(self.target).query, keep_blank_values=True).items()
        }

    @property
    def range(self) -> tuple[int, int] | None:
        """First and last byte asked for, the last one 2**62 where it is left open."""
        found = re.fullmatch(
            r"bytes=(\d+)-(\d*)", self.headers.get("x-ms-range", self.headers.get("range", ""))
        )
        if found is None:
            return None
        return int(found[1]), int(found[2] or 1 << 62)


class Connection:
    """One accepted connection, as a script sees it."""

    def __init__(self, server: Server, accepted: socket.socket, number: int) -> None:
        self.server = server
        self.socket = accepted
        self.number = number
        self._unread = b""

    def read_head(self) -> Request | None:
        """The head of the next request; None where the peer has closed."""
        while b"\r\n\r\n" not in self._unread:
            piece = self.socket.recv(65536)
            if not piece:
                return None
            self._unread += piece
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        request = Request(method, target, headers, head)
        self.server.count(request)
        return request

    def read_body(self, request: Request) -> bytes:
        """The body that follows a head, by its Content-Length."""
        length = int(request.headers.get("content-length", "0"))
        pieces = [self._unread[:length]]
        self._unread = self._unread[length:]
        missing = length - len(pieces[0])
        while missing:
            piece = self.socket.recv(min(missing, 1 << 20))
            if not piece:
                raise ConnectionResetError("the client closed in mid-body")
            pieces.append(piece)
            missing -= len(piece)
        request.body = b"".join(pieces)
        return request.body

    def requests(self) -> Iterator[Request]:
        """Whole requests, until the peer closes."""
        while (request := self.read_head()) is not None:
            self.read_body(request)
            yield request

    def send(self, data: bytes) -> None:
        """Sends these bytes."""
        self.socket.sendall(data)

    def trickle(self, data: bytes, seconds: float) -> None:
        """Sends one byte after the other, so many seconds apart, until the server ends."""
        for position in range(len(data)):
            self.send(data[position : position + 1])
            if self.server.ended.wait(seconds):
                return

    def answer(
        self,
        request: Request,
        status: int,
        headers: Mapping[str, str | None] | None = None,
        body: bytes = b"",
    ) -> None:
        """Sends a whole answer; a header that is None is left out."""
        self.send(
            answer_head(request, status, len(body), headers) + (b"" if request.method == "HEAD" else body)
        )

    def answer_range(
        self, request: Request, content: bytes, headers: Mapping[str, str | None] | None = None
    ) -> None:
        """Answers a Get Blob with what it asks for of ``content``."""
        asked = request.range
        given = {"ETag": ETAG, "Last-Modified": TIME, "x-ms-blob-type": "BlockBlob", **(headers or {})}
        if asked is None:
            self.answer(request, 200, given, content)
            return
        first, last = asked
        if first >= len(content):
            self.answer_error(request, 416, "InvalidRange", {"Content-Range": f"bytes */{len(content)}"})
            return
        last = min(last, len(content) - 1)
        span = f"bytes {first}-{last}/{len(content)}"
        self.answer(request, 206, {"Content-Range": span, **given}, content[first : last + 1])

    def answer_error(
        self,
        request: Request,
        status: int,
        code: str,
        headers: Mapping[str, str | None] | None = None,
        message: str = "Said by the test.",
    ) -> None:
        """Answers an error as Azure words it."""
        error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        body = f'\ufeff<?xml version="1.0" encoding="utf-8"?>{error}'
        head = {"x-ms-error-code": code, "Content-Type": "application/xml", **(headers or {})}
        self.answer(request, status, head, body.encode())

    def hold(self) -> None:
        """Says nothing until the server ends."""
        self.server.ended.wait(FOR_EVER)

    def close(self) -> None:
        """Closes in the ordinary way."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def reset(self) -> None:
        """Breaks the connection off with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def answer_head(
    request: Request, status: int, length: int | None, headers: Mapping[str, str | None] | None = None
) -> bytes:
    """The head of an answer with the headers that every answer of Azure has."""
    all_headers: dict[str, str | None] = {
        "Content-Length": None if length is None else str(length),
        "Server": "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0",
        "Date": formatdate(usegmt=True),
        "x-ms-request-id": str(uuid.uuid4()),
        "x-ms-version": request.headers.get("x-ms-version"),
        "x-ms-client-request-id": request.headers.get("x-ms-client-request-id"),
    }
    all_headers.update(headers or {})
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Said by the test')}"]
    lines += [f"{name}: {value}" for name, value in all_headers.items() if value is not None]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


Script = Callable[[Connection], None]


def each(respond: Callable[[Connection, Request], None]) -> Script:
    """The script that reads whole requests and hands each to ``respond``."""

    def script(connection: Connection) -> None:
        for request in connection.requests():
            respond(connection, request)

    return script


@dataclass
class Server:
    """Runs ``script`` for each connection for the length of a ``with`` block.

    Attributes:
        tls: A running service whose certificate this server shows; None: plain HTTP.
        raw: The script gets the connection before any TLS handshake.
        connections: Connections accepted so far.
        heads: The requests whose heads were read, oldest first.
        arrived: Notified at each of them.
        ended: Set when the server ends.
    """

    script: Script
    tls: LocalAzure | None = None
    raw: bool = False
    connections: int = 0
    heads: list[Request] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)
    ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._open: list[Connection] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._context = server_context(self.tls) if self.tls is not None else None
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port = self._listener.getsockname()[1]
        assert isinstance(port, int)
        return port

    @property
    def url(self) -> str:
        """The URL of an account here."""
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}/account"

    def client(self, credential: Any = KEY, **options: Any) -> Any:
        """A client of the account here; not typed, since some tests are ahead of what there is."""
        if self.tls is not None:
            os.environ["SSL_CERT_FILE"] = str(self.tls.ca_file)
        return fastblob.Client(self.url, credential, **options)

    def count(self, request: Request) -> None:
        """Takes note of a request."""
        with self.arrived:
            self.heads.append(request)
            self.arrived.notify_all()

    def wait_for_requests(self, number: int, seconds: float = FOR_EVER) -> bool:
        """Waits until so many requests have come; whether they did in time."""
        with self.arrived:
            return self.arrived.wait_for(lambda: len(self.heads) >= number, seconds)

    def _accept(self) -> None:
        while not self.ended.is_set():
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, accepted, self.connections)
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        # A client that goes away, or refuses what it is told, is what many tests are about.
        with contextlib.suppress(OSError, ValueError):
            if self._context is not None and not self.raw:
                connection.socket = self._context.wrap_socket(connection.socket, server_side=True)
            self.script(connection)
            connection.close()


def server_context(azure: LocalAzure) -> ssl.SSLContext:
    """A TLS context that shows the certificate of a running service."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder) / "server.crt", Path(folder) / "server.key"
        certificate.write_text(azure.server_certificate)
        key.write_text(azure.server_key)
        context.load_cert_chain(certificate, key)
    return context


def blob(content: bytes) -> Script:
    """The script of a well-behaved service with one blob."""

    def respond(connection: Connection, request: Request) -> None:
        connection.answer_range(request, content)

    return each(respond)


def list_page(names: list[str], next_marker: str = "") -> bytes:
    """A page of List Blobs."""
    blobs = "".join(
        f"<Blob><Name>{name}</Name><Properties><Creation-Time>{TIME}</Creation-Time>"
        f"<Last-Modified>{TIME}</Last-Modified><Etag>0x8DA0000000000A1</Etag>"
        "<Content-Length>3</Content-Length><Content-Type>application/octet-stream</Content-Type>"
        "<BlobType>BlockBlob</BlobType><AccessTier>Hot</AccessTier></Properties></Blob>"
        for name in names
    )
    return (
        '\ufeff<?xml version="1.0" encoding="utf-8"?>'
        '<EnumerationResults ServiceEndpoint="https://account.blob.core.windows.net/" ContainerName="data">'
        f"<Blobs>{blobs}</Blobs><NextMarker>{next_marker}</NextMarker></EnumerationResults>"
    ).encode()
