"""Uploads: what may be sent, and what bad input gives before or without harm."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import fastblob
import pytest
from fastblob.local import LocalAzure
from support import MIB, Account, content, run_python, write_file


@pytest.fixture
def blob(service_container: str) -> str:
    """The path of a blob that does not exist."""
    return f"{service_container}/blob"


@pytest.mark.parametrize("kind", [str, Path])
def test_strings_and_paths(service_client: fastblob.Client, blob: str, tmp_path: Path, kind: type) -> None:
    data = write_file(tmp_path / "file", 1000)
    assert service_client.upload(kind(tmp_path / "file"), blob).path == str(tmp_path / "file")
    assert service_client.read(blob) == data


def test_a_missing_file(
    service: LocalAzure, service_client: fastblob.Client, blob: str, tmp_path: Path
) -> None:
    service.clear_requests()
    with pytest.raises(FileNotFoundError) as caught:
        service_client.upload(tmp_path / "none", blob)
    assert caught.value.filename == str(tmp_path / "none")
    assert service.requests() == []


def test_a_directory(service: LocalAzure, service_client: fastblob.Client, blob: str, tmp_path: Path) -> None:
    service.clear_requests()
    with pytest.raises(IsADirectoryError) as caught:
        service_client.upload(tmp_path, blob)
    assert caught.value.filename == str(tmp_path)
    assert service.requests() == []


def test_an_unreadable_file(service_client: fastblob.Client, blob: str, tmp_path: Path) -> None:
    write_file(tmp_path / "file", 10)
    (tmp_path / "file").chmod(0)
    # The superuser may read everything, so the script becomes somebody else first.
    script = """
import os, sys, fastblob
client = fastblob.Client()
client.exists(sys.argv[2])
if os.geteuid() == 0:
    os.seteuid(65534)
try:
    client.upload(sys.argv[1], sys.argv[2])
except PermissionError as error:
    print(error.filename)
