"""Downloads: where the bytes land, and what is left when they do not."""

from __future__ import annotations

import http.client
import os
import ssl
import stat
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import fastblob
import pytest
from fastblob.local import LocalAzure
from support import MIB, Account, content, files_below, run_python


@pytest.fixture
def blob(service_client: fastblob.Client, service_container: str) -> str:
    """A blob of several ranges."""
    path = f"{service_container}/blob"
    service_client.write(path, content(20 * MIB))
    return path


def test_missing_folders_are_made(service_client: fastblob.Client, blob: str, tmp_path: Path) -> None:
    service_client.download(blob, tmp_path / "a/b/c/file")
    assert (tmp_path / "a/b/c/file").read_bytes() == content(20 * MIB)


@pytest.mark.parametrize("kind", [str, Path])
def test_strings_and_paths(service_client: fastblob.Client, blob: str, tmp_path: Path, kind: type) -> None:
    assert service_client.download(blob, kind(tmp_path / "file")).path == str(tmp_path / "file")
    assert (tmp_path / "file").stat().st_size == 20 * MIB


def test_a_relative_target(
    service_client: fastblob.Client, blob: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    service_client.download(blob, "file")
    assert (tmp_path / "file").stat().st_size == 20 * MIB


def test_a_target_that_is_a_directory(
    service: LocalAzure, service_client: fastblob.Client, blob: str, tmp_path: Path
) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target/kept").write_bytes(b"kept")
    with pytest.raises(IsADirectoryError) as caught:
        service_client.download(blob, tmp_path / "target")
    assert caught.value.filename == str(tmp_path / "target")
    assert files_below(tmp_path) == {"target/kept": b"kept"}


def test_a_folder_that_is_a_file(service_client: fastblob.Client, blob: str, tmp_path: Path) -> None:
    (tmp_path / "folder").write_bytes(b"kept")
    with pytest.raises(OSError, match="folder") as caught:
        service_client.download(blob, tmp_path / "folder/file")
    assert isinstance(caught.value, (NotADirectoryError, FileExistsError))
    assert files_below(tmp_path) == {"folder": b"kept"}


def test_an_existing_file_is_replaced(service_client: fastblob.Client, blob: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 30 * MIB)
    service_client.download(blob, tmp_path / "file")
    assert files_below(tmp_path) == {"file": content(20 * MIB)}


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 403, "code": "AuthorizationFailure", "after": 1},
        {"truncate_after": 0, "after": 1},
        {"reset_after": 0, "after": 1},
        {"status": 404, "code": "BlobNotFound"},
    ],
)
def test_a_failed_download_leaves_the_old_file_and_nothing_else(
    service: LocalAzure, service_account: Account, blob: str, tmp_path: Path, fault: dict[str, Any]
) -> None:
    client = service_account.client(max_retries=1)
    (tmp_path / "file").write_bytes(b"old")
    service.add_fault(operation="GetBlob", **fault)
    with pytest.raises(fastblob.TransferError):
        client.download(blob, tmp_path / "file")
    assert files_below(tmp_path) == {"file": b"old"}


def test_nothing_appears_under_the_target_s_name_before_the_end(
    service: LocalAzure, service_account: Account, blob: str, tmp_path: Path
) -> None:
    client = service_account.client(max_connections=1)
    service.add_fault(operation="GetBlob", after=1, delay=1, times=1)
    seen = []
    client.download(
        blob,
        tmp_path / "file",
        progress=lambda state: seen.append((state.items_done, (tmp_path / "file").exists())),
    )
    under_way = [exists for items_done, exists in seen if not items_done]
    assert under_way
    assert not any(under_way)
    assert (tmp_path / "file").exists()


def test_the_file_s_mode_is_that_of_any_new_file(
    service_client: fastblob.Client, blob: str, tmp_path: Path
) -> None:
    umask = os.umask(0o027)
    try:
        service_client.download(blob, tmp_path / "file")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_a_name_as_long_as_the_file_system_takes(
    service_client: fastblob.Client, blob: str, tmp_path: Path
) -> None:
    # The temporary file beside it must not need a longer one.
    target = tmp_path / ("x" * 255)
    service_client.download(blob, target)
    assert target.stat().st_size == 20 * MIB


