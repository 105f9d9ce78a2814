"""What the disorder sends is what it says, and its times are laid to the right facts."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from schemas.access import Access
from schemas.codec import decode, encode
from schemas.fact import Fact, Mark
from schemas.topics import FEEDS, Topics
from tests.bench.disorder_load import GRACE_MS, Load, draw, duties, known_before, steps
from tests.bench.disorder_times import Causes, Corrected, Told, Turn, Window, corrections, storms
from tests.bench.schedule import Step

BEGIN = 1_767_600_000_000
LOAD = Load(
    rate=100,
    seconds=30.0,
    scale=60.0,
    begin=BEGIN,
    subjects=1_000,
    staff=50,
    share=0.03,
    late=0.05,
    shortened=0.02,
    void=0.01,
    storm=200,
    seed=7,
)
TOPICS = Topics("x.")
SENT = list(steps("x.", asdict(LOAD)))


def sent(topic: str) -> list[Step]:
    """What goes to this topic while accesses flow."""
    return [step for step in SENT if step.topic == topic]


def test_the_shares_of_disorder_are_those_asked_for() -> None:
    """5 % late, 2 % shortened, 1 % void, give or take chance."""
    kinds = Counter(duty.kind for duty in duties(LOAD))
    assert kinds.total() == 3_000
    assert 110 < kinds["late"] + kinds["delayed"] < 190
    assert 40 < kinds["shortened"] < 80
    assert 15 < kinds["void"] < 45
    assert kinds["storm"] == 200


def test_late_facts_come_one_second_to_ten_minutes_late_in_event_time() -> None:
    """Some are written down late, others were held up and break a mark."""
    late = [duty for duty in duties(LOAD) if duty.kind in ("late", "delayed")]
    delays = [duty.said[0].sent - duty.begin for duty in late]
    assert min(delays) >= 1
    assert max(delays) <= 600
    for duty in late:
        fact, written = (
            decode(Fact, duty.said[0].message.value),
            duty.said[0].sent if duty.kind == "late" else duty.begin,
        )
        assert fact.recorded_at == LOAD.instant(written)
        assert fact.valid_from == LOAD.instant(duty.begin)


def test_corrections_reach_back_over_what_they_correct() -> None:
    """A shortening ends before it is said, a void fact says nothing, and the storm is taken back."""
    for duty in duties(LOAD):
        facts = [decode(Fact, said.message.value) for said in duty.said]
        assert [fact.revision for fact in facts] == list(range(1, len(facts) + 1))
        if duty.kind == "shortened":
            assert facts[1].valid_to is not None
            assert facts[1].valid_from <= facts[1].valid_to <= facts[1].recorded_at
        assert [fact.void for fact in facts[1:]] == {"void": [True], "shortened": [False], "storm": [True, False]}.get(
            duty.kind, []
        )


def test_everything_said_is_sent_once_and_as_the_codec_spells_it() -> None:
    """Before the first access or beside them."""
    flowing = [step.head for step in sent(TOPICS.feed("assignments")) if b'"fact_id"' in step.head]
    said = [message.value for message in known_before(LOAD)] + flowing
    assert sorted(said) == sorted(one.message.value for duty in duties(LOAD) for one in duty.said)
    assert all(encode(decode(Fact, value)) == value for value in said)


def test_only_a_fact_that_was_held_up_breaks_a_mark() -> None:
    """A feed that keeps its promises must not be taken for one that does not, or every late fact would be guilt."""
    held_up = {duty.fact_id for duty in duties(LOAD) if duty.kind == "delayed"}
    through, broken = 0, set[str]()
    for step in sent(TOPICS.feed("assignments")):
        if b'"complete_through"' in step.head:
            through = decode(Mark, step.head).complete_through
        elif (fact := decode(Fact, step.head)).recorded_at <= through:
            broken.add(fact.fact_id)
    assert broken
    assert broken <= held_up


def test_marks_end_beyond_the_grace_after_everything_else() -> None:
    """Only then is every finding final, and the brute-force judge's answer the only one."""
    for feed in FEEDS:
        last = sent(TOPICS.feed(feed))[-1]
        assert last.at >= max(step.at for step in SENT)
        assert decode(Mark, last.head).complete_through == BEGIN + 1_800_000 + GRACE_MS


def test_accesses_are_by_people_who_rely_on_a_duty_or_by_strangers() -> None:
    """Nobody relies on a duty that has not begun, or of which the end has been told."""
    held = {(duty.record, duty.staff): duty for duty in duties(LOAD)}
    drawn = list(draw(LOAD))
    for one, step in zip(drawn, sent(TOPICS.access("ecms")), strict=True):
        access = decode(Access, step.head)
        assert (access.event_id, access.record.id, access.actor) == (one.event, one.record, one.staff)
        assert access.occurred_at == LOAD.instant(one.at * LOAD.scale)
        assert one.is_stranger == ((one.record, one.staff) not in held)
    relied = [(one.at * LOAD.scale, held[one.record, one.staff]) for one in drawn if not one.is_stranger]
    wrong = [duty for now, duty in relied if not duty.begin < now < duty.known_over]
    assert len(wrong) < 0.01 * len(drawn)  # a random person may hit a duty by chance
    assert 40 < sum(one.is_stranger for one in drawn) < 160


CAUSES = Causes([("f1", Told(4, 1_000, 1)), ("f2", Told(6, 1_500, 1)), ("f1", Told(9, 2_000, 2))])


def test_a_transition_is_laid_to_the_last_revision_below_its_position() -> None:
    """Position is the next offset: at 9 the revision at 9 was not known."""
    assert CAUSES.of("f1", 4) is None
    assert CAUSES.of("f1", 5) == Told(4, 1_000, 1)
    assert CAUSES.of("f1", 9) == Told(4, 1_000, 1)
    assert CAUSES.of("f1", 10) == Told(9, 2_000, 2)
    assert CAUSES.of("f9", 10) is None


def test_only_what_facts_made_due_is_a_correction() -> None:
    """A finding that was due when its access came is none, and neither is one that only became final."""
    facts = {"e1": "f1", "e2": "f1", "e3": "f2", "e4": "nobody's"}
    appended = {"e1": 1_700, "e2": 2_100, "e3": 1_400, "e4": 1_000}
    turns = [
        Turn("e1", "raised", 10, 2_250),
        Turn("e2", "raised", 10, 2_300),  # the fact was there first
        Turn("e3", "withdrawn", 7, 1_600),
        Turn("e3", "revised", 7, 1_650),
        Turn("e4", "raised", 10, 2_000),
    ]
    found = corrections(turns, CAUSES, facts, appended)
    assert found == [Corrected("raised", 250, 2_250, "f1", 2), Corrected("withdrawn", 100, 1_600, "f2", 1)]


def test_a_storm_lasts_until_its_last_correction() -> None:
    """Each of its moments for itself; other corrections do not count."""
    found = [
        Corrected("raised", 900, 10_900, "s1", 2),
        Corrected("raised", 400, 10_400, "s2", 2),
        Corrected("withdrawn", 100, 15_100, "s1", 3),
        Corrected("withdrawn", 100, 19_000, "f1", 2),
    ]
    sent_at = {"s1": {2: 10.0, 3: 15.0}, "s2": {2: 10.0, 3: 15.0}}
    windows = storms(found, sent_at)
    assert windows == [Window(10.0, 10.9), Window(15.0, 15.1)]
    assert [windows[0].holds(moment) for moment in (9.9, 10.0, 10.9, 11.0)] == [False, True, True, False]
