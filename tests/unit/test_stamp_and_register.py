"""From when a fact counts as known, what one batch of a feed gives, and how long a silent feed is waited for."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
import pytest

from schemas.codec import encode
from schemas.errors import RejectedInputError
from schemas.fact import Fact, Mark
from schemas.ids import LATEST_MS
from schemas.metrics import LABEL_VALUES
from schemas.topics import Topics
from streams.agents.reading import Hold, Reading, read, read_one, waiver_through
from streams.join.knowledge import Knowledge, Learned
from streams.join.open import Partition
from streams.join.stamp import breaks_a_mark, register
from tests.harness.builders import account, assignment, at, coverage, mark, membership, supervision

HOUR = 3_600_000


@dataclass
class Message:
    """What register reads of a Kafka record."""

    offset: int
    value: bytes | None
    timestamp: int = at("16:00")
    key: bytes = b"as-7"
    headers: tuple[tuple[str, bytes], ...] = ()


def held(through: int | None = None) -> Hold:
    """A feed whose highest mark is this."""
    return Hold(mark=through, position=318, since=float(at("08:00")))


def reading(feed: str, *values: Fact | Mark | bytes | None, hold: Hold | None = None) -> Reading:
    """What these give, from offset 40 of the feed's topic on."""
    raw = [encode(value) if isinstance(value, Fact | Mark) else value for value in values]
    messages = [Message(40 + number, value) for number, value in enumerate(raw)]
    return read(feed, hold or held(), Partition(f"feed.{feed}.v1", 0), messages, Topics())


# --- the stamp


@pytest.mark.parametrize(
    ("through", "known_from"),
    [
        (None, "12:30:00.000"),
        ("12:29:59.999", "12:30:00.000"),
        ("12:30:00.000", "12:30:00.001"),
        ("15:00:00.000", "15:00:00.001"),
    ],
)
def test_a_fact_that_breaks_a_mark_counts_as_known_only_after_it(through: str | None, known_from: str) -> None:
    """To the millisecond; without a mark, or after it, a fact is known from when it was written down."""
    fact = assignment("w028", recorded_at="12:30")
    stamped = register(fact, "assignments", None if through is None else at(through), appended_at=at("16:00"))
    assert (stamped.known_from, stamped.feed) == (at(known_from), "assignments")


@pytest.mark.parametrize(
    ("recorded", "appended", "through", "known_from", "is_broken"),
    [
        ("15:00:00.000", "13:00", None, "13:00:00.000", False),
        ("15:00:00.000", "13:00", "12:59:59.999", "13:00:00.000", False),
        ("15:00:00.000", "13:00", "13:00:00.000", "13:00:00.001", False),  # a mark may be ahead, too, by minutes
        ("15:00:00.000", "13:00", "13:04:00.000", "13:04:00.001", False),
        ("13:04:00.001", "13:00", "13:04:00.000", "13:04:00.001", False),
        ("13:04:00.000", "13:00", "13:04:00.000", "13:04:00.001", True),
        ("12:30:00.000", "13:00", "12:20:00.000", "12:30:00.000", False),
        ("12:30:00.000", "13:00", "12:30:00.000", "12:30:00.001", True),
    ],
)
def test_what_was_stored_was_known(
    recorded: str, appended: str, through: str | None, known_from: str, is_broken: bool
) -> None:
    """A feed whose clock is two hours ahead makes nobody late. Nor may it wash away what its own mark made final: its
    fact counts from after that mark, which is no broken promise unless it says that it was recorded by then."""
    fact = assignment("w028", recorded_at=recorded)
    mark_at = None if through is None else at(through)
    stamped = register(fact, "assignments", mark_at, appended_at=at(appended))
    assert (stamped.known_from, stamped.recorded_at) == (at(known_from), at(recorded))
    assert breaks_a_mark(stamped) is is_broken


def test_the_stamp_changes_nothing_that_the_feed_said() -> None:
    """Only feed and known_from are added."""
    fact = assignment("w028", revision=4, valid_to="2026-02-01", recorded_at="12:30", void=True)
    stamped = register(fact, "assignments", at("13:00"), appended_at=at("16:00"))
    assert Fact(**{name: getattr(stamped, name) for name in Fact.model_fields}) == fact


def test_a_promise_for_all_time_does_not_stop_register() -> None:
    """A mark at the last instant there is leaves no room for one millisecond more; the fact is late for ever."""
    stamped = register(assignment("w028"), "assignments", LATEST_MS, appended_at=at("16:00"))
    assert stamped.known_from == LATEST_MS


