"""``@secrets`` from Azure Key Vault: what the decorator and the provider make of sources and secrets."""

from __future__ import annotations

import json
import os
import re
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest
import vaults
from azure.core.credentials import AccessToken
from azure.identity import DefaultAzureCredential
from fastblob.local import LocalAzure

PLUGINS = "metaflow_extensions.fastblob.plugins"
VAULT = "https://my-vault.vault.azure.net"
VERSION = "ec96f02080254f109c51a1f14cdb1931"


@dataclass
class Plugins:
    """What Metaflow has for secrets in Key Vault: ours, as Metaflow finds it, and its own."""

    decorator: Any
    provider: Any
    own_decorator: Any
    own_provider: Any
    error: type[Exception]

    def prepare(self, **attributes: Any) -> Any:
        """A decorator as Metaflow makes it before a run begins and in each task."""
        decorator = self.decorator(attributes=attributes, statically_defined=True)
        decorator.external_init()
        return decorator

    def run(self, ubf_context: str | None = None, **attributes: Any) -> dict[str, str]:
        """Does what a task does before its step, and returns the variables that were set."""
        return self.pre_step(self.prepare(**attributes), ubf_context)

    def pre_step(self, decorator: Any, ubf_context: str | None = None) -> dict[str, str]:
        """Lets a decorator set its variables, and returns them."""
        before = dict(os.environ)
        decorator.task_pre_step("start", None, None, "1", "1", None, None, 0, 0, ubf_context, None)
        return {name: value for name, value in os.environ.items() if before.get(name) != value}


@pytest.fixture(scope="session")
def found_plugins(datastore_module: ModuleType) -> Plugins:
    """The classes in force."""
    from metaflow.exception import MetaflowException
    from metaflow.plugins import SECRETS_PROVIDERS, STEP_DECORATORS
    from metaflow.plugins.azure.azure_secret_manager_secrets_provider import AzureKeyVaultSecretsProvider
    from metaflow.plugins.secrets.secrets_decorator import SecretsDecorator

    (decorator,) = [plugin for plugin in STEP_DECORATORS if plugin.name == "secrets"]
    (provider,) = [plugin for plugin in SECRETS_PROVIDERS if plugin.TYPE == "az-key-vault"]
    assert decorator.__module__ == f"{PLUGINS}.secrets_decorator"
    assert provider.__module__ == f"{PLUGINS}.secrets_provider"
    return Plugins(decorator, provider, SecretsDecorator, AzureKeyVaultSecretsProvider, MetaflowException)


@pytest.fixture
def plugins(
    found_plugins: Plugins, service: LocalAzure, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Plugins]:
    """The classes in force, in an environment of their own, and a vault that is reached by a real name."""
    configure(found_plugins, monkeypatch, VAULT + "/")
    # What a step sets is gone afterwards.
    monkeypatch.setattr(os, "environ", os.environ.copy())
    port = urlsplit(service.vault_url).port
    assert port is not None
    with vaults.connect_proxy({"my-vault.vault.azure.net": port}) as proxy:
        os.environ["HTTPS_PROXY"] = proxy
        yield found_plugins


def configure(plugins: Plugins, monkeypatch: pytest.MonkeyPatch, vault: str | None) -> None:
    """Sets the vault, which Metaflow reads once from its configuration."""
    for provider in (plugins.provider, plugins.own_provider):
        monkeypatch.setattr(sys.modules[provider.__module__], "AZURE_KEY_VAULT_PREFIX", vault)


@pytest.fixture
def name(service: LocalAzure) -> str:
    """The name of a secret that only this test has."""
    name = f"My-Secret-{uuid.uuid4().hex}"
    service.set_secret(name, "value of it")
    return name


def vault_requests(service: LocalAzure) -> list[int]:
    """The answers of the vault."""
    return [request.status for request in service.requests() if request.operation == "GetSecret"]


# The page's spelling ----------------------------------------------------------------------------------


def test_secrets_become_sources(plugins: Plugins, service: LocalAzure) -> None:
    secrets = [
        "api-key",
        f"{VAULT}/secrets/db-password/{VERSION}",
        ("api-key", {"env_var_name": "Custom"}),
        [f"other/{VERSION}", {"env_var_name": "OTHER_KEY"}],
    ]
    decorator = plugins.prepare(sources=["az-key-vault"], secrets=secrets)
    assert [
        (source["id"], source["options"]["env_var_name"]) for source in decorator.attributes["sources"]
    ] == [
        ("api-key", "API_KEY"),
        (f"{VAULT}/secrets/db-password/{VERSION}", "DB_PASSWORD"),
        ("api-key", "Custom"),
        (f"other/{VERSION}", "OTHER_KEY"),
    ]
    # So it goes to tasks that were begun with --with, on any command line.
    kind, _, spec = decorator.make_decorator_spec().partition(":")
    again = plugins.decorator.parse_decorator_spec(spec)
    again.external_init()
    assert kind == "secrets"
    assert again.attributes == decorator.attributes
    assert service.requests() == []


