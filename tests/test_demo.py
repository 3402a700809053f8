"""The demo that `make demo` runs, with a smaller large file."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from support import run_python

DEMO = Path(__file__).parent.parent / "demo"

# With "spoil", one byte of what came back is made another before the demo compares.
SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
spoil, large_mib = sys.argv[2:]
import demo
compare = demo.differing
def differing(pairs):
    if spoil == "spoil":
        with pairs[0][1].open("r+b") as file:
            first = file.read(1)
            file.seek(0)
            file.write(bytes([first[0] ^ 1]))
    return compare(pairs)
demo.differing = differing
sys.exit(demo.main(["--large-mib", large_mib]))
"""


def run_demo(tmp_path: Path, spoil: str, large_mib: int) -> subprocess.CompletedProcess[str]:
    return run_python(SCRIPT, str(DEMO), spoil, str(large_mib), env={"TMPDIR": str(tmp_path)})


def test_it_moves_everything_and_leaves_nothing(tmp_path: Path) -> None:
    ran = run_demo(tmp_path, "keep", 16)
    assert ran.returncode == 0, ran.stderr
    identical = re.search(r"Files identical: ([\d,]+) of ([\d,]+)", ran.stdout)
    assert identical is not None
    assert identical[1] == identical[2]
    assert int(identical[1].replace(",", "")) > 1000
    assert re.search(r"CRC64 .* agree: ([\d,]+) of \1", ran.stdout)
    assert "Tokens fetched from the managed-identity endpoint: 1" in ran.stdout
    assert list(tmp_path.iterdir()) == []


def test_it_fails_when_anything_differs(tmp_path: Path) -> None:
    ran = run_demo(tmp_path, "spoil", 1)
    assert ran.returncode == 1
    assert "DIFFERS: back/" in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_it_says_where_room_is_missing(tmp_path: Path) -> None:
    ran = run_demo(tmp_path, "keep", 10**9)
    assert ran.returncode == 1
    assert "TMPDIR" in ran.stderr
