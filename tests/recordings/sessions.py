"""Recorded sessions with the real service, in the formats that Microsoft's SDKs record them in.

They are no part of the project: ``FASTBLOB_AZURE_RECORDINGS`` names their folder, or they lie beside the
repository in ``shared/azure-recordings``.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

import yaml

BESIDE = Path(__file__).parents[3] / "shared/azure-recordings"

# Dozens of megabytes of plain YAML: the parser that is written in C is ten times as fast.
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Answer:
    """An answer; the names of its headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error_code(self) -> str:
        """The service's error code, wherever the answer has it; empty where it has none."""
        if self.status < 300:
            return ""
        code = self.headers.get("x-ms-error-code")
        found = re.search(rb"<Code>(\w+)</Code>", self.body)
        return code or (found[1].decode() if found else "")

    @property
    def xml(self) -> ET.Element | None:
        """The body as XML; None where it is none."""
        if "xml" not in self.headers.get("content-type", ""):
            return None
        try:
            return ET.fromstring(self.body)
        except ET.ParseError:
            return None


@dataclass(frozen=True)
class Exchange:
    """A recorded request and its answer.

    Attributes:
        name: File and position, as in ``design/azure-recorded.md``: ``py/test_block_blob.test_x#3``.
        headers: Those of the request, in the case in which they were sent.
        has_headers: False where the recorder kept no headers of requests.
        signed: Whether the request had an Authorization; None where the recorder left that out.
    """

    name: str
    method: str
    url: str
    headers: dict[str, str]
    has_headers: bool
    signed: bool | None
    body: bytes
    answer: Answer

    def header(self, name: str) -> str:
        """A header of the request by its name in lower case; empty where there is none."""
        return next((value for key, value in self.headers.items() if key.lower() == name), "")

    @property
    def host(self) -> str:
        """The host that was asked."""
        return urlsplit(self.url).netloc

    @property
    def path(self) -> str:
        """The path as sent: ``/container/name``."""
        return urlsplit(self.url).path

    @property
    def container(self) -> str:
        """The container, or an empty string."""
        return self.path.split("/")[1] if self.path else ""


def folder() -> Path | None:
    """Where the recordings are; None where there are none."""
    named = os.environ.get("FASTBLOB_AZURE_RECORDINGS")
    raw = (Path(named) if named else BESIDE) / "raw"
    return raw if raw.is_dir() else None


def files() -> list[Path]:
    """The recordings, one file a session."""
    found = folder()
    return sorted(found.iterdir()) if found else []


def exchanges() -> Iterator[Exchange]:
    """All exchanges of the recordings that can be read; ``test_service.py`` fails for the others."""
    for path in files():
        with contextlib.suppress(ValueError):
            yield from read(path)


def read(path: Path) -> list[Exchange]:
    """The exchanges of one session, in order.

    Raises:
        ValueError: The file has none of the forms that are known here.
    """
    kind, _, test = path.stem.partition(".")
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".yaml":
        entries = _of_python(yaml.load(text, Loader))
    elif "Entries" in (document := json.loads(text)):
        entries = _of_test_proxy(document)
    elif "recordings" in document:
        entries = _of_javascript(document)
    else:
        raise ValueError(f"{path} is no recording of a known form")
    return [Exchange(f"{kind}/{test}#{number}", *entry) for number, entry in enumerate(entries)]


def _of_python(document: Any) -> Iterator[tuple[Any, ...]]:
    for interaction in document["interactions"]:
        request, response = interaction["request"], interaction["response"]
        headers = {name: values[0] for name, values in request["headers"].items()}
        answer = Answer(
            response["status"]["code"],
            {name.lower(): values[0] for name, values in response["headers"].items()},
            _bytes((response["body"] or {}).get("string")),
        )
        yield request["method"], request["uri"], headers, True, None, _bytes(request["body"]), answer


def _of_test_proxy(document: Any) -> Iterator[tuple[Any, ...]]:
    for entry in document["Entries"]:
        headers = {name: _one(value) for name, value in entry["RequestHeaders"].items()}
        answers = {name.lower(): _one(value) for name, value in entry["ResponseHeaders"].items()}
        signed = headers.pop("Authorization", None) is not None
        body = _decoded(entry["RequestBody"], headers.get("Content-Length"), headers.get("Content-Type"))
        answer = Answer(
            entry["StatusCode"],
            answers,
            _decoded(entry["ResponseBody"], answers.get("content-length"), answers.get("content-type")),
        )
        yield entry["RequestMethod"], entry["RequestUri"], headers, True, signed, body, answer


def _of_javascript(document: Any) -> Iterator[tuple[Any, ...]]:
    for entry in document["recordings"]:
        url = f"{entry['url']}?{urlencode(entry['query'])}" if entry["query"] else entry["url"]
        answer = Answer(entry["status"], entry["responseHeaders"], _bytes(entry["response"]))
        yield entry["method"], url, {}, False, None, _bytes(entry["requestBody"]), answer


def _one(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _bytes(text: str | bytes | None) -> bytes:
    return text.encode() if isinstance(text, str) else text or b""


def _decoded(body: Any, length: str | None, content_type: str | None) -> bytes:
    """A body that was kept as text, in lines, as JSON or in base64, with nothing to tell which."""
    if body is None:
        return b""
    if isinstance(body, dict):
        return json.dumps(body).encode()
    text = "".join(body) if isinstance(body, list) else body
    is_text = any(kind in (content_type or "") for kind in ("xml", "json", "text", "multipart"))
    if is_text or length == str(len(text)):
        return str(text).encode()
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return str(text).encode()
