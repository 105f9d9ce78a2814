"""Asking the brute-force judge in one line: the facts in the order of the log, and one access."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.access import Access
from schemas.fact import Fact, RegisteredFact, Waiver
from schemas.policy import Policy
from sinks.ledger.rejudge import Rejudge, Verdict
from tests.harness.builders import DUTY_FEEDS, When, account, at, make_policy, registered

JDOE = account("jdoe12", "w028")
"""The login of make_access belongs to w028."""

COMPLETE = {feed: at("2026-01-09") for feed in DUTY_FEEDS}
"""Every feed of duties has long said all it has to say about the story's day."""


def verdict(
    access: Access,
    *log: Fact | RegisteredFact | Waiver,
    policy: Policy | None = None,
    position: int | None = None,
    marks: Mapping[str, int] = COMPLETE,
    appended_at: When = "2026-01-06",
) -> Verdict:
    """The verdict at the end of `log` (or at `position`); plain facts are registered as known when recorded."""
    messages = [registered(m) if type(m) is Fact else m for m in log]
    assert all(isinstance(m, RegisteredFact | Waiver) for m in messages)
    where = len(messages) if position is None else position
    judge = Rejudge(policy or make_policy(), messages)  # type: ignore[arg-type] # the line above
    return judge.judge(access, at(appended_at), position=where, marks=marks)
