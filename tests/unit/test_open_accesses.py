"""Open accesses: found again by what may decide them, and holding the committed offset until they are settled."""

from __future__ import annotations

import pytest

from schemas.access import Access
from schemas.finding import Certainty, Outcome
from streams.join.open import OpenAccess, OpenAccesses, Partition
from streams.join.question import question_of
from streams.join.reconcile import State
from streams.join.touched import Query
from tests.harness.builders import at, make_access

GRACE = 3_600_000
ONE, TWO = Partition("access.ecms.v1", 0), Partition("access.ecms.v1", 3)
APPENDED = at("20:00")
END = at("14:00")  # of make_access


def opened(
    offset: int = 991,
    *,
    partition: Partition = ONE,
    index: int = 0,
    access: Access | None = None,
    published: State | None = None,
    appended_at: int = APPENDED,
) -> OpenAccess:
    """An open access of this place."""
    access = access or make_access()
    return OpenAccess(
        partition=partition,
        offset=offset,
        index=index,
        appended_at=appended_at,
        access=access,
        question=question_of(access, appended_at),
        finding_id=f"f_{offset:032x}",
        published=published,
    )


def state(outcome: Outcome = "unexplained", certainty: Certainty = "provisional") -> State:
    """What stands in the log about an access."""
    return State(318, outcome, certainty, "w028", "search-without-duty", "medium", "hash7", (), 3)


def keeping(*entries: OpenAccess) -> OpenAccesses:
    """All of these are open."""
    accesses = OpenAccesses(GRACE)
    for entry in entries:
        accesses.keep(entry)
    return accesses


# --- what holds the committed offset


def test_a_message_whose_access_is_open_is_read_again_unless_it_was_judged_before() -> None:
    """What was judged before lies behind the committed offset."""
    before = opened(990)
    before.is_reopened = True
    new = opened(991)
    accesses = keeping(before, new)
    assert [accesses.keeps(ONE, offset) for offset in (990, 991, 992)] == [False, True, False]
    assert not accesses.keeps(TWO, 991)
    accesses.close(new)
    assert not accesses.keeps(ONE, 991)


def test_the_oldest_open_access_holds_the_offset() -> None:
    """Of its own partition only, whatever order they were kept in."""
    accesses = keeping(opened(995), opened(991), opened(993), opened(7, partition=TWO))
    assert accesses.oldest_offset(ONE) == 991
    assert accesses.oldest_offset(TWO) == 7
    assert accesses.oldest_offset(Partition("access.ecms.v1", 1)) is None


def test_a_closed_access_holds_its_offset_until_what_was_said_of_it_is_stored() -> None:
    """A crash in between would lose the finding."""
    first, second = opened(991), opened(995)
    accesses = keeping(first, second)
    accesses.close(first)
    assert accesses.oldest_offset(ONE) == 991
    accesses.release(first)
    assert accesses.oldest_offset(ONE) == 995
    accesses.close(second)
    accesses.release(second)
    assert accesses.oldest_offset(ONE) is None


def test_two_accesses_of_one_message_hold_its_offset_together() -> None:
    """The message is done when both are."""
    first, second = opened(991, index=0), opened(991, index=1)
    accesses = keeping(first, second)
    assert len(accesses) == 2
    accesses.close(first)
    accesses.release(first)
    assert accesses.oldest_offset(ONE) == 991


def test_a_lost_partition_holds_nothing_and_forgets_its_accesses() -> None:
    """Whoever holds it now reads them again; the other partition is not touched."""
    lost, kept = opened(991), opened(7, partition=TWO)
    accesses = keeping(lost, kept)
    assert accesses.drop(ONE) == {991}
    assert (accesses.oldest_offset(ONE), accesses.oldest_offset(TWO)) == (None, 7)
    assert set(accesses) == {kept}
    assert lost.is_closed
    assert ONE not in accesses._offsets
    assert accesses.due(END + GRACE, END + GRACE) == {kept}


def test_a_late_release_of_an_earlier_life_frees_nothing() -> None:
    """The partition was lost and taken back: the same place is open again."""
    earlier, later = opened(991), opened(991)
    accesses = keeping(earlier)
    accesses.drop(ONE)
    accesses.keep(later)
    accesses.release(earlier)
    assert accesses.oldest_offset(ONE) == 991
    assert set(accesses) == {later}


def test_a_place_judged_again_before_its_former_life_is_stored_is_open() -> None:
    """The former life's release frees nothing of it."""
    former, again = opened(991), opened(991)
    accesses = keeping(former)
    accesses.close(former)
    accesses.keep(again)
    accesses.release(former)
    assert (len(accesses), accesses.oldest_offset(ONE), set(accesses)) == (1, 991, {again})


def test_what_was_never_kept_may_be_closed() -> None:
    """It was judged again long after, and nothing is to come."""
    kept, other = opened(991), opened(400)
    accesses = keeping(kept)
    accesses.close(other)
    assert other.is_closed
    accesses.release(other)
    assert (len(accesses), accesses.oldest_offset(ONE)) == (1, 991)


