"""Changes functions of Metaflow for which there is no extension point."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def wrap_method(
    module: str,
    class_name: str,
    method: str,
    wrap: Callable[[Callable[..., Any]], Callable[..., Any]],
    *,
    otherwise: str,
) -> None:
    """Replaces a method by what ``wrap`` makes of it.

    Args:
        module: Where the class is.
        class_name: Its name.
        method: The method's name.
        wrap: Takes the method and gives what replaces it.
        otherwise: What the user is told where this version of Metaflow has no such method.
    """
    try:
        owner = getattr(importlib.import_module(module), class_name)
        setattr(owner, method, wrap(getattr(owner, method)))
    except (ImportError, AttributeError) as error:
        print(f"This version of Metaflow is new to fastblob ({error}): {otherwise}.", file=sys.stderr)
