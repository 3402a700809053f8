"""Calls that list blobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, overload

from ._blob_results import BlobItem
from ._on_error import names_of, not_a_string
from ._pages import PageIterator
from ._progress import make_reporter

if TYPE_CHECKING:
    import builtins
    from collections.abc import Iterable, Sequence
    from typing import Literal

    from . import _fastblob
    from ._connection import Connection
    from ._types import Blob, ErrorClasses, Included, OnError, ProgressOption


class BlobIterator(PageIterator[BlobItem]):
    """What ``list()`` returns: asks for one page at a time, when the page before has been used up.

    Where asking for a page raises, the next call of ``next()`` asks for the same page again.
    """

    _item = BlobItem


class Listing:
    """The part of ``fastblob.Client`` that lists blobs."""

    _connection: Connection

    def list(
        self,
        prefix: Blob,
        delimiter: Literal["/"] | None = None,
        *,
        name_prefix: str | None = None,
        include: Sequence[Included] = (),
    ) -> BlobIterator:
        """Lists the blobs below a prefix, in the order of their names.

        Args:
            prefix: ``<container>`` or ``<container>/<prefix>``; ``c/a`` means all below ``c/a/``.
            delimiter: ``"/"``: one level only, where a prefix stands for all below it. None: all levels.
            name_prefix: How names go on behind ``prefix`` and its slash; need not be a whole segment.
            include: What is told of each blob besides: ``"metadata"``, ``"tags"``, ``"copy"`` (of the last
                copy onto it); and what is listed besides blobs: ``"snapshots"``, ``"versions"``,
                ``"deleted"`` (what is soft-deleted), ``"uncommitted"`` (blobs of which there are uncommitted
                blocks alone). Each state of a blob is an item of its own, from the oldest to the blob itself.

        Returns:
            An iterator that asks for pages of 5,000 as they are needed; whatever the service raises comes out
            of it.

        Raises:
            BlobNotFoundError: There is no such container. A prefix with nothing below it is no error.

        https://learn.microsoft.com/rest/api/storageservices/list-blobs
        """
        connection = self._connection
        engine = connection.engine()
        pages = engine.list_pages(
            prefix, name_prefix=name_prefix, one_level=_one_level(delimiter), include=included(include)
        )
        return BlobIterator(connection, engine, pages)

    @overload
    def list_many(
        self,
        prefixes: Iterable[Blob],
        *,
        delimiter: Literal["/"] | None = None,
        include: Sequence[Included] = (),
        on_error: Literal["raise"] = "raise",
        progress: ProgressOption = None,
    ) -> builtins.list[builtins.list[BlobItem]]: ...
    @overload
    def list_many(
        self,
        prefixes: Iterable[Blob],
        *,
        delimiter: Literal["/"] | None = None,
        include: Sequence[Included] = (),
        on_error: Literal["collect"] | ErrorClasses,
        progress: ProgressOption = None,
    ) -> builtins.list[builtins.list[BlobItem] | Exception]: ...
    def list_many(
        self,
        prefixes: Iterable[Blob],
        *,
        delimiter: Literal["/"] | None = None,
        include: Sequence[Included] = (),
        on_error: OnError = "raise",
        progress: ProgressOption = None,
    ) -> builtins.list[builtins.list[BlobItem]] | builtins.list[builtins.list[BlobItem] | Exception]:
        """Lists the blobs below many prefixes, all at the same time.

        Where one list is so long that it should not be in memory as a whole, take ``list``.

        Args:
            prefixes: Each as for ``list``; one may occur several times.
            delimiter: As for ``list``.
            include: As for ``list``.
            on_error: ``"raise"``: as for ``download_many``. Otherwise an exception that is collected
                stands in the place of a list that failed.
            progress: As for ``download``.

        Returns:
            For each prefix the list of what is below it, in the order of names; in the order of the input.

        Raises:
            BlobNotFoundError: A container does not exist. A prefix with nothing below it is no error.
        """
        one_level, words = _one_level(delimiter), included(include)
        collected, reporter = names_of(on_error), make_reporter(progress)
        not_a_string(prefixes, "prefixes")
        connection = self._connection
        call = connection.engine().list_many(one_level, words, collected)
        return [
            outcome.error or _items(outcome) for outcome in connection.run_items(call, prefixes, reporter)
        ]


def _items(outcome: _fastblob.Outcome) -> list[BlobItem]:
    return list(map(BlobItem, cast("list[_fastblob.ListEntry]", outcome.value)))


def _one_level(delimiter: str | None) -> bool:
    if delimiter not in {None, "/"}:
        raise ValueError("delimiter must be '/' or None")
    return delimiter == "/"


def included(include: Sequence[str]) -> tuple[str, ...]:
    """The words of an ``include`` argument."""
    if isinstance(include, str):
        raise TypeError(
            f"include must be a sequence of words such as ({include!r},), not the str {include!r}"
        )
    return tuple(include)
