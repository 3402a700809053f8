"""Secrets of one test, and vaults that do as they are told."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import vaults
from azure.core.pipeline.transport import HttpTransport
from fastblob.local import LocalAzure


@pytest.fixture
def name(service: LocalAzure) -> str:
    """The name of a secret that only this test has; its value is vaults.CANARY."""
    name = f"secret-{uuid.uuid4().hex}"
    service.set_secret(name, vaults.CANARY)
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
