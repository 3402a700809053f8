"""Calls that move whole directories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._on_error import names_of
from ._options import ItemOptions, conditions
from ._progress import make_reporter
from ._results import TransferResult

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Literal

    from ._connection import Connection
    from ._lease import Lease
    from ._types import Blob, OnError, ProgressOption, StrPath, Tier


class Directories:
    """The part of ``fastblob.Client`` that moves whole directories."""

    _connection: Connection

    def upload_dir(
        self,
        directory: StrPath,
        prefix: Blob,
        *,
        overwrite: bool = False,
        metadata: Mapping[str, str] | None = None,
        content_type: str | Literal[False] | None = None,
        tier: Tier | None = None,
        tags: Mapping[str, str] | None = None,
        content_encoding: str | None = None,
        content_language: str | None = None,
        content_disposition: str | None = None,
        cache_control: str | None = None,
        content_md5: bool = False,
        follow_symlinks: bool = True,
        on_error: OnError = "raise",
        progress: ProgressOption = None,
    ) -> list[TransferResult]:
        """Uploads every file below a directory, as ``<prefix>/<path relative to the directory>``.

        Args:
            directory: The directory; empty folders in it leave no trace.
            prefix: ``<container>`` or ``<container>/<prefix>``.
            overwrite: As for ``upload``, for all files, and so are the nine following.
            metadata: See there.
            content_type: See there.
            tier: See there.
            tags: See there.
            content_encoding: See there.
            content_language: See there.
            content_disposition: See there.
            cache_control: See there.
            content_md5: See there.
            follow_symlinks: Upload what a symbolic link leads to, and go into folders behind links. False:
                links are left out.
            on_error: As for ``download_many``.
            progress: As for ``download``.

        Returns:
            One result per entry, sorted by path. What is neither a file nor a folder (links that are left
            out, pipes, ...) has a result too, whose ``skipped`` says why nothing was sent.

        Raises:
            TransferError: The first failure that is not collected, of the class that ``upload`` raises.
            OSError: The directory cannot be read, or a file in it, and not all errors are collected.
        """
        options = ItemOptions(
            {
                "overwrite": overwrite,
                "metadata": metadata,
                "content_type": content_type,
                "tier": tier,
                "tags": tags,
                "content_encoding": content_encoding,
                "content_language": content_language,
                "content_disposition": content_disposition,
                "cache_control": cache_control,
                "content_md5": content_md5,
            },
            guess=True,
        )
        collected, reporter = names_of(on_error), make_reporter(progress)
        connection = self._connection
        call = connection.engine().upload_dir(
            directory, prefix, follow_symlinks, options.common, options.guess, collected
        )
        return list(map(TransferResult, connection.run(call, reporter)))

    def download_prefix(
        self,
        prefix: Blob,
        directory: StrPath,
        *,
        on_error: OnError = "raise",
        progress: ProgressOption = None,
        if_modified_since: datetime | None = None,
        if_unmodified_since: datetime | None = None,
        if_tags: str | None = None,
        lease: Lease | str | None = None,
    ) -> list[TransferResult]:
        """Downloads every blob below a prefix; the counterpart of ``upload_dir``.

        Args:
            prefix: ``<container>`` or ``<container>/<prefix>``; ``c/a`` means all below ``c/a/``, and neither
                ``c/a`` nor ``c/ab``.
            directory: Where the files go, by what follows the prefix in their names; made where missing. No
                file is ever written outside.
            on_error: As for ``download_many``.
            progress: As for ``download``.
            if_modified_since: As for ``read``, for all blobs, and so are the three following.
            if_unmodified_since: See there.
            if_tags: See there.
            lease: See there.

        Returns:
            One result per blob, in the order of the listing (by name); an empty list where nothing is there.

        Raises:
            BlobNotFoundError: There is no such container.
            TransferError: The first failure that is not collected, of the class that ``download`` raises.
            OSError: A file cannot be written, and not all errors are collected.
        """
        collected, reporter = names_of(on_error), make_reporter(progress)
        required = conditions(None, None, if_modified_since, if_unmodified_since, if_tags, lease)
        connection = self._connection
        call = connection.engine().download_prefix(prefix, directory, collected, required)
        return list(map(TransferResult, connection.run(call, reporter)))
