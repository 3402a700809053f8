"""The lease of a ``with`` block: renewed meanwhile, released at the end, and what is told of trouble."""

from __future__ import annotations

import contextvars
import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

import fastblob
import pytest
from azure.core.credentials import AccessToken
from fastblob import _lease
from fastblob.local import LocalAzure
from hostile.server import Connection, Request, Server, each
from support import run_python

SECONDS = 20
VERSION = {"ETag": '"0x1"', "Last-Modified": "Tue, 14 Nov 2023 22:13:20 GMT"}
CONTEXT: contextvars.ContextVar[str] = contextvars.ContextVar("CONTEXT", default="none")


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "fastblob-lease"]


class Leasing:
    """A service that leases a blob, as it is told to.

    Attributes:
        renewals: What is answered to renewals, from the first on: 200, an error, or "hold" for no answer at
            all. The last one is for all that follow.
        actions: What was asked for.
    """

    def __init__(self, *renewals: tuple[int, str] | str) -> None:
        self.renewals = list(renewals) or [(200, "")]
        self.actions: list[str] = []
        self.changed = threading.Condition()
        self.release: tuple[int, str] = (200, "")

    def respond(self, connection: Connection, request: Request) -> None:
        """Answers."""
        action = request.headers.get("x-ms-lease-action", request.method)
        with self.changed:
            self.actions.append(action)
            self.changed.notify_all()
        lease = request.headers.get("x-ms-lease-id", request.headers.get("x-ms-proposed-lease-id"))
        answer: tuple[int, str] | str = (201 if action in {"acquire", "PUT"} else 200, "")
        if action == "renew":
            answer = self.renewals.pop(0) if len(self.renewals) > 1 else self.renewals[0]
        if action == "release":
            answer = self.release
        if isinstance(answer, str):
            connection.hold()
        elif answer[1]:
            connection.answer_error(request, *answer)
        else:
            connection.answer(request, answer[0], {**VERSION, "x-ms-lease-id": lease})

    def wait_for(self, action: str, count: int) -> None:
        """Waits until that was asked for so many times."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.actions.count(action) >= count, SECONDS)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease is renewed every 10 ms."""
    monkeypatch.setattr(_lease, "_RENEWALS", 1500)
    monkeypatch.setattr(_lease, "_PAUSE", 0.01)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that may be put forward."""
    clock = SimpleNamespace(ahead=0.0)
    monkeypatch.setattr(_lease, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + clock.ahead))
    return clock


def failed(lease: fastblob.Lease) -> fastblob.TransferError:
    """What the lease tells, as soon as it tells something."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            assert lease.id
        except fastblob.TransferError as error:
            return error
        threading.Event().wait(0.01)
    pytest.fail("nothing was told")


def test_one_is_held_inside_of_the_block(client: fastblob.Client, container: str) -> None:
    blob = f"{container}/blob"
    client.write(blob, b"data")
    lease = client.lease(blob, seconds=15)
    with pytest.raises(ValueError, match="has not begun"):
        client.read(blob, lease=lease)
    with lease as same:
        assert same is lease
        assert client.properties(blob).lease_state == "leased"
        assert threads() == ["fastblob-lease"]
        client.write(blob, b"new", overwrite=True, lease=lease.id)
        client.write(blob, b"newer", overwrite=True, lease=lease)
        client.renew_lease(blob, lease)
    assert client.properties(blob).lease_state == "available"
    assert threads() == []
    with pytest.raises(ValueError, match="has ended"):
        assert lease.id
    with pytest.raises(ValueError, match="used already"):
        lease.__enter__()


def test_one_for_ever_needs_no_thread(client: fastblob.Client, container: str) -> None:
    client.write(f"{container}/blob", b"data")
    with client.lease(f"{container}/blob", seconds=None) as lease:
        assert threads() == []
        client.set_metadata(f"{container}/blob", {"k": "v"}, lease=lease)
    client.delete(f"{container}/blob")


def test_who_deletes_the_blob_ends_its_lease(client: fastblob.Client, container: str) -> None:
    client.write(f"{container}/blob", b"data")
    with client.lease(f"{container}/blob") as lease:
        client.delete(f"{container}/blob", lease=lease)


