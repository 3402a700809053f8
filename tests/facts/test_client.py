"""Each error of the table, told to fastblob and to azure-storage-blob: ours is an instance of their class."""

from __future__ import annotations

from typing import Any

import fastblob
import pytest
from azure.core.exceptions import AzureError
from facts.facts import VERSION, Fact
from facts.table import FACTS
from recordings.calls import asked_for, operation
from recordings.sessions import Answer
from recordings.speaker import FRONT_END, REQUEST_ID
from recordings.test_client import both

TIME = "2022-11-30T22:40:44.9630243Z"


def said(fact: Fact) -> Answer:
    """The answer of the real service, as far as the fact tells it."""
    headers = {"x-ms-request-id": REQUEST_ID, "x-ms-error-code": fact.code, "x-ms-version": VERSION}
    if fact.code in FRONT_END:
        del headers["x-ms-version"]
    for line in fact.says:
        name, _, value = line.partition(": ")
        headers[name] = headers.get(name) or value or "Bearer authorization_uri=https://login.example"
    headers = {name: value for name, value in headers.items() if name not in fact.silent}
    elements = "".join(f"<{name}>x</{name}>" for name in fact.elements)
    message = f"What the table says.\nRequestId:{REQUEST_ID}\nTime:{TIME}"
    error = f"<Error><Code>{fact.code}</Code><Message>{message}</Message>{elements}</Error>"
    if fact.asks.method == "HEAD" or fact.status == 304:
        return Answer(fact.status, headers, b"")
    headers["content-type"] = "application/xml"
    return Answer(fact.status, headers, f'\ufeff<?xml version="1.0" encoding="utf-8"?>{error}'.encode())


def errors() -> list[Any]:
    """The errors that a call of fastblob can get."""
    found = []
    for fact in FACTS:
        headers = {name.lower(): value for name, value in fact.asks.headers.items()}
        name = operation(fact.asks.method, fact.asks.target, headers)
        if name is not None and fact.status >= 300:
            found.append(pytest.param(fact, name, id=fact.situation))
    return found


@pytest.mark.parametrize(("fact", "name"), errors())
def test_an_error_is_of_the_class_that_users_of_azure_storage_blob_catch(fact: Fact, name: str) -> None:
    asked = asked_for(
        fact.asks.target, {name.lower(): value for name, value in fact.asks.headers.items()}, b""
    )
    ours, theirs = both(said(fact), name, asked)
    assert isinstance(theirs, AzureError), repr(theirs)
    assert isinstance(ours, fastblob.TransferError), repr(ours)
    assert isinstance(ours, type(theirs)), f"{ours!r} is no {type(theirs).__name__}"
    assert (ours.status_code, ours.error_code) == (fact.status, fact.code)
    assert ours.request_id == REQUEST_ID
