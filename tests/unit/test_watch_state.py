"""What is known of a source, from its cuts and the ends of its topic."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from schemas.codec import decode
from schemas.ids import format_instant
from schemas.ledger import Cut, MessageCounts
from schemas.topics import SOURCES, Source
from sinks.watch.keeping import NAME, Copy, Reached
from sinks.watch.numbers import Gap
from sinks.watch.state import SourceState, State, changes
from tests.contract.examples import CUT
from tests.harness.builders import at

TOPIC, PATIENCE = "access.ecms.v1", 30_000
ECMS = SOURCES["ecms"]
KNOWN = replace(ECMS, heard_every_seconds=120)


def cut(partition: int, first: int, following: int, *ranges: tuple[int, int], given: int | None = None) -> Cut:
    """A cut of ECMS over these offsets, with these numbers."""
    return decode(Cut, CUT).model_copy(
        update={
            "partition": partition,
            "first_offset": first,
            "next_offset": following,
            "messages": MessageCounts(translated=following - first, control=0, dead_letters=0),
            "sequences": {"ecms": list(ranges)} if ranges else {},
            "given": None if given is None else {"ecms": given},
        }
    )


def test_a_number_is_missing_when_all_that_may_hold_it_has_been_judged() -> None:
    """Half a minute after a higher one: whatever was stored by then, in any partition, has been judged."""
    state = SourceState(ECMS)
    state.take(cut(0, 0, 2, (1, 1), (3, 3)), 100_000)
    state.look({0: 2, 1: 5}, 140_000)  # partition 1 has not been judged
    assert state.missing(PATIENCE) == ()
    state.take(cut(1, 0, 5, (4, 8)), 150_000)
    assert state.through == 140_000
    assert state.missing(PATIENCE) == (Gap(2, 2, 100_000),)


def test_a_judge_that_is_behind_makes_nothing_missing() -> None:
    """However long it takes: what is under way in its backlog is not lost."""
    state = SourceState(ECMS)
    state.take(cut(0, 0, 2, (1, 1), (3, 3)), 100_000)
    for minute in range(60):
        state.look({0: 2, 1: 5}, 100_000 + minute * 60_000)
    assert state.missing(PATIENCE) == ()
    state.take(cut(1, 0, 5, (2, 2), (4, 7)), 9_000_000)
    state.look({0: 2, 1: 5}, 9_000_001)
    assert state.missing(PATIENCE) == ()


def test_it_is_not_missing_before_it_had_time_to_come() -> None:
    """To the millisecond."""
    state = SourceState(ECMS)
    state.take(cut(0, 0, 2, (1, 1), (3, 3)), 100_000)
    state.look({0: 2}, 129_999)
    assert state.missing(PATIENCE) == ()
    state.look({0: 2}, 130_000)
    assert len(state.missing(PATIENCE)) == 1


def test_a_batch_judged_twice_repeats_no_number() -> None:
    """A crash makes cuts overlap; only another message with the same number is a repeat."""
    state = SourceState(ECMS)
    state.take(cut(0, 0, 5, (1, 5)), 1_000)
    state.take(cut(0, 0, 5, (1, 5)), 2_000)
    assert state.numbers.again == 0
    state.take(cut(0, 5, 7, (1, 2)), 3_000)
    assert state.numbers.again == 2


def test_a_numbering_that_began_anew_is_declared_and_never_guessed() -> None:
    """Lower numbers are repeats until somebody says since when they are new."""
    anew = replace(ECMS, numbers_since=format_instant(50_000))
    for source, missing in ((ECMS, ()), (anew, (Gap(3, 3, 60_000),))):
        state = SourceState(source)
        state.take(cut(0, 0, 9, (1, 900)), 10_000)
        state.take(cut(0, 9, 11, (1, 2), (4, 4)), 60_000)
        state.look({0: 11}, 100_000)
        assert state.missing(PATIENCE) == missing


def test_numbers_that_were_never_given_are_not_missed() -> None:
    """The source has said so, and it is declared."""
    state = SourceState(replace(ECMS, never_given=((2, 3),)))
    state.take(cut(0, 0, 2, (1, 1), (5, 5)), 10_000)
    state.look({0: 2}, 100_000)
    assert state.missing(PATIENCE) == (Gap(4, 4, 10_000),)


def test_what_was_judged_is_no_word_of_its_source() -> None:
    """A cut cannot tell a file of this night from letters that we sent once more."""
    state = SourceState(ECMS)
    state.take(cut(0, 0, 2, (1, 2)), 10_000)
    assert state.heard == (None, None, False)


def test_what_is_new_and_what_turned_up_is_told_by_number() -> None:
    """For the log: ranges less ranges."""
    before = (Gap(1, 4, 7), Gap(9, 9, 7), Gap(20, 30, 8))
    after = (Gap(3, 3, 7), Gap(20, 22, 8), Gap(25, 33, 8), Gap(40, 40, 9))
    new, found = changes(before, after)
    assert new == [Gap(31, 33, 8), Gap(40, 40, 9)]
    assert found == [Gap(1, 2, 7), Gap(4, 4, 7), Gap(9, 9, 7), Gap(23, 24, 8)]


def test_a_copy_gives_back_what_was_known(tmp_path: Path) -> None:
    """Numbers, offsets, since when it is known, when it was heard: its topic's end may hold nothing of it any more."""
    state, copy = State({TOPIC: KNOWN}, 60_000), Copy(tmp_path, "ledger.v1")
    state.take(cut(0, 0, 3, (1, 1), (4, 5)), 10_000)
    state.by_topic[TOPIC].hear(10_000, is_beat=False, brought=9_000)
    state.by_topic[TOPIC].hear(11_000, is_beat=True, brought=None)
    copy.write(state, {2: Reached(17, 10_000)})
    kept, again = copy.read(), State({TOPIC: KNOWN}, 70_000)
    assert kept is not None
    assert kept.reached == {2: (17, 10_000)}
    assert copy.restore(again, kept)
    was, now = state.by_topic[TOPIC], again.by_topic[TOPIC]
    assert now.numbers.standing() == was.numbers.standing()
    assert (now.judged, now.heard) == (was.judged, was.heard)
    assert (now.known_at, now.heard) == (60_000, (11_000, 9_000, True))


