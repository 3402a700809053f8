"""The process around a client: its limits, its signals, its end, its children."""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastblob
import pytest
from fastblob.local import LocalAzure
from hostile.child import environment, in_child
from hostile.server import KEY, Connection, Server, each

FEW_DESCRIPTORS = ("bash", "-c", 'ulimit -n 256; exec "$@"', "-")
NEVER = 600


@pytest.mark.parametrize("call", ["upload_many", "download_many", "read_many", "upload_dir", "list_many"])
@in_child(seconds=30)
def test_few_descriptors_are_no_failure(call: str, tmp_path: Path) -> None:
    run_with_few_descriptors(call, tmp_path)


BATCHES = """
import sys, fastblob
from pathlib import Path
url, key, call, folder = sys.argv[1:]
folder = Path(folder)
client = fastblob.Client(url, key, max_connections=200)
many = 1500
if call == "upload_many":
    client.upload_many([(folder / "source" / f"{n}", f"data/new/{n}") for n in range(many)])
elif call == "upload_dir":
    client.upload_dir(folder / "source", "data/new")
elif call == "download_many":
    client.download_many([("data/blob", folder / f"t{n}") for n in range(many)])
elif call == "read_many":
    client.read_many(["data/blob"] * many)
else:
    client.list_many(["data"] * 300)
"""


def run_with_few_descriptors(call: str, folder: Path) -> None:
    """Runs the batch in a process that may open 256 files, sockets included."""
    (folder / "source").mkdir()
    if call.startswith("upload"):
        for number in range(1500):
            (folder / f"source/{number}").write_bytes(b"x")
    with LocalAzure(tls=False, containers=["data"], latency=0.02) as azure:
        azure.client().write("data/blob", b"content")
        # Files that the program itself holds open leave the client even fewer.
        script = f"held = [open('/dev/null') for _ in range(150)]\n{BATCHES}"
        command = [
            *FEW_DESCRIPTORS,
            sys.executable,
            "-c",
            script,
            azure.blob_endpoint,
            azure.account_key,
            call,
        ]
        ran = subprocess.run(
            [*command, str(folder)], env=environment(), capture_output=True, text=True, check=False
        )
    assert ran.returncode == 0, ran.stderr[-2000:]


SIGPIPE = """
import signal, sys, fastblob
from hostile.server import KEY
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
client = fastblob.Client(sys.argv[1], KEY, max_retries=2)
for _ in range(5):
    try:
        client.write("data/blob", bytes(8 << 20), overwrite=True)
    except fastblob.TransferError:
        pass
    try:
        client.read("data/blob")
    except fastblob.TransferError:
        pass
print("alive")
"""


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@in_child(seconds=30)
def test_sigpipe_at_its_default_ends_nothing(tls: bool) -> None:
    def script(connection: Connection) -> None:
        request = connection.read_head()
        if request is not None and request.method == "GET":
            connection.answer_range(request, b"content")
        connection.reset()

    with LocalAzure() as azure, Server(script, tls=azure if tls else None) as server:
        ran = subprocess.run(
            [sys.executable, "-c", SIGPIPE, server.url],
            env=environment(PYTHONPATH=os.environ["PYTHONPATH"], SSL_CERT_FILE=str(azure.ca_file)),
            capture_output=True,
            text=True,
            check=False,
        )
    assert (ran.returncode, ran.stdout) == (0, "alive\n"), ran.stderr


DEL = """
import sys, fastblob
from hostile.server import KEY
class Late:
    def __init__(self, client):
        self.client = client
    def __del__(self):
        for call in (
            lambda: self.client.read("data/blob"),
            lambda: self.client.read_many(["data/blob"] * 3),
            lambda: list(self.client.list("data")),
            lambda: self.client.write("data/blob", b"x", overwrite=True),
        ):
            try:
                call()
            except BaseException:
                pass
client = fastblob.Client(sys.argv[1], sys.argv[2], max_retries=0)
client.read("data/blob")
late = Late(client)
{keep}
"""


