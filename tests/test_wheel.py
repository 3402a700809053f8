"""The installed wheel: what is in it, and what it says about itself."""

from __future__ import annotations

import sys
from email.message import Message
from importlib import metadata
from pathlib import Path

import fastblob
import pytest


@pytest.fixture(scope="module")
def distribution() -> metadata.Distribution:
    """The installed distribution."""
    return metadata.distribution("fastblob")


@pytest.fixture(scope="module")
def files(distribution: metadata.Distribution) -> set[str]:
    """Its files without what an installer adds."""
    assert distribution.files is not None
    return {file.as_posix() for file in distribution.files if "__pycache__" not in file.parts}


def test_what_is_tested_is_the_installed_wheel(distribution: metadata.Distribution) -> None:
    assert fastblob.__file__ is not None
    assert Path(fastblob.__file__).is_relative_to(sys.prefix)
    assert distribution.read_text("direct_url.json") is None or "archive_info" in str(
        distribution.read_text("direct_url.json")
    )


def test_one_wheel_for_every_python(distribution: metadata.Distribution, files: set[str]) -> None:
    wheel = distribution.read_text("WHEEL")
    assert wheel is not None
    assert "Tag: cp311-abi3-" in wheel
    assert [file for file in files if file.endswith(".so")] == ["fastblob/_fastblob.abi3.so"]


def test_types_stubs_and_licence_are_in_it(files: set[str]) -> None:
    assert {"fastblob/py.typed", "fastblob/_fastblob.pyi", "fastblob/__init__.py"} <= files
    assert [file for file in files if file.endswith("licenses/LICENSE")]


def test_nothing_else_is_in_it(files: set[str]) -> None:
    assert {file.split("/")[0].split("-")[0] for file in files} <= {"fastblob", "metaflow_extensions"}
    assert not any(file.endswith((".rs", ".toml", "conftest.py")) or "test_" in file for file in files)


def test_metadata(distribution: metadata.Distribution) -> None:
    described = distribution.metadata
    assert isinstance(described, Message)
    assert described["Name"] == "fastblob"
    assert described["Version"] == fastblob.__version__
    assert described["Requires-Python"] == ">=3.11"
    assert described["License-Expression"] == "Apache-2.0"
    assert set(described.get_all("Provides-Extra", [])) >= {"metaflow", "progress"}
    assert "# fastblob" in (described["Description"] or described.get_payload())


def test_what_it_requires(distribution: metadata.Distribution) -> None:
    assert distribution.requires is not None
    always = [requirement for requirement in distribution.requires if "extra ==" not in requirement]
    assert sorted(requirement.split(">")[0] for requirement in always) == [
        "azure-core",
        "azure-identity",
        "azure-keyvault-secrets",
    ]
