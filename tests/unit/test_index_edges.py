"""The index where one thing ends and the next begins: gaps that meet, ages, rows side by side; and what it costs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streams.join.bodies import plain_key
from streams.join.open import Partition
from streams.join.question import Question, question_of
from streams.join.stretch import AGE_MS, AGE_ROWS, Chain, Place, Stretch
from tests.harness.builders import make_access
from tests.unit.test_index import LATE, MANY, ONE, TWO, Index, by, found, indexed

SEARCH = question_of(make_access(name="criteria:c1", candidates=["person:p7", "person:p8"]), LATE)
PLAIN = question_of(MANY[0], LATE)
THREE = Partition("access.irss.v1", 1)


def alone(index: Index, partition: Partition = ONE) -> Stretch:
    """The only stretch there is."""
    [stretch] = index.stretches(partition)
    return stretch


# --- gaps


def test_messages_that_overlap_by_one_are_indexed_once() -> None:
    """At either end."""
    index = indexed(*MANY, plainly=True)  # 900 to 903
    index.plainly(ONE, [910, 911], MANY[0])
    index.plainly(ONE, range(903, 906), MANY[0])
    assert len(index) == 8
    index.plainly(ONE, range(908, 911), MANY[0])
    assert len(index) == 10
    assert index.lacking(ONE, 900, 912) == [(906, 908)]


def test_nothing_is_lacking_of_what_is_there_to_its_ends() -> None:
    """Nor of nothing; what is lacking ends where the rest begins."""
    index = indexed(*MANY, plainly=True)
    assert index.lacking(ONE, 900, 904) == index.lacking(ONE, 902, 902) == index.lacking(ONE, 904, 904) == []
    assert index.lacking(ONE, 899, 904) == [(899, 900)]
    assert index.lacking(ONE, 900, 905) == [(904, 905)]
    assert index.lacking(ONE, 890, 900) == [(890, 900)]


def test_what_fills_the_gap_between_two_makes_them_one() -> None:
    """And so does what lies on both sides of one."""
    between = indexed(*MANY, plainly=True)  # 900 to 903
    between.plainly(ONE, [910], MANY[0])
    between.plainly(ONE, range(904, 910), MANY[0])
    assert (between.reach(ONE), len(between)) == ((900, LATE), 11)
    around = indexed(*MANY, plainly=True)
    with around.taking(ONE, (890, 910), (LATE, LATE)) as taking:
        for offset in range(890, 910):
            taking.add(Place(offset, 0), PLAIN)
    assert (around.reach(ONE), len(around)) == ((890, LATE), 20)


def test_what_is_added_to_the_front_of_what_has_shrunk_is_found_as_it_is() -> None:
    """Rows are counted from the first that there ever was; so are ages, and what is wide."""
    index = Index()
    index.plainly(ONE, range(AGE_ROWS), MANY[0])
    index.closely(ONE, Place(AGE_ROWS, 0), SEARCH, LATE + 2 * AGE_MS)
    index.plainly(ONE, [AGE_ROWS + 1], MANY[2], at=LATE + 4 * AGE_MS)
    index.forget(LATE + 1, 10 * AGE_ROWS, ())
    assert (len(index), index.reach(ONE)) == (4, (AGE_ROWS, LATE))
    assert found(index, by("person/p8")) == {Place(AGE_ROWS, 0): SEARCH}
    wide = question_of(make_access(name="case:c9", when="09:00", until="10:00"), LATE)
    index.closely(ONE, Place(AGE_ROWS - 1, 0), wide, LATE)
    assert index.reach(ONE) == (AGE_ROWS - 1, LATE)
    assert found(index, by("case/c9")) == {Place(AGE_ROWS - 1, 0): wide}
    for record in ("criteria/c1", "person/p7", "person/p8"):
        assert found(index, by(record)) == {Place(AGE_ROWS, 0): SEARCH}
    assert set(found(index, by("case/c2"))) == {Place(AGE_ROWS + 1, 0)}
    for left in (4, 1):
        index.forget(0, len(index) - 1, ())
        assert len(index) == left
    assert set(found(index, by("case/c2"))) == {Place(AGE_ROWS + 1, 0)}


def test_an_error_takes_back_nothing_that_was_there_before() -> None:
    """Not what a row cannot hold either."""
    index = Index()
    index.closely(ONE, Place(900, 0), SEARCH)

    def fail() -> None:
        with index.taking(ONE, (901, 990), (LATE, LATE)) as taking:
            taking.add(Place(901, 0), SEARCH)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert found(index, by("person/p8")) == {Place(900, 0): SEARCH}
    assert (len(alone(index).wide), len(alone(index).wide_from)) == (1, 1)


# --- rows


def test_only_what_a_row_cannot_hold_is_held_beside_it() -> None:
    """An access of one record at one instant, the first of its message, costs its row."""
    index = indexed(*MANY, plainly=False)
    assert alone(index).wide == []
    index.closely(ONE, Place(904, 1), PLAIN)
    assert len(alone(index).wide) == 1


def test_a_search_with_one_candidate_is_one_access() -> None:
    """It is found by either record, and with both."""
    question = question_of(make_access(name="criteria:c1", candidates=["person:p7"]), LATE)
    index = Index()
    index.closely(ONE, Place(900, 0), question)
    for record in question.targets:
        assert found(index, by(record)) == {Place(900, 0): question}


def test_what_lies_beside_a_search_is_no_part_of_it() -> None:
    """Neither the row before its first nor the one behind its last."""
    index = Index()
    for offset, question in enumerate((PLAIN, SEARCH, PLAIN), 900):
        index.closely(ONE, Place(offset, 0), question)
    assert found(index, by("case/c1")) == {Place(900, 0): PLAIN, Place(902, 0): PLAIN}
    assert found(index, by("person/p7")) == {Place(901, 0): SEARCH}


# --- ages


def ages(*added: tuple[int, int]) -> list[tuple[int, int]]:
    """Append time and rows of each age, when so many rows were added at such a time, one after the other."""
    index, offset = Index(), 0
    for at, rows in added:
        index.plainly(ONE, range(offset, offset + rows), MANY[0], at=at)
        offset += rows
    return [(age.appended_at, age.rows) for age in alone(index).ages]


def test_what_came_within_a_minute_is_let_go_of_together() -> None:
    """To the millisecond; and a clock that is put back makes nothing younger."""
    assert ages((LATE, 1), (LATE + AGE_MS, 1)) == [(LATE + AGE_MS, 2)]
    assert ages((LATE, 1), (LATE + AGE_MS + 1, 1)) == [(LATE, 1), (LATE + AGE_MS + 1, 2)]
    assert ages((LATE, 1), (LATE - 5, 1)) == [(LATE, 2)]


def test_an_age_has_so_many_rows_at_most() -> None:
    """Each of them, however many were before."""
    assert ages((LATE, AGE_ROWS - 2), (LATE, 1), (LATE, 1)) == [(LATE, AGE_ROWS - 1), (LATE, AGE_ROWS)]
    following = ages((LATE, AGE_ROWS), (LATE, 1), (LATE, 1), (LATE, 1))
    assert following == [(LATE, AGE_ROWS), (LATE, AGE_ROWS + 3)]


@pytest.mark.parametrize(("rows", "are_gone"), [(AGE_ROWS, True), (AGE_ROWS - 1, False)])
def test_ages_are_let_go_of_once_it_is_worth_it(rows: int, are_gone: bool) -> None:
    """Moving the columns costs as much for one row as for all."""
    index = Index()
    index.plainly(ONE, range(rows), MANY[0], at=LATE)
    index.plainly(ONE, [rows], MANY[0], at=LATE + 2 * AGE_MS)
    index.forget(LATE + AGE_MS, 10 * AGE_ROWS, ())
    assert len(index) == (1 if are_gone else rows + 1)
    index.plainly(ONE, [rows + 1], MANY[0], at=LATE + 4 * AGE_MS)
    index.forget(LATE + 3 * AGE_MS, 10 * AGE_ROWS, ())
    assert len(index) == (2 if are_gone else 1)
    index.forget(LATE + 5 * AGE_MS, 10 * AGE_ROWS, ())
    assert len(index) == 0


def test_the_fullest_of_the_partitions_that_went_is_let_go_of_first() -> None:
    """One age of it at a time, the oldest."""
    index = indexed(*MANY, plainly=True)
    for partition, rows in ((TWO, 2), (THREE, 3)):
        index.plainly(partition, range(rows), MANY[0])
    index.plainly(THREE, [3], MANY[0], at=LATE + 2 * AGE_MS)
    index.forget(0, 9, [ONE])
    assert (len(index), index.reach(THREE)) == (7, (3, LATE))
    index.forget(0, 6, [ONE])
    assert index.partitions() == [ONE, THREE]
    index.forget(0, 4, [ONE])
    assert index.partitions() == [ONE]


# --- what it costs


def test_asking_again_takes_no_more_room() -> None:
    """A name has one place in each chain."""
    index = indexed(*MANY, plainly=True)
    found(index, by("case/c1"))
    size = index.size()
    index.plainly(TWO, [7], MANY[0])
    index.drop(TWO)
    for _ in range(3):
        index.plainly(ONE, [950], MANY[0])
        found(index, by("case/c1"))
        index.forget(0, 4, ())
        found(index, by("case/c1"))
    assert index.size() <= size


def test_rows_are_linked_some_at_a_time() -> None:
    """By record and by login; it says when all are."""
    index = indexed(*MANY, plainly=True)
    stretch = alone(index)
    linked = []
    for _ in range(3):
        is_all = index.link(ONE, 2)
        linked.append((is_all, len(stretch.by_record.before), len(stretch.by_login.before)))
    assert linked == [(False, 2, 2), (True, 4, 4), (True, 4, 4)]
    assert {p.offset for p in found(index, by("case/c1"))} == {900, 901}


def test_the_shorter_of_two_chains_is_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A director's login has looked at everything, a case has been looked at by everybody."""
    index = indexed(*MANY, plainly=True)
    index.plainly(ONE, range(904, 954), make_access(actor="boss", name="case:c3"))
    index.closely(ONE, Place(954, 0), question_of(make_access(actor="boss", name="case:c1"), LATE))
    index.closely(ONE, Place(955, 0), question_of(make_access(actor="lz", name="case:c3"), LATE))
    walked: list[int] = []
    rows = Chain.rows

    def counted(self: Chain, name: int, held: Stretch) -> Iterator[int]:
        for row in rows(self, name, held):
            walked.append(row)
            yield row

    monkeypatch.setattr(Chain, "rows", counted)
    assert {p.offset for p in found(index, by("case/c1", "ecms boss"))} == {954}
    assert len(walked) == 3
    walked.clear()
    assert {p.offset for p in found(index, by("case/c3", "ecms lz"))} == {955}
    assert len(walked) == 1


