"""Secrets of Key Vault without Metaflow: how they are written and read, and what is said where that fails."""

from __future__ import annotations

import io
import logging
import pickle
import socket
import sys
import threading
import traceback
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import pytest
import vaults
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.core.pipeline.transport import HttpTransport
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from fastblob import keyvault
from fastblob.keyvault import SecretId, get_secrets, parse_entries, parse_secret_id
from fastblob.local import LocalAzure
from support import run_python

VERSION = "ec96f02080254f109c51a1f14cdb1931"
VAULT = "https://my-vault.vault.azure.net"
CANARY = "c4n4ry-0f-th3-v4ult"


@pytest.fixture
def name(service: LocalAzure) -> str:
    """The name of a secret that only this test has; its value is CANARY."""
    name = f"secret-{uuid.uuid4().hex}"
    service.set_secret(name, CANARY)
    return name


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the Azure library waited before each retry; it does not really."""
    waits: list[float] = []
    monkeypatch.setattr(HttpTransport, "sleep", lambda self, seconds: waits.append(seconds))
    return waits


@pytest.fixture
def strange_vault(service: LocalAzure, tmp_path: Path) -> Iterator[vaults.Vault]:
    """A server in place of a Key Vault."""
    with vaults.vault(service, tmp_path) as strange:
        yield strange


class Counting:
    """A credential that counts how often it was asked."""

    def __init__(self, credential: TokenCredential) -> None:
        self.credential = credential
        self.asked: list[tuple[str, ...]] = []

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.asked.append(scopes)
        return self.credential.get_token(*scopes, **options)


class Failing:
    """A credential that fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.calls += 1
        raise self.error


# How secrets are written -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "vault_url", "version"),
    [
        ("api-key", None, None),
        (f"api-key/{VERSION}", None, VERSION),
        (f"{VAULT}/secrets/api-key", VAULT, None),
        (f"{VAULT}/secrets/api-key/", VAULT, None),
        (f"{VAULT}:443/secrets/api-key", VAULT, None),
        (f"https://MY-vault.Vault.azure.net/secrets/api-key/{VERSION}", VAULT, VERSION),
        ("https://v-1.vault.azure.cn/secrets/api-key", "https://v-1.vault.azure.cn", None),
        ("https://gov.vault.usgovcloudapi.net/secrets/api-key", "https://gov.vault.usgovcloudapi.net", None),
        ("https://alt.vault.microsoftazure.de/secrets/api-key", "https://alt.vault.microsoftazure.de", None),
        ("https://127.0.0.1:8443/secrets/api-key", "https://127.0.0.1:8443", None),
        ("https://localhost:8443/secrets/api-key", "https://localhost:8443", None),
        ("https://[::1]:8443/secrets/api-key", "https://[::1]:8443", None),
    ],
)
def test_forms(written: str, vault_url: str | None, version: str | None) -> None:
    assert parse_secret_id(written) == SecretId(vault_url, "api-key", version)
    assert [entry[1:] for entry in parse_entries([written])] == [(parse_secret_id(written), "API_KEY")]
    (custom,) = parse_entries([(written, {"env_var_name": "custom_Api_Key1"})])
    assert custom == (written, parse_secret_id(written), "custom_Api_Key1")


@pytest.mark.parametrize(
    ("name", "variable"),
    [("api-key", "API_KEY"), ("DatabasePassword", "DATABASEPASSWORD"), ("a", "A"), ("a--b-2", "A__B_2")],
)
def test_names_of_variables(name: str, variable: str) -> None:
    assert SecretId(VAULT, name).variable == variable


