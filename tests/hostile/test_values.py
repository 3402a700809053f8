"""Values are what they say: credentials that change, times, names of metadata, and numbers in results."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastblob
import pytest
from fastblob.local import LocalAzure
from hostile.child import in_child
from hostile.server import Connection, Request, Server, each

MIB = 1 << 20


# Credentials that change --------------------------------------------------------------------------


SIGNED: dict[str, Callable[[Any], object]] = {
    "read": lambda client: client.read("data/blob"),
    "read_many": lambda client: client.read_many(["data/blob"]),
    "list": lambda client: list(client.list("data")),
    "copy": lambda client: client.copy("data/blob", "data/other"),
    "delete_many": lambda client: client.delete_many(["data/blob", "data/other"]),
}


@pytest.mark.parametrize("call", SIGNED)
@in_child()
def test_a_sas_that_is_updated(call: str) -> None:
    from azure.core.credentials import AzureSasCredential

    def respond(connection: Connection, request: Request) -> None:
        connection.answer_error(request, 404, "BlobNotFound")

    with Server(each(respond)) as server:
        credential: Any = AzureSasCredential("sv=1&sig=first")
        client = server.client(credential, max_retries=0)
        for signature in ("first", "second"):
            credential.update(f"sv=1&sig={signature}")
            server.heads.clear()
            with pytest.raises(fastblob.TransferError):
                SIGNED[call](client)
            assert server.heads
            assert all(head.query["sig"] == signature for head in server.heads)


@pytest.mark.parametrize("call", ["read", "read_many", "list"])
@in_child()
def test_a_named_key_that_is_updated(call: str) -> None:
    from azure.core.credentials import AzureNamedKeyCredential

    with LocalAzure(tls=False, containers=["data"]) as azure:
        azure.client().write("data/blob", b"content")
        credential: Any = AzureNamedKeyCredential(azure.account_name, "d3Jvbmc" + "A" * 79 + "==")
        client = azure.client(credential, max_retries=0)
        with pytest.raises(fastblob.AuthenticationError):
            SIGNED[call](client)
        credential.update(azure.account_name, azure.account_key)
        assert SIGNED[call](client)


@in_child()
def test_a_key_that_is_updated_to_nonsense_is_said() -> None:
    from azure.core.credentials import AzureNamedKeyCredential

    with LocalAzure(tls=False, containers=["data"]) as azure:
        credential: Any = AzureNamedKeyCredential(azure.account_name, azure.account_key)
        client = azure.client(credential, max_retries=0)
        assert not client.exists("data/blob")
        credential.update(azure.account_name, "not base64!")
        with pytest.raises((ValueError, fastblob.AuthenticationError)) as caught:
            client.exists("data/blob")
        assert "not base64!" not in str(caught.value)


# Tokens that expire at odd times ------------------------------------------------------------------

EXPIRIES: dict[str, Any] = {
    "far beyond any clock": 1e19,
    "infinite": float("inf"),
    "no number": float("nan"),
    "negative": -1e19,
    "zero": 0,
    "milliseconds": 1_800_000_000_000,
    "a float": time.time() + 7200.5,
    "an integer beyond 64 bits": 10**30,
}


@pytest.mark.parametrize("expiry", EXPIRIES)
@in_child()
def test_expiry_of_a_token(expiry: str) -> None:
    from azure.core.credentials import AccessToken

    class Gives:
        def get_token(self, *scopes: str, **options: object) -> Any:
            return AccessToken("token", EXPIRIES[expiry])

    with Server(each(lambda connection, request: connection.answer_range(request, b"content"))) as server:
        client = server.client(Gives(), max_retries=0)
        said = "taken"
        try:
            assert client.read("data/blob") == b"content"
            assert client.read_many(["data/blob"]) == [b"content"]
        except fastblob.AuthenticationError as error:
            said = str(error)
        # Where it is refused, for what it is and not as an internal error.
        assert said == "taken" or "expire" in said or "expiry" in said


@pytest.mark.parametrize(
    "what", [None, "", 7, b"token", ("token", 1), "no expiry", "text as expiry"], ids=repr
)
@in_child()
def test_what_a_credential_gives_that_is_no_token(what: Any) -> None:
    class Odd:
        token = "token"

    class Gives:
        def get_token(self, *scopes: str, **options: object) -> Any:
            from azure.core.credentials import AccessToken

            if what == "no expiry":
                return Odd()
            if what == "text as expiry":
                return AccessToken("token", "soon")  # type: ignore[arg-type]
            return (
                what
                if what is None or isinstance(what, tuple)
                else AccessToken(what, int(time.time()) + 7200)
            )

    with Server(each(lambda connection, request: connection.answer_range(request, b"content"))) as server:
        with pytest.raises((fastblob.AuthenticationError, TypeError, AttributeError, ValueError)) as caught:
            server.client(Gives(), max_retries=0).read("data/blob")
        assert "panic" not in repr(caught.value).lower()
        assert not server.heads


# Metadata -----------------------------------------------------------------------------------------

METADATA = {"Owner": "us", "lower": "1", "UPPER": "2", "camelCase": "3", "with_1": "4"}


@pytest.mark.parametrize("size", [10, 20 * MIB], ids=["Put Blob", "Put Block List"])
@in_child()
def test_metadata_keeps_the_case_of_its_names(size: int, tmp_path: Path) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client: Any = azure.client()
        client.write("data/blob", bytes(size), metadata=METADATA)
        assert client.properties("data/blob").metadata == METADATA
        assert client.download("data/blob", tmp_path / "target").metadata == METADATA
        assert client.properties_many(["data/blob"])[0].metadata == METADATA
        client.copy("data/blob", "data/copy")
        assert client.properties("data/copy").metadata == METADATA


@in_child()
def test_metadata_that_another_client_wrote() -> None:
    from azure.storage.blob import BlobServiceClient

    with (
        LocalAzure(tls=False, containers=["data"]) as azure,
        BlobServiceClient(azure.blob_endpoint, credential=azure.account_key, api_version="2024-11-04") as sdk,
    ):
        blob = sdk.get_blob_client("data", "blob")
        blob.upload_blob(b"x", metadata=METADATA)
        assert azure.client().properties("data/blob").metadata == METADATA
        azure.client().write("data/ours", b"x", metadata=METADATA)
        assert sdk.get_blob_client("data", "ours").get_blob_properties().metadata == METADATA


@in_child()
def test_two_names_that_differ_in_case_alone_are_refused() -> None:
    # They are one header: the service would take one of them.
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client()
        with pytest.raises(ValueError, match=r"[Oo]wner"):
            client.write("data/blob", b"x", metadata={"Owner": "1", "owner": "2"})


# Numbers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["write_many", "download_many", "upload_many"])
@in_child()
def test_seconds_do_not_count_the_waiting(call: str, tmp_path: Path) -> None:
    # One connection and 40 answers of 20 ms each: the last item waits for 0.8 s and takes 0.02 s.
    latency = 0.02
    (tmp_path / "source").write_bytes(b"x")
    with LocalAzure(tls=False, containers=["data"], latency=latency) as azure:
        client: Any = azure.client(max_connections=1)
        client.write("data/blob", b"x")
        results = {
            "write_many": lambda: client.write_many([(f"data/{n}", b"x") for n in range(40)]),
            "download_many": lambda: client.download_many(
                [("data/blob", tmp_path / f"{n}") for n in range(40)]
            ),
            "upload_many": lambda: client.upload_many(
                [(tmp_path / "source", f"data/{n}") for n in range(40)]
            ),
        }[call]()
    assert sum(result.seconds for result in results) < 40 * latency * 3
    assert all(result.seconds >= latency * 0.9 for result in results)


@in_child()
def test_seconds_of_single_calls_do_not_count_the_waiting() -> None:
    with LocalAzure(tls=False, containers=["data"], latency=0.02) as azure:
        client: Any = azure.client(max_connections=1)
        results: list[Any] = []
        threads = [
            threading.Thread(target=lambda n=n: results.append(client.write(f"data/{n}", b"x")))
            for n in range(30)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(result.seconds for result in results) < 30 * 0.02 * 3


SIZES = {"one blob": [80 * MIB], "small ones": [1000] * 200, "a mix": [20 * MIB, 10, 0, 9 * MIB]}


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("call", ["write", "read", "download", "upload", "stream"])
@in_child()
def test_progress_ends_at_what_was_moved(sizes: str, call: str, tmp_path: Path) -> None:
    total, states = sum(SIZES[sizes]), []

    def progress(state: fastblob.Progress) -> None:
        states.append((state.items_done, state.bytes_done))

    with LocalAzure(tls=False, containers=["data"]) as azure:
        client: Any = azure.client()
        numbered = list(enumerate(SIZES[sizes]))
        if call in {"read", "download"}:
            client.write_many([(f"data/{n}", bytes(size)) for n, size in numbered])
        if call == "upload":
            for n, size in numbered:
                (tmp_path / f"{n}").write_bytes(bytes(size))
        # Broken once in the middle: what is sent again is not moved twice.
        azure.add_fault(operation="PutBlock", reset_upload_after=3 * MIB, times=1)
        azure.add_fault(operation="GetBlob", reset_after=500, times=1)
        if call == "write":
            client.write_many([(f"data/{n}", bytes(size)) for n, size in numbered], progress=progress)
        elif call == "stream":
            import io

            client.write_many(
                [(f"data/{n}", io.BytesIO(bytes(size))) for n, size in numbered], progress=progress
            )
        elif call == "read":
            client.read_many([f"data/{n}" for n, _ in numbered], progress=progress)
        elif call == "download":
            client.download_many([(f"data/{n}", tmp_path / f"{n}") for n, _ in numbered], progress=progress)
        else:
            client.upload_many([(tmp_path / f"{n}", f"data/{n}") for n, _ in numbered], progress=progress)
    assert states[-1] == (len(numbered), total)
    assert all(moved <= total for _, moved in states)
    assert states == sorted(states)


@pytest.mark.parametrize("read", ["read", "read_into"])
@in_child()
def test_progress_of_a_read(read: str) -> None:
    states = []
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client: Any = azure.client()
        client.write("data/blob", bytes(20 * MIB))
        if read == "read":
            client.read("data/blob", progress=lambda state: states.append(state.bytes_done))
        else:
            client.read_into(
                "data/blob", bytearray(20 * MIB), progress=lambda state: states.append(state.bytes_done)
            )
    assert states[-1] == 20 * MIB


@pytest.mark.parametrize("how", ["a list", "a generator", "a slow generator", "items of a listing"])
@in_child()
def test_delete_many_fills_its_batches(how: str) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client: Any = azure.client()
        client.write_many([(f"data/{n:04}", b"") for n in range(1000)])
        azure.clear_requests()

        def slow() -> Iterator[str]:
            for n in range(1000):
                if n % 300 == 0:
                    threading.Event().wait(0.05)
                yield f"data/{n:04}"

        blobs: dict[str, Any] = {
            "a list": [f"data/{n:04}" for n in range(1000)],
            "a generator": (f"data/{n:04}" for n in range(1000)),
            "a slow generator": slow(),
            "items of a listing": client.list("data"),
        }
        assert len(client.delete_many(blobs[how])) == 1000
        assert azure.request_counts()["BlobBatch"] <= 6


@pytest.mark.parametrize("connections", [1, 8])
@in_child()
def test_requests_and_retries_of_results_add_up(connections: int) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client: Any = azure.client(max_connections=connections)
        azure.add_fault(operation="PutBlob", status=503, code="ServerBusy", times=2)
        results = client.write_many([(f"data/{n}", b"x") for n in range(10)])
        assert sum(result.requests for result in results) == len(azure.requests()) == 12
        assert sum(result.retries for result in results) == 2
