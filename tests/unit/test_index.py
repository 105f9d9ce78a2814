"""Accesses found again by record, by login and by time; in columns, and forgotten from the front."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from schemas.access import Access
from schemas.codec import encode
from schemas.plain import read_plain
from streams.join.bodies import login_key, plain_key, record_key_of
from streams.join.index import SHRINK_AT, AccessIndex, Place, PlainAccesses
from streams.join.moments import moments_of
from streams.join.names import Names
from streams.join.open import Partition
from streams.join.question import Question, question_of
from streams.join.touched import Query
from tests.harness.builders import at, make_access

ONE, TWO = Partition("access.ecms.v1", 0), Partition("access.ecms.v1", 3)
LATE = at("2026-01-06")


class Index(AccessIndex):
    """An index with names of its own."""

    def __init__(self) -> None:
        super().__init__(Names(), Names())

    def plainly(self, partition: Partition, offsets: Sequence[int], *accesses: Access, at: int = LATE) -> None:
        """Adds them as the judge cuts them out; the accesses over and over when there are more offsets."""
        _, actors, records, instants = zip(*read_plain("ecms", [encode(access) for access in accesses]), strict=True)
        logins = [self._logins[login_key("ecms", actor)] for actor in actors]
        times = len(offsets) // len(accesses)
        numbers = [self._records[record] for record in records]
        plain = PlainAccesses(list(offsets), logins * times, numbers * times, moments_of(instants) * times)
        self.add_plain(partition, plain, at)


def indexed(*accesses: Access, plainly: bool) -> Index:
    """One after the other from offset 900, in ONE."""
    index = Index()
    if plainly:
        index.plainly(ONE, range(900, 900 + len(accesses)), *accesses)
    else:
        for offset, access in enumerate(accesses, 900):
            index.add(ONE, Place(offset, 0), question_of(access, LATE), LATE)
    return index


def found(index: Index, query: Query, partition: Partition = ONE) -> dict[Place, Question]:
    """What a query finds."""
    return dict(index.matching(partition, [query]))


def by(
    records: str | None = None, logins: str | None = None, start: str = "2026-01-01", end: str = "2026-02-01"
) -> Query:
    """Names separated by commas."""
    named = [None if names is None else frozenset(names.split(",")) for names in (records, logins)]
    return Query(named[0], named[1], at(start), at(end))


MANY = (
    make_access(actor="la", name="case:c1", when="09:00"),
    make_access(actor="lb", name="case:c1", when="10:00"),
    make_access(actor="la", name="case:c2", when="11:00"),
    make_access(actor="lb", name="person:c1", when="12:00"),
)


@pytest.mark.parametrize("plainly", [True, False])
@pytest.mark.parametrize(
    ("query", "offsets"),
    [
        (by("case/c1"), {900, 901}),
        (by("case/c1,case/c2"), {900, 901, 902}),
        (by("case/c9"), set()),
        (by(None, "ecms la"), {900, 902}),
        (by(None, "irss la"), set()),
        (by("case/c1", "ecms la"), {900}),
        (by("case/c1,person/c1", "ecms lb,ecms la"), {900, 901, 903}),
        (by("case/c2", "ecms lb"), set()),
        (by("case/c1", None, "09:00", "10:00"), {900}),
        (by("case/c1", None, "09:00:00.001", "10:00:00.001"), {901}),
        (by("case/c1", None, "10:00", "10:00"), set()),
    ],
)
def test_accesses_are_found_by_record_login_and_time(plainly: bool, query: Query, offsets: set[int]) -> None:
    """Both names where both are given; [start, end); however they were added."""
    questions = {Place(n, 0): question_of(access, LATE) for n, access in enumerate(MANY, 900)}
    wanted = {place: question for place, question in questions.items() if place.offset in offsets}
    assert found(indexed(*MANY, plainly=plainly), query) == wanted


def test_an_index_that_grew_after_it_was_asked_finds_old_and_new() -> None:
    """Chains are linked when somebody asks, and again for what came since."""
    index = indexed(*MANY, plainly=True)
    assert len(found(index, by("case/c1"))) == 2
    index.plainly(ONE, [950], make_access(actor="lc", name="case:c1"))
    index.plainly(ONE, [951], make_access(actor="lc", name="case:c3"))
    assert {p.offset for p in found(index, by("case/c1"))} == {900, 901, 950}
    assert {p.offset for p in found(index, by(None, "ecms lc"))} == {950, 951}


def test_accesses_added_while_somebody_looks_do_no_harm() -> None:
    """Finding goes on between new accesses."""
    index = indexed(*MANY, plainly=True)
    looking = index.matching(ONE, [by("case/c1"), by("case/c2")])
    first = next(looking)
    index.plainly(ONE, [950], make_access(actor="lc", name="case:c2"))
    assert {p.offset for p, _ in [first, *looking]} == {900, 901, 902, 950}


def test_a_search_is_found_by_each_candidate() -> None:
    """With everything it asked for."""
    access = make_access(name="criteria:c1", candidates=["person:p7", "person:p8"])
    question = question_of(access, LATE)
    index = Index()
    index.add(ONE, Place(991, 2), question, LATE)
    for record in ("criteria/c1", "person/p7", "person/p8"):
        assert found(index, by(record)) == {Place(991, 2): question}
    assert len(index) == 3  # each candidate counts


@pytest.mark.parametrize(
    ("start", "end", "is_found"),
    [("08:00", "09:00", False), ("08:00", "09:00:00.001", True), ("09:30", "09:31", True), ("10:00", "11:00", True),
     ("10:00:00.001", "11:00", False)],
)  # fmt: skip
def test_an_imprecise_access_is_found_by_any_instant_of_it(start: str, end: str, is_found: bool) -> None:
    """Both its ends are included."""
    access = make_access(when="09:00", until="10:00")
    assert bool(found(indexed(access, plainly=False), by("case/c0042", None, start, end))) is is_found


def test_an_access_is_let_go_of_with_all_its_rows() -> None:
    """A search that lies across the border goes whole."""
    index = Index()
    search = question_of(make_access(name="criteria:c1", candidates=["person:p7", "person:p8"]), LATE)
    for offset in range(3):
        index.add(ONE, Place(offset, 0), search, LATE)
    index.forget(0, 7)
    assert len(index) == 6
    assert found(index, by("person/p8")) == {Place(1, 0): search, Place(2, 0): search}


def test_partitions_are_apart() -> None:
    """And one that is lost is forgotten with its accesses."""
    index = indexed(*MANY, plainly=True)
    index.plainly(TWO, [7], MANY[0])
    assert {p.offset for p in found(index, by("case/c1"), TWO)} == {7}
    index.drop(ONE)
    assert found(index, by("case/c1"), ONE) == {}
    assert {p.offset for p in found(index, by("case/c1"), TWO)} == {7}
    assert index.partitions() == [TWO]
    index.drop(TWO)
    index.plainly(TWO, [8], MANY[2])
    assert {p.offset for p in found(index, by("case/c2"), TWO)} == {8}


def long_index() -> Index:
    """Two days of more accesses than are forgotten at a time, the last of each imprecise."""
    index = Index()
    for day, first in (("2026-01-05", 0), ("2026-01-06", SHRINK_AT)):
        index.plainly(ONE, range(first, first + SHRINK_AT), *MANY, at=at(day))
    wide = make_access(name="case:c9", when="09:00", until="10:00")
    index.add(ONE, Place(2 * SHRINK_AT, 0), question_of(wide, LATE), at("2026-01-06"))
    return index


@pytest.mark.parametrize("is_linked", [True, False])
def test_what_is_past_the_horizon_is_let_go_of(is_linked: bool) -> None:
    """By append time, from the front; what is left is found as before."""
    index = long_index()
    if is_linked:
        assert len(found(index, by("case/c2"))) == SHRINK_AT // 2
    index.forget(at("2026-01-06"), 10 * SHRINK_AT)
    assert len(index) == SHRINK_AT + 1
    offsets = [p.offset for p in found(index, by("case/c2"))]
    assert (len(offsets), min(offsets)) == (SHRINK_AT // 4, SHRINK_AT + 2)
    assert {p.offset for p in found(index, by("case/c9", None, "10:00", "10:01"))} == {2 * SHRINK_AT}
    index.forget(at("2026-01-06"), 10 * SHRINK_AT)
    assert len(index) == SHRINK_AT + 1


def test_the_oldest_go_first_when_there_are_too_many() -> None:
    """Whatever their age."""
    index = long_index()
    index.forget(0, 1_000)
    assert len(index) == 1_000
    assert {p.offset for p in found(index, by("case/c9"))} == {2 * SHRINK_AT}


def test_looking_goes_on_while_the_front_is_let_go_of() -> None:
    """What has gone is not found any more; nothing is found in another's place."""
    index = long_index()
    looking = index.matching(ONE, [by("case/c2")])
    seen = [next(looking)[0].offset for _ in range(10)]
    index.forget(at("2026-01-06"), 10 * SHRINK_AT)
    seen += [place.offset for place, _ in looking]
    assert sorted(seen) == list(range(SHRINK_AT + 2, 2 * SHRINK_AT, 4))


def test_an_access_takes_32_bytes() -> None:
    """Linked, and without names: 80 are allowed."""
    index = long_index()
    found(index, by("case/c2"))
    found(index, by(None, "ecms la"))
    assert index.size() / len(index) < 33


@pytest.mark.parametrize("record", ["case/c0042", 'person/p"7', "document/a/b", 'staff/x","id":"y'])
def test_a_record_has_one_plain_spelling(record: str) -> None:
    """Whatever its id is made of."""
    assert record_key_of(plain_key(record)) == record
