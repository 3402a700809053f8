"""Keeps secrets out of tracebacks."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def without_frames(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Has what ``function`` raises come without the frames of it and of what it calls.

    Their local variables hold keys and signatures, and those who report errors with local variables (pytest,
    error trackers) would show them.
    """

    @functools.wraps(function)
    def wrapper(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - it is raised again
            failure = error
        # This frame is in the traceback.
        del args, kwargs
        cause: BaseException | None = failure
        while cause is not None:
            cause.__traceback__ = None
            cause = cause.__cause__ or cause.__context__
        try:
            raise failure
        finally:
            # The traceback refers to this frame, and the frame would refer to the exception.
            del failure

    return wrapper
