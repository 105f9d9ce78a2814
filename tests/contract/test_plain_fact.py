"""Facts cut out of their messages say what the codec reads in them, or are left to it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import decode, encode
from schemas.errors import RejectedInputError
from schemas.fact import RegisteredFact
from schemas.plain_fact import PLAIN_FACT_MAX, read_plain_facts
from streams.join.rows import row_of, row_of_plain
from tests.harness import chance
from tests.harness.builders import assignment, membership, registered

PLAIN = encode(registered(assignment("w028", valid_to="2026-03-01")))


def same(raw: bytes) -> bool:
    """Whether it is read plainly; fails when it is and the codec reads something else."""
    [plain] = read_plain_facts([raw])
    if plain is not None:
        assert row_of_plain(plain) == row_of(decode(RegisteredFact, raw))
    return plain is not None


@pytest.mark.parametrize(
    "fact",
    [
        assignment("w028"),
        assignment(None, unit="u5", role="support"),
        assignment("w028", "person:p/7", valid_to="2026-03-01", recorded_by=None, void=True, revision=7),
        assignment("w028", valid_from="2049-12-31"),
        assignment("w028", valid_from="2024-02-29", valid_to="2024-02-29"),
    ],
)
def test_assignments_are_read_plainly(fact: RegisteredFact) -> None:
    """As register spells them."""
    assert same(encode(registered(fact, known_from="2026-01-04")))


@pytest.mark.parametrize(
    "raw",
    [
        encode(registered(membership("person:p7"))),
        encode(registered(assignment("w028", fact_id='a"b'))),
        encode(registered(assignment("w028", valid_from="1999-12-31"))),
        encode(registered(assignment("w028", valid_from="2051-01-01"))),
        PLAIN.replace(b'"revision":1', b'"revision":2147483648'),
        PLAIN.replace(b"2026-03-01", b"2025-03-01"),
        PLAIN.replace(b"2026-03-01", b"2026-02-30"),
        PLAIN.replace(b'"void":false', b'"void":false,"void":true'),
        PLAIN.replace(b",", b", "),
        PLAIN + b" ",
        PLAIN + b"\n",
        PLAIN.replace(b"w028", b"w" * PLAIN_FACT_MAX),
        b"",
        None,
    ],
)
def test_all_else_is_left_to_the_codec(raw: bytes | None) -> None:
    """Other kinds, other spellings, dates that do not exist, intervals that end before they begin."""
    assert read_plain_facts([PLAIN, raw, PLAIN])[1] is None


def test_one_that_is_odd_moves_no_other() -> None:
    """Each keeps its place."""
    odd = [None, b"", b"\n", PLAIN + b"\n" + PLAIN, b"x" * (PLAIN_FACT_MAX + 1)]
    for raw in odd:
        first, other, last = read_plain_facts([PLAIN, raw, PLAIN])
        assert (first is None, other is None, last is None) == (False, True, False)


@settings(max_examples=300)
@given(seed=st.integers(0, 2**32), cut=st.integers(0, 400), byte=st.integers(0, 255), is_changed=st.booleans())
def test_no_message_is_read_in_two_ways(seed: int, cut: int, byte: int, is_changed: bool) -> None:
    """Any fact, and any fact with one byte changed."""
    raw = bytearray(encode(chance.fact(Random(seed))))
    if is_changed:
        raw[cut % len(raw)] = byte
    try:
        same(bytes(raw))
    except RejectedInputError:
        pytest.fail("read plainly and refused by the codec")


def test_chance_is_plain_often_enough() -> None:
    """A property over facts none of which is plain would hold for any reader."""
    assert sum(same(encode(chance.fact(Random(seed)))) for seed in range(200)) > 60
