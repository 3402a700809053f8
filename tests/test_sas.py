"""URLs with a shared access signature: made here, used by anybody."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import fastblob
import pytest
from azure.core.credentials import AccessToken, AzureNamedKeyCredential
from azure.storage.blob import UserDelegationKey
from azure.storage.blob._shared.shared_access_signature import SharedAccessSignature
from azure.storage.blob._shared_access_signature import BlobSharedAccessSignature
from fastblob.local import LocalAzure
from hostile.server import KEY, Connection, Request, Server, each
from support import Account, tomorrow

# The version that every request of fastblob names, and so do its signatures.
VERSION = "2025-11-05"
NOON = datetime(2999, 12, 31, 12, tzinfo=UTC)
HEADERS = {
    "content_type": "text/plain; charset=utf-8",
    "content_encoding": "gzip",
    "content_language": "en",
    "content_disposition": 'attachment; filename="a b.txt"',
    "cache_control": "no-cache",
}
FIELDS: list[dict[str, Any]] = [
    {},
    {"start": datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC)},
    {"start": datetime(2024, 2, 29, 1, 2, 3, tzinfo=timezone(timedelta(hours=-7)))},
    {"ip": "168.1.5.60"},
    {"ip": "168.1.5.60-168.1.5.70", "protocol": "https"},
    {"protocol": "https,http"},
    HEADERS,
    HEADERS | {"ip": "168.1.5.60", "protocol": "https", "start": datetime(2024, 1, 1, tzinfo=UTC)},
]


def query(url: str) -> dict[str, list[str]]:
    """The fields of the SAS in a URL."""
    return parse_qs(urlsplit(url).query, strict_parsing=True)


def with_key() -> fastblob.Client:
    """A client that never sends anything."""
    return fastblob.Client("https://acct.blob.core.windows.net", KEY)


def of_oracle(make: Callable[..., str], fields: dict[str, Any], **resource: Any) -> dict[str, list[str]]:
    """What azure-storage-blob makes of the same fields, where the client itself uses HTTPS."""
    return parse_qs(make(**resource, **{"protocol": "https", "expiry": NOON} | fields))


@pytest.mark.parametrize("fields", FIELDS, ids=lambda fields: ",".join(fields) or "none")
@pytest.mark.parametrize("permissions", ["r", "rcw", "racwdxytmei"])
@pytest.mark.parametrize("name", ["b", "a/b c", "ü#?%41&=+"])
def test_a_blob_s_is_azure_storage_blob_s(name: str, permissions: str, fields: dict[str, Any]) -> None:
    oracle = BlobSharedAccessSignature("acct", KEY)
    oracle.x_ms_version = VERSION
    blob = fastblob.BlobPath("data", name)
    url = with_key().sas_url(blob, permissions=permissions, expiry=NOON, **fields)
    assert query(url) == of_oracle(
        oracle.generate_blob, fields, container_name="data", blob_name=name, permission=permissions
    )


@pytest.mark.parametrize("fields", FIELDS, ids=lambda fields: ",".join(fields) or "none")
@pytest.mark.parametrize("permissions", ["rl", "racwdxyltfmei"])
def test_a_container_s_is_azure_storage_blob_s(permissions: str, fields: dict[str, Any]) -> None:
    oracle = BlobSharedAccessSignature("acct", KEY)
    oracle.x_ms_version = VERSION
    url = with_key().container_sas_url("data", permissions=permissions, expiry=NOON, **fields)
    assert url.startswith("https://acct.blob.core.windows.net/data?")
    assert query(url) == of_oracle(
        oracle.generate_container, fields, container_name="data", permission=permissions
    )


@pytest.mark.parametrize("fields", FIELDS[:6], ids=lambda fields: ",".join(fields) or "none")
@pytest.mark.parametrize(("permissions", "types"), [("r", "o"), ("rwdxylacupfti", "sco")])
def test_an_account_s_is_azure_storage_blob_s(permissions: str, types: str, fields: dict[str, Any]) -> None:
    oracle: Any = SharedAccessSignature("acct", KEY, VERSION)  # type: ignore[no-untyped-call]
    url = with_key().account_sas_url(permissions=permissions, resource_types=types, expiry=NOON, **fields)
    assert url.startswith("https://acct.blob.core.windows.net/?")
    expected = of_oracle(
        oracle.generate_account, fields, services="b", resource_types=types, permission=permissions
    )
    assert query(url) == expected


class Tokens:
    """A credential that is there at once."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken("token", int(tomorrow().timestamp()))


# By a user delegation key ------------------------------------------------------------------------


