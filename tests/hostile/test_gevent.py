"""A credential is called on the thread that called: for gevent, context variables, thread-locals."""

from __future__ import annotations

import contextvars
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastblob.local import LocalAzure
from hostile.child import environment, in_child
from hostile.server import Server, each

WHO: contextvars.ContextVar[str] = contextvars.ContextVar("WHO", default="nobody")
LOCAL = threading.local()


class Sees:
    """A credential that takes note of where it is called."""

    def __init__(self, lifetime: float = 7200) -> None:
        self.lifetime = lifetime
        self.seen: list[tuple[int, str, Any]] = []

    def get_token(self, *scopes: str, **options: object) -> Any:
        """A token."""
        from azure.core.credentials import AccessToken

        self.seen.append((threading.get_ident(), WHO.get(), getattr(LOCAL, "value", None)))
        return AccessToken("token", int(time.time() + self.lifetime))


CALLS: dict[str, Callable[[Any], object]] = {
    "read": lambda client: client.read("data/blob"),
    "read_many": lambda client: client.read_many(["data/blob"] * 50),
    "read_many of a generator": lambda client: client.read_many("data/blob" for _ in range(50)),
    "properties_many": lambda client: client.properties_many(["data/blob"] * 50),
    "list_many": lambda client: client.list_many(["data"] * 10, on_error="collect"),
    "large": lambda client: client.read("data/large"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("lifetime", [7200, 1], ids=["one token", "tokens that are renewed"])
@in_child()
def test_the_thread_of_a_credential(call: str, lifetime: float) -> None:
    large = bytes(40 << 20)

    def respond(connection: Any, request: Any) -> None:
        connection.answer_range(request, large if request.path.endswith("large") else b"content")

    with Server(each(respond)) as server:
        credential = Sees(lifetime)
        client = server.client(credential, max_retries=0)
        WHO.set("the caller")
        LOCAL.value = "of the caller"
        CALLS[call](client)
        assert credential.seen
        assert set(credential.seen) == {(threading.get_ident(), "the caller", "of the caller")}


@in_child()
def test_each_thread_asks_in_its_own_context() -> None:
    # Whoever asks does so for itself and never for a thread that is not in a call.
    with Server(each(lambda connection, request: connection.answer_range(request, b"content"))) as server:
        credential = Sees(1)
        client = server.client(credential, max_retries=0)
        callers = {}

        def call(name: str) -> None:
            WHO.set(name)
            LOCAL.value = name
            callers[threading.get_ident()] = name
            client.read_many(["data/blob"] * 20)

        threads = [threading.Thread(target=call, args=(f"thread {n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert credential.seen
        for thread_id, who, value in credential.seen:
            assert callers.get(thread_id) == who == value


GEVENT = """
import gevent.monkey
gevent.monkey.patch_all()
import sys, time
import gevent, gevent.lock
import fastblob
class Token:
    lock = gevent.lock.RLock()
    def get_token(self, *scopes, **options):
        from azure.core.credentials import AccessToken
        with self.lock:
            gevent.sleep(0.01)
        return AccessToken(sys.argv[2], int(time.time()) + 7200)
client = fastblob.Client(sys.argv[1], Token(), max_retries=0)
{call}
print("fine")
"""
GEVENT_CALLS = {
    "read": 'assert client.read("data/blob") == b"content"',
    "read_many": 'assert client.read_many(["data/blob"] * 30) == [b"content"] * 30',
    "list_many": 'assert len(client.list_many(["data"] * 10)) == 10',
    "in greenlets": (
        'jobs = [gevent.spawn(client.read, "data/blob") for _ in range(5)]\n'
        "gevent.joinall(jobs, raise_error=True)"
    ),
    "real credential": (
        "from azure.identity import ManagedIdentityCredential\n"
        "client = fastblob.Client(sys.argv[1], ManagedIdentityCredential(), max_retries=0)\n"
        'assert client.read_many(["data/blob"] * 30) == [b"content"] * 30'
    ),
}


@pytest.mark.parametrize("call", GEVENT_CALLS)
@in_child(seconds=25)
def test_under_gevent(call: str) -> None:
    pytest.importorskip("gevent")
    with LocalAzure(tls=False, containers=["data"]) as azure:
        azure.client().write("data/blob", b"content")
        command = [sys.executable, "-c", GEVENT.format(call=GEVENT_CALLS[call]), azure.blob_endpoint]
        ran = subprocess.run(
            [*command, azure.issue_token()],
            env=environment(**azure.env()),
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout == "fine\n"
