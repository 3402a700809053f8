"""What `atexit` calls before the interpreter ends may use the client, whenever it was registered."""

from __future__ import annotations

import subprocess
import sys

import pytest
from fastblob.local import LocalAzure
from hostile.child import environment, in_child

PRELUDE = """
import atexit, io, sys, threading
url, key = sys.argv[1:]

def late():
{handler}

# Called after whatever the import registers.
atexit.register(late)
import fastblob
client = fastblob.Client(url, key)
"""

HANDLERS = {
    "calls on threads of the client": """
    assert client.read("data/blob") == b"content"
    assert client.read_many(["data/blob"] * 40) == [b"content"] * 40
    assert len(client.read("data/large")) == 18 << 20
    assert client.write("data/new", io.BytesIO(b"x")).size == 1
    print("done")
""",
    "a daemon thread that it waits for": """
    stop.set()
    daemon.join()
    print("done")
""",
}

DAEMON = """
stop, begun = threading.Event(), threading.Event()
def work():
    while not stop.is_set():
        client.read("data/blob")
        begun.set()
daemon = threading.Thread(target=work, daemon=True)
daemon.start()
begun.wait()
"""


@pytest.mark.parametrize("handler", HANDLERS)
@in_child(seconds=30)
def test_a_handler_that_was_registered_before_the_import(handler: str) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        azure.client().write("data/blob", b"content")
        azure.client().write("data/large", bytes(18 << 20))
        script = PRELUDE.format(handler=HANDLERS[handler]) + DAEMON
        ran = subprocess.run(
            [sys.executable, "-c", script, azure.blob_endpoint, azure.account_key],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "done\n", "")


FINALIZER = """
import sys, fastblob
client = fastblob.Client(*sys.argv[1:])
def entries():
    try:
        yield from client.list("data")
    finally:
        client.read("data/blob")
kept = entries()
next(kept)
"""


@in_child(seconds=30)
def test_a_read_when_the_interpreter_has_ended_says_so() -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        # Room for it has to be made in Python's own memory.
        azure.client().write("data/blob", bytes(100_000))
        ran = subprocess.run(
            [sys.executable, "-c", FINALIZER, azure.blob_endpoint, azure.account_key],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 0
    assert "Python is shutting down" in ran.stderr
    assert "Panic" not in ran.stderr


SUBINTERPRETER = """
import sys, threading, fastblob
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
client = fastblob.Client(*sys.argv[1:])
child = interpreters.create()
script = '''
try:
    import fastblob
except ImportError as error:
    if "subinterpreters" not in str(error):
        raise
else:
    raise RuntimeError("imported")
'''
assert interpreters.run_string(child, script) is None
interpreters.destroy(child)
thread = threading.Thread(target=lambda: print(client.read("data/blob").decode()))
thread.start()
thread.join()
"""


@in_child(seconds=30)
def test_a_subinterpreter_is_refused_and_its_end_stops_nobody() -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        azure.client().write("data/blob", b"content")
        ran = subprocess.run(
            [sys.executable, "-c", SUBINTERPRETER, azure.blob_endpoint, azure.account_key],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert (ran.returncode, ran.stdout) == (0, "content\n"), ran.stderr
