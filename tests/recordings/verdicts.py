"""What becomes of each recorded request when it is sent to the embedded service."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from fastblob.local import LocalAzure
from recordings.comparison import Difference, compare, parts
from recordings.reasons import reason_of
from recordings.replay import Session, is_batch, is_sendable
from recordings.sessions import Answer, Exchange

NOT_IMPLEMENTED = 501
GONE_WRONG = 300


class Verdict(Enum):
    """How an answer compares with the recorded one."""

    ALIKE = "answered alike"
    EXPLAINED = "answered alike but for what the account, the version or the hour did"
    NOT_OFFERED = "not offered: 501"
    FOLLOWS = "follows from what is not offered, or was done through another endpoint"
    DIFFERENT = "answered otherwise"


@dataclass(frozen=True)
class Judgement:
    """One exchange and what was found.

    Attributes:
        found: The differences, those with a reason included.
        reasons: The names of the reasons.
    """

    exchange: Exchange
    verdict: Verdict
    found: list[Difference]
    reasons: set[str]

    def __str__(self) -> str:
        request = f"{self.exchange.name}: {self.exchange.method} {self.exchange.url}"
        return "\n    ".join([request, *map(str, self.found)])


def judge(exchanges: list[Exchange]) -> list[Judgement]:
    """Replays a recording, the requests to each of its accounts to a service of their own."""
    judgements = []
    for host in dict.fromkeys(exchange.host for exchange in exchanges if is_sendable(exchange)):
        ours = [exchange for exchange in exchanges if exchange.host == host]
        # A Data Lake endpoint of the same account changes what is there, unseen by the service.
        elsewhere = any(".dfs." in exchange.host for exchange in exchanges)
        with LocalAzure(tls=False) as azure:
            tainted = Tainted()
            for exchange, answer in Session(azure).run(ours):
                judgements.append(_judge_one(exchange, answer, tainted, elsewhere=elsewhere))
    return judgements


def _judge_one(exchange: Exchange, answer: Answer, tainted: Tainted, *, elsewhere: bool) -> Judgement:
    found = compare(exchange.answer, answer, head=exchange.method == "HEAD")
    reasons = [reason_of(exchange, difference) for difference in found]
    if _is_refused(exchange, answer):
        tainted.add(exchange)
        verdict = Verdict.NOT_OFFERED
    elif not found:
        verdict = Verdict.ALIKE
    elif all(reasons):
        verdict = Verdict.EXPLAINED
    elif elsewhere or tainted.touches(exchange):
        tainted.add(exchange)
        verdict = Verdict.FOLLOWS
    else:
        verdict = Verdict.DIFFERENT
    return Judgement(exchange, verdict, found, {reason for reason in reasons if reason})


def _is_refused(exchange: Exchange, answer: Answer) -> bool:
    if is_batch(exchange) and answer.status < GONE_WRONG:
        return any(part.status == NOT_IMPLEMENTED for part in parts(answer))
    return answer.status == NOT_IMPLEMENTED


class Tainted:
    """What is not as it was when it was recorded, since a request before was not carried out."""

    def __init__(self) -> None:
        self._paths: set[str] = set()

    def add(self, exchange: Exchange) -> None:
        """Takes note of a request that changed something then, and nothing now, or the reverse."""
        changes = exchange.method not in {"GET", "HEAD"} and exchange.answer.status < GONE_WRONG
        if changes and exchange.path.strip("/"):
            self._paths.add(exchange.path)
        elif changes:
            self._paths |= _of_parts(exchange)

    def touches(self, exchange: Exchange) -> bool:
        """Whether a request is about any of it."""
        asked = {exchange.path, urlsplit(exchange.header("x-ms-copy-source")).path}
        if is_batch(exchange):
            asked |= _of_parts(exchange)
        containers = {path.split("/")[1] for path in self._paths}
        container = exchange.container in containers
        lists = "comp=list" in exchange.url or f"/{exchange.container}" in self._paths
        return bool(asked & self._paths) or (container and lists) or (exchange.path in {"", "/"} and lists)


def _of_parts(exchange: Exchange) -> set[str]:
    lines = exchange.body.decode(errors="replace").splitlines()
    return {urlsplit(line.split(" ")[1]).path for line in lines if line.endswith(" HTTP/1.1")}
