"""``python -m fastblob.metaflow status``: what Metaflow's Azure support consists of here, on one screen."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ._environment import may_hold_secret
from ._fastblob import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

STOCK = "metaflow.plugins.datastores.azure_storage.AzureStorage"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns 0 where the datastore ``azure`` is fastblob and can be made, else 1."""
    parser = argparse.ArgumentParser(prog="python -m fastblob.metaflow", description=__doc__)
    parser.add_subparsers(dest="command", required=True).add_parser(
        "status", help="which classes, versions and settings are in force"
    )
    parser.parse_args(arguments)
    try:
        import metaflow
    except ImportError:
        sys.exit('Metaflow is not installed: pip install "fastblob[metaflow]"')
    return _status(metaflow.__version__)


def _status(metaflow_version: str) -> int:
    from metaflow import metaflow_config as config
    from metaflow.plugins import AZURE_CLIENT_PROVIDERS, DATASTORES, SECRETS_PROVIDERS

    registered = next(plugin for plugin in DATASTORES if plugin.TYPE == "azure")
    provider = config.DEFAULT_AZURE_CLIENT_PROVIDER
    root = config.DATASTORE_SYSROOT_AZURE
    endpoint = config.AZURE_STORAGE_BLOB_SERVICE_ENDPOINT or ""
    reason = _why_not(registered)
    rows = [
        ("fastblob", __version__),
        ("metaflow", metaflow_version),
        ("datastore", STOCK if reason else _names([registered])),
        (
            "client provider",
            f"{provider}, {_names(plugin for plugin in AZURE_CLIENT_PROVIDERS if plugin.name == provider)}",
        ),
        ("secrets", _names(plugin for plugin in SECRETS_PROVIDERS if plugin.TYPE == "az-key-vault")),
        ("default", f"METAFLOW_DEFAULT_DATASTORE={config.DEFAULT_DATASTORE}"),
        ("endpoint", _shown(endpoint)),
        ("root", (root or "not configured").partition("?")[0]),
        ("workload type", config.AZURE_STORAGE_WORKLOAD_TYPE),
        ("key vault", config.AZURE_KEY_VAULT_PREFIX or "not configured"),
        # Of fastblob's extension, which may be switched off.
        ("az time-out", f"{getattr(config, 'AZURE_CLI_TIMEOUT', '30')} s"),
    ]
    for name, value in rows:
        print(f"{name:<16}{value}")
    problem = (
        f"Metaflow's own Azure datastore is in force: {reason}." if reason else _problem(registered, root)
    )
    print(f"\n{problem or 'The datastore azure is fastblob.'}")
    return 1 if problem else 0


def _names(plugins: Iterable[type]) -> str:
    return ", ".join(f"{plugin.__module__}.{plugin.__qualname__}" for plugin in plugins) or "none"


def _shown(endpoint: str) -> str:
    if may_hold_secret(endpoint):
        return "not the URL of an account (not shown: it may hold a secret)"
    return endpoint or "not configured"


def _why_not(registered: type) -> str | None:
    if not registered.__module__.startswith("metaflow_extensions.fastblob."):
        return "Metaflow does not find the extension of fastblob, or another extension replaces it"
    from metaflow_extensions.fastblob.plugins.availability import why_not

    return why_not()


def _problem(datastore: type, root: str | None) -> str | None:
    """What keeps the datastore from being made, which sends nothing; or None."""
    from metaflow.exception import MetaflowException

    try:
        datastore(root)
    except MetaflowException as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
