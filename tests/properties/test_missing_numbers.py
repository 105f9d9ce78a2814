"""The laws of missing numbers, against plain sets: order never matters, twice changes nothing, nothing is invented."""

from __future__ import annotations

from typing import Final, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.watch.numbers import Numbers, Range

HIGHEST: Final = 40  # small, so that ranges meet, touch and overlap
NUMBER: Final = st.integers(0, HIGHEST)
RANGE: Final = st.tuples(NUMBER, st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))


class Shown(NamedTuple):
    """What one cut says: the numbers that it saw, what the source says it has given, and when that was stored."""

    ranges: tuple[Range, ...]
    given: int | None
    at: int

    @property
    def seen(self) -> set[int]:
        """Its numbers, one by one."""
        return {n for first, last in self.ranges for n in range(first, last + 1)}

    @property
    def through(self) -> int | None:
        """All numbers through this one are given."""
        return max((*self.seen, *(() if self.given is None else (self.given,))), default=None)


CUTS: Final = st.lists(
    st.builds(Shown, st.lists(RANGE, max_size=3).map(tuple), st.none() | NUMBER, st.integers(0, 20)), max_size=12
)


def merged(cuts: list[Shown]) -> Numbers:
    """All of them, in this order."""
    numbers = Numbers()
    for cut in cuts:
        numbers.see(*cut)
    return numbers


def missing(numbers: Numbers) -> dict[int, int]:
    """Each missing number, and since when."""
    return {n: gap.since for gap in numbers.gaps for n in range(gap.first, gap.last + 1)}


def by_hand(cuts: list[Shown]) -> dict[int, int]:
    """The same by plain sets."""
    seen = set[int]().union(*(cut.seen for cut in cuts))
    known = [(cut.through, cut.at) for cut in cuts if cut.through is not None]
    if not known:
        return {}
    lowest = min((*seen, *(through + 1 for through, _ in known)))
    top = max(through for through, _ in known)
    return {n: min(at for through, at in known if through >= n) for n in range(lowest, top + 1) if n not in seen}


@given(CUTS)
@settings(max_examples=400)
def test_what_is_missing_is_what_plain_sets_say(cuts: list[Shown]) -> None:
    """Which numbers, and since when."""
    assert missing(merged(cuts)) == by_hand(cuts)


@given(CUTS, st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_order_never_matters(cuts: list[Shown], chance: object) -> None:
    """Cuts of several partitions and workers come in any order."""
    other = list(cuts)
    chance.shuffle(other)  # type: ignore[attr-defined] # hypothesis gives a random.Random
    assert merged(other).gaps == merged(cuts).gaps


@given(CUTS, CUTS)
@settings(max_examples=200)
def test_what_is_said_twice_changes_nothing(cuts: list[Shown], more: list[Shown]) -> None:
    """Cuts overlap after a crash, and whoever watches may read some of them again."""
    assert merged(cuts + more + cuts).gaps == merged(cuts + more).gaps


@given(CUTS, st.integers(1, 4))
@settings(max_examples=200)
def test_a_limit_forgets_the_lowest_and_says_how_many(cuts: list[Shown], limit: int) -> None:
    """What is still known to be missing is missing, and what was let go of is counted."""
    numbers = Numbers(gaps_max=limit)
    for cut in cuts:
        numbers.see(*cut)
        assert len(numbers._gaps) <= limit
    left, wanted = missing(numbers), by_hand(cuts)
    assert left.keys() <= wanted.keys()
    assert numbers.forgotten or left.keys() == wanted.keys()
    if numbers.forgotten and left:
        assert min(left) >= (numbers.lowest or 0)


@given(CUTS, st.lists(RANGE, max_size=3))
@settings(max_examples=200)
def test_what_was_never_given_is_not_missed(cuts: list[Shown], never: list[Range]) -> None:
    """A source says so of numbers that it left out; all others are missed as before."""
    numbers = merged(cuts)
    numbers.pass_over(never)
    out = {n for first, last in never for n in range(first, last + 1)}
    assert missing(numbers) == {n: since for n, since in by_hand(cuts).items() if n not in out}
