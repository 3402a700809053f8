"""Recorded answers of the real Key Vault, told to ``fastblob.keyvault``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import vaults
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from fastblob import keyvault
from fastblob.local import LocalAzure
from recordings import sessions
from recordings.sessions import Answer

ABSENT = "no recordings of the real service at hand: FASTBLOB_AZURE_RECORDINGS names their folder"
SECRET = re.compile(r"/secrets/([\w-]+)(/|/[0-9a-f]{32})?")
CLASSES = {
    403: (keyvault.SecretForbiddenError, HttpResponseError),
    404: (keyvault.SecretNotFoundError, ResourceNotFoundError),
}


def answers() -> list[Any]:
    """The recorded answers to who reads a secret and has a token, or one parameter that is skipped."""
    found = [
        pytest.param(exchange.answer, id=exchange.name)
        for exchange in sessions.exchanges()
        if ".vault." in exchange.host
        and (exchange.method, exchange.answer.status != 401) == ("GET", True)
        and SECRET.fullmatch(urlsplit(exchange.url).path)
    ]
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))]


@pytest.mark.parametrize("answer", answers())
def test_a_recorded_answer_is_the_secret_or_says_why_not(
    answer: Answer, service: LocalAzure, tmp_path: Path
) -> None:
    body = json.loads(answer.body)
    with vaults.vault(service, tmp_path) as vault:
        vault.answer = lambda name: (answer.status, answer.headers["content-type"], answer.body)
        if answer.status == 200:
            assert keyvault.get_secrets(["api-key"], vault_url=vault.url) == {"API_KEY": body["value"]}
            return
        ours, theirs = CLASSES[answer.status]
        with pytest.raises(ours) as caught:
            keyvault.get_secrets(["api-key"], vault_url=vault.url)
    assert isinstance(caught.value, theirs)
    assert caught.value.status_code == answer.status
    inner = body["error"].get("innererror", body["error"])
    assert caught.value.error_code == inner["code"]
