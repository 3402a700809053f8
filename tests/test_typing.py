"""What a program's type checker says of calls of fastblob, right ones and wrong ones."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("typed_calls.py")
MARK = re.compile(r"  # type: ignore\[[^]]*\]")
# The checkers take their time where nothing is cached.
SECONDS = 300


@pytest.fixture
def unmarked(tmp_path: Path) -> Path:
    """The source, without the marks where mistakes are."""
    file = tmp_path / "typed_calls.py"
    file.write_text(MARK.sub("", SOURCE.read_text()))
    return file


def mistakes() -> list[int]:
    return [number for number, line in enumerate(SOURCE.read_text().splitlines(), 1) if MARK.search(line)]


@pytest.mark.timeout(SECONDS)
def test_mypy(unmarked: Path) -> None:
    pytest.importorskip("mypy")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--cache-dir=.cache",
        unmarked.name,
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=unmarked.parent)
    found = re.findall(r"^typed_calls\.py:(\d+): error", ran.stdout, re.MULTILINE)
    assert sorted({int(number) for number in found}) == mistakes(), ran.stdout + ran.stderr


@pytest.mark.timeout(SECONDS)
def test_pyright(unmarked: Path) -> None:
    pytest.importorskip("basedpyright")
    unmarked.with_name("pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}')
    command = [sys.executable, "-m", "basedpyright", "--pythonpath", sys.executable, "--outputjson"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=unmarked.parent)
    found = json.loads(ran.stdout)["generalDiagnostics"]
    lines = {one["range"]["start"]["line"] + 1 for one in found if one["severity"] == "error"}
    assert sorted(lines) == mistakes(), ran.stdout + ran.stderr
