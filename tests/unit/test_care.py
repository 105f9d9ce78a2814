"""A message that kills its worker is found within few deaths, and nobody else is blamed: holds, deaths and notes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import encode
from schemas.errors import QuarantinedError
from schemas.ledger import AtWork, Hold, Note, Suspect
from streams.care import ASIDE_MAX, PARTS, Care, read_hold, succeeded
from streams.policy.aside import NotRead, SetAside
from tests.harness.judging import Message, messages


@dataclass
class Log:
    """One partition: its messages, those that kill, and what stands beside its committed offset."""

    length: int
    killers: frozenset[int]
    batch: int
    committed: int = 0
    note: str = ""
    judged: set[int] = field(default_factory=set)
    aside: set[int] = field(default_factory=set)

    def hold(self, run: str, until: int) -> bool:
        """One worker takes the partition and judges up to an offset, or dies; whether it died."""
        care = Care(read_hold(self.note), run, first=self.committed, end=self.length)
        self._write(care)
        for first in range(self.committed, until, self.batch):
            whole = [Message(n, b"x") for n in range(first, min(first + self.batch, until))]
            for part in care.parts(whole):
                following = part[-1].offset + 1
                if care.is_careful:
                    care.attempt(part[0].offset, following)
                    self._write(care)
                if any(m.offset in self.killers for m in part if not isinstance(m, SetAside)):
                    return True
                self.aside |= {m.offset for m in part if isinstance(m, SetAside)}
                self.judged |= {m.offset for m in part if not isinstance(m, SetAside)}
                if care.is_careful:
                    care.survived(following)
                    self._write(care)
            # An open access may hold the committed offset back: what was judged is then judged again.
        self.note = encode(AtWork(hold=care.hold(is_open=False))).decode()
        return False

    def _write(self, care: Care) -> None:
        self.note = encode(AtWork(hold=care.hold(is_open=True))).decode()


def deaths_at_most(batch: int) -> int:
    """As streams/care.py has it."""
    return 3 + math.ceil(round(math.log(batch, PARTS), 9))


@settings(deadline=None)
@given(
    length=st.integers(1, 300),
    batch=st.integers(1, 130),
    seeds=st.sets(st.integers(0, 299), max_size=3),
    committed=st.integers(0, 299),
)
def test_exactly_the_killers_are_set_aside_within_few_deaths(
    length: int, batch: int, seeds: set[int], committed: int
) -> None:
    """Whatever the batches, wherever the committed offset lies: all others are judged, and the deaths are bounded."""
    killers = frozenset(s % length for s in seeds if s % length >= committed % length)
    log = Log(length, killers, batch, committed % length)
    deaths = 0
    while log.hold(f"run-{deaths}", length):
        deaths += 1
        assert deaths <= max(1, len(killers)) * deaths_at_most(batch)
    assert log.aside == killers
    assert log.judged == set(range(log.committed, length)) - killers


@pytest.mark.parametrize(("batch", "most"), [(1, 3), (32, 4), (5_000, 6), (50_000, 7)])
def test_how_many_deaths_one_message_costs(batch: int, most: int) -> None:
    """Fewer than log2(batch) + 4, the most that halving would need; with 5,000 that would be 16."""
    assert most == deaths_at_most(batch) <= math.log2(batch) + 4
    log = Log(batch, frozenset({batch // 3}), batch)
    deaths = 0
    while log.hold(f"run-{deaths}", batch):
        deaths += 1
    assert deaths == most


def test_a_worker_that_is_killed_by_others_blames_nobody_twice() -> None:
    """It dies between two attempts: its successor takes care, and that is all."""
    log = Log(40, frozenset(), 10)
    assert not log.hold("run-1", 40)
    log.note = encode(AtWork(hold=Hold(is_open=True, run="run-1"))).decode()
    care = Care(read_hold(log.note), "run-2", first=0, end=40)
    assert care.is_careful
    assert care.hold(is_open=True) == Hold(is_open=True, run="run-2")
    care.survived(40)
    assert not care.is_careful


def test_one_death_of_a_message_alone_is_not_enough() -> None:
    """It may have been somebody else's fault."""
    first = Hold(is_open=True, run="run-1", attempt=(7, 8))
    second = succeeded(first, "run-2")
    assert (second.suspect, second.aside) == (Suspect(first=7, next=8, deaths=1), [])
    third = succeeded(second.model_copy(update={"attempt": (7, 8)}), "run-3")
    assert (third.suspect, third.aside) == (None, [(7, 8)])