def test_a_query_by_a_name_that_nobody_bears_is_passed_over() -> None:
    """Of either kind."""
    index = indexed(*MANY, plainly=True)
    for query in (by("case/c9", "ecms la"), by("case/c1", "ecms lz"), by("case/c9"), by(None, "ecms lz")):
        assert index.wanted([query]) == []
    assert len(index.wanted([by("case/c1", "ecms la")])) == 1


def test_what_was_said_is_kept_beside_what_is_indexed() -> None:
    """It is in no stretch, and takes room."""
    index = Index()
    index.say(ONE, 17, "ecms la", [plain_key("case/c1")])
    assert (index.partitions(), index.lacking(ONE, 17, 18)) == ([], [(17, 18)])
    assert index.size() > 0
    question = Question("ecms la", ("case/c1",), LATE, LATE)
    index.closely(ONE, Place(17, 0), question)
    assert found(index, by("case/c1")) == {Place(17, 0): question}


def test_it_has_what_begins_before_an_offset() -> None:
    """Not what begins there; what was said of an access is known, too, if of one before."""
    index = indexed(*MANY, plainly=True)  # 900 to 903
    assert [index.has(ONE, before) for before in (900, 901)] == [False, True]
    assert [index.knows(ONE, before) for before in (900, 901)] == [False, True]
    assert not index.has(TWO, 901)
    index.say(TWO, 800, "ecms la", [plain_key("case/c1")])
    assert [index.knows(TWO, before) for before in (800, 801)] == [False, True]
    assert not index.has(TWO, 801)
