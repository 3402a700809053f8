"""Versions and snapshots: what names one is asked of the service for that one, and never for the blob itself.

Snapshots are Azurite's; versions and soft delete, which only the real service has, are a scripted server's,
with answers as recorded ones have them.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Iterator
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import fastblob
import pytest
from conftest import temporary_container
from fastblob import BlobPath
from fastblob.local import LocalAzure
from hostile.server import TIME, Connection, Request, Server, each
from support import Account

OLD, NEW = "2026-01-31T12:00:00.1234567Z", "2026-02-01T08:30:00.7654321Z"
TAKEN = "2026-01-31T18:00:00.0000001Z"
CONTENT = {"": b"live", OLD: b"old", TAKEN: b"as it was"}
VERSION = BlobPath("data", "x", version_id=OLD)
SNAPSHOT = BlobPath("data", "x", snapshot=TAKEN)


def named(query: dict[str, str]) -> str:
    """The version or the snapshot that a query names."""
    return query.get("versionid", query.get("snapshot", ""))


def respond(connection: Connection, request: Request) -> None:
    """Answers as an account does that keeps versions."""
    query, method = request.query, request.method
    which = named(query)
    state = {"x-ms-version-id": which or NEW, **({} if which else {"x-ms-is-current-version": "true"})}
    if method == "GET" and query.get("comp") == "tags":
        tags = f"<Tags><TagSet><Tag><Key>of</Key><Value>{which}</Value></Tag></TagSet></Tags>"
        connection.answer(request, 200, {"Content-Type": "application/xml"}, tags.encode())
    elif method == "GET":
        connection.answer_range(request, CONTENT[which], state)
    elif method == "HEAD":
        length = str(len(CONTENT[which]))
        copied = {"x-ms-copy-id": "id", "x-ms-copy-status": "success"}
        connection.answer(request, 200, {**state, **copied, "ETag": '"e"', "Content-Length": length})
    elif method == "POST":
        connection.answer(request, 202, {"Content-Type": "multipart/mixed; boundary=b"}, batch(request.body))
    elif query.get("comp") == "snapshot":
        connection.answer(request, 201, {"x-ms-snapshot": TAKEN, "x-ms-version-id": NEW, "ETag": '"e"'})
    else:
        status = {"tags": 204, "tier": 200, "undelete": 200}.get(query.get("comp", ""), 202)
        copied = {"x-ms-copy-id": "id", "x-ms-copy-status": "success"}
        connection.answer(request, status, copied)


def batch(body: bytes) -> bytes:
    """The answer to a batch: every deletion is done."""
    parts = [
        f"--b\r\nContent-Type: application/http\r\nContent-ID: {index}\r\n\r\n"
        "HTTP/1.1 202 Accepted\r\nx-ms-request-id: r\r\n\r\n"
        for index in range(body.count(b"DELETE "))
    ]
    return "".join([*parts, "--b--\r\n"]).encode()


@pytest.fixture
def server() -> Iterator[Server]:
    """An account that keeps versions."""
    with Server(each(respond)) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Any:
    """A client of that account."""
    return server.client()


@pytest.mark.parametrize("blob", [VERSION, SNAPSHOT], ids=["version", "snapshot"])
def test_reading_asks_for_the_state_that_is_named(
    server: Server, client: Any, blob: BlobPath, tmp_path: Path
) -> None:
    which = blob.version_id or blob.snapshot or ""
    expected = CONTENT[which]
    assert client.read(blob) == expected
    assert client.read_many([blob, (blob, 1, 2)]) == [expected, expected[1:3]]
    buffer = bytearray(len(expected))
    assert client.read_into(blob, buffer) == len(expected)
    assert buffer == expected
    client.download(blob, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == expected
    assert client.properties(blob).size == len(expected)
    assert client.exists(blob)
    assert client.get_tags(blob) == {"of": which}
    assert {named(request.query) for request in server.heads} == {which}


@pytest.mark.parametrize("blob", [VERSION, SNAPSHOT], ids=["version", "snapshot"])
def test_what_changes_a_state_names_it(server: Server, client: Any, blob: BlobPath) -> None:
    client.exists(blob)
    client.set_tier(blob, "Cool")
    client.set_tier_many([blob], "Cool")
    client.set_tags(blob, {"a": "b"})
    client.delete(blob)
    assert {named(request.query) for request in server.heads} == {blob.version_id or blob.snapshot}


def test_a_batch_deletes_each_state_for_itself(server: Server, client: Any) -> None:
    results = client.delete_many([VERSION, SNAPSHOT, "data/x"])
    assert [result.blob for result in results] == [str(VERSION), str(SNAPSHOT), "data/x"]
    lines = re.findall(rb"DELETE (\S+) ", server.heads[-1].body)
    assert [unquote(line.decode()) for line in lines] == [
        f"/account/data/x?versionid={OLD}",
        f"/account/data/x?snapshot={TAKEN}",
        "/account/data/x",
    ]


def copy_source(server: Server) -> str:
    """The source of the last copy that was asked for."""
    copies = [request for request in server.heads if request.method == "PUT"]
    return unquote(copies[-1].headers["x-ms-copy-source"])


def test_the_source_of_a_copy(server: Server, client: Any) -> None:
    client.copy(VERSION, "data/y")
    assert copy_source(server) == f"{server.url}/data/x?versionid={OLD}"
    with_sas = fastblob.Client(server.url, "sv=2021-04-10&sig=c2VjcmV0")
    with_sas.copy(SNAPSHOT, "data/y")
    assert copy_source(server) == f"{server.url}/data/x?snapshot={TAKEN}&sv=2021-04-10&sig=c2VjcmV0"


WRITES: dict[str, Callable[[Any, BlobPath], Any]] = {
    "write": lambda client, blob: client.write(blob, b"x", overwrite=True),
    "write_many": lambda client, blob: client.write_many([(blob, b"x")]),
    "upload": lambda client, blob: client.upload(__file__, blob),
    "upload_many": lambda client, blob: client.upload_many([(__file__, blob)]),
    "upload_dir": lambda client, blob: client.upload_dir(Path(__file__).parent / "facts", blob),
    "copy": lambda client, blob: client.copy("data/y", blob, overwrite=True),
    "set_metadata": lambda client, blob: client.set_metadata(blob, {}),
    "set_http_headers": lambda client, blob: client.set_http_headers(blob, content_type="text/plain"),
    "create_snapshot": lambda client, blob: client.create_snapshot(blob),
    "create_snapshot_many": lambda client, blob: client.create_snapshot_many([blob]),
    "undelete": lambda client, blob: client.undelete(blob),
    "undelete_many": lambda client, blob: client.undelete_many([blob]),
    "list": lambda client, blob: client.list(blob),
    "list_many": lambda client, blob: client.list_many([blob]),
    "download_prefix": lambda client, blob: client.download_prefix(blob, "nowhere"),
}


@pytest.mark.parametrize("call", WRITES)
@pytest.mark.parametrize("blob", [VERSION, SNAPSHOT], ids=["version", "snapshot"])
def test_what_writes_the_blob_refuses_a_state(server: Server, client: Any, call: str, blob: BlobPath) -> None:
    with pytest.raises(ValueError, match=r"names a (version|snapshot), which this cannot be done with"):
        WRITES[call](client, blob)
    assert server.heads == []


def test_results_tell_the_version(client: Any, tmp_path: Path) -> None:
    found = client.properties("data/x")
    assert (found.version_id, found.is_current_version, found.snapshot) == (NEW, True, None)
    old = client.properties(VERSION)
    assert (old.version_id, old.is_current_version, old.snapshot) == (OLD, False, None)
    assert client.properties(SNAPSHOT).snapshot == TAKEN
    assert client.download("data/x", tmp_path / "x").version_id == NEW
    assert client.read_many(["data/x"], with_results=True)[0].version_id == NEW


def test_properties_stand_for_what_they_describe(client: Any) -> None:
    for blob, content in ((VERSION, b"old"), (SNAPSHOT, b"as it was"), ("data/x", b"live")):
        found = client.properties(blob)
        assert client.read(found) == content
        assert client.read(pickle.loads(pickle.dumps(found))) == content


def test_properties_of_a_version_stay_that_version_s() -> None:
    def current(connection: Connection, request: Request) -> None:
        connection.answer_range(request, b"new", {"x-ms-version-id": NEW, "x-ms-is-current-version": "true"})

    with Server(each(current)) as server:
        client = server.client()
        client.read(client.properties(BlobPath("data", "x", version_id=NEW)))
        assert [request.query for request in server.heads] == [{"versionid": NEW}] * 2


@pytest.mark.parametrize(
    ("arguments", "state"),
    [
        (("data", "x"), {"version_id": OLD, "snapshot": TAKEN}),
        (("data/x",), {"version_id": ""}),
        (("data/x",), {"snapshot": "yesterday at noon"}),
        (("data",), {"snapshot": TAKEN}),
    ],
)
def test_what_is_no_state(arguments: tuple[str, ...], state: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"both|must be as the service gives it|names a container"):
        BlobPath(*arguments, **state)


def test_a_path_has_its_state() -> None:
    blob = BlobPath("data/x")
    assert len({blob, VERSION, SNAPSHOT, BlobPath("data/x", version_id=OLD)}) == 3
    assert min(VERSION, SNAPSHOT, blob) == blob
    for path in (VERSION, SNAPSHOT, blob):
        assert pickle.loads(pickle.dumps(path)) == path
        assert eval(repr(path), {"BlobPath": BlobPath}) == path
    assert str(VERSION) == f"data/x?versionid={OLD}"
    assert str(SNAPSHOT) == f"data/x?snapshot={TAKEN}"
    assert (blob.version_id, blob.snapshot) == (None, None)


@pytest.mark.parametrize("snapshots", ["include", "only"])
def test_a_blob_is_deleted_with_its_snapshots_or_they_alone(
    server: Server, client: Any, snapshots: str
) -> None:
    client.delete("data/x", snapshots=snapshots)
    assert server.heads[0].headers["x-ms-delete-snapshots"] == snapshots
    client.delete_many(["data/x", "data/y"], snapshots=snapshots)
    assert server.heads[1].body.count(f"x-ms-delete-snapshots: {snapshots}".encode()) == 2


def test_snapshots_is_about_blobs(server: Server, client: Any) -> None:
    with pytest.raises(ValueError, match="names one of its states"):
        client.delete(SNAPSHOT, snapshots="include")
    with pytest.raises(ValueError, match="choose 'include', 'only'"):
        client.delete("data/x", snapshots="all")
    assert server.heads == []


def test_snapshots_present_says_what_to_do() -> None:
    def refuse(connection: Connection, request: Request) -> None:
        connection.answer_error(request, 409, "SnapshotsPresent")

    with (
        Server(each(refuse)) as server,
        pytest.raises(fastblob.BlobConflictError, match='snapshots="include"'),
    ):
        server.client().delete("data/x")


def test_the_embedded_service_never_takes_a_state_for_the_blob(
    service: LocalAzure, service_client: fastblob.Client, service_container: str
) -> None:
    path = f"{service_container}/x"
    service_client.write(path, b"live")
    calls: list[Callable[[BlobPath], object]] = [
        service_client.read,
        service_client.delete,
        lambda blob: service_client.delete_many([blob, f"{path}-other"]),
    ]
    for state in (BlobPath(path, version_id=OLD), BlobPath(path, snapshot=TAKEN)):
        for call in calls:
            with pytest.raises(fastblob.TransferError) as caught:
                call(state)
            assert caught.value.status_code == 501
    assert service_client.read(path) == b"live"


NAMED: dict[str, Callable[[Any, BlobPath], Any]] = {
    "read": lambda client, blob: client.read(blob),
    "read_many": lambda client, blob: client.read_many([blob]),
    "properties": lambda client, blob: client.properties(blob),
    "get_tags": lambda client, blob: client.get_tags(blob),
    "set_tags": lambda client, blob: client.set_tags(blob, {"a": "b"}),
    "set_tier": lambda client, blob: client.set_tier(blob, "Cool"),
    "copy": lambda client, blob: client.copy(blob, f"{blob.container}/copy"),
    "promote": lambda client, blob: client.promote(blob),
    "delete": lambda client, blob: client.delete(blob),
    "delete_many": lambda client, blob: client.delete_many([blob, f"{blob.container}/other"]),
}


@pytest.mark.parametrize("call", NAMED)
def test_the_blob_itself_is_never_taken_for_a_version(azurite: tuple[Account, str], call: str) -> None:
    """Azurite takes no notice of a version's id: it would read, or delete, the blob itself."""
    account, container = azurite
    client = account.client()
    paths = [f"{container}/x", f"{container}/other"]
    client.write_many((path, b"live") for path in paths)
    before = client.properties_many(paths)
    with pytest.raises(fastblob.ServiceError, match="the service knows no versions"):
        NAMED[call](client, BlobPath(paths[0], version_id=OLD))
    assert client.properties_many(paths) == before


