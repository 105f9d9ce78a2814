"""Which files came short, from the headers and trailers that cuts tell of."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode
from schemas.ids import format_instant
from schemas.ledger import Cut, FilePart
from schemas.topics import SOURCES
from sinks.watch.files import FILES_MAX, LONGEST_MS, Files, ShortFile
from sinks.watch.keeping import KNOWN, Copy, Reached
from sinks.watch.numbers import GAPS_MAX, Gap
from sinks.watch.state import SourceState, State
from tests.contract.examples import CUT

TOPIC, PATIENCE, QUIET_MS = "access.facts.v1", 30_000, 120_000
FACTS = SOURCES["facts"]
HEADER, TRAILER = FilePart("000412"), FilePart("000412", 501, 508)
NEXT, LAST = FilePart("000413"), FilePart("000413", 509, 510)


def cut(first: int, following: int, *ranges: tuple[int, int], files: tuple[FilePart, ...] = ()) -> Cut:
    """A cut of FACTS over these offsets, with these numbers, headers and trailers."""
    given = max((part.numbers[1] for part in files if part.numbers), default=None)
    return decode(Cut, CUT).model_copy(
        update={
            "topic": TOPIC,
            "partition": 0,
            "first_offset": first,
            "next_offset": following,
            "sequences": {"facts": list(ranges)} if ranges else {},
            "given": None if given is None else {"facts": given},
            "files": {"facts": [tuple(part) for part in files]} if files else None,
        }
    )


def short(state: SourceState) -> list[ShortFile]:
    """What it says came short."""
    return list(state.short(PATIENCE))


def test_a_file_that_ends_before_its_last_line_is_short_by_so_many() -> None:
    """Whoever sent it, and although no higher number came: its trailer says how far it goes. It ends when they come."""
    state = SourceState(FACTS)
    state.take(cut(0, 7, (501, 505), files=(HEADER, TRAILER)), 100_000)
    state.look({0: 7}, 129_999)
    assert short(state) == []
    state.look({0: 7}, 130_000)
    assert short(state) == [ShortFile("000412", 3)]
    assert state.missing(PATIENCE) == (Gap(506, 508, 100_000),)
    state.take(cut(7, 10, (506, 508)), 200_000)
    assert short(state) == []


def test_a_file_that_lacks_its_first_lines_is_short_too() -> None:
    """Of the first file ever nothing below its lowest line would be known without the count."""
    state = SourceState(FACTS)
    state.take(cut(0, 7, (504, 508), files=(HEADER, TRAILER)), 100_000)
    state.look({0: 7}, 200_000)
    assert short(state) == [ShortFile("000412", 3)]
    assert state.missing(PATIENCE) == (Gap(501, 503, 100_000),)


def test_a_file_without_a_trailer_is_short_once_nothing_has_followed_for_a_while() -> None:
    """As long as lines come it is under way."""
    state = SourceState(FACTS)
    state.take(cut(0, 4, (501, 503), files=(HEADER,)), 100_000)
    state.hear(160_000, is_beat=False, brought=90_000, is_line=True)
    state.look({0: 4}, 160_000 + QUIET_MS - 1)
    assert short(state) == []
    state.look({0: 4}, 160_000 + QUIET_MS)
    assert short(state) == [ShortFile("000412", None)]
    state.take(cut(4, 10, (504, 508), files=(TRAILER,)), 900_000)
    assert short(state) == []


def test_what_is_no_line_does_not_make_a_file_go_on() -> None:
    """Neither heartbeats nor the header, which a refused file that is sent once a minute stores each time."""
    state = SourceState(FACTS)
    state.take(cut(0, 1, files=(HEADER,)), 100_000)
    state.hear(160_000, is_beat=True, brought=None)
    state.take(cut(1, 2, files=(HEADER,)), 160_000)
    state.hear(160_000, is_beat=False, brought=None)
    state.look({0: 2}, 100_000 + QUIET_MS)
    assert short(state) == [ShortFile("000412", None)]


def test_a_file_that_goes_on_for_an_hour_is_short_however_often_something_comes() -> None:
    """Else a line a minute would hide it for ever."""
    state = SourceState(FACTS)
    state.take(cut(0, 4, (501, 503), files=(HEADER,)), 100_000)
    for minute in range(1, 61):
        state.hear(100_000 + minute * 60_000, is_beat=False, brought=1, is_line=True)
        state.look({0: 4}, 100_000 + minute * 60_000 - 1)
        assert short(state) == []
    state.look({0: 4}, 100_000 + LONGEST_MS)
    assert short(state) == [ShortFile("000412", None)]


def test_while_a_judge_is_behind_no_file_is_short() -> None:
    """Its trailer may lie in what has not been judged."""
    state = SourceState(FACTS)
    state.take(cut(0, 4, (501, 503), files=(HEADER,)), 100_000)
    state.look({0: 5}, 9_000_000)
    assert short(state) == []


def test_a_whole_file_whose_header_comes_once_more_is_whole() -> None:
    """A second fetch that was cut off lacks nothing that has not come before."""
    state = SourceState(FACTS)
    state.take(cut(0, 10, (501, 508), files=(HEADER, TRAILER)), 100_000)
    state.take(cut(10, 11, files=(HEADER,)), 200_000)
    state.look({0: 11}, 9_000_000)
    assert short(state) == []


def test_what_was_sent_before_a_numbering_began_anew_is_not_compared() -> None:
    """Neither its numbers nor its files: so a file that will never come is let go of."""
    state = SourceState(replace(FACTS, numbers_since=format_instant(150_000)))
    state.take(cut(0, 1, files=(HEADER,)), 100_000)
    state.take(cut(1, 2, files=(NEXT,)), 160_000)
    state.look({0: 2}, 9_000_000)
    assert short(state) == [ShortFile("000413", None)]


def test_numbers_that_were_never_given_make_no_file_short() -> None:
    """The source has said so, and it is declared."""
    state = SourceState(replace(FACTS, never_given=((506, 508),)))
    state.take(cut(0, 7, (501, 505), files=(HEADER, TRAILER)), 100_000)
    state.look({0: 7}, 900_000)
    assert short(state) == []


@pytest.mark.parametrize("last", [508, 0])
def test_a_night_without_lines_lacks_none(last: int) -> None:
    """Its first number is above its last. What it repeats of the file before, right or wrong, opens no gap."""
    state = SourceState(FACTS)
    state.take(cut(0, 2, files=(NEXT, FilePart("000413", last + 1, last))), 100_000)
    state.take(cut(2, 5, (9_001, 9_003)), 110_000)
    state.look({0: 5}, 9_000_000)
    assert short(state) == []
    assert state.missing(PATIENCE) == ()


def test_a_file_without_lines_ends_one_that_will_never_come() -> None:
    """So its own team says that there is none, and nothing else is let go of."""
    state = SourceState(FACTS)
    state.take(cut(0, 1, files=(NEXT,)), 100_000)
    state.look({0: 1}, 900_000)
    assert short(state) == [ShortFile("000413", None)]
    state.take(cut(1, 3, files=(NEXT, FilePart("000413", 509, 508))), 1_000_000)
    state.look({0: 3}, 9_000_000)
    assert short(state) == []


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_trailers_of_one_file_the_one_that_lacks_more_counts(order: int) -> None:
    """A shorter one cannot hide what the other says was there."""
    state = SourceState(FACTS)
    parts = (TRAILER, FilePart("000412", 506, 508))[::order]
    for number, part in enumerate(parts):
        state.take(cut(number, number + 1, files=(part,)), 100_000)
    state.take(cut(2, 5, (506, 508)), 100_000)
    state.look({0: 5}, 900_000)
    assert short(state) == [ShortFile("000412", 5)]


def test_numbers_of_a_file_are_counted_by_whole_gaps_and_parts_of_them() -> None:
    """Gaps that begin before it, end behind it, hold all of it, or none."""
    gaps = [Gap(1, 4, 0), Gap(6, 6, 0), Gap(8, 12, 0), Gap(20, 30, 0)]
    numbers = {n for gap in gaps for n in range(gap.first, gap.last + 1)}
    for first in range(33):
        for last in range(first, 33):
            files = Files(ended=[FilePart("1", first, last)])
            lacking = len(numbers & set(range(first, last + 1)))
            assert files.short(gaps, 0, 0, 1) == ((ShortFile("1", lacking),) if lacking else ())


@pytest.mark.parametrize(("unreadable", "cuts", "is_used"), [(0, "other", True), (2, KNOWN, True), (2, "other", False)])
def test_a_copy_of_one_who_did_not_understand_all_cuts_is_not_gone_on_from(
    tmp_path: Path, unreadable: int, cuts: str, is_used: bool
) -> None:
    """What an earlier program passed over would be read by nobody. When a source was heard is known all the same."""
    state, copy = State({TOPIC: FACTS}), Copy(tmp_path, "ledger.v1")
    state.by_topic[TOPIC].hear(10_000, is_beat=True, brought=None)
    copy.write(state, {0: Reached(4, 11_000)}, unreadable)
    again, kept = State({TOPIC: FACTS}), copy.read()
    assert kept is not None
    assert copy.restore(again, kept.model_copy(update={"cuts": cuts})) is is_used
    assert again.by_topic[TOPIC].heard == state.by_topic[TOPIC].heard


def test_no_source_makes_who_watches_blind_by_gaps_and_files() -> None:
    """As many of both as are kept: a look takes milliseconds, not seconds."""
    gaps = [Gap(2 * n, 2 * n, 0) for n in range(GAPS_MAX)]
    files = Files(ended=[FilePart(f"{n:06}", 0, 2 * GAPS_MAX + n) for n in range(FILES_MAX)])
    began = time.process_time()
    assert len(files.short(gaps, 0, 0, 1)) == FILES_MAX
    assert time.process_time() - began < 1


def test_a_copy_gives_back_the_files(tmp_path: Path) -> None:
    """What is known to have begun, and which numbers those have that ended."""
    state, copy = State({TOPIC: FACTS}), Copy(tmp_path, "ledger.v1")
    state.by_topic[TOPIC].take(cut(0, 8, (501, 505), files=(HEADER, TRAILER, NEXT)), 10_000)
    state.by_topic[TOPIC].files.forgotten = 3
    copy.write(state, {0: Reached(4, 11_000)})
    again, kept = State({TOPIC: FACTS}), copy.read()
    assert kept is not None
    assert copy.restore(again, kept)
    for one in (state, again):
        one.by_topic[TOPIC].look({0: 8}, 900_000)
        assert one.by_topic[TOPIC].files.forgotten == 3
        assert short(one.by_topic[TOPIC]) == [ShortFile("000412", 3), ShortFile("000413", None)]


def test_no_source_can_fill_memory_with_files() -> None:
    """The ones heard of first are let go of. What had begun counts as short for ever, so that nothing is hidden so."""
    state = SourceState(FACTS)
    state.files.see([FilePart(f"{n:06}") for n in range(FILES_MAX + 2)], 1)
    assert len(state.files.begun) == FILES_MAX
    assert "000001" not in state.files.begun
    state.files.see([FilePart(f"{n:06}", n + 1, n) for n in range(FILES_MAX + 2)], 1)
    state.files.see([FilePart(f"x{n:05}", n, n) for n in range(2)], 1)
    assert (len(state.files.ended), state.files.begun) == (FILES_MAX, {})
    assert (state.report(2, PATIENCE).short, state.report(2, PATIENCE).is_good) == (2, False)


CUTS = [
    (cut(0, 3, (501, 502), files=(HEADER,)), 10_000),
    (cut(3, 7, (504, 506)), 20_000),
    (cut(7, 8, files=(TRAILER,)), 30_000),
    (cut(8, 9, files=(NEXT,)), 40_000),
    (cut(9, 10, (509, 509)), 50_000),
]


@given(st.permutations(CUTS), st.sampled_from(CUTS))
def test_in_whatever_order_cuts_are_read_the_same_files_are_short(
    order: list[tuple[Cut, int]], again: tuple[Cut, int]
) -> None:
    """Header, lines and trailer lie in partitions that are judged by different workers; and a crash repeats."""
    state = SourceState(FACTS)
    for one, stored_at in (*order, again):
        state.take(one, stored_at)
    state.look({0: 10}, 900_000)
    assert short(state) == [ShortFile("000412", 3), ShortFile("000413", None)]
