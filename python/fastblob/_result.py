"""What all results have in common: attributes of one raw object, comparison, ``repr`` and pickling."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar, Generic, Protocol, TypeVar

_Raw = TypeVar("_Raw")


class Result(Generic[_Raw]):  # noqa: PLW1641 - what holds dicts and exceptions has no hash
    """Holds an object of the compiled module, or, once pickled, the values of its attributes."""

    __slots__ = ("_raw",)

    _attributes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, raw: _Raw, /) -> None:
        self._raw = raw

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self._raw, name) for name in self._attributes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        restored: Any = SimpleNamespace(**state)
        self._raw = restored

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            getattr(self._raw, name) == getattr(other._raw, name)  # noqa: SLF001
            for name in self._attributes
        )

    def __repr__(self) -> str:
        shown = ((name, getattr(self, name)) for name in self._shown())
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown)})"

    def _shown(self) -> tuple[str, ...]:
        return self._attributes


class _HasContent(Protocol):
    @property
    def content_type(self) -> str | None: ...
    @property
    def content_encoding(self) -> str | None: ...
    @property
    def content_language(self) -> str | None: ...
    @property
    def content_disposition(self) -> str | None: ...
    @property
    def cache_control(self) -> str | None: ...
    @property
    def content_md5(self) -> bytes | None: ...


_RawContent = TypeVar("_RawContent", bound=_HasContent)


class ContentResult(Result[_RawContent]):
    """A result that tells how a blob's content is described."""

    __slots__ = ()

    @property
    def content_type(self) -> str | None:
        """The content type that the blob was given."""
        return self._raw.content_type

    @property
    def content_encoding(self) -> str | None:
        """How the content is encoded, such as ``"gzip"``; it is neither decoded nor encoded here."""
        return self._raw.content_encoding

    @property
    def content_language(self) -> str | None:
        """The language of the content."""
        return self._raw.content_language

    @property
    def content_disposition(self) -> str | None:
        """What a browser is told to do with the content."""
        return self._raw.content_disposition

    @property
    def cache_control(self) -> str | None:
        """What caches are told about the content."""
        return self._raw.cache_control

    @property
    def content_md5(self) -> bytes | None:
        """MD5 of the content, 16 bytes, where one is stored."""
        return self._raw.content_md5