class Delegating:
    """An account that gives out user delegation keys, as Azure's recorded answers have them."""

    value = base64.b64encode(b"a key of 32 bytes, as they are..").decode()

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.refuses = False

    def respond(self, connection: Connection, request: Request) -> None:
        """Answers a request for a key."""
        assert request.method == "POST"
        assert request.query == {"restype": "service", "comp": "userdelegationkey"}
        self.bodies.append(request.body.decode())
        if self.refuses:
            connection.answer_error(request, 403, "AuthorizationPermissionMismatch")
            return
        start, expiry = self.life(-1)
        body = (
            '\ufeff<?xml version="1.0" encoding="utf-8"?><UserDelegationKey>'
            "<SignedOid>oid</SignedOid><SignedTid>tid</SignedTid>"
            f"<SignedStart>{start}</SignedStart><SignedExpiry>{expiry}</SignedExpiry>"
            f"<SignedService>b</SignedService><SignedVersion>{VERSION}</SignedVersion>"
            f"<Value>{self.value}</Value></UserDelegationKey>"
        )
        connection.answer(request, 200, {"Content-Type": "application/xml"}, body.encode())

    def life(self, index: int) -> tuple[str, str]:
        """From when on, and until when, a key was asked for."""
        body = self.bodies[index]
        start, expiry = (body.split(f"<{name}>")[1].split("</")[0] for name in ("Start", "Expiry"))
        return start, expiry


@pytest.fixture
def delegating() -> Delegating:
    return Delegating()


@pytest.fixture
def delegated(delegating: Delegating) -> Iterator[fastblob.Client]:
    """A client with tokens, of such an account."""
    with Server(each(delegating.respond)) as server:
        yield server.client(Tokens())


@pytest.mark.parametrize("fields", FIELDS, ids=lambda fields: ",".join(fields) or "none")
def test_by_a_user_delegation_key(
    delegated: fastblob.Client, delegating: Delegating, fields: dict[str, Any]
) -> None:
    expiry = datetime.now(UTC) + timedelta(hours=1)
    found = query(delegated.sas_url("data/ü b", permissions="r", expiry=expiry, **fields))
    key: Any = UserDelegationKey()  # type: ignore[no-untyped-call]
    key.signed_oid, key.signed_tid, key.signed_service, key.signed_version = "oid", "tid", "b", VERSION
    key.signed_start, key.signed_expiry = delegating.life(0)
    key.value = delegating.value
    oracle = BlobSharedAccessSignature("account", user_delegation_key=key)
    oracle.x_ms_version = VERSION
    signed: list[str] = []
    expected = of_oracle(
        oracle.generate_blob,
        # The client uses plain HTTP.
        {"protocol": None, "expiry": expiry} | fields,
        container_name="data",
        blob_name="ü b",
        permission="r",
        sts_hook=signed.append,
    )
    # Of later versions two more lines are signed, of headers and of the query that are asked for.
    lines = signed[0].split("\n")
    assert lines[21:23] == ["", ""]
    del lines[21:23]
    digest = hmac.digest(base64.b64decode(delegating.value), "\n".join(lines).encode(), hashlib.sha256)
    assert found == expected | {"sig": [base64.b64encode(digest).decode()]}


def test_a_key_is_kept_and_made_again_in_time(delegated: fastblob.Client, delegating: Delegating) -> None:
    now = datetime.now(UTC)
    for minutes in (5, 60, 24 * 60):
        delegated.sas_url("data/b", permissions="r", expiry=now + timedelta(minutes=minutes))
    assert len(delegating.bodies) == 1
    start, expiry = (datetime.fromisoformat(time) for time in delegating.life(0))
    # Both clocks are right, and so is one that is some minutes behind.
    assert start <= now - timedelta(minutes=14)
    assert expiry >= now + timedelta(hours=24)
    delegated.sas_url("data/b", permissions="r", expiry=now + timedelta(days=7))
    assert len(delegating.bodies) == 2
    start, expiry = (datetime.fromisoformat(time) for time in delegating.life(1))
    assert expiry - start <= timedelta(days=7)
    delegated.container_sas_url("data", permissions="l", expiry=now + timedelta(days=6))
    assert len(delegating.bodies) == 2


def test_longer_than_such_a_key_lives(delegated: fastblob.Client, delegating: Delegating) -> None:
    with pytest.raises(ValueError, match="seven days"):
        delegated.sas_url("data/b", permissions="r", expiry=datetime.now(UTC) + timedelta(days=8))
    with pytest.raises(ValueError, match="account's key"):
        delegated.account_sas_url(permissions="r", resource_types="o", expiry=tomorrow())
    assert delegating.bodies == []


def test_an_identity_without_the_right(delegated: fastblob.Client, delegating: Delegating) -> None:
    delegating.refuses = True
    with pytest.raises(fastblob.AuthenticationError, match="'Storage Blob Delegator'"):
        delegated.sas_url("data/b", permissions="r", expiry=tomorrow())


# Used by others ----------------------------------------------------------------------------------


def fetch(service: LocalAzure, url: str, method: str = "GET", body: bytes | None = None) -> Any:
    """Sends a request without any header of Azure's."""
    headers = {"x-ms-blob-type": "BlockBlob"} if method == "PUT" else {}
    context = ssl.create_default_context(cafile=service.env()["SSL_CERT_FILE"])
    request = urllib.request.Request(url, body, headers, method=method)
    return urllib.request.urlopen(request, context=context)


def signing_client(account: Account, kind: str) -> fastblob.Client:
    """A client with the account's key, or with tokens."""
    if kind == "key":
        named = AzureNamedKeyCredential(account.name, account.key)
        return fastblob.Client(account.endpoint, named)
    if account.server == "service":
        pytest.skip("the embedded service gives out no user delegation keys")
    return account.client()


