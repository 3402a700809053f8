"""The small verbs and options: tier, tags, metadata, HTTP headers, parts of names, missing_ok."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastblob
import pytest
from fastblob.local import LocalAzure
from support import MIB, Account, content, write_file

HEADERS = {
    "content_type": "text/css",
    "content_encoding": "gzip",
    "cache_control": "max-age=60",
    "content_language": "de-CH",
    "content_disposition": 'attachment; filename="a.css"',
}


@pytest.fixture
def client(service: LocalAzure, service_account: Account) -> Any:
    """A client of the embedded service; untyped, since the verbs are newer than the types."""
    return service_account.client()


@pytest.fixture
def blob(client: Any, service_container: str) -> str:
    """A blob with metadata and tags."""
    client.write(
        f"{service_container}/blob",
        b"data",
        metadata={"Owner": "us"},
        tags={"a": "1"},
        content_type="text/plain",
    )
    return f"{service_container}/blob"


# Tier, tags, metadata, headers --------------------------------------------------------------------


@pytest.mark.parametrize("tier", ["Hot", "Cool", "Cold", "Archive"])
def test_set_tier(client: Any, blob: str, tier: str) -> None:
    client.set_tier(blob, tier)
    assert client.properties(blob).tier == tier


def test_a_tier_that_is_none_is_refused_before_anything_is_sent(
    client: Any, blob: str, service: LocalAzure
) -> None:
    service.clear_requests()
    with pytest.raises(ValueError, match="Cool"):
        client.set_tier(blob, "Tepid")
    assert not service.requests()


@pytest.mark.parametrize("tags", [{"a": "2"}, {"a b": "c/d=e+f", "x": ""}, {}, {"n" * 128: "v" * 256}])
def test_set_tags_and_get_tags(client: Any, blob: str, tags: dict[str, str]) -> None:
    client.set_tags(blob, tags)
    assert client.get_tags(blob) == tags


def test_tags_that_were_written_with_the_blob(client: Any, blob: str) -> None:
    assert client.get_tags(blob) == {"a": "1"}


@pytest.mark.parametrize(
    "tags", [{f"k{n}": "" for n in range(11)}, {"k" * 129: ""}, {"": "x"}, {"a": "v" * 257}, {"a<b": "x"}]
)
def test_tags_that_the_service_would_refuse(
    client: Any, blob: str, service: LocalAzure, tags: dict[str, str]
) -> None:
    service.clear_requests()
    with pytest.raises(ValueError, match="tag"):
        client.set_tags(blob, tags)
    assert not service.requests()


@pytest.mark.parametrize("metadata", [{"Owner": "them", "more": "1"}, {}])
def test_set_metadata_replaces_all_of_it(client: Any, blob: str, metadata: dict[str, str]) -> None:
    client.set_metadata(blob, metadata)
    assert client.properties(blob).metadata == metadata
    assert client.read(blob) == b"data"


def test_set_metadata_with_conditions(client: Any, blob: str) -> None:
    with pytest.raises(fastblob.BlobModifiedError):
        client.set_metadata(blob, {"a": "b"}, if_match='"0x8D0000000000000"')
    client.set_metadata(blob, {"a": "b"}, if_match=client.properties(blob).etag)
    assert client.properties(blob).metadata == {"a": "b"}


def test_set_http_headers(client: Any, blob: str) -> None:
    client.set_http_headers(blob, **HEADERS)
    properties = client.properties(blob)
    assert {name: getattr(properties, name) for name in HEADERS} == HEADERS
    assert properties.metadata == {"Owner": "us"}


def test_set_http_headers_replaces_all_of_them(client: Any, blob: str) -> None:
    # As the service does it: what is not given is gone.
    client.set_http_headers(blob, cache_control="no-cache")
    properties = client.properties(blob)
    assert (properties.cache_control, properties.content_encoding) == ("no-cache", None)


VERBS: dict[str, Callable[[Any, str], object]] = {
    "set_tier": lambda client, blob: client.set_tier(blob, "Cool"),
    "set_tags": lambda client, blob: client.set_tags(blob, {"a": "b"}),
    "get_tags": lambda client, blob: client.get_tags(blob),
    "set_metadata": lambda client, blob: client.set_metadata(blob, {"a": "b"}),
    "set_http_headers": lambda client, blob: client.set_http_headers(blob, content_type="text/plain"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_missing_blob(client: Any, service_container: str, verb: str) -> None:
    with pytest.raises(fastblob.BlobNotFoundError) as caught:
        VERBS[verb](client, f"{service_container}/none")
    assert caught.value.blob == f"{service_container}/none"


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "fault", [{"status": 503, "code": "ServerBusy"}, {"reset": True}], ids=["busy", "reset"]
)
def test_failures_that_pass(
    client: Any, service: LocalAzure, blob: str, verb: str, fault: dict[str, Any]
) -> None:
    service.clear_requests()
    service.add_fault(times=1, path="/blob", **fault)
    VERBS[verb](client, blob)
    assert len(service.requests()) == 2


@pytest.mark.parametrize("verb", VERBS)
def test_the_module_has_it_too(verb: str) -> None:
    assert callable(getattr(fastblob, verb))


# Content headers on uploads -----------------------------------------------------------------------

UPLOADS: dict[str, Callable[..., object]] = {
    "write": lambda client, blob, folder, **options: client.write(blob, b"x", **options),
    "write of blocks": lambda client, blob, folder, **options: client.write(
        blob, content(20 * MIB), **options
    ),
    "write of a stream": lambda client, blob, folder, **options: client.write(
        blob, io.BytesIO(b"x"), **options
    ),
    "write_many": lambda client, blob, folder, **options: client.write_many([(blob, b"x")], **options),
    "upload": lambda client, blob, folder, **options: client.upload(folder / "a.css", blob, **options),
    "upload_many": lambda client, blob, folder, **options: client.upload_many(
        [(folder / "a.css", blob)], **options
    ),
}


@pytest.mark.parametrize("upload", UPLOADS)
def test_content_headers(client: Any, service_container: str, tmp_path: Path, upload: str) -> None:
    (tmp_path / "a.css").write_bytes(b"x")
    UPLOADS[upload](client, f"{service_container}/new", tmp_path, **HEADERS)
    properties = client.properties(f"{service_container}/new")
    assert {name: getattr(properties, name) for name in HEADERS} == HEADERS


GUESSED = [
    ("page.html", "text/html"),
    ("data.json", "application/json"),
    ("picture.png", "image/png"),
    ("no-suffix", "application/octet-stream"),
    ("what.unknown-suffix", "application/octet-stream"),
]


@pytest.mark.parametrize(("name", "expected"), GUESSED)
@pytest.mark.parametrize("how", ["upload", "upload_many", "upload_dir"])
def test_the_content_type_is_guessed_from_the_files_name(
    client: Any, service_container: str, tmp_path: Path, how: str, name: str, expected: str
) -> None:
    (tmp_path / name).write_bytes(b"x")
    upload_by(client, how, tmp_path / name, service_container)
    assert client.properties(f"{service_container}/new/{name}").content_type == expected


@pytest.mark.parametrize("how", ["upload", "upload_many", "upload_dir"])
def test_the_content_type_is_not_guessed_where_that_is_turned_off(
    client: Any, service_container: str, tmp_path: Path, how: str
) -> None:
    (tmp_path / "page.html").write_bytes(b"x")
    upload_by(client, how, tmp_path / "page.html", service_container, content_type=False)
    assert client.properties(f"{service_container}/new/page.html").content_type == "application/octet-stream"


def upload_by(client: Any, how: str, file: Path, container: str, **options: Any) -> None:
    """Uploads the file as ``new/<its name>``."""
    blob = f"{container}/new/{file.name}"
    if how == "upload":
        client.upload(file, blob, **options)
    elif how == "upload_many":
        client.upload_many([(file, blob)], **options)
    else:
        client.upload_dir(file.parent, f"{container}/new", **options)


def test_a_content_type_that_is_given_is_not_guessed(
    client: Any, service_container: str, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_bytes(b"x")
    client.upload(tmp_path / "page.html", f"{service_container}/new", content_type="text/x-special")
    assert client.properties(f"{service_container}/new").content_type == "text/x-special"


@pytest.mark.parametrize("size", [10, 20 * MIB], ids=["Put Blob", "Put Block List"])
@pytest.mark.parametrize("how", ["write", "upload"])
def test_a_digest_for_other_tools_where_asked(
    client: Any, service_container: str, tmp_path: Path, how: str, size: int
) -> None:
    data = write_file(tmp_path / "source", size)
    if how == "write":
        client.write(f"{service_container}/new", data, content_md5=True)
    else:
        client.upload(tmp_path / "source", f"{service_container}/new", content_md5=True)
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    assert client.properties(f"{service_container}/new").content_md5 == digest


# Listing ------------------------------------------------------------------------------------------


@pytest.fixture
def several(client: Any, service_container: str) -> str:
    """A container with names that share their beginnings."""
    for name in ("run-1", "run-12/a", "run-12/b", "run-2", "other", "logs/run-1"):
        client.write(f"{service_container}/{name}", b"x", metadata={"Name": name[:3]}, tags={"t": "1"})
    return service_container


def names(items: Any) -> list[str]:
    """The names of items."""
    return [item.name for item in items]


def test_list_by_a_part_of_a_name(client: Any, several: str) -> None:
    assert names(client.list(several, name_prefix="run-1")) == ["run-1", "run-12/a", "run-12/b"]
    assert names(client.list(f"{several}/logs", name_prefix="run")) == ["logs/run-1"]
    assert names(client.list(several, name_prefix="none")) == []


def test_list_by_a_part_of_a_name_and_one_level(client: Any, several: str) -> None:
    items = list(client.list(several, name_prefix="run-1", delimiter="/"))
    assert [(item.name, item.is_prefix) for item in items] == [("run-1", False), ("run-12", True)]


@pytest.mark.parametrize("prefix", ["a b", "%41", "a&b=c", "caf\u00e9", "a+b", "a//"])
def test_a_part_of_a_name_is_sent_encoded(client: Any, service_container: str, prefix: str) -> None:
    client.write(fastblob.BlobPath(service_container, f"{prefix}1"), b"x")
    client.write(f"{service_container}/z", b"x")
    assert names(client.list(service_container, name_prefix=prefix)) == [f"{prefix}1"]


def test_list_with_metadata_and_tags(client: Any, several: str) -> None:
    items = list(client.list(several, include=("metadata", "tags")))
    assert {item.name: item.metadata for item in items}["run-2"] == {"Name": "run"}
    assert all(item.tags == {"t": "1"} for item in items)


def test_what_a_list_does_not_include_is_not_asked_for(
    client: Any, several: str, service: LocalAzure
) -> None:
    service.clear_requests()
    list(client.list(several))
    assert "include=" not in service.requests()[0].path


def test_an_include_that_is_none(client: Any, several: str, service: LocalAzure) -> None:
    service.clear_requests()
    with pytest.raises(ValueError, match="metadata"):
        list(client.list(several, include=("nonsense",)))
    assert not service.requests()


# Deleting, reading --------------------------------------------------------------------------------


def test_delete_of_a_missing_blob_where_that_is_fine(client: Any, service_container: str) -> None:
    client.delete(f"{service_container}/none", missing_ok=True)
    with pytest.raises(fastblob.BlobNotFoundError):
        client.delete(f"{service_container}/none", missing_ok=False)


def test_missing_ok_is_no_pardon_for_anything_else(client: Any, service: LocalAzure, blob: str) -> None:
    service.add_fault(operation="DeleteBlob", status=403, code="AuthorizationPermissionMismatch")
    with pytest.raises(fastblob.AuthenticationError):
        client.delete(blob, missing_ok=True)


@pytest.mark.parametrize("offset", [4, 5, 1 << 40])
@pytest.mark.parametrize("length", [None, 1, 10 * MIB])
def test_a_read_beyond_the_end_is_empty(client: Any, blob: str, offset: int, length: int | None) -> None:
    assert client.read(blob, offset, length) == b""
    assert client.read_into(blob, bytearray(3), offset) == 0


def test_a_read_beyond_the_end_of_an_empty_or_missing_blob(client: Any, service_container: str) -> None:
    client.write(f"{service_container}/empty", b"")
    assert client.read(f"{service_container}/empty", 7) == b""
    with pytest.raises(fastblob.BlobNotFoundError):
        client.read(f"{service_container}/none", 7)


# Items with options of their own ------------------------------------------------------------------


def test_module_functions_and_methods_have_the_same_signatures() -> None:
    import inspect

    for name in ("read", "write", "upload", "download", "list", "delete", "read_many", "copy"):
        method = list(inspect.signature(getattr(fastblob.Client, name)).parameters)[1:]
        assert list(inspect.signature(getattr(fastblob, name)).parameters) == method


@pytest.mark.parametrize("name", ["download_many", "read", "upload", "list", "Client", "BlobNotFoundError"])
def test_documentation_is_in_python_source(name: str) -> None:
    import inspect

    found = inspect.unwrap(getattr(fastblob, name))
    source = inspect.getsource(found)
    assert inspect.getdoc(found)
    assert '"""' in source


@pytest.mark.parametrize("name", ["download_many", "read", "upload", "write", "list", "delete_many"])
def test_docstrings_say_parameters_returns_and_raises(name: str) -> None:
    import inspect

    documentation = inspect.getdoc(getattr(fastblob, name)) or ""
    assert "Args:" in documentation
    assert "Returns:" in documentation
    for parameter in list(inspect.signature(getattr(fastblob, name)).parameters):
        assert parameter in documentation