def test_it_says_which_places_are_open() -> None:
    """Closed ones are not, also before they are released."""
    entry = opened(991)
    accesses = keeping(entry)
    assert accesses.holds(ONE, (991, 0))
    assert not accesses.holds(ONE, (991, 1))
    assert not accesses.holds(TWO, (991, 0))
    accesses.close(entry)
    assert not accesses.holds(ONE, (991, 0))


# --- what a fact touches


def query(records: str | None = None, logins: str | None = None, start: int = 0, end: int = 2 * END) -> Query:
    """By these records and logins, separated by commas."""
    named = [None if names is None else frozenset(names.split(",")) for names in (records, logins)]
    return Query(named[0], named[1], start, end)


@pytest.mark.parametrize(
    ("asked", "is_found"),
    [
        (query("case/c0042"), True),
        (query("person/p7"), True),
        (query("case/c0099,person/p7"), True),
        (query("case/c0099"), False),
        (query(None, "ecms jdoe12"), True),
        (query(None, "irss jdoe12"), False),
        (query("case/c0042", "ecms jdoe12"), True),
        (query("case/c0042", "ecms x"), False),
        (query("case/c0099", "ecms jdoe12"), False),
        (query("case/c0042", None, END, END + 1), True),
        (query("case/c0042", None, END + 1, END + 9), False),
        (query("case/c0042", None, END - 9, END), False),
        (query(None, ""), False),
    ],
)
def test_a_query_finds_the_accesses_it_is_about(asked: Query, is_found: bool) -> None:
    """By record, candidate or login at its source, both where both are named, and by the half-open interval."""
    entry = opened(access=make_access(candidates=["person:p7"]))
    assert keeping(entry).touched([query("case/c0099"), asked]) == ({entry} if is_found else set())


def test_a_closed_access_is_touched_by_nothing() -> None:
    """Nothing to come decides it otherwise."""
    entry, other = opened(991), opened(992)
    accesses = keeping(entry, other)
    accesses.close(entry)
    assert accesses.touched([query("case/c0042"), query(None, "ecms jdoe12")]) == {other}


# --- what becomes due


@pytest.mark.parametrize(
    ("published", "low", "low_waived", "is_due"),
    [
        (None, END - 1, END - 1, False),
        (None, END - 1, END, True),
        (None, END, END, True),
        (state(certainty="incomplete"), END - 1, END + GRACE, False),
        (state(certainty="incomplete"), END, END, True),
        (state(certainty="provisional"), END + GRACE - 1, END + GRACE, False),
        (state(certainty="provisional"), END + GRACE, END + GRACE, True),
        (state("explained", "provisional"), END + GRACE - 1, END + GRACE, False),
        (state("explained", "provisional"), END + GRACE, END + GRACE, True),
    ],
    ids=[
        "pending before its instant",
        "pending, waived",
        "pending, complete",
        "incomplete waits for marks, not for waivers",
        "incomplete, complete now",
        "provisional before the grace ends",
        "provisional, grace over",
        "withdrawn before the grace ends",
        "withdrawn, grace over",
    ],
)
def test_an_access_is_due_when_its_certainty_may_rise(
    published: State | None, low: int, low_waived: int, is_due: bool
) -> None:
    """Pending waits for marks or waivers up to its instant, incomplete for marks, provisional for the grace to end."""
    entry = opened(published=published)
    assert keeping(entry).due(low, low_waived) == ({entry} if is_due else set())


def test_an_access_is_due_once_each_time_it_is_kept() -> None:
    """Whoever judges it says again what it waits for."""
    entry = opened()
    accesses = keeping(entry)
    assert accesses.due(END, END) == {entry}
    assert accesses.due(END, END) == set()
    entry.published = state()
    accesses.keep(entry)
    assert accesses.due(END + GRACE - 1, END + GRACE) == set()
    assert accesses.due(END + GRACE, END + GRACE) == {entry}


def test_a_closed_access_is_never_due() -> None:
    """It is not judged again."""
    entry = opened()
    accesses = keeping(entry)
    accesses.close(entry)
    assert accesses.due(END + GRACE, END + GRACE) == set()


def test_an_access_that_is_judged_again_and_again_takes_no_more_room() -> None:
    """A feed is silent for a day while facts touch everybody: a million open accesses must not grow with each fact."""
    entry = opened()
    accesses = keeping(entry)
    for _ in range(100):
        accesses.keep(entry)
    assert sum(map(len, (*accesses._due_by_mark, *accesses._due_by_waiver))) <= 2
    assert accesses.due(END, END) == {entry}


def test_an_imprecise_time_is_due_by_its_end() -> None:
    """Complete means complete for the whole interval."""
    entry = opened(access=make_access(until="16:00"))
    accesses = keeping(entry)
    assert accesses.due(at("15:59:59.999"), at("15:59:59.999")) == set()
    assert accesses.due(at("16:00"), at("16:00")) == {entry}


# --- what is counted


