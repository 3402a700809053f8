"""The embedded service in each situation of the table: it answers as the real one, or that it does not."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

import pytest
from facts.facts import VERSION, Asks, Fact, Here
from facts.table import FACTS
from fastblob.local import LocalAzure
from recordings.sender import Sender
from recordings.sessions import Answer


def ask(azure: LocalAzure, asks: Asks, last: Answer | None) -> Answer:
    """Sends a request of the table."""
    sender = Sender(azure)
    values = {"account": sender.account_url, "token": azure.issue_token("https://other.example")}
    values |= {} if last is None else last.headers

    def filled(text: str) -> str:
        return re.sub(r"\{([\w-]+)\}", lambda found: values[found[1]], text)

    headers = {"x-ms-version": VERSION, "x-ms-client-request-id": "mine"}
    headers |= {name: filled(value) for name, value in asks.headers.items()}
    headers = {name: value for name, value in headers.items() if value}
    if asks.method != "GET":
        headers["Content-Length"] = str(len(asks.body))
    target = asks.target
    if asks.sas is not None:
        fields = {**asks.sas, "sig": sender.sas(urlsplit(target).path, dict(asks.sas))}
        target += "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
    elif asks.signed:
        sender.sign(asks.method, target, headers)
    return sender.send(asks.method, target, headers, asks.body)


@pytest.mark.parametrize(
    "fact",
    [pytest.param(fact, id=fact.situation) for fact in FACTS if fact.here is not Here.OUT_OF_REACH],
)
def test_the_embedded_service_answers_as_the_real_one_or_refuses(fact: Fact) -> None:
    with LocalAzure(tls=False, containers=["data"]) as azure:
        last = None
        for asks in fact.before:
            last = ask(azure, asks, last)
            assert last.status < 300, last
        answer = ask(azure, fact.asks, last)
    if fact.here is Here.REFUSED:
        assert (answer.status, answer.error_code) == (501, "NotImplemented")
        return
    assert (answer.status, answer.error_code) == (fact.status, fact.code), answer
    for line in fact.says:
        name, _, value = line.partition(": ")
        assert name in answer.headers, answer.headers
        assert not value or answer.headers[name] == value
    assert [name for name in fact.silent if name in answer.headers] == []
    if answer.xml is not None and fact.code:
        assert [child.tag for child in answer.xml] == ["Code", "Message", *fact.elements]
        assert answer.body.startswith(b"\xef\xbb\xbf")
        assert re.search(r"\nRequestId:\S+\nTime:\S+Z$", answer.xml.findtext("Message") or "")


def test_situations_are_told_once() -> None:
    situations = [fact.situation for fact in FACTS]
    assert len(set(situations)) == len(situations)
