"""Conditions, content headers, options of single items, and what a call can be asked for besides."""

from __future__ import annotations

import hashlib
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fastblob
import pytest
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from fastblob.local import LocalAzure
from support import MIB, Account, account_sas, content, run_python, tomorrow, yesterday

NOT_THIS = '"0x8D0000000000000"'
HEADERS = {
    "content_encoding": "gzip",
    "content_language": "de",
    "content_disposition": "attachment",
    "cache_control": "no-cache",
}


@pytest.fixture
def blob(service_client: fastblob.Client, service_container: str) -> str:
    """A blob that holds ``b"data"``."""
    service_client.write(f"{service_container}/blob", b"data", metadata={"k": "v"})
    return f"{service_container}/blob"


UNMET: dict[str, dict[str, Any]] = {
    "if_match": {"if_match": NOT_THIS},
    "if_unmodified_since": {"if_unmodified_since": datetime(2020, 1, 1, tzinfo=UTC)},
}
CALLS: dict[str, Any] = {
    "read": lambda client, blob, **options: client.read(blob, **options),
    "read_into": lambda client, blob, **options: client.read_into(blob, bytearray(4), **options),
    "read_many": lambda client, blob, **options: client.read_many([(blob, 0, None)], **options),
    "properties": lambda client, blob, **options: client.properties(blob, **options),
    "write": lambda client, blob, **options: client.write(blob, b"new", overwrite=True, **options),
    "upload": lambda client, blob, **options: client.upload(__file__, blob, overwrite=True, **options),
    "copy": lambda client, blob, **options: client.copy(f"{blob}-2", blob, overwrite=True, **options),
    "set_metadata": lambda client, blob, **options: client.set_metadata(blob, {}, **options),
    "set_http_headers": lambda client, blob, **options: client.set_http_headers(blob, **options),
    "delete": lambda client, blob, **options: client.delete(blob, **options),
}


@pytest.mark.parametrize("unmet", UNMET)
@pytest.mark.parametrize("call", CALLS)
def test_a_condition_that_is_not_met(
    service_client: fastblob.Client, blob: str, call: str, unmet: str
) -> None:
    service_client.write(f"{blob}-2", b"other")
    if call == "read_many" and unmet == "if_match":
        pytest.skip("an ETag is that of one blob")
    with pytest.raises(fastblob.BlobModifiedError):
        CALLS[call](service_client, blob, **UNMET[unmet])
    assert service_client.read(blob) == b"data"


def test_a_condition_that_is_met(service_client: fastblob.Client, blob: str) -> None:
    etag = service_client.properties(blob).etag
    assert service_client.read(blob, if_match=etag) == b"data"
    written = service_client.write(blob, b"new", overwrite=True, if_match=etag)
    with pytest.raises(fastblob.BlobModifiedError):
        service_client.write(blob, b"newer", overwrite=True, if_match=etag)
    service_client.delete(blob, if_match=written.etag)


@pytest.mark.parametrize(
    "options",
    [
        {"if_match": "line\r\nx-ms-lease-id: 1"},
        {"lease": "not an id"},
        {"if_modified_since": datetime(2024, 1, 1)},  # noqa: DTZ001
        {"if_modified_since": datetime(1900, 1, 1, tzinfo=UTC)},
    ],
    ids=str,
)
def test_conditions_that_cannot_be_sent(
    service: LocalAzure, service_client: fastblob.Client, options: dict[str, Any]
) -> None:
    service.clear_requests()
    with pytest.raises(ValueError, match=next(iter(options))):
        service_client.read("container/blob", **options)
    assert service.requests() == []


def test_content_headers_come_back(service_client: fastblob.Client, service_container: str) -> None:
    blob = f"{service_container}/blob"
    service_client.write(blob, b"data", **HEADERS)  # type: ignore[arg-type]
    (item,) = service_client.list(service_container)
    (result,) = service_client.read_many([blob], with_results=True)
    for found in (service_client.properties(blob), item, result):
        assert {name: getattr(found, name) for name in HEADERS} == HEADERS
    service_client.set_http_headers(blob, cache_control="public")
    properties = service_client.properties(blob)
    assert (properties.cache_control, properties.content_encoding) == ("public", None)


