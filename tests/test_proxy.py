"""Account URLs as they really are, reached through a CONNECT proxy that leads them to this machine."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import fastblob
import pytest
from support import MIB, Account, content, names


@dataclass
class Proxy:
    """What the proxy is to do, and what it was asked for."""

    url: str
    leads_to: tuple[str, int]
    status: str = "200 Connection established"
    credentials: str | None = None
    asked: list[str] = field(default_factory=list)


def relay(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes until it ends."""
    try:
        while data := source.recv(64 * 1024):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # One end went away without a farewell; the other end learns it likewise.
        target.close()


class Tunnel(socketserver.BaseRequestHandler):
    """One CONNECT request and what goes through the tunnel afterwards."""

    proxy: Proxy
    request: socket.socket

    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.request.recv(4096)
            if not piece:
                return
            head += piece
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        assert method == "CONNECT"
        self.proxy.asked.append(target)
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        if headers.get("proxy-authorization") != self.proxy.credentials:
            self.request.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            return
        self.request.sendall(f"HTTP/1.1 {self.proxy.status}\r\n\r\n".encode())
        if not self.proxy.status.startswith("200"):
            return
        with socket.create_connection(self.proxy.leads_to) as onward:
            back = threading.Thread(target=relay, args=(onward, self.request))
            back.start()
            relay(self.request, onward)
            back.join()


@pytest.fixture
def proxy(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy that leads every host to the account under test; the environment names it."""
    address = urlsplit(account.endpoint)
    assert address.hostname is not None
    assert address.port is not None
    handler: Any = type("Handler", (Tunnel,), {})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        proxy = Proxy(f"http://127.0.0.1:{server.server_address[1]}", (address.hostname, address.port))
        handler.proxy = proxy
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        yield proxy
        server.shutdown()
        thread.join()


@pytest.fixture
def real_url(account: Account) -> str:
    """The account's URL as Azure would have it; the servers' certificate is good for it."""
    return f"https://{account.name}.blob.core.windows.net"


@pytest.mark.parametrize("kind", ["key", "token"])
def test_a_real_account_url_through_a_proxy(
    proxy: Proxy, account: Account, container: str, real_url: str, kind: str
) -> None:
    client = fastblob.Client(real_url, account.key if kind == "key" else account.credential)
    data = content(9 * MIB)
    client.write(f"{container}/a b/ü", data, metadata={"k": "v"})
    assert client.read(f"{container}/a b/ü") == data
    assert names(client.list(f"{container}/a b")) == ["a b/ü"]
    assert set(proxy.asked) == {f"{account.name}.blob.core.windows.net:443"}
    # It is the same blob as under the path-style URL, which NO_PROXY keeps from the proxy.
    asked = len(proxy.asked)
    assert account.client().read(f"{container}/a b/ü") == data
    assert len(proxy.asked) == asked


def test_a_proxy_that_wants_a_password(
    proxy: Proxy, account: Account, container: str, real_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.credentials = "Basic dXNlcjpwYSBzcw=="  # user:pa ss
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", "http://user:pa%20ss@"))
    assert not fastblob.Client(real_url, account.key).exists(f"{container}/blob")


def test_a_refused_password_is_not_shown(
    proxy: Proxy, account: Account, container: str, real_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.credentials = "Basic other"
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", "http://user:canary@"))
    client = fastblob.Client(real_url, account.key, max_retries=0)
    with pytest.raises(fastblob.TransferError, match="proxy") as caught:
        client.exists(f"{container}/blob")
    assert "canary" not in str(caught.value)


def test_a_proxy_that_refuses(proxy: Proxy, account: Account, container: str, real_url: str) -> None:
    proxy.status = "403 Forbidden"
    client = fastblob.Client(real_url, account.key, max_retries=0)
    with pytest.raises(fastblob.TransferError, match=r"proxy.*403"):
        client.read(f"{container}/blob")


def test_a_proxy_that_is_not_there(
    account: Account, container: str, real_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{bound.getsockname()[1]}")
        client = fastblob.Client(real_url, account.key, max_retries=0)
        with pytest.raises(fastblob.NetworkError, match="proxy"):
            client.read(f"{container}/blob")