@pytest.mark.parametrize(
    "keep", ["sys.late = late", "import builtins; builtins.late = late", "late.self = late"]
)
@in_child()
def test_calls_in_del_at_the_end_of_the_interpreter(keep: str) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        azure.client().write("data/blob", b"content")
        ran = subprocess.run(
            [sys.executable, "-c", DEL.format(keep=keep), azure.blob_endpoint, azure.account_key],
            env=environment(PYTHONPATH=os.environ["PYTHONPATH"]),
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    assert "panic" not in ran.stderr


class Refers:
    """A credential that knows its client."""

    def __init__(self) -> None:
        self.client: Any = None

    def get_token(self, *scopes: str, **options: object) -> Any:
        """A token for two hours."""
        from azure.core.credentials import AccessToken

        return AccessToken("token", int(time.time()) + 7200)


def descriptors() -> int:
    """How many files and sockets this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


@in_child()
def test_a_credential_that_refers_to_its_client_is_collected() -> None:
    with Server(each(lambda connection, request: connection.answer_range(request, b"content"))) as server:
        before = descriptors()

        def used() -> weakref.ref[Refers]:
            credential = Refers()
            credential.client = server.client(credential)
            credential.client.read("data/blob")
            return weakref.ref(credential)

        references = [used() for _ in range(100)]
        gc.collect()
        assert sum(reference() is not None for reference in references) == 0
        # The server's own ends go when its threads have seen the farewells.
        for _ in range(500):
            if descriptors() <= before + 10:
                break
            threading.Event().wait(0.01)
        assert descriptors() <= before + 10


@pytest.mark.parametrize("holder", ["subclass", "closure"])
@in_child()
def test_other_cycles_are_collected(holder: str) -> None:
    class Kept(fastblob.Client):
        pass

    with LocalAzure(tls=False, containers=["data"]) as azure:
        credential: Any = None
        if holder == "subclass":
            client: Any = Kept(azure.blob_endpoint, azure.account_key)
            client.itself = client
        else:
            credential = Refers()
            client = azure.client(credential)
            credential.client = lambda: client
        reference = weakref.ref(client if holder == "subclass" else credential)
        client = credential = None
        gc.collect()
        assert reference() is None


DAEMON = """
import io, sys, threading, time
import fastblob
from fastblob.local import LocalAzure
url, key, inside = sys.argv[1:]
begun = threading.Event()
class Token:
    def get_token(self, *scopes, **options):
        begun.set()
        time.sleep(600)
class Stream:
    def read(self, size=-1):
        begun.set()
        time.sleep({pause})
        return b"x" * 1000
def items():
    for n in range(10**9):
        begun.set()
        time.sleep({pause})
        yield "data/blob"
def progress(state):
    begun.set()
    time.sleep({pause})
client = fastblob.Client(url, Token() if inside == "credential" else key)
calls = {{
    "credential": lambda: client.read("data/blob"),
    "file object": lambda: client.write("data/new", Stream()),
    "generator": lambda: client.read_many(items()),
    "progress": lambda: client.read_many(("data/blob" for n in range(10**9)), progress=progress),
    "read": lambda: begun.set() or [client.read("data/blob") for n in range(10**9)],
    "list": lambda: begun.set() or [list(client.list("data")) for n in range(10**9)],
}}
for _ in range(3):
    threading.Thread(target=calls[inside], daemon=True).start()
begun.wait()
time.sleep(0.05)
"""


@pytest.mark.parametrize("inside", ["credential", "file object", "generator", "progress", "read", "list"])
@pytest.mark.parametrize("pause", [0.001, NEVER])
@in_child(seconds=30)
def test_daemon_threads_at_the_end_of_the_interpreter(inside: str, pause: float) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        azure.client().write("data/blob", b"content")
        for _ in range(4):
            ran = subprocess.run(
                [
                    sys.executable,
                    "-c",
                    DAEMON.format(pause=pause),
                    azure.blob_endpoint,
                    azure.account_key,
                    inside,
                ],
                env=environment(),
                capture_output=True,
                text=True,
                check=False,
                timeout=15,
            )
            assert ran.returncode == 0, ran.stderr


def states_of_sockets(port: int) -> list[str]:
    """The states, in hexadecimal as /proc has them, of this process's sockets whose other end is ``port``."""
    found = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[2].split(":")[1], 16) == port:
            found.append(fields[3])
    return found


ESTABLISHED, CLOSE_WAIT = "01", "08"