# --- one message of a feed


def test_a_feed_may_state_its_kinds_and_its_mark() -> None:
    """As they were sent."""
    duty, promise = assignment("w028"), mark("assignments", "12:00")
    assert read_one("assignments", encode(duty), at("16:00")) == duty
    assert read_one("assignments", encode(promise), at("16:00")) == promise


@pytest.mark.parametrize(
    ("feed", "raw", "place"),
    [
        ("staff", encode(assignment("w028")), "body.kind"),
        ("assignments", encode(account("jdoe12", "w028")), "body.kind"),
        ("cases", encode(coverage("w031", "w028")), "body.kind"),
        ("assignments", encode(membership("person:p7")), "body.kind"),
        ("assignments", encode(mark("staff", "12:00")), "feed"),
        ("assignments", b'{"feed":"assignments","complete_through":"noon","sequence":1}', "complete_through"),
        ("assignments", b"{}", "fact_id"),
        ("assignments", b"", "message"),
        ("assignments", None, "message"),
        ("assignments", b"[1]", "message"),
        ("assignments", b'{"fact_id":', "byte 11"),
    ],
)
def test_what_a_feed_may_not_say_is_refused_naming_the_place(feed: str, raw: bytes | None, place: str) -> None:
    """A feed can only be itself."""
    with pytest.raises(RejectedInputError) as refused:
        read_one(feed, raw, at("16:00"))
    assert refused.value.place == place


@pytest.mark.parametrize("ahead", [0, 1])
def test_a_mark_cannot_promise_the_future(ahead: int) -> None:
    """Five minutes are a wrong clock. A promise for next year would make every fact of this year late."""
    promise = encode(Mark(feed="assignments", complete_through=at("16:05") + ahead, sequence=1))
    if not ahead:
        assert isinstance(read_one("assignments", promise, at("16:00")), Mark)
        return
    with pytest.raises(RejectedInputError) as refused:
        read_one("assignments", promise, at("16:00"))
    assert refused.value.place == "complete_through"


# --- one batch


def test_a_batch_gives_its_facts_stamped_in_order() -> None:
    """With the feed they came on; a batch without mark or fault gives nothing else."""
    given = reading("staff", account("jdoe12", "w028"), supervision("s03", "w028"))
    assert [(f.fact_id, f.feed) for f in given.facts] == [("ac-ecms-jdoe12-w028", "staff"), ("su-s03-w028", "staff")]
    assert (given.mark, given.dead, given.reasons) == (None, [], [])


def test_a_mark_within_a_batch_binds_the_facts_after_it() -> None:
    """The fact before the mark keeps its time, the one after it is late."""
    hold = held(at("09:00"))
    before, after = assignment("w028", recorded_at="12:30"), assignment("w031", recorded_at="12:40")
    given = reading("assignments", before, mark("assignments", "13:00"), after, hold=hold)
    assert [f.known_from for f in given.facts] == [at("12:30"), at("13:00") + 1]
    assert hold.mark == at("13:00")


def test_a_clock_that_is_ahead_makes_nobody_late() -> None:
    """The broker stored it at 16:00, so it was known then, whatever its feed says."""
    ahead = assignment("w028", recorded_at="18:00")
    [fact] = reading("assignments", ahead, hold=held(at("15:59"))).facts
    assert (fact.known_from, fact.recorded_at) == (at("16:00"), at("18:00"))


def test_what_is_sent_again_by_a_clock_that_is_ahead_is_a_repeat() -> None:
    """The same revision, stored once more later: another stamp, the same content. The first stamp stands."""
    ahead = account("jdoe12", "w028", recorded_at="18:00")
    knowledge = Knowledge()
    learned = [
        knowledge.learn(position, register(ahead, "staff", None, appended_at=at(appended)))[0]
        for position, appended in enumerate(("16:00", "17:00"))
    ]
    assert learned == [Learned.NEW, Learned.REPEAT]
    [history] = knowledge.logins_of("w028")
    assert history.top.known_from == at("16:00")


def test_of_several_marks_the_highest_is_written() -> None:
    """One mark a batch; a lower or an equal one says nothing new."""
    hold = held(at("09:00"))
    promises = [mark("assignments", when, sequence=n) for n, when in enumerate(("08:00", "11:00", "13:00", "12:00"))]
    given = reading("assignments", *promises, mark("assignments", "13:00", sequence=9), hold=hold)
    assert given.mark == promises[2]
    assert hold.mark == at("13:00")


