"""What Metaflow shows of the extension: ``Metaflow 2.19.39+fastblob(0.1.0) executing ...``."""

from metaflow.extension_support import extension_info

__mf_extensions__ = "fastblob"
__version__ = extension_info()["installed"].get("fastblob", {}).get("dist_version", "unknown")

# What is left here would become a name of the package `metaflow`.
del extension_info
