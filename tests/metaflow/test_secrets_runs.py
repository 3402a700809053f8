"""``@secrets`` from Azure Key Vault in real runs of Metaflow, and where its values must not show up."""

from __future__ import annotations

import gzip
import io
import json
import re
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import vaults
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from fastblob.local import LocalAzure
from pods import Pods
from support import python_without_fastblob

# Each run starts several processes, which share the machine with the other tests.
pytestmark = pytest.mark.timeout(300)

FLOW = Path(__file__).with_name("secrets_flow.py")
PROVIDER = "metaflow_extensions.fastblob.plugins.secrets_provider"
VAULT = "https://my-vault.vault.azure.net/"

WITH = 'secrets:sources=["az-key-vault"],secrets=["other-key",["api-key",{"env_var_name":"KEY"}]]'
START = {
    "API_KEY": "api-key new",
    "OLD_KEY": "api-key old",
    "DATABASE_PASSWORD": "database-password",
    "old_key_by_url": "api-key old",
    "DB_PASS": "database-password",
}
OWN = {
    "api_key": "api-key new",
    "database_password": "database-password",
    "old_key": "api-key old",
    "INLINE": "inline",
}
END = {"KEY": "api-key new", "OTHER_KEY": "other-key"}


@dataclass
class Runs:
    """Runs of the flow with an account and a vault of their own, the vault being reached by a real name."""

    place: Any
    azure: LocalAzure
    canary: str

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Runs the flow's command line."""
        run: subprocess.CompletedProcess[str] = self.place.run(FLOW, *arguments, **env)
        return run

    def values_in(self, *contents: bytes) -> list[bytes]:
        """Those of the contents that hold the value of a secret."""
        return [content for content in contents if self.canary.encode() in content]

    def everything_written(self) -> Iterator[bytes]:
        """Content, names and metadata of all blobs, unpacked, and of all files below the directory."""
        client = self.azure.client()
        for blob in client.list("flows"):
            name = f"flows/{blob.name}"
            yield repr((blob.name, client.properties(name).metadata)).encode()
            yield from _unpacked(client.read(name))
        for path in self.place.directory.rglob("*"):
            if path.is_file():
                yield from _unpacked(path.read_bytes())


def _unpacked(content: bytes) -> Iterator[bytes]:
    yield content
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
        yield content
        if content[257:262] == b"ustar":
            with tarfile.open(fileobj=io.BytesIO(content)) as package:
                for member in package:
                    file = package.extractfile(member)
                    yield file.read() if file is not None else b""


@pytest.fixture
def runs(place: tuple[Any, LocalAzure]) -> Iterator[Runs]:
    """Runs of the flow, with the secrets that it asks for."""
    canary = uuid.uuid4().hex
    somewhere, azure = place
    for name, label in (
        ("api-key", " old"),
        ("api-key", " new"),
        ("database-password", ""),
        ("other-key", ""),
    ):
        azure.set_secret(name, f"canary:{name}{label}:{canary}")
    port = urlsplit(azure.vault_url).port
    assert port is not None
    with vaults.connect_proxy({"my-vault.vault.azure.net": port}) as proxy:
        somewhere.env |= {
            "HTTPS_PROXY": proxy,
            "METAFLOW_AZURE_KEY_VAULT_PREFIX": VAULT,
            "METAFLOW_KUBERNETES_NAMESPACE": "flows",
            "SECRETS_FLOW_VERSION": _oldest_version(azure, "api-key"),
        }
        azure.clear_requests()
        yield Runs(somewhere, azure, canary)