def test_that_versions_are_known_is_found_out_once(server: Server, client: Any) -> None:
    for _ in range(3):
        client.delete(VERSION)
    assert [request.method for request in server.heads] == ["HEAD", "DELETE", "DELETE", "DELETE"]


@pytest.mark.parametrize(
    ("status", "code"), [(403, "AuthorizationPermissionMismatch"), (404, "BlobNotFound")]
)
def test_a_version_that_cannot_be_read_can_be_deleted(status: int, code: str) -> None:
    def answer(connection: Connection, request: Request) -> None:
        if request.method == "HEAD":
            connection.answer_error(request, status, code)
        else:
            connection.answer(request, 202)

    with Server(each(answer)) as server:
        server.client().delete(VERSION)
        assert [request.method for request in server.heads] == ["HEAD", "DELETE"]


@pytest.fixture
def azurite(azurite_account: Account, service: LocalAzure) -> Iterator[tuple[Account, str]]:
    """Azurite, which has snapshots, and a container there."""
    with temporary_container(azurite_account) as container:
        yield azurite_account, container


def test_snapshots_on_azurite(azurite: tuple[Account, str], tmp_path: Path) -> None:
    account, container = azurite
    client = account.client()
    path = f"{container}/x"
    client.write(path, b"before")
    taken = str(account.sdk.get_blob_client(container, "x").create_snapshot()["snapshot"])
    client.write(path, b"after", overwrite=True)
    snapshot = BlobPath(path, snapshot=taken)
    assert client.read(snapshot) == b"before"
    assert client.read(path) == b"after"
    client.copy(snapshot, f"{container}/y")
    assert client.read(f"{container}/y") == b"before"
    with pytest.raises(fastblob.BlobConflictError):
        client.delete(path)
    client.delete(snapshot)
    assert not client.exists(snapshot)
    assert client.read(path) == b"after"
    account.sdk.get_blob_client(container, "x").create_snapshot()
    client.delete(path, snapshots="only")
    client.delete(path)
    assert not client.exists(path)


