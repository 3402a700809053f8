"""Runs the conformance tests on a real account and prints what differed: docs/real-account.md.

Not a test itself: `make test-azure ACCOUNT=... CONTAINER=...`.
"""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from pathlib import Path

import fastblob
import pytest

CONFORMANCE = Path(__file__).with_name("test_conformance.py")
# Over a slow line one test may take minutes, which is no difference.
TEST_SECONDS = 900
USAGE = "make test-azure ACCOUNT=<name> CONTAINER=<name of a container that is there>"


class Report:
    """Collects what became of the tests, as a plugin of pytest."""

    def __init__(self) -> None:
        self.passed = 0
        self.differences: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.differences[report.nodeid.partition("::")[2]] = reason(report)
        elif report.when == "call":
            self.passed += 1

    def show(self) -> None:
        total = self.passed + len(self.differences)
        print(f"\n{self.passed} of {total} tests as expected, {len(self.differences)} differ")
        for name, why in self.differences.items():
            print(f"  {name}\n    {why}")


def reason(report: pytest.TestReport) -> str:
    """The first line of what was found instead."""
    lines = [line[1:].strip() for line in report.longreprtext.splitlines() if line.startswith("E ")]
    return lines[0] if lines else f"failed in its {report.when}"


def main() -> int:
    """Returns 0: as expected; 1: there are differences; 2: the tests could not begin, or not clean up."""
    parser = argparse.ArgumentParser(usage=USAGE)
    for name in ("account", "container", "endpoint"):
        parser.add_argument(f"--{name}", default="")
    arguments, for_pytest = parser.parse_known_args()
    if not arguments.account and not arguments.endpoint:
        return refused("no account given")
    if not arguments.container:
        return refused(
            "no container given: name one that is there; the tests write below a prefix of their own"
        )
    endpoint = arguments.endpoint or f"https://{arguments.account}.blob.core.windows.net"
    os.environ.pop("METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", None)
    os.environ["AZURE_STORAGE_BLOB_ENDPOINT"] = endpoint
    place = f"{arguments.container}/fastblob-test-{uuid.uuid4().hex[:12]}"
    try:
        client = fastblob.Client()
        client.write(f"{place}/access", b"")
    except (fastblob.TransferError, ValueError) as error:
        return refused(f"{endpoint} cannot be used: {error}")
    print(f"{endpoint}: writing below {place}")
    os.environ["FASTBLOB_TEST_ENDPOINT"] = endpoint
    os.environ["FASTBLOB_TEST_PLACE"] = place
    report = Report()
    try:
        options = ["--quiet", "--tb=no", "--no-summary", "--numprocesses=2", f"--timeout={TEST_SECONDS}"]
        code = pytest.main([*options, *for_pytest, str(CONFORMANCE)], plugins=[report])
    finally:
        left = remove_all_below(client, place)
    report.show()
    if left:
        print(f"left behind below {place}: {left}", file=sys.stderr)
        return 2
    print(f"nothing is left below {place}")
    return {pytest.ExitCode.OK: 0, pytest.ExitCode.TESTS_FAILED: 1}.get(pytest.ExitCode(code), 2)


def refused(why: str) -> int:
    print(f"{why}\n{USAGE}\n(docs/real-account.md)", file=sys.stderr)
    return 2


def remove_all_below(client: fastblob.Client, place: str) -> str | None:
    """Says why where something is left."""
    try:
        client.delete_many(client.list(place), missing_ok=True)
    except fastblob.TransferError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