def test_what_is_leased_already_is_told_where_the_block_begins(
    client: fastblob.Client, container: str
) -> None:
    client.write(f"{container}/blob", b"data")
    item = next(client.list(container))
    with (
        client.lease(item),
        pytest.raises(fastblob.BlobConflictError, match="lease on the blob already"),
        client.lease(item),
    ):
        pytest.fail("leased twice")
    client.delete(item)


@pytest.mark.usefixtures("often")
def test_it_is_renewed() -> None:
    service = Leasing()
    with Server(each(service.respond)) as server, server.client().lease("data/blob", 15) as lease:
        service.wait_for("renew", 3)
        assert lease.id
    assert service.actions[0] == "acquire"
    assert service.actions[-1] == "release"
    assert set(service.actions[1:-1]) == {"renew"}


@pytest.mark.usefixtures("often")
def test_trouble_that_passes_is_none() -> None:
    service = Leasing((500, "InternalError"), (403, "AuthenticationFailed"), (200, ""))
    with (
        Server(each(service.respond)) as server,
        server.client(max_retries=0).lease("data/blob", 15) as lease,
    ):
        service.wait_for("renew", 4)
        assert lease.id


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("code", ["LeaseIdMismatchWithLeaseOperation", "LeaseIsBrokenAndCannotBeRenewed"])
def test_one_that_was_lost_is_told_at_the_next_use_and_at_the_end(code: str) -> None:
    service = Leasing((200, ""), (409, code))
    with Server(each(service.respond)) as server:
        client = server.client()
        with pytest.raises(fastblob.BlobConflictError) as caught, client.lease("data/blob", 15) as lease:  # noqa: PT012
            assert failed(lease).error_code == code
            for use in (
                lambda: client.write("data/blob", b"", lease=lease),
                lambda: client.delete("data/blob", lease=lease),
                lambda: fastblob.WriteOptions(lease=lease),
                lambda: client.renew_lease("data/blob", lease),
            ):
                with pytest.raises(fastblob.BlobConflictError):
                    use()
    assert caught.value.error_code == code
    assert caught.value.blob == "data/blob"
    # Nothing was sent with it any more, and it is not ours to release.
    assert set(service.actions) == {"acquire", "renew"}


@pytest.mark.usefixtures("often")
def test_what_the_block_raises_comes_out_with_a_note() -> None:
    service = Leasing((409, "LeaseIdMismatchWithLeaseOperation"))
    with Server(each(service.respond)) as server:
        client = server.client()
        with pytest.raises(KeyError) as caught, client.lease("data/blob", 15) as lease:  # noqa: PT012
            failed(lease)
            raise KeyError("mine")
        assert "not held to the end: the lease has ended" in caught.value.__notes__[0]
        with pytest.raises(fastblob.BlobConflictError) as again, client.lease("data/blob", 15) as lease:
            raise failed(lease)
        assert not hasattr(again.value, "__notes__")


@pytest.mark.usefixtures("often")
def test_a_blob_that_is_gone_is_told_to_who_uses_the_lease_alone() -> None:
    service = Leasing((404, "BlobNotFound"))
    with Server(each(service.respond)) as server, server.client().lease("data/blob", 15) as lease:
        assert isinstance(failed(lease), fastblob.BlobNotFoundError)


def test_what_goes_wrong_with_the_release_is_raised() -> None:
    service = Leasing()
    service.release = (409, "LeaseIdMismatchWithLeaseOperation")
    with (
        Server(each(service.respond)) as server,
        pytest.raises(fastblob.BlobConflictError, match="acquire another one"),
        server.client().lease("data/blob", 15),
    ):
        pass


@pytest.mark.usefixtures("often")
def test_the_end_waits_for_no_renewal() -> None:
    service = Leasing("hold")
    with Server(each(service.respond)) as server:
        with server.client().lease("data/blob", 15):
            service.wait_for("renew", 1)
        assert threads() == []
    assert service.actions == ["acquire", "renew", "release"]


@pytest.mark.usefixtures("often")
def test_one_that_could_not_be_renewed_in_time_counts_as_lost(clock: SimpleNamespace) -> None:
    service = Leasing("hold")
    with Server(each(service.respond)) as server:
        client = server.client()
        with (  # noqa: PT012
            pytest.raises(fastblob.NetworkError, match="did not answer in time"),
            client.lease("data/blob", 15) as lease,
        ):
            service.wait_for("renew", 1)
            assert lease.id
            clock.ahead = 14
            assert lease.id
            clock.ahead = 15
            with pytest.raises(fastblob.NetworkError) as caught:
                client.write("data/blob", b"", lease=lease)
            assert caught.value.blob == "data/blob"
            clock.ahead = 100
            while threads():
                threading.Event().wait(0.01)
    assert service.actions == ["acquire", "renew"]


