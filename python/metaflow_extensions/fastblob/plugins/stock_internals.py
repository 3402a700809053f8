"""What extensions of Metaflow reach for inside of its own Azure datastore.

metaflow-checkpoint, for one, saves the files of a checkpoint with ``storage._executor`` and
``storage.root_client``. Both are Metaflow's own, made when somebody asks for them.
"""

from __future__ import annotations

import threading
from typing import Any

from . import credential

NAMES = frozenset(
    [
        "_default_scope_token",
        "_executor",
        "_get_default_token",
        "_root_client",
        "_tmproot",
        "_use_processes",
        "root_client",
    ]
)


class StockInternals:
    """The internals of Metaflow's own datastore for a root, and with the token of this process.

    Args:
        root: The datastore's root.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._stock: Any = None
        self._lock = threading.Lock()

    def get(self, name: str) -> Any:
        """What Metaflow's own datastore has under this name, one of NAMES."""
        with self._lock:
            if self._stock is None:
                self._stock = self._make()
        return getattr(self._stock, name)

    def _make(self) -> Any:
        from metaflow.plugins.azure.azure_utils import handle_exceptions
        from metaflow.plugins.datastores.azure_storage import AzureStorage as StockAzureStorage

        class AzureStorage(StockAzureStorage):
            """Metaflow's own, which would otherwise ask for a token for each datastore."""

            @handle_exceptions  # type: ignore[untyped-decorator]
            def _get_default_token(self) -> Any:
                return credential.of_this_process().shared_token()

        return AzureStorage(self._root)