def test_the_names_without_fastblob_are_the_same(plugins: Plugins) -> None:
    module = sys.modules[plugins.decorator.__module__]
    for written in ("api-key", f"A-1/{VERSION}", f"{VAULT}/secrets/db-Key", f"{VAULT}/secrets/db/{VERSION}"):
        ((_, variable),) = module._with_variables([written])
        assert module._variable(written) == variable


@pytest.mark.parametrize(
    ("secrets", "reason"),
    [([1], "neither a name"), ([("a",)], "neither a name"), (["metaflow-x"], "variable METAFLOW_X")],
)
def test_mistakes_without_fastblob(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch, secrets: list[Any], reason: str
) -> None:
    monkeypatch.setitem(sys.modules, "fastblob", None)
    with pytest.raises(plugins.error) as caught:
        plugins.prepare(sources=["az-key-vault"], secrets=secrets)
    assert re.search(reason, reason_of(caught.value))


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"secrets": ["a"]}, r"needs sources=\['az-key-vault'\].*got sources=\[\]"),
        (
            {"sources": ["az-key-vault", "inline"], "secrets": ["a"]},
            r"got sources=\['az-key-vault', 'inline'\]",
        ),
        ({"sources": ["az-key-vault"] * 2, "secrets": ["a"]}, "needs sources="),
        ({"sources": ["aws-secrets-manager"], "secrets": ["a"]}, "needs sources="),
        ({"sources": ["az-key-vault.b"], "secrets": ["a"]}, "needs sources="),
        ({"sources": [{"type": "az-key-vault", "id": "b"}], "secrets": ["a"]}, "needs sources="),
        ({"sources": "az-key-vault", "secrets": ["a"]}, "needs sources="),
        ({"sources": ["az-key-vault"], "secrets": []}, "secrets= is empty"),
        ({"sources": ["az-key-vault"], "secrets": "a"}, r"write \['a'\]"),
        ({"sources": ["az-key-vault"], "secrets": ["a", 1]}, "a name, a URL, or a pair"),
        ({"sources": ["az-key-vault"], "secrets": ["db_key"]}, "did you mean 'db-key'"),
        ({"sources": ["az-key-vault"], "secrets": ["a/1"]}, "32 hexadecimal digits"),
        ({"sources": ["az-key-vault"], "secrets": ["a", "A"]}, "'a' and 'A' both go into the variable A"),
        ({"sources": ["az-key-vault"], "secrets": [("a", {"env_var_name": "1"})]}, "environment variable"),
        ({"sources": ["az-key-vault"], "secrets": ["metaflow-token"]}, "METAFLOW_TOKEN, but Metaflow keeps"),
        (
            {"sources": ["az-key-vault"], "secrets": [("a", {"env_var_name": "METAFLOW_X"})]},
            "'a' goes into the variable METAFLOW_X.*choose another",
        ),
    ],
)
def test_mistakes_are_found_before_a_run(plugins: Plugins, attributes: dict[str, Any], reason: str) -> None:
    decorator = plugins.decorator(attributes=attributes)
    with pytest.raises(plugins.error) as caught:
        decorator.external_init()
    assert reason_of(caught.value).startswith("@secrets: ")
    assert re.search(reason, reason_of(caught.value))


def reason_of(error: BaseException) -> str:
    """The message of one of Metaflow's exceptions."""
    return str(getattr(error, "message", error))


def test_values_reach_the_variables(plugins: Plugins, service: LocalAzure, name: str) -> None:
    secrets = [name, (f"{VAULT}/secrets/{name}", {"env_var_name": "by_Url"})]
    upper = name.upper().replace("-", "_")
    assert plugins.run(sources=["az-key-vault"], secrets=secrets) == {
        upper: "value of it",
        "by_Url": "value of it",
    }


def test_a_variable_that_is_set(plugins: Plugins, name: str) -> None:
    os.environ["KEY"] = "before"
    wanted: dict[str, Any] = {"sources": ["az-key-vault"], "secrets": [(name, {"env_var_name": "KEY"})]}
    with pytest.raises(plugins.error) as caught:
        plugins.run(**wanted)
    assert re.search(f"'{name} .*'KEY' as env var, but it already exists", reason_of(caught.value))
    # `--with` brings False to the task as a text.
    with pytest.raises(plugins.error):
        plugins.run(**wanted, allow_override="False")
    assert plugins.run(**wanted, allow_override=True) == {"KEY": "value of it"}


# Metaflow's own spelling --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "options"),
    [
        ("{name}", {}),
        ("{name}/", {}),
        ("{vault}/secrets/{name}", {}),
        ("{vault}/secrets/{name}/", {"env_var_name": "a-b.c/d"}),
        ("{name}", {"env_var_name": "Key"}),
    ],
)
def test_sources_are_what_metaflow_makes_of_them(
    plugins: Plugins, name: str, secret: str, options: dict[str, str]
) -> None:
    secret = secret.format(name=name, vault=VAULT)
    theirs = plugins.own_provider().get_secret_as_dict(secret, options=options)
    assert plugins.provider().get_secret_as_dict(secret, options=options) == theirs
    assert list(theirs.values()) == ["value of it"]