def listed(name: str, state: str = "", properties: str = "") -> str:
    """An entry of a list: ``state`` stands beside the name."""
    return (
        f"<Blob><Name>{name}</Name>{state}<Properties><Last-Modified>{TIME}</Last-Modified>"
        f"<Etag>0x8DA0000000000A1</Etag><Content-Length>3</Content-Length><BlobType>BlockBlob</BlobType>"
        f"{properties}<ServerEncrypted>true</ServerEncrypted></Properties><OrMetadata /></Blob>"
    )


OF_CURRENT = "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
OF_DELETED = (
    f"<DeletedTime>{TIME}</DeletedTime><RemainingRetentionDays>6</RemainingRetentionDays>"
    "<AccessTier>Archive</AccessTier><ArchiveStatus>rehydrate-pending-to-cool</ArchiveStatus>"
)
ENTRIES = [
    listed("gone", "<Deleted>true</Deleted>", OF_DELETED),
    listed("x", f"<VersionId>{OLD}</VersionId>"),
    listed("x", f"<Snapshot>{TAKEN}</Snapshot>"),
    listed("x", f"<VersionId>{NEW}</VersionId><IsCurrentVersion>true</IsCurrentVersion>", OF_CURRENT),
]


def pages(entries: list[str], size: int) -> Callable[[Connection, Request], None]:
    """Answers lists with pages of so many entries, and all else as an account does that keeps versions."""

    def answer(connection: Connection, request: Request) -> None:
        if request.query.get("comp") != "list":
            respond(connection, request)
            return
        begin = int(request.query.get("marker", "0"))
        marker = str(begin + size) if begin + size < len(entries) else ""
        body = (
            f"<EnumerationResults><Blobs>{''.join(entries[begin : begin + size])}</Blobs>"
            f"<NextMarker>{marker}</NextMarker></EnumerationResults>"
        )
        connection.answer(request, 200, {"Content-Type": "application/xml"}, body.encode())

    return answer