@pytest.mark.parametrize("through", ["08:59:59.999", "09:00:00.000"])
def test_a_mark_that_does_not_rise_is_not_written(through: str) -> None:
    """Marks are merged by maximum, also those from before a restart."""
    hold = held(at("09:00"))
    assert reading("assignments", mark("assignments", through), hold=hold).mark is None
    assert hold.mark == at("09:00")


def test_the_first_mark_of_a_feed_is_written() -> None:
    """Whatever it names."""
    promise = mark("assignments", "2020-01-01")
    assert reading("assignments", promise).mark == promise


def test_a_bad_message_stops_nothing() -> None:
    """It becomes a dead letter of this stage, with its own place, and the next one is read."""
    given = reading("assignments", b"{nonsense", assignment("w028"), encode(account("jdoe12", "w028")))
    assert [f.fact_id for f in given.facts] == ["as-w028-case-c0042"]
    assert [(d.topic, d.key, d.value) for d in given.dead] == [
        ("dead-letter.v1", b"feed.assignments.v1/0/40", b"{nonsense"),
        ("dead-letter.v1", b"feed.assignments.v1/0/42", encode(account("jdoe12", "w028"))),
    ]
    assert {dict(d.headers)["needtoknow.errors.stage"] for d in given.dead} == {b"register"}
    assert given.reasons == ["unreadable", "forbidden"]


# --- waiting for a feed that stands still

PATIENCE = 24 * HOUR
NOW = float(at("2026-01-08"))


def through(
    mark_at: int | None, rose_at: int | None, *, since: int = at("08:00"), waived: int | None = None
) -> int | None:
    """What would be waived now, with a day's patience."""
    hold = Hold(mark=mark_at, position=318, since=float(since), waived=waived)
    return waiver_through(hold, rose_at, NOW, PATIENCE)


def test_a_feed_that_stood_still_too_long_is_waived_up_to_the_patience() -> None:
    """Through now less the patience, not through now."""
    assert through(at("09:00"), at("09:01")) == at("2026-01-07")


@pytest.mark.parametrize(("rose", "expected"), [(0, at("2026-01-07")), (1, None)])
def test_patience_counts_from_when_the_mark_last_rose(rose: int, expected: int | None) -> None:
    """A feed that loads last year is alive, however old its mark (ADR 7); to the millisecond."""
    assert through(at("2025-01-05"), at("2026-01-07") + rose) == expected


@pytest.mark.parametrize(("named", "expected"), [(-1, at("2026-01-07")), (0, None), (1, None)])
def test_a_mark_that_names_what_a_waiver_would_is_enough(named: int, expected: int | None) -> None:
    """A promise ahead of time is a promise: there is nothing to waive."""
    assert through(at("2026-01-07") + named, at("09:00")) == expected


@pytest.mark.parametrize(("since", "expected"), [(0, at("2026-01-07")), (1, None)])
def test_a_feed_that_never_spoke_is_waited_for_since_its_partition_was_taken(since: int, expected: int | None) -> None:
    """A worker that starts does not waive in its first second."""
    assert through(None, None, since=at("2026-01-07") + since) == expected


def test_a_restart_does_not_start_the_clock_anew() -> None:
    """What counts is the append time of the last rising mark, however new the hold is."""
    assert through(at("09:00"), at("09:01"), since=int(NOW)) == at("2026-01-07")


@pytest.mark.parametrize(("ago", "expected"), [(PATIENCE // 20, at("2026-01-07")), (PATIENCE // 20 - 1, None)])
def test_a_waiver_is_renewed_only_when_it_says_more(ago: int, expected: int | None) -> None:
    """Twenty times within the patience, not with every look."""
    assert through(at("09:00"), at("09:01"), waived=at("2026-01-07") - ago) == expected


@pytest.mark.parametrize("field", ["smuggled", "revision", "fact_id", "valid_from", "body", "void"])
def test_every_reason_is_one_of_the_catalogue(field: str) -> None:
    """What came with the message is never a label (promise 15)."""
    spoilt = orjson.loads(encode(assignment("w028"))) | {field: {"kind": "w028"}}
    [reason] = reading("assignments", orjson.dumps(spoilt)).reasons
    assert reason in LABEL_VALUES["reason"]
