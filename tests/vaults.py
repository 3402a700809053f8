"""Ways to a Key Vault that ``LocalAzure`` does not offer: real host names, and servers that misbehave."""

from __future__ import annotations

import http.server
import json
import select
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastblob.local import LocalAzure

CHALLENGE = 'Bearer authorization="https://login.microsoftonline.com/{tenant}", resource="{resource}"'
# The value of secrets, which must not show up anywhere.
CANARY = "c4n4ry-0f-th3-v4ult"
TENANT = "ab1f708d-50f6-404c-a006-d71b2ac7a606"


class Server(http.server.ThreadingHTTPServer):
    """On a free port of this machine; a client that goes away before it is answered is no news."""

    def __init__(self, handler: type[http.server.BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


@contextmanager
def serving(server: Server) -> Iterator[int]:
    """The server's port, for as long as it serves in a thread of its own."""
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def connect_proxy(targets: Mapping[str, int]) -> Iterator[str]:
    """An HTTP proxy that leads CONNECT to these hosts to ports of this machine, and refuses all others."""

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            port = targets.get(self.path.partition(":")[0])
            if port is None:
                self.send_error(403, "not routed")
                return
            with socket.create_connection(("127.0.0.1", port)) as upstream:
                self.connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                other = {self.connection: upstream, upstream: self.connection}
                while True:
                    for readable in select.select(list(other), [], [])[0]:
                        data = readable.recv(65536)
                        if not data:
                            return
                        other[readable].sendall(data)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with serving(Server(Proxy)) as port:
        yield f"http://127.0.0.1:{port}"


@dataclass
class Vault:
    """A server in place of a Key Vault.

    Attributes:
        url: Its address.
        answer: Called with the name of the secret that an authorised request asks for; returns status,
            content type and body.
        raw: Sent as it is instead of ``answer``, unless None; the connection is closed then.
        resource: What the challenge says that tokens are for.
        challenges: How many requests came without a token.
        tokens: The Authorization headers of the others.
    """

    url: str = ""
    answer: Callable[[str], tuple[int, str, bytes]] = lambda name: secret_answer(name, "value")
    raw: bytes | None = None
    resource: str = "https://vault.azure.net"
    challenges: int = 0
    tokens: list[str] = field(default_factory=list)


def secret_answer(name: str, value: str | None, **attributes: Any) -> tuple[int, str, bytes]:
    """The answer with a secret."""
    body = {
        "id": f"https://vault.vault.azure.net/secrets/{name}/{0:032x}",
        "value": value,
        "attributes": {"enabled": True, **attributes},
    }
    return 200, "application/json", json.dumps(body).encode()


@contextmanager
def vault(service: LocalAzure, folder: Path) -> Iterator[Vault]:
    """A server with the certificate of ``service``, which asks for a token as Key Vault does."""
    certificate, key = folder / "vault.crt", folder / "vault.key"
    certificate.write_text(service.server_certificate)
    key.write_text(service.server_key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    state = Vault()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if "Authorization" not in self.headers:
                state.challenges += 1
                status, kind, body = 401, "application/json", b"{}"
            else:
                state.tokens.append(self.headers["Authorization"])
                if state.raw is not None:
                    self.wfile.write(state.raw)
                    self.close_connection = True
                    return
                status, kind, body = state.answer(self.path.split("/")[2])
            self.send_response(status)
            if status == 401:
                challenge = CHALLENGE.format(tenant=TENANT, resource=state.resource)
                self.send_header("WWW-Authenticate", challenge)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = Server(Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with serving(server) as port:
        state.url = f"https://127.0.0.1:{port}"
        yield state
