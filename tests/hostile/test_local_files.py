"""Local files as they are: special ones, odd names, links, and what a killed process leaves behind."""

from __future__ import annotations

import errno
import os
import signal
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastblob
import pytest
from fastblob.local import LocalAzure
from hostile.child import environment, in_child
from hostile.server import ETAG, TIME, Connection, Request, Server, answer_head, each, list_page

MIB = 1 << 20

# Errors of local files are OSErrors; what a file system cannot hold may be refused as ValueError too.
LOCAL = (OSError, ValueError)


def tree(folder: Path) -> dict[str, bytes]:
    """All files below ``folder`` by their relative names, hidden and temporary ones included."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


# Up -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/proc/cpuinfo", "/proc/self/status", "/proc/meminfo"])
@pytest.mark.parametrize("how", ["upload", "upload_many"])
@in_child()
def test_a_file_whose_size_is_said_to_be_zero(path: str, how: str) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client: Any = azure.client()
        if how == "upload":
            client.upload(path, "data/blob")
        else:
            client.upload_many([(path, "data/blob")])
        # What they hold changes while they are read; the first word does not.
        assert client.read("data/blob").split()[:1] == Path(path).read_bytes().split()[:1]


@in_child()
def test_a_pipe_that_somebody_writes_is_uploaded(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    threading.Thread(target=lambda: fifo.write_bytes(b"through a pipe"), daemon=True).start()
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client()
        result = client.upload(fifo, "data/blob")
        assert (result.size, client.read("data/blob")) == (14, b"through a pipe")


@in_child()
def test_process_substitution(tmp_path: Path) -> None:
    # What a shell hands over for `<(command)`.
    reading, writing = os.pipe()
    os.write(writing, b"through a pipe")
    os.close(writing)
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client()
        client.upload(f"/dev/fd/{reading}", "data/blob")
        assert client.read("data/blob") == b"through a pipe"


@pytest.mark.parametrize("path", ["folder", "socket"])
@in_child()
def test_what_cannot_be_uploaded_is_an_error(path: str, tmp_path: Path) -> None:
    import socket

    (tmp_path / "folder").mkdir()
    with LocalAzure(tls=False, containers=["data"]) as azure, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        with pytest.raises(OSError, match=r"\w") as caught:
            azure.client().upload(tmp_path / path, "data/blob")
        is_complete(caught.value, tmp_path / path)
        assert not azure.client().exists("data/blob")


def is_complete(error: BaseException, path: Path | str | None = None) -> None:
    """An OSError has errno, strerror and filename, and says all of them."""
    assert isinstance(error, OSError), repr(error)
    assert isinstance(error.errno, int), repr(error)
    assert isinstance(error.strerror, str), repr(error)
    assert error.strerror
    assert error.filename is not None
    if path is not None:
        assert os.fspath(error.filename) == os.fspath(path)
    assert "None" not in str(error)


def odd_path(folder: Path, name: bytes) -> Path:
    """A path of any bytes."""
    return folder / os.fsdecode(name)


@in_child()
def test_a_name_that_is_not_utf8_is_one_items_trouble(tmp_path: Path) -> None:
    (tmp_path / "fine").write_bytes(b"fine")
    odd_path(tmp_path, b"caf\xe9").write_bytes(b"odd")
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client()
        results = client.upload_dir(tmp_path, "data/new", on_error="collect")
        assert [item.name for item in client.list("data")] == ["new/fine"]
        errors = [result.error for result in results if result.error is not None]
        assert len(results) == 2
        assert len(errors) == 1


@in_child()
def test_a_name_that_is_not_utf8_without_collect_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "fine").write_bytes(b"fine")
    odd_path(tmp_path, b"caf\xe9").touch()
    with LocalAzure(tls=False, containers=["data"]) as azure, pytest.raises(LOCAL, match="UTF-8"):
        azure.client().upload_dir(tmp_path, "data/new")


@in_child()
def test_a_path_that_is_not_utf8_can_be_uploaded_and_downloaded(tmp_path: Path) -> None:
    odd = odd_path(tmp_path, b"caf\xe9")
    odd.write_bytes(b"odd")
    target = odd_path(tmp_path, b"th\xe9")
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client()
        client.upload(odd, "data/blob")
        client.upload_many([(odd, "data/blob2")])
        result = client.download("data/blob", target)
        assert target.read_bytes() == b"odd"
        assert result.path is not None
        assert os.fsencode(result.path) == os.fsencode(target)


def deep(folder: Path) -> None:
    """A file whose relative path has more than 1,024 characters."""
    for _ in range(6):
        folder = folder / ("d" * 200)
        folder.mkdir()
    (folder / "odd").write_bytes(b"odd")


# Each makes something in a folder beside the file `fine`.
ODDITIES: dict[str, Callable[[Path], object]] = {
    "a dangling link": lambda folder: (folder / "odd").symlink_to(folder / "nothing"),
    "a loop of links": lambda folder: (folder / "odd").symlink_to(folder / "odd"),
    "a link to a folder above": lambda folder: (folder / "odd").symlink_to(folder),
    "a pipe": lambda folder: os.mkfifo(folder / "odd"),
    "a name with a backslash": lambda folder: (folder / "o\\dd").write_bytes(b"odd"),
    "a name that is too long for a blob": deep,
}


@pytest.mark.parametrize("oddity", ODDITIES)
@in_child()
def test_oddities_in_a_folder_never_go_without_a_word(oddity: str, tmp_path: Path) -> None:
    # An item with an error, or with a blob, or in the result as skipped: anything but silence.
    (tmp_path / "fine").write_bytes(b"fine")
    ODDITIES[oddity](tmp_path)
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client()
        results = client.upload_dir(tmp_path, "data/new", on_error="collect")
        assert client.read("data/new/fine") == b"fine"
        assert len(results) > 1 or getattr(results, "skipped", None)
        for result in results:
            if isinstance(result.error, OSError):
                is_complete(result.error)


@in_child()
def test_a_folder_that_cannot_be_read_is_one_items_trouble(tmp_path: Path) -> None:
    (tmp_path / "fine").write_bytes(b"fine")
    locked = tmp_path / "locked"
    locked.mkdir()
    (locked / "file").write_bytes(b"x")
    locked.chmod(0)
    if os.geteuid() == 0:
        # root reads everything.
        os.chown(tmp_path, 65534, 65534)
        os.chown(locked, 65534, 65534)
        for parent in tmp_path.parents:
            if not parent.stat().st_mode & stat.S_IXOTH:
                parent.chmod(parent.stat().st_mode | stat.S_IXOTH)
        os.setegid(65534)
        os.seteuid(65534)
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client()
        results = client.upload_dir(tmp_path, "data/new", on_error="collect")
        assert client.read("data/new/fine") == b"fine"
        (error,) = [result.error for result in results if result.error is not None]
        is_complete(error, locked)


@pytest.mark.parametrize("follow", [True, False])
@in_child()
def test_links_to_folders(follow: bool, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "sub").mkdir(parents=True)
    (outside / "sub/file").write_bytes(b"linked")
    source = tmp_path / "source"
    source.mkdir()
    (source / "fine").write_bytes(b"fine")
    (source / "link").symlink_to(outside)
    (source / "filelink").symlink_to(outside / "sub/file")
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client: Any = azure.client()
        client.upload_dir(source, "data/new", follow_symlinks=follow, on_error="collect")
        names = {item.name for item in client.list("data")}
    assert names == ({"new/fine", "new/link/sub/file", "new/filelink"} if follow else {"new/fine"})


@in_child()
def test_hidden_files_go_along(tmp_path: Path) -> None:
    (tmp_path / ".hidden").write_bytes(b"x")
    (tmp_path / ".folder").mkdir()
    (tmp_path / ".folder/file").write_bytes(b"x")
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client()
        client.upload_dir(tmp_path, "data/new")
        assert [item.name for item in client.list("data")] == ["new/.folder/file", "new/.hidden"]


# Down ---------------------------------------------------------------------------------------------


def fill(azure: LocalAzure, **blobs: bytes) -> None:
    """Writes these blobs below ``data/p/``; ``__`` stands for a slash in a name."""
    for name, content in blobs.items():
        put(azure, "p/" + name.replace("__", "/"), content)


def put(azure: LocalAzure, name: str, content: bytes, metadata: dict[str, str] | None = None) -> None:
    """Writes a blob of any name, as other tools can."""
    from azure.storage.blob import BlobServiceClient

    with BlobServiceClient(
        azure.blob_endpoint, credential=azure.account_key, retry_total=0, api_version="2024-11-04"
    ) as sdk:
        sdk.get_blob_client("data", name).upload_blob(content, metadata=metadata)


@pytest.mark.parametrize(
    "link", ["to a folder outside", "to a file outside", "dangling outside", "to a folder above"]
)
@in_child()
def test_links_in_the_target_folder_never_lead_out_of_it(link: str, tmp_path: Path) -> None:
    outside, target = tmp_path / "outside", tmp_path / "target"
    outside.mkdir()
    target.mkdir()
    (outside / "file").write_bytes(b"precious")
    (target / "link").symlink_to(
        {
            "to a folder outside": outside,
            "to a file outside": outside / "file",
            "dangling outside": outside / "new",
            "to a folder above": Path(".."),
        }[link]
    )
    with LocalAzure(tls=False, containers=["data"]) as azure:
        fill(azure, link__file=b"new", fine=b"fine")
        results = azure.client().download_prefix("data/p", target, on_error="collect")
    assert tree(outside) == {"file": b"precious"}
    assert not (tmp_path / "file").exists()
    assert (target / "fine").read_bytes() == b"fine"
    # The blob is a failure, or lies in a folder that took the place of the link.
    failed = [result for result in results if result.error is not None]
    assert failed or (target / "link/file").read_bytes() == b"new"


MARKERS: dict[str, list[tuple[str, bytes, dict[str, str]]]] = {
    "an empty blob beside its folder": [("p/job", b"", {})],
    "a blob that ends in a slash": [("p/job/", b"", {})],
    "a folder of a hierarchical account": [("p/job", b"", {"hdi_isfolder": "true"})],
    "both": [("p/job", b"", {"hdi_isfolder": "true"}), ("p/job/", b"", {})],
    "a capitalised name": [("p/job", b"", {"Hdi_isfolder": "true"})],
}


@pytest.mark.parametrize("marker", MARKERS)
@in_child()
def test_markers_of_folders_hide_no_data(marker: str, tmp_path: Path) -> None:
    for attempt in range(3):
        with LocalAzure(tls=False, containers=["data"]) as azure:
            for name, content, metadata in MARKERS[marker]:
                put(azure, name, content, metadata)
            fill(azure, **{f"job__part{number}": b"data" for number in range(20)}, other=b"other")
            target = tmp_path / f"{attempt}"
            results = azure.client().download_prefix("data/p", target, on_error="collect")
            assert [result.error for result in results if result.error is not None] == []
            expected = {f"job/part{number}": b"data" for number in range(20)}
            assert tree(target) == {**expected, "other": b"other"}


@in_child()
def test_a_blob_with_data_beside_a_folder_of_its_name_is_said(tmp_path: Path) -> None:
    # A file system cannot hold both: the same one wins each time, the other one is an error.
    kept = set()
    for attempt in range(3):
        with LocalAzure(tls=False, containers=["data"]) as azure:
            fill(azure, job=b"data", job__part=b"data")
            results = azure.client().download_prefix("data/p", tmp_path / f"{attempt}", on_error="collect")
            assert len([result for result in results if result.error is not None]) == 1
            kept.add(tuple(tree(tmp_path / f"{attempt}")))
    assert len(kept) == 1


ODD_NAMES = [
    "p/a//b",
    "p//a",
    "p/x/",
    "p/a\\b",
    "p/./a",
    "p/../escape",
    "p/../../escape",
    "p/a/../b",
    "p/" + "n" * 300,
]


@pytest.mark.parametrize("odd", ODD_NAMES, ids=range(len(ODD_NAMES)))
@in_child()
def test_odd_names_are_one_items_trouble(odd: str, tmp_path: Path) -> None:
    # A listing that the embedded service would not give is the scripted server's.
    def respond(connection: Connection, request: Request) -> None:
        if request.query.get("comp") == "list":
            page = list_page(sorted([odd, "p/fine"]))
            connection.answer(request, 200, {"Content-Type": "application/xml"}, page)
        else:
            connection.answer_range(request, b"abc")

    target = tmp_path / "in/target"
    with Server(each(respond)) as server:
        results = server.client(max_retries=0).download_prefix("data/p", target, on_error="collect")
    assert (target / "fine").read_bytes() == b"abc"
    assert len(results) == 2
    inside = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert all(target in path.parents for path in inside), inside


@in_child()
def test_a_target_that_is_a_link_is_written_through_it(tmp_path: Path) -> None:
    # As `open(path, "wb")` does it: the link stays, and what it leads to is replaced.
    (tmp_path / "real").mkdir()
    (tmp_path / "real/file").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real/file")
    with LocalAzure(tls=False, containers=["data"]) as azure:
        fill(azure, blob=b"new")
        azure.client().download("data/p/blob", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real/file").read_bytes() == b"new"
    assert set(tree(tmp_path)) == {"real/file"}


@pytest.mark.parametrize("spelling", ["d/../d/f", "./d/f", "d//f", "link/f", "absolute"])
@in_child()
def test_one_target_in_two_spellings_is_one_target(spelling: str, tmp_path: Path) -> None:
    os.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    (tmp_path / "link").symlink_to("d")
    other = str(tmp_path / "d/f") if spelling == "absolute" else spelling
    with LocalAzure(tls=False, containers=["data"]) as azure:
        fill(azure, a=b"a", b=b"b")
        azure.clear_requests()
        with pytest.raises(ValueError, match="target"):
            azure.client().download_many([("data/p/a", "d/f"), ("data/p/b", other)])


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
@in_child()
def test_the_mode_of_a_file_that_is_replaced_is_kept(mode: int, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    target.chmod(mode)
    seen: list[int] = []

    def respond(connection: Connection, request: Request) -> None:
        content = bytes(4 * MIB)
        head = {"Content-Range": f"bytes 0-{4 * MIB - 1}/{4 * MIB}", "x-ms-blob-type": "BlockBlob"}
        connection.send(answer_head(request, 206, 4 * MIB, {**head, "ETag": ETAG, "Last-Modified": TIME}))
        connection.send(content[: 2 * MIB])
        # While it is written, it is no more open to others than it will be.
        for _ in range(200):
            written = [path for path in tmp_path.iterdir() if path != target and path.stat().st_size]
            if written:
                break
            connection.server.ended.wait(0.01)
        seen.extend(stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir())
        connection.send(content[2 * MIB :])

    with Server(each(respond)) as server:
        server.client(max_retries=0).download("data/blob", target)
    assert stat.S_IMODE(target.stat().st_mode) == mode
    assert all(found & ~mode == 0 for found in seen), [oct(found) for found in seen]


KILLED = """
import sys
from hostile.server import KEY
import fastblob
fastblob.Client(sys.argv[1], KEY, timeout=600).download("data/blob", sys.argv[2])
"""


@pytest.mark.parametrize("later", ["the same target", "another target in the folder"])
@in_child()
def test_what_a_killed_process_leaves_is_removed_by_a_later_call(later: str, tmp_path: Path) -> None:
    size = 16 * MIB
    killed = threading.Event()

    def respond(connection: Connection, request: Request) -> None:
        if not killed.is_set():
            head = {"Content-Range": f"bytes 0-{size // 2 - 1}/{size}", "x-ms-blob-type": "BlockBlob"}
            connection.send(
                answer_head(request, 206, size // 2, {**head, "ETag": ETAG, "Last-Modified": TIME})
            )
            connection.send(bytes(MIB))
            connection.hold()
        connection.answer_range(request, b"content")

    with Server(each(respond)) as server:
        command = [sys.executable, "-c", KILLED, server.url, str(tmp_path / "target")]
        with subprocess.Popen(command, env=environment(PYTHONPATH=os.environ["PYTHONPATH"])) as process:
            server.wait_for_requests(1)
            # A file without a name, which some file systems can have, is never seen and leaves nothing.
            for _ in range(200):
                if list(tmp_path.iterdir()):
                    break
                threading.Event().wait(0.01)
            process.send_signal(signal.SIGKILL)
        killed.set()
        target = tmp_path / ("target" if later == "the same target" else "other")
        server.client(max_retries=0).download("data/blob", target)
    assert list(tmp_path.iterdir()) == [target]


@in_child()
def test_the_part_file_of_a_download_that_runs_is_not_removed(tmp_path: Path) -> None:
    # Two downloads into one folder at once: the second one removes left-overs, not what is being written.
    held = threading.Event()
    size = 2 * MIB

    def respond(connection: Connection, request: Request) -> None:
        if request.path.endswith("/slow"):
            head = {"Content-Range": f"bytes 0-{size - 1}/{size}", "x-ms-blob-type": "BlockBlob"}
            connection.send(answer_head(request, 206, size, {**head, "ETag": ETAG, "Last-Modified": TIME}))
            connection.send(b"s" * MIB)
            held.wait(60)
            connection.send(b"s" * MIB)
        else:
            connection.answer_range(request, b"content")

    with Server(each(respond)) as server:
        slow = threading.Thread(
            target=lambda: server.client(max_retries=0).download("data/slow", tmp_path / "target"),
            daemon=True,
        )
        slow.start()
        server.wait_for_requests(1)
        server.client(max_retries=0).download("data/quick", tmp_path / "other")
        held.set()
        slow.join()
    assert tree(tmp_path) == {"target": b"s" * size, "other": b"content"}


# Messages -----------------------------------------------------------------------------------------

FAILURES: dict[str, tuple[Callable[[Any, Path], object], int | None]] = {
    "no file": (lambda client, folder: client.upload(folder / "none", "data/x"), errno.ENOENT),
    "no file in a batch": (
        lambda client, folder: client.upload_many([(folder / "none", "data/x")]),
        errno.ENOENT,
    ),
    "a folder as file": (lambda client, folder: client.upload(folder, "data/x"), errno.EISDIR),
    "a folder that is none": (
        lambda client, folder: client.upload_dir(folder / "none", "data/x"),
        errno.ENOENT,
    ),
    "a file as folder": (lambda client, folder: client.upload_dir(folder / "file", "data/x"), errno.ENOTDIR),
    "a target that is a folder": (
        lambda client, folder: client.download("data/p/blob", folder),
        errno.EISDIR,
    ),
    "a target below a file": (
        lambda client, folder: client.download("data/p/blob", folder / "file/below"),
        errno.ENOTDIR,
    ),
    "a name that is too long": (
        lambda client, folder: client.download("data/p/blob", folder / ("n" * 300)),
        errno.ENAMETOOLONG,
    ),
    "a device": (lambda client, folder: client.download("data/p/blob", "/dev/full"), None),
    "a loop of links": (lambda client, folder: client.upload(folder / "loop", "data/x"), errno.ELOOP),
    "a dangling link": (lambda client, folder: client.upload(folder / "dangling", "data/x"), errno.ENOENT),
    "a target in a loop": (
        lambda client, folder: client.download("data/p/blob", folder / "loop/x"),
        errno.ELOOP,
    ),
    "a target folder that is a file": (
        lambda client, folder: client.download_prefix("data/p", folder / "file"),
        errno.ENOTDIR,
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
@in_child()
def test_an_oserror_has_errno_strerror_and_filename(failure: str, tmp_path: Path) -> None:
    call, number = FAILURES[failure]
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    with LocalAzure(tls=False, containers=["data"]) as azure:
        fill(azure, blob=b"content")
        with pytest.raises(OSError, match=r"\w") as caught:
            call(azure.client(), tmp_path)
    is_complete(caught.value)
    if number is not None:
        assert caught.value.errno == number, repr(caught.value)
        # Its own class, as Python gives it: FileNotFoundError and so on.
        assert type(caught.value) is type(OSError(number, "")), repr(caught.value)


@in_child()
def test_a_source_that_changes_says_so_in_an_oserror(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(40 * MIB))

    def respond(connection: Connection, request: Request) -> None:
        source.write_bytes(bytes(MIB))
        connection.answer(request, 201, {"ETag": ETAG, "Last-Modified": TIME})

    with Server(each(respond)) as server, pytest.raises(OSError, match=r"\w") as caught:
        server.client(max_connections=1).upload(source, "data/blob")
    is_complete(caught.value, source)


@in_child()
def test_errors_of_file_objects_come_out_as_they_are() -> None:
    class Fails:
        def read(self, size: int = -1) -> bytes:
            raise OSError(errno.EIO, "from the file object", "its name")

    with LocalAzure(tls=False, containers=["data"]) as azure:
        client: Any = azure.client()
        with pytest.raises(OSError, match="from the file object") as caught:
            client.write("data/blob", Fails())
    assert (caught.value.errno, caught.value.filename) == (errno.EIO, "its name")


@in_child()
def test_a_download_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    with LocalAzure(tls=False, containers=["data"]) as azure:
        fill(azure, blob=b"content" * 1000)
        azure.add_fault(operation="GetBlob", truncate_after=10)
        with pytest.raises(fastblob.TransferError):
            azure.client(max_retries=0).download("data/p/blob", tmp_path / "target")
    assert tree(tmp_path) == {"target": b"old"}


@in_child()
def test_a_download_is_on_the_disk_before_it_has_its_name(tmp_path: Path) -> None:
    # Otherwise a loss of power leaves the new name with zeros. Seen from outside: the calls of the process.
    import shutil

    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace")
    (tmp_path / "target").write_bytes(b"old")
    with LocalAzure(tls=False, containers=["data"]) as azure:
        fill(azure, blob=bytes(3 * MIB))
        script = (
            "import sys, fastblob; u, k, t = sys.argv[1:]; fastblob.Client(u, k).download('data/p/blob', t)"
        )
        log = tmp_path / "trace"
        command = [
            strace,
            "-f",
            "-o",
            str(log),
            "-e",
            "trace=fsync,fdatasync,syncfs,rename,renameat,renameat2,linkat",
        ]
        command += [
            sys.executable,
            "-c",
            script,
            azure.blob_endpoint,
            azure.account_key,
            str(tmp_path / "target"),
        ]
        subprocess.run(command, env=environment(), check=True)
    calls = [line.split("(")[0].split()[-1] for line in log.read_text().splitlines() if "(" in line]
    named = next(index for index, call in enumerate(calls) if call.startswith(("rename", "link")))
    assert any(call in {"fsync", "fdatasync", "syncfs"} for call in calls[:named]), calls


@pytest.mark.parametrize("ending", ["/", "/.", "/./"])
@pytest.mark.parametrize("there", ["nothing", "a dangling link"])
@in_child()
def test_a_target_that_names_a_folder_is_no_file(ending: str, there: str, tmp_path: Path) -> None:
    if there == "a dangling link":
        (tmp_path / "new").symlink_to(tmp_path / "nowhere")
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client()
        client.write("data/blob", b"content")
        azure.clear_requests()
        with pytest.raises(IsADirectoryError) as caught:
            client.download("data/blob", f"{tmp_path}/new{ending}")
        assert azure.requests() == []
    assert str(caught.value.filename).startswith(f"{tmp_path}/new")
    assert (tmp_path / "new").is_symlink() == (there == "a dangling link")
    assert not (tmp_path / "new").exists()


@in_child()
def test_a_name_that_a_clean_up_would_remove_is_refused(tmp_path: Path) -> None:
    name = ".a.0123456789abcdef.fastblob-part"
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client()
        client.write(fastblob.BlobPath("data", f"folder/{name}"), b"content")
        client.write("data/folder/other", b"content")
        with pytest.raises(ValueError, match=r"fastblob-part.*choose another"):
            client.download(fastblob.BlobPath("data", f"folder/{name}"), tmp_path / name)
        refused, other = client.download_prefix("data/folder", tmp_path, on_error="collect")
    assert isinstance(refused.error, ValueError)
    assert other.error is None
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can become two others")
@in_child()
def test_a_group_that_cannot_be_kept_leaves_its_rights_to_nobody(tmp_path: Path) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client()
        client.write("data/blob", b"content")
        tmp_path.chmod(0o777)
        os.chdir(tmp_path)
        Path("target").write_bytes(b"old")
        Path("target").chmod(0o4664)
        os.chown("target", 1001, 5000)
        os.setgroups([])
        os.setegid(100)
        os.seteuid(1000)
        client.download("data/blob", "target")
        os.seteuid(0)
        found = Path("target").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1000, 100, 0o604)


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can become two others")
@in_child()
def test_who_was_kept_out_by_the_group_is_kept_out_where_it_is_lost(tmp_path: Path) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client()
        client.write("data/blob", b"content")
        tmp_path.chmod(0o777)
        os.chdir(tmp_path)
        Path("target").write_bytes(b"old")
        Path("target").chmod(0o604)
        os.chown("target", 1001, 5000)
        os.setgroups([])
        os.setegid(100)
        os.seteuid(1000)
        client.download("data/blob", "target")
        os.seteuid(0)
        mode = stat.S_IMODE(Path("target").stat().st_mode)
    assert mode == 0o600


ACCESS_LIST, DEFAULT_LIST = "system.posix_acl_access", "system.posix_acl_default"
# acl(5): the owner, user 12345 and the mask may read and write, the group and others nothing.
ENTRIES = [(1, 6, -1), (2, 6, 12345), (4, 0, -1), (0x10, 6, -1), (0x20, 0, -1)]
FOR_ONE_MORE_USER = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in ENTRIES)


def set_list(path: Path, name: str) -> None:
    """Gives a file or folder the list, where its file system has any."""
    try:
        os.setxattr(path, name, FOR_ONE_MORE_USER)
    except OSError:
        pytest.skip("this file system has no access control lists")


@pytest.mark.skipif(sys.platform != "linux", reason="access control lists of Linux")
@in_child()
def test_the_access_control_list_of_a_file_that_is_replaced_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    set_list(target, ACCESS_LIST)
    with LocalAzure(tls=False, containers=["data"]) as azure:
        azure.client().write("data/blob", b"content")
        azure.client().download("data/blob", target)
    assert target.read_bytes() == b"content"
    assert os.getxattr(target, ACCESS_LIST) == FOR_ONE_MORE_USER


@pytest.mark.skipif(sys.platform != "linux", reason="access control lists of Linux")
@in_child()
def test_the_list_of_a_folder_gives_no_rights_on_a_file_that_had_none(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    target.chmod(0o660)
    set_list(tmp_path, DEFAULT_LIST)
    with LocalAzure(tls=False, containers=["data"]) as azure:
        azure.client().write("data/blob", b"content")
        azure.client().download("data/blob", target)
    assert target.read_bytes() == b"content"
    assert ACCESS_LIST not in os.listxattr(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o660


@pytest.mark.skipif(sys.platform != "linux", reason="access control lists of Linux")
@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can leave /proc behind")
@in_child()
def test_the_list_of_a_file_that_is_replaced_is_kept_without_proc(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    set_list(tmp_path / "target", ACCESS_LIST)
    with LocalAzure(tls=False, containers=["data"]) as azure:
        client = azure.client()
        client.write("data/blob", b"content")
        os.chroot(tmp_path)
        client.download("data/blob", "/target")
    assert Path("/target").read_bytes() == b"content"
    assert os.getxattr("/target", ACCESS_LIST) == FOR_ONE_MORE_USER
