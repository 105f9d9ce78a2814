"""Asked over a time is asked at each of its instants: the two ways to walk a path are held together here."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.policy import Policy
from schemas.topics import CONSOLE
from streams.join.bodies import RecordKey, login_key, record_key
from streams.join.knowledge import Knowledge
from streams.join.question import Question
from streams.join.spans import Span, Spans, both, union, without
from streams.join.view import View
from streams.policy.decide import Answer, ask, first_path, paths_of, staff_at
from streams.policy.every_path import every_path
from streams.policy.near_misses import DEEPEST, near_misses
from streams.policy.reach import Grounds, line
from streams.policy.refs import refs
from tests.harness import chance
from tests.harness.builders import account, assignment, at, coverage, make_policy
from tests.harness.judging import knowing
from tests.properties.test_strangers import RECORDS, STAFF, fact

KEYS = tuple(map(record_key, RECORDS))


def instants(knowledge: Knowledge, question: Question) -> list[int]:
    """The first of the interval, and each at which any revision of any fact begins or ends."""
    facts = knowledge.facts
    ends = {*facts.valid_from, *facts.valid_to}
    return [question.start, *sorted(end for end in ends if question.start < end <= question.end)]


def walked(view: View, policy: Policy, staff: str, question: Question, instant: int) -> Iterator[Grounds]:
    """Every path to every target, one step after the other."""
    for _, explain in paths_of(question):
        for target in question.targets:
            if (grounds := explain(view, policy.paths, staff, target, instant)) is not None:
                yield grounds


def asked_at_each(knowledge: Knowledge, policy: Policy, question: Question) -> Answer:
    """The answer as ADR 6 words it."""
    known_by = question.end + policy.grace_ms
    people: set[str] = set()
    thens, nows = list[bool](), list[bool]()
    for instant in instants(knowledge, question):
        staff = staff_at(View(knowledge), question.login, instant)
        people |= staff
        for answers, view in ((thens, View(knowledge, known_by)), (nows, View(knowledge))):
            cleared = [any(True for _ in walked(view, policy, one, question, instant)) for one in staff]
            answers.append(bool(staff) and all(cleared))
    return Answer(all(thens), any(thens), all(nows), any(nows), frozenset(people))


def some_policy(rng: Random) -> Policy:
    """With and without each path."""
    return make_policy(
        grace_seconds=rng.choice((0, 600, 3600)),
        own=rng.random() < 0.6,
        supervises=rng.random() < 0.8,
        depth=rng.choice((1, 2, 5)),
        covers=rng.random() < 0.8,
        carries_line=rng.random() < 0.7,
        reviews=rng.random() < 0.8,
    )


def some_question(rng: Random) -> Question:
    """About one record or many, at an instant or over a time."""
    start = chance.instant(rng)
    end = max(start, chance.instant(rng)) if rng.random() < 0.7 else start
    targets: tuple[RecordKey, ...] = tuple(rng.sample(KEYS, rng.randrange(1, len(KEYS) + 1)))
    return Question(login_key(rng.choice(("ecms", CONSOLE)), "la"), targets, start, end)


def some_knowledge(rng: Random, length: int) -> Knowledge:
    """Of facts that meet everywhere; the login is mostly somebody's."""
    knowledge = Knowledge(0)
    for said in (*chance.log(rng, 0), *(fact(rng) for _ in range(length))):
        knowledge.hear(knowledge.position, said)
    return knowledge


@settings(max_examples=600, deadline=None)
@given(seed=st.integers(0, 2**32), length=st.integers(1, 40))
def test_an_answer_over_a_time_is_that_of_all_its_instants(seed: int, length: int) -> None:
    """Whatever is known, whoever the login is, whichever paths the policy counts."""
    rng = Random(seed)
    knowledge, policy = some_knowledge(rng, length), some_policy(rng)

    for question in (some_question(rng) for _ in range(6)):
        assert ask(knowledge, policy, question) == asked_at_each(knowledge, policy, question)


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), length=st.integers(1, 40))
def test_what_is_told_is_what_the_walk_to_each_target_finds_first(seed: int, length: int) -> None:
    """No target is left out before the paths are walked that one of them leads to, and the order stays."""
    rng = Random(seed)
    knowledge, policy, question = some_knowledge(rng, length), some_policy(rng), some_question(rng)
    for staff in STAFF:
        for known_by in (None, question.end + policy.grace_ms):
            view = View(knowledge, known_by)
            found = first_path(view, policy, staff, question, question.start)
            first = next(walked(View(knowledge, known_by), policy, staff, question, question.start), None)
            assert (None if found is None else refs(found[1])) == (None if first is None else refs(first))
        tried = every_path(knowledge, policy, question, staff)
        for one, (name, explain) in zip(tried, paths_of(question), strict=True):
            view = View(knowledge)
            each = (explain(view, policy.paths, staff, target, question.start) for target in question.targets)
            grounds = next((refs(grounds) for grounds in each if grounds is not None), None)
            assert (one.path, one.now) == (name, grounds)


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), length=st.integers(1, 40))
def test_a_line_that_is_too_long_is_told_of_the_first_target_it_leads_to(seed: int, length: int) -> None:
    """As if each had been walked to."""
    rng = Random(seed)
    knowledge, policy, question = some_knowledge(rng, length), make_policy(depth=1), some_question(rng)
    for staff in STAFF:
        view = View(knowledge)
        each = (
            line(view, staff, target, question.start, depth)
            for depth in range(1, DEEPEST + 1)
            for target in question.targets
        )
        expected = next((refs(grounds) for grounds in each if grounds is not None), None)
        told = {miss.path: miss.facts for miss in near_misses(knowledge, policy.paths, staff, question)}
        assert told.get("supervises") == expected


def test_nobody_stands_in_for_themselves() -> None:
    """Or it would be a way to one's own duties where a policy does not count these."""
    knowledge = knowing((account("la", "w1"), coverage("w1", "w1"), assignment("w1")))
    question = Question(login_key("ecms", "la"), ("case/c0042",), at("14:00"), at("15:00"))

    assert not ask(knowledge, make_policy(own=False), question).now_any
    assert ask(knowledge, make_policy(own=True), question).now_all


def spans_of(instants: set[int]) -> Spans:
    """The spans that have just these instants."""
    return union((Span(one, one + 1),) for one in instants)


def instants_in(spans: Spans) -> set[int]:
    """The way back."""
    return {one for begin, end in spans for one in range(begin, end)}


SETS = st.sets(st.integers(0, 30))


@given(one=SETS, other=SETS)
def test_spans_are_sets_of_instants(one: set[int], other: set[int]) -> None:
    """Together, both, one without the other; and each set has one spelling, so that equal sets are equal."""
    left, right = spans_of(one), spans_of(other)
    assert union((left, right)) == spans_of(one | other)
    assert both(left, right) == spans_of(one & other)
    assert without(left, right) == spans_of(one - other)
    assert instants_in(left) == one
