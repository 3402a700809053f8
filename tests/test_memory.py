"""Memory stays bounded, whatever the size of a blob or the number of blobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fastblob
import pytest
from fastblob.local import LocalAzure
from support import MIB, run_python

if not Path("/proc/self/status").exists():
    pytest.skip("the peak is read from /proc", allow_module_level=True)

LARGE = 768 * MIB
LIMIT = 64 * MIB
# The interpreter, its modules and the stacks of threads, with room to spare; far below the blob's size.
ALLOWED = LIMIT + 160 * MIB

# VmHWM and not getrusage: the latter counts what the parent had before exec.
SCRIPT = f"""
import sys, fastblob
client = fastblob.Client(memory_limit={LIMIT})
container, folder = sys.argv[1:]
{{}}
status = open("/proc/self/status").read()
print(int(status.split("VmHWM:")[1].split()[0]) * 1024)
"""


def peak(script: str, container: str, folder: Path) -> int:
    ran = run_python(SCRIPT.format(script), container, str(folder))
    assert ran.returncode == 0, ran.stderr
    return int(ran.stdout)


@pytest.fixture
def large_file(tmp_path: Path) -> Path:
    """A file far larger than the limit, which takes no room on the disk."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(LARGE)
    return path


@pytest.fixture
def on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A container of a service that keeps its blobs in files, and the environment that leads there."""
    with LocalAzure(tls=False, containers=["data"], directory=tmp_path / "blobs") as azure:
        for name, value in azure.env().items():
            monkeypatch.setenv(name, value)
        yield "data"


def test_a_large_file_up_and_down(on_disk: str, large_file: Path, tmp_path: Path) -> None:
    up = 'client.upload(f"{folder}/large", f"{container}/large")'
    assert peak(up, on_disk, tmp_path) < ALLOWED
    down = 'client.download(f"{container}/large", f"{folder}/again")'
    assert peak(down, on_disk, tmp_path) < ALLOWED
    assert (tmp_path / "again").stat().st_size == LARGE


def test_a_large_stream(on_disk: str, large_file: Path, tmp_path: Path) -> None:
    script = 'with open(f"{folder}/large", "rb") as file: client.write(f"{container}/large", file)'
    assert peak(script, on_disk, tmp_path) < ALLOWED


def test_many_files_of_a_middle_size(
    service_client: fastblob.Client, service_container: str, tmp_path: Path
) -> None:
    blob = f"{service_container}/blob"
    service_client.write(blob, bytes(4 * MIB))
    script = 'client.download_many((f"{container}/blob", f"{folder}/{n}") for n in range(200))'
    assert peak(script, service_container, tmp_path) < ALLOWED


def test_many_writes_from_a_generator(service: LocalAzure, service_container: str, tmp_path: Path) -> None:
    # 800 MiB in all, of which only what is being sent may exist at a time.
    script = 'client.write_many((f"{container}/blob{n}", bytearray(4 << 20)) for n in range(200))'
    assert peak(script, service_container, tmp_path) < ALLOWED


def test_reads_hold_the_result_and_no_copy(
    service_client: fastblob.Client, service_container: str, tmp_path: Path
) -> None:
    size = 256 * MIB
    service_client.write(f"{service_container}/blob", bytes(size))
    script = f'data = client.read(f"{{container}}/blob"); assert len(data) == {size}'
    assert peak(script, service_container, tmp_path) < size + ALLOWED


def test_a_long_listing_is_not_kept(
    service_client: fastblob.Client, service_container: str, tmp_path: Path
) -> None:
    service_client.write_many(
        (f"{service_container}/{number:06}" + "x" * 200, b"") for number in range(20_000)
    )
    script = "assert sum(1 for _ in client.list(container)) == 20_000"
    assert peak(script, service_container, tmp_path) < ALLOWED