@pytest.mark.parametrize("name", ["a", "a" * 127, "Z9-"])
def test_longest_and_shortest_names(name: str) -> None:
    assert parse_secret_id(name).name == name


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "1 to 127"),
        ("/api-key", "1 to 127"),
        ("a" * 128, "1 to 127"),
        ("1password", "begins with a letter"),
        ("-api", "did you mean 'api'"),
        ("db_password", "did you mean 'db-password'"),
        ("api.key", "did you mean 'api-key'"),
        ("api key", "without spaces"),
        ("api-key\n", "without spaces"),
        ("schlüssel", "ASCII"),
        ("api-key/1", "32 hexadecimal"),
        (f"api-key/{VERSION}0", "32 hexadecimal"),
        (f"api-key/{'g' * 32}", "32 hexadecimal"),
        (f"api-key/{VERSION}/x", "slashes"),
        (f"{VAULT}/api-key", "not the URL of a secret"),
        (f"{VAULT}/keys/api-key", "not the URL of a secret"),
        (f"{VAULT}/secrets/api-key?x=1", "not the URL of a secret"),
        (f"{VAULT}/secrets", "1 to 127"),
        (f"{VAULT}/secrets/api-key/{VERSION}/x", "slashes"),
        ("http://my-vault.vault.azure.net/secrets/api-key", "begins with https"),
        ("https://my-vault.vault.azure.net:8443/secrets/api-key", "not in a Key Vault"),
        ("https://my-vault.vault.azure.net:x/secrets/api-key", "not a URL.*[Pp]ort"),
        ("https://127.0.0.1:x/secrets/api-key", "'https://127.0.0.1:x/secrets/api-key' is not a URL"),
        ("https://[::1/secrets/api-key", "not a URL"),
        ("https://me@my-vault.vault.azure.net/secrets/api-key", "not in a Key Vault"),
        ("https://a.b.vault.azure.net/secrets/api-key", "not in a Key Vault"),
        ("https://a--b.vault.azure.net/secrets/api-key", "not in a Key Vault"),
        ("https://my-vault.vault.azure.net.example.com/secrets/api-key", "not in a Key Vault"),
        ("https://example.com\\.vault.azure.net/secrets/api-key", "not in a Key Vault"),
        ("https://127.0.0.1.example.com/secrets/api-key", "not in a Key Vault"),
        ("http://127.0.0.1:8443/secrets/api-key", "not in a Key Vault"),
        ("https:///secrets/api-key", "not in a Key Vault"),
    ],
)
def test_malformed_secrets(service: LocalAzure, written: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        get_secrets([written, "api-key"], vault_url=service.vault_url)
    assert service.requests() == []


@pytest.mark.parametrize("variable", ["", "1A", "A-B", "A B", "Ä", "A=B", "A\n", None, 1])
def test_malformed_variables(service: LocalAzure, variable: Any) -> None:
    with pytest.raises(ValueError, match=r"api-key.*name of an environment variable"):
        get_secrets([("api-key", {"env_var_name": variable})], vault_url=service.vault_url)
    assert service.requests() == []


@pytest.mark.parametrize(
    "entry", [1, None, (), ("api-key",), ("api-key", "X"), ("a", {}, {}), {"id": "api-key"}]
)
def test_entries_of_other_types(entry: Any) -> None:
    with pytest.raises(TypeError, match="name, a URL, or a pair"):
        get_secrets([entry], vault_url=VAULT)


@pytest.mark.parametrize("secrets", [{"api-key": {"env_var_name": "X"}}, 5])
def test_what_is_not_a_list(secrets: Any) -> None:
    with pytest.raises(TypeError, match="secrets is a list of names"):
        get_secrets(secrets, vault_url=VAULT)


def test_a_single_string_is_not_a_list() -> None:
    with pytest.raises(TypeError, match=r"\['api-key'\]"):
        get_secrets("api-key", vault_url=VAULT)


def test_unknown_options() -> None:
    with pytest.raises(ValueError, match=r"env_name.*only env_var_name"):
        get_secrets([("api-key", {"env_name": "X"})], vault_url=VAULT)


def test_two_secrets_into_one_variable() -> None:
    with pytest.raises(
        ValueError, match=r"'api-key' and 'API-key/ec96\w+' both go into the variable API_KEY"
    ):
        get_secrets(["api-key", "other", f"API-key/{VERSION}"], vault_url=VAULT)


def test_a_name_needs_a_vault(monkeypatch: pytest.MonkeyPatch, service: LocalAzure) -> None:
    monkeypatch.delenv("METAFLOW_AZURE_KEY_VAULT_PREFIX")
    with pytest.raises(ValueError, match=r"api-key .*METAFLOW_AZURE_KEY_VAULT_PREFIX is not set"):
        get_secrets(["api-key"])
    assert service.requests() == []


@pytest.mark.parametrize(
    ("vault_url", "reason"),
    [
        ("my-vault", "not the URL of a Key Vault"),
        ("my-vault.vault.azure.net", "not the URL of a Key Vault"),
        ("http://my-vault.vault.azure.net", "not in a Key Vault"),
        (f"{VAULT}/secrets/", "not the URL of a Key Vault"),
        ("https://example.com", "not in a Key Vault"),
        ("https://my-vault.vault.azure.net:x", "not a URL"),
        ("https://[::1", "not a URL"),
    ],
)
def test_malformed_vaults(monkeypatch: pytest.MonkeyPatch, vault_url: str, reason: str) -> None:
    monkeypatch.setenv("METAFLOW_AZURE_KEY_VAULT_PREFIX", vault_url)
    with pytest.raises(ValueError, match=reason):
        get_secrets(["api-key"])


@pytest.mark.parametrize(
    "domain", ["vault.azure.net", "vault.azure.cn", "vault.usgovcloudapi.net", "vault.microsoftazure.de"]
)
@pytest.mark.parametrize("ending", ["", "/"])
def test_vaults_of_all_clouds(domain: str, ending: str) -> None:
    vault = f"https://my-vault.{domain}"
    assert parse_secret_id("api-key").within(vault + ending) == SecretId(vault, "api-key")


# Reading them ------------------------------------------------------------------------------------------


def test_every_form_at_once(service: LocalAzure, name: str, credential: DefaultAzureCredential) -> None:
    url = service.vault_url.rstrip("/")
    service.set_secret(name, "newer")
    with SecretClient(url, credential, verify_challenge_resource=False) as client:
        versions = {
            str(client.get_secret(name, properties.version).value): properties.version
            for properties in client.list_properties_of_secret_versions(name)
        }
    old = versions[CANARY]
    variable = name.upper().replace("-", "_")
    assert get_secrets(
        [
            name,
            (f"{name}/{old}", {"env_var_name": "old_by_name"}),
            (f"{url}/secrets/{name}", {"env_var_name": "BY_URL"}),
            [f"{url}/secrets/{name}/{old}", {"env_var_name": "OLD_BY_URL"}],  # type: ignore[list-item]
        ]
    ) == {variable: "newer", "old_by_name": CANARY, "BY_URL": "newer", "OLD_BY_URL": CANARY}


@pytest.mark.parametrize("ending", ["", "/"])
def test_the_vault_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, service: LocalAzure, name: str, ending: str
) -> None:
    monkeypatch.setenv("METAFLOW_AZURE_KEY_VAULT_PREFIX", service.vault_url.rstrip("/") + ending)
    assert list(get_secrets([name]).values()) == [CANARY]


