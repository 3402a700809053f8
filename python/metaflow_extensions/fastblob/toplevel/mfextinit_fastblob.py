"""Runs before ``metaflow.metaflow_config``, which refuses the workload types that only fastblob knows.

While that module is being imported the variable holds a value that it accepts; ``config`` puts the user's own
back, and reads it.
"""

import os

# Names the module that gives the extension its name and version.
toplevel = "fastblob_toplevel"

WORKLOAD_VARIABLE = "METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE"

users_workload_type = os.environ.get(WORKLOAD_VARIABLE)
os.environ[WORKLOAD_VARIABLE] = "general"