@pytest.mark.parametrize("blob_size", [1000, 20 * MIB])
def test_a_full_disk(
    service: LocalAzure,
    service_client: fastblob.Client,
    service_container: str,
    tmp_path: Path,
    blob_size: int,
) -> None:
    # A limit on the size of files gives the same failure in the same places as a disk without room.
    service_client.write(f"{service_container}/blob", content(blob_size))
    script = f"""
import resource, sys, fastblob
client = fastblob.Client()
resource.setrlimit(resource.RLIMIT_FSIZE, ({blob_size // 2}, {blob_size // 2}))
try:
    client.download(sys.argv[1], sys.argv[2])
except OSError as error:
    assert not isinstance(error, fastblob.TransferError)
    print(type(error).__name__, error.errno, error.filename)
"""
    ran = run_python(script, f"{service_container}/blob", str(tmp_path / "file"))
    assert ran.returncode == 0, ran.stderr
    # EFBIG; a disk without room says ENOSPC.
    assert ran.stdout.split() == ["OSError", "27", str(tmp_path / "file")]
    assert files_below(tmp_path) == {}


def test_a_folder_that_may_not_be_written(service_client: fastblob.Client, blob: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o500)
    script = """
import os, sys, fastblob
client = fastblob.Client()
client.exists(sys.argv[1])
if os.geteuid() == 0:
    os.seteuid(65534)
try:
    client.download(sys.argv[1], sys.argv[2])
except PermissionError as error:
    print(error.filename)
"""
    ran = run_python(script, blob, str(tmp_path / "folder/file"))
    assert ran.stdout.strip() == str(tmp_path / "folder/file"), ran.stderr


def test_download_prefix_keeps_to_its_folder(
    service_client: fastblob.Client, service_container: str, tmp_path: Path
) -> None:
    for name in ["tree/a", "tree/b/c", "treehouse"]:
        service_client.write(f"{service_container}/{name}", name.encode())
    results = service_client.download_prefix(f"{service_container}/tree", tmp_path / "target")
    assert files_below(tmp_path) == {"target/a": b"tree/a", "target/b/c": b"tree/b/c"}
    assert [result.blob for result in results] == [
        f"{service_container}/tree/{name}" for name in ["a", "b/c"]
    ]


def test_download_prefix_of_a_container(
    service_client: fastblob.Client, service_container: str, tmp_path: Path
) -> None:
    service_client.write(f"{service_container}/a/b", b"data")
    service_client.download_prefix(service_container, tmp_path)
    assert files_below(tmp_path) == {"a/b": b"data"}


def test_download_prefix_of_nothing(
    service_client: fastblob.Client, service_container: str, tmp_path: Path
) -> None:
    assert service_client.download_prefix(f"{service_container}/none", tmp_path) == []


@pytest.mark.parametrize("name", ["tree/../../escaped", "tree/a/../../../escaped"])
def test_download_prefix_never_leaves_its_folder(
    service: LocalAzure, service_account: Account, service_container: str, tmp_path: Path, name: str
) -> None:
    # Such a name cannot be made with fastblob, but others may have made it.
    client = service_account.client()
    put_raw(service, service_container, name, b"evil")
    (tmp_path / "deep/target").mkdir(parents=True)
    with pytest.raises((ValueError, OSError)):
        client.download_prefix(f"{service_container}/tree", tmp_path / "deep/target")
    assert files_below(tmp_path) == {}


def put_raw(service: LocalAzure, container: str, name: str, data: bytes) -> None:
    """Put Blob with a name that no client library would send unchanged."""
    endpoint = urlsplit(service.blob_endpoint)
    context = ssl.create_default_context(cadata=service.certificate_authority)
    connection = http.client.HTTPSConnection(endpoint.netloc, context=context)
    connection.request(
        "PUT",
        f"{endpoint.path}/{container}/{quote(name, safe='')}",
        body=data,
        headers={
            "Authorization": f"Bearer {service.issue_token('https://storage.azure.com', 600)}",
            "x-ms-version": "2023-11-03",
            "x-ms-blob-type": "BlockBlob",
        },
    )
    assert connection.getresponse().status == 201
    connection.close()
