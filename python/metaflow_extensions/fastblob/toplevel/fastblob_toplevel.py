"""What Metaflow shows of the extension: ``Metaflow 2.19.39+fastblob(0.1.0) executing ...``."""

from .mfextinit_fastblob import packaged_version

__mf_extensions__ = "fastblob"
__version__ = packaged_version or "unknown"

# What is left here would become a name of the package `metaflow`.
del packaged_version
