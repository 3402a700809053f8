"""Directories for files that live for a moment."""

from __future__ import annotations

import errno
import fcntl
import platform
import struct
import sys
from pathlib import Path
from types import ModuleType
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
