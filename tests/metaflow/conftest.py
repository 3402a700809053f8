"""Metaflow in this process and in processes of its own, on the accounts under test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from azure.identity import DefaultAzureCredential
from fastblob.local import LocalAzure
from support import Account, sdk_client

AZURITE = Path(__file__).parents[1] / "node_modules/azurite/dist/src/blob/main.js"
AZURITE_START_SECONDS = 30
RUN_SECONDS = 150

CONTAINER = "flows"
LIVE = "metaflow_extensions.fastblob.plugins.datastore"


@pytest.fixture(scope="session")
def datastore_module(
    session_service: LocalAzure,
    session_environment: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> ModuleType:
    """The module of our datastore, as Metaflow itself finds it."""
    session_environment.setenv("METAFLOW_HOME", str(tmp_path_factory.mktemp("metaflow-home")))
    with warnings.catch_warnings():
        # Metaflow imports deprecated modules.
        warnings.simplefilter("ignore")
        from metaflow.plugins import DATASTORES
    (live,) = [plugin for plugin in DATASTORES if plugin.TYPE == "azure"]
    assert live.__module__ == LIVE
    return sys.modules[LIVE]


@pytest.fixture
def new_storage(
    datastore_module: ModuleType, account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Any]:
    """Makes our datastore for a root on the account under test, each in what could be a new process."""

    def make(root: str) -> Any:
        new_process()
        return datastore_module.AzureStorage(root)

    def new_process() -> None:
        datastore_module.of_this_process.cache_clear()
        settings.credential.of_this_process.cache_clear()
        settings.client.cache_clear()

    settings = datastore_module.account
    monkeypatch.setattr(settings, "AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", account.endpoint)
    monkeypatch.setattr(datastore_module, "ARTIFACT_LOCALROOT", str(tmp_path))
    yield make
    new_process()
    assert list(tmp_path.iterdir()) == []


@dataclass
class Place:
    """An account and empty directories for runs of Metaflow in processes of their own."""

    directory: Path
    env: dict[str, str]

    def run(self, script: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Runs the script; everything that it says is in ``stdout``."""
        return subprocess.run(
            [sys.executable, str(script), *arguments],
            cwd=self.directory,
            env={**self.env, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )

    def succeed(self, script: Path, *arguments: str, **env: str) -> str:
        """Runs the script, which must end well, and returns what it said."""
        done = self.run(script, *arguments, **env)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def live(self, **env: str) -> dict[str, Any]:
        """Which classes are in force in such a process, with some settings."""
        script = Path(__file__).with_name("live.py")
        answer: dict[str, Any] = json.loads(self.succeed(script, **env).splitlines()[-1])
        return answer


def _place(directory: Path, service: LocalAzure, endpoint: str) -> Place:
    (directory / "home").mkdir()
    settings = {
        "METAFLOW_HOME": str(directory / "home"),
        "METAFLOW_USER": "tester",
        "METAFLOW_CLIENT_CACHE_PATH": str(directory / "client-cache"),
        "METAFLOW_DEFAULT_METADATA": "local",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(directory / "metadata"),
        "METAFLOW_DEFAULT_DATASTORE": "azure",
        "METAFLOW_DATASTORE_SYSROOT_AZURE": f"{CONTAINER}/mf",
        "METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT": endpoint,
    }
    env = {**os.environ, **service.env(), **settings}
    del env["AZURE_STORAGE_BLOB_ENDPOINT"]
    return Place(directory, env)


@pytest.fixture
def place(session_environment: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[Place, LocalAzure]]:
    """A place with an embedded service of its own, whose requests are counted and may be made to fail."""
    with LocalAzure(containers=[CONTAINER]) as service:
        yield _place(tmp_path, service, service.blob_endpoint), service


@pytest.fixture(scope="module")
def azurite_place(
    session_service: LocalAzure,
    credential: DefaultAzureCredential,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    """A place on Azurite, told to let the newest API version pass: Metaflow's own Azure support sends it."""
    directory = tmp_path_factory.mktemp("metaflow-azurite")
    (directory / "server.crt").write_text(session_service.server_certificate)
    (directory / "server.key").write_text(session_service.server_key)
    command = ["node", str(AZURITE), "--blobPort", "0", "--inMemoryPersistence", "--silent"]
    command += ["--oauth", "basic", "--cert", "server.crt", "--key", "server.key"]
    command += ["--disableTelemetry", "--blobKeepAliveTimeout", "60", "--skipApiVersionCheck"]
    with subprocess.Popen(
        command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        watchdog = threading.Timer(AZURITE_START_SECONDS, process.kill)
        watchdog.start()
        try:
            assert process.stdout is not None
            address = next(
                (line for line in process.stdout if "successfully listens on " in line),
                "Azurite did not start",
            )
            watchdog.cancel()
            endpoint = f"{address.split(' on ')[1].strip()}/{session_service.account_name}"
            with sdk_client(endpoint, credential) as sdk:
                sdk.create_container(CONTAINER)
            yield _place(directory, session_service, endpoint)
        finally:
            watchdog.cancel()
            process.terminate()