def test_a_death_elsewhere_is_no_death_of_the_suspect() -> None:
    """What was attempted when it died is suspected instead."""
    before = Hold(is_open=True, run="run-1", suspect=Suspect(first=7, next=8, deaths=1), attempt=(2, 5))
    assert succeeded(before, "run-2").suspect == Suspect(first=2, next=5, deaths=1)
    idle = before.model_copy(update={"attempt": None})
    assert succeeded(idle, "run-2").suspect == before.suspect


def test_a_hold_that_ended_well_or_is_our_own_is_no_death() -> None:
    """A rebalance makes a worker find its own note."""
    own = Hold(is_open=True, run="run-1", attempt=(7, 8))
    assert succeeded(own, "run-1").suspect is None
    assert not Care(own, "run-1", first=0, end=9).is_careful
    assert not Care(Hold(is_open=False, run="run-1"), "run-2", first=0, end=9).is_careful


def test_who_leaves_in_order_leaves_its_suspect_behind() -> None:
    """A rolling restart in the middle of the search loses nothing that was found out."""
    care = Care(Hold(is_open=True, run="run-1", attempt=(4, 8)), "run-2", first=0, end=9)
    left = care.hold(is_open=False)
    assert (left.is_open, left.attempt, left.suspect) == (False, None, Suspect(first=4, next=8, deaths=1))
    assert Care(left, "run-3", first=0, end=9).is_careful


def test_what_is_set_aside_stands_unread_in_its_place() -> None:
    """Original bytes kept, nothing to read, and reading it is an error that says so."""
    care = Care(Hold(is_open=False, aside=[(961, 962)]), "run-2", first=960, end=963)
    [[before, stand_in, after]] = care.parts(messages(b"a", b"b", b"c"))
    assert isinstance(stand_in, SetAside)
    assert isinstance(stand_in.value, NotRead)
    assert stand_in.value.message is not None
    assert (stand_in.offset, stand_in.value, stand_in.value.message.value) == (961, b"", b"b")
    assert isinstance(stand_in.value.error, QuarantinedError)
    assert (before.value, after.value) == (b"a", b"c")
    assert care.offsets_aside() == {961}


def full() -> list[tuple[int, int]]:
    """As many stretches set aside as there is room for."""
    return [(10**12 + 2 * n, 10**12 + 2 * n + 1) for n in range(ASIDE_MAX)]


def test_nothing_that_was_set_aside_is_forgotten() -> None:
    """Looking back would meet it again. Neighbours take no more room; another stretch finds none, and that is said."""
    care = Care(Hold(is_open=False, aside=full()), "run-2", first=0, end=9)
    before = care.offsets_aside()
    assert not care.set_aside(7)
    assert care.offsets_aside() == before
    assert care.set_aside(10**12 + 2)  # once more
    assert care.offsets_aside() == before
    assert all(care.set_aside(10**12 + n) for n in (3, 1))
    assert care.offsets_aside() == before | {10**12 + 1, 10**12 + 3}
    assert care.hold(is_open=True).aside[0] == (10**12, 10**12 + 5)
    assert care.set_aside(7)  # room again: two that were apart are together


def test_one_that_kills_and_finds_no_room_is_not_attempted_again() -> None:
    """Nor is anything else of its partition; it is said which it is, also to the next worker."""
    suspect = Suspect(first=7, next=8, deaths=1)
    dead = Hold(is_open=True, run="run-1", attempt=(7, 8), suspect=suspect, aside=full())
    care = Care(dead, "run-2", first=0, end=9)
    assert (care.killer, care.is_careful) == (7, False)
    assert Care(care.hold(is_open=False), "run-3", first=0, end=9).killer == 7
    assert Care(dead.model_copy(update={"aside": full()[1:]}), "run-2", first=0, end=9).killer is None


def test_no_more_is_remembered_than_kafka_takes() -> None:
    """With everything else beside it the note stays below 4 KiB."""
    care = Care(Hold(is_open=False, aside=full()), "r" * 32, first=0, end=9)
    care.attempt(10**12, 10**12 + 1)
    note = Note(
        judged=10**12,
        reconciled=10**9,
        position=10**12,
        low=10**13,
        low_waived=10**13,
        open=10**6,
        pending=10**6,
        hold=care.hold(is_open=True),
    )
    assert len(encode(note)) < 4_096


@pytest.mark.parametrize("metadata", ["", "{}", "[]", "nonsense", '{"hold":{"is_open":1}}', '{"hold":null}'])
def test_a_note_of_another_version_is_a_hold_that_ended_well(metadata: str) -> None:
    """Nobody is accused of dying by what cannot be read."""
    assert read_hold(metadata) == Hold(is_open=False)
