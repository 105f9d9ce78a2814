"""Facts, marks and accesses in any order, batches of any size, crashes at any time: the laws hold, and are about much.

A few hundred histories; `python -m tests.properties` plays as many as one likes.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Final

import pytest

from tests.harness.history import Crash, History, Promise, Send, State
from tests.harness.history_chance import history
from tests.harness.play import Played, play
from tests.properties.coverage import WANTED
from tests.properties.laws import LAWS
from tests.properties.mutation_worker import MUTATED
from tests.properties.shrink import shrink
from tests.properties.trial import Broken, shortest, tried

IS_MUTATED: Final = MUTATED in os.environ  # whoever changed the code wants to know only whether it is noticed
HISTORIES: Final = 60 if IS_MUTATED else 200
SOME: Final = 10  # before anybody looks whether a law was broken
MISSING_MAX: Final = 12 if IS_MUTATED else 3


@pytest.mark.timeout(600)  # some seconds on a machine that has nothing else to do
def test_histories_keep_the_laws() -> None:
    """And are about nearly everything that they ought to be about: a turn or two may need more of them."""
    seen: set[str] = set()
    for first in range(0, HISTORIES, SOME):
        done = tried(range(first, first + SOME))
        seen |= set(done.seen)
        for broken in done.broken[:1]:
            short = broken if IS_MUTATED else shortest(broken)
            pytest.fail(f"{short.law}\n{short.history.told()}\n{short.how}", pytrace=False)
    assert len(set(WANTED) - seen) <= MISSING_MAX, set(WANTED) - seen


def test_a_seed_is_one_history() -> None:
    """And what comes of it is the same every time."""
    one, other = play(history(17)), play(history(17))
    assert one.history == other.history
    assert one.stored.findings == other.stored.findings
    assert one.stored.cuts == other.stored.cuts


def test_a_history_is_told() -> None:
    """Whoever reads what broke must see everything that happened, an act a line."""
    chosen = next(h for h in map(history, range(50)) if any(isinstance(act, Crash) for act in h.acts) and h.silent)
    lines = chosen.told().splitlines()
    assert len(lines) == 1 + len(chosen.acts)
    kinds = Counter(type(act).__name__.lower() for act in chosen.acts)
    assert sum(line.startswith("  state ") for line in lines) == kinds["state"]


def test_what_is_not_needed_is_left_out() -> None:
    """Whatever lies between, before and behind."""
    assert shrink(range(100), lambda kept: {17, 18, 71} <= set(kept)) == [17, 18, 71]
    assert shrink("abc", lambda kept: True) == []
    assert shrink([5], lambda kept: 5 in kept) == [5]


def test_a_broken_law_is_made_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The acts that are needed and no other; whatever law it is."""

    def nobody_is_found(played: Played) -> None:
        assert not played.stored.findings

    monkeypatch.setitem(LAWS, "nobody is found", nobody_is_found)
    [broken] = tried(range(3, 4)).broken
    short = shortest(broken)
    assert {type(act) for act in short.history.acts} == {Send}
    assert len(short.history.acts) == 1
    assert "nobody_is_found" in short.how


def test_a_history_in_parts_can_be_played() -> None:
    """Whatever is left out: nobody promises, states or sends anything, or only that."""
    whole = history(5)
    for kind in (State, Promise, Send, Crash):
        for kept in (True, False):
            acts = tuple(act for act in whole.acts if isinstance(act, kind) == kept)
            for law in LAWS.values():
                law(play(whole._replace(acts=acts)))


def test_the_shortest_is_of_the_same_law() -> None:
    """Or the one it was made of."""
    chosen = History(1, history(1).policy, frozenset(), ())
    broken = Broken("what stands is what is true", chosen, "as it was")
    assert shortest(broken) == broken
