"""The README's Python examples run as they are written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastblob.local import LocalAzure
from support import Account, run_python

README = Path(__file__).parent.parent / "README.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 2


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.strip().splitlines()[0])
def test_example(service: LocalAzure, service_account: Account, tmp_path: Path, example: str) -> None:
    # The examples that speak of a real account find the embedded service through the environment.
    service_account.sdk.create_container("mycontainer")
    (tmp_path / "data").mkdir()
    for name in ("a.bin", "b.bin"):
        (tmp_path / "data" / name).write_bytes(name.encode())
    ran = run_python(example, cwd=tmp_path)
    service_account.sdk.delete_container("mycontainer")
    assert ran.returncode == 0, ran.stderr
