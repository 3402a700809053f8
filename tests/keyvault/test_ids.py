"""How secrets are written: names, versions, URLs, variables, vaults."""

from __future__ import annotations

from typing import Any

import pytest
from fastblob.keyvault import SecretId, get_secrets, parse_entries, parse_secret_id
from fastblob.local import LocalAzure

VERSION = "ec96f02080254f109c51a1f14cdb1931"
VAULT = "https://my-vault.vault.azure.net"


@pytest.mark.parametrize(
    ("written", "vault_url", "version"),
    [
        ("api-key", None, None),
        (f"api-key/{VERSION}", None, VERSION),
        (f"{VAULT}/secrets/api-key", VAULT, None),
        (f"{VAULT}/secrets/api-key/", VAULT, None),
        (f"{VAULT}:443/secrets/api-key", VAULT, None),
        (f"https://MY-vault.Vault.azure.net/secrets/api-key/{VERSION}", VAULT, VERSION),
        ("https://v-1.vault.azure.cn/secrets/api-key", "https://v-1.vault.azure.cn", None),
        ("https://gov.vault.usgovcloudapi.net/secrets/api-key", "https://gov.vault.usgovcloudapi.net", None),
        ("https://alt.vault.microsoftazure.de/secrets/api-key", "https://alt.vault.microsoftazure.de", None),
        ("https://127.0.0.1:8443/secrets/api-key", "https://127.0.0.1:8443", None),
        ("https://localhost:8443/secrets/api-key", "https://localhost:8443", None),
        ("https://[::1]:8443/secrets/api-key", "https://[::1]:8443", None),
    ],
)
def test_forms(written: str, vault_url: str | None, version: str | None) -> None:
    assert parse_secret_id(written) == SecretId(vault_url, "api-key", version)
    assert [entry[1:] for entry in parse_entries([written])] == [(parse_secret_id(written), "API_KEY")]
    (custom,) = parse_entries([(written, {"env_var_name": "custom_Api_Key1"})])
    assert custom == (written, parse_secret_id(written), "custom_Api_Key1")


@pytest.mark.parametrize(
    ("name", "variable"),
    [("api-key", "API_KEY"), ("DatabasePassword", "DATABASEPASSWORD"), ("a", "A"), ("a--b-2", "A__B_2")],
)
def test_names_of_variables(name: str, variable: str) -> None:
    assert SecretId(VAULT, name).variable == variable


