"""The installed wheel: what is in it, and what it says about itself."""

from __future__ import annotations

import sys
from email.message import Message
from importlib import metadata
from pathlib import Path

import fastblob
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

# manylinux2014, and with it Debian 8, RHEL 7, Amazon Linux 2 and everything later.
OLDEST_GLIBC = (2, 17)
# Another one that it needed, such as libgcc_s, an image might not have.
GLIBC_LIBRARIES = {"libc", "libdl", "libm", "libpthread", "librt", "ld-linux-x86-64", "ld-linux-aarch64"}


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
    assert Path(fastblob.__file__).is_relative_to(sys.prefix)
    assert distribution.read_text("direct_url.json") is None or "archive_info" in str(
        distribution.read_text("direct_url.json")
    )


def test_one_wheel_for_every_python(distribution: metadata.Distribution, files: set[str]) -> None:
    wheel = distribution.read_text("WHEEL")
    assert wheel is not None
    assert "Tag: cp311-abi3-" in wheel
    assert sys.platform != "linux" or "manylinux2014" in wheel
    assert [file for file in files if file.endswith(".so")] == ["fastblob/_fastblob.abi3.so"]


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is of Linux")
def test_it_loads_where_glibc_is_old() -> None:
    library = Path(fastblob.__file__).with_name("_fastblob.abi3.so")
    with library.open("rb") as file:
        needed = {
            (str(dependency.name), str(version.name))
            for section in ELFFile(file).iter_sections()
            if isinstance(section, GNUVerNeedSection)
            for dependency, versions in section.iter_versions()
            for version in versions
        }
    assert {name.split(".")[0] for name, _ in needed} <= GLIBC_LIBRARIES
    newest = max(tuple(map(int, version.removeprefix("GLIBC_").split("."))) for _, version in needed)
    assert newest <= OLDEST_GLIBC, sorted(needed)


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
