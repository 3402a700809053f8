"""Copies that the service makes in the background: whose they are, how they end, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import fastblob
import pytest
from hostile.child import in_child
from hostile.server import ETAG, TIME, Connection, Request, Server, each

OURS, THEIRS = "1f812371-a41d-49e6-b123-f4b542e851c5", "9b6d3a0e-0000-4000-8000-000000000000"


class Target:
    """Answers Copy Blob with ``begin``, then each question for the target with the next of ``states``.

    Args:
        begin: The answers to Copy Blob, in their order; the last one again and again.
        states: Headers of the target, in the order in which they are asked for; None: it is not there.
    """

    def __init__(
        self,
        begin: list[Callable[[Connection, Request], None]],
        states: list[dict[str, str] | None],
    ) -> None:
        self.begin = begin
        self.states = states
        self.source = ""
        self.copies = 0

    def respond(self, connection: Connection, request: Request) -> None:
        """Answers as the service that makes the copy."""
        if request.method == "PUT":
            self.copies += 1
            self.source = request.headers["x-ms-copy-source"]
            answer = self.begin.pop(0) if len(self.begin) > 1 else self.begin[0]
            answer(connection, request)
            return
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if state is None:
            connection.answer(request, 404, {"x-ms-error-code": "BlobNotFound"})
            return
        now = formatdate(usegmt=True)
        properties = {"ETag": ETAG, "Last-Modified": now, "x-ms-creation-time": now, "Content-Length": "0"}
        properties |= {"x-ms-blob-type": "BlockBlob", "x-ms-copy-source": self.source}
        connection.answer(request, 200, {**properties, **state})


def begun(connection: Connection, request: Request) -> None:
    """The service has begun, and goes on in the background."""
    connection.answer(request, 202, {"x-ms-copy-id": OURS, "x-ms-copy-status": "pending", "ETag": ETAG})


def done(connection: Connection, request: Request) -> None:
    """It was done at once."""
    connection.answer(request, 202, {"x-ms-copy-id": OURS, "x-ms-copy-status": "success", "ETag": ETAG})


def lost(connection: Connection, request: Request) -> None:
    """The service has begun, but nobody hears of it."""
    connection.close()


def pending_already(connection: Connection, request: Request) -> None:
    """What the service says to a second copy onto the same blob."""
    connection.answer_error(request, 409, "PendingCopyOperation")


def state(status: str, copy_id: str = OURS, **more: str) -> dict[str, str]:
    """Headers of the target."""
    told = {name.replace("_", "-"): value for name, value in more.items()}
    return {"x-ms-copy-id": copy_id, "x-ms-copy-status": status, **told}


PENDING = state("pending", x_ms_copy_progress="3/7")


def copy(target: Target, **options: Any) -> fastblob.BlobProperties:
    """Copies with a client that takes 0.2 s without progress for a standstill."""
    with Server(each(target.respond)) as server:
        client: fastblob.Client = server.client(timeout=0.2)
        return client.copy("data/source", "data/target", **options)


@pytest.mark.parametrize("status", ["failed", "aborted"])
@in_child()
def test_how_a_copy_failed(status: str) -> None:
    description = "500 InternalServerError “Copy failed when reading the source.”".encode().decode("latin-1")
    end = state(status, x_ms_copy_status_description=description, x_ms_request_id="the-request")
    with pytest.raises(fastblob.ServiceError) as caught:
        copy(Target([begun], [PENDING, end]))
    for part in (OURS, status, "500 InternalServerError", "Copy failed when reading the source."):
        assert part in str(caught.value)
    assert (caught.value.request_id, caught.value.blob) == ("the-request", "data/target")


@in_child()
def test_a_target_that_vanishes() -> None:
    with pytest.raises(fastblob.BlobNotFoundError) as caught:
        copy(Target([begun], [PENDING, None]))
    assert "vanished" in str(caught.value)
    assert OURS in str(caught.value)
    assert (caught.value.status_code, caught.value.error_code) == (404, "BlobNotFound")


@in_child()
def test_the_end_of_another_copy_is_not_ours() -> None:
    with pytest.raises(fastblob.BlobModifiedError) as caught:
        copy(Target([begun], [PENDING, state("success", THEIRS)]))
    assert OURS in str(caught.value)
    assert caught.value.request_id


@in_child()
def test_the_copy_of_another_is_not_waited_for_once_ours_is_done() -> None:
    properties = copy(Target([done], [state("pending", THEIRS)]))
    assert (properties.copy_id, properties.copy_status) == (THEIRS, "pending")


@in_child()
def test_the_properties_of_a_copy_that_was_made_are_all_that_is_missing() -> None:
    with pytest.raises(fastblob.BlobNotFoundError) as caught:
        copy(Target([done], [None]))
    assert f"the copy was made (copy id {OURS})" in str(caught.value)
    assert "not known" not in str(caught.value)


@in_child()
def test_a_copy_that_stays_where_it_is() -> None:
    with pytest.raises(fastblob.ServiceError) as caught:
        copy(Target([begun], [PENDING]))
    for part in (OURS, "3/7", "0.2 s"):
        assert part in str(caught.value)


@in_child()
def test_one_that_is_not_waited_for() -> None:
    target = Target([begun], [PENDING])
    properties = copy(target, wait=False)
    assert (properties.copy_id, properties.copy_status) == (OURS, "pending")
    assert target.copies == 1


@pytest.mark.parametrize("overwrite", [False, True])
@in_child()
def test_after_a_lost_answer_our_own_copy_is_waited_for(overwrite: bool) -> None:
    target = Target([lost, pending_already], [PENDING, PENDING, state("success")])
    properties = copy(target, overwrite=overwrite)
    assert (properties.copy_id, properties.copy_status, target.copies) == (OURS, "success", 2)


@pytest.mark.parametrize(
    "theirs",
    [
        {"x-ms-copy-source": "https://account.blob.core.windows.net/data/other"},
        {"Last-Modified": TIME, "x-ms-creation-time": TIME},
    ],
)
@in_child()
def test_after_a_lost_answer_somebody_else_s_copy_is_a_conflict(theirs: dict[str, str]) -> None:
    with pytest.raises(fastblob.BlobConflictError) as caught:
        copy(Target([lost, pending_already], [{**PENDING, **theirs}]), overwrite=True)
    assert caught.value.error_code == "PendingCopyOperation"


@in_child()
def test_a_copy_that_was_there_before_is_a_conflict() -> None:
    target = Target([pending_already], [PENDING])
    with pytest.raises(fastblob.BlobConflictError, match="a copy onto the blob is under way"):
        copy(target, overwrite=True)
    assert target.copies == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "does not let the service read it"),
        (403, "does not let the service read it"),
        (404, "does not exist"),
        (412, "does not meet a condition"),
    ],
)
@in_child()
def test_the_status_of_the_source_is_not_that_of_the_target(status: int, said: str) -> None:
    def refused(connection: Connection, request: Request) -> None:
        source = {"x-ms-copy-source-status-code": "451", "x-ms-copy-source-error-code": "SourceSays"}
        connection.answer_error(request, status, "CannotVerifyCopySource", source)

    target = Target([refused], [None])
    with pytest.raises(fastblob.TransferError) as caught:
        copy(target)
    assert f"the source of the copy {said} (the source answered 451 SourceSays)" in str(caught.value)
    assert (caught.value.blob, caught.value.status_code) == ("data/source", status)
    # A new token of ours would not help the source.
    assert target.copies == 1
