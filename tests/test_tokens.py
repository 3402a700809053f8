"""Tokens: when they are fetched, for whom, and where they go."""

from __future__ import annotations

import base64
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import fastblob
import pytest
from azure.core.credentials import AccessToken
from azure.identity import DefaultAzureCredential
from fastblob.local import LocalAzure
from support import Account, run_python, sdk_client

STORAGE = "https://storage.azure.com"


class Tokens:
    """A TokenCredential over the embedded service's own tokens, which counts how often it is asked."""

    def __init__(self, service: LocalAzure, *lives: float, claimed: float | None = None) -> None:
        self._service = service
        self._lives = list(lives) or [3600.0]
        self._claimed = claimed
        self.asked: list[tuple[tuple[str, ...], dict[str, Any]]] = []

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        life = self._lives.pop(0) if len(self._lives) > 1 else self._lives[0]
        self.asked.append((scopes, options))
        expires_on = time.time() + (life if self._claimed is None else self._claimed)
        return AccessToken(self._service.issue_token(STORAGE, life), int(expires_on))


def test_a_token_is_fetched_when_it_is_needed_and_kept(service: LocalAzure, service_container: str) -> None:
    tokens = Tokens(service)
    client = fastblob.Client(service.blob_endpoint, tokens)
    assert tokens.asked == []
    client.write_many((f"{service_container}/{number}", b"x") for number in range(100))
    list(client.list(service_container))
    assert len(tokens.asked) == 1


def test_get_token_info_is_preferred(service: LocalAzure, service_container: str) -> None:
    class Info(Tokens):
        options: Any = None

        def get_token_info(self, *scopes: str, options: Any = None) -> AccessToken:
            self.options = options
            return self.get_token(*scopes)

    tokens = Info(service)
    assert not fastblob.Client(service.blob_endpoint, tokens).exists(f"{service_container}/blob")
    assert tokens.options["enable_cae"] is True


def test_many_threads_fetch_one_token(service: LocalAzure, service_container: str) -> None:
    # The endpoint takes its time, so that all threads have asked before the first one has its answer.
    service.add_fault(operation="Token", delay=0.5)
    threads = 8
    barrier = threading.Barrier(threads)
    with DefaultAzureCredential() as credential:
        client = fastblob.Client(service.blob_endpoint, credential)

        def read() -> bool:
            barrier.wait(20)
            return client.exists(f"{service_container}/blob")

        with ThreadPoolExecutor(threads) as pool:
            assert [future.result() for future in [pool.submit(read) for _ in range(threads)]] == [
                False
            ] * threads
    assert service.request_counts()["Token"] == 1


def test_short_lived_tokens_are_not_fetched_for_every_call(
    service: LocalAzure, service_container: str
) -> None:
    # 200 seconds are less than the five minutes ahead of expiry in which longer-lived tokens are refreshed.
    tokens = Tokens(service, 200.0)
    client = fastblob.Client(service.blob_endpoint, tokens)
    for _ in range(20):
        client.exists(f"{service_container}/blob")
    assert len(tokens.asked) == 1


def test_a_token_near_its_end_is_refreshed_while_it_still_works(
    service: LocalAzure, service_container: str
) -> None:
    refreshed = threading.Event()

    class Refreshing(Tokens):
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            token = super().get_token(*scopes, **options)
            if len(self.asked) > 1:
                refreshed.set()
                return token
            # Good for an hour in the service's eyes, but nearly over as far as the client knows.
            return AccessToken(token.token, int(time.time()) + 2)

    tokens = Refreshing(service)
    client = fastblob.Client(service.blob_endpoint, tokens)
    deadline = time.monotonic() + 20
    while not refreshed.is_set():
        client.exists(f"{service_container}/blob")
        assert time.monotonic() < deadline, "the token was never refreshed"
    client.exists(f"{service_container}/blob")
    assert len(tokens.asked) == 2


def test_a_refused_token_is_replaced_once_a_request(service: LocalAzure, service_container: str) -> None:
    # The first has expired although it claims another hour, as one that was revoked.
    tokens = Tokens(service, 0.0, 3600.0, claimed=3600.0)
    client = fastblob.Client(service.blob_endpoint, tokens)
    client.write(f"{service_container}/blob", b"data")
    assert len(tokens.asked) == 2
    assert [record.status for record in service.requests() if record.operation == "PutBlob"] == [401, 201]


def test_a_token_that_is_refused_twice_is_an_error(service: LocalAzure, service_container: str) -> None:
    tokens = Tokens(service, 0.0, claimed=3600.0)
    client = fastblob.Client(service.blob_endpoint, tokens)
    with pytest.raises(fastblob.AuthenticationError) as caught:
        client.read(f"{service_container}/blob")
    assert caught.value.status_code == 401
    assert len(tokens.asked) == 2


def test_the_claims_of_a_challenge_reach_the_credential(service: LocalAzure, service_container: str) -> None:
    claims = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
    challenge = (
        'Bearer authorization_uri="https://login.microsoftonline.com/common", error="insufficient_claims", '
        f'claims="{base64.b64encode(claims.encode()).decode()}"'
    )
    service.add_fault(
        operation="PutBlob",
        status=401,
        code="InvalidAuthenticationInfo",
        headers={"WWW-Authenticate": challenge},
        times=1,
    )
    tokens = Tokens(service)
    fastblob.Client(service.blob_endpoint, tokens).write(f"{service_container}/blob", b"data")
    assert [options.get("claims") for _, options in tokens.asked] == [None, claims]


def test_tokens_never_go_over_plain_http_to_another_machine() -> None:
    class Unasked:
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            pytest.fail("a token was asked for")

    with pytest.raises((ValueError, fastblob.AuthenticationError), match="https"):
        fastblob.Client("http://account.blob.example.com", Unasked()).read("container/blob")


def test_the_identity_library_is_loaded_for_the_first_token_only(
    service: LocalAzure, service_container: str
) -> None:
    script = """
import sys, fastblob
client = fastblob.Client()
assert "azure.identity" not in sys.modules
assert not client.exists(sys.argv[1])
assert "azure.identity" in sys.modules
by_key = fastblob.Client(client.endpoint, sys.argv[2])
print("done")
"""
    ran = run_python(script, f"{service_container}/blob", service.account_key)
    assert ran.stdout == "done\n", ran.stderr


def test_without_need_the_identity_library_is_never_loaded(
    service: LocalAzure, service_container: str
) -> None:
    script = """
import sys, fastblob
assert not fastblob.Client(None, sys.argv[2]).exists(sys.argv[1])
print("azure.identity" in sys.modules)
"""
    ran = run_python(script, f"{service_container}/blob", service.account_key)
    assert ran.stdout == "False\n", ran.stderr


def test_a_token_for_another_service_is_refused(service: LocalAzure, service_container: str) -> None:
    class Foreign:
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            return AccessToken(service.issue_token("https://vault.azure.net", 3600), int(time.time()) + 3600)

    with pytest.raises(fastblob.AuthenticationError):
        fastblob.Client(service.blob_endpoint, Foreign()).read(f"{service_container}/blob")


def test_a_credential_shared_with_azure_storage_blob(
    service: LocalAzure, service_account: Account, service_container: str
) -> None:
    tokens = Tokens(service)
    client = fastblob.Client(service.blob_endpoint, tokens)
    client.write(f"{service_container}/blob", b"data")
    with sdk_client(service.blob_endpoint, tokens) as sdk:
        assert sdk.get_blob_client(service_container, "blob").download_blob().readall() == b"data"
    assert {scopes for scopes, _ in tokens.asked} == {("https://storage.azure.com/.default",)}
