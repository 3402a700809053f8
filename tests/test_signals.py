"""Ctrl-C ends a call soon and leaves no temporary file.

Judged by the order of events: the service would hold the call up for far longer than the test
waits for its end.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import fastblob
import pytest
from fastblob.local import LocalAzure
from support import MIB, content, files_below, write_file

SECONDS = 20
HELD_UP = 300

PRELUDE = """
import sys, fastblob
container, folder = sys.argv[1:]
client = fastblob.Client(timeout=600)
def progress(state):
    print("moving", flush=True)
"""

CALLS = {
    "download": 'client.download(f"{container}/blob", f"{folder}/target", progress=progress)',
    "download_many": (
        'client.download_many([(f"{container}/{n}", f"{folder}/{n}") for n in range(20)], progress=progress)'
    ),
    "upload": 'client.upload(f"{folder}/source", f"{container}/new", progress=progress)',
    "read_many": 'client.read_many([f"{container}/{n}" for n in range(20)], progress=progress)',
    "write_many from a generator": (
        'client.write_many(((f"{container}/new{n}", b"x") for n in range(20)), progress=progress)'
    ),
    # Without a progress callable: the line before it must do, since the call is held up whenever it begins.
    "read": 'print("moving", flush=True); client.read(f"{container}/blob")',
    "list": 'print("moving", flush=True); list(client.list(container))',
    "properties": 'print("moving", flush=True); client.properties(f"{container}/blob")',
    "exists, retrying": 'print("moving", flush=True); client.exists(f"{container}/busy")',
}


@pytest.mark.parametrize("call", CALLS)
def test_ctrl_c(
    service: LocalAzure, service_client: fastblob.Client, service_container: str, tmp_path: Path, call: str
) -> None:
    service_client.write(f"{service_container}/blob", content(20 * MIB))
    service_client.write_many((f"{service_container}/{number}", content(1000)) for number in range(20))
    source = write_file(tmp_path / "source", 20 * MIB)
    service.add_fault(path="/busy", status=503, code="ServerBusy", headers={"Retry-After": str(HELD_UP)})
    service.add_fault(path=service_container, delay=HELD_UP)
    script = PRELUDE + CALLS[call]
    command = [sys.executable, "-c", script, service_container, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "moving\n"
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert "KeyboardInterrupt" in said
    assert process.returncode == -signal.SIGINT
    assert files_below(tmp_path) == {"source": source}


def test_the_client_works_on_after_ctrl_c(
    service: LocalAzure, service_client: fastblob.Client, service_container: str
) -> None:
    service_client.write(f"{service_container}/blob", content(1000))
    service.add_fault(path="/held", delay=HELD_UP)
    script = """
import sys, fastblob
client = fastblob.Client(timeout=600)
try:
    print("moving", flush=True)
    client.read(f"{sys.argv[1]}/held")
except KeyboardInterrupt:
    print(len(client.read(f"{sys.argv[1]}/blob")))
"""
    command = [sys.executable, "-c", script, service_container]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "moving\n"
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert said == "1000\n"


def test_a_signal_handler_runs_during_a_call(
    service: LocalAzure, service_client: fastblob.Client, service_container: str
) -> None:
    # A handler that raises nothing does not end the call.
    service_client.write(f"{service_container}/blob", content(1000))
    service.add_fault(path="/blob", delay=2, times=1)
    script = """
import signal, sys, fastblob
client = fastblob.Client()
signal.signal(signal.SIGUSR1, lambda *_: print("handled", flush=True))
print("moving", flush=True)
print(len(client.read(f"{sys.argv[1]}/blob")))
"""
    command = [sys.executable, "-c", script, service_container]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "moving\n"
            process.send_signal(signal.SIGUSR1)
            said, _ = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert said == "handled\n1000\n"
