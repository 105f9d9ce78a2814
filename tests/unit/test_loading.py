"""What a worker reads in whole runs at its start is what it would have read one by one, column by column."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

import pytest

from schemas.codec import decode, encode
from schemas.fact import RegisteredFact
from schemas.plain_fact import PlainFact, cut_plain_facts, is_odd
from streams.join.columns import take_knowledge
from streams.join.knowledge import Knowledge, Learned
from streams.join.loading import load
from streams.join.rows import row_of, row_of_plain
from tests.harness.builders import assignment, at, membership, registered

GRACE: Final = 3_600_000
DAY: Final = 86_400_000
SINCE: Final = at("2026-01-01")


def one_by_one(values: Sequence[bytes], grace: int = GRACE) -> Knowledge:
    """Each read the exact way."""
    knowledge = Knowledge(grace)
    for offset, value in enumerate(values):
        knowledge.take(offset, row_of(decode(RegisteredFact, value)))
    return knowledge


def in_runs(values: Sequence[bytes], sizes: Sequence[int], grace: int = GRACE) -> tuple[Knowledge, list[int]]:
    """In batches of these sizes, in turn; the offsets, too, of what was not taken in at once."""
    knowledge, apart, start, turn = Knowledge(grace), list[int](), 0, 0
    while start < len(values):
        size = sizes[turn % len(sizes)]
        some = values[start : start + size]
        facts = cut_plain_facts(some)
        for place in load(knowledge, range(start, start + len(some)), facts):
            assert knowledge.position == start + place  # those before it are known
            apart.append(start + place)
            fact, value = facts[place], some[place]
            row = row_of(decode(RegisteredFact, value)) if is_odd(fact) else row_of_plain(PlainFact._make(fact))
            knowledge.take(start + place, row)
        start, turn = start + len(some), turn + 1
    return knowledge, apart


def same(one: Knowledge, other: Knowledge) -> bool:
    """Whether they hold the same, and number it the same."""
    for knowledge in (one, other):  # these grow when somebody asks
        knowledge.plain.first()
        for kind, side in knowledge.facts.newest_by_side:
            knowledge.facts.newest(kind, side)
    return take_knowledge(one) == take_knowledge(other)


def chance_value(rng: Random, ids: int) -> bytes:
    """An assignment of some kind and spelling, or now and then something else."""
    if rng.random() < 0.05:
        return encode(registered(membership(f"person:p{rng.randrange(5)}", fact_id=f"m{rng.randrange(20)}")))
    valid_from = SINCE + rng.randrange(30 * DAY)
    recorded_at = valid_from + rng.choice((0, 0, -DAY, GRACE, GRACE + 1, rng.randrange(DAY)))
    is_unit = rng.random() < 0.2
    said = registered(
        assignment(
            None if is_unit else f"w{rng.randrange(6)}",
            f"case:c{rng.randrange(8)}",
            unit=f"w{rng.randrange(3)}" if is_unit else None,
            valid_from=valid_from,
            valid_to=None if rng.random() < 0.5 else valid_from + rng.randrange(DAY),
            recorded_at=recorded_at,
            recorded_by=rng.choice((None, "w0", "s1", "s2")),
            fact_id=f"as-{rng.randrange(ids)}",
            revision=rng.choice((1, 1, 1, 2, 3)),
            role=rng.choice(("management", "secondary", "support")),
            void=rng.random() < 0.1,
        ),
        known_from=recorded_at + rng.choice((0, 0, 0, 7)),
    )
    value = encode(said)
    return value.replace(b",", b", ", 1) if rng.random() < 0.05 else value  # read the exact way


@pytest.mark.parametrize("seed", range(60))
def test_runs_give_what_one_by_one_gives(seed: int) -> None:
    """With repeats, conflicts, later and earlier revisions, void ones, units, other kinds and spellings."""
    rng = Random(seed)
    ids, grace = rng.choice((15, 60, 1_000)), rng.choice((0, GRACE))
    values = [chance_value(rng, ids) for _ in range(rng.randrange(1, 120))]
    expected = one_by_one(values, grace)
    found, _ = in_runs(values, [rng.choice((1, 2, 7, 50, 200)) for _ in range(3)], grace)
    assert same(found, expected)
    assert found.position == len(values)


def test_most_is_taken_in_at_once() -> None:
    """What is new and an assignment; and the rest one by one, wherever it stands."""
    new = [encode(registered(assignment("w028", fact_id=f"as-{n}"))) for n in range(10)]
    other = encode(registered(membership("person:p7")))
    second = encode(registered(assignment("w028", fact_id="as-3", revision=2)))
    clash = encode(registered(assignment("w031", fact_id="as-2")))
    values = [*new[:4], other, *new[4:7], second, new[0], clash, *new[7:]]
    found, apart = in_runs(values, [len(values)])
    assert [values[offset] for offset in apart] == [other, second, new[0], clash]
    assert same(found, one_by_one(values))
    assert in_runs([other, other], [2])[1] == [0, 1]
    assert in_runs([], [1])[1] == []
    assert not list(load(Knowledge(), [], []))


def test_the_first_of_two_in_one_run_stands() -> None:
    """The other is a conflict, which somebody has to hear of."""
    knowledge = Knowledge()
    values = [encode(registered(assignment(staff, fact_id="as-1"))) for staff in ("w028", "w031")]
    facts = cut_plain_facts(values)
    [place] = load(knowledge, [4, 6], facts)
    assert (place, knowledge.position) == (1, 5)
    assert knowledge.take(6, row_of_plain(PlainFact._make(facts[1])))[0] is Learned.CONFLICT


def test_an_interval_that_ends_before_it_begins_is_left_to_the_codec() -> None:
    """One that ends as it begins is not."""
    inside = encode(registered(assignment("w028", valid_from="2026-01-02", valid_to="2026-01-02")))
    inverted = inside.replace(b'"valid_to":"2026-01-02', b'"valid_to":"2026-01-01')
    assert inverted != inside
    assert list(load(Knowledge(), [0, 1], cut_plain_facts([inside, inverted]))) == [1]
