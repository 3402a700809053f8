"""The counts of ``docs/azure-fidelity.md``: ``PYTHONPATH=tests python tests/recordings/report.py [-v]``."""

from __future__ import annotations

import sys
from collections import Counter

from recordings import sessions
from recordings.verdicts import Verdict, judge


def main() -> None:
    """Prints what became of all recorded requests, and what differs without a reason."""
    verdicts: Counter[Verdict] = Counter()
    reasons: Counter[str] = Counter()
    for path in sessions.files():
        for judgement in judge(sessions.read(path)):
            verdicts[judgement.verdict] += 1
            if judgement.verdict is Verdict.EXPLAINED:
                reasons.update(judgement.reasons)
            if judgement.verdict is Verdict.DIFFERENT or "-v" in sys.argv:
                print(judgement.verdict.value, "-", judgement)
    for verdict in Verdict:
        print(f"| {verdict.value} | {verdicts[verdict]} |")
    for reason, count in reasons.most_common():
        print(f"| {reason} | {count} |")


if __name__ == "__main__":
    main()
