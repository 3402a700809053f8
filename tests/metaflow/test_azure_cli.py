"""Tokens of the Azure CLI, which is slow, and fails where several processes ask it at once."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from fastblob.local import LocalAzure
from support import SDK_API_VERSION, Account

Place = Any
Storage = Any

HERE = Path(__file__).parent
OURS = "metaflow_extensions.fastblob.plugins.datastore"
HOUR = 3600
PROCESSES = 8

pytestmark = pytest.mark.timeout(200)

AZ = """
import fcntl, json, pathlib, sys, time

here = pathlib.Path(__file__).parent
with open(here / "calls", "a") as calls:
    print(*sys.argv[1:], file=calls)
script = json.loads((here / "script.json").read_text())
busy = open(here / "busy", "w")
try:
    fcntl.flock(busy, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit("ERROR: [Errno 11] the token cache is locked by another process")
time.sleep(script["seconds"])
failures = script["failures"]
if len((here / "calls").read_text().splitlines()) <= failures:
    sys.exit(script["says"])
print(json.dumps({"accessToken": script["token"], "expires_on": script["expires_on"]}))
"""


class AzureCli:
    """An ``az`` in a folder of its own, that does what it is told."""

    def __init__(self, folder: Path, token: str) -> None:
        self.folder = folder
        folder.mkdir()
        executable = folder / "az"
        executable.write_text(f"#!{sys.executable} -S\n{AZ}")
        executable.chmod(0o755)
        self.script = {"seconds": 0.0, "failures": 0, "says": "", "token": token}
        self.script["expires_on"] = int(time.time()) + HOUR
        self.tell()

    def tell(self, **script: Any) -> None:
        self.script.update(script)
        (self.folder / "script.json").write_text(json.dumps(self.script))

    def calls(self) -> int:
        calls = self.folder / "calls"
        return len(calls.read_text().splitlines()) if calls.exists() else 0

    def env(self) -> dict[str, str]:
        """With nobody to give tokens but this one, and nothing left elsewhere."""
        return {
            "AZURE_TOKEN_CREDENTIALS": "AzureCliCredential",
            "AZURE_CONFIG_DIR": str(self.folder),
            "PATH": f"{self.folder}:/usr/bin:/bin",
            "TMPDIR": str(self.folder),
        }


@pytest.fixture
def azure_cli(tmp_path_factory: pytest.TempPathFactory, session_service: LocalAzure) -> AzureCli:
    return AzureCli(tmp_path_factory.mktemp("cli") / "az", session_service.issue_token())


@pytest.fixture
def account(service_account: Account) -> Account:
    return service_account


@pytest.fixture
def storage(
    azure_cli: AzureCli,
    new_storage: Callable[[str], Storage],
    container: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Storage:
    """A datastore whose tokens come from the CLI."""
    for name, value in azure_cli.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tempfile.tempdir", str(azure_cli.folder))
    return new_storage(f"{container}/mf")


@pytest.fixture
def place_with_cli(
    place: tuple[Place, LocalAzure], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Place, AzureCli]:
    here, service = place
    azure_cli = AzureCli(tmp_path_factory.mktemp("cli") / "az", service.issue_token())
    here.env.update(azure_cli.env())
    return here, azure_cli


def message_of(operation: Callable[[], object]) -> str:
    from metaflow.plugins.azure.azure_exceptions import MetaflowAzureAuthenticationError

    with pytest.raises(MetaflowAzureAuthenticationError) as caught:
        operation()
    return str(caught.value)


def test_the_tasks_of_a_run_use_the_token_of_the_scheduler(place_with_cli: tuple[Place, AzureCli]) -> None:
    here, azure_cli = place_with_cli
    azure_cli.tell(seconds=1.5)
    said = here.succeed(HERE / "wide_flow.py", "run", "--max-workers", "16")
    assert "total 240" in said
    assert azure_cli.calls() == 1
    assert azure_cli.script["token"] not in said


def test_processes_that_have_no_scheduler_wait_their_turn(place_with_cli: tuple[Place, AzureCli]) -> None:
    here, azure_cli = place_with_cli
    azure_cli.tell(seconds=0.5)
    script = here.directory / "ask.py"
    script.write_text(
        "from metaflow.plugins import DATASTORES\n"
        "(azure,) = [plugin for plugin in DATASTORES if plugin.TYPE == 'azure']\n"
        "print(azure('flows/mf').is_file(['key']))\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, str(script)],
            cwd=here.directory,
            env=here.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    said = [process.communicate(timeout=100)[0] for process in processes]
    assert said == ["[False]\n"] * PROCESSES
    # None of them was refused, and had to try once more.
    assert azure_cli.calls() == PROCESSES


def test_a_step_has_the_token_of_the_datastore(
    storage: Storage, azure_cli: AzureCli, account: Account, container: str
) -> None:
    """Though the CLI is asked anew for each token, and each client of Azure's packages asks for its own."""
    from azure.storage.blob import BlobServiceClient
    from metaflow.plugins.azure import create_azure_credential

    storage.save_bytes([("key", io.BytesIO(b"1"))])
    for _ in range(3):
        with BlobServiceClient(
            account.endpoint, credential=create_azure_credential(), api_version=SDK_API_VERSION
        ) as client:
            blob = client.get_blob_client(container, "mf/key")
            assert blob.download_blob().readall() == b"1"
            blob.upload_blob(b"1", overwrite=True)
    assert azure_cli.calls() == 1
    assert create_azure_credential().get_token("https://vault.azure.net/.default").token
    assert azure_cli.calls() == 2
    with create_azure_credential() as credential:
        info = credential.get_token_info("https://vault.azure.net/.default", options={"tenant_id": "t"})
    assert info.token == azure_cli.script["token"]
    assert azure_cli.calls() == 3


def test_it_is_asked_once_more(storage: Storage, azure_cli: AzureCli) -> None:
    azure_cli.tell(failures=1, says="ERROR: [Errno 11] the token cache is locked by another process")
    assert storage.is_file(["key"]) == [False]
    assert azure_cli.calls() == 2


def test_what_it_says_at_last(storage: Storage, azure_cli: AzureCli) -> None:
    azure_cli.tell(failures=99, says="ERROR: the disk is on fire")
    assert "the disk is on fire" in message_of(lambda: storage.is_file(["key"]))
    assert azure_cli.calls() == 2


@pytest.mark.parametrize(
    "says",
    ["ERROR: Please run 'az login' to setup account.", "ERROR: AADSTS700082: The refresh token has expired."],
)
def test_nobody_is_signed_in(storage: Storage, azure_cli: AzureCli, says: str) -> None:
    azure_cli.tell(failures=99, says=says)
    assert "Sign in again with `az login`" in message_of(lambda: storage.is_file(["key"]))
    assert azure_cli.calls() == 1


def test_it_is_too_slow(
    storage: Storage, azure_cli: AzureCli, datastore_module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from metaflow_extensions.fastblob.plugins import azure_cli as module

    monkeypatch.setattr(module, "AZURE_CLI_TIMEOUT", "1")
    azure_cli.tell(seconds=60)
    said = message_of(lambda: storage.is_file(["key"]))
    assert "did not answer within 1 s, twice" in said
    assert "METAFLOW_AZURE_CLI_TIMEOUT sets" in said
    assert "Sign in again" not in said
    assert azure_cli.calls() == 2


def test_it_is_not_there(storage: Storage, azure_cli: AzureCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    before = sorted(azure_cli.folder.iterdir())
    assert "Azure CLI not found" in message_of(lambda: storage.is_file(["key"]))
    assert sorted(azure_cli.folder.iterdir()) == before


@pytest.mark.parametrize("timeout", ["0", "-1", "ten", "1.5", ""])
def test_a_timeout_that_is_none(
    new_storage: Callable[[str], Storage],
    datastore_module: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    timeout: str,
) -> None:
    monkeypatch.setattr(datastore_module.account, "AZURE_CLI_TIMEOUT", timeout)
    with pytest.raises(ValueError, match="METAFLOW_AZURE_CLI_TIMEOUT is"):
        new_storage("container/mf")


def test_the_timeout_is_a_setting(place: tuple[Place, LocalAzure]) -> None:
    script = place[0].directory / "settings.py"
    script.write_text("from metaflow import metaflow_config\nprint(metaflow_config.AZURE_CLI_TIMEOUT)")
    assert place[0].succeed(script).splitlines()[-1] == "30"
    assert place[0].succeed(script, METAFLOW_AZURE_CLI_TIMEOUT="90").splitlines()[-1] == "90"


class Relay:
    """A process that has a token, and one that it starts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from metaflow_extensions.fastblob.plugins import credential, token_relay

        self.credential, self.relay = credential, token_relay
        self.patch = monkeypatch
        self.asked = 0
        self.life = HOUR
        monkeypatch.setattr(credential, "create_cacheable_azure_credential", lambda: self)
        self.forget()

    def forget(self) -> None:
        self.relay._received.cache_clear()

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.asked += 1
        return AccessToken(f"token {self.asked}", int(time.time()) + self.life)

    def wait(self, seconds: float) -> None:
        now = time.time() + seconds
        self.patch.setattr(time, "time", lambda: now)

    def parent(self) -> Any:
        parent = self.credential.ProviderCredential()
        parent.get_token(self.credential.STORAGE_SCOPE)
        return parent

    def child(self, variables: dict[str, str]) -> Any:
        self.patch.setattr(self.relay.toplevel, "received_token", next(iter(variables.values()), None))
        self.forget()
        return self.credential.ProviderCredential()


@pytest.fixture
def relay(datastore_module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Any:
    relay = Relay(monkeypatch)
    yield relay
    relay.forget()


def storage_token(credential: Any, **options: Any) -> str:
    token: str = credential.get_token("https://storage.azure.com/.default", **options).token
    return token


def test_a_token_is_handed_on(relay: Any) -> None:
    child = relay.child(relay.parent().hand_on())
    assert storage_token(child) == child.shared_token().token == "token 1"
    # And from the child to its own.
    assert storage_token(relay.child(child.hand_on())) == "token 1"
    assert relay.asked == 1


def test_a_token_that_was_received_is_not_given_twice(relay: Any) -> None:
    """The engine asks again where the service refused it, or where its end is near."""
    child = relay.child(relay.parent().hand_on())
    assert [storage_token(child) for _ in range(2)] == ["token 1", "token 2"]


def test_other_tokens_are_asked_for(relay: Any) -> None:
    child = relay.child(relay.parent().hand_on())
    assert storage_token(child, claims="of a challenge") == "token 2"
    # The service would not take the one before.
    assert child.shared_token().token == storage_token(relay.child(child.hand_on())) == "token 2"
    assert child.get_token("https://vault.azure.net/.default").token == "token 3"


@pytest.mark.parametrize(
    ("variable", "value"), [("AZURE_CLIENT_ID", "other"), ("AZURE_TENANT_ID", "other"), ("HOME", "/other")]
)
def test_a_token_of_somebody_else_is_not_used(relay: Any, variable: str, value: str) -> None:
    variables = relay.parent().hand_on()
    relay.patch.setenv(variable, value)
    assert storage_token(relay.child(variables)) == "token 2"


def test_a_process_that_becomes_somebody_else_asks_again(relay: Any) -> None:
    parent = relay.parent()
    assert parent.shared_token().token == "token 1"
    relay.patch.setenv("AZURE_CLIENT_ID", "other")
    assert parent.hand_on() == {}
    assert parent.shared_token().token == "token 2"


@pytest.mark.parametrize("setting", ["AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", "DEFAULT_AZURE_CLIENT_PROVIDER"])
def test_a_token_for_another_account_or_of_another_provider_is_not_used(relay: Any, setting: str) -> None:
    variables = relay.parent().hand_on()
    relay.patch.setattr(relay.relay, setting, "other")
    assert storage_token(relay.child(variables)) == "token 2"


def test_tokens_of_other_providers_are_not_handed_on(relay: Any) -> None:
    relay.patch.setattr(relay.relay, "DEFAULT_AZURE_CLIENT_PROVIDER", "other")
    assert relay.parent().hand_on() == {}


def test_a_token_that_expires_soon_is_neither_handed_on_nor_used(relay: Any) -> None:
    variables = relay.parent().hand_on()
    relay.wait(HOUR - 200)
    assert storage_token(relay.child(variables)) == "token 2"
    relay.life = 200
    parent = relay.parent()
    for _ in range(3):
        # It is not asked for each task that begins.
        assert parent.hand_on() == {}
    assert relay.asked == 3


def test_the_scheduler_gets_a_new_token_in_time(relay: Any) -> None:
    parent = relay.parent()
    relay.wait(HOUR - 200)
    assert storage_token(relay.child(parent.hand_on())) == "token 2"


def test_nothing_is_handed_on_by_who_has_nothing(relay: Any) -> None:
    assert relay.credential.ProviderCredential().hand_on() == {}