@pytest.mark.parametrize("size", [1, 2, 9])
def test_each_state_is_an_item_of_its_own(size: int) -> None:
    with Server(each(pages(ENTRIES, size))) as server:
        include = ("versions", "snapshots", "deleted", "metadata", "tags", "copy", "uncommitted")
        gone, old, snapshot, current = server.client().list("data", include=include)
        asked = server.heads[0].query["include"]
    assert asked == "versions,snapshots,deleted,metadata,tags,copy,uncommittedblobs"
    assert (gone.is_deleted, gone.version_id, gone.snapshot) == (True, None, None)
    assert (gone.remaining_retention_days, gone.archive_status) == (6, "rehydrate-pending-to-cool")
    assert gone.deleted_time == parsedate_to_datetime(TIME)
    assert (old.version_id, old.is_current_version, old.is_deleted) == (OLD, False, False)
    assert (snapshot.snapshot, snapshot.version_id, snapshot.is_current_version) == (TAKEN, None, None)
    assert (current.version_id, current.is_current_version) == (NEW, True)
    assert (current.blob_type, current.lease_state, current.lease_status) == (
        "BlockBlob",
        "available",
        "unlocked",
    )
    assert current.server_encrypted
    assert "is_deleted" not in repr(current)
    assert len({gone, old, snapshot, current}) == 4
    for item in (gone, old, snapshot, current):
        assert pickle.loads(pickle.dumps(item)) == item


