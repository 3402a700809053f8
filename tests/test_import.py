"""What ``import fastblob`` costs, in modules and not in time, and what it offers."""

from __future__ import annotations

import inspect
import json

import fastblob
import pytest
from support import run_python

# Everything slow, or of other programs' making, that a plain import must not bring along.
UNWANTED = [
    "aiohttp",
    "asyncio",
    "azure.core",
    "azure.identity",
    "azure.keyvault",
    "azure.storage",
    "cryptography",
    "metaflow",
    "msal",
    "numpy",
    "requests",
    "ssl",
    "tqdm",
    "urllib3",
]


def test_importing_loads_little() -> None:
    ran = run_python("import json, sys, fastblob; print(json.dumps(sorted(sys.modules)))")
    assert ran.returncode == 0, ran.stderr
    loaded = json.loads(ran.stdout)
    assert [name for name in loaded if name.startswith(tuple(UNWANTED))] == []


def test_importing_warns_of_nothing() -> None:
    ran = run_python("import fastblob, fastblob.local")
    assert (ran.returncode, ran.stderr) == (0, "")


def test_all_is_sorted_and_there() -> None:
    assert sorted(set(fastblob.__all__)) == list(fastblob.__all__)
    assert [name for name in fastblob.__all__ if not hasattr(fastblob, name)] == []
    assert set(fastblob.__all__) <= set(dir(fastblob))


@pytest.mark.parametrize("name", [name for name in fastblob.__all__ if not name.startswith("__")])
def test_everything_public_is_documented(name: str) -> None:
    documented = getattr(fastblob, name)
    assert inspect.getdoc(documented)
    if inspect.isclass(documented) and not issubclass(documented, Exception):
        members = [member for member in dir(documented) if not member.startswith("_")]
        assert [member for member in members if not inspect.getdoc(getattr(documented, member))] == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = fastblob.nonsense


CONTRACT = {
    "Client": ["account_url", "credential"],
    "download": ["blob", "path"],
    "upload": ["path", "blob"],
    "read": ["blob", "offset", "length"],
    "read_into": ["blob", "buffer", "offset"],
    "write": ["blob", "data"],
    "download_many": ["items"],
    "upload_many": ["items"],
    "read_many": ["blobs"],
    "write_many": ["items"],
    "delete_many": ["blobs"],
    "copy": ["source", "target"],
}


@pytest.mark.parametrize("name", CONTRACT)
def test_positional_arguments_are_those_of_the_contract(name: str) -> None:
    # Other programs call these by position and by name.
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD,)
    parameters = inspect.signature(getattr(fastblob, name)).parameters.values()
    assert [p.name for p in parameters if p.kind in kinds and p.name not in {"self", "cls"}] == CONTRACT[name]