def test_pending_is_what_waits_without_a_finding() -> None:
    """A finding that stands, or was withdrawn, does not wait to be raised."""
    pending, standing, withdrawn = opened(1), opened(2, published=state()), opened(3, published=state("explained"))
    accesses = keeping(pending, standing, withdrawn, opened(4, partition=TWO))
    assert (len(accesses), accesses.pending()) == (4, 2)
    assert accesses.counts(ONE) == (3, 1)
    assert accesses.counts(TWO) == (1, 1)


def test_an_access_is_counted_as_pending_once_until_it_is_raised() -> None:
    """However often it is judged; and no more once it is closed."""
    raised, explained = opened(1), opened(2)
    accesses = keeping(raised, explained)
    accesses.keep(raised)
    accesses.keep(explained)
    assert accesses.pending() == 2
    raised.published = state()
    accesses.keep(raised)
    assert accesses.pending() == 1
    accesses.close(explained)
    accesses.close(explained)
    assert (accesses.pending(), len(accesses)) == (0, 1)


def test_a_lost_partition_counts_no_more() -> None:
    """Neither as open nor as pending."""
    accesses = keeping(opened(1), opened(2, partition=TWO))
    accesses.drop(ONE)
    assert (accesses.pending(), len(accesses), accesses.counts(ONE)) == (1, 1, (0, 0))


def test_a_closed_access_is_open_until_it_is_stored() -> None:
    """`status` must not call a partition idle while a settlement is on its way."""
    entry = opened()
    accesses = keeping(entry)
    accesses.close(entry)
    assert accesses.counts(ONE) == (1, 0)
    accesses.release(entry)
    assert accesses.counts(ONE) == (0, 0)


def test_the_longest_wait_is_that_of_the_earliest_instant_still_pending() -> None:
    """Raised and closed ones are passed over; nobody waits: None."""
    raised = opened(1, access=make_access(when="09:00"), appended_at=at("09:01"))
    waiting = opened(2, access=make_access(when="10:00"), appended_at=at("10:02"))
    later = opened(3, access=make_access(when="11:00"), appended_at=at("11:03"))
    accesses = keeping(raised, waiting, later)
    raised.published = state()
    accesses.keep(raised)
    assert accesses.oldest_pending() == at("10:02")
    accesses.close(waiting)
    assert accesses.oldest_pending() == at("11:03")
    accesses.close(later)
    assert accesses.oldest_pending() is None


# --- the question


@pytest.mark.parametrize(
    ("when", "until", "appended", "interval"),
    [
        ("14:00", None, "20:00", ("14:00", "14:00")),
        ("14:00", "16:00", "20:00", ("14:00", "16:00")),
        ("14:00", "16:00", "15:00", ("14:00", "16:00")),
        ("14:00", None, "13:00", ("13:00", "13:00")),
        ("14:00", "16:00", "13:00", ("13:00", "13:00")),
        ("14:00", "2026-02-01", "15:00", ("14:00", "15:00")),
    ],
)
def test_what_is_dated_ahead_counts_as_done_when_it_was_appended(
    when: str, until: str | None, appended: str, interval: tuple[str, str]
) -> None:
    """ADR 6, rule 1. An interval that began before is the same whenever it was appended, unless it is endless."""
    question = question_of(make_access(when=when, until=until), at(appended))
    assert (question.start, question.end) == (at(interval[0]), at(interval[1]))


def test_a_question_names_each_record_once_and_the_login_at_its_source() -> None:
    """A search that resolved to the record itself does not ask twice."""
    access = make_access("jdoe12", name="case:c0042", candidates=["person:p7", "case:c0042"], source="irss")
    question = question_of(access, APPENDED)
    assert question.targets == ("case/c0042", "person/p7")
    assert question.login == "irss jdoe12"


def test_what_was_closed_but_not_stored_is_unsettled_too() -> None:
    """Whoever holds the partition next must say it again."""
    closed, stored = opened(991), opened(992)
    accesses = keeping(closed, stored)
    for entry in (closed, stored):
        accesses.close(entry)
    accesses.release(stored)
    assert accesses.drop(ONE) == {991}
    assert accesses.drop(ONE) == set()


def test_accesses_are_found_by_their_messages() -> None:
    """Of another partition, of another message, or closed: not among them."""
    wanted, other, elsewhere, closed = opened(991), opened(992), opened(991, partition=TWO), opened(993)
    accesses = keeping(wanted, other, elsewhere, closed)
    accesses.close(closed)
    assert accesses.at([(ONE, 991), (ONE, 993), (TWO, 7)]) == {wanted}


def test_it_is_known_whether_what_was_judged_before_is_open_again() -> None:
    """Until it is closed, or its partition lost."""
    accesses = keeping(opened(991))
    assert not accesses.has_reopened(ONE)
    for end in (accesses.close, lambda entry: accesses.drop(entry.partition)):
        again = opened(992)
        again.is_reopened = True
        accesses.keep(again)
        accesses.keep(again)
        assert (accesses.has_reopened(ONE), accesses.has_reopened(TWO)) == (True, False)
        end(again)
        assert not accesses.has_reopened(ONE)
