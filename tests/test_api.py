"""The public API as help(), inspect, Jupyter and IDEs see it."""

from __future__ import annotations

import inspect
import pickle
import pydoc
import re
from collections.abc import Callable
from typing import Any

import fastblob
import pytest

FUNCTIONS = [
    name
    for name in fastblob.__all__
    if inspect.isfunction(getattr(fastblob, name)) and name not in {"crc64", "default_credential"}
]
METHODS = [
    name
    for name, member in inspect.getmembers(fastblob.Client, inspect.isroutine)
    if not name.startswith("_") and name not in {"close", "from_connection_string"}
]
MANY = [name for name in FUNCTIONS if name.endswith("_many") or name in {"upload_dir", "download_prefix"}]
WRITES = ["upload", "upload_many", "upload_dir", "write", "write_many"]
HEADERS = ["content_encoding", "content_language", "content_disposition", "cache_control"]
CONDITIONS = ["if_match", "if_none_match", "if_modified_since", "if_unmodified_since", "if_tags", "lease"]


def parameters_of(function: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def documented(function: Callable[..., Any]) -> list[str]:
    """The names in the section about arguments."""
    text = inspect.getdoc(function) or ""
    section = re.search(r"^Args:\n((?:    .*\n|\n)*)", text + "\n", re.MULTILINE)
    return re.findall(r"^    (\w+):", section[1], re.MULTILINE) if section else []


def test_each_method_is_a_function_of_the_module() -> None:
    assert sorted(FUNCTIONS) == sorted(METHODS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_help_shows_all_of_a_function(name: str) -> None:
    function, method = getattr(fastblob, name), getattr(fastblob.Client, name)
    assert parameters_of(function) == parameters_of(method)
    assert inspect.getdoc(function) == inspect.getdoc(method)
    shown = pydoc.plain(pydoc.render_doc(function))
    assert f"function {name} in module fastblob" in shown
    for parameter in parameters_of(function):
        assert re.search(rf"^ +{parameter}: ", shown, re.MULTILINE), parameter


@pytest.mark.parametrize("name", [*METHODS, "from_connection_string"])
def test_help_of_the_client_shows_all_of_a_method(name: str) -> None:
    shown = pydoc.plain(pydoc.render_doc(fastblob.Client))
    first_line = (inspect.getdoc(getattr(fastblob.Client, name)) or "").partition("\n")[0]
    assert first_line
    assert first_line in shown


@pytest.mark.parametrize("name", FUNCTIONS)
def test_docstrings_are_complete(name: str) -> None:
    function = getattr(fastblob, name)
    assert documented(function) == parameters_of(function)
    text = inspect.getdoc(function) or ""
    assert "\nRaises:\n" in text
    assert ("\nReturns:\n" in text) == (inspect.signature(function).return_annotation != "None")


@pytest.mark.parametrize(
    "value",
    [fastblob.Client, fastblob.BlobPath, fastblob.WriteOptions, fastblob.Client.from_connection_string],
)
def test_docstrings_of_what_is_made_are_complete(value: Any) -> None:
    # What goes on to another function is documented there.
    own = [name for name in documented(value) if name != "options"]
    assert own == [name for name in parameters_of(value) if name != "options"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_source_is_found_and_functions_pickle(name: str) -> None:
    function = getattr(fastblob, name)
    assert f"def {name}(" in inspect.getsource(function)
    assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize("name", MANY)
def test_the_forms_for_many_have_the_same_options(name: str) -> None:
    signature = inspect.signature(getattr(fastblob, name))
    assert signature.parameters["on_error"].default == "raise"
    assert signature.parameters["progress"].default is None


@pytest.mark.parametrize("name", WRITES)
def test_uploads_have_the_same_options(name: str) -> None:
    assert set(parameters_of(getattr(fastblob, name))) >= {
        "overwrite",
        "metadata",
        "content_type",
        "tier",
        "tags",
        "content_md5",
        *HEADERS,
    }


@pytest.mark.parametrize(
    "name",
    ["read", "read_into", "download", "upload", "write", "copy", "delete", "properties", "set_metadata"],
)
def test_conditions(name: str) -> None:
    assert set(parameters_of(getattr(fastblob, name))) >= set(CONDITIONS)


def test_options_of_items_are_those_of_calls() -> None:
    of_call = set(parameters_of(fastblob.upload)) - {"path", "blob", "progress"}
    assert set(parameters_of(fastblob.WriteOptions)) == of_call


RESULTS = [
    fastblob.TransferResult,
    fastblob.BlobProperties,
    fastblob.BlobItem,
    fastblob.Progress,
    fastblob.ContainerProperties,
    fastblob.AccountInformation,
]


@pytest.mark.parametrize("kind", RESULTS)
def test_results_say_what_they_hold(kind: Any) -> None:
    members = [name for name in dir(kind) if not name.startswith("_")]
    assert all(isinstance(inspect.getattr_static(kind, name), property) for name in members)
    assert [name for name in members if not getattr(kind, name).fget.__annotations__.get("return")] == []
    assert [name for name in members if not inspect.getdoc(getattr(kind, name))] == []