def test_nothing_is_asked_for_nothing(service: LocalAzure) -> None:
    assert get_secrets([]) == {}
    assert service.requests() == []


def test_one_token_and_one_challenge_a_vault(
    strange_vault: vaults.Vault, credential: DefaultAzureCredential
) -> None:
    strange_vault.answer = lambda name: vaults.secret_answer(name, f"value of {name}")
    names = [f"secret-{number}" for number in range(12)]
    # Under another name it is another vault.
    other = strange_vault.url.replace("127.0.0.1", "localhost")
    secrets = [*names[:6], *(f"{other}/secrets/{name}" for name in names[6:])]
    counting = Counting(credential)
    values = get_secrets(secrets, vault_url=strange_vault.url, credential=counting)
    assert list(values.values()) == [f"value of {name}" for name in names]
    assert counting.asked == [("https://vault.azure.net/.default",)]
    assert (strange_vault.challenges, len(strange_vault.tokens)) == (2, 12)
    assert len(set(strange_vault.tokens)) == 1


def test_the_same_secret_twice_is_read_once(strange_vault: vaults.Vault) -> None:
    secrets = [("api-key", {"env_var_name": variable}) for variable in ("ONE", "TWO")]
    assert get_secrets(secrets, vault_url=strange_vault.url) == {"ONE": "value", "TWO": "value"}
    assert len(strange_vault.tokens) == 1


