"""The identities that a run may have: service principal, workload identity of AKS, user-assigned identity."""

from __future__ import annotations

import http.server
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
import vaults

if TYPE_CHECKING:
    from fastblob.local import LocalAzure

Place = Any

FLOW = Path(__file__).with_name("small_flow.py")
LIFE = 3600

pytestmark = pytest.mark.timeout(200)


@dataclass
class Entra:
    """A server in place of login.microsoftonline.com.

    Attributes:
        service: Whose tokens it gives out.
        asked: The forms with which tokens were asked for.
    """

    service: LocalAzure
    asked: list[dict[str, str]] = field(default_factory=list)

    def answer_to(self, form: dict[str, str]) -> dict[str, Any]:
        self.asked.append(form)
        token = self.service.issue_token(form["scope"].split()[0].removesuffix("/.default"), LIFE)
        return {"token_type": "Bearer", "expires_in": LIFE, "ext_expires_in": LIFE, "access_token": token}

    def handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        entra = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """What is asked about the tenant first."""
                tenant = f"https://{self.headers['Host']}/{vaults.TENANT}"
                self.say(
                    {
                        "issuer": f"{tenant}/v2.0",
                        "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize",
                        "token_endpoint": f"{tenant}/oauth2/v2.0/token",
                        "tenant_discovery_endpoint": f"{tenant}/v2.0/.well-known/openid-configuration",
                        "api-version": "1.1",
                        "metadata": [],
                    }
                )

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.say(entra.answer_to({name: values[0] for name, values in parse_qs(body).items()}))

            def say(self, answer: dict[str, Any]) -> None:
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        return Handler


@pytest.fixture
def entra(place: tuple[Place, LocalAzure], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Entra]:
    """What the place's processes find behind the real name, and no managed identity beside it."""
    here, service = place
    entra = Entra(service)
    server = vaults.Server(entra.handler())
    files = tmp_path_factory.mktemp("entra")
    (files / "server.crt").write_text(service.server_certificate)
    (files / "server.key").write_text(service.server_key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "server.crt", files / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with (
        vaults.serving(server) as port,
        vaults.connect_proxy({"login.microsoftonline.com": port}) as proxy,
    ):
        for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_TOKEN_CREDENTIALS"):
            here.env.pop(name, None)
        here.env.update(HTTPS_PROXY=proxy, AZURE_TENANT_ID=vaults.TENANT, AZURE_CLIENT_ID="of-the-identity")
        yield entra


def test_a_service_principal(place: tuple[Place, LocalAzure], entra: Entra) -> None:
    said = place[0].succeed(FLOW, "run", AZURE_CLIENT_SECRET="secret-of-the-principal")
    assert said.count("step ran: hello") == 2
    assert "secret-of-the-principal" not in said
    (asked,) = entra.asked
    assert (asked["client_id"], asked["client_secret"]) == ("of-the-identity", "secret-of-the-principal")


def test_workload_identity(place: tuple[Place, LocalAzure], entra: Entra, tmp_path: Path) -> None:
    """With the variables that AKS gives to pods which carry the label."""
    file = tmp_path / "azure-identity-token"
    file.write_text("assertion-of-kubernetes")
    said = place[0].succeed(
        FLOW,
        "run",
        AZURE_FEDERATED_TOKEN_FILE=str(file),
        AZURE_AUTHORITY_HOST="https://login.microsoftonline.com/",
    )
    assert said.count("step ran: hello") == 2
    (asked,) = entra.asked
    assert (asked["client_id"], asked["client_assertion"]) == ("of-the-identity", "assertion-of-kubernetes")


def test_a_user_assigned_identity(place: tuple[Place, LocalAzure]) -> None:
    here, service = place
    said = here.succeed(FLOW, "run", AZURE_CLIENT_ID="of-the-identity")
    assert said.count("step ran: hello") == 2
    asked = [request.path for request in service.requests() if request.operation == "Token"]
    assert len(asked) == 1
    assert "client_id=of-the-identity" in asked[0]
