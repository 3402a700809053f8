"""The forms for many items: order, input, failures, progress."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fastblob
import pytest
from azure.core.exceptions import ResourceNotFoundError
from fastblob.local import LocalAzure
from support import MIB, Account, content, files_below, write_file


@pytest.fixture
def blobs(service_client: fastblob.Client, service_container: str) -> list[str]:
    """Forty blobs, each holding its own path."""
    paths = [f"{service_container}/{number}" for number in range(40)]
    service_client.write_many((path, path.encode()) for path in paths)
    return paths


def test_results_are_in_input_order_whatever_ends_first(
    service: LocalAzure, service_client: fastblob.Client, blobs: list[str], tmp_path: Path
) -> None:
    # The first item ends last.
    service.add_fault(path=f"{blobs[0]}", delay=0.5, times=1)
    assert service_client.read_many(blobs) == [blob.encode() for blob in blobs]
    results = service_client.download_many((blob, tmp_path / blob) for blob in reversed(blobs))
    assert [result.blob for result in results] == blobs[::-1]
    assert [result.path for result in results] == [str(tmp_path / blob) for blob in reversed(blobs)]


@pytest.mark.parametrize("with_results", [False, True])
def test_blobs_of_all_sizes_in_one_read(
    service_client: fastblob.Client, service_container: str, with_results: bool
) -> None:
    # Below 64 KiB, above, and more of them than become bytes objects at one go.
    sizes = [0, 1, 4_000, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 300_000, 9 * MIB, *range(2, 300)]
    blobs = {f"{service_container}/{size}": content(size) for size in sizes}
    service_client.write_many(blobs.items())
    read: list[bytes | None]
    if with_results:
        read = [result.data for result in service_client.read_many(blobs, with_results=True)]
    else:
        read = [*service_client.read_many(blobs)]
    assert read == list(blobs.values())


@pytest.mark.parametrize("kind", [list, tuple, iter, dict.fromkeys])
def test_any_iterable(service_client: fastblob.Client, blobs: list[str], kind: Any) -> None:
    assert service_client.read_many(kind(blobs)) == [blob.encode() for blob in blobs]


def test_metadata_of_single_items(service_client: fastblob.Client, service_container: str) -> None:
    a, b, c = (f"{service_container}/{name}" for name in "abc")
    items: list[Any] = [(a, b"1"), (b, b"2", {"n": "2"}), (c, b"3", None)]
    service_client.write_many(items, metadata={"n": "all", "m": "all"})
    found = {blob: service_client.properties(blob).metadata for blob in (a, b, c)}
    assert found == {a: {"n": "all", "m": "all"}, b: {"n": "2"}, c: {"n": "all", "m": "all"}}


def test_zero_items(service: LocalAzure, service_client: fastblob.Client) -> None:
    assert service_client.download_many([]) == []
    assert service_client.upload_many([]) == []
    assert service_client.read_many(iter(())) == []
    assert service_client.write_many({}.items()) == []
    assert service_client.delete_many([]) == []
    assert service.requests() == []


def test_several_thousand_items(service_client: fastblob.Client, service_container: str) -> None:
    items = [(f"{service_container}/{number:05}", b"%d" % number) for number in range(5000)]
    results = service_client.write_many(items)
    assert [result.blob for result in results] == [blob for blob, _ in items]
    assert service_client.read_many(blob for blob, _ in items) == [data for _, data in items]


def test_a_generator_is_consumed_as_slots_free_up(
    service: LocalAzure, service_account: Account, service_container: str
) -> None:
    # Were the generator consumed first, as a list is, it would never end.
    client = service_account.client(max_connections=2)
    client.write(f"{service_container}/blob", b"data")

    def endless() -> Iterator[str]:
        yield from [f"{service_container}/blob"] * 20
        while True:
            yield f"{service_container}/none"

    with pytest.raises(fastblob.BlobNotFoundError):
        client.read_many(endless())


def test_an_exception_of_the_generator_comes_out_as_it_is(
    service_client: fastblob.Client, blobs: list[str], tmp_path: Path
) -> None:
    def items() -> Iterator[tuple[str, Path]]:
        yield blobs[0], tmp_path / "0"
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        service_client.download_many(items())
    assert all(not name.startswith(".") for name in files_below(tmp_path))


def test_raise_gives_the_first_error_and_every_result(
    service_account: Account, blobs: list[str], tmp_path: Path
) -> None:
    client = service_account.client(max_connections=1)
    wanted = [*blobs[:3], f"{blobs[0]}-none", *blobs[3:]]
    with pytest.raises(fastblob.BlobNotFoundError) as caught:
        client.download_many([(blob, tmp_path / blob) for blob in wanted])
    error = caught.value
    assert error.blob == f"{blobs[0]}-none"
    assert [result.blob for result in error.results] == wanted
    assert type(error.results[3].error) is fastblob.BlobNotFoundError
    done = [result for result in error.results if result.error is None]
    assert all((tmp_path / result.blob).read_bytes() == result.blob.encode() for result in done)
    rest = [result.error for index, result in enumerate(error.results) if result.error and index != 3]
    assert all(type(each) is fastblob.TransferCancelledError for each in rest)


def test_raise_stops(service: LocalAzure, service_account: Account, service_container: str) -> None:
    client = service_account.client(max_connections=2)
    service.clear_requests()
    with pytest.raises(fastblob.BlobNotFoundError):
        client.read_many([f"{service_container}/none-{number}" for number in range(3000)])
    assert service.request_counts()["GetBlob"] < 100


def test_collect_goes_on(service_client: fastblob.Client, blobs: list[str], tmp_path: Path) -> None:
    wanted = [f"{blobs[0]}-none", *blobs, f"{blobs[0]}-none-either"]
    results = service_client.download_many(((blob, tmp_path / blob) for blob in wanted), on_error="collect")
    assert [type(result.error) for result in results] == [
        fastblob.BlobNotFoundError,
        *[type(None)] * len(blobs),
        fastblob.BlobNotFoundError,
    ]
    assert results[0].error.blob == wanted[0]  # type: ignore[union-attr]
    assert (results[0].size, results[0].crc64, results[0].etag) == (0, None, None)


def test_collect_gives_read_many_s_errors_in_place(service_client: fastblob.Client, blobs: list[str]) -> None:
    first, second, third = service_client.read_many(
        [blobs[0], f"{blobs[0]}-none", blobs[1]], on_error="collect"
    )
    assert (first, third) == (blobs[0].encode(), blobs[1].encode())
    assert isinstance(second, fastblob.BlobNotFoundError)


def test_collect_of_writes(service_client: fastblob.Client, blobs: list[str]) -> None:
    results = service_client.write_many([(blobs[0], b"x"), (f"{blobs[0]}-new", b"x")], on_error="collect")
    assert isinstance(results[0].error, fastblob.BlobExistsError)
    assert results[1].error is None


def test_local_errors_are_collected_too(
    service_client: fastblob.Client, service_container: str, tmp_path: Path
) -> None:
    write_file(tmp_path / "file", 10)
    items = [(tmp_path / "none", f"{service_container}/a"), (tmp_path / "file", f"{service_container}/b")]
    results = service_client.upload_many(items, on_error="collect")
    assert isinstance(results[0].error, FileNotFoundError)
    assert results[0].error.filename == str(tmp_path / "none")
    assert results[1].error is None


def test_a_local_error_raised_stops_with_the_usual_class(
    service_client: fastblob.Client, service_container: str, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        service_client.upload_many([(tmp_path / "none", f"{service_container}/a")])


def test_duplicate_download_targets_are_refused(
    service_client: fastblob.Client, blobs: list[str], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="two items"):
        service_client.download_many([(blobs[0], tmp_path / "x"), (blobs[1], tmp_path / "x")])


def test_duplicate_upload_blobs_are_refused(
    service_client: fastblob.Client, service_container: str, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        write_file(tmp_path / name, 10)
    items = [(tmp_path / "a", f"{service_container}/x"), (tmp_path / "b", f"{service_container}/x")]
    with pytest.raises(ValueError, match="two items"):
        service_client.upload_many(items, overwrite=True)


def test_the_same_blob_may_be_read_twice(service_client: fastblob.Client, blobs: list[str]) -> None:
    assert service_client.read_many([blobs[0]] * 3) == [blobs[0].encode()] * 3


@pytest.mark.parametrize(
    ("call", "items"),
    [
        ("download_many", ["a-string/blob"]),
        ("download_many", "container/blob"),
        ("download_many", [("container/blob",)]),
        ("download_many", [("container/blob", 5)]),
        ("upload_many", [("file", "container/blob", "more")]),
        ("upload_many", [(None, "container/blob")]),
        ("write_many", [("container/blob", "text")]),
        ("write_many", [("container/blob", b"", {"name": 5})]),
        ("write_many", [("container/blob", b"", {"not-a-name": "value"})]),
        ("write_many", [("container/blob", b"", None, None)]),
        ("read_many", "container/blob"),
        ("read_many", [5]),
        ("read_many", 5),
        ("delete_many", "container/blob"),
    ],
)
def test_items_of_the_wrong_shape(
    service: LocalAzure, service_client: fastblob.Client, call: str, items: Any
) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        getattr(service_client, call)(items)
    assert not isinstance(caught.value, UnicodeError)
    assert service.requests() == []


def test_only_some_errors_are_collected(service_client: fastblob.Client, blobs: list[str]) -> None:
    missing = [f"{blobs[0]}-none", blobs[1]]
    for classes in (
        fastblob.BlobNotFoundError,
        ResourceNotFoundError,
        (fastblob.BlobExistsError, fastblob.TransferError),
    ):
        error, data = service_client.read_many(missing, on_error=classes)
        assert isinstance(error, fastblob.BlobNotFoundError)
        assert data == blobs[1].encode()
    with pytest.raises(fastblob.BlobNotFoundError) as caught:
        service_client.properties_many(missing, on_error=fastblob.BlobExistsError)
    assert caught.value.results is not None


def test_an_error_that_is_not_collected_ends_the_call(
    service: LocalAzure, service_client: fastblob.Client, service_container: str
) -> None:
    items = [(f"{service_container}/{number}", b"x") for number in range(2000)]
    service.add_fault(status=403, code="AuthorizationFailure", path=service_container)
    with pytest.raises(fastblob.AuthenticationError) as caught:
        service_client.write_many(items, on_error=fastblob.BlobExistsError)
    assert caught.value.results is not None
    errors = {type(result.error) for result in caught.value.results}
    assert errors == {fastblob.AuthenticationError, fastblob.TransferCancelledError}
    assert len(service.requests()) < 1000


@pytest.mark.parametrize(
    "on_error",
    ["ignore", KeyError, 5, None, [fastblob.BlobNotFoundError], (fastblob.BlobNotFoundError, OSError)],
)
def test_a_wrong_on_error(service_client: fastblob.Client, on_error: Any) -> None:
    with pytest.raises(ValueError, match="on_error must be"):
        service_client.read_many([], on_error=on_error)


def test_progress_of_many(service_client: fastblob.Client, service_container: str) -> None:
    seen: list[fastblob.Progress] = []
    items = [(f"{service_container}/{number}", bytes(1000)) for number in range(200)]
    service_client.write_many(items, progress=seen.append)
    last = seen[-1]
    assert (last.items_done, last.items_total, last.bytes_done) == (200, 200, 200_000)
    assert last.requests >= 200
    done = [state.items_done for state in seen]
    assert done == sorted(done)


def test_progress_of_one_large_transfer(
    service: LocalAzure, service_account: Account, service_container: str, tmp_path: Path
) -> None:
    client = service_account.client(max_connections=1)
    client.write(f"{service_container}/blob", content(20 * MIB))
    service.add_fault(operation="GetBlob", after=1, delay=0.5, times=1)
    seen: list[int] = []
    client.download(
        f"{service_container}/blob", tmp_path / "blob", progress=lambda state: seen.append(state.bytes_done)
    )
    assert seen == sorted(seen)
    assert seen[-1] == 20 * MIB
    assert any(0 < value < 20 * MIB for value in seen)


def test_an_exception_of_the_progress_callable_stops_the_call(
    service: LocalAzure, service_account: Account, blobs: list[str], tmp_path: Path
) -> None:
    client = service_account.client(max_connections=1)
    service.add_fault(operation="GetBlob", after=3, delay=1)

    def progress(_: fastblob.Progress) -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        client.download_many(((blob, tmp_path / blob) for blob in blobs), progress=progress)
    # Only whole files, and no temporary ones.
    assert all(data == name.encode() for name, data in files_below(tmp_path).items())


def test_a_progress_bar(
    service_client: fastblob.Client, service_container: str, capfd: pytest.CaptureFixture[str]
) -> None:
    service_client.write_many([(f"{service_container}/a", bytes(2048))], progress=True)
    shown = capfd.readouterr().err
    assert "1/1 items" in shown
    assert "2.00k" in shown


def test_without_tqdm_a_warning_says_what_to_install(
    service_client: fastblob.Client, service_container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.warns(RuntimeWarning, match=r"fastblob\[progress\]"):
        service_client.write_many([(f"{service_container}/a", b"x")], progress=True)
    assert service_client.exists(f"{service_container}/a")


def test_threads_share_a_client(service_client: fastblob.Client, blobs: list[str]) -> None:
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(service_client.read_many, blobs[number:]) for number in range(16)]
        for number, future in enumerate(futures):
            assert future.result() == [blob.encode() for blob in blobs[number:]]