@pytest.mark.parametrize("size", [1000, 20 * MIB])
def test_an_md5_is_stored_where_asked(
    service_client: fastblob.Client, service_container: str, size: int
) -> None:
    data = content(size)
    service_client.write(f"{service_container}/blob", data, content_md5=True)
    assert service_client.properties(f"{service_container}/blob").content_md5 == hashlib.md5(data).digest()


def test_options_of_single_items(
    service_client: fastblob.Client, service_container: str, tmp_path: Path
) -> None:
    (tmp_path / "file.json").write_bytes(b"{}")
    blobs = [f"{service_container}/{number}" for number in range(4)]
    items: list[Any] = [
        (tmp_path / "file.json", blobs[0]),
        (tmp_path / "file.json", blobs[1], {"own": "1"}),
        (tmp_path / "file.json", blobs[2], fastblob.WriteOptions(content_type=False, cache_control="own")),
        (tmp_path / "file.json", blobs[3], None),
    ]
    service_client.upload_many(items, metadata={"all": "1"}, cache_control="all")
    found = service_client.properties_many(blobs)
    assert [(each.metadata, each.cache_control) for each in found] == [
        ({"all": "1"}, "all"),
        ({"own": "1"}, "all"),
        ({"all": "1"}, "own"),
        ({"all": "1"}, "all"),
    ]
    assert [each.content_type for each in found][1:3] == ["application/json", "application/octet-stream"]
    with pytest.raises(ValueError, match="item 1: metadata"):
        service_client.write_many([(blobs[0], b""), (blobs[1], b"", {"not a name": "x"})])


def test_reading_ranges_and_results(service_client: fastblob.Client, blob: str) -> None:
    assert service_client.read_many([blob, (blob, 1, 2), (blob, 2, None), (blob, 100, 1)]) == [
        b"data",
        b"at",
        b"ta",
        b"",
    ]
    (result,) = service_client.read_many([(blob, 1, 2)], with_results=True)
    assert (result.data, result.metadata) == (b"at", {"k": "v"})
    assert result.etag == service_client.properties(blob).etag
    assert pickle.loads(pickle.dumps(result)).data == b"at"
    assert "data=b" not in repr(result)


def test_reading_beyond_the_end_gives_nothing(service_client: fastblob.Client, blob: str) -> None:
    assert service_client.read(blob, 4) == service_client.read(blob, 100) == b""
    assert service_client.read_into(blob, bytearray(8), 100) == 0


def test_progress_of_reading(service_client: fastblob.Client, blob: str) -> None:
    seen: list[fastblob.Progress] = []
    assert service_client.read(blob, progress=seen.append) == b"data"
    assert service_client.read_into(blob, bytearray(4), progress=seen.append) == 4
    assert seen[-1].bytes_done == 4


def test_listing_by_the_beginning_of_a_name(service_client: fastblob.Client, service_container: str) -> None:
    names = ["logs/2024-01", "logs/2024-02", "logs/2025-01"]
    for name in names:
        service_client.write(f"{service_container}/{name}", b"", metadata={"n": "v"}, tags={"t": "v"})
    found = list(service_client.list(f"{service_container}/logs", name_prefix="2024-"))
    assert [(item.name, item.metadata, item.tags) for item in found] == [(n, None, None) for n in names[:2]]
    (item,) = service_client.list(service_container, name_prefix="logs/2025", include=("metadata", "tags"))
    assert (item.metadata, item.tags) == ({"n": "v"}, {"t": "v"})
    with pytest.raises(TypeError, match="include"):
        service_client.list(service_container, include="metadata")  # type: ignore[arg-type]


def test_deleting_what_is_not_there(service_client: fastblob.Client, blob: str) -> None:
    service_client.delete(f"{blob}-none", missing_ok=True)
    with pytest.raises(fastblob.BlobNotFoundError):
        service_client.delete(f"{blob}-none")
    gone, missing = service_client.delete_many([blob, f"{blob}-none"], missing_ok=True)
    assert (gone.error, gone.skipped, missing.error) == (None, None, None)
    assert missing.skipped is not None


