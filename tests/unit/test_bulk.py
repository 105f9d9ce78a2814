"""Reading a fetch in bulk gives what aiokafka's own loop gives: the same messages, the same positions."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.bulk import Allowance, read_in_bulk
from streams.records import Records
from tests.harness.record_batches import batch as by_hand
from tests.harness.record_batches import record

ECMS = TopicPartition("access.ecms.v1", 2)
FIRST = 7
MIB = 1_048_576
CONTROL = 0x20  # a bit among those that say how a batch is compressed


def batch(first: int, count: int, *, codec: int = 0) -> bytes:
    """A record batch as a broker stores it; its first 8 bytes are the offset of its first record."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, 0, 1_000_000)
    for number in range(count):
        builder.append(number, 1000 + number, b"k%d" % number, b"v%d" % (first + number), [("h", b"x")])
    raw = bytearray(builder.build())
    raw[:8] = first.to_bytes(8, "big")
    return bytes(raw)


def log(sizes: list[int]) -> bytes:
    """Batches of these sizes, one behind the other."""
    parts, first = [], FIRST
    for size in sizes:
        parts.append(batch(first, size))
        first += size
    return b"".join(parts)


def fetched(raw: bytes, asked: int, *, isolation: int = READ_UNCOMMITTED) -> tuple[FetchResult, Any]:
    """A fetch of these bytes from this offset, and the state of its partition."""
    state = SimpleNamespace(paused=False, position=asked)
    state.consumed_to = lambda offset: setattr(state, "position", offset)
    assignment = SimpleNamespace(active=True, state_value=lambda tp: state)
    records = PartitionRecords(ECMS, Records(raw), None, asked, None, None, True, isolation)
    return FetchResult(ECMS, assignment=assignment, partition_records=records, backoff=0), state


def taken(result: FetchResult, state: Any, limits: list[int]) -> list[tuple[Any, ...]]:
    """What each call brings, where the position is then, and whether there is more."""
    seen: list[tuple[Any, ...]] = []
    for limit in limits:
        if not result.has_more():  # it is forgotten then
            break
        messages = result.getall(limit)
        spelled = [(m.offset, m.timestamp, m.key, m.value, tuple(m.headers)) for m in messages]
        seen.append((spelled, state.position, result.has_more()))
    return seen


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=5),
    skipped=st.integers(0, 6),
    limits=st.lists(st.integers(1, 9), min_size=1, max_size=8),
)
def test_bulk_gives_what_upstream_gives(sizes: list[int], skipped: int, limits: list[int]) -> None:
    """Whatever the batches, the offset asked for and the limits: message by message, call by call."""
    raw, asked = log(sizes), FIRST + min(skipped, sum(sizes) - 1)
    ours, upstream = fetched(raw, asked), fetched(raw, asked)
    read_in_bulk(ours[0], Allowance(MIB))
    read_in_bulk(ours[0], Allowance(MIB))
    assert "getall" in vars(ours[0])
    assert taken(*ours, limits) == taken(*upstream, limits)


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=5), first=st.integers(1, 9))
def test_what_upstream_has_begun_it_ends(sizes: list[int], first: int) -> None:
    """It arrived while a call was waiting: the loop of that call holds half a batch, which must not be passed over."""
    result, state = fetched(log(sizes), FIRST)
    seen = [m.offset for m in result.getall(first)]
    while result.has_more():
        read_in_bulk(result, Allowance(MIB))
        seen += [m.offset for m in result.getall(3)]
    assert seen == list(range(FIRST, FIRST + sum(sizes)))
    assert state.position == FIRST + sum(sizes)


def test_what_has_been_read_is_freed_at_once() -> None:
    """Not by the collector: a fetch holds 4 MiB, and a worker that catches up makes twenty a second."""
    result, _ = fetched(log([3]), FIRST)
    gone = weakref.ref(result), weakref.ref(result._partition_records)
    gc.disable()
    try:
        read_in_bulk(result, Allowance(MIB))
        assert len(result.getall(10)) == 3
        del result
        assert [ref() for ref in gone] == [None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize("spoil", ["paused", "moved", "inactive"])
def test_a_fetch_of_another_assignment_gives_nothing(spoil: str) -> None:
    """Paused, sought elsewhere or taken away meanwhile: as upstream."""
    result, state = fetched(log([3]), FIRST)
    read_in_bulk(result, Allowance(MIB))
    if spoil == "paused":
        state.paused = True
    elif spoil == "moved":
        state.position = 99
    else:
        result._assignment.active = False
    assert result.getall(10) == []
    assert not result.has_more()


def test_a_broken_batch_is_not_handed_out_and_not_passed() -> None:
    """The position stays, so that it is fetched again."""
    raw = bytearray(log([2, 2]))
    raw[-3] ^= 1
    result, state = fetched(bytes(raw), FIRST)
    read_in_bulk(result, Allowance(MIB))
    with pytest.raises(CorruptRecordException):
        result.getall(10)
    assert state.position == FIRST


def test_compressed_batches_are_read() -> None:
    """Emitters may compress."""
    result, state = fetched(batch(FIRST, 4, codec=1), FIRST)
    read_in_bulk(result, Allowance(MIB))
    assert [m.value for m in result.getall(10)] == [b"v7", b"v8", b"v9", b"v10"]
    assert state.position == FIRST + 4


def test_control_batches_are_passed_over() -> None:
    """They end transactions, hold nothing of anybody's, and take an offset; as upstream."""
    raw = batch(FIRST, 2) + by_hand(CONTROL, record(0, b"end"), 1, first=FIRST + 2) + batch(FIRST + 3, 1)
    ours, upstream = fetched(raw, FIRST), fetched(raw, FIRST)
    read_in_bulk(ours[0], Allowance(MIB))
    seen = taken(*ours, [10])
    assert [m[0] for m in seen[0][0]] == [FIRST, FIRST + 1, FIRST + 3]
    assert seen == taken(*upstream, [10])


def test_aborted_transactions_are_left_to_upstream() -> None:
    """Only it knows which they are."""
    result, _ = fetched(log([2]), FIRST, isolation=READ_COMMITTED)
    read_in_bulk(result, Allowance(MIB))
    assert "getall" not in vars(result)
