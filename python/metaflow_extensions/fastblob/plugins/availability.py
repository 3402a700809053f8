"""Whether fastblob itself can be used here.

The code package of a remote task brings this extension along, but no compiled wheel: without fastblob in the
image, or with an incompatible one, Metaflow's own Azure support does the work.
"""

from __future__ import annotations

import functools
import os
import sys

from metaflow.metaflow_config import FASTBLOB
from metaflow_extensions.fastblob.toplevel.mfextinit_fastblob import packaged_version

_WARNED = "METAFLOW_FASTBLOB_WARNED"


@functools.lru_cache(maxsize=None)
def why_not() -> str | None:
    """Why Metaflow's own classes are in force, or None where fastblob is."""
    if not FASTBLOB:
        return "METAFLOW_FASTBLOB=0"
    try:
        import fastblob
    except ImportError as error:
        return f"fastblob cannot be imported ({error})"
    if (
        packaged_version is not None
        and packaged_version.split(".")[:2] != fastblob.__version__.split(".")[:2]
    ):
        return (
            f"fastblob {fastblob.__version__} is installed, but the flow was packaged with {packaged_version}"
        )
    return None


def is_usable() -> bool:
    """Whether fastblob does the work; where it was meant to and cannot, says so once for a run."""
    reason = why_not()
    if reason is None:
        return True
    # A remote task is several processes without a common parent: its step speaks for all.
    silent = "METAFLOW_KUBERNETES_WORKLOAD" in os.environ and "step" not in sys.argv
    if FASTBLOB and not silent and _WARNED not in os.environ:
        os.environ[_WARNED] = "1"
        print(
            f"Metaflow's own, slower Azure datastore is used: {reason}. Install fastblob in this environment "
            "(the container image of a remote task), or set METAFLOW_FASTBLOB=0.",
            file=sys.stderr,
        )
    return False