def _oldest_version(azure: LocalAzure, name: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in azure.env().items():
            patch.setenv(variable, value)
        with (
            DefaultAzureCredential() as credential,
            SecretClient(azure.vault_url, credential, verify_challenge_resource=False) as client,
        ):
            versions = [version.version for version in client.list_properties_of_secret_versions(name)]
            values = {str(client.get_secret(name, version).value): str(version) for version in versions}
    return next(version for value, version in values.items() if " old:" in value)


def found(output: str) -> dict[str, tuple[str, dict[str, str]]]:
    """The class in force and the variables with secrets, as the steps said it."""
    said = [json.loads(line) for line in re.findall(r"FOUND (\{.*\})$", output, re.MULTILINE)]
    return {step["step"]: (step["provider"], step["held"]) for step in said}


def test_both_spellings(runs: Runs) -> None:
    ran = runs.run("run", "--with", WITH)
    assert ran.returncode == 0, ran.stdout
    assert found(ran.stdout) == {"start": (PROVIDER, START), "own": (PROVIDER, OWN), "end": (PROVIDER, END)}
    # One request a secret, though a step may put it into two variables, and one a step for the challenge.
    answers = [request.status for request in runs.azure.requests() if request.operation == "GetSecret"]
    assert sorted(answers) == [200] * (3 + 3 + 2) + [401] * 3
    # Artifacts, metadata and logs were looked at, and no value was in them.
    written = list(runs.everything_written())
    assert any(b"old_key_by_url" in content for content in written)
    assert any(b"FOUND {" in content for content in written)
    assert runs.values_in(ran.stdout.encode(), *written) == []


@pytest.mark.parametrize("image_has_fastblob", [True, False])
def test_remote_tasks(runs: Runs, tmp_path: Path, image_has_fastblob: bool) -> None:
    runs.place.env["SECRETS_FLOW_REMOTE"] = "1"
    made = runs.run("--with", WITH, "argo-workflows", "create", "--only-json")
    assert made.returncode == 0, made.stdout
    python = Path(sys.executable) if image_has_fastblob else python_without_fastblob(tmp_path / "image")
    pods = Pods(runs.place.env, tmp_path / "pods", python)
    pods.deploy(made.stdout)
    assert pods.containers["start"]["image"] == "myregistry.azurecr.io/flow:1"
    assert pods.env_of("start")["METAFLOW_AZURE_KEY_VAULT_PREFIX"] == VAULT
    said = [pods.run("start"), pods.run("own", "start"), pods.run("end", "own")]
    assert found("".join(said)) == {
        "start": (PROVIDER, START),
        "own": (PROVIDER, OWN),
        "end": (PROVIDER, END),
    }
    assert [text.count("No module named 'fastblob'") for text in said] == [0 if image_has_fastblob else 1] * 3
    # Among it the code package and the logs of the tasks.
    written = list(runs.everything_written())
    assert any(b"class SecretsFlow" in content for content in written)
    assert any(b"FOUND {" in content for content in written)
    assert runs.values_in(made.stdout.encode(), *(text.encode() for text in said), *written) == []


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"API_KEY": "set"}, r"'api-key \S+' will inject 'API_KEY' .* already exists in env"),
        ({"SECRETS_FLOW_VERSION": "0" * 32}, r"There is no secret https://my-vault\S+/api-key/0{32}"),
    ],
)
def test_a_task_that_fails(runs: Runs, env: dict[str, str], message: str) -> None:
    ran = runs.run("run", **env)
    assert ran.returncode != 0
    assert re.search(message, ran.stdout), ran.stdout
    assert "FOUND" not in ran.stdout
    written = list(runs.everything_written())
    # The log of the task.
    assert any(re.search(message.encode(), content) for content in written)
    assert runs.values_in(ran.stdout.encode(), *written) == []


def test_spin_ignores_secrets_unless_it_is_told_to_read_them(runs: Runs) -> None:
    assert runs.run("run").returncode == 0
    allowed = json.dumps(["card", "conda", "environment", "pypi", "project", "secrets", "timeout"])
    for variables, held in (({}, {}), ({"METAFLOW_SPIN_ALLOWED_DECORATORS": allowed}, OWN)):
        spun = runs.run("spin", "own", **variables)
        assert spun.returncode == 0, spun.stdout
        (found,) = re.findall(r"FOUND (.*)", spun.stdout)
        assert json.loads(found)["held"] == held
        warning = "decorator 'secrets' as it is not supported in spin steps"
        assert (warning in spun.stdout) == (not held)
