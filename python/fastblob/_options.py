"""The options of writes, and the conditions of all calls, as the compiled module takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from . import _fastblob
from ._content_types import guess_content_type
from ._lease import lease_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ._lease import Lease
    from ._types import Tier

_CONDITIONS = ("if_match", "if_none_match", "if_modified_since", "if_unmodified_since", "if_tags", "lease")


class WriteOptions:
    """The options of one item of ``upload_many`` or ``write_many``, as the third element of the item.

    What is None here is as the call says. Immutable; pickles. ``content_type``, the other headers and the
    conditions mean what they mean for ``upload``.

    Args:
        overwrite: Replace a blob that is there.
        metadata: Names (identifiers) and values (ASCII), 8 KiB in all.
        content_type: MIME type; False: the service's default, without a guess.
        content_encoding: Such as ``"gzip"``; the content is sent as it is.
        content_language: Such as ``"en"``.
        content_disposition: Such as ``"attachment"``.
        cache_control: Such as ``"no-cache"``.
        tier: Access tier.
        tags: At most 10 index tags.
        content_md5: Whether an MD5 of the content is stored.
        if_match: The ETag that the blob must have.
        if_none_match: The ETag that the blob must not have.
        if_modified_since: The blob must have been written after this time, which has a time zone.
        if_unmodified_since: The blob must not have been written after this time, which has a time zone.
        if_tags: What must hold of the blob's index tags, such as ``"state" = 'done'``.
        lease: The ID of the lease that is held on the blob.

    Raises:
        ValueError: A value cannot be sent. (When the item has its turn, at the latest.)
        TypeError: A value is of the wrong type.
    """

    __slots__ = {  # noqa: RUF023 - what help() shows of each, in the order of the arguments
        "overwrite": "Replace a blob that is there.",
        "metadata": "Names (identifiers) and values (ASCII), 8 KiB in all.",
        "content_type": "MIME type; False: the service's default, without a guess.",
        "content_encoding": 'Such as ``"gzip"``; the content is sent as it is.',
        "content_language": 'Such as ``"en"``.',
        "content_disposition": 'Such as ``"attachment"``.',
        "cache_control": 'Such as ``"no-cache"``.',
        "tier": "Access tier.",
        "tags": "At most 10 index tags.",
        "content_md5": "Whether an MD5 of the content is stored.",
        "if_match": "The ETag that the blob must have.",
        "if_none_match": "The ETag that the blob must not have.",
        "if_modified_since": "The blob must have been written after this time.",
        "if_unmodified_since": "The blob must not have been written after this time.",
        "if_tags": "What must hold of the blob's index tags.",
        "lease": "The ID of the lease that is held on the blob.",
    }

    overwrite: bool | None
    metadata: Mapping[str, str] | None
    content_type: str | Literal[False] | None
    content_encoding: str | None
    content_language: str | None
    content_disposition: str | None
    cache_control: str | None
    tier: Tier | None
    tags: Mapping[str, str] | None
    content_md5: bool | None
    if_match: str | None
    if_none_match: str | None
    if_modified_since: datetime | None
    if_unmodified_since: datetime | None
    if_tags: str | None
    lease: str | None

    def __init__(
        self,
        *,
        overwrite: bool | None = None,
        metadata: Mapping[str, str] | None = None,
        content_type: str | Literal[False] | None = None,
        content_encoding: str | None = None,
        content_language: str | None = None,
        content_disposition: str | None = None,
        cache_control: str | None = None,
        tier: Tier | None = None,
        tags: Mapping[str, str] | None = None,
        content_md5: bool | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> None:
        given = {
            "overwrite": overwrite,
            # A copy, since what is immutable must not change with somebody's dict.
            "metadata": _copied(metadata),
            "content_type": content_type,
            "content_encoding": content_encoding,
            "content_language": content_language,
            "content_disposition": content_disposition,
            "cache_control": cache_control,
            "tier": tier,
            "tags": _copied(tags),
            "content_md5": content_md5,
            "if_match": if_match,
            "if_none_match": if_none_match,
            "if_modified_since": if_modified_since,
            "if_unmodified_since": if_unmodified_since,
            "if_tags": if_tags,
            # The ID alone: it pickles, and is the same for all items.
            "lease": None if lease is None else lease_id(lease),
        }
        for name, value in given.items():
            object.__setattr__(self, name, value)
        raw_options(**self._given())

    def _given(self) -> dict[str, Any]:
        values = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: value for name, value in values if value is not None}

    def __eq__(self, other: object) -> bool:
        return self._given() == other._given() if isinstance(other, WriteOptions) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"WriteOptions({', '.join(f'{name}={value!r}' for name, value in self._given().items())})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"WriteOptions cannot be changed (attribute {name!r}): make others")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"WriteOptions cannot be changed (attribute {name!r}): make others")

    def __getstate__(self) -> dict[str, Any]:
        return self._given()

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name in self.__slots__:
            object.__setattr__(self, name, state.get(name))


def _copied(mapping: Mapping[str, str] | None) -> Mapping[str, str] | None:
    # What is no mapping is refused by the compiled module, with the argument's name.
    return dict(mapping) if isinstance(mapping, Mapping) else mapping


def conditions(  # noqa: PLR0917 - in the order of everywhere
    if_match: str | None = None,
    if_none_match: str | None = None,
    if_modified_since: datetime | None = None,
    if_unmodified_since: datetime | None = None,
    if_tags: str | None = None,
    lease: Lease | str | None = None,
) -> _fastblob.Conditions | None:
    """The conditions of a call; None where there are none, which is the usual case and has to be quick."""
    if (
        if_match is None
        and if_none_match is None
        and if_modified_since is None
        and if_unmodified_since is None
        and if_tags is None
        and lease is None
    ):
        return None
    return _fastblob.Conditions(
        if_match=if_match,
        if_none_match=if_none_match,
        if_modified_since=if_modified_since,
        if_unmodified_since=if_unmodified_since,
        if_tags=if_tags,
        lease=None if lease is None else lease_id(lease),
    )


def raw_options(**options: Any) -> _fastblob.WriteOptions:
    """The options for the compiled module, from the keyword arguments of a call, conditions among them."""
    chosen = {name: value for name, value in options.items() if value is not None}
    if chosen.get("content_type") is False:
        del chosen["content_type"]
    required = conditions(**{name: chosen.pop(name) for name in _CONDITIONS if name in chosen})
    return _fastblob.WriteOptions(**chosen, conditions=required)


_WITH_OPTIONS = 3


class ItemOptions:
    """Makes the options of each item out of those of the call, of the item, and of the name of its file.

    Args:
        call: The keyword arguments of the call.
        guess: Whether the type of the content is guessed from the file's name where nothing says it.
    """

    def __init__(self, call: dict[str, Any], *, guess: bool) -> None:
        self._call = call
        self._guess = guess and call.get("content_type") is None
        # Few types occur in a call, and few objects have to be made then.
        self._by_type: dict[str | None, _fastblob.WriteOptions] = {}
        self.common = raw_options(**call)

    @property
    def guess(self) -> Callable[[object], str | None] | None:
        """What guesses, where the compiled module finds the files."""
        return guess_content_type if self._guess else None

    def of_blob(self, item: Any) -> object:
        """An item of ``write_many``, for the compiled module."""
        if isinstance(item, (tuple, list)) and len(item) == _WITH_OPTIONS and item[2] is not None:
            return item[0], item[1], raw_options(**self._call | _of_item(item[2]))
        # What is malformed is refused by the compiled module, with the item's number.
        return item

    def of_file(self, item: Any) -> object:
        """An item of ``upload_many``, for the compiled module."""
        if not isinstance(item, (tuple, list)) or len(item) not in {2, _WITH_OPTIONS}:
            return item
        own = _of_item(item[2]) if len(item) == _WITH_OPTIONS and item[2] is not None else None
        if own is not None:
            merged = self._call | own
            if merged.get("content_type") is None:
                merged["content_type"] = guess_content_type(item[0])
            return item[0], item[1], raw_options(**merged)
        if not self._guess:
            return item
        content_type = guess_content_type(item[0])
        options = self._by_type.get(content_type)
        if options is None:
            options = self._by_type[content_type] = raw_options(**self._call | {"content_type": content_type})
        return item[0], item[1], options


def _of_item(options: object) -> dict[str, Any]:
    if isinstance(options, WriteOptions):
        return options._given()  # noqa: SLF001
    return {"metadata": options}
