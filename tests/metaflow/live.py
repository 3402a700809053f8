"""Prints which classes Metaflow uses for Azure in this environment, and the settings that they see."""

import json
import os

from metaflow import metaflow_config
from metaflow.extension_support import extension_info
from metaflow.plugins import AZURE_CLIENT_PROVIDERS, DATASTORES

(datastore,) = [plugin for plugin in DATASTORES if plugin.TYPE == "azure"]
(provider,) = [plugin for plugin in AZURE_CLIENT_PROVIDERS if plugin.name == "azure-default"]
print(
    json.dumps(
        {
            "registered": datastore.__module__,
            "in_force": type(datastore("container/root")).__module__,
            "provider": provider.__module__,
            "extensions": sorted(extension_info()["installed"]),
            "workload_type": metaflow_config.AZURE_STORAGE_WORKLOAD_TYPE,
            "workload_variable": os.environ.get("METAFLOW_AZURE_STORAGE_WORKLOAD_TYPE"),
            "endpoint": metaflow_config.AZURE_STORAGE_BLOB_SERVICE_ENDPOINT,
            "pins": metaflow_config.get_pinned_conda_libs("3.11", "azure"),
            "pins_of_3_9": metaflow_config.get_pinned_conda_libs("3.9.18", "azure"),
        }
    )
)
