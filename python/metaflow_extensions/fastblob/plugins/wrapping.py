"""Changes functions of Metaflow for which there is no extension point."""

from __future__ import annotations

import functools
import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


# Two threads may make the first datastores of a process; what is wrapped twice would not work.
_claims: dict[tuple[str, str, str], object] = {}


def wrap_method(
    module: str,
    class_name: str,
    method: str,
    wrap: Callable[[Callable[..., Any]], Callable[..., Any]],
    *,
    otherwise: str,
) -> None:
    """Replaces a method by what ``wrap`` makes of it; once, however often it is asked for.

    Args:
        module: Where the class is.
        class_name: Its name.
        method: The method's name.
        wrap: Takes the method and gives what replaces it.
        otherwise: What the user is told where this version of Metaflow has no such method.
    """
    claim = object()
    if _claims.setdefault((module, class_name, method), claim) is not claim:
        return
    try:
        owner = getattr(importlib.import_module(module), class_name)
        original = getattr(owner, method)
        setattr(owner, method, functools.update_wrapper(wrap(original), original))
    except (ImportError, AttributeError) as error:
        print(f"This version of Metaflow is new to fastblob ({error}): {otherwise}.", file=sys.stderr)
