"""Artifacts that are compressed when it is clear that they must be written.

Metaflow compresses an artifact, at some 50 MB/s, before it hands it to the datastore; if the artifact is
there already, that was in vain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from .wrapping import wrap_method

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BytesIO


@dataclass(frozen=True)
class ArtifactToPack:
    """An artifact that is yet to be compressed."""

    pack: Callable[[], BytesIO]
    size: int


def install(storage: type) -> None:
    """Makes Metaflow's content-addressed store leave the packing to storages of this class."""

    def wrap(pack: Callable[..., BytesIO]) -> Callable[..., BytesIO | ArtifactToPack]:
        def wrapper(self: Any, blob: bytes) -> BytesIO | ArtifactToPack:
            if isinstance(self._storage_impl, storage):
                return ArtifactToPack(partial(pack, self, blob), len(blob))
            return pack(self, blob)

        return wrapper

    wrap_method(
        "metaflow.datastore.content_addressed_store",
        "ContentAddressedStore",
        "_pack_v1",
        wrap,
        otherwise="artifacts that exist are compressed nevertheless",
    )
