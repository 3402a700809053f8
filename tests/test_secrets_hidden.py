"""No key, SAS or token in any message, repr, log or traceback, whatever fails."""

from __future__ import annotations

import base64
import io
import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, quote

import fastblob
import pytest
from azure.core.credentials import AccessToken
from fastblob.local import LocalAzure
from support import Account, account_sas, tomorrow

FAILURES: list[dict[str, Any]] = [
    {"status": 403, "code": "AuthenticationFailed"},
    {"status": 404, "code": "BlobNotFound"},
    {"status": 503, "code": "ServerBusy"},
    {"status": 400, "code": "InvalidQueryParameterValue"},
    {"reset": True},
    {"truncate_after": 0},
]


class Fixed:
    """A credential that always gives one token."""

    def __init__(self, token: str) -> None:
        self.token = token

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        return AccessToken(self.token, 9_999_999_999)


def secrets_of(account: Account, service: LocalAzure) -> dict[str, tuple[str, Callable[[], fastblob.Client]]]:
    """For each kind of credential the text that must never show, and a client with it."""
    sas = account_sas(account, tomorrow())
    token = service.issue_token("https://storage.azure.com", 3600)
    options: dict[str, Any] = {"max_retries": 0}
    return {
        "key": (account.key, lambda: fastblob.Client(account.endpoint, account.key, **options)),
        "SAS": (parse_qs(sas)["sig"][0], lambda: fastblob.Client(account.endpoint, sas, **options)),
        "SAS in the URL": (
            parse_qs(sas)["sig"][0],
            lambda: fastblob.Client(f"{account.endpoint}?{sas}", **options),
        ),
        "token": (token, lambda: fastblob.Client(account.endpoint, Fixed(token), **options)),
    }


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged at any level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.setLevel(level)
    root.removeHandler(handler)


def everything_said(error: BaseException) -> str:
    """The message, the repr, the attributes and the whole chain with its traceback."""
    chain = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return "\n".join([str(error), repr(error), repr(vars(error)), chain])


@pytest.mark.parametrize("kind", ["key", "SAS", "SAS in the URL", "token"])
def test_failures_show_no_secret(
    service: LocalAzure,
    service_account: Account,
    service_container: str,
    kind: str,
    log: io.StringIO,
    capfd: pytest.CaptureFixture[str],
) -> None:
    secret, make = secrets_of(service_account, service)[kind]
    client = make()
    client.write(f"{service_container}/blob", b"data" * 100)
    said = [repr(client), str(client), client.endpoint]
    for fault in FAILURES:
        service.add_fault(path=service_container, **fault)
        for call in (
            lambda: client.read(f"{service_container}/blob"),
            lambda: client.write(f"{service_container}/blob", b"data", overwrite=True),
            lambda: list(client.list(service_container)),
            lambda: client.copy(f"{service_container}/blob", f"{service_container}/other", overwrite=True),
            lambda: client.read_many([f"{service_container}/blob"]),
        ):
            try:
                call()
            except fastblob.TransferError as error:
                said.append(everything_said(error))
        service.clear_faults()
    # Without failures nothing would have been looked at.
    assert len(said) > 3 + len(FAILURES)
    output = capfd.readouterr()
    text = "\n".join([*said, log.getvalue(), output.out, output.err])
    assert secret not in text
    assert quote(secret, safe="") not in text


def test_refused_arguments_show_no_secret(service: LocalAzure) -> None:
    key = base64.b64encode(b"canary" * 10).decode()
    for call in (
        lambda: fastblob.Client(service.blob_endpoint, key),
        lambda: fastblob.Client(f"nonsense?sig={key}"),
        lambda: fastblob.Client.from_connection_string(f"Nonsense=1;AccountKey={key};"),
        lambda: fastblob.Client(service.blob_endpoint, service.account_key).read(
            f"https://account.blob.core.windows.net/container/blob?sv=1&sig={key}"
        ),
    ):
        with pytest.raises(ValueError, match=r"\w") as caught:
            call()
        assert key not in everything_said(caught.value)


def test_the_request_log_has_no_signature(
    service: LocalAzure, service_account: Account, service_container: str
) -> None:
    sas = account_sas(service_account, tomorrow())
    client = fastblob.Client(service_account.endpoint, sas)
    client.write(f"{service_container}/blob", b"data")
    said = repr(service.requests())
    assert "sv=" in said
    assert "sig=" not in said


def test_a_failing_credential_shows_no_token(service: LocalAzure, service_container: str) -> None:
    token = service.issue_token("https://vault.azure.net", 3600)
    client = fastblob.Client(service.blob_endpoint, Fixed(token))
    with pytest.raises(fastblob.AuthenticationError) as caught:
        client.read(f"{service_container}/blob")
    assert token not in everything_said(caught.value)
