"""A stranger to a record is one whom no path clears, at any instant, by anything known then or now, nor nearly."""

from __future__ import annotations

from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.access import Record
from schemas.fact import (
    Account,
    Assignment,
    Body,
    Coverage,
    Fact,
    Membership,
    RegisteredFact,
    Review,
    Supervision,
    UnitMember,
)
from schemas.topics import CONSOLE
from streams.join import related
from streams.join.bodies import login_key, record_key
from streams.join.columns import put_knowledge, take_knowledge
from streams.join.knowledge import Knowledge
from streams.join.question import Question
from streams.join.related import Related
from streams.join.renumber import let_go_of_names
from streams.join.view import View
from streams.policy import near_misses as misses
from streams.policy.decide import paths_of, possible
from tests.harness import chance
from tests.harness.builders import make_policy, registered

STAFF: Final = ("w1", "w2", "w3", "u", 'w"4')
UNITS: Final = ("u", "v", "w1")  # some are called like people
RECORDS: Final = tuple(
    Record.model_validate({"kind": kind, "id": name})
    for kind, name in (("case", "c1"), ("person", "c1"), ("case", 'c","id":"1'), ("case", "c\\1"), ("staff", "w1"))
)
INSTANTS: Final = range(chance.START, chance.START + chance.STEPS * chance.STEP, 4 * chance.STEP)
POLICIES: Final = [make_policy(depth=depth, carries_line=carries) for depth in (1, 4) for carries in (True, False)]


def body(rng: Random) -> Body:
    """Any statement about few people and records, so that each leads somewhere."""
    staff, other, record = rng.choice(STAFF), rng.choice(STAFF), rng.choice(RECORDS)
    match rng.randrange(13):
        case 0 | 1 | 2:
            return Assignment(kind="assignment", staff=staff, record=record, role="management")
        case 3 | 4:
            return Assignment(kind="assignment", unit=rng.choice(UNITS), record=record, role="support")
        case 5:
            return UnitMember(kind="unit_member", staff=staff, unit=rng.choice(UNITS))
        case 6 | 7:
            return Supervision(kind="supervision", supervisor=staff, staff=other)
        case 8:
            return Coverage(kind="coverage", covering=staff, covered=other)
        case 9:
            return Membership(kind="membership", record=record, within=rng.choice(RECORDS))
        case 10 | 11:
            return Review(kind="review", staff=staff, record=record, alert=rng.choice(STAFF))
        case _:
            return Account(kind="account", source="ecms", login="la", staff=staff)


def fact(rng: Random) -> RegisteredFact:
    """Any fact; the revisions of one name whomever they like."""
    said, start = body(rng), chance.instant(rng)
    stated = Fact(
        fact_id=f"{said.kind[:3]}{rng.randrange(5)}",
        revision=rng.choice((1, 1, 2, 3)),
        valid_from=start,
        valid_to=None if rng.random() < 0.5 else max(start, chance.instant(rng)),
        recorded_at=chance.instant(rng),
        void=rng.random() < 0.2,
        body=said,
    )
    return registered(stated, known_from=stated.recorded_at + rng.randrange(-3, 6) * chance.STEP)


def restored(knowledge: Knowledge, rng: Random) -> Knowledge:
    """As it comes out of a snapshot, with or without the names that nothing bears."""
    document, columns = take_knowledge(knowledge)
    if rng.random() < 0.7:
        let_go_of_names(document["logins"], columns)
    found = Knowledge(0)
    put_knowledge(found, document, columns)
    return found


def ask_all(asked: Related) -> dict[tuple[str, str], bool]:
    """Everybody about every record."""
    keys = map(record_key, RECORDS)
    return {(staff, key): asked.may_explain(staff, key) for key in keys for staff in STAFF}


def asked(source: str, key: str, instant: int) -> Question:
    """Of an access at this source to this record."""
    return Question(login_key(source, "la"), (key,), instant, instant)


def no_path(knowledge: Knowledge, staff: str, key: str, source: str) -> bool:
    """Whether no path clears, whenever it is asked about and whenever it was known, and none came close."""
    questions = [asked(source, key, instant) for instant in INSTANTS]
    paths = paths_of(questions[0])
    for known_by in (None, *INSTANTS):
        view = View(knowledge, known_by)
        for instant in INSTANTS:
            if any(explain(view, POLICIES[2].paths, staff, key, instant) is not None for _, explain in paths):
                return False
    return not any(misses.near_misses(knowledge, p.paths, staff, question) for p in POLICIES for question in questions)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), length=st.integers(1, 24))
def test_no_path_leads_a_stranger_to_the_record(seed: int, length: int) -> None:
    """Asked between facts, after snapshots, with all that may be kept and with little."""
    rng = Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(related, "KEPT_MAX", rng.choice((3, 200_000)))
        patch.setattr(related, "RELATED_MAX", rng.choice((3, 200)))
        knowledge = Knowledge(0)
        for number in range(length):
            _ = knowledge.facts.people[f"ghost{seed}-{number}"]  # of an access that is long gone
            knowledge.hear(knowledge.position, fact(rng))
            if rng.random() < 0.4:
                ask_all(knowledge.related)
            if rng.random() < 0.1:
                found = restored(knowledge, rng)
                if rng.random() < 0.5:
                    knowledge.become(found)
                else:
                    knowledge = found
        answers = ask_all(knowledge.related)
        assert answers == ask_all(Related(knowledge.facts))  # nothing that was kept is stale
        patch.setattr(misses, "possible", lambda knowledge, staff, question: question.targets)
        for (staff, key), may_explain in answers.items():
            assert may_explain or no_path(knowledge, staff, key, "ecms")
            is_possible = possible(knowledge, staff, asked(CONSOLE, key, chance.START))
            assert is_possible or no_path(knowledge, staff, key, CONSOLE)