@pytest.mark.parametrize("name", ["a", "a" * 127, "Z9-"])
def test_longest_and_shortest_names(name: str) -> None:
    assert parse_secret_id(name).name == name


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "1 to 127"),
        ("/api-key", "1 to 127"),
        ("a" * 128, "1 to 127"),
        ("1password", "begins with a letter"),
        ("-api", "did you mean 'api'"),
        ("db_password", "did you mean 'db-password'"),
        ("api.key", "did you mean 'api-key'"),
        ("api key", "without spaces"),
        ("api-key\n", "without spaces"),
        ("schlüssel", "ASCII"),
        ("api-key/1", "32 hexadecimal"),
        (f"api-key/{VERSION}0", "32 hexadecimal"),
        (f"api-key/{'g' * 32}", "32 hexadecimal"),
        (f"api-key/{VERSION}/x", "slashes"),
        (f"{VAULT}/api-key", "not the URL of a secret"),
        (f"{VAULT}/keys/api-key", "not the URL of a secret"),
        (f"{VAULT}/secrets/api-key?x=1", "not the URL of a secret"),
        (f"{VAULT}/secrets", "1 to 127"),
        (f"{VAULT}/secrets/api-key/{VERSION}/x", "slashes"),
        ("http://my-vault.vault.azure.net/secrets/api-key", "begins with https"),
        ("https://my-vault.vault.azure.net:8443/secrets/api-key", "not in a Key Vault"),
        ("https://my-vault.vault.azure.net:x/secrets/api-key", "not a URL.*[Pp]ort"),
        ("https://127.0.0.1:x/secrets/api-key", "'https://127.0.0.1:x/secrets/api-key' is not a URL"),
        ("https://[::1/secrets/api-key", "not a URL"),
        ("https://me@my-vault.vault.azure.net/secrets/api-key", "not in a Key Vault"),
        ("https://a.b.vault.azure.net/secrets/api-key", "not in a Key Vault"),
        ("https://a--b.vault.azure.net/secrets/api-key", "not in a Key Vault"),
        ("https://my-vault.vault.azure.net.example.com/secrets/api-key", "not in a Key Vault"),
        ("https://example.com\\.vault.azure.net/secrets/api-key", "not in a Key Vault"),
        ("https://127.0.0.1.example.com/secrets/api-key", "not in a Key Vault"),
        ("http://127.0.0.1:8443/secrets/api-key", "not in a Key Vault"),
        ("https:///secrets/api-key", "not in a Key Vault"),
    ],
)
def test_malformed_secrets(service: LocalAzure, written: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        get_secrets([written, "api-key"], vault_url=service.vault_url)
    assert service.requests() == []


@pytest.mark.parametrize("variable", ["", "1A", "A-B", "A B", "Ä", "A=B", "A\n", None, 1])
def test_malformed_variables(service: LocalAzure, variable: Any) -> None:
    with pytest.raises(ValueError, match=r"api-key.*name of an environment variable"):
        get_secrets([("api-key", {"env_var_name": variable})], vault_url=service.vault_url)
    assert service.requests() == []


@pytest.mark.parametrize(
    "entry", [1, None, (), ("api-key",), ("api-key", "X"), ("a", {}, {}), {"id": "api-key"}]
)
def test_entries_of_other_types(entry: Any) -> None:
    with pytest.raises(TypeError, match="name, a URL, or a pair"):
        get_secrets([entry], vault_url=VAULT)


@pytest.mark.parametrize("secrets", [{"api-key": {"env_var_name": "X"}}, 5])
def test_what_is_not_a_list(secrets: Any) -> None:
    with pytest.raises(TypeError, match="secrets is a list of names"):
        get_secrets(secrets, vault_url=VAULT)


def test_a_single_string_is_not_a_list() -> None:
    with pytest.raises(TypeError, match=r"\['api-key'\]"):
        get_secrets("api-key", vault_url=VAULT)


def test_unknown_options() -> None:
    with pytest.raises(ValueError, match=r"env_name.*only env_var_name"):
        get_secrets([("api-key", {"env_name": "X"})], vault_url=VAULT)


def test_two_secrets_into_one_variable() -> None:
    with pytest.raises(
        ValueError, match=r"'api-key' and 'API-key/ec96\w+' both go into the variable API_KEY"
    ):
        get_secrets(["api-key", "other", f"API-key/{VERSION}"], vault_url=VAULT)


def test_a_name_needs_a_vault(monkeypatch: pytest.MonkeyPatch, service: LocalAzure) -> None:
    monkeypatch.delenv("METAFLOW_AZURE_KEY_VAULT_PREFIX")
    with pytest.raises(ValueError, match=r"api-key .*METAFLOW_AZURE_KEY_VAULT_PREFIX is not set"):
        get_secrets(["api-key"])
    assert service.requests() == []


@pytest.mark.parametrize(
    ("vault_url", "reason"),
    [
        ("my-vault", "not the URL of a Key Vault"),
        ("my-vault.vault.azure.net", "not the URL of a Key Vault"),
        ("http://my-vault.vault.azure.net", "not in a Key Vault"),
        (f"{VAULT}/secrets/", "not the URL of a Key Vault"),
        ("https://example.com", "not in a Key Vault"),
        ("https://my-vault.vault.azure.net:x", "not a URL"),
        ("https://[::1", "not a URL"),
    ],
)
def test_malformed_vaults(monkeypatch: pytest.MonkeyPatch, vault_url: str, reason: str) -> None:
    monkeypatch.setenv("METAFLOW_AZURE_KEY_VAULT_PREFIX", vault_url)
    with pytest.raises(ValueError, match=reason):
        get_secrets(["api-key"])


@pytest.mark.parametrize(
    "domain", ["vault.azure.net", "vault.azure.cn", "vault.usgovcloudapi.net", "vault.microsoftazure.de"]
)
@pytest.mark.parametrize("ending", ["", "/"])
def test_vaults_of_all_clouds(domain: str, ending: str) -> None:
    vault = f"https://my-vault.{domain}"
    assert parse_secret_id("api-key").within(vault + ending) == SecretId(vault, "api-key")