@in_child(seconds=45)
def test_idle_connections_that_the_service_closed_do_not_stay() -> None:
    # Azurite closes them after 5 s, Azure after some minutes.
    go = threading.Event()

    def script(connection: Connection) -> None:
        for request in connection.requests():
            # All at the same time, so that each has a connection of its own; a client begins with eight.
            server.wait_for_requests(8)
            connection.answer_range(request, b"content")
            go.wait(NEVER)
            return

    with Server(script) as server:
        client = server.client()
        threads = [threading.Thread(target=client.read, args=("data/blob",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        go.set()
        # Those that the service has not closed yet count as well: it closes all of them.
        for _ in range(1000):
            if not {ESTABLISHED, CLOSE_WAIT} & set(states_of_sockets(server.port)):
                break
            threading.Event().wait(0.01)
        assert not {ESTABLISHED, CLOSE_WAIT} & set(states_of_sockets(server.port))


@pytest.mark.parametrize("how", ["close", "with", "collected"])
@in_child()
def test_a_client_that_ends_leaves_no_connection(how: str) -> None:
    with Server(each(lambda connection, request: connection.answer_range(request, b"content"))) as server:
        client = server.client()
        if how == "with":
            with client as entered:
                assert entered.read_many(["data/blob"] * 50)
            del entered
        elif how == "close":
            client.read_many(["data/blob"] * 50)
            client.close()
            # A second time is no error.
            client.close()
        else:
            client.read_many(["data/blob"] * 50)
            del client
            gc.collect()
        for _ in range(500):
            if ESTABLISHED not in states_of_sockets(server.port):
                break
            threading.Event().wait(0.01)
        assert ESTABLISHED not in states_of_sockets(server.port)


@in_child()
def test_a_closed_client_says_so() -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client: Any = azure.client()
        client.close()
        calls: list[Callable[[], object]] = [
            lambda: client.read("data/blob"),
            lambda: client.read_many(["data/blob"]),
            lambda: list(client.list("data")),
            lambda: client.write("data/blob", b"x"),
        ]
        for call in calls:
            with pytest.raises((ValueError, RuntimeError), match="closed"):
                call()
        assert azure.request_counts() == {}


@pytest.mark.parametrize("proxied", [False, True])
@pytest.mark.parametrize("how", ["fork", "pickle", "fork after use", "spawned process", "env changed"])
@in_child(seconds=30)
def test_a_client_of_local_azure_survives(how: str, proxied: bool) -> None:
    if proxied:
        os.environ["HTTPS_PROXY"] = "http://127.0.0.1:9"
        os.environ["https_proxy"] = "http://127.0.0.1:9"
    with LocalAzure(containers=["data"]) as azure:
        client = azure.client(max_retries=0)
        if how == "fork after use":
            client.write("data/first", b"first")
        if how == "pickle":
            client = pickle.loads(pickle.dumps(client))
        if how == "env changed":
            os.environ["SSL_CERT_FILE"] = "/nonexistent"
        if how == "spawned process":
            script = (
                "import pickle, sys; client = pickle.loads(bytes.fromhex(sys.argv[1]));"
                "client.write('data/blob', b'content')"
            )
            command = [sys.executable, "-c", script, pickle.dumps(client).hex()]
            variables = {name: os.environ[name] for name in ("HTTPS_PROXY",) if name in os.environ}
            ran = subprocess.run(
                command, env=environment(**variables), capture_output=True, text=True, check=False
            )
            assert ran.returncode == 0, ran.stderr
        elif how.startswith("fork"):
            child = os.fork()
            if child == 0:
                try:
                    client.write("data/blob", b"content")
                    os._exit(0)
                except BaseException as error:  # noqa: BLE001 - the child must end here
                    print(repr(error), flush=True)
                    os._exit(1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        else:
            client.write("data/blob", b"content")
        assert azure.client().read("data/blob") == b"content"


@pytest.mark.parametrize("how", ["constructed", "pickle", "fork"])
@in_child()
def test_ca_file_and_proxy_are_explicit_and_stay(how: str) -> None:
    os.environ["SSL_CERT_FILE"] = "/nonexistent"
    with LocalAzure(containers=["data"]) as azure:
        make: Any = fastblob.Client
        client = make(azure.blob_endpoint, azure.account_key, ca_file=azure.ca_file, max_retries=0)
        if how == "pickle":
            client = pickle.loads(pickle.dumps(client))
        if how == "fork":
            child = os.fork()
            if child == 0:
                os._exit(0 if not client.exists("data/blob") else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert not client.exists("data/blob")


@pytest.mark.parametrize("how", ["constructed", "pickle"])
@in_child()
def test_an_explicit_proxy_is_used(how: str) -> None:
    make: Any = fastblob.Client
    with Server(
        each(lambda connection, request: connection.answer_error(request, 503, "FromTheProxy"))
    ) as proxy:
        client = make(
            "https://acct.blob.core.windows.net",
            KEY,
            proxy=f"http://127.0.0.1:{proxy.port}",
            max_retries=0,
            timeout=2,
        )
        if how == "pickle":
            client = pickle.loads(pickle.dumps(client))
        with pytest.raises(fastblob.TransferError):
            client.read("data/blob")
        assert proxy.heads[0].method == "CONNECT"
        assert proxy.heads[0].target == "acct.blob.core.windows.net:443"


@in_child()
def test_a_ca_file_that_is_none_is_said_at_once(tmp_path: Path) -> None:
    make: Any = fastblob.Client
    (tmp_path / "ca.pem").write_text("no certificate")
    for ca_file in (tmp_path / "none.pem", tmp_path / "ca.pem"):
        with pytest.raises((ValueError, OSError), match=r"ca_file|ca\.pem|none\.pem"):
            make("https://acct.blob.core.windows.net", KEY, ca_file=ca_file)


@in_child()
def test_a_timeout_while_connecting_is_the_clients(tmp_path: Path) -> None:
    # A TLS handshake that is silent counts as well.
    def script(connection: Connection) -> None:
        connection.hold()

    with LocalAzure() as azure, Server(script, tls=azure, raw=True) as server:
        client = server.client(max_retries=0, timeout=1)
        with pytest.raises(fastblob.NetworkError):
            client.read("data/blob")
