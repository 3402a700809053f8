"""Settings; the names in capitals become names of ``metaflow.metaflow_config``.

All are read from the environment and from Metaflow's configuration files, as every setting of Metaflow is.
"""

from __future__ import annotations

import os
from typing import cast

from metaflow.metaflow_config_funcs import from_conf
from metaflow_extensions.fastblob.toplevel import mfextinit_fastblob as _toplevel

if _toplevel.users_workload_type is None:
    os.environ.pop(_toplevel.WORKLOAD_VARIABLE, None)
else:
    os.environ[_toplevel.WORKLOAD_VARIABLE] = _toplevel.users_workload_type

# "0" leaves everything to Metaflow's own Azure support.
FASTBLOB: bool = str(from_conf("FASTBLOB", default="1")).lower() not in {"0", "false", "no", "off"}

AZURE_STORAGE_WORKLOAD_TYPE: str = from_conf("AZURE_STORAGE_WORKLOAD_TYPE", "default")

# How many seconds `az` is given for a token.
AZURE_CLI_TIMEOUT: str = from_conf("AZURE_CLI_TIMEOUT", "30")


def _endpoint() -> str | None:
    endpoint = cast("str | None", from_conf("AZURE_STORAGE_BLOB_SERVICE_ENDPOINT"))
    if endpoint:
        return endpoint
    try:
        from fastblob._environment import from_environment

        account = from_environment()
    except (ImportError, ValueError):
        # Whoever needs the endpoint reports why there is none; `import metaflow` must not fail of it.
        return None
    return None if account is None else account.url.partition("?")[0]


# Everything of Metaflow that touches Azure reads this one, remote tasks included.
AZURE_STORAGE_BLOB_SERVICE_ENDPOINT = _endpoint()


# Where it is older, Metaflow's own Azure support does the work.
_OLDEST_PYTHON = (3, 11)


def get_pinned_conda_libs(python_version: str | None, datastore_type: str) -> dict[str, str]:
    """What ``@pypi`` and ``@conda`` environments need besides Metaflow's own list."""
    version = _toplevel.packaged_version
    if datastore_type != "azure" or not FASTBLOB or version is None:
        return {}
    if python_version and tuple(map(int, python_version.split(".")[:2])) < _OLDEST_PYTHON:
        return {}
    major, minor = version.split(".")[:2]
    return {"fastblob": f">={version},<{major}.{int(minor) + 1}"}
