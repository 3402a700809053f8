"""Sends recorded requests to the embedded service: signed afresh, with the values of this run in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import parse_qsl, quote, urlsplit

from fastblob.local import LocalAzure
from recordings.sender import Sender
from recordings.sessions import Answer, Exchange

BLOB_HOST = re.compile(r"[^.]+\.blob\.core\.windows\.net")

# What a later request may repeat of an answer.
REPEATED = ("etag", "last-modified", "x-ms-copy-id", "x-ms-lease-id", "x-ms-snapshot", "x-ms-version-id")
# Added by whoever sends.
LEFT_OUT = ("authorization", "connection", "content-length", "date", "expect", "host", "x-ms-date")
CONDITIONS = re.compile(r"(x-ms-source-)?if-(un)?modified-since")

BLANK = "REDACTED"


@dataclass
class Session:
    """One recording, sent to one service.

    Attributes:
        made: Containers and blobs that the recording takes for granted, made before its first request.
    """

    azure: LocalAzure
    made: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._sender = Sender(self.azure)
        self._today: dict[str, str] = {}

    def run(self, exchanges: list[Exchange]) -> Iterator[tuple[Exchange, Answer]]:
        """The requests to the Blob service that can be sent, each with what the embedded one answers."""
        sendable = [exchange for exchange in exchanges if is_sendable(exchange)]
        self._containers = {exchange.container for exchange in sendable}
        self._take_for_granted(sendable)
        for exchange in sendable:
            answer = self._send(exchange)
            self._learn(exchange.answer, answer)
            yield exchange, answer

    def _take_for_granted(self, exchanges: list[Exchange]) -> None:
        seen: set[str] = {""}
        for exchange in exchanges:
            name = exchange.container
            if is_batch(exchange) and not name:
                name = exchange.body.partition(b" /")[2].partition(b"/")[0].decode()
            creates = exchange.method == "PUT" and "restype=container" in exchange.url
            missing = exchange.answer.error_code in {"ContainerNotFound", "ContainerAlreadyExists"}
            there = exchange.answer.error_code == "ContainerAlreadyExists"
            if name not in seen and (there or not (creates or missing)):
                self.azure.create_container(name)
                self.made.append(name)
            seen.add(name)

    def _learn(self, recorded: Answer, now: Answer) -> None:
        for name in REPEATED:
            if name in recorded.headers and name in now.headers:
                self._today[recorded.headers[name].strip('"')] = now.headers[name].strip('"')
        theirs, ours = (found.xml for found in (recorded, now))
        if theirs is not None and ours is not None:
            before, after = theirs.findtext("NextMarker"), ours.findtext("NextMarker")
            if before and after:
                self._today[before] = after

    def _of_today(self, text: str) -> str:
        found = self._today.get(text.strip('"'))
        return text if found is None else text.replace(text.strip('"'), found)

    def _send(self, exchange: Exchange) -> Answer:
        when = exchange.header("x-ms-date") or exchange.answer.headers.get("date", "")
        recorded = parsedate_to_datetime(when) if when else datetime.now(UTC)
        headers = self._headers(exchange, datetime.now(UTC) - recorded)
        body = self._batch(exchange) if is_batch(exchange) else exchange.body
        if exchange.method in {"PUT", "POST"} or body:
            headers["Content-Length"] = str(len(body))
        target = self._target(exchange.url, datetime.now(UTC) - recorded)
        self._authorise(exchange, target, headers)
        return self._sender.send(exchange.method, target, headers, body)

    def _headers(self, exchange: Exchange, passed: timedelta) -> dict[str, str]:
        headers = {}
        for name, value in exchange.headers.items():
            low = name.lower()
            if low in LEFT_OUT:
                continue
            if low == "x-ms-copy-source" and self._is_ours(value):
                headers[name] = self._sender.account_url + self._target(value, passed)
            elif CONDITIONS.fullmatch(low) and value == self._of_today(value):
                time = parsedate_to_datetime(value) + passed
                headers[name] = format_datetime(time, usegmt=True)
            else:
                headers[name] = self._of_today(value)
        return headers

    def _is_ours(self, url: str) -> bool:
        """Whether a source is in the account that is written to: the recorders name it in two ways."""
        parts = urlsplit(url)
        return BLOB_HOST.fullmatch(parts.netloc) is not None and parts.path.split("/")[1] in self._containers

    def _target(self, url: str, passed: timedelta) -> str:
        """Path and query, a shared access signature made anew."""
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        query = {name: self._of_today(value) for name, value in query.items()}
        if "sig" in query:
            # One recorder blanks the signature together with the name of what follows it.
            query.setdefault("sp", query["sig"].removeprefix(BLANK))
            for name in query.keys() & {"se", "st"}:
                form = "%Y-%m-%dT%H:%M:%SZ" if "T" in query[name] else "%Y-%m-%d"
                time = datetime.strptime(query[name], form).replace(tzinfo=UTC) + passed
                query[name] = time.strftime("%Y-%m-%dT%H:%M:%SZ")
            query["sig"] = self._sender.sas(parts.path, query)
        pairs = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        return (parts.path or "/") + ("?" + pairs if pairs else "")

    def _authorise(self, exchange: Exchange, target: str, headers: dict[str, str]) -> None:
        code = exchange.answer.error_code
        anonymous = code in {"NoAuthenticationInformation", "ResourceNotFound"}
        anonymous = anonymous or not exchange.header("x-ms-version")
        if code == "InvalidAuthenticationInfo":
            token = self.azure.issue_token("https://other.example")
            headers["Authorization"] = "Bearer " + ("malformed" if exchange.answer.status == 400 else token)
        elif "sig=" not in target and not anonymous and exchange.signed is not False:
            self._sender.sign(exchange.method, target, headers)

    def _batch(self, exchange: Exchange) -> bytes:
        """The body of a batch, with each part signed."""
        lines = re.split(rb"\r?\n", exchange.body)
        body, part = [], None
        for line in lines:
            if part is None:
                body.append(line)
                if re.match(rb"[A-Z]+ /", line):
                    part = (line.decode().split(" "), dict[str, str]())
            elif line:
                name, _, value = line.decode().partition(": ")
                if name.lower() not in {"authorization", "x-ms-date"}:
                    part[1][name] = self._of_today(value)
            else:
                (method, target, _), headers = part
                target = self._target(target, timedelta(0))
                body[-1] = f"{method} {target} HTTP/1.1".encode()
                if "sig=" not in target:
                    self._sender.sign(method, target, headers)
                body += [f"{name}: {value}".encode() for name, value in headers.items()]
                body.append(b"")
                part = None
        return b"\r\n".join(body)


def is_batch(exchange: Exchange) -> bool:
    """Whether a request is a Blob Batch."""
    return exchange.method == "POST" and "comp=batch" in exchange.url


def is_sendable(exchange: Exchange) -> bool:
    """Whether a recorded request went to the Blob service, and is known in full."""
    return exchange.has_headers and BLOB_HOST.fullmatch(exchange.host) is not None
