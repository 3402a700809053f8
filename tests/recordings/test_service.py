"""Recorded requests to the real service, signed afresh, to the embedded one: answered as recorded, or 501."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from recordings import sessions
from recordings.reasons import REASONS
from recordings.verdicts import Verdict, judge

PAGE = Path(__file__).parents[2] / "docs/azure-fidelity.md"
ABSENT = "no recordings of the real service at hand: FASTBLOB_AZURE_RECORDINGS names their folder"


def recorded() -> list[Any]:
    """The files of the recordings, or one parameter that is skipped."""
    files = sessions.files()
    return files or [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))]


@pytest.mark.parametrize("path", recorded(), ids=lambda path: path.stem if path else "none")
def test_recorded_requests_are_answered_as_recorded_or_refused(path: Path) -> None:
    judgements = judge(sessions.read(path))
    different = [str(found) for found in judgements if found.verdict is Verdict.DIFFERENT]
    assert not different, "\n".join(different)


def test_each_reason_for_a_difference_is_documented() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [reason.name for reason in REASONS if f"| {reason.name} |" not in text] == []
