"""Compressed batches unpack to no more than is allowed, whatever they claim; honest ones as aiokafka reads them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import cramjam
import pytest
from aiokafka import codec as upstream
from aiokafka.errors import CorruptRecordException
from aiokafka.structs import ConsumerRecord

from schemas.errors import QuarantinedError
from streams import records, unpack
from streams.bulk import Allowance, read_in_bulk
from streams.policy.aside import NotRead, SetAside
from streams.records import Records
from streams.unpack import UnpackError
from tests.harness.record_batches import GZIP, LZ4, MIB, PACK, SNAPPY, ZSTD, batch, record
from tests.unit.test_bulk import batch as plain_batch
from tests.unit.test_bulk import fetched

HONEST = b'{"event_id":"ecms-000123","source":"ecms"}' * 1_000


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> int:
    """A mebibyte."""
    monkeypatch.setattr(records.limits, "unpacked", MIB)
    return MIB


@pytest.mark.parametrize(
    ("codec", "packed"),
    [
        (GZIP, upstream.gzip_encode(HONEST)),
        (GZIP, upstream.gzip_encode(HONEST[:100]) + upstream.gzip_encode(HONEST[100:])),
        (SNAPPY, upstream.snappy_encode(HONEST)),
        (SNAPPY, upstream.snappy_encode(HONEST, xerial_compatible=False)),
        (LZ4, upstream.lz4_encode(HONEST)),
        (ZSTD, upstream.zstd_encode(HONEST)),
        (ZSTD, upstream.zstd_encode(HONEST[:100]) + upstream.zstd_encode(HONEST[100:])),
    ],
    ids=["gzip", "gzip in two", "snappy of Java", "snappy", "lz4", "zstd", "zstd in two"],
)
def test_honest_data_is_unpacked(codec: int, packed: bytes, limit: int) -> None:
    """Also when it fills the allowance to the last byte, and not when it is one more."""
    assert unpack.unpack(codec, memoryview(packed), limit) == HONEST
    assert unpack.unpack(codec, memoryview(packed), len(HONEST)) == HONEST
    with pytest.raises(UnpackError):
        unpack.unpack(codec, memoryview(packed), len(HONEST) - 1)


def claims_less(raw: bytes) -> bytes:
    """Snappy that says it unpacks to five bytes."""
    return b"\x05" + bytes(cramjam.snappy.compress_raw(raw))[3:]


def claims_much(raw: bytes) -> bytes:
    """Snappy that says it unpacks to four gigabytes."""
    return b"\xff\xff\xff\xff\x0f" + bytes(cramjam.snappy.compress_raw(raw))[3:]


@pytest.mark.parametrize(
    ("codec", "pack"),
    [
        *PACK.items(),
        (SNAPPY, upstream.snappy_encode),
        (SNAPPY, claims_less),
        (SNAPPY, claims_much),
        (SNAPPY, lambda raw: upstream.snappy_encode(raw)[:-3]),
        (SNAPPY, lambda raw: upstream.snappy_encode(b"x")[:16] + b"\xff\xff\xff\xf0" + b"x" * 20),
        (ZSTD, lambda raw: b"nonsense"),
        (7, lambda raw: raw),
    ],
)
def test_what_is_more_than_allowed_or_no_such_data_is_refused(codec: int, pack: Callable[[bytes], bytes]) -> None:
    """Before it is all in memory, and whatever it says of its size."""
    packed = memoryview(pack(bytes(64 * MIB)))
    tracemalloc.start()
    try:
        with pytest.raises(UnpackError):
            unpack.unpack(codec, packed, MIB)
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("codec", PACK)
def test_a_batch_that_is_too_much_is_a_stand_in_for_each_offset(codec: int) -> None:
    """Between batches that are read: only the first has a letter, for all of them."""
    bomb = batch(codec, PACK[codec](bytes(2 * MIB)), 3, first=9)
    raw = plain_batch(7, 2) + bomb + plain_batch(12, 1)
    found: list[Any] = []
    unread = Records(raw)
    while unread.has_next():
        one: Any = unread.next_batch()
        assert one.validate_crc()
        found += one
    assert [r.offset for r in found] == list(range(7, 13))
    assert [isinstance(r, SetAside) for r in found] == [False, False, True, True, True, False]
    assert [r.value.through for r in found[2:5]] == [11, None, None]
    assert [r.value.has_letter for r in found[2:5]] == [True, False, False]
    assert all(isinstance(r.value.error, QuarantinedError) and r.value.error.harm == "unpacks" for r in found[2:5])
    assert [(r.value, r.key, r.headers, r.timestamp) for r in found[2:5]] == [(b"", None, (), 1_000)] * 3


def test_upstream_passes_a_stand_in_on() -> None:
    """What arrives while a call waits goes through its own loop, which makes a record of every record."""
    result, _ = fetched(batch(ZSTD, PACK[ZSTD](bytes(2 * MIB)), 3, first=9), 9)
    found = result.getall(10)
    assert all(isinstance(r, ConsumerRecord) and isinstance(r.value, NotRead) for r in found)
    assert [(r.offset, r.value.through) for r in found] == [(9, 11), (10, None), (11, None)]


def test_in_bulk_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the offset asked for, some at a time, however many there are: a batch may claim a hundred million."""
    monkeypatch.setattr(records, "_SOME", 4)
    bomb = batch(ZSTD, PACK[ZSTD](bytes(2 * MIB)), 10, first=9)
    result, state = fetched(bomb + plain_batch(19, 1), 11)
    read_in_bulk(result, Allowance(MIB))
    seen = [[m.offset for m in result.getall(3)] for _ in range(3)]
    assert seen == [[11, 12, 13], [14, 15, 16], [17, 18, 19]]
    assert state.position == 20


