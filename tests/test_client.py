"""Making a client: its options, and what it is as an object."""

from __future__ import annotations

import weakref
from typing import Any

import fastblob
import pytest
from fastblob.local import LocalAzure
from support import content


@pytest.mark.parametrize("workload_type", ["default", "general", "highCpu", "highMemory", "high_throughput"])
def test_workload_types(service: LocalAzure, service_container: str, workload_type: Any) -> None:
    client = service.client(workload_type=workload_type)
    client.write_many((f"{service_container}/{number}", content(1000)) for number in range(20))
    assert len(client.read_many(f"{service_container}/{number}" for number in range(20))) == 20


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("workload_type", "fast"),
        ("workload_type", "HIGHCPU"),
        ("max_connections", 0),
        ("max_connections", -1),
        ("max_connections", -1 << 70),
        ("memory_limit", 1000),
        ("memory_limit", -1 << 70),
        ("max_retries", -1),
        ("max_retries", 1 << 70),
        ("timeout", 0),
        ("timeout", -1.0),
        ("timeout", float("nan")),
        ("timeout", 10**400),
        ("checksum", "sha1"),
    ],
)
def test_options_out_of_range(service: LocalAzure, option: str, value: Any) -> None:
    with pytest.raises(ValueError, match=option.replace("_", r"[_ ]")):
        fastblob.Client(service.blob_endpoint, service.account_key, **{option: value})


@pytest.mark.parametrize("option", ["max_connections", "memory_limit", "max_retries", "timeout", "checksum"])
def test_options_of_the_wrong_type(service: LocalAzure, option: str) -> None:
    wrong: dict[str, Any] = {option: object()}
    with pytest.raises(TypeError):
        fastblob.Client(service.blob_endpoint, service.account_key, **wrong)


def test_an_account_url_that_is_no_str() -> None:
    wrong: Any = 5
    with pytest.raises(TypeError, match="account_url must be a str, not int"):
        fastblob.Client(wrong)


def test_an_unknown_option(service: LocalAzure) -> None:
    with pytest.raises(TypeError, match="max_connection"):
        fastblob.Client(service.blob_endpoint, max_connection=5)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://account.blob.core.windows.net", "https://account.blob.core.windows.net"),
        ("https://account.blob.core.windows.net/", "https://account.blob.core.windows.net"),
        ("https://account.blob.core.windows.net/?sv=1&sig=x", "https://account.blob.core.windows.net"),
        ("http://127.0.0.1:10000/devstoreaccount1", "http://127.0.0.1:10000/devstoreaccount1"),
        ("https://blobs.example.com:8443/account/", "https://blobs.example.com:8443/account"),
    ],
)
def test_the_endpoint_has_no_query(url: str, endpoint: str) -> None:
    client = fastblob.Client(url, anonymous="sig=" not in url)
    assert client.endpoint.rstrip("/") == endpoint
    assert endpoint in repr(client)
    assert "sig=" not in repr(client)


def test_nothing_is_sent_before_the_first_call(service: LocalAzure) -> None:
    fastblob.Client()
    fastblob.Client(service.blob_endpoint, service.account_key)
    assert service.requests() == []


def test_a_client_can_be_referred_to_weakly(service: LocalAzure, service_container: str) -> None:
    client = service.client()
    client.exists(f"{service_container}/blob")
    alive = weakref.ref(client)
    del client
    assert alive() is None


def test_many_clients_can_come_and_go(service: LocalAzure, service_container: str) -> None:
    # Each has connections and threads of its own, which must end with it.
    service.client().write(f"{service_container}/blob", b"data")
    for _ in range(50):
        assert service.client().read_many([f"{service_container}/blob"] * 20) == [b"data"] * 20


def test_a_subclass(service: LocalAzure, service_container: str) -> None:
    class Mine(fastblob.Client):
        def read_text(self, blob: str) -> str:
            return self.read(blob).decode()

    client = Mine(service.blob_endpoint, service.account_key)
    client.write(f"{service_container}/blob", "ü".encode())
    assert client.read_text(f"{service_container}/blob") == "ü"