"""
    ran = run_python(script, str(tmp_path / "file"), blob)
    assert ran.stdout.strip() == str(tmp_path / "file"), ran.stderr
    assert not service_client.exists(blob)


@pytest.mark.parametrize("change", ["truncated", "grown", "rewritten"])
def test_a_file_that_changes_during_the_upload(
    service: LocalAzure, service_account: Account, blob: str, tmp_path: Path, change: str
) -> None:
    file = tmp_path / "file"
    write_file(file, 40 * MIB)
    client = service_account.client(max_connections=1)
    # The third block waits until the first bytes, as the callable below sees them, have set off the change.
    service.add_fault(operation="PutBlock", after=2, delay=2, times=1)

    def progress(state: fastblob.Progress) -> None:
        if state.bytes_done and change not in done:
            done.append(change)
            if change == "truncated":
                file.write_bytes(b"short")
            elif change == "grown":
                with file.open("ab") as opened:
                    opened.write(b"more")
            else:
                write_file(file, 40 * MIB, seed=2)

    done: list[str] = []
    with pytest.raises(OSError, match="file") as caught:
        client.upload(file, blob, progress=progress)
    assert not isinstance(caught.value, fastblob.TransferError)
    assert caught.value.filename == str(file)
    assert done == [change]
    # Never half a file, never a mixture: nothing was committed.
    assert not client.exists(blob)


def test_a_file_that_is_unlinked_during_the_upload(
    service: LocalAzure, service_account: Account, blob: str, tmp_path: Path
) -> None:
    data = write_file(tmp_path / "file", 40 * MIB)
    client = service_account.client(max_connections=1)
    service.add_fault(operation="PutBlock", after=2, delay=2, times=1)

    def progress(state: fastblob.Progress) -> None:
        if state.bytes_done:
            (tmp_path / "file").unlink(missing_ok=True)

    # Whoever has a file open may read it to the end.
    client.upload(tmp_path / "file", blob, progress=progress)
    assert not (tmp_path / "file").exists()
    assert client.read(blob) == data


def test_a_file_that_vanishes_before_its_turn(
    service_client: fastblob.Client, service_container: str, tmp_path: Path
) -> None:
    for number in range(3):
        write_file(tmp_path / str(number), 10)

    def items() -> Any:
        for number in range(3):
            if number == 1:
                (tmp_path / "1").unlink()
            yield tmp_path / str(number), f"{service_container}/{number}"

    results = service_client.upload_many(items(), on_error="collect")
    assert [type(result.error) for result in results] == [type(None), FileNotFoundError, type(None)]


@pytest.mark.parametrize("size", [1000, 20 * MIB])
def test_a_failed_upload_leaves_no_blob(
    service: LocalAzure, service_client: fastblob.Client, blob: str, size: int
) -> None:
    operation = "PutBlob" if size == 1000 else "PutBlock"
    service.add_fault(operation=operation, status=403, code="AuthorizationFailure")
    with pytest.raises(fastblob.AuthenticationError):
        service_client.write(blob, content(size))
    service.clear_faults()
    assert not service_client.exists(blob)


def test_a_failed_overwrite_leaves_the_old_blob(
    service: LocalAzure, service_client: fastblob.Client, blob: str
) -> None:
    service_client.write(blob, b"old", metadata={"kept": "yes"})
    service.add_fault(operation="PutBlock", after=1, status=403, code="AuthorizationFailure")
    with pytest.raises(fastblob.AuthenticationError):
        service_client.write(blob, content(20 * MIB), overwrite=True)
    service.clear_faults()
    assert service_client.read(blob) == b"old"
    assert service_client.properties(blob).metadata == {"kept": "yes"}


def test_an_existing_blob_is_noticed_before_its_blocks_are_sent(
    service: LocalAzure, service_client: fastblob.Client, blob: str
) -> None:
    service_client.write(blob, b"old")
    with pytest.raises(fastblob.BlobExistsError) as caught:
        service_client.write(blob, content(20 * MIB))
    assert caught.value.blob == blob
    assert "overwrit" in str(caught.value)
    assert service_client.read(blob) == b"old"


def test_overwrite_drops_what_the_old_blob_had(service_client: fastblob.Client, blob: str) -> None:
    service_client.write(blob, b"old", metadata={"a": "b"}, content_type="text/x", tags={"k": "v"})
    service_client.write(blob, b"new", overwrite=True)
    properties = service_client.properties(blob)
    assert properties.metadata == {}
    assert properties.content_type == "application/octet-stream"
    assert properties.tag_count == 0


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("file.json", "application/json"),
        ("FILE.TXT", "text/plain"),
        ("file.csv.gz", "application/gzip"),
        ("file", "application/octet-stream"),
        ("file.no-such-suffix", "application/octet-stream"),
    ],
)
def test_the_content_type_goes_by_the_name_of_the_file(
    service_client: fastblob.Client, service_container: str, tmp_path: Path, name: str, content_type: str
) -> None:
    file, blobs = tmp_path / name, [f"{service_container}/{n}" for n in ("one", "many", f"dir/{name}")]
    write_file(file, 10)
    service_client.upload(file, blobs[0])
    service_client.upload_many([(file, blobs[1])])
    service_client.upload_dir(tmp_path, f"{service_container}/dir")
    found = [found.content_type for found in service_client.properties_many(blobs)]
    assert found == [content_type] * 3


@pytest.mark.parametrize(
    ("content_type", "stored"), [(False, "application/octet-stream"), ("text/x", "text/x")], ids=str
)
def test_the_content_type_is_not_guessed_where_it_is_said(
    service_client: fastblob.Client, service_container: str, tmp_path: Path, content_type: Any, stored: str
) -> None:
    file, blobs = (
        tmp_path / "file.json",
        [f"{service_container}/{n}" for n in ("one", "many", "dir/file.json")],
    )
    write_file(file, 10)
    service_client.upload(file, blobs[0], content_type=content_type)
    service_client.upload_many([(file, blobs[1])], content_type=content_type)
    service_client.upload_dir(tmp_path, f"{service_container}/dir", content_type=content_type)
    assert [found.content_type for found in service_client.properties_many(blobs)] == [stored] * 3


@pytest.mark.parametrize(
    "options",
    [
        {"metadata": {"has space": "x"}},
        {"metadata": {"9begins-with-digit": "x"}},
        {"metadata": {"ok": "line\r\nx-ms-blob-type: PageBlob"}},
        {"metadata": {"ok": "ü"}},
        {"metadata": {"ok": "x" * 9000}},
        {"content_type": "text/x\r\nx-ms-meta-injected: yes"},
        {"tier": "Lukewarm"},
        {"tags": {"k" * 129: "v"}},
        {"tags": {"k": "v" * 257}},
        {"tags": {"k": "a\tb"}},
        {"tags": {f"k{number}": "v" for number in range(11)}},
    ],
    ids=",".join,
)
def test_impossible_options_are_refused_before_any_request(
    service: LocalAzure, service_client: fastblob.Client, blob: str, options: dict[str, Any]
) -> None:
    service.clear_requests()
    with pytest.raises(ValueError, match=next(iter(options)).rstrip("s")):
        service_client.write(blob, b"data", **options)
    assert service.requests() == []


@pytest.mark.parametrize(
    "options",
    [{"metadata": {"a": 1}}, {"metadata": ["a"]}, {"tags": {"a": None}}, {"content_type": 5}, {"tier": 1}],
    ids=str,
)
def test_options_of_the_wrong_type(
    service_client: fastblob.Client, blob: str, options: dict[str, Any]
) -> None:
    with pytest.raises(TypeError):
        service_client.write(blob, b"data", **options)


@pytest.mark.parametrize(
    "data", ["text", 5, None, object(), io.StringIO("text"), [1, 2]], ids=lambda d: type(d).__name__
)
def test_data_that_has_no_bytes(service_client: fastblob.Client, blob: str, data: Any) -> None:
    with pytest.raises(TypeError):
        service_client.write(blob, data)
    assert not service_client.exists(blob)


class Source(io.RawIOBase):
    """A file object that gives ``pieces`` one by one, and raises those that are exceptions."""

    def __init__(self, pieces: list[bytes | Exception]) -> None:
        self.pieces = pieces

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.pieces:
            return 0
        piece = self.pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        taken = piece[: len(buffer)]
        buffer[: len(taken)] = taken
        if len(piece) > len(taken):
            self.pieces.insert(0, piece[len(taken) :])
        return len(taken)


def test_a_file_object_that_gives_little_at_a_time(service_client: fastblob.Client, blob: str) -> None:
    pieces = [content(number, number) for number in range(1, 500)]
    expected = b"".join(pieces)
    result = service_client.write(blob, Source(list(pieces)))
    assert service_client.read(blob) == expected
    assert result.crc64 == fastblob.crc64(expected)


class OnlyRead:
    """The least of a file object."""

    def __init__(self, data: bytes) -> None:
        self.inner = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self.inner.read(size)


def test_a_file_object_with_read_alone(service_client: fastblob.Client, blob: str) -> None:
    data = content(20 * MIB)
    service_client.write(blob, OnlyRead(data))
    assert service_client.read(blob) == data


def test_a_file_object_is_sent_from_where_it_stands(
    service_client: fastblob.Client, blob: str, tmp_path: Path
) -> None:
    data = write_file(tmp_path / "file", 1000)
    with (tmp_path / "file").open("rb") as opened:
        opened.seek(100)
        service_client.write(blob, opened)
    assert service_client.read(blob) == data[100:]


@pytest.mark.parametrize("before", [1, 20 * MIB])
def test_an_exception_of_the_file_object_comes_out_as_it_is(
    service_client: fastblob.Client, blob: str, before: int
) -> None:
    with pytest.raises(ZeroDivisionError, match="mine"):
        service_client.write(blob, Source([content(before), ZeroDivisionError("mine")]))
    assert not service_client.exists(blob)


def test_an_exception_that_takes_no_attributes_comes_out_of_write_many(
    service_client: fastblob.Client, blob: str
) -> None:
    @dataclasses.dataclass(frozen=True)
    class FrozenError(Exception):
        number: int

    with pytest.raises(FrozenError):
        service_client.write_many([(blob, Source([FrozenError(1)]))])


def test_upload_dir(service_client: fastblob.Client, service_container: str, tmp_path: Path) -> None:
    for name in ["b", "a/x", "a/y/z"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_file(tmp_path / name, 10)
    results = service_client.upload_dir(tmp_path, f"{service_container}/p", metadata={"owner": "me"})
    assert sorted(result.blob for result in results) == [
        f"{service_container}/p/{name}" for name in ["a/x", "a/y/z", "b"]
    ]
    assert service_client.properties(f"{service_container}/p/a/y/z").metadata == {"owner": "me"}


def test_upload_dir_to_the_container_itself(
    service_client: fastblob.Client, service_container: str, tmp_path: Path
) -> None:
    write_file(tmp_path / "file", 10)
    service_client.upload_dir(tmp_path, service_container)
    assert service_client.exists(f"{service_container}/file")


def test_upload_dir_of_an_empty_directory(
    service_client: fastblob.Client, service_container: str, tmp_path: Path
) -> None:
    assert service_client.upload_dir(tmp_path, service_container) == []


def test_upload_dir_of_no_directory(
    service_client: fastblob.Client, service_container: str, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        service_client.upload_dir(tmp_path / "none", service_container)
    assert caught.value.filename == str(tmp_path / "none")
    write_file(tmp_path / "file", 10)
    with pytest.raises(NotADirectoryError):
        service_client.upload_dir(tmp_path / "file", service_container)


def test_upload_dir_follows_no_loop(
    service_client: fastblob.Client, service_container: str, tmp_path: Path
) -> None:
    write_file(tmp_path / "file", 10)
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    service_client.upload_dir(tmp_path, f"{service_container}/p")
    assert service_client.exists(f"{service_container}/p/file")
    assert len(list(service_client.list(f"{service_container}/p"))) == 1