def test_a_claim_of_many_offsets_takes_no_memory() -> None:
    """Two thousand million of them: stand-ins are made as they are asked for."""
    bomb = batch(ZSTD, PACK[ZSTD](bytes(2 * MIB)), 2**31 - 1)
    result, state = fetched(bomb, 0)
    read_in_bulk(result, Allowance(MIB))
    tracemalloc.start()
    try:
        assert len(result.getall(20_000)) == 20_000
        assert tracemalloc.get_traced_memory()[1] < 16 * MIB
    finally:
        tracemalloc.stop()
    assert state.position == 20_000


def test_small_pieces_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A header of two bytes becomes an object of seventy: not only bytes are bounded."""
    monkeypatch.setattr(unpack, "PIECES_MAX", 1_000)
    monkeypatch.setattr(unpack, "_LOOK_ABOVE", 1_000)
    few = b"".join(record(n, b"v%d" % n, headers=9) for n in range(100))
    many = b"".join(record(n, b"v%d" % n, headers=10) for n in range(100))
    for raw, is_read in ((few, True), (many, False)):
        one: Any = Records(batch(ZSTD, PACK[ZSTD](raw), 100)).next_batch()
        assert [not isinstance(r, SetAside) for r in one] == [is_read] * 100
    one = Records(batch(ZSTD, PACK[ZSTD](b"x"), 1_001)).next_batch()
    assert all(isinstance(r, SetAside) for r in one)


def test_broken_records_in_a_large_batch_are_still_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a small one: not every wrong length is a matter of size."""
    monkeypatch.setattr(unpack, "_LOOK_ABOVE", 10)
    with pytest.raises(CorruptRecordException):
        list(Records(batch(ZSTD, PACK[ZSTD](record(0, b"value")[:-3]), 2)).next_batch() or ())


def test_one_fetch_hands_out_no_more_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each batch is small enough, and there are many: what is beyond waits packed, and nothing is lost or repeated."""
    monkeypatch.setattr(records.limits, "unpacked", 64 * MIB)
    value = bytes(MIB // 2)
    raw = b"".join(batch(ZSTD, PACK[ZSTD](record(0, value)), 1, first=n) for n in range(8))
    result, state = fetched(raw, 0)
    allowance = Allowance(MIB)
    read_in_bulk(result, allowance)
    seen: list[list[int]] = []
    while result.has_more():
        allowance.left = MIB
        seen.append([m.offset for m in result.getall(100)])
    assert [n for some in seen for n in some] == list(range(8))
    assert max(map(len, seen)) == 2
    assert state.position == 8


def test_what_upstream_reads_is_bounded_too() -> None:
    """The rest of such a fetch is thrown away packed, and fetched again from where it stopped."""
    value = bytes(MIB // 2)
    raw = b"".join(batch(ZSTD, PACK[ZSTD](record(0, value)), 1, first=n) for n in range(8))
    result, state = fetched(raw, 0)
    assert [m.offset for m in result.getall(100)] == [0, 1]
    assert (result.has_more(), state.position) == (False, 2)