MISTAKES = [
    ["nonsense.a"],
    ["a"],
    [1],
    [{"type": 1, "id": "a"}],
    [{"type": "az-key-vault"}],
    [{"type": "az-key-vault", "id": "a", "options": []}],
    [{"type": "az-key-vault", "id": "a", "role": 1}],
    [{"type": "inline", "id": "a", "options": {"env_vars": {"1": "x"}}}],
    [
        {"type": "inline", "id": "a", "options": {"env_vars": {"X": "x"}}},
        {"type": "inline", "id": "b", "options": {"env_vars": {"X": "y"}}},
    ],
]


@pytest.mark.parametrize("sources", MISTAKES, ids=json.dumps)
def test_mistakes_are_those_of_metaflow(plugins: Plugins, sources: list[Any]) -> None:
    with pytest.raises(plugins.error) as theirs:
        plugins.pre_step(plugins.own_decorator(attributes={"sources": sources}))
    with pytest.raises(plugins.error) as ours:
        plugins.run(sources=sources)
    assert reason_of(ours.value) == reason_of(theirs.value)


def test_other_backends_beside_ours(plugins: Plugins, service: LocalAzure, name: str) -> None:
    inline = {"type": "inline", "id": "x", "options": {"env_vars": {"INLINE": "1"}}}
    assert plugins.run(sources=[inline, f"az-key-vault.{name}"]) == {
        "INLINE": "1",
        name.replace("-", "_"): "value of it",
    }


def test_nothing_is_sent_if_one_of_them_is_malformed(
    plugins: Plugins, service: LocalAzure, name: str
) -> None:
    with pytest.raises(plugins.error) as caught:
        plugins.run(sources=[f"az-key-vault.{name}", "az-key-vault.db_key"])
    assert re.search("'db_key': a secret's name .* did you mean 'db-key'", reason_of(caught.value))
    assert service.requests() == []


@pytest.mark.parametrize(
    "attributes", [{"sources": ["az-key-vault"], "secrets": ["a"]}, {"sources": ["az-key-vault.a"]}]
)
def test_a_vault_is_needed(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch, attributes: dict[str, Any]
) -> None:
    configure(plugins, monkeypatch, None)
    with pytest.raises(plugins.error) as caught:
        plugins.run(**attributes)
    assert re.search("METAFLOW_AZURE_KEY_VAULT_PREFIX is not set", reason_of(caught.value))


def test_workers_of_a_local_parallel_step_have_them_already(
    plugins: Plugins, service: LocalAzure, name: str
) -> None:
    assert plugins.run("ubf_task", sources=[f"az-key-vault.{name}"]) == {}
    assert service.requests() == []


def test_get_secret(plugins: Plugins, name: str) -> None:
    from metaflow.plugins.secrets.secrets_func import get_secret

    assert get_secret(f"az-key-vault.{name}") == {name.replace("-", "_"): "value of it"}


# Both ----------------------------------------------------------------------------------------------------


def test_the_first_error_is_told(plugins: Plugins, service: LocalAzure, name: str) -> None:
    with pytest.raises(plugins.error) as caught:
        plugins.run(sources=[f"az-key-vault.{name}", "az-key-vault.missing-1", "az-key-vault.missing-2"])
    reason = "Failed to retrieve secret 'missing-1': There is no secret https://my-vault"
    assert reason_of(caught.value).startswith(reason)
    assert sorted(set(vault_requests(service)) - {401}) == [200, 404]


def test_the_credential_of_the_client_provider(
    plugins: Plugins,
    service: LocalAzure,
    name: str,
    credential: DefaultAzureCredential,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from metaflow.plugins.azure import azure_credential

    asked: list[str] = []

    class Provider:
        name = "another"

        @staticmethod
        def create_cacheable_azure_credential(*args: Any, **kwargs: Any) -> Any:
            return Provider()

        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            asked.extend(scopes)
            return credential.get_token(*scopes, **options)

    service.set_secret(f"{name}-2", "another value")
    monkeypatch.setattr(azure_credential, "cached_provider_class", Provider)
    assert len(plugins.run(sources=["az-key-vault"], secrets=[name, f"{name}-2"])) == 2
    assert asked == ["https://vault.azure.net/.default"]


@pytest.mark.parametrize("value", ["canary\0", "canary \ud800"])
def test_values_that_no_variable_can_hold(
    plugins: Plugins, service: LocalAzure, tmp_path: Path, value: str
) -> None:
    with vaults.vault(service, tmp_path) as strange:
        strange.answer = lambda name: vaults.secret_answer(name, value)
        with pytest.raises(plugins.error) as caught:
            plugins.run(sources=[f"az-key-vault.{strange.url}/secrets/api-key"])
    assert re.search("has characters that no environment variable can hold", reason_of(caught.value))
    assert "canary" not in repr(vars(caught.value)) + reason_of(caught.value)
