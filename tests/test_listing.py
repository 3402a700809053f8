"""Lists: pages, order, prefixes as whole path segments, names that XML cannot hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fastblob
import pytest
from fastblob.local import LocalAzure
from support import Account, names


def fill(client: fastblob.Client, container: str, *blobs: str) -> None:
    client.write_many((f"{container}/{blob}", b"x") for blob in blobs)


@pytest.fixture
def tree(service_client: fastblob.Client, service_container: str) -> str:
    """A container with folders, one of which has a name that begins like another's."""
    fill(
        service_client,
        service_container,
        "a",
        "dir",
        "dir/1",
        "dir/sub/2",
        "dir/sub/3",
        "dir-2/4",
        "directory",
    )
    return service_container


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", ["a", "dir", "dir-2/4", "dir/1", "dir/sub/2", "dir/sub/3", "directory"]),
        ("/dir", ["dir/1", "dir/sub/2", "dir/sub/3"]),
        ("/dir/sub", ["dir/sub/2", "dir/sub/3"]),
        ("/di", []),
        ("/dir/sub/2", []),
        ("/none", []),
    ],
)
def test_a_prefix_is_a_folder(
    service_client: fastblob.Client, tree: str, prefix: str, expected: list[str]
) -> None:
    assert names(service_client.list(f"{tree}{prefix}")) == expected


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", [("a", False), ("dir", False), ("dir", True), ("dir-2", True), ("directory", False)]),
        ("/dir", [("dir/1", False), ("dir/sub", True)]),
        ("/dir/sub", [("dir/sub/2", False), ("dir/sub/3", False)]),
    ],
)
def test_one_level(
    service_client: fastblob.Client, tree: str, prefix: str, expected: list[tuple[str, bool]]
) -> None:
    listed = service_client.list(f"{tree}{prefix}", delimiter="/")
    assert sorted((item.name, item.is_prefix) for item in listed) == expected


def test_a_prefix_has_a_name_only(service_client: fastblob.Client, tree: str) -> None:
    (item,) = [item for item in service_client.list(f"{tree}/dir", delimiter="/") if item.is_prefix]
    assert (item.container, item.path) == (tree, f"{tree}/dir/sub")
    assert (item.size, item.etag, item.last_modified, item.content_type) == (None, None, None, None)


def test_another_delimiter_is_refused(service_client: fastblob.Client, tree: str) -> None:
    with pytest.raises(ValueError, match="delimiter"):
        service_client.list(tree, delimiter="-")  # type: ignore[arg-type]


def test_pages(service: LocalAzure, service_client: fastblob.Client, service_container: str) -> None:
    expected = [f"{number:05}" for number in range(5001)]
    fill(service_client, service_container, *expected)
    service.clear_requests()
    assert names(service_client.list(service_container)) == expected
    assert service.request_counts() == {"ListBlobs": 2}


def test_a_page_is_fetched_when_it_is_needed(
    service: LocalAzure, service_client: fastblob.Client, service_container: str
) -> None:
    fill(service_client, service_container, *(f"{number:05}" for number in range(5001)))
    service.clear_requests()
    listing = service_client.list(service_container)
    assert isinstance(listing, Iterator)
    assert next(listing).name == "00000"
    assert service.request_counts() == {"ListBlobs": 1}


def test_a_listing_that_is_over_stays_over(service_client: fastblob.Client, tree: str) -> None:
    listing = service_client.list(f"{tree}/dir/sub")
    assert len(list(listing)) == 2
    assert list(listing) == []


@pytest.mark.parametrize(
    "character", ["\x01", "\x1f", "\ufffe", "\uffff", "\x7f", "\x85", "\u2028", "&", "<", "]]>"]
)
def test_names_that_xml_cannot_hold(
    service_client: fastblob.Client, service_container: str, character: str
) -> None:
    fill(service_client, service_container, f"a{character}b", f"dir{character}/c")
    assert names(service_client.list(service_container)) == [f"a{character}b", f"dir{character}/c"]
    assert names(service_client.list(f"{service_container}/dir{character}")) == [f"dir{character}/c"]
    assert sorted(names(service_client.list(service_container, delimiter="/"))) == [
        f"a{character}b",
        f"dir{character}",
    ]


def test_a_container_that_vanishes(service_account: Account, service_client: fastblob.Client) -> None:
    service_account.sdk.create_container("vanishing")
    service_account.sdk.delete_container("vanishing")
    with pytest.raises(fastblob.BlobNotFoundError):
        list(service_client.list("vanishing"))


def test_many_lists_at_once(service: LocalAzure, service_client: fastblob.Client, tree: str) -> None:
    prefixes = [f"{tree}{prefix}" for prefix in ("/dir", "/none", "", "/dir")]
    for delimiter in (None, "/"):
        assert service_client.list_many(iter(prefixes), delimiter=delimiter) == [
            list(service_client.list(prefix, delimiter=delimiter)) for prefix in prefixes
        ]
    assert service_client.list_many([]) == []


def test_many_lists_of_several_pages(
    service: LocalAzure, service_client: fastblob.Client, service_container: str
) -> None:
    expected = [f"{number:05}" for number in range(5001)]
    fill(service_client, service_container, *expected)
    service.clear_requests()
    listed = service_client.list_many([service_container] * 2)
    assert [names(items) for items in listed] == [expected] * 2
    assert service.request_counts() == {"ListBlobs": 4}


def test_one_of_many_lists_fails(service_client: fastblob.Client, tree: str) -> None:
    found, missing = service_client.list_many([f"{tree}/dir/sub", "no-such-container"], on_error="collect")
    assert isinstance(found, list)
    assert names(found) == ["dir/sub/2", "dir/sub/3"]
    assert isinstance(missing, fastblob.BlobNotFoundError)
    assert missing.blob == "no-such-container"
    with pytest.raises(fastblob.BlobNotFoundError):
        service_client.list_many([tree, "no-such-container"])


@pytest.mark.parametrize("prefixes", ["container", ["x"], [1], [f"{'c' * 64}/a"]])
def test_prefixes_that_cannot_be(service: LocalAzure, service_client: fastblob.Client, prefixes: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        service_client.list_many(prefixes)
    with pytest.raises(ValueError, match="delimiter"):
        service_client.list_many(["container"], delimiter="-")  # type: ignore[call-overload]
    assert service.requests() == []


def test_listed_items_can_be_read(service_client: fastblob.Client, tree: str) -> None:
    paths = [item.path for item in service_client.list(tree)]
    assert service_client.read_many(paths) == [b"x"] * 7
