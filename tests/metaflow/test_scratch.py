"""Directories for files that live for a moment."""

from __future__ import annotations

import errno
import fcntl
import platform
import struct
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import Mock

import pytest

TOP_OF_HIERARCHY = 0x00020000


@pytest.fixture
def scratch(datastore_module: ModuleType) -> ModuleType:
    return sys.modules[datastore_module.ScratchDirectory.__module__]


@pytest.mark.parametrize("files", [1, 1000])
def test_it_is_there_until_it_is_closed(scratch: ModuleType, tmp_path: Path, files: int) -> None:
    directories = [scratch.ScratchDirectory(str(tmp_path), files) for _ in range(2)]
    assert len({directory.path for directory in directories}) == 2
    for directory in directories:
        assert tmp_path in directory.path.parents
        assert list(directory.path.iterdir()) == []
        (directory.path / "file").write_bytes(b"1")
        directory.close()
        directory.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(platform.machine() not in {"x86_64", "aarch64"}, reason="numbers of these machines")
def test_many_files_are_spread(scratch: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ioctl = Mock(return_value=struct.pack("l", 0x80000))
    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    scratch.ScratchDirectory(str(tmp_path), 99).close()
    ioctl.assert_not_called()
    scratch.ScratchDirectory(str(tmp_path), 100).close()
    (*_, flags) = ioctl.call_args.args
    assert struct.unpack("l", flags) == (0x80000 | TOP_OF_HIERARCHY,)


def test_a_file_system_without_the_flag(
    scratch: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "ioctl", Mock(side_effect=OSError(errno.ENOTTY, "not for this device")))
    directory = scratch.ScratchDirectory(str(tmp_path), 1000)
    (directory.path / "file").write_bytes(b"1")
    directory.close()
    assert list(tmp_path.iterdir()) == []


def test_where_it_cannot_be_it_is_in_the_temporary_folder(
    scratch: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.touch()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    for parent in (file, tmp_path / "nowhere"):
        directory = scratch.ScratchDirectory(str(parent), 1)
        assert directory.path.parent == temporary
        directory.close()
    assert list(temporary.iterdir()) == []


def test_where_it_can_be_nowhere(
    scratch: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "no-temporary-folder"))
    with pytest.raises(scratch.ScratchDirectoryError, match="Set METAFLOW_ARTIFACT_LOCALROOT") as caught:
        scratch.ScratchDirectory(str(tmp_path / "nowhere"), 1)
    assert str(tmp_path / "nowhere") in str(caught.value)
    assert "no-temporary-folder" in str(caught.value)


@pytest.mark.parametrize("account", ["service"], indirect=True)
def test_a_disk_that_is_full(
    scratch: ModuleType,
    new_storage: Callable[[str], Any],
    container: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    storage = new_storage(f"{container}/mf")
    full = OSError(errno.ENOSPC, "No space left on device", "/somewhere/0")
    monkeypatch.setattr(storage, "_client", Mock(download_many=Mock(side_effect=full)))
    with pytest.raises(scratch.ScratchDirectoryError, match="Set METAFLOW_ARTIFACT_LOCALROOT") as caught:
        storage.load_bytes(["key"])
    assert "No space left on device: '/somewhere/0'" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(200)
def test_a_run_in_a_directory_that_cannot_be_written(place: tuple[Any, Any]) -> None:
    # Nobody can make a directory there, not even root.
    said = place[0].succeed(
        Path(__file__).with_name("small_flow.py"), "run", METAFLOW_ARTIFACT_LOCALROOT="/proc/nowhere"
    )
    assert said.count("step ran: hello") == 2
