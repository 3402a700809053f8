"""Iterators over lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from . import _fastblob
from ._driving import supply_token

if TYPE_CHECKING:
    from typing import Self

    from ._connection import Connection

_Item = TypeVar("_Item")


class PageIterator(Generic[_Item]):
    """Asks for one page at a time, when the page before has been used up.

    Where asking for a page raises, the next call of ``next()`` asks for the same page again.
    """

    _item: ClassVar[type[Any]]

    def __init__(self, connection: Connection, engine: _fastblob.Engine, pages: _fastblob.Pages) -> None:
        self._connection = connection
        self._engine = engine
        self._pages = pages
        # Those that are still to be given, in reverse order.
        self._entries: list[Any] = []
        self._is_last = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> _Item:
        while True:
            try:
                item: _Item = self._item(self._entries.pop())
            except IndexError:
                pass
            else:
                return item
            if self._is_last:
                raise StopIteration
            try:
                needs = self._pages.next(self._entries)
                if needs == _fastblob.TOKEN:
                    supply_token(self._connection, self._engine)
            except BaseException:
                # Ctrl-C may have come just before a token was fetched.
                self._engine.give_up_token()
                raise
            self._is_last = needs == _fastblob.FINISHED
