"""What has been published, and what is in flight beside it until it is read back."""

from __future__ import annotations

from schemas.finding import Certainty, Outcome
from streams.join.open import Partition
from streams.join.reconcile import State
from streams.policy.published import Published

ONE, TWO = Partition("access.ecms.v1", 0), Partition("access.ecms.v1", 3)
ID = "f_" + "7" * 32


def state(position: int, outcome: Outcome = "unexplained", certainty: Certainty = "provisional") -> State:
    """Some state of the one finding here."""
    return State(position, outcome, certainty, "w028", "search-without-duty", "medium", "hash7", (), 3)


def test_nothing_is_known_of_what_was_never_published() -> None:
    """Neither joined nor in flight."""
    published = Published()
    assert published.state(ID, ONE) is None
    assert len(published) == 0


def test_what_is_read_is_joined_whoever_wrote_it() -> None:
    """A zombie's transition counts like our own: the highest position, the highest certainty."""
    published = Published()
    published.read(ID, state(441, "late", "provisional"), ONE, 991)
    published.read(ID, state(318, "unexplained", "final"), ONE, 991)
    assert published.state(ID, TWO) == state(441, "late", "final")
    assert len(published) == 1


def test_what_is_in_flight_counts_as_published() -> None:
    """Otherwise the next change would say it a second time."""
    published = Published()
    published.sent(ID, state(318), ONE, 991)
    assert published.state(ID, ONE) == state(318)
    assert len(published) == 0


def test_what_is_in_flight_of_a_lost_partition_is_forgotten() -> None:
    """Whether it was stored is known only from the log."""
    published = Published()
    published.read(ID, state(318), ONE, 991)
    published.sent(ID, state(441, "late"), ONE, 991)
    assert published.state(ID, ONE) == state(441, "late")
    assert published.forget_flight(ONE) == {991}
    assert published.state(ID, ONE) == state(318)
    assert published.forget_flight(TWO) == set()
    assert published.state(ID, ONE) == state(318)


def test_flights_of_partitions_are_kept_apart() -> None:
    """Losing one partition says nothing about another that this worker still holds."""
    published = Published()
    published.sent(ID, state(318), TWO, 991)
    assert published.state(ID, ONE) is None
    published.forget_flight(ONE)
    assert published.state(ID, TWO) == state(318)


def test_a_flight_ends_when_it_is_read_back() -> None:
    """From then on the log alone is right."""
    published = Published()
    published.sent(ID, state(318), ONE, 991)
    published.read(ID, state(318), ONE, 991)
    published.read(ID, state(441, "explained"), ONE, 991)
    assert published.state(ID, ONE) == state(441, "explained")
    assert not published._in_flight[ONE]


def test_a_flight_goes_on_while_something_older_is_read() -> None:
    """The earlier of two transitions under way comes back first."""
    published = Published()
    published.sent(ID, state(318), ONE, 991)
    published.sent(ID, state(441, "late", "final"), ONE, 991)
    published.read(ID, state(318), ONE, 991)
    assert published.state(ID, ONE) == state(441, "late", "final")
    published.read(ID, state(441, "late", "final"), ONE, 991)
    assert not published._in_flight[ONE]


def test_what_is_in_flight_is_joined_with_what_others_wrote() -> None:
    """Their higher position stands, our higher certainty too."""
    published = Published()
    published.sent(ID, state(318, "unexplained", "final"), ONE, 991)
    published.read(ID, state(441, "late", "provisional"), ONE, 991)
    assert published.state(ID, ONE) == state(441, "late", "final")


def test_a_message_behind_the_newest_finding_may_have_been_judged_before() -> None:
    """At or before the newest offset of its own partition, whatever order the findings are read in."""
    published = Published()
    published.read(ID, state(318), ONE, 991)
    published.read("f_" + "8" * 32, state(318), ONE, 500)
    assert published.may_know(ONE, 991)
    assert not published.may_know(ONE, 992)
    assert not published.may_know(TWO, 0)


def test_offset_zero_is_known_only_once_something_was_published() -> None:
    """The first message of a new partition is no repeat."""
    published = Published()
    assert not published.may_know(ONE, 0)
    published.read(ID, state(318), ONE, 0)
    assert published.may_know(ONE, 0)


def test_what_was_said_of_a_message_is_known_at_once() -> None:
    """Also while it is in flight: a fact may take it back before it is read."""
    published = Published()
    assert not published.speaks_of(ONE, 991)
    published.sent(ID, state(318), ONE, 991)
    published.read("f_" + "8" * 32, state(318), ONE, 500)
    assert [published.speaks_of(ONE, offset) for offset in (500, 991, 992)] == [True, True, False]
    assert not published.speaks_of(TWO, 991)


def test_it_tells_what_somebody_else_has_said() -> None:
    """Our own words come back too, and older ones that change nothing."""
    published = Published()
    published.sent(ID, state(318), ONE, 991)
    assert not published.read(ID, state(318), ONE, 991)
    assert published.read(ID, state(441, "late"), ONE, 991)
    assert not published.read(ID, state(120, "late"), ONE, 991)


def test_what_the_log_has_said_is_known() -> None:
    """And what is on its way to it."""
    published = Published()
    assert not published.knows(ID, ONE)
    published.sent(ID, state(318), ONE, 991)
    assert (published.knows(ID, ONE), published.knows(ID, TWO)) == (True, False)
    published.read(ID, state(318), ONE, 991)
    assert published.knows(ID, TWO)


def test_whoever_takes_it_over_knows_as_much() -> None:
    """And nothing else of before."""
    known, heir = Published(), Published()
    known.read(ID, state(441), ONE, 991)
    heir.read("f_" + "8" * 32, state(1), TWO, 5)
    heir.become(known)
    assert (heir.state(ID, ONE), len(heir), heir.speaks_of(ONE, 991)) == (state(441), 1, True)
    assert not heir.may_know(TWO, 5)
