"""What is said where secrets cannot be read, and what never is."""

from __future__ import annotations

import io
import logging
import pickle
import socket
import sys
import threading
import traceback
import uuid
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import pytest
import vaults
from azure.core.credentials import AccessToken
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from fastblob import keyvault
from fastblob.keyvault import get_secrets
from fastblob.local import LocalAzure


class Failing:
    """A credential that fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.calls += 1
        raise self.error


FORBIDDEN = {"status": 403}
SITUATIONS: dict[str, tuple[dict[str, Any], type[Exception], type[Exception], str]] = {
    "role missing": (
        {**FORBIDDEN, "code": "ForbiddenByRbac"},
        keyvault.SecretForbiddenError,
        HttpResponseError,
        "Key Vault Secrets User.*az role assignment create",
    ),
    "access policy missing": (
        {**FORBIDDEN, "code": "ForbiddenByPolicy"},
        keyvault.SecretForbiddenError,
        HttpResponseError,
        "az keyvault set-policy.*Key Vault Secrets User",
    ),
    "firewall": (
        {**FORBIDDEN, "code": "ForbiddenByFirewall"},
        keyvault.SecretForbiddenError,
        HttpResponseError,
        "firewall.*private endpoint",
    ),
    "expired": (
        {**FORBIDDEN, "code": "SecretExpired"},
        keyvault.SecretForbiddenError,
        HttpResponseError,
        "has expired: set a new value .*--vault-name",
    ),
    "throttled": (
        {"status": 429, "code": "Throttled", "headers": {"Retry-After": "7"}},
        keyvault.VaultServiceError,
        HttpResponseError,
        "throttling .*fewer tasks",
    ),
    "failing": (
        {"status": 500, "code": "InternalServerError"},
        keyvault.VaultServiceError,
        HttpResponseError,
        "status 500, InternalServerError.*try again later",
    ),
    "token refused": (
        {"status": 401, "code": "Unauthorized"},
        keyvault.VaultAuthenticationError,
        ClientAuthenticationError,
        "refused the token.*tenant",
    ),
    "reset": ({"reset": True}, keyvault.VaultUnreachableError, ServiceRequestError, "HTTPS_PROXY"),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_situations(service: LocalAzure, name: str, waits: list[float], situation: str) -> None:
    fault, error, of_azure, message = SITUATIONS[situation]
    service.add_fault(operation="GetSecret", path=name, **fault)
    with pytest.raises(error, match=message) as caught:
        get_secrets([name])
    failure = caught.value
    assert isinstance(failure, keyvault.SecretError)
    assert isinstance(failure, of_azure)
    assert failure.secret == f"{service.vault_url.rstrip('/')}/secrets/{name}"
    assert failure.secret in str(failure)
    assert failure.status_code == fault.get("status")
    assert failure.error_code == fault.get("code")
    retried = [request for request in service.requests() if request.operation == "GetSecret"]
    assert (len(retried) > 2) == (situation in {"throttled", "failing", "reset"})
    assert (set(waits) == {7.0}) == (situation == "throttled")


def test_a_missing_secret(service: LocalAzure, name: str) -> None:
    missing = f"missing-{uuid.uuid4().hex}"
    with pytest.raises(keyvault.SecretNotFoundError, match="recover --vault-name") as caught:
        get_secrets([name, missing])
    assert isinstance(caught.value, ResourceNotFoundError)
    assert caught.value.error_code == "SecretNotFound"
    assert caught.value.request_id
    assert missing in str(caught.value)


def test_a_missing_version(service: LocalAzure, name: str) -> None:
    with pytest.raises(keyvault.SecretNotFoundError, match="list-versions"):
        get_secrets([f"{name}/{0:032x}"])


def test_a_disabled_secret(service: LocalAzure, name: str) -> None:
    service.disable_secret(name)
    with pytest.raises(
        keyvault.SecretForbiddenError, match=r"is disabled: enable it .*--enabled true"
    ) as caught:
        get_secrets([name])
    assert caught.value.error_code == "SecretDisabled"


@pytest.mark.parametrize(
    ("fault", "wait"), [({"status": 429, "code": "Throttled"}, 3.0), ({"status": 503}, 3.0)]
)
def test_retries_wait_as_long_as_the_vault_says(
    service: LocalAzure, name: str, waits: list[float], fault: dict[str, Any], wait: float
) -> None:
    service.add_fault(operation="GetSecret", path=name, times=2, headers={"Retry-After": "3"}, **fault)
    assert list(get_secrets([name]).values()) == [vaults.CANARY]
    assert waits == [wait, wait]


def test_a_vault_that_does_not_exist(
    monkeypatch: pytest.MonkeyPatch, service: LocalAzure, waits: list[float]
) -> None:
    def no_such_host(host: str, *arguments: object, **options: object) -> list[Any]:
        assert host == "0-no-such.vault.azure.net"
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_host)
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(keyvault.VaultUnreachableError, match="There is no vault https://0-no-such") as caught:
        get_secrets(["https://0-no-such.vault.azure.net/secrets/api-key"])
    assert isinstance(caught.value, ServiceRequestError)
    assert "METAFLOW_AZURE_KEY_VAULT_PREFIX" in str(caught.value)


def test_nobody_listens(service: LocalAzure, waits: list[float]) -> None:
    with pytest.raises(keyvault.VaultUnreachableError, match=r"could not be reached .*refused"):
        get_secrets(["https://127.0.0.1:1/secrets/api-key"])


def test_a_vault_that_never_answers(
    monkeypatch: pytest.MonkeyPatch, strange_vault: vaults.Vault, waits: list[float]
) -> None:
    end_of_test = threading.Event()

    def answer(name: str) -> tuple[int, str, bytes]:
        end_of_test.wait()
        return vaults.secret_answer(name, "too late")

    strange_vault.answer = answer
    monkeypatch.setattr(sys.modules["fastblob.keyvault._fetch"], "_READ_SECONDS", 0.2)
    try:
        with pytest.raises(keyvault.VaultUnreachableError, match=r"could not be reached.*[Rr]ead timed out"):
            get_secrets(["api-key"], vault_url=strange_vault.url)
    finally:
        end_of_test.set()
    assert len(strange_vault.tokens) == 4


@pytest.mark.parametrize("error", [ClientAuthenticationError("not signed in"), RuntimeError("not signed in")])
def test_a_credential_that_fails_is_asked_once(
    service: LocalAzure, strange_vault: vaults.Vault, error: Exception
) -> None:
    credential = Failing(error)
    secrets = [f"secret-{number}" for number in range(5)]
    secrets += [f"{strange_vault.url}/secrets/{secret}" for secret in secrets]
    with pytest.raises(keyvault.VaultAuthenticationError, match="not signed in"):
        get_secrets(
            [(secret, {"env_var_name": f"V{number}"}) for number, secret in enumerate(secrets)],
            credential=credential,
        )
    assert credential.calls == 1


@pytest.mark.parametrize("error", [ClientAuthenticationError("not signed in"), RuntimeError("not signed in")])
def test_a_credential_that_fails(service: LocalAzure, name: str, error: Exception) -> None:
    with pytest.raises(keyvault.VaultAuthenticationError, match=r"az login.*not signed in") as caught:
        get_secrets([name], credential=Failing(error))
    assert isinstance(caught.value, ClientAuthenticationError)


def test_a_challenge_for_something_else_gets_no_token(
    monkeypatch: pytest.MonkeyPatch, strange_vault: vaults.Vault
) -> None:
    strange_vault.resource = "https://storage.azure.com"
    port = urlsplit(strange_vault.url).port
    assert port is not None
    # A host of its own: the SDK remembers the challenges of the others for the whole process.
    host = "strange-vault.vault.azure.net"
    with vaults.connect_proxy({host: port}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with pytest.raises(keyvault.VaultServiceError, match="is not a Key Vault"):
            get_secrets([f"https://{host}/secrets/api-key"])
    assert strange_vault.tokens == []


@pytest.mark.parametrize(
    "answer",
    [
        (200, "application/json", f'{{"value": "{vaults.CANARY}", "id": "https://x'.encode()),
        (200, "application/json", f'"{vaults.CANARY}"'.encode()),
        (200, "text/html", f"<html>{vaults.CANARY}</html>".encode()),
        vaults.secret_answer("api-key", None),
    ],
)
def test_answers_that_are_not_those_of_a_vault(
    strange_vault: vaults.Vault, answer: tuple[int, str, bytes]
) -> None:
    strange_vault.answer = lambda name: answer
    with pytest.raises(keyvault.SecretError, match=r"is not a Key Vault|has no value") as caught:
        get_secrets(["api-key"], vault_url=strange_vault.url)
    assert vaults.CANARY not in everything_said(caught.value)


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        vaults.CANARY.encode() + b"\r\n\r\n",
        CHUNKED + vaults.CANARY.encode() + b"\r\n",
        CHUNKED + b"5\r\n" + vaults.CANARY.encode(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + vaults.CANARY.encode(),
        b"HTTP/1.1 " + vaults.CANARY.encode() + b" OK\r\n\r\n",
    ],
    ids=["no status line", "no chunk size", "a chunk that is too long", "broken off", "no status"],
)
def test_answers_that_are_not_http(strange_vault: vaults.Vault, waits: list[float], raw: bytes) -> None:
    strange_vault.raw = raw
    with pytest.raises(keyvault.SecretError, match=r"could not be reached|is not a Key Vault") as caught:
        get_secrets(["api-key"], vault_url=strange_vault.url)
    assert strange_vault.tokens
    assert vaults.CANARY not in everything_said(caught.value)


def test_an_expired_secret_that_the_vault_hands_out(
    strange_vault: vaults.Vault, caplog: pytest.LogCaptureFixture
) -> None:
    strange_vault.answer = lambda name: vaults.secret_answer(name, vaults.CANARY, exp=1_000_000_000)
    assert get_secrets(["api-key"], vault_url=strange_vault.url) == {"API_KEY": vaults.CANARY}
    assert "/secrets/api-key expired on 2001-09-09" in caplog.text
    assert vaults.CANARY not in caplog.text


def test_errors_can_be_pickled(service: LocalAzure) -> None:
    with pytest.raises(keyvault.SecretNotFoundError) as caught:
        get_secrets(["missing"])
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is keyvault.SecretNotFoundError
    assert str(copy) == str(caught.value)
    assert (copy.secret, copy.status_code, copy.error_code) == (caught.value.secret, 404, "SecretNotFound")


def _is_here(frame: FrameType) -> bool:
    return frame.f_code.co_filename == __file__


def everything_said(error: BaseException | None) -> str:
    """Messages, reprs and attributes of the whole chain, whether it would be printed or not."""
    said = []
    while error is not None:
        said += [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
        # As error reporters do, which show the variables of each frame; those of the test are its own.
        frames = [frame for frame in traceback.walk_tb(error.__traceback__) if not _is_here(frame[0])]
        said += traceback.StackSummary.extract(iter(frames), capture_locals=True).format()
        inner = getattr(error, "inner_exception", None)
        said.append(repr(inner and vars(inner)))
        error = error.__cause__ or error.__context__
    return "\n".join(said)


def test_no_value_and_no_token_is_ever_said(
    service: LocalAzure, name: str, waits: list[float], capfd: pytest.CaptureFixture[str]
) -> None:
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    token = service.issue_token("https://vault.azure.net")

    class Fixed:
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            return AccessToken(token, 9_999_999_999)

    said = []
    try:
        assert list(get_secrets([name], credential=Fixed()).values()) == [vaults.CANARY]
        for fault, *_ in SITUATIONS.values():
            # The other secret arrives all the same.
            service.add_fault(operation="GetSecret", path="missing", **fault)
            with pytest.raises(AzureError) as caught:
                get_secrets([name, "missing"], credential=Fixed())
            said.append(everything_said(caught.value))
            service.clear_faults()
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
    output = capfd.readouterr()
    text = "\n".join([*said, log.getvalue(), output.out, output.err])
    assert name in text
    assert vaults.CANARY not in text
    assert token not in text
