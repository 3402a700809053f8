"""Endpoints that are not there, or are not Azure."""

from __future__ import annotations

import http.server
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import fastblob
import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from fastblob.local import LocalAzure


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on which nobody listens, and on which nobody else can begin to."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_nobody_listens(service: LocalAzure, closed_port: int) -> None:
    client = fastblob.Client(f"http://127.0.0.1:{closed_port}/account", service.account_key)
    with pytest.raises(fastblob.NetworkError, match=f"127.0.0.1:{closed_port}") as caught:
        client.read("container/blob")
    assert isinstance(caught.value, ServiceRequestError)
    assert "refused" in str(caught.value).lower()
    assert caught.value.status_code is None


def test_a_host_that_does_not_exist(service: LocalAzure) -> None:
    client = fastblob.Client("https://account.invalid", service.account_key, max_retries=0)
    with pytest.raises(fastblob.NetworkError, match=r"account\.invalid"):
        client.read("container/blob")


def test_a_batch_against_nobody_ends_soon(service: LocalAzure, closed_port: int) -> None:
    client = fastblob.Client(f"http://127.0.0.1:{closed_port}/account", service.account_key)
    with pytest.raises(fastblob.NetworkError) as caught:
        client.read_many([f"container/{number}" for number in range(500)])
    assert len(caught.value.results) == 500


class WebSite(http.server.BaseHTTPRequestHandler):
    """Answers everything with a page."""

    protocol_version = "HTTP/1.1"
    status = 200

    def do_GET(self) -> None:
        page = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>Hello</body></html>"
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(self.status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(params=[200, 404, 403, 302, 500])
def website(request: pytest.FixtureRequest) -> Iterator[str]:
    """A web server that is not Azure, answering with each status in turn."""
    methods = {f"do_{method}": WebSite.do_GET for method in ("PUT", "POST", "DELETE", "HEAD")}
    handler = type("Handler", (WebSite,), {"status": request.param, **methods})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/account"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.read("container/blob"),
        lambda client: client.write("container/blob", b"data"),
        lambda client: list(client.list("container")),
    ],
    ids=["read", "write", "list"],
)
def test_a_web_site_in_place_of_azure(
    service: LocalAzure, website: str, call: Callable[[fastblob.Client], object]
) -> None:
    client = fastblob.Client(website, service.account_key, max_retries=0)
    with pytest.raises(fastblob.TransferError, match=r"(?i)not .*Azure|not .*Blob|text/html") as caught:
        call(client)
    assert isinstance(caught.value, HttpResponseError)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "ftp://account.blob.core.windows.net",
        "https://",
        "https://user:pw@host",
        "https://host:99999",
    ],
)
def test_urls_that_are_none(url: str, service: LocalAzure) -> None:
    with pytest.raises(ValueError, match=r"(?i)url|endpoint"):
        fastblob.Client(url, service.account_key)


def test_a_certificate_of_an_unknown_authority(
    service: LocalAzure, service_container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalAzure() as other:
        # The variables lead to `service`, whose authority did not sign the other's certificate.
        client = fastblob.Client(other.blob_endpoint, other.account_key, max_retries=0)
        with pytest.raises(fastblob.NetworkError, match="SSL_CERT_FILE"):
            client.read("container/blob")


@pytest.mark.parametrize("of_a_directory", [False, True])
def test_an_authority_of_ones_own(
    service: LocalAzure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, of_a_directory: bool
) -> None:
    with LocalAzure(containers=["data"]) as other:
        # SSL_CERT_FILE still leads to `service`.
        bundle = tmp_path / "ca.pem"
        shutil.copy(other.env()["SSL_CERT_FILE"], bundle)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path if of_a_directory else bundle))
        assert not fastblob.Client(other.blob_endpoint, other.account_key).exists("data/blob")


def test_tls_to_a_port_that_speaks_plain_http(service: LocalAzure) -> None:
    with LocalAzure(tls=False) as plain:
        endpoint = plain.blob_endpoint.replace("http://", "https://")
        client = fastblob.Client(endpoint, plain.account_key, max_retries=0, timeout=1)
        with pytest.raises(fastblob.NetworkError):
            client.read("container/blob")
