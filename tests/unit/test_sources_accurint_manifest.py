"""Accurint: batch manifests as whole files, read as streams."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import RejectedInputError
from streams.sources import accurint_batch
from streams.sources.accurint_file import check_manifest, cut_manifest
from streams.sources.accurint_row import LINE_MAX
from streams.sources.translated import NativeMessage, Translated, bounded_lines

JOB = (Path(__file__).parent / "golden" / "accurint" / "job.csv").read_bytes()
JOB_LINES = JOB.splitlines(keepends=True)
DATA = ("Doe", "Jane", "rivera", "6789", "placements", "S-81", "J-2026")


def refused(work: Callable[[], object]) -> RejectedInputError:
    """Why a file is refused; never with what is in it."""
    with pytest.raises(RejectedInputError) as caught:
        work()
    assert [word for word in DATA if word in str(caught.value)] == []
    return caught.value


def manifest(people: int, line: Callable[[int], str], *, says: int | None = None) -> Iterator[bytes]:
    """A manifest as a stream, its head saying the true number unless told otherwise."""
    yield f"JOB,1,J7,tran,S-7,2026-01-05 09:00:00,3,5,placements,{says or people}\n".encode()
    for number in range(1, people + 1):
        yield f"{number},{line(number)}\n".encode()


def lexid(number: int) -> str:
    """A person's line that names her, without its number."""
    return f",,,,{number:012}"


def part_of(message: NativeMessage) -> Translated:
    """What a part of a job translates to."""
    return accurint_batch.translate("accurint", message.value)


@pytest.mark.timeout(300)  # tracing makes each line five times as dear
def test_a_manifest_of_200_000_people_is_cut_in_flat_memory() -> None:
    """Both passes; every part within its bounds, none missing, none twice."""
    tracemalloc.start()
    try:
        assert check_manifest(manifest(200_000, lexid)).people == 200_000
        following = 1
        for message in cut_manifest(manifest(200_000, lexid)):
            _, part, *lines = message.value.split(b"\n")
            assert len(message.value) <= 65_536
            assert part == f"PART,{following},{len(lines)}".encode()
            following += len(lines)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert following == 200_001
    assert peak < 1_000_000  # the manifest itself has 5 MB


