"""The User-Agent of every request, by which resource logs and support tell programs apart."""

from __future__ import annotations

import os
import pickle
import platform

import fastblob
import pytest
from hostile.server import Server, blob
from support import Account

OWN = f"fastblob/{fastblob.__version__} Python/{platform.python_version()} ("


def test_library_interpreter_and_platform() -> None:
    with Server(blob(b"content")) as server:
        assert server.client().read("data/blob") == b"content"
    agents = [head.headers["user-agent"] for head in server.heads]
    assert [agent.startswith(OWN) and agent.endswith(")") for agent in agents] == [True]


def test_what_the_caller_adds_is_kept_through_pickle_and_fork() -> None:
    with Server(blob(b"content")) as server:
        client = server.client(user_agent="my-program/1.0 (nightly)")
        client.read("data/blob")
        pickle.loads(pickle.dumps(client)).read("data/blob")
        child = os.fork()
        if child == 0:
            os._exit(0 if client.read("data/blob") == b"content" else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    agents = [head.headers["user-agent"] for head in server.heads]
    assert len(agents) == 3
    assert all(agent.startswith(OWN) for agent in agents)
    assert all(agent.endswith(") my-program/1.0 (nightly)") for agent in agents)


@pytest.mark.parametrize("value", ["", "a\r\nx-ms-version: 1", "Müller", "a "])
def test_what_no_header_can_hold_is_refused(service_account: Account, value: str) -> None:
    with pytest.raises(ValueError, match="user_agent must be printable ASCII"):
        service_account.client(user_agent=value)
