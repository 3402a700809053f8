"""The embedded service as users start it: in a ``with`` block, and as a program."""

from __future__ import annotations

import base64
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fastblob
import pytest
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from fastblob.local import LocalAzure
from support import SUBPROCESS_SECONDS, run_python, sdk_client


def test_it_needs_nothing_else() -> None:
    with LocalAzure(containers=["data"]) as azure:
        client = azure.client()
        client.write("data/hello", b"hello")
        assert client.read("data/hello") == b"hello"


def test_it_ends_with_its_block() -> None:
    with LocalAzure() as azure:
        port = int(azure.blob_endpoint.split(":")[2].split("/")[0])
        ca_file = Path(azure.env()["SSL_CERT_FILE"])
        assert ca_file.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert not ca_file.exists()
    with pytest.raises(RuntimeError, match="with"):
        _ = azure.blob_endpoint


def test_two_at_a_time() -> None:
    with LocalAzure(containers=["data"]) as one, LocalAzure(containers=["data"]) as two:
        one.client().write("data/blob", b"one")
        assert not two.client().exists("data/blob")


def test_an_account_of_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalAzure(
        account_name="myaccount", account_key=base64.b64encode(bytes(64)).decode(), containers=["data"]
    ) as azure:
        assert azure.blob_endpoint.endswith("/myaccount")
        assert "AccountName=myaccount" in azure.connection_string
        monkeypatch.setenv("SSL_CERT_FILE", azure.env()["SSL_CERT_FILE"])
        client = fastblob.Client.from_connection_string(azure.connection_string)
        client.write("data/blob", b"data")


def test_blobs_in_a_directory(tmp_path: Path) -> None:
    with LocalAzure(containers=["data"], directory=tmp_path) as azure:
        client = azure.client()
        client.write("data/blob", bytes(1000))
        assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) >= 1000
        assert client.read("data/blob") == bytes(1000)


def test_create_container() -> None:
    with LocalAzure() as azure:
        azure.create_container("later")
        azure.client().write("later/blob", b"data")


def test_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalAzure(secrets={"api-key": "value"}) as azure:
        for name, value in azure.env().items():
            monkeypatch.setenv(name, value)
        with (
            DefaultAzureCredential() as credential,
            # The vault's address is not under vault.azure.net, which the library checks otherwise.
            SecretClient(azure.vault_url, credential, verify_challenge_resource=False) as vault,
        ):
            assert vault.get_secret("api-key").value == "value"


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """``python -m fastblob.local`` and the variables that it printed."""
    command = [sys.executable, "-W", "error", "-m", "fastblob.local", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            variables: dict[str, str] = {}
            for line in process.stdout:
                if line.startswith("export "):
                    (assignment,) = shlex.split(line.removeprefix("export "))
                    name, _, value = assignment.partition("=")
                    variables[name] = value
                    if name == "NO_PROXY":
                        break
            yield process, variables
        finally:
            # Not killed: it has a folder to remove.
            process.terminate()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_program(end: signal.Signals) -> None:
    with running("--container", "data", "--container", "more") as (process, variables):
        script = """
import fastblob
fastblob.write("data/blob", b"data")
assert fastblob.read("data/blob") == b"data"
assert not fastblob.exists("more/blob")
print("done")
"""
        ran = run_python(script, env=variables)
        assert ran.stdout == "done\n", ran.stderr
        process.send_signal(end)
        _, said = process.communicate(timeout=SUBPROCESS_SECONDS)
        assert process.returncode == 0
        assert said == ""
        assert not Path(variables["SSL_CERT_FILE"]).exists()


def test_the_program_over_plain_http() -> None:
    with running("--container", "data", "--plain-http") as (_, variables):
        assert variables["AZURE_STORAGE_BLOB_ENDPOINT"].startswith("http://127.0.0.1:")
        script = """
import fastblob
fastblob.write("data/blob", b"data")
print(len(fastblob.read("data/blob")))
"""
        assert run_python(script, env=variables).stdout == "4\n"


def test_the_program_s_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    with running("--secret", "api-key=a=b") as (_, variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with (
            DefaultAzureCredential() as credential,
            SecretClient(
                variables["METAFLOW_AZURE_KEY_VAULT_PREFIX"], credential, verify_challenge_resource=False
            ) as vault,
        ):
            assert vault.get_secret("api-key").value == "a=b"


def test_the_program_s_help() -> None:
    command = [sys.executable, "-m", "fastblob.local", "--help"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=SUBPROCESS_SECONDS, check=True)
    for option in (
        "--port",
        "--container",
        "--plain-http",
        "--latency-ms",
        "--bandwidth",
        "--directory",
        "--secret",
    ):
        assert option in ran.stdout


@pytest.mark.parametrize("arguments", [["--port", "nonsense"], ["--secret", "novalue"], ["--nonsense"]])
def test_wrong_arguments_of_the_program(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "fastblob.local", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=SUBPROCESS_SECONDS, check=False)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr


def test_a_port_that_is_taken() -> None:
    with LocalAzure() as azure:
        port = int(azure.blob_endpoint.split(":")[2].split("/")[0])
        command = [sys.executable, "-m", "fastblob.local", "--port", str(port)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=SUBPROCESS_SECONDS, check=False)
    assert ran.returncode != 0
    assert str(port) in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_request_log_tells_what_was_asked(service: LocalAzure, service_container: str) -> None:
    client = service.client()
    service.clear_requests()
    client.exists(f"{service_container}/a b")
    (record,) = [record for record in service.requests() if record.operation != "Token"]
    assert (record.method, record.operation, record.status) == ("HEAD", "GetBlobProperties", 404)
    assert record.path.endswith(f"/{service_container}/a%20b")
    assert service.request_counts()["GetBlobProperties"] == 1


def test_it_verifies_checksums_of_others_too(service: LocalAzure, service_container: str) -> None:
    with sdk_client(service.blob_endpoint, service.account_key) as sdk:
        blob = sdk.get_blob_client(service_container, "blob")
        blob.upload_blob(b"data", validate_content=True)
        assert blob.download_blob(validate_content=True).readall() == b"data"