@pytest.mark.usefixtures("often")
def test_after_a_pause_one_that_nobody_else_took_is_held_on(clock: SimpleNamespace) -> None:
    service = Leasing()
    with Server(each(service.respond)) as server, server.client().lease("data/blob", 15) as lease:
        service.wait_for("renew", 1)
        clock.ahead = 1000
        service.wait_for("renew", len(service.actions) + 2)
        assert lease.id


class Credential:
    """Gives tokens, and uses the lease meanwhile."""

    def __init__(self) -> None:
        self.lease: fastblob.Lease | None = None
        self.seen: list[tuple[str, str]] = []

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        """A token."""
        if self.lease is not None:
            self.seen.append((CONTEXT.get(), self.lease.id))
            repr(self.lease)
        return AccessToken(f"token-{len(self.seen)}", int(time.time()) + 3600)


@pytest.mark.usefixtures("often")
def test_a_credential_may_use_the_lease_and_finds_its_context() -> None:
    service, credential = Leasing((401, "InvalidAuthenticationInfo"), (200, "")), Credential()
    CONTEXT.set("mine")
    with Server(each(service.respond)) as server, server.client(credential).lease("data/blob", 15) as lease:
        credential.lease = lease
        service.wait_for("renew", 3)
        assert credential.seen
        assert set(credential.seen) == {("mine", lease.id)}
        credential.lease = None


@pytest.mark.usefixtures("often")
def test_a_client_that_was_closed_renews_nothing(clock: SimpleNamespace) -> None:
    service = Leasing()
    with Server(each(service.respond)) as server:
        client = server.client()
        with pytest.raises(ValueError, match="closed"), client.lease("data/blob", 15):
            client.close()


@pytest.mark.parametrize("action", ["acquire", "release"])
def test_an_answer_that_got_lost(action: str) -> None:
    service = Leasing()
    lost: list[Request] = []

    def respond(connection: Connection, request: Request) -> None:
        if request.headers["x-ms-lease-action"] != action or lost:
            service.respond(connection, request)
            return
        lost.append(request)
        if action == "release":
            service.release = (409, "LeaseNotPresentWithLeaseOperation")
        connection.close()

    with Server(each(respond)) as server, server.client() as client:
        with client.lease("data/blob") as lease:
            used = lease.id
        assert lost
        proposed = {request.headers.get("x-ms-proposed-lease-id", used) for request in server.heads}
        assert proposed == {used}


FORK = """
import os, sys, threading, warnings, fastblob
warnings.simplefilter("ignore", DeprecationWarning)
blob = sys.argv[1]
client = fastblob.Client()
client.write(blob, b"data")
with client.lease(blob, 15) as lease:
    child = os.fork()
    if child == 0:
        try:
            client.write(blob, b"child", overwrite=True, lease=lease)
            assert not [t for t in threading.enumerate() if t.name == "fastblob-lease"]
            lease.__exit__(None, None, None)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert client.properties(blob).lease_state == "leased"
    assert client.read(blob, lease=lease) == b"child"
assert client.properties(blob).lease_state == "available"
print("done")
"""


def test_a_child_uses_the_lease_and_leaves_it_to_its_parent(
    service: LocalAzure, service_container: str
) -> None:
    ran = run_python(FORK, f"{service_container}/blob")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "done\n", "")


END = """
import sys, threading, fastblob
from fastblob import _lease
_lease._RENEWALS = 15_000
held = threading.Event()
client = fastblob.Client(*sys.argv[1:])
client.write("data/blob", b"data")
def work():
    with client.lease("data/blob", 15) as lease:
        held.set()
        threading.Event().wait()
threading.Thread(target=work, daemon=True).start()
assert held.wait(20)
for _ in range(20):
    client.read("data/blob")
"""


def test_the_interpreter_ends_while_one_is_held() -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        ran = subprocess.run(
            [sys.executable, "-c", END, azure.blob_endpoint, azure.account_key],
            env=os.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=45,
        )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
