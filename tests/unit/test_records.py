"""A header whose name is not UTF-8 stops nobody: its record and those around it are read as they are."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords

from streams.records import Records

HOSTILE = b"\xff\xfebad"


class Name(str):
    """The name of a header with bytes of its own."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Not what it says."""
        return HOSTILE


def batch(first: int, names: list[str], *, codec: int = 0) -> bytes:
    """A record for each header name, as a broker stores them; every value has the hostile bytes too."""
    builder = _DefaultRecordBatchBuilderPy(2, codec, 0, -1, -1, 0, 1_000_000)
    for number, name in enumerate(names):
        value = b"v%d " % (first + number) + HOSTILE
        builder.append(number, 1000 + number, b"k%d" % number, value, [(name, b"x"), ("h", None)])
    raw = bytearray(builder.build())
    raw[:8] = first.to_bytes(8, "big")
    return bytes(raw)


def read(records: Any) -> list[tuple[Any, ...]]:
    """All records of all batches, and what their batches say of themselves."""
    found: list[tuple[Any, ...]] = []
    while records.has_next():
        one = records.next_batch()
        assert one.validate_crc()
        assert not one.is_control_batch
        found += [(r.offset, r.timestamp, r.key, r.value, list(r.headers), one.next_offset) for r in one]
    assert records.next_batch() is None
    return found


@pytest.mark.parametrize("codec", [0, _DefaultRecordBatchBuilderPy.CODEC_GZIP], ids=["plain", "gzip"])
def test_a_name_that_is_no_text_is_read_escaped_and_nothing_else_differs(codec: int) -> None:
    """In the middle of a batch in the middle of a fetch."""
    good, hostile = ["a", "b"], ["c", Name("x"), "d"]
    raw = batch(7, good, codec=codec) + batch(9, hostile, codec=codec) + batch(12, good, codec=codec)
    with pytest.raises((UnicodeDecodeError, CorruptRecordException)):
        read(MemoryRecords(raw))
    harmless = raw if codec else raw.replace(b"\x0a" + HOSTILE + b"\x02x", b"\x0aabcde\x02x")
    found = read(Records(raw))
    assert [r[0] for r in found] == list(range(7, 14))
    assert [r[4][0][0] for r in found] == ["a", "b", "c", "\\xff\\xfebad", "d", "a", "b"]
    assert all(r[3] == b"v%d " % r[0] + HOSTILE for r in found)
    if not codec:
        assert [(*r[:4], r[5]) for r in found] == [(*r[:4], r[5]) for r in read_unchecked(harmless)]


def read_unchecked(raw: bytes) -> list[tuple[Any, ...]]:
    """As aiokafka reads it; the check sum is of other bytes."""
    records, found = MemoryRecords(raw), list[tuple[Any, ...]]()
    while records.has_next():
        one: Any = records.next_batch()
        found += [(r.offset, r.timestamp, r.key, r.value, list(r.headers), one.next_offset) for r in one]
    return found


def test_what_is_broken_otherwise_is_still_refused() -> None:
    """A record that claims another length than it has is no matter of names."""
    raw = bytearray(batch(7, ["a"]))
    raw[61] += 2  # the length of the first record, behind the 61 bytes of the batch's own
    with pytest.raises(CorruptRecordException):
        list(Records(bytes(raw)).next_batch() or ())


def test_a_fetch_that_ends_within_a_batch_gives_the_whole_ones() -> None:
    """As brokers answer."""
    raw = batch(7, ["a", "b"])
    records = Records(raw + raw[:40])
    assert [r[0] for r in read(records)] == [7, 8]
    assert records.size_in_bytes() == len(raw) + 40
