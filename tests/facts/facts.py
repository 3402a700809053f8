"""The form of the facts: what is asked for in which situation, and what the real service answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

VERSION = "2021-04-10"


class Here(Enum):
    """What the embedded service does where the real one does what the fact says."""

    SAME = "the same"
    REFUSED = "answers 501: it does not offer that"
    OUT_OF_REACH = "never comes into that situation, but by a fault"


@dataclass(frozen=True)
class Asks:
    """A request.

    Attributes:
        target: Path and query; ``{etag}`` and other names in braces, here and in headers, stand for headers
            of the last answer, ``{account}`` for the account's URL.
        sas: The fields of a shared access signature that takes the place of the key; None: signed by key.
        signed: Whether it has a credential at all.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    sas: Mapping[str, str] | None = None
    signed: bool = True

    def having(self, **headers: str) -> Asks:
        """The same with further headers; underscores stand for hyphens."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **more})


@dataclass(frozen=True)
class Fact:
    """What the real service was recorded to answer.

    Attributes:
        situation: In a few words; unique.
        before: Requests that bring the situation about, in a new account with a container ``data``.
        code: The error code, or an empty string.
        says: Headers that the answer has; with a value after ``": "`` where that does not vary.
        silent: Headers that it does not have.
        elements: Elements of an error's body beside ``Code`` and ``Message``.
    """

    situation: str
    asks: Asks
    status: int
    code: str = ""
    before: tuple[Asks, ...] = ()
    says: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    here: Here = Here.SAME
