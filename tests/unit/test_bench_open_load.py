"""What the open loop sends must be what the contract takes, and its known answers must be right."""

from __future__ import annotations

import random
from dataclasses import asdict

from schemas.access import Access
from schemas.codec import decode, decode_thin, encode
from schemas.fact import Fact, Mark, RegisteredFact
from schemas.ids import format_instant, parse_instant
from schemas.topics import FEEDS, Topics
from sinks.ledger.rejudge import Rejudge
from tests.bench.open_load import Drawn, Load, draw, steps
from tests.bench.schedule import Step
from tests.bench.workload import Plan, make_workload
from tests.harness.builders import make_policy

NOW = parse_instant("2026-11-22T10:00:00.000Z")
LOAD = Load(rate=200, warm_up=0.5, seconds=1.5, first=70, now=NOW, subjects=60, staff=12, share=0.3, seed=7)
TOPICS = Topics("x.")


def whole(step: Step) -> bytes:
    """The value as the sender puts it together."""
    assert step.tail is not None
    return step.head + format_instant(NOW + int(step.at * 1000)).encode() + step.tail


def sent(topic: str) -> list[Step]:
    """What goes to this topic."""
    return [step for step in steps("x.", asdict(LOAD)) if step.topic == topic]


def test_accesses_happen_when_they_are_due_and_are_spelled_as_the_codec_spells_them() -> None:
    """The intended moment is in the message, so that a delay is one of the access and not of the sender."""
    found = sent(TOPICS.access("ecms"))
    assert len(found) == LOAD.count == 400
    for number, step in enumerate(found):
        access = decode(Access, whole(step))
        assert access.occurred_at == NOW + int(number / LOAD.rate * 1000)
        assert access.sequence == 70 + number
        assert encode(access) == whole(step)
        assert decode_thin(whole(step)) is not None


def test_every_feed_marks_ten_times_a_second_and_beyond_the_last_access() -> None:
    """An access after the last mark would wait for ever."""
    for feed in FEEDS:
        marks = sent(TOPICS.feed(feed))
        assert len(marks) == 25
        assert {decode(Mark, whole(step)).feed for step in marks} == {feed}
        assert marks[-1].at > sent(TOPICS.access("ecms"))[-1].at


def test_the_known_answers_are_those_of_the_brute_force_judge() -> None:
    """Of the facts that the feeds have said, which are those of the drain."""
    workload = make_workload(Plan(accesses=0, subjects=60, staff=12, seed=7))
    said = {"assignments": workload.assignments, "staff": workload.accounts}
    facts = [(feed, decode(Fact, message.value)) for feed, messages in said.items() for message in messages]
    log = [RegisteredFact(**dict(fact), feed=feed, known_from=fact.recorded_at) for feed, fact in facts]
    judge, marks = Rejudge(make_policy(), log), dict.fromkeys(FEEDS, NOW + 10_000)
    drawn = list(draw(LOAD))
    for one, step in zip(drawn, sent(TOPICS.access("ecms")), strict=True):
        verdict = judge.judge(decode(Access, whole(step)), NOW + 20_000, position=len(log), marks=marks)
        assert verdict.outcome == ("unexplained" if one.is_violation else "explained")
        assert step.is_watched == one.is_violation
    assert 20 < sum(one.is_violation for one in drawn) < 200


def test_rates_do_not_share_an_event_id() -> None:
    """A finding that comes late must not be taken for one of the next rate."""
    later = Load(**{**asdict(LOAD), "first": LOAD.first + LOAD.count})
    assert not {one.event for one in draw(LOAD)} & {one.event for one in draw(later)}


def test_another_process_draws_the_same() -> None:
    """The sender and whoever judges it each draw for themselves, whatever chance was used for before."""
    before: list[Drawn] = list(draw(LOAD))
    random.seed(4711)
    assert list(draw(LOAD)) == before
