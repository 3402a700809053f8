"""Paths: what is one, what is not and why, and that a name survives the way to the service and back."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Callable

import fastblob
import pytest
from fastblob import BlobPath
from fastblob.local import LocalAzure
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import names

containers = st.from_regex(r"[a-z0-9](?:-?[a-z0-9]){2,30}", fullmatch=True)
segments = (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\\"), min_size=1, max_size=20)
    .filter(lambda segment: segment not in {".", ".."})
    .filter(lambda segment: not any(ord(character) < 32 or ord(character) == 127 for character in segment))
)
blob_names = st.lists(segments, min_size=1, max_size=5).map("/".join).filter(lambda name: len(name) <= 1024)


@given(containers, blob_names)
def test_a_legal_path_is_taken_apart_and_kept(container: str, name: str) -> None:
    path = BlobPath(f"{container}/{name}")
    assert (path.container, path.name) == (container, name)
    assert str(path) == f"{container}/{name}"
    assert path == BlobPath(str(path))
    assert hash(path) == hash(BlobPath(str(path)))
    assert pickle.loads(pickle.dumps(path)) == path


@given(st.text(max_size=60))
def test_any_string_is_a_path_or_a_value_error(text: str) -> None:
    try:
        path = BlobPath(text)
    except ValueError:
        return
    assert str(path) == text


@pytest.mark.parametrize("container", ["abc", "a-b-c", "0numbers9", "x" * 63, "$root", "$web", "$logs"])
def test_a_container_alone(container: str) -> None:
    path = BlobPath(container)
    assert (path.container, path.name) == (container, "")


@pytest.mark.parametrize(
    ("text", "reason", "repaired"),
    [
        ("/container/blob", "slash", "container/blob"),
        ("container/blob/", "slash", "container/blob"),
        ("container//blob", "slash", "container/blob"),
        ("container/a///b", "slash", "container/a/b"),
        ("https://acct.blob.core.windows.net/container/blob", "https://", "container/blob"),
        ("wasbs://container@acct.blob.core.windows.net/blob", "wasbs://", None),
        ("az://container/blob", "az://", "container/blob"),
        ("acct.blob.core.windows.net/container/blob", "acct.blob.core.windows.net", "container/blob"),
        (
            "acct.blob.core.chinacloudapi.cn/container/blob",
            "acct.blob.core.chinacloudapi.cn",
            "container/blob",
        ),
        ("container\\blob", "backslash", "container/blob"),
        ("container/./blob", "'.'", None),
        ("container/../blob", "'..'", None),
        ("Container/blob", "container", "container/blob"),
        ("ab/blob", "3", None),
        ("x" * 64 + "/blob", "63", None),
        ("con--tainer/blob", "hyphen", None),
        ("-container/blob", "hyphen", None),
        ("container-/blob", "hyphen", None),
        ("con_tainer/blob", "container", None),
        ("container/" + "x" * 1025, "1,024", None),
        ("container/" + "/".join("x" * 255), "254", None),
        ("", "empty", None),
    ],
)
def test_the_message_names_the_reason_and_the_repaired_form(
    text: str, reason: str, repaired: str | None
) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)) as caught:
        BlobPath(text)
    message = str(caught.value)
    if repaired is not None:
        # Quoted on both sides, so that the refused text itself does not count as its own repair.
        assert f"'{repaired}'" in message or f'"{repaired}"' in message
        assert str(BlobPath(repaired)) == repaired


@pytest.mark.parametrize(
    "call",
    [
        lambda client, path: client.read(path),
        lambda client, path: client.write(path, b""),
        lambda client, path: client.download(path, os.devnull),
        lambda client, path: client.upload(os.devnull, path),
        lambda client, path: client.properties(path),
        lambda client, path: client.exists(path),
        lambda client, path: client.delete(path),
        lambda client, path: client.copy(path, "container/blob"),
        lambda client, path: client.copy("container/blob", path),
        lambda client, path: list(client.list(path)),
        lambda client, path: client.read_many([path]),
        lambda client, path: client.delete_many([path]),
        lambda client, path: client.download_prefix(path, "unused"),
    ],
)
def test_every_call_refuses_a_bad_path_before_any_request(
    call: Callable[[fastblob.Client, str], object], service: LocalAzure, service_client: fastblob.Client
) -> None:
    with pytest.raises(ValueError, match="slash"):
        call(service_client, "/container/blob")
    assert service.requests() == []


@pytest.mark.parametrize("call", ["read", "properties", "exists", "delete"])
def test_a_container_alone_is_no_blob(service_client: fastblob.Client, call: str) -> None:
    with pytest.raises(ValueError, match="container"):
        getattr(service_client, call)("container")


@given(blob_names)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_legal_name_survives_the_round_trip(
    service_client: fastblob.Client, service_container: str, name: str
) -> None:
    blob = f"{service_container}/{name}"
    service_client.write(blob, name.encode())
    assert service_client.read(blob) == name.encode()
    assert names(service_client.list(service_container)) == [name]
    service_client.delete(blob)


def test_blob_path_objects_work_where_strings_do(
    service_client: fastblob.Client, service_container: str
) -> None:
    path = BlobPath(f"{service_container}/blob")
    service_client.write(path, b"data")
    assert service_client.read(path) == b"data"
    assert service_client.read_many([path]) == [b"data"]
