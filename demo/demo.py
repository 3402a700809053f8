"""Moves the interpreter's standard library and one file of 1 GiB to Azure and back, and compares every byte.

Azure is the embedded service (HTTPS, managed-identity token endpoint); the credential is an unmodified
DefaultAzureCredential. Run it with `make demo`. Exits with 1 if anything differs, and leaves nothing behind.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import fastblob
from azure.identity import DefaultAzureCredential
from fastblob.local import LocalAzure

MIB = 1024 * 1024
CONTAINER = "demo"
LARGE_NAME = "large.bin"


@dataclass(frozen=True)
class Phase:
    """One direction of the transfer, for the closing table."""

    name: str
    results: list[fastblob.TransferResult]
    seconds: float

    @property
    def row(self) -> list[str]:
        size = sum(result.size for result in self.results)
        return [
            self.name,
            f"{len(self.results):,}",
            f"{size:,}",
            f"{self.seconds:.2f}",
            f"{size / 1e6 / self.seconds:,.0f}",
            f"{sum(result.requests for result in self.results):,}",
            f"{sum(result.retries for result in self.results):,}",
        ]


def standard_library() -> dict[str, Path]:
    """The files of the interpreter's standard library by their relative names."""
    root = Path(sysconfig.get_path("stdlib"))
    files = {}
    for folder, subfolders, names in os.walk(root):
        # Installed packages are not the library's; caches may be rewritten by other programs meanwhile.
        subfolders[:] = [
            name for name in subfolders if name not in {"site-packages", "dist-packages", "__pycache__"}
        ]
        for name in names:
            path = Path(folder, name)
            if path.is_file() and os.access(path, os.R_OK):
                files[path.relative_to(root).as_posix()] = path
    return files


def write_random(path: Path, mib: int) -> None:
    """Write a file that no compression can make smaller."""
    with path.open("wb") as file:
        for _ in range(mib):
            file.write(os.urandom(MIB))


def timed(name: str, transfer: Callable[[], list[fastblob.TransferResult]]) -> Phase:
    """Run one direction of the transfer."""
    print(f"\n{name} ...", flush=True)
    started = time.perf_counter()
    results = transfer()
    return Phase(name, results, time.perf_counter() - started)


def differing(pairs: Sequence[tuple[Path, Path]]) -> list[Path]:
    """The targets that are not byte for byte what their source is."""
    return [target for source, target in pairs if not filecmp.cmp(source, target, shallow=False)]


def print_table(phases: Sequence[Phase]) -> None:
    """Print what each direction took."""
    header = ["", "items", "bytes", "seconds", "MB/s", "requests", "retries"]
    rows = [header, *(phase.row for phase in phases)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    print()
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  ".join(cells))


def run(folder: Path, azure: LocalAzure, large_mib: int) -> int:
    """Do everything in ``folder``; the exit status."""
    sources = standard_library()
    print(f"Standard library: {len(sources):,} files. Writing one more of {large_mib:,} MiB ...", flush=True)
    sources[LARGE_NAME] = folder / LARGE_NAME
    write_random(sources[LARGE_NAME], large_mib)
    blobs = {name: f"{CONTAINER}/{name}" for name in sources}
    targets = {name: folder / "back" / name for name in sources}

    with DefaultAzureCredential() as credential:
        client = fastblob.Client(azure.blob_endpoint, credential)
        up = timed(
            "upload_many",
            lambda: client.upload_many([(sources[name], blobs[name]) for name in sources], progress=True),
        )
        down = timed(
            "download_many",
            lambda: client.download_many([(blobs[name], targets[name]) for name in sources], progress=True),
        )

    print("\nComparing byte for byte ...", flush=True)
    wrong = differing([(sources[name], targets[name]) for name in sources])
    pairs = zip(up.results, down.results, strict=True)
    agreeing = sum(sent.crc64 is not None and sent.crc64 == received.crc64 for sent, received in pairs)

    print_table([up, down])
    print(f"\nFiles identical: {len(sources) - len(wrong):,} of {len(sources):,}")
    print(f"CRC64 of upload and download agree: {agreeing:,} of {len(sources):,}")
    print(f"Tokens fetched from the managed-identity endpoint: {azure.request_counts().get('Token', 0)}")
    for target in wrong[:10]:
        print(f"DIFFERS: {target.relative_to(folder)}", file=sys.stderr)
    return 1 if wrong or agreeing != len(sources) else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the arguments, start Azure on this machine, run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--large-mib", type=int, default=1024, help="size of the large file (default: %(default)s)"
    )
    large_mib = parser.parse_args(arguments).large_mib
    with tempfile.TemporaryDirectory(prefix="fastblob-demo-") as name:
        folder = Path(name)
        # The large file and its copy; the library's files hardly count.
        needed, free = (2 * large_mib + 512) * MIB, shutil.disk_usage(folder).free
        if free < needed:
            print(
                f"The demo needs {needed // MIB:,} MiB in {folder.parent}; {free // MIB:,} MiB are free. "
                "Set TMPDIR to a folder with more room, or pass --large-mib",
                file=sys.stderr,
            )
            return 1
        with LocalAzure(containers=[CONTAINER]) as azure:
            # All that an unmodified DefaultAzureCredential needs to find the service's token endpoint.
            os.environ.update(azure.env())
            return run(folder, azure, large_mib)


if __name__ == "__main__":
    sys.exit(main())
