"""What two answers to one request have in common: everything but what varies from run to run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from recordings.sessions import Answer

# Recorders leave some of these out, and nothing depends on the others.
NEVER_COMPARED = re.compile(
    r"access-control-.*|connection|date|keep-alive|server|strict-transport-security|vary"
    r"|x-ms-client-request-id|x-ms-correlation-request-id|x-ms-request-id|x-content-type-options"
)
# Compared by name alone.
VARYING_HEADERS = re.compile(
    r"etag|last-modified|www-authenticate"
    r"|x-ms-(access-tier-change-time|copy-(completion-time|id|source)|creation-time|last-access-time"
    r"|lease-(id|time)|snapshot|version-id)"
)
VARYING_ELEMENTS = re.compile(
    r"AccessTierChangeTime|AuthenticationErrorDetail|Copy(CompletionTime|Id|Source)|Creation-Time|DeletedTime"
    r"|Etag|LastAccessTime|Last-Modified|Marker|NextMarker|SignedExpiry|SignedStart|Snapshot|Value|VersionId"
)
VARYING_ATTRIBUTES = ("ServiceEndpoint",)


@dataclass(frozen=True)
class Difference:
    """One thing in which two answers differ.

    Attributes:
        kind: ``status``, ``code``, ``header`` or ``body``.
        what: The header or element, with a sign: ``-x`` is recorded only, ``+x`` is not recorded, ``=x``
            has another value.
        recorded: What the real service says, as far as it can be shown.
        now: What was answered.
    """

    kind: str
    what: str
    recorded: str = ""
    now: str = ""

    def __str__(self) -> str:
        values = f": {self.recorded!r}, now {self.now!r}" if self.recorded or self.now else ""
        return f"{self.kind} {self.what}{values}"


def compare(recorded: Answer, now: Answer, *, head: bool) -> list[Difference]:
    """All differences between the recorded answer and another one."""
    if recorded.status != now.status or recorded.error_code != now.error_code:
        both = [f"{answer.status} {answer.error_code}".strip() for answer in (recorded, now)]
        return [Difference("status", "=status", *both)]
    differences = list(_headers(recorded, now))
    if not head:
        differences += _bodies(recorded, now)
    return differences


def _headers(recorded: Answer, now: Answer) -> Iterator[Difference]:
    theirs, ours = (
        {name: value for name, value in answer.headers.items() if not NEVER_COMPARED.fullmatch(name)}
        for answer in (recorded, now)
    )
    for name in sorted(theirs.keys() | ours.keys()):
        if name not in ours:
            yield Difference("header", f"-{name}", theirs[name])
        elif name not in theirs:
            yield Difference("header", f"+{name}", "", ours[name])
        elif not _same_value(name, theirs[name], ours[name], recorded):
            yield Difference("header", f"={name}", theirs[name], ours[name])


def _same_value(name: str, theirs: str, ours: str, recorded: Answer) -> bool:
    if VARYING_HEADERS.fullmatch(name):
        return True
    if name == "content-type":
        return theirs.partition("boundary=")[0] == ours.partition("boundary=")[0]
    # The length of an XML document depends on the names of the account and on ids.
    return theirs == ours or (name == "content-length" and recorded.xml is not None)


def _bodies(recorded: Answer, now: Answer) -> Iterator[Difference]:
    if "multipart/mixed" in recorded.headers.get("content-type", ""):
        yield from _parts(recorded, now)
        return
    theirs, ours = recorded.xml, now.xml
    if theirs is None or ours is None:
        if recorded.body != now.body:
            yield Difference("body", "=bytes", repr(recorded.body[:40]), repr(now.body[:40]))
        return
    if recorded.body.startswith(b"\xef\xbb\xbf") != now.body.startswith(b"\xef\xbb\xbf"):
        yield Difference("body", "=byte order mark")
    before, after = Counter(_lines(theirs)), Counter(_lines(ours))
    if before == after:
        return
    # An element that has another text is said once.
    gone, new = before - after, after - before
    for path, text in gone:
        match = next((line for line in new if line[0] == path), None)
        if match is None:
            yield Difference("body", f"-{path}", text)
        else:
            del new[match]
            yield Difference("body", f"={path}", text, match[1])
    for path, text in new:
        yield Difference("body", f"+{path}", "", text)


def _lines(element: ET.Element, path: str = "") -> Iterator[tuple[str, str]]:
    """Every element of a document, its path and what of its text does not vary."""
    path = f"{path}/{element.tag}" if path else element.tag
    for name, value in element.attrib.items():
        yield f"{path}@{name}", "" if name in VARYING_ATTRIBUTES else value
    text = (element.text or "").strip()
    if VARYING_ELEMENTS.fullmatch(element.tag):
        text = "filled" if text else ""
    yield path, re.sub(r"(RequestId|Time):\S+", r"\1:", text)
    for child in element:
        yield from _lines(child, path)


def parts(answer: Answer) -> list[Answer]:
    """The answers within the answer to a batch."""
    boundary = answer.headers["content-type"].partition("boundary=")[2].strip('"').encode()
    found = []
    for piece in answer.body.split(b"--" + boundary)[1:-1]:
        text = piece.replace(b"\r\n", b"\n").lstrip(b"\n")
        # What the part is, then the answer: head and body.
        _, _, inner = text.partition(b"\n\n")
        head, _, body = inner.partition(b"\n\n")
        status, *lines = head.decode().split("\n")
        pairs = [line.partition(": ") for line in lines]
        headers = {name.lower(): value for name, _, value in pairs if name}
        found.append(Answer(int(status.split(" ")[1]), headers, body.strip()))
    return found


def _parts(recorded: Answer, now: Answer) -> Iterator[Difference]:
    theirs, ours = parts(recorded), parts(now)
    if len(theirs) != len(ours):
        yield Difference("body", "=number of parts", str(len(theirs)), str(len(ours)))
        return
    for before, after in zip(theirs, ours, strict=True):
        for found in compare(before, after, head=False):
            yield Difference(found.kind, found.what + " (part)", found.recorded, found.now)
