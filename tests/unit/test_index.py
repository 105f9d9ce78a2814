"""Accesses found again by record, by login and by time; in columns, and forgotten from the front."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from schemas.access import Access
from schemas.codec import encode
from schemas.plain import read_plain
from streams.join.bodies import login_key, plain_key, record_key_of
from streams.join.index import AccessIndex
from streams.join.moments import moments_of
from streams.join.names import Names
from streams.join.open import Partition
from streams.join.question import Question, question_of
from streams.join.stretch import AGE_ROWS, Place, PlainAccesses
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
        logins = [self._people[login_key("ecms", actor)] for actor in actors]
        times = len(offsets) // len(accesses)
        numbers = [self._records[record] for record in records]
        plain = PlainAccesses(list(offsets), logins * times, numbers * times, moments_of(instants) * times)
        with self.taking(partition, (offsets[0], offsets[-1] + 1), (at, at)) as taking:
            taking.add_plain(plain)

    def closely(self, partition: Partition, place: Place, question: Question, at: int = LATE) -> None:
        """Adds one, of any shape, alone in its message."""
        with self.taking(partition, (place.offset, place.offset + 1), (at, at)) as taking:
            taking.add(place, question)


def test_names_are_counted_also_when_their_accesses_are_gone() -> None:
    """A bound of the index is none of memory: whoever looks must see it."""
    index = Index()
    for number in range(3):
        access = make_access(name=f"person:p{number}")
        index.closely(ONE, Place(900 + number, 0), question_of(access, LATE), LATE + number * 61_000)
    index.forget(0, 0, ())
    assert (len(index), index.names()) == (0, 1 + 3)


def indexed(*accesses: Access, plainly: bool) -> Index:
    """One after the other from offset 900, in ONE."""
    index = Index()
    if plainly:
        index.plainly(ONE, range(900, 900 + len(accesses)), *accesses)
    else:
        for offset, access in enumerate(accesses, 900):
            index.closely(ONE, Place(offset, 0), question_of(access, LATE))
    return index


def found(index: Index, query: Query, partition: Partition = ONE) -> dict[Place, Question]:
    """What a query finds."""
    return dict(index.matching(partition, index.wanted([query])))


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
    looking = index.matching(ONE, index.wanted([by("case/c1"), by("case/c2")]))
    first = next(looking)
    index.plainly(ONE, [950], make_access(actor="lc", name="case:c2"))
    assert {p.offset for p, _ in [first, *looking]} == {900, 901, 902, 950}


def test_a_search_is_found_by_each_candidate() -> None:
    """With everything it asked for."""
    access = make_access(name="criteria:c1", candidates=["person:p7", "person:p8"])
    question = question_of(access, LATE)
    index = Index()
    index.closely(ONE, Place(991, 2), question)
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
        index.closely(ONE, Place(offset, 0), search, LATE + offset * 61_000)
    index.forget(0, 7, ())
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
    for day, first in (("2026-01-05", 0), ("2026-01-06", AGE_ROWS)):
        index.plainly(ONE, range(first, first + AGE_ROWS), *MANY, at=at(day))
    wide = make_access(name="case:c9", when="09:00", until="10:00")
    index.closely(ONE, Place(2 * AGE_ROWS, 0), question_of(wide, LATE), at("2026-01-06"))
    return index


@pytest.mark.parametrize("is_linked", [True, False])
def test_what_is_past_the_horizon_is_let_go_of(is_linked: bool) -> None:
    """By append time, from the front; what is left is found as before."""
    index = long_index()
    if is_linked:
        assert len(found(index, by("case/c2"))) == AGE_ROWS // 2
    index.forget(at("2026-01-06"), 10 * AGE_ROWS, ())
    assert len(index) == AGE_ROWS + 1
    offsets = [p.offset for p in found(index, by("case/c2"))]
    assert (len(offsets), min(offsets)) == (AGE_ROWS // 4, AGE_ROWS + 2)
    assert {p.offset for p in found(index, by("case/c9", None, "10:00", "10:01"))} == {2 * AGE_ROWS}
    index.forget(at("2026-01-06"), 10 * AGE_ROWS, ())
    assert len(index) == AGE_ROWS + 1


def test_nothing_is_left_of_a_partition_all_of_which_is_past_the_horizon() -> None:
    """No stretch without a row: nobody asks for what comes after it."""
    index = indexed(*MANY, plainly=True)
    index.forget(at("2027-01-01"), 10 * AGE_ROWS, [ONE])
    assert (index.partitions(), index.stretches(ONE), index.reach(ONE)) == ([], [], None)


def test_the_oldest_go_first_when_there_are_too_many() -> None:
    """Whatever their age, as many together as were added together."""
    index = long_index()
    index.forget(0, AGE_ROWS + 1, ())
    assert len(index) == AGE_ROWS + 1
    assert {p.offset for p in found(index, by("case/c9"))} == {2 * AGE_ROWS}
    assert index.reach(ONE) == (AGE_ROWS, at("2026-01-05"))
    index.forget(0, AGE_ROWS, ())
    assert (len(index), index.reach(ONE)) == (1, (2 * AGE_ROWS, at("2026-01-06")))


def test_partitions_that_went_away_are_let_go_of_first() -> None:
    """Whatever may still come back, new accesses of those held need the room."""
    index = indexed(*MANY, plainly=True)
    index.plainly(TWO, [7], MANY[0])
    index.forget(0, 4, [ONE])
    assert index.partitions() == [ONE]
    index.forget(0, 3, [ONE])
    assert (index.partitions(), index.reach(ONE)) == ([], None)


def test_what_is_indexed_is_not_indexed_again() -> None:
    """A partition that comes back is read again from the committed offset on."""
    index = indexed(*MANY, plainly=True)
    index.plainly(ONE, range(902, 906), *MANY)
    assert len(index) == 6
    index.closely(ONE, Place(903, 0), question_of(MANY[3], LATE))
    assert len(index) == 6
    assert {p.offset for p in found(index, by("case/c1"))} == {900, 901}
    assert {p.offset for p in found(index, by("case/c2"))} == {902, 904}
    assert {p.offset for p in found(index, by("person/c1"))} == {903, 905}


def test_it_knows_what_it_lacks() -> None:
    """What is read later fills the gap before it, and then all is one."""
    index = indexed(*MANY, plainly=True)
    index.plainly(ONE, [950], MANY[0], at=LATE + 5)
    index.plainly(ONE, [800], MANY[0], at=LATE - 5)
    assert index.lacking(ONE, 700, 1000) == [(700, 800), (801, 900), (904, 950), (951, 1000)]
    assert index.lacking(ONE, 901, 903) == []
    assert index.lacking(ONE, 903, 905) == [(904, 905)]
    assert index.lacking(TWO, 0, 5) == [(0, 5)]
    assert index.reach(ONE) == (950, LATE + 5)
    wide = question_of(make_access(name="case:c9", when="09:00", until="10:00"), LATE)
    with index.taking(ONE, (790, 960), (LATE, LATE)) as taking:
        for offset in range(790, 960):
            taking.add(Place(offset, 0), wide)
    assert index.lacking(ONE, 790, 960) == []
    assert index.reach(ONE) == (790, LATE)
    assert len(index) == 170
    left = set(range(790, 960)) - {800, 900, 901, 902, 903, 950}
    assert {p.offset for p, q in found(index, by("case/c9")).items() if q == wide} == left
    assert {p.offset for p in found(index, by("case/c1"))} == {800, 900, 901, 950}


def test_an_error_leaves_the_index_as_it_was() -> None:
    """What was added of messages that are to be judged again is taken back."""
    index = indexed(*MANY, plainly=False)
    wide = question_of(make_access(name="case:c9", when="09:00", until="10:00"), LATE)

    def fail() -> None:
        with index.taking(ONE, (904, 990), (LATE, LATE)) as taking:
            taking.add(Place(910, 0), wide)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert (len(index), index.lacking(ONE, 900, 990), found(index, by("case/c9"))) == (4, [(904, 990)], {})
    index.closely(ONE, Place(904, 0), wide)
    assert found(index, by("case/c9")) == {Place(904, 0): wide}


def test_what_was_said_is_found_by_name_whatever_its_age() -> None:
    """Each record of a search, and whoever searched; behind the index only."""
    index = Index()
    index.say(ONE, 17, "ecms la", [plain_key("criteria/c1"), plain_key("person/p7")])
    index.say(ONE, 40, "ecms lb", [plain_key("person/p7")])
    index.say(TWO, 5, "ecms la", [plain_key("person/p7")])

    def said(query: Query, partition: Partition = ONE, before: int = 900) -> set[int]:
        return index.said(partition, index.wanted([query]), before)

    assert said(by("person/p7")) == {17, 40}
    assert said(by("person/p7"), before=40) == {17}
    assert said(by("person/p7"), TWO) == {5}
    assert said(by("criteria/c1")) == {17}
    assert said(by(None, "ecms lb", "2020-01-01", "2020-01-02")) == {40}
    assert said(by("person/p7", "ecms la")) == {17}
    assert said(by("person/p9")) == said(by("person/p7"), Partition("access.irss.v1", 0)) == set()
    assert [index.said(ONE, None, before) for before in (40, 41)] == [{17}, {17, 40}]
    assert [index.knows(ONE, before) for before in (17, 18)] == [False, True]
    assert len(index) == 0


def test_looking_goes_on_while_the_front_is_let_go_of() -> None:
    """What has gone is not found any more; nothing is found in another's place."""
    index = long_index()
    looking = index.matching(ONE, index.wanted([by("case/c2")]))
    seen = [next(looking)[0].offset for _ in range(10)]
    index.forget(at("2026-01-06"), 10 * AGE_ROWS, ())
    seen += [place.offset for place, _ in looking]
    assert sorted(seen) == list(range(AGE_ROWS + 2, 2 * AGE_ROWS, 4))


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


@pytest.mark.parametrize("number", [0, 1, 2])
def test_an_access_is_known_by_its_place_in_its_message(number: int) -> None:
    """Also the second of a message that names one record at one instant."""
    question = question_of(MANY[0], LATE)
    index = Index()
    index.closely(ONE, Place(991, number), question)
    assert found(index, by("case/c1")) == {Place(991, number): question}
