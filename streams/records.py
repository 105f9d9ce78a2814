"""Record batches that no header can break, and that unpack to no more than memory has room for.

Kafka calls the name of a header text and checks nothing; aiokafka decodes it as UTF-8, and one that is not would stop
every reader of its partition for ever (promise 10). Here such a name is read with its bytes escaped (`\\xff`), by
aiokafka's own reader in Python, and only for the record batch that has one.

A compressed batch that unpacks to more than `unpacked_max_bytes`, or to nothing, is not read: for each of its offsets
comes a stand-in that raises when it is read, so that cuts count it. One dead letter, at its first offset, speaks of all
of them: a batch of 1 MiB can claim a hundred million offsets, and its bytes stay in its topic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, SupportsIndex

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

from schemas.errors import QuarantinedError
from streams.policy.aside import NotRead, SetAside

from .unpack import UNPACKED_MAX, UnpackError, check_pieces, unpack

_LENGTH_AT: Final = 8  # where a record batch says how long the rest of it is: after its first offset
_REST_AT: Final = 12
_CODEC_AT: Final = 22  # the lower byte of its attributes
_NUMBER_AT: Final = 57  # how many records it has
_RECORDS_AT: Final = 61
_MAGIC: Final = 2  # of the only format that Kafka 4 stores
_SOME: Final = 5_000  # stand-ins made at a time


@dataclass
class Limits:
    """How much one record batch may unpack to, in bytes."""

    unpacked: int = UNPACKED_MAX


limits: Final = Limits()  # of this process: aiokafka makes what reads batches, and passes nothing of ours


def read_safely(unpacked_max: int | None = None) -> None:
    """From now on all consumers of this process read so; without a number with the limit set before, or the default."""
    fetcher.MemoryRecords = Records
    if unpacked_max is not None:
        limits.unpacked = unpacked_max


class Records:
    """What a fetch brought of one partition; as aiokafka's MemoryRecords."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._records = MemoryRecords(data)
        self._at = 0
        self._last: _Batch | None = None
        self._unpacked = 0

    def size_in_bytes(self) -> int:
        """Of all of it."""
        return int(self._records.size_in_bytes())

    def has_next(self) -> bool:
        """Whether a whole record batch is left; when enough has been unpacked none is: the rest is fetched again."""
        if self._last is not None:
            self._unpacked, self._last = self._unpacked + self._last.unpacked, None
        return bool(self._records.has_next()) and self._unpacked < limits.unpacked

    def next_batch(self) -> _Batch | None:
        """The next record batch."""
        batch = self._records.next_batch()
        if batch is None:
            return None
        begin = self._at
        rest = int.from_bytes(self._data[begin + _LENGTH_AT : begin + _REST_AT], "big")
        self._at = begin + _REST_AT + rest
        self._last = _Batch(batch, memoryview(self._data)[begin : self._at])
        return self._last


class _Batch:
    """One record batch; all but its iteration is aiokafka's."""

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch = batch
        self._raw = raw
        self.unpacked = 0  # bytes that it was unpacked to, once it has been read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def lists(self, asked: int) -> Iterator[tuple[list[Any], int]]:
        """The records from this offset on, and the offset behind them: all in one, but for what is set aside."""
        records = iter(self)
        if isinstance(records, _Unopened):
            yield from records.lists(asked)
            return
        found = list(records)
        if found and found[0].offset < asked:
            found = [record for record in found if record.offset >= asked]
        yield found, int(self._batch.next_offset)

    def __iter__(self) -> Iterator[Any]:
        if self._batch.magic == _MAGIC and self._batch.compression_type:
            try:
                self._unpack()
            except UnpackError as error:
                return _Unopened(self._batch, error)
        try:
            return iter(list(self._batch))
        except (UnicodeDecodeError, CorruptRecordException) as error:
            if isinstance(error, CorruptRecordException) and not isinstance(error.__cause__, UnicodeDecodeError):
                raise
        return iter(_Tolerant(self._raw))

    def _unpack(self) -> None:
        """Go on with the same batch, not compressed."""
        head = bytearray(self._raw[:_RECORDS_AT])
        records = unpack(self._batch.compression_type, self._raw[_RECORDS_AT:], limits.unpacked)
        check_pieces(records, int.from_bytes(head[_NUMBER_AT:], "big", signed=True))
        head[_CODEC_AT] &= ~DefaultRecordBatch.CODEC_MASK
        raw = b"".join((head, records))
        self._batch, self._raw, self.unpacked = DefaultRecordBatch(raw), memoryview(raw), len(raw)


class _Unopened:
    """The records of a batch that was not unpacked: a stand-in for each offset, whoever counts them."""

    def __init__(self, batch: Any, error: UnpackError) -> None:
        self._batch = batch
        self._error = QuarantinedError("unpacks", f"lies in a compressed batch that holds {error}; set aside unread")
        self._stand_ins = self._from(batch.base_offset)

    def __iter__(self) -> Iterator[SetAside]:
        return self

    def __next__(self) -> SetAside:
        return next(self._stand_ins)

    def lists(self, asked: int) -> Iterator[tuple[list[Any], int]]:
        """The same, some at a time: there may be as many as offsets."""
        stand_ins = self._from(max(asked, self._batch.base_offset))
        while some := list(islice(stand_ins, _SOME)):
            yield list[Any](some), some[-1].offset + 1

    def _from(self, first: int) -> Iterator[SetAside]:
        """The first has the letter for all of them."""
        begin, end, at = self._batch.base_offset, self._batch.next_offset, self._batch.max_timestamp
        for offset in range(first, end):
            through = end - 1 if offset == begin else None
            yield SetAside(offset, at, NotRead(self._error, through=through), self._batch.timestamp_type)


class _Tolerant(_DefaultRecordBatchPy):  # type: ignore[misc] # aiokafka gives it no type that mypy sees
    """Reads names of headers with what is no UTF-8 escaped."""

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer: bytearray = _Escaping(self._buffer)


class _Escaping(bytearray):
    """Bytes whose slices decode to something always."""

    def __getitem__(self, where: SupportsIndex | slice) -> Any:
        found = super().__getitem__(where)
        return _Escaping(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Never refuses."""
        return super().decode(encoding, "backslashreplace" if errors == "strict" else errors)
