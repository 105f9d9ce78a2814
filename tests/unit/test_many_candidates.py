"""What an access with many candidates, over a long time, costs the judge: promise 10, the next is judged within 1 s."""

from __future__ import annotations

import time
from typing import Any

import pytest

from schemas.access import Access
from schemas.fact import Fact
from streams.join.facts import Facts
from streams.join.question import question_of
from streams.policy.decide import decide
from streams.policy.explain import tell
from streams.policy.judging import Judging
from tests.harness.builders import account, assignment, at, make_access, make_policy, supervision
from tests.harness.judging import judging
from tests.harness.verdicts import COMPLETE

CASES, STAFF, HOLDERS = 200, 60, 10
DAY_MS = 86_400_000
BEGIN, END = at("2023-01-05"), at("2026-01-05")
SECONDS = 2.0  # of one processor; it takes some 0.2, and took minutes


def assigned(case: int, turn: int, *, recorded_at: int) -> Fact:
    """Somebody's turn of ten days with a case; turns are 100 days apart, and never two begin at the same instant."""
    begin = BEGIN + turn * 100 * DAY_MS + case * 60_000
    return assignment(
        f"w{(case + 7 * turn) % STAFF}",
        f"case:c{case}",
        fact_id=f"as-{case}-{turn}",
        valid_from=begin,
        valid_to=begin + 10 * DAY_MS,
        recorded_at=recorded_at,
    )


def director(*, recorded_at: int) -> Judging:
    """A judge that knows of a director over many people, each of whom had many cases for a time."""
    turns = [assigned(case, turn, recorded_at=recorded_at) for case in range(CASES) for turn in range(HOLDERS)]
    below = [supervision("d1", f"w{n}", recorded_at=recorded_at, valid_from="2022-01-01") for n in range(STAFF)]
    return judging(account("boss", "d1", valid_from="2022-01-01"), *below, *turns, policy=make_policy(), marks=COMPLETE)


def search(*, until: int | None) -> Access:
    """By the director, for criteria that lead to every case."""
    return make_access(
        "boss", "search", "criteria:q-1", BEGIN - 1, until=until, candidates=[f"case:c{n}" for n in range(CASES)]
    )


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The facts that were looked up, one number for each time."""
    found: list[int] = []
    asked = Facts.row_as_of

    def counted(self: Facts, number: int, *rest: Any) -> int:
        found.append(number)
        return asked(self, number, *rest)

    monkeypatch.setattr(Facts, "row_as_of", counted)
    return found


@pytest.mark.parametrize("until", [END, None], ids=["over three years", "at one instant"])
@pytest.mark.parametrize("recorded_at", [at("2022-01-02"), END], ids=["known in time", "known afterwards"])
def test_the_next_message_is_judged_within_a_second(looked_up: list[int], recorded_at: int, until: int | None) -> None:
    """Each fact is looked at a few times, however many candidates there are and however often something changes."""
    judge = director(recorded_at=recorded_at)
    began = time.process_time()

    access = search(until=until)  # of any length: what may be sent is limited where it is read
    question = question_of(access, at("2026-01-06"))
    verdict = decide(judge.knowledge, judge.policy, question, access)
    told = tell(judge.knowledge, judge.policy, question, access, verdict)

    facts = 1 + STAFF + CASES * HOLDERS
    assert verdict.outcome != "explained"
    assert "200 candidates" in told.reason
    assert len(looked_up) < 12 * facts
    assert time.process_time() - began < SECONDS
