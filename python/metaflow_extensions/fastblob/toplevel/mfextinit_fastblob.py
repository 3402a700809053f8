"""Runs before ``metaflow.metaflow_config``, which refuses the workload types that only fastblob knows.

While that module is being imported the variable holds a value that it accepts; ``config`` puts the user's own
back, and reads it.
"""

from __future__ import annotations

import os

from metaflow.extension_support import extension_info

# Names the module that gives the extension its name and version.
toplevel = "fastblob_toplevel"

WORKLOAD_VARIABLE = "METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE"

# With the token that the process that started this one has handed on: see plugins/token_relay.py.
TOKEN_VARIABLE = "METAFLOW_FASTBLOB_TOKEN"

received_token: str | None = os.environ.pop(TOKEN_VARIABLE, None)

users_workload_type = os.environ.get(WORKLOAD_VARIABLE)
os.environ[WORKLOAD_VARIABLE] = "general"

# Of the wheel; in a remote task: of the one that the flow was packaged with.
packaged_version: str | None = extension_info()["installed"].get("fastblob", {}).get("dist_version")