@pytest.mark.parametrize("kind", ["key", "token"])
@pytest.mark.parametrize("name", ["b", "a/b c", "ü#?%41&=+"])
def test_anybody_can_read(
    service: LocalAzure, account: Account, container: str, kind: str, name: str
) -> None:
    client = signing_client(account, kind)
    blob = fastblob.BlobPath(container, name)
    client.write(blob, b"content")
    url = client.sas_url(blob, permissions="r", expiry=tomorrow())
    with fetch(service, url) as answer:
        assert answer.read() == b"content"
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(service, url, "PUT", b"other")
    caught.value.close()
    assert caught.value.code == 403
    assert client.read(blob) == b"content"


@pytest.mark.parametrize("kind", ["key", "token"])
def test_anybody_can_write_and_list(service: LocalAzure, account: Account, container: str, kind: str) -> None:
    client = signing_client(account, kind)
    url = client.sas_url(f"{container}/b", permissions="cw", expiry=tomorrow())
    fetch(service, url, "PUT", b"content").close()
    assert client.read(f"{container}/b") == b"content"
    url = client.container_sas_url(container, permissions="l", expiry=tomorrow())
    with fetch(service, f"{url}&restype=container&comp=list") as answer:
        assert b"<Name>b</Name>" in answer.read()


def test_an_account_s_is_a_client_s(account: Account, container: str) -> None:
    url = signing_client(account, "key").account_sas_url(
        permissions="rlc", resource_types="co", expiry=tomorrow()
    )
    client = fastblob.Client(url)
    client.write(f"{container}/b", b"content")
    assert client.read(f"{container}/b") == b"content"
    with pytest.raises(fastblob.AuthenticationError):
        client.delete(f"{container}/b")


def test_headers_of_answers(service: LocalAzure, azurite_account: Account) -> None:
    client = signing_client(azurite_account, "key")
    azurite_account.sdk.create_container("sas-headers")
    client.write("sas-headers/b", b"content")
    url = client.sas_url(
        "sas-headers/b", permissions="r", expiry=tomorrow(), content_type="text/csv", cache_control="no-store"
    )
    with fetch(service, url) as answer:
        assert answer.headers["content-type"] == "text/csv"
        assert answer.headers["cache-control"] == "no-store"
    azurite_account.sdk.delete_container("sas-headers")


# What is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"permissions": "l"}, "racwdxytmei"),
        ({"permissions": ""}, "permissions"),
        ({"permissions": "rr"}, "in this order"),
        # Four letters that there are, one of them that of deletion.
        ({"permissions": "read"}, 'permissions "read"'),
        ({"expiry": datetime(2020, 1, 1, tzinfo=UTC)}, "expiry must lie in the future"),
        ({"expiry": datetime(2999, 1, 1)}, "expiry has no time zone"),  # noqa: DTZ001
        ({"start": datetime(2024, 1, 1)}, "start has no time zone"),  # noqa: DTZ001
        ({"start": NOON}, "start must lie before expiry"),
        ({"ip": "::1"}, "IPv4"),
        ({"protocol": "http"}, "https"),
        ({"content_type": "a\r\nb"}, "content_type"),
    ],
)
def test_what_no_signature_can_say(arguments: dict[str, Any], said: str) -> None:
    given: dict[str, Any] = {"permissions": "r", "expiry": NOON} | arguments
    with pytest.raises(ValueError, match=said):
        with_key().sas_url("data/b", **given)


def test_a_container_is_no_blob() -> None:
    with pytest.raises(ValueError, match="names a container"):
        with_key().sas_url("data", permissions="r", expiry=NOON)
    with pytest.raises(ValueError, match="names a blob"):
        with_key().container_sas_url("data/b", permissions="r", expiry=NOON)
    with pytest.raises(ValueError, match="resource_types"):
        with_key().account_sas_url(permissions="r", resource_types="b", expiry=NOON)
    with pytest.raises(TypeError, match="expiry must be a datetime"):
        with_key().sas_url("data/b", permissions="r", expiry=3600)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"anonymous": True}, {"credential": "sv=1&sig=secret"}])
def test_who_cannot_sign(options: dict[str, Any]) -> None:
    client = fastblob.Client("https://acct.blob.core.windows.net", **options)
    advice = "give it the account's key or a credential"
    with pytest.raises(ValueError, match=advice) as caught:
        client.sas_url("data/b", permissions="r", expiry=NOON)
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match=advice):
        client.container_sas_url("data", permissions="r", expiry=NOON)
    with pytest.raises(ValueError, match=advice):
        client.account_sas_url(permissions="r", resource_types="o", expiry=NOON)


def test_a_closed_client_signs_nothing() -> None:
    client = with_key()
    client.close()
    with pytest.raises(ValueError, match="closed"):
        client.sas_url("data/b", permissions="r", expiry=NOON)
    with pytest.raises(ValueError, match="closed"):
        client.account_sas_url(permissions="r", resource_types="o", expiry=NOON)
