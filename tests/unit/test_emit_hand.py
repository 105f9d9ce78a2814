"""What host threads have emitted and the disk has not got: bounded, numbered, in order."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from schemas.codec import decode_access
from schemas.emit import hand as hand_module
from schemas.emit.hand import Hand
from schemas.emit.limits import HAND_MESSAGES, MIB, Limits
from schemas.errors import RejectedInputError
from tests.harness.builders import make_access
from tests.unit.test_emit_fields import fields


def a_hand(*, limits: Limits | None = None, sequence: int | None = None, numbers_from: int | None = None) -> Hand:
    """With nothing in it, on a spool whose last access had the number 7."""
    return Hand("ecms", limits or Limits(), 7, sequence, numbers_from)


def put(hand: Hand, **changed: Any) -> bool:
    """One access."""
    return hand.put(None, fields(**changed))


def sequences(hand: Hand) -> list[int | None]:
    """Of all that is in it."""
    entries, _ = hand.look(HAND_MESSAGES)
    assert [decode_access(entry.value).sequence for entry in entries] == [entry.sequence for entry in entries]
    return [entry.sequence for entry in entries]


def test_numbers_go_on_where_the_spool_left_them() -> None:
    """The first is asked for only where none was given before."""
    fresh, later = a_hand(numbers_from=100), a_hand(numbers_from=100, sequence=4711)
    assert [put(fresh), put(fresh), put(later)] == [True] * 3
    assert sequences(fresh) == [100, 101]
    assert sequences(later) == [4712]
    assert a_hand(numbers_from=100).sequence is None


def test_an_access_that_is_none_leaves_a_gap() -> None:
    """Somebody opened something, and nobody was told: whoever counts must see it."""
    hand = a_hand(numbers_from=0)
    put(hand)
    for wrong in ({"actor": "J. Doe"}, {"occurred_at": 12}):
        with pytest.raises(RejectedInputError):
            put(hand, **wrong)
    put(hand)
    assert sequences(hand) == [0, 3]
    assert (hand.counted.emitted, hand.counted.invalid) == (2, 2)


def test_what_there_is_no_room_for_leaves_a_gap_too() -> None:
    """And its caller is told."""
    hand = a_hand(limits=Limits(spool_messages=3), numbers_from=1)
    hand.on_disk = (1, 300)
    assert [put(hand), put(hand), put(hand)] == [True, True, False]
    hand.on_disk = (0, 0)
    assert put(hand)
    assert sequences(hand) == [1, 2, 4]
    assert (hand.counted.emitted, hand.counted.refused) == (3, 1)


def test_a_spool_is_full_by_bytes_as_well() -> None:
    """Long purposes fill a disk sooner than many accesses."""
    hand = a_hand(limits=Limits(spool_bytes=MIB))
    hand.on_disk = (100, MIB - 1_300)
    assert put(hand, purpose={"text": "p" * 400})
    assert not put(hand, purpose={"text": "p" * 400})
    assert put(hand)


def test_memory_is_bounded_while_the_disk_hangs() -> None:
    """Nothing is written, and the host goes on emitting."""
    hand = a_hand()
    taken = sum(put(hand) for _ in range(HAND_MESSAGES + 50))
    assert (taken, hand.counted.refused) == (HAND_MESSAGES, 50)
    few = a_hand()
    taken = sum(put(few, purpose={"text": "ü" * 2_000}) for _ in range(2_500))
    assert taken < 2_200  # of 4 KB and more, in 8 MiB


def test_what_is_in_hand_stays_there_until_it_is_written() -> None:
    """A write that fails is one that has not been."""
    hand = a_hand()
    for name in ("a", "b", "c"):
        put(hand, event_id=name)
    first, _ = hand.look(2)
    assert [entry.event_id for entry in first] == ["a", "b"]
    assert [entry.number for entry in first] == [8, 9]
    assert hand.held()[0] == 3
    hand.written(first)
    [left], _ = hand.look()
    assert (left.event_id, hand.held()) == ("c", (1, left.size))


def test_numbers_of_the_host_are_kept_as_they_are() -> None:
    """Where it counts by itself, the highest is remembered, in whatever order they come."""
    hand = a_hand()
    for sequence in (12, 11):
        hand.put(make_access(sequence=sequence), {})
    assert sequences(hand) == [12, 11]
    assert hand.sequence == 12
    with pytest.raises(RejectedInputError, match="given by this emitter"):
        a_hand(numbers_from=1).put(make_access(sequence=5), {})


def interrupted_at(step: int, hand: Hand, handler: Callable[[], object], **changed: Any) -> bool:
    """Put an access, and at this step of the interpreter within the hand run a handler, as for a signal; whether there
    is such a step."""
    steps = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal steps
        if frame.f_code.co_filename != hand_module.__file__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            steps += 1
            if steps == step:
                handler()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with suppress(RejectedInputError):
            put(hand, **changed)
    finally:
        sys.settrace(before)
    return steps >= step


HALF = {"purpose": {"text": "half \ud800"}}  # found out when it is spelled, after it has got its number


@pytest.mark.parametrize("outer", [{}, {"actor": "J. Doe"}, HALF])
@pytest.mark.parametrize("inner", [{}, {"actor": "J. Doe"}, HALF])
def test_a_handler_may_emit_between_any_two_steps_of_an_emit(outer: dict[str, Any], inner: dict[str, Any]) -> None:
    """Both are there once, each with a number of its own, or leave one out; wherever the signal comes."""

    def handle() -> None:
        with suppress(RejectedInputError):
            assert put(hand, event_id="handler", **inner)

    expected = sorted([*["outer"] * (not outer), *["handler"] * (not inner)])
    step, is_one = 0, True
    while is_one:
        step += 1
        hand = a_hand(numbers_from=1)
        is_one = interrupted_at(step, hand, handle, event_id="outer", **outer)
        if not is_one:
            break
        put(hand, event_id="last")
        entries, sequence = hand.look()
        assert sorted(entry.event_id for entry in entries[:-1]) == expected, step
        assert entries[-1].event_id == "last"
        assert [entry.number for entry in entries] == list(range(8, 8 + len(entries))), step
        assert sequence == entries[-1].sequence == 3, step
        assert sequences(hand) == sorted({entry.sequence or 0 for entry in entries}), step
        assert (hand.counted.emitted, hand.counted.invalid) == (len(entries), 3 - len(entries)), step
        assert hand.held() == (len(entries), sum(entry.size for entry in entries)), step
    assert step > 50


def test_a_handler_is_told_that_there_is_no_room() -> None:
    """As if nobody had been interrupted; of those for whom there is some, none is lost."""
    answers: list[bool] = []

    def handle() -> None:
        answers.extend(put(hand, event_id=f"handler-{n}") for n in range(3))

    step = 0
    while True:
        step += 1
        hand = a_hand(limits=Limits(spool_messages=2), numbers_from=1)
        if not interrupted_at(step, hand, handle, event_id="outer"):
            break
        entries, sequence = hand.look()
        taken = {f"handler-{n}" for n, is_taken in enumerate(answers) if is_taken}
        assert taken <= {entry.event_id for entry in entries}, step
        assert (hand.counted.emitted, hand.counted.refused, sequence) == (len(entries), 4 - len(entries), 4), step
        assert 2 <= len(entries) <= 3, step
        answers.clear()
    assert step > 50


def test_a_handler_that_raises_leaves_nothing_behind_that_is_lost() -> None:
    """Ctrl-C in the midst of an emit: what is emitted afterwards is kept, and what a handler emitted."""

    def handle() -> None:
        assert put(hand, event_id="handler")
        raise KeyboardInterrupt

    step = 0
    while True:
        step += 1
        hand = a_hand(numbers_from=1)
        with suppress(KeyboardInterrupt):
            if not interrupted_at(step, hand, handle, event_id="outer"):
                break
        put(hand, event_id="later")
        entries, _ = hand.look()
        assert {"handler", "later"} <= {entry.event_id for entry in entries} <= {"handler", "later", "outer"}, step
        assert len({entry.number for entry in entries}) == len(entries), step
        assert sequences(hand) == sorted({entry.sequence or 0 for entry in entries}), step
    assert step > 50


def test_many_threads_leave_no_gap_and_no_number_twice() -> None:
    """Places and numbers rise together, whoever is first."""
    hand = a_hand(numbers_from=1)
    threads = [threading.Thread(target=lambda: [put(hand) for _ in range(200)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries, sequence = hand.look(HAND_MESSAGES)
    assert [entry.sequence for entry in entries] == list(range(1, 1_201))
    assert [entry.number for entry in entries] == list(range(8, 1_208))
    assert sequence == 1_200