def test_a_copy_that_does_not_fit_is_not_used(tmp_path: Path) -> None:
    """Damaged, or of another ledger: all is read again."""
    state, copy = State({TOPIC: ECMS}), Copy(tmp_path, "ledger.v1")
    assert copy.read() is None
    copy.write(state, {})
    assert copy.read() is not None
    assert Copy(tmp_path, "other-ledger.v1").read() is None
    (tmp_path / NAME).write_bytes((tmp_path / NAME).read_bytes()[:-9])
    assert copy.read() is None


def test_what_a_source_promised_is_known_whatever_else_is_declared(tmp_path: Path) -> None:
    """A new entry, or numbers left out, makes the ledger be read again; a source that is dead by then is missed."""
    state, copy = State({TOPIC: ECMS, "access.jnet.v1": SOURCES["jnet"]}), Copy(tmp_path, "ledger.v1")
    for one in state.by_topic.values():
        one.take(cut(0, 0, 3, (1, 1), (4, 5)), 10_000)
        one.hear(11_000, is_beat=True, brought=None)
    copy.write(state, {})
    kept, told_more = copy.read(), replace(ECMS, never_given=((2, 2),))
    assert kept is not None
    new = State({TOPIC: told_more, "access.jnet.v1": SOURCES["jnet"], "access.kiosk.v1": replace(ECMS, name="kiosk")})
    assert not copy.restore(new, kept)
    for topic in (TOPIC, "access.jnet.v1"):
        assert new.by_topic[topic].report(3_611_000, PATIENCE).silent_ms == 3_480_000
    assert new.by_topic["access.jnet.v1"].judged == {0: 3}
    assert new.by_topic[TOPIC].numbers.gaps == ()  # they rest on what is declared: read again
    assert new.by_topic["access.kiosk.v1"].heard == (None, None, False)


def test_cuts_read_again_on_top_of_a_copy_change_nothing() -> None:
    """One source is declared otherwise, so all is read; of the others nothing counts twice."""
    state, cuts = SourceState(ECMS), [cut(0, 0, 3, (1, 1), (4, 5)), cut(0, 3, 5, (2, 2), (9, 9)), cut(1, 0, 1, (4, 4))]
    for number, one in enumerate([*cuts, *cuts]):
        if number == len(cuts):
            known = state.numbers.standing()
        state.take(one, 10_000 + number % len(cuts))
    assert state.numbers.standing() == known


def test_a_cut_tells_of_a_heartbeat_that_the_topics_end_does_not_show() -> None:
    """By the number it gave, or by being a control message where there are no others; FACTS' header is none."""
    control = MessageCounts(translated=1, control=1, dead_letters=0)
    for name, counts, given, has_beaten in (
        ("ecms", None, 9, True),
        ("ecms", control, None, True),
        ("jnet", control, None, False),
        ("facts", control, 9, False),
    ):
        state = SourceState(SOURCES[name])
        one = cut(0, 0, 2)
        told = {"given": None if given is None else {name: given}, "messages": counts or one.messages}
        state.take(one.model_copy(update=told), 10_000)
        assert (state.report(3_610_000, PATIENCE).silent_ms > 0) is has_beaten, (name, given)


def test_a_source_that_never_came_is_missed_where_the_installation_expects_it() -> None:
    """A day after it was declared, or by the first time of day behind that; what is in the table of sources is a
    default, and a department may not have that system."""
    day, hour = 86_400_000, 3_600_000
    known = at("12:00")
    kiosk = Source(name="kiosk", title="t", heard_every_seconds=60, due="06:00")
    for source, is_expected in ((KNOWN, True), (kiosk, True), (SOURCES["facts"], False), (SOURCES["paper"], False)):
        state = SourceState(source, known)
        soon, later = state.report(known + day, PATIENCE), state.report(known + 2 * day, PATIENCE)
        assert (soon.silent_ms, soon.overdue_ms, later.heard_at) == (0, 0, None)
        assert (later.silent_ms > 0) is is_expected, source.name
        assert (later.overdue_ms > 0) is (source is kiosk), source.name
        assert SourceState(source).report(known + 9 * day, PATIENCE).is_good
    heard = SourceState(kiosk, known)
    heard.hear(known + 2 * day, is_beat=False, brought=known + 2 * day)
    assert heard.report(known + 2 * day + hour, PATIENCE).silent_ms == hour - 60_000
