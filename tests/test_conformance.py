"""The synchronous API, unchanged against the embedded service, Azurite, and a real account (real_account.py).

``container`` may be ``<container>/<prefix>``: what is told of blobs is compared by path.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterable
from pathlib import Path

import fastblob
import pytest
from support import MIB, Account, content, files_below, write_file

# Most characters of a blob's name.
LONGEST = 1024

# Empty, one byte, around the first range of a download and the first block of an upload, several blocks.
SIZES = [0, 1, 4095, 4 * MIB - 1, 4 * MIB, 8 * MIB + 1, 33 * MIB + 7]

AWKWARD_NAMES = [
    "with space",
    " leading and trailing ",
    "100%",
    "%41%2F%zz",
    "a+b",
    "a#b",
    "a?b=c&d",
    "semi;colon,comma=equals@at:colon",
    "quote'double\"angle<&>",
    "brackets[]{}()|^`~$!*",
    "trailing.dots...",
    "deep/er/and.deeper/name",
    "ünïcödé/日本語/עברית",
    "e\u0301 is not \u00e9",
    "🎉🚀/🐍",
    "x" * LONGEST,
]


def paths(items: Iterable[fastblob.BlobItem]) -> list[str]:
    return [item.path for item in items]


def no_container() -> str:
    """The name of a container that nobody has."""
    return f"missing-{uuid.uuid4().hex}"


@pytest.mark.parametrize("size", SIZES)
def test_write_then_read(client: fastblob.Client, container: str, size: int) -> None:
    data = content(size)
    written = client.write(f"{container}/blob", data)
    assert (written.size, written.error) == (size, None)
    assert client.read(f"{container}/blob") == data


@pytest.mark.parametrize("size", SIZES)
def test_upload_then_download(client: fastblob.Client, container: str, tmp_path: Path, size: int) -> None:
    data = write_file(tmp_path / "source", size)
    up = client.upload(tmp_path / "source", f"{container}/blob")
    down = client.download(f"{container}/blob", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == data
    assert (up.size, down.size) == (size, size)
    assert up.crc64 == down.crc64 == fastblob.crc64(data)


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_awkward_names(client: fastblob.Client, container: str, name: str) -> None:
    blob = f"{container}/{name}"[: len(container.partition("/")[0]) + 1 + LONGEST]
    client.write(blob, b"payload")
    assert client.read(blob) == b"payload"
    assert paths(client.list(container)) == [blob]
    properties = client.properties(blob)
    assert f"{properties.container}/{properties.name}" == blob
    client.delete(blob)
    assert not client.exists(blob)


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (0, None, slice(0, None)),
        (7, None, slice(7, None)),
        (0, 1, slice(0, 1)),
        (7, 10, slice(7, 17)),
        (99, 1, slice(99, 100)),
        (90, 100, slice(90, 100)),
        (50, 0, slice(50, 50)),
        (100, None, slice(100, 100)),
        (100, 5, slice(100, 100)),
    ],
)
def test_read_of_a_part(
    client: fastblob.Client, container: str, offset: int, length: int | None, expected: slice
) -> None:
    data = content(100)
    client.write(f"{container}/blob", data)
    assert client.read(f"{container}/blob", offset, length) == data[expected]


def test_read_of_a_part_of_several_ranges(client: fastblob.Client, container: str) -> None:
    data = content(40 * MIB)
    client.write(f"{container}/blob", data)
    start, length = 3 * MIB + 5, 30 * MIB + 1
    assert client.read(f"{container}/blob", start, length) == data[start : start + length]


@pytest.mark.parametrize("size", [0, 10, 100, 200])
def test_read_into(client: fastblob.Client, container: str, size: int) -> None:
    data = content(100)
    client.write(f"{container}/blob", data)
    buffer = bytearray(b"\xff" * size)
    count = client.read_into(f"{container}/blob", buffer)
    assert count == min(size, 100)
    assert buffer == data[:count] + b"\xff" * (size - count)


def test_read_into_from_an_offset(client: fastblob.Client, container: str) -> None:
    data = content(20 * MIB)
    client.write(f"{container}/blob", data)
    buffer = bytearray(20 * MIB)
    assert client.read_into(f"{container}/blob", buffer, offset=MIB) == 19 * MIB
    assert buffer[: 19 * MIB] == data[MIB:]


@pytest.mark.parametrize("size", [10, 20 * MIB])
def test_an_existing_blob_is_kept_unless_overwrite_is_said(
    client: fastblob.Client, container: str, size: int
) -> None:
    blob = f"{container}/blob"
    first, second = content(size, 1), content(size, 2)
    client.write(blob, first)
    with pytest.raises(fastblob.BlobExistsError) as caught:
        client.write(blob, second)
    assert caught.value.error_code == "BlobAlreadyExists"
    assert client.read(blob) == first
    client.write(blob, second, overwrite=True)
    assert client.read(blob) == second


@pytest.mark.parametrize("size", [10, 20 * MIB])
def test_metadata_content_type_tier_and_tags(
    client: fastblob.Client, account: Account, container: str, size: int
) -> None:
    blob = f"{container}/blob"
    client.write(
        blob,
        content(size),
        metadata={"owner": "me", "Mixed_Case": '{"a": 1}'},
        content_type="text/x-thing; charset=utf-8",
        tier="Cool",
        tags={"project": "fast blob", "stage": "a/b+c=d"},
    )
    properties = client.properties(blob)
    assert {name.lower(): value for name, value in properties.metadata.items()} == {
        "owner": "me",
        "mixed_case": '{"a": 1}',
    }
    assert properties.content_type == "text/x-thing; charset=utf-8"
    assert properties.tier == "Cool"
    assert properties.tag_count == 2
    tags = account.sdk.get_blob_client(*blob.split("/", 1)).get_blob_tags()
    assert tags == {"project": "fast blob", "stage": "a/b+c=d"}


def test_a_download_brings_the_metadata(client: fastblob.Client, container: str, tmp_path: Path) -> None:
    client.write(f"{container}/blob", b"data", metadata={"owner": "me"})
    assert client.download(f"{container}/blob", tmp_path / "blob").metadata == {"owner": "me"}


def test_properties(client: fastblob.Client, container: str) -> None:
    written = client.write(f"{container}/a/blob", b"12345")
    properties = client.properties(f"{container}/a/blob")
    assert f"{properties.container}/{properties.name}" == f"{container}/a/blob"
    assert properties.size == 5
    assert properties.etag == written.etag
    assert properties.last_modified.tzinfo is not None
    assert properties.creation_time is not None
    assert properties.creation_time <= properties.last_modified
    assert properties.metadata == {}
    assert properties.tag_count == 0


def test_properties_many(client: fastblob.Client, container: str) -> None:
    blobs = [f"{container}/{number}" for number in range(30)]
    client.write_many((blob, bytes(number)) for number, blob in enumerate(blobs))
    wanted = [*reversed(blobs), blobs[0]]
    assert client.properties_many(wanted) == [client.properties(blob) for blob in wanted]


def test_properties_many_of_missing_blobs(client: fastblob.Client, container: str) -> None:
    client.write(f"{container}/blob", b"data")
    wanted = [f"{container}/none", f"{container}/blob"]
    missing, found = client.properties_many(wanted, on_error="collect")
    assert isinstance(missing, fastblob.BlobNotFoundError)
    assert isinstance(found, fastblob.BlobProperties)
    assert (missing.blob, found.size) == (f"{container}/none", 4)
    with pytest.raises(fastblob.BlobNotFoundError):
        client.properties_many(wanted)


def test_results_describe_the_transfer(client: fastblob.Client, container: str, tmp_path: Path) -> None:
    data = write_file(tmp_path / "file", 1000)
    result = client.upload(tmp_path / "file", f"{container}/blob")
    assert result.blob == f"{container}/blob"
    assert result.path == str(tmp_path / "file")
    assert result.size == 1000
    assert result.etag == client.properties(f"{container}/blob").etag
    assert result.crc64 == fastblob.crc64(data)
    assert result.retries == 0
    assert result.seconds > 0
    assert result.error is None


def test_write_of_a_file_object(client: fastblob.Client, container: str) -> None:
    data = content(20 * MIB)
    client.write(f"{container}/blob", io.BytesIO(data))
    assert client.read(f"{container}/blob") == data


def test_exists(client: fastblob.Client, container: str) -> None:
    assert not client.exists(f"{container}/blob")
    client.write(f"{container}/blob", b"")
    assert client.exists(f"{container}/blob")
    assert not client.exists(f"{no_container()}/blob")


def test_delete(client: fastblob.Client, container: str) -> None:
    client.write(f"{container}/blob", b"data")
    client.delete(f"{container}/blob")
    assert not client.exists(f"{container}/blob")
    with pytest.raises(fastblob.BlobNotFoundError):
        client.delete(f"{container}/blob")


def test_delete_many(client: fastblob.Client, container: str) -> None:
    blobs = [f"{container}/blob {number}/ü" for number in range(300)]
    client.write_many((blob, b"x") for blob in blobs)
    results = client.delete_many(blobs)
    assert [result.blob for result in results] == blobs
    assert all(result.error is None for result in results)
    assert list(client.list(container)) == []


@pytest.mark.parametrize("size", [0, 5, 9 * MIB])
def test_copy(client: fastblob.Client, container: str, size: int) -> None:
    data = content(size)
    client.write(f"{container}/source ü", data, metadata={"owner": "me"}, content_type="text/x")
    properties = client.copy(f"{container}/source ü", f"{container}/target %41")
    assert f"{properties.container}/{properties.name}" == f"{container}/target %41"
    assert properties.size == size
    assert client.read(f"{container}/target %41") == data
    assert (properties.metadata, properties.content_type) == ({"owner": "me"}, "text/x")


def test_many_round_trip(client: fastblob.Client, container: str, tmp_path: Path) -> None:
    sizes = [0, 1, 1000, 70_000, 5 * MIB, 12 * MIB, *range(200, 300)]
    files = [tmp_path / f"up-{number}" for number in range(len(sizes))]
    data = [write_file(file, size, seed) for seed, (file, size) in enumerate(zip(files, sizes, strict=True))]
    blobs = [f"{container}/many/{number}" for number in range(len(sizes))]
    client.upload_many(zip(files, blobs, strict=True))
    assert client.read_many(blobs) == data
    targets = [tmp_path / f"down-{number}" for number in range(len(sizes))]
    results = client.download_many(zip(blobs, targets, strict=True))
    assert [target.read_bytes() for target in targets] == data
    assert [result.crc64 for result in results] == [fastblob.crc64(each) for each in data]


def test_write_many_round_trip(client: fastblob.Client, container: str) -> None:
    items = [(f"{container}/{number}", content(number * 1000, number)) for number in range(50)]
    results = client.write_many(items)
    assert [result.size for result in results] == [len(data) for _, data in items]
    assert client.read_many(blob for blob, _ in items) == [data for _, data in items]


def test_directory_round_trip(client: fastblob.Client, container: str, tmp_path: Path) -> None:
    tree = {"a.txt": 10, "sub/b": 0, "sub/deep/ü +%#?": 5000, "other/c": 5 * MIB}
    for name, size in tree.items():
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        write_file(tmp_path / "source" / name, size)
    client.upload_dir(tmp_path / "source", f"{container}/tree")
    assert paths(client.list(f"{container}/tree")) == sorted(f"{container}/tree/{name}" for name in tree)
    client.download_prefix(f"{container}/tree", tmp_path / "target")
    assert files_below(tmp_path / "target") == files_below(tmp_path / "source")


def test_listing(client: fastblob.Client, container: str) -> None:
    for name in ["a", "dir/1", "dir/2", "dir/sub/3", "directory/4"]:
        client.write(f"{container}/{name}", name.encode())
    everything = [f"{container}/{name}" for name in ["a", "dir/1", "dir/2", "dir/sub/3", "directory/4"]]
    assert paths(client.list(container)) == everything
    assert paths(client.list(f"{container}/dir")) == everything[1:4]
    level = client.list(f"{container}/dir", delimiter="/")
    # The service orders blobs and prefixes by name, Azurite lists the prefixes first.
    assert sorted((item.path, item.is_prefix) for item in level) == [
        (f"{container}/dir/1", False),
        (f"{container}/dir/2", False),
        (f"{container}/dir/sub", True),
    ]


def test_listed_items_describe_their_blob(client: fastblob.Client, container: str) -> None:
    client.write(f"{container}/a/blob", b"12345", content_type="text/x", tier="Cool")
    (item,) = client.list(container)
    properties = client.properties(item.path)
    assert item.path == f"{item.container}/{item.name}" == f"{container}/a/blob"
    assert (item.size, item.tier, item.content_type) == (5, "Cool", "text/x")
    assert item.etag is not None
    assert item.etag.strip('"') == properties.etag.strip('"')
    assert item.last_modified == properties.last_modified
    assert item.creation_time == properties.creation_time


def test_a_missing_blob(client: fastblob.Client, container: str, tmp_path: Path) -> None:
    blob = f"{container}/none"
    for call in (
        lambda: client.read(blob),
        lambda: client.read_into(blob, bytearray(5)),
        lambda: client.download(blob, tmp_path / "none"),
        lambda: client.properties(blob),
        lambda: client.copy(blob, f"{container}/copy"),
    ):
        with pytest.raises(fastblob.BlobNotFoundError) as caught:
            call()
        assert caught.value.status_code == 404
    assert files_below(tmp_path) == {}


def test_a_missing_container(client: fastblob.Client, tmp_path: Path) -> None:
    missing = no_container()
    write_file(tmp_path / "file", 10)
    for call in (
        lambda: client.read(f"{missing}/blob"),
        lambda: client.write(f"{missing}/blob", b"data"),
        lambda: client.upload(tmp_path / "file", f"{missing}/blob"),
        lambda: list(client.list(missing)),
        lambda: client.delete(f"{missing}/blob"),
    ):
        with pytest.raises(fastblob.BlobNotFoundError) as caught:
            call()
        assert caught.value.error_code == "ContainerNotFound"


def test_module_level_functions(
    account: Account, container: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("METAFLOW_AZURE_STORAGE_BLOB_SERVICE_ENDPOINT", raising=False)
    monkeypatch.setenv("AZURE_STORAGE_BLOB_ENDPOINT", account.endpoint)
    data = write_file(tmp_path / "source", 1000)
    fastblob.upload_many([(tmp_path / "source", f"{container}/blob")])
    fastblob.download_many([(f"{container}/blob", tmp_path / "target")])
    assert (tmp_path / "target").read_bytes() == data
    assert fastblob.read(f"{container}/blob") == data
    assert paths(fastblob.list(container)) == [f"{container}/blob"]