@pytest.mark.parametrize("people", [1, 2, 999, 1000, 1001, 2500])
def test_a_job_becomes_one_access_a_person_in_its_order(people: int) -> None:
    """At and around the largest number that one message may hold; under one key, so that order stays."""
    messages = list(cut_manifest(manifest(people, lexid)))
    accesses = [access for message in messages for access in part_of(message).accesses]
    assert [access.event_id for access in accesses] == [f"accurint-J7-{n}" for n in range(1, people + 1)]
    assert [access.record.id for access in accesses] == [f"{n:012}" for n in range(1, people + 1)]
    assert {(access.batch_id, access.object_count) for access in accesses} == {("J7", people)}
    assert [message.key for message in messages] == [b"J7"] * (-(-people // 1000))
    assert messages[0].message_id == "accurint-J7-part-1"


def test_lines_are_sent_as_they_are() -> None:
    """Head and lines byte-exact, the part line between them."""
    [message] = cut_manifest(JOB_LINES)
    lines = JOB.splitlines()
    assert message.value == b"\n".join([lines[0], b"PART,1,4", *lines[1:]])


def test_lines_as_long_as_they_may_be_fit() -> None:
    """Three beside the longest head; and a byte more is refused, with or without its end."""
    head = b'JOB,1,J7,tran,S-7,2026-01-05 09:00:00,,,"",9\n'
    long = [b"%d,%s,,,,\n" % (n, b"D" * (LINE_MAX - 6)) for n in range(1, 10)]
    messages = list(cut_manifest([head, *long]))
    assert [len(part_of(message).accesses) for message in messages] == [3, 3, 3]
    assert max(len(message.value) for message in messages) <= 65_536
    longer = b"".join([head, b"1,%s,,,,\n" % (b"D" * (LINE_MAX - 5))])
    assert refused(lambda: check_manifest(bounded_lines(BytesIO(longer).readline))).place == "line 2"


@settings(max_examples=50)
@given(st.lists(st.integers(10, LINE_MAX - 12), min_size=1, max_size=40))
def test_no_part_is_too_large_and_none_could_take_its_neighbour(sizes: list[int]) -> None:
    """Whatever the lengths of the lines."""
    messages = list(cut_manifest(manifest(len(sizes), lambda number: "D" * sizes[number - 1] + ",,,,")))
    assert max(len(message.value) for message in messages) <= 65_536
    assert sum(len(part_of(message).accesses) for message in messages) == len(sizes)
    for one, other in pairwise(messages):
        first_line = other.value.split(b"\n")[2]
        assert len(one.value) + len(first_line) > 65_536 - 64


def test_a_line_that_cannot_be_read_takes_no_other_with_it() -> None:
    """It is a part of its own: one dead letter for one person, not for a thousand."""
    wrong = {1: ",,,,7", 500: "\x1b[2J,,,,", 501: ",,,,", 1200: "a,b", 1500: '"Doe,,,,'}
    messages = list(cut_manifest(manifest(1500, lambda number: wrong.get(number, lexid(number)))))
    read, dead = [], []
    for message in messages:
        try:
            read += [access.event_id for access in part_of(message).accesses]
        except RejectedInputError:
            dead.append(message.value.split(b"\n")[1])
    assert dead == [f"PART,{number},1".encode() for number in wrong]
    assert read == [f"accurint-J7-{n}" for n in range(1, 1501) if n not in wrong]


BROKEN_MANIFESTS: dict[str, tuple[list[bytes], str, str]] = {
    "empty": ([], "file", "is empty"),
    "only a head": (JOB_LINES[:1], "line 1: people (column 10)", "says 4 people but the file has 0 lines"),
    "short": (JOB_LINES[:-1], "line 1: people (column 10)", "says 4 people but the file has 3 lines"),
    "long": ([*JOB_LINES, b"5,Doe,,,,\n"], "line 1: people (column 10)", "says 4 people but the file has 5 lines"),
    "short in the middle": (JOB_LINES[:2] + JOB_LINES[3:], "line 1: people (column 10)", "has 3 lines"),
    "two files joined": (JOB_LINES * 2, "line 1: people (column 10)", "has 9 lines"),
    "an empty line at the end": ([*JOB_LINES, b"\n"], "line 1: people (column 10)", "has 5 lines"),
    "a line twice": ([*JOB_LINES[:2], *JOB_LINES[1:-1]], "line 3: number (column 1)", "must be 2"),
    "out of order": ([JOB_LINES[0], *reversed(JOB_LINES[1:])], "line 2: number (column 1)", "must be 1"),
    "cut off": ([*JOB_LINES[:-1], JOB_LINES[-1][:-1]], "line 5", "is cut off"),
    "not UTF-8": ([*JOB_LINES[:-1], b"4,Jos\xe9,,,,\n"], "line 5", "is not UTF-8"),
    "a head with a wrong time": (
        [JOB_LINES[0].replace(b"09:00:00", b"09:77:00"), *JOB_LINES[1:]],
        "line 1: submitted_at (column 6) of the head",
        "must be a date",
    ),
    "too many": (
        [JOB_LINES[0].replace(b",4\n", b",200001\n"), *JOB_LINES[1:]],
        "line 1: people (column 10) of the head",
        "at most 200000",
    ),
}


@pytest.mark.parametrize(("lines", "place", "reason"), BROKEN_MANIFESTS.values(), ids=BROKEN_MANIFESTS.keys())
def test_a_manifest_that_does_not_hold_together_is_refused_in_both_passes(
    lines: list[bytes], place: str, reason: str
) -> None:
    """The first is there to refuse it before anything is sent; the second in case the file was changed in between."""
    errors = [refused(lambda: check_manifest(lines)), refused(lambda: list(cut_manifest(lines)))]
    for error in errors:
        assert error.place == place
        assert reason in error.reason
        assert "export the file again" in error.reason


def test_a_long_file_is_counted_to_its_end() -> None:
    """So that both numbers can be named; what is beyond the head's number is never given out."""
    parts: list[NativeMessage] = []
    error = refused(lambda: parts.extend(cut_manifest(manifest(2500, lexid, says=1100))))
    assert "says 1100 people but the file has 2500 lines" in error.reason
    assert [part.value.split(b"\n")[1] for part in parts] == [b"PART,1,1000"]
    assert refused(lambda: check_manifest(manifest(2500, lexid, says=1100))).reason == error.reason


@settings(max_examples=200)
@given(st.integers(0, len(JOB)), st.binary(max_size=4), st.integers(0, 40))
def test_a_damaged_manifest_is_refused_or_cut(place: int, insert: bytes, gone: int) -> None:
    """Nothing else comes out, whatever is put in or taken away."""
    damaged = JOB[:place] + insert + JOB[place + gone :]
    try:
        messages = list(cut_manifest(bounded_lines(BytesIO(damaged).readline)))
    except RejectedInputError:
        return
    assert all(len(message.value) <= 65_536 for message in messages)
    assert len({message.message_id for message in messages}) == len(messages)
