"""Reading secrets: which ones, with how many requests and tokens."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import vaults
from azure.core.credentials import AccessToken, TokenCredential
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from fastblob.keyvault import get_secrets
from fastblob.local import LocalAzure
from support import run_python


class Counting:
    """A credential that counts how often it was asked."""

    def __init__(self, credential: TokenCredential) -> None:
        self.credential = credential
        self.asked: list[tuple[str, ...]] = []

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.asked.append(scopes)
        return self.credential.get_token(*scopes, **options)


def test_every_form_at_once(service: LocalAzure, name: str, credential: DefaultAzureCredential) -> None:
    url = service.vault_url.rstrip("/")
    service.set_secret(name, "newer")
    with SecretClient(url, credential, verify_challenge_resource=False) as client:
        versions = {
            str(client.get_secret(name, properties.version).value): properties.version
            for properties in client.list_properties_of_secret_versions(name)
        }
    old = versions[vaults.CANARY]
    variable = name.upper().replace("-", "_")
    assert get_secrets(
        [
            name,
            (f"{name}/{old}", {"env_var_name": "old_by_name"}),
            (f"{url}/secrets/{name}", {"env_var_name": "BY_URL"}),
            [f"{url}/secrets/{name}/{old}", {"env_var_name": "OLD_BY_URL"}],  # type: ignore[list-item]
        ]
    ) == {variable: "newer", "old_by_name": vaults.CANARY, "BY_URL": "newer", "OLD_BY_URL": vaults.CANARY}


@pytest.mark.parametrize("ending", ["", "/"])
def test_the_vault_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, service: LocalAzure, name: str, ending: str
) -> None:
    monkeypatch.setenv("METAFLOW_AZURE_KEY_VAULT_PREFIX", service.vault_url.rstrip("/") + ending)
    assert list(get_secrets([name]).values()) == [vaults.CANARY]


def test_nothing_is_asked_for_nothing(service: LocalAzure) -> None:
    assert get_secrets([]) == {}
    assert service.requests() == []


def test_one_token_and_one_challenge_a_vault(
    strange_vault: vaults.Vault, credential: DefaultAzureCredential
) -> None:
    strange_vault.answer = lambda name: vaults.secret_answer(name, f"value of {name}")
    names = [f"secret-{number}" for number in range(12)]
    # Under another name it is another vault.
    other = strange_vault.url.replace("127.0.0.1", "localhost")
    secrets = [*names[:6], *(f"{other}/secrets/{name}" for name in names[6:])]
    counting = Counting(credential)
    values = get_secrets(secrets, vault_url=strange_vault.url, credential=counting)
    assert list(values.values()) == [f"value of {name}" for name in names]
    assert counting.asked == [("https://vault.azure.net/.default",)]
    assert (strange_vault.challenges, len(strange_vault.tokens)) == (2, 12)
    assert len(set(strange_vault.tokens)) == 1


def test_the_same_secret_twice_is_read_once(strange_vault: vaults.Vault) -> None:
    secrets = [("api-key", {"env_var_name": variable}) for variable in ("ONE", "TWO")]
    assert get_secrets(secrets, vault_url=strange_vault.url) == {"ONE": "value", "TWO": "value"}
    assert len(strange_vault.tokens) == 1


def test_secrets_are_read_at_the_same_time(strange_vault: vaults.Vault) -> None:
    # Each request but the first is answered only once all the others have come.
    barrier = threading.Barrier(6)

    def answer(name: str) -> tuple[int, str, bytes]:
        if name != "first":
            barrier.wait(timeout=20)
        return vaults.secret_answer(name, name)

    strange_vault.answer = answer
    names = ["first", *(f"other-{number}" for number in range(6))]
    assert list(get_secrets(names, vault_url=strange_vault.url).values()) == names


def test_real_host_names_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch, service: LocalAzure, name: str
) -> None:
    # The library's check that the challenge belongs to the vault's domain is on here, and passes.
    port = urlsplit(service.vault_url).port
    assert port is not None
    with vaults.connect_proxy({"my-vault.vault.azure.net": port}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        assert list(get_secrets([f"https://my-vault.vault.azure.net/secrets/{name}"]).values()) == [
            vaults.CANARY
        ]


def test_importing_it_brings_neither_metaflow_nor_a_credential() -> None:
    script = """
import sys
import fastblob
assert "fastblob.keyvault" not in sys.modules
import fastblob.keyvault
print([name for name in ("metaflow", "azure.identity", "azure.keyvault") if name in sys.modules])
"""
    ran = run_python(script)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


def test_the_documented_way_to_try_it() -> None:
    document = Path(__file__).parents[2] / "docs/secrets.md"
    example = document.read_text().split("```python\n")[-1].split("```")[0]
    ran = run_python(example)
    assert (ran.returncode, ran.stderr) == (0, "")