def test_items_stand_for_their_state_alone() -> None:
    with Server(each(pages(ENTRIES, 9))) as server:
        client = server.client()
        gone, *states = client.list("data", include=("versions", "snapshots", "deleted"))
        assert client.read_many(states) == [b"old", b"as it was", b"live"]
        assert client.read_many(pickle.loads(pickle.dumps(states))) == [b"old", b"as it was", b"live"]
        for call in (client.read, client.delete, client.properties, client.get_tags):
            with pytest.raises(ValueError, match=r"names a deleted blob, .* undelete it first"):
                call(gone)
        with pytest.raises(ValueError, match="names a deleted blob"):
            client.copy(gone, "data/y")
        for item in states[:2]:
            with pytest.raises(ValueError, match="which this cannot be done with"):
                client.write(item, b"x", overwrite=True)
        server.heads.clear()
        client.delete_many(states)
        lines = re.findall(rb"DELETE (\S+) ", server.heads[0].body)
    assert [unquote(line.decode()).removeprefix("/account/data/") for line in lines] == [
        f"x?versionid={OLD}",
        f"x?snapshot={TAKEN}",
        "x",
    ]


def test_a_snapshot_that_comes_again_ends_the_list() -> None:
    entries = [ENTRIES[1], ENTRIES[2], ENTRIES[1], ENTRIES[3]]
    with (
        Server(each(pages(entries, 2))) as server,
        pytest.raises(fastblob.ServiceError, match="does not go on"),
    ):
        list(server.client().list("data", include=("versions",)))


