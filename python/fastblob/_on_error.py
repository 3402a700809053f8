"""``on_error=`` and what is checked of the input of every call on many blobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._exceptions import TransferError
    from ._types import OnError

Collected: TypeAlias = Literal["raise", "collect"] | list[str]


def names_of(on_error: OnError) -> Collected:
    """The kinds of errors that are collected, by the names of fastblob's classes.

    Raises:
        ValueError: There are no such, or it is no such argument.
    """
    if isinstance(on_error, str) and on_error in {"raise", "collect"}:
        return on_error
    names = _names(on_error)
    if not names:
        raise ValueError(
            f"on_error must be 'raise', 'collect' or classes of fastblob's errors, not {on_error!r}"
        )
    return sorted(names)


def _names(classes: object) -> set[str] | None:
    if isinstance(classes, tuple):
        each = [_names(member) for member in classes]
        return {name for names in each for name in names or ()} if all(each) else None
    if not isinstance(classes, type):
        return None
    from ._exceptions import TransferError

    return {kind.__name__ for kind in _below(TransferError) if issubclass(kind, classes)}


def _below(base: type[TransferError]) -> Iterator[type[TransferError]]:
    # Those that are raised here, not what somebody has derived from them.
    for kind in base.__subclasses__():
        if kind.__module__ == base.__module__:
            yield kind
            yield from _below(kind)


def not_a_string(items: object, form: str) -> None:
    """Refuses a single str where an iterable of items is wanted: iterating it would give its characters."""
    if isinstance(items, str):
        raise TypeError(f"expected an iterable of {form}, got the str {items!r}")
