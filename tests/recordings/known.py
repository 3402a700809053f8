"""What fastblob is known to say wrongly, by kind; each is expected to fail until it is mended."""

from __future__ import annotations

import pytest
from recordings.sessions import Answer

CONFLICT = "every 409 is a ResourceExistsError for users of azure-storage-blob"
NOT_MODIFIED = "a condition that is not met is a BlobModifiedError, for reads as well"

# By status and error code: why.
KNOWN = {
    "304 ConditionNotMet": NOT_MODIFIED,
    "409 BlobBeingRehydrated": CONFLICT,
    "409 BlobImmutableDueToLegalHold": CONFLICT,
    "409 BlobUsesCustomerSpecifiedEncryption": CONFLICT,
    "409 ContainerBeingDeleted": CONFLICT,
    "409 SnapshotsPresent": CONFLICT,
}


def marks(answer: Answer) -> list[pytest.MarkDecorator]:
    """The marks of a test of this answer."""
    reason = KNOWN.get(f"{answer.status} {answer.error_code}")
    return [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