def test_snapshots_in_a_list_of_azurite(azurite: tuple[Account, str]) -> None:
    account, container = azurite
    client = account.client()
    path = f"{container}/x"
    for content in (b"first", b"second", b"third"):
        client.write(path, content, overwrite=True)
        account.sdk.get_blob_client(container, "x").create_snapshot()
    client.write(path, b"live", overwrite=True)
    items = list(client.list(container, include=("snapshots", "metadata")))
    assert client.read_many(items) == [b"first", b"second", b"third", b"live"]
    theirs = account.sdk.get_container_client(container).list_blobs(include=["snapshots"])
    assert [item.snapshot for item in items] == [blob.snapshot for blob in theirs]
    assert [item.size for item in client.list(container)] == [4]
    # Azurite does not decode the query of a part of a batch: no snapshot is found there, whoever asks.
    for item in items[:3]:
        client.delete(item)
    assert [item.snapshot for item in client.list(container, include=("snapshots",))] == [None]
    assert client.read(path) == b"live"


def test_a_snapshot_is_named_as_it_is_read(server: Server, client: Any) -> None:
    lease = "fa57b10b-0000-4000-8000-000000000001"
    conditions = {"if_match": '"e"', "if_tags": "k = 'v'", "lease": lease}
    taken = client.create_snapshot("data/x", metadata={"why": "before"}, **conditions)
    assert taken == SNAPSHOT
    asked = server.heads[0]
    assert (asked.method, asked.query) == ("PUT", {"comp": "snapshot"})
    assert asked.headers["x-ms-meta-why"] == "before"
    assert asked.headers["if-match"] == '"e"'
    assert asked.headers["x-ms-if-tags"] == "k = 'v'"
    assert asked.headers["x-ms-lease-id"] == lease
    assert client.read(taken) == b"as it was"
    odd = BlobPath("data", "a//b/")
    assert client.create_snapshot_many(["data/x", odd]) == [
        SNAPSHOT,
        BlobPath("data", "a//b/", snapshot=TAKEN),
    ]


def test_a_snapshot_that_has_no_name_is_an_error() -> None:
    def answer(connection: Connection, request: Request) -> None:
        connection.answer(request, 201, {"ETag": '"e"'})

    with (
        Server(each(answer)) as server,
        pytest.raises(fastblob.ServiceError, match="the answer does not tell which"),
    ):
        server.client().create_snapshot("data/x")


@pytest.mark.parametrize("blob", [VERSION, SNAPSHOT], ids=["version", "snapshot"])
def test_promotion_is_a_copy_onto_its_own_name(server: Server, client: Any, blob: BlobPath) -> None:
    client.promote(blob, tier="Cool", if_match='"e"')
    asked = next(request for request in server.heads if request.method == "PUT")
    assert (asked.method, asked.path, asked.query) == ("PUT", "/data/x", {})
    assert copy_source(server) == f"{server.url}/{blob}"
    assert asked.headers["x-ms-access-tier"] == "Cool"
    assert asked.headers["if-match"] == '"e"'
    assert "if-none-match" not in asked.headers


