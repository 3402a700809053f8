"""The door to a real account (real_account.py), with the stand-ins behind it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fastblob
import pytest
from fastblob.local import LocalAzure
from support import SUBPROCESS_SECONDS, Account

SCRIPT = Path(__file__).with_name("real_account.py")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=SUBPROCESS_SECONDS, check=False)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "no account given"),
        (["--account", "a"], "no container given"),
        (["--endpoint", "http://a.example", "--container", "data"], "in the clear"),
        (["--account", "a", "--container", "no container"], "not a container name"),
    ],
    ids=["no account", "no container", "no https", "no name"],
)
def test_what_is_missing_is_said(arguments: list[str], word: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert word in done.stderr
    assert "make test-azure ACCOUNT=" in done.stderr


@pytest.mark.parametrize("proof", ["token", "key"])
def test_only_blobs_of_its_own_are_touched(
    account: Account,
    client: fastblob.Client,
    container: str,
    service: LocalAzure,
    monkeypatch: pytest.MonkeyPatch,
    proof: str,
) -> None:
    if proof == "key":
        monkeypatch.setenv("AZURE_STORAGE_KEY", account.key)
    client.write(f"{container}/mine", b"mine")
    chosen = ["-k", "test_listing or test_module_level or tier_and_tags", "--numprocesses=0"]
    done = run("--endpoint", account.endpoint, "--container", container, *chosen)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 of 4 tests as expected, 0 differ" in done.stdout
    assert [item.name for item in client.list(container)] == ["mine"]


def test_what_differs_is_named(service_account: Account, service_container: str, service: LocalAzure) -> None:
    service.add_fault(operation="GetBlobProperties", times=1, status=400, code="Odd")
    chosen = ["-k", "test_properties", "--numprocesses=0"]
    done = run("--endpoint", service_account.endpoint, "--container", service_container, *chosen)
    assert done.returncode == 1
    assert "3 tests as expected, 1 differ" in done.stdout
    assert "test_properties[real]\n    fastblob._exceptions.ServiceError" in done.stdout
    assert "nothing is left below" in done.stdout