def test_metadata_tags_and_tier(service_client: fastblob.Client, blob: str) -> None:
    etag = service_client.set_metadata(blob, {"new": "1"})
    properties = service_client.properties(blob)
    assert (properties.etag, properties.metadata) == (etag, {"new": "1"})
    service_client.set_tags(blob, {"t": "1"})
    assert service_client.get_tags(blob) == {"t": "1"}
    service_client.set_tier(blob, "Cool")
    assert service_client.properties(blob).tier == "Cool"
    service_client.set_metadata_many([(blob, {"many": "1"})])
    service_client.set_tags_many([(blob, {"many": "1"})])
    service_client.set_tier_many([blob], "Hot")
    properties = service_client.properties(blob)
    assert (properties.metadata, properties.tier, properties.tag_count) == ({"many": "1"}, "Hot", 1)


def test_a_closed_client(service_account: Account, blob: str) -> None:
    with service_account.client() as client:
        assert client.read(blob) == b"data"
        listing = client.list(blob.partition("/")[0])
    client.close()
    for call in (lambda: client.read(blob), lambda: client.read_many([blob]), lambda: next(listing)):
        with pytest.raises(ValueError, match="closed"):
            call()
    assert client.endpoint == service_account.endpoint


def test_rotated_secrets(service_account: Account, blob: str) -> None:
    sas = AzureSasCredential(account_sas(service_account, yesterday()))
    wrong = "A" * 86 + "=="
    key = AzureNamedKeyCredential(service_account.name, wrong)
    clients = [fastblob.Client(service_account.endpoint, credential) for credential in (sas, key)]
    for client in clients:
        with pytest.raises(fastblob.AuthenticationError):
            client.read(blob)
    sas.update(account_sas(service_account, tomorrow()))
    key.update(service_account.name, service_account.key)
    assert [client.read(blob) for client in clients] == [b"data"] * 2


def test_trust_survives_fork_and_pickle(
    service: LocalAzure, service_account: Account, service_container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing in the environment of the script says whom to trust, and what it says of proxies leads nowhere.
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    script = """
import os, pickle, sys, fastblob
endpoint, key, ca_file, blob = sys.argv[1:]
client = fastblob.Client(endpoint, key, ca_file=ca_file, proxy="")
client.write(blob, b"data")
assert pickle.loads(pickle.dumps(client)).read(blob) == b"data"
child = os.fork()
if child == 0:
    os._exit(0 if client.read(blob) == b"data" else 1)
assert os.waitpid(child, 0)[1] == 0
print("done")
"""
    ca_file = str(service.ca_file)
    blob = f"{service_container}/blob"
    ran = run_python(script, service_account.endpoint, service_account.key, ca_file, blob)
    assert ran.stdout == "done\n", ran.stderr


def test_a_naive_time_is_refused(service_client: fastblob.Client, blob: str) -> None:
    modified = service_client.properties(blob).last_modified
    assert service_client.read(blob, if_modified_since=modified - timedelta(hours=1)) == b"data"
    with pytest.raises(ValueError, match=r"time zone"):
        service_client.read(blob, if_modified_since=modified.replace(tzinfo=None))


@pytest.mark.parametrize("path", [b"file", 5, None])
def test_a_local_path_that_is_none(service: LocalAzure, service_client: fastblob.Client, path: Any) -> None:
    service.clear_requests()
    for call in (
        lambda: service_client.download("data/blob", path),
        lambda: service_client.download_many([("data/blob", path)]),
        lambda: service_client.download_prefix("data", path),
        lambda: service_client.upload(path, "data/blob"),
        lambda: service_client.upload_many([(path, "data/blob")]),
        lambda: service_client.upload_dir(path, "data"),
    ):
        with pytest.raises(TypeError, match=r"a local path is a str or an os\.PathLike of one, got"):
            call()
    assert service.requests() == []
