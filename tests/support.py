"""What several test files need: the accounts under test, their clients, and a way to run scripts."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

import fastblob
from azure.identity import DefaultAzureCredential
from azure.storage.blob import AccountSasPermissions, BlobServiceClient, ResourceTypes, generate_account_sas

MIB = 1024 * 1024

# Azurite refuses versions that are newer than itself; azure-storage-blob sends the newest by default.
SDK_API_VERSION = "2024-11-04"

# More than the generous limit of every subprocess here, so that a hang is reported by the test that hangs.
SUBPROCESS_SECONDS = 45


@dataclass(frozen=True)
class Account:
    """A storage account that the tests may use: the embedded service's, Azurite's, or a real one."""

    server: str
    endpoint: str
    name: str
    key: str
    credential: DefaultAzureCredential | str
    sdk: BlobServiceClient

    def client(self, **options: Any) -> fastblob.Client:
        """A fastblob client of this account with the shared DefaultAzureCredential."""
        return fastblob.Client(self.endpoint, self.credential, **options)


def sdk_client(endpoint: str, credential: Any) -> BlobServiceClient:
    """An azure-storage-blob client that fails at once where the default would retry for minutes."""
    return BlobServiceClient(endpoint, credential=credential, retry_total=0, api_version=SDK_API_VERSION)


def tomorrow() -> datetime:
    """When a signature that is good expires."""
    return datetime.now(UTC) + timedelta(days=1)


def yesterday() -> datetime:
    """When one that is not expired."""
    return datetime.now(UTC) - timedelta(days=1)


def account_sas(account: Account, expiry: datetime) -> str:
    """A SAS for everything in the account."""
    return generate_account_sas(
        account.name,
        account.key,
        ResourceTypes(service=True, container=True, object=True),
        AccountSasPermissions(read=True, write=True, delete=True, list=True, create=True, tag=True),
        expiry,
    )


def content(size: int, seed: int = 1) -> bytes:
    """Bytes that no codec or page of zeros can fake, the same for the same seed."""
    return random.Random(seed).randbytes(size)


def write_file(path: Path, size: int, seed: int = 1) -> bytes:
    """Write ``content(size, seed)`` to ``path`` and return it."""
    data = content(size, seed)
    path.write_bytes(data)
    return data


def files_below(directory: Path) -> dict[str, bytes]:
    """Every file below ``directory`` by its relative name, temporary ones included."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def names(items: Iterable[fastblob.BlobItem]) -> list[str]:
    """The names of listed items, in the order of the listing."""
    return [item.name for item in items]


def run_python(
    script: str, *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``script`` in an interpreter of its own, with warnings as errors, and return what it said."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        env={**os.environ, **(env or {})},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            stdout, stderr = process.communicate(timeout=SUBPROCESS_SECONDS)
        finally:
            if process.poll() is None:
                # With all that it forked.
                os.killpg(process.pid, signal.SIGKILL)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def python_without_fastblob(environment: Path) -> Path:
    """Makes a virtual environment with everything that is installed here but fastblob.

    Args:
        environment: A directory that does not exist yet.

    Returns:
        Its interpreter.
    """
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(environment)],
        check=True,
        timeout=SUBPROCESS_SECONDS,
    )
    ours = {file.parts[0] for file in metadata.distribution("fastblob").files or []}
    (site,) = environment.glob("lib/python*/site-packages")
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if entry.name not in ours:
            (site / entry.name).symlink_to(entry)
    return environment / "bin/python"