def test_only_another_state_is_promoted(server: Server, client: Any) -> None:
    for blob in ("data/x", client.properties("data/x")):
        server.heads.clear()
        with pytest.raises(ValueError, match="is the blob itself; promote a version or a snapshot"):
            client.promote(blob)
        assert server.heads == []


@pytest.mark.parametrize("repeated", [VERSION, SNAPSHOT], ids=["version", "snapshot"])
def test_a_lost_answer_to_a_promotion_finds_the_copy_of_that_state(repeated: BlobPath) -> None:
    """The answer is lost; the repetition meets a copy under way: ours, where it is of the same state."""

    def run(under_way: BlobPath) -> Any:
        begun: list[Request] = []

        def answer(connection: Connection, request: Request) -> None:
            now = formatdate(usegmt=True)
            if "versionid" in request.query:
                connection.answer(request, 200, {"x-ms-version-id": OLD, "ETag": '"e"'})
            elif request.method == "HEAD":
                copied = {
                    "x-ms-copy-id": "id",
                    "x-ms-copy-status": "success",
                    "x-ms-copy-source": f"{connection.server.url}/{under_way}",
                }
                times = {"Last-Modified": now, "x-ms-creation-time": now, "Date": now}
                connection.answer(request, 200, {**copied, **times, "ETag": '"e"', "Content-Length": "3"})
            elif not begun:
                begun.append(request)
                connection.reset()
            else:
                connection.answer_error(request, 409, "PendingCopyOperation")

        with Server(each(answer)) as server:
            return server.client().promote(repeated)

    assert run(repeated).copy_id == "id"
    for other in (BlobPath("data/x"), BlobPath("data/x", version_id=NEW)):
        with pytest.raises(fastblob.BlobConflictError):
            run(other)


def test_what_is_deleted_is_brought_back() -> None:
    entries = [
        *ENTRIES[:1],
        listed("y", f"<VersionId>{OLD}</VersionId><Deleted>true</Deleted>", OF_DELETED),
        listed("y", f"<Snapshot>{TAKEN}</Snapshot><Deleted>true</Deleted>", OF_DELETED),
    ]
    with Server(each(pages(entries, 9))) as server:
        client = server.client()
        items = list(client.list("data", include=("deleted",)))
        server.heads.clear()
        client.undelete(items[0])
        assert [result.error for result in client.undelete_many([*items, "data/z"])] == [None] * 4
        assert sorted((request.path, request.query["comp"]) for request in server.heads) == [
            ("/data/gone", "undelete"),
            ("/data/gone", "undelete"),
            ("/data/y", "undelete"),
            ("/data/y", "undelete"),
            ("/data/z", "undelete"),
        ]


def test_create_and_promote_snapshots_on_azurite(azurite: tuple[Account, str]) -> None:
    account, container = azurite
    client = account.client()
    paths = [f"{container}/{name}" for name in ("a", "b ü%", "c/d")]
    client.write_many(((path, path.encode()) for path in paths), metadata={"of": "blob"})
    taken = client.create_snapshot_many(paths)
    named = client.create_snapshot(paths[0], metadata={"of": "snapshot"})
    assert client.properties(taken[0]).metadata == {"of": "blob"}
    assert client.properties(named).metadata == {"of": "snapshot"}
    client.write_many(((path, b"damaged") for path in paths), overwrite=True)
    assert client.read_many(taken) == [path.encode() for path in paths]
    theirs = account.sdk.get_blob_client(container, "a", snapshot=taken[0].snapshot).download_blob()
    assert theirs.readall() == paths[0].encode()
    for snapshot in taken:
        assert client.promote(snapshot).snapshot is None
    assert client.read_many(paths) == [path.encode() for path in paths]
    with pytest.raises(fastblob.BlobNotFoundError):
        client.create_snapshot(f"{container}/none")
    collected = client.create_snapshot_many([f"{container}/none", paths[0]], on_error="collect")
    assert isinstance(collected[0], fastblob.BlobNotFoundError)
    assert isinstance(collected[1], BlobPath)
