"""After os.fork() the child starts with connections of its own, and the parent's go on working."""

from __future__ import annotations

import pytest
from fastblob.local import LocalAzure
from support import run_python

# Threads of the client exist when it forks, which Python 3.12 and later warn of.
PRELUDE = """
import os, sys, threading, warnings, fastblob
warnings.simplefilter("ignore", DeprecationWarning)
container = sys.argv[1]
client = fastblob.Client(max_connections=4)
blobs = [f"{container}/{number}" for number in range(50)]
client.write_many((blob, blob.encode()) for blob in blobs)
expected = [blob.encode() for blob in blobs]

def in_child(check):
    child = os.fork()
    if child == 0:
        try:
            check()
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""

SCRIPTS = {
    "the inherited client works in the child, and in the parent afterwards": """
def check():
    assert client.read_many(blobs) == expected
    assert client.read(blobs[0]) == expected[0]
    client.write(f"{container}/child", b"child")
in_child(check)
assert client.read_many(blobs) == expected
assert client.read(f"{container}/child") == b"child"
""",
    "the module's own functions work in the child": """
assert fastblob.read(blobs[0]) == expected[0]
in_child(lambda: fastblob.read_many(blobs) == expected or os._exit(2))
assert fastblob.read(blobs[0]) == expected[0]
""",
    # Not while threads enter or leave Python: there CPython before 3.11.8 may lock itself up
    # (https://github.com/python/cpython/issues/112275). Here one waits for
    # the service, and all others are done.
    "a child made while the parent transfers": """
client.write(f"{container}/held", b"held")
waiting, results = threading.Event(), []
def progress(state):
    if state.items_done == len(blobs):
        waiting.set()
def transfer():
    results.extend(client.read_many([f"{container}/held", *blobs], progress=progress))
thread = threading.Thread(target=transfer)
thread.start()
assert waiting.wait(20)
in_child(lambda: client.read_many(blobs) == expected or os._exit(2))
thread.join()
assert results == [b"held", *expected]
""",
    "a grandchild": """
in_child(lambda: in_child(lambda: client.read_many(blobs) == expected or os._exit(2)))
""",
    "multiprocessing by fork": """
import multiprocessing
with multiprocessing.get_context("fork").Pool(3) as pool:
    assert pool.map(client.read, blobs) == expected
assert client.read_many(blobs) == expected
""",
    "a child that ends in the middle of a call": """
def items():
    yield blobs[0]
    if os.fork() == 0:
        sys.exit(7)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 7
    yield blobs[1]
assert client.read_many(items()) == expected[:2]
""",
    "a list that was begun in the parent": """
def check():
    try:
        list(entries)
    except RuntimeError as error:
        assert "os.fork" in str(error)
    else:
        os._exit(2)
entries = client.list(container)
first = next(entries)
in_child(check)
assert len(list(entries)) == len(blobs) - 1
""",
    "a child of a client that was never used": """
unused = fastblob.Client()
in_child(lambda: unused.read(blobs[0]) == expected[0] or os._exit(2))
assert unused.read(blobs[0]) == expected[0]
""",
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_fork(service: LocalAzure, service_container: str, script: str) -> None:
    service.add_fault(operation="GetBlob", path="/held", delay=3, times=1)
    ran = run_python(f"{PRELUDE}{SCRIPTS[script]}\nprint('done')", service_container)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "done\n"
    assert ran.stderr == ""


def test_the_child_uses_no_connection_of_its_parent(service: LocalAzure, service_container: str) -> None:
    script = f"""{PRELUDE}
client.read(blobs[0])
in_child(lambda: client.properties(blobs[0]))
"""
    ran = run_python(script, service_container)
    assert ran.returncode == 0, ran.stderr
    records = service.requests()
    (child,) = [record.connection for record in records if record.operation == "GetBlobProperties"]
    assert child not in {record.connection for record in records if record.operation != "GetBlobProperties"}
