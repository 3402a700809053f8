"""What fastblob is known to say wrongly, by kind; each is expected to fail until it is mended."""

from __future__ import annotations

import pytest
from recordings.sessions import Answer

# By error code: why.
KNOWN = {
    "SnapshotsPresent": "every 409 is a ResourceExistsError for users of azure-storage-blob",
}


def marks(answer: Answer) -> list[pytest.MarkDecorator]:
    """The marks of a test of this answer."""
    reason = KNOWN.get(answer.error_code)
    return [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