def test_secrets_are_read_at_the_same_time(strange_vault: vaults.Vault) -> None:
    # Each request but the first is answered only once all the others have come.
    barrier = threading.Barrier(6)

    def answer(name: str) -> tuple[int, str, bytes]:
        if name != "first":
            barrier.wait(timeout=20)
        return vaults.secret_answer(name, name)

    strange_vault.answer = answer
    names = ["first", *(f"other-{number}" for number in range(6))]
    assert list(get_secrets(names, vault_url=strange_vault.url).values()) == names


def test_real_host_names_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch, service: LocalAzure, name: str
) -> None:
    # The library's check that the challenge belongs to the vault's domain is on here, and passes.
    port = urlsplit(service.vault_url).port
    assert port is not None
    with vaults.connect_proxy({"my-vault.vault.azure.net": port}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        assert list(get_secrets([f"{VAULT}/secrets/{name}"]).values()) == [CANARY]


def test_importing_it_brings_neither_metaflow_nor_a_credential() -> None:
    script = """
import sys
import fastblob
assert "fastblob.keyvault" not in sys.modules
import fastblob.keyvault
print([name for name in ("metaflow", "azure.identity", "azure.keyvault") if name in sys.modules])
"""
    ran = run_python(script)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


def test_the_documented_way_to_try_it() -> None:
    document = Path(__file__).parents[1] / "docs/secrets.md"
    example = document.read_text().split("```python\n")[-1].split("```")[0]
    ran = run_python(example)
    assert (ran.returncode, ran.stderr) == (0, "")


# What goes wrong ---------------------------------------------------------------------------------------

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
        get_secrets([f"{name}/{VERSION}"])


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
    assert list(get_secrets([name]).values()) == [CANARY]
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
        (200, "application/json", f'{{"value": "{CANARY}", "id": "https://x'.encode()),
        (200, "application/json", f'"{CANARY}"'.encode()),
        (200, "text/html", f"<html>{CANARY}</html>".encode()),
        vaults.secret_answer("api-key", None),
    ],
)
def test_answers_that_are_not_those_of_a_vault(
    strange_vault: vaults.Vault, answer: tuple[int, str, bytes]
) -> None:
    strange_vault.answer = lambda name: answer
    with pytest.raises(keyvault.SecretError, match=r"is not a Key Vault|has no value") as caught:
        get_secrets(["api-key"], vault_url=strange_vault.url)
    assert CANARY not in everything_said(caught.value)


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        CANARY.encode() + b"\r\n\r\n",
        CHUNKED + CANARY.encode() + b"\r\n",
        CHUNKED + b"5\r\n" + CANARY.encode(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + CANARY.encode(),
        b"HTTP/1.1 " + CANARY.encode() + b" OK\r\n\r\n",
    ],
    ids=["no status line", "no chunk size", "a chunk that is too long", "broken off", "no status"],
)
def test_answers_that_are_not_http(strange_vault: vaults.Vault, waits: list[float], raw: bytes) -> None:
    strange_vault.raw = raw
    with pytest.raises(keyvault.SecretError, match=r"could not be reached|is not a Key Vault") as caught:
        get_secrets(["api-key"], vault_url=strange_vault.url)
    assert strange_vault.tokens
    assert CANARY not in everything_said(caught.value)


def test_an_expired_secret_that_the_vault_hands_out(
    strange_vault: vaults.Vault, caplog: pytest.LogCaptureFixture
) -> None:
    strange_vault.answer = lambda name: vaults.secret_answer(name, CANARY, exp=1_000_000_000)
    assert get_secrets(["api-key"], vault_url=strange_vault.url) == {"API_KEY": CANARY}
    assert "/secrets/api-key expired on 2001-09-09" in caplog.text
    assert CANARY not in caplog.text


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
        assert list(get_secrets([name], credential=Fixed()).values()) == [CANARY]
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
    assert CANARY not in text
    assert token not in text
