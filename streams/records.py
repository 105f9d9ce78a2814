"""Record batches that no header can break.

Kafka calls the name of a header text and checks nothing; aiokafka decodes it as UTF-8, and one that is not would stop
every reader of its partition for ever (promise 10). Here such a name is read with its bytes escaped (`\\xff`), by
aiokafka's own reader in Python, and only for the record batch that has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, SupportsIndex

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

_LENGTH_AT: Final = 8  # where a record batch says how long the rest of it is: after its first offset
_REST_AT: Final = 12


def tolerate_any_header() -> None:
    """From now on all consumers of this process read so."""
    fetcher.MemoryRecords = Records


class Records:
    """What a fetch brought of one partition; as aiokafka's MemoryRecords."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._records = MemoryRecords(data)
        self._at = 0

    def size_in_bytes(self) -> int:
        """Of all of it."""
        return int(self._records.size_in_bytes())

    def has_next(self) -> bool:
        """Whether a whole record batch is left."""
        return bool(self._records.has_next())

    def next_batch(self) -> _Batch | None:
        """The next record batch."""
        batch = self._records.next_batch()
        if batch is None:
            return None
        begin = self._at
        rest = int.from_bytes(self._data[begin + _LENGTH_AT : begin + _REST_AT], "big")
        self._at = begin + _REST_AT + rest
        return _Batch(batch, memoryview(self._data)[begin : self._at])


class _Batch:
    """One record batch; all but its iteration is aiokafka's."""

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch = batch
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except (UnicodeDecodeError, CorruptRecordException) as error:
            if isinstance(error, CorruptRecordException) and not isinstance(error.__cause__, UnicodeDecodeError):
                raise
        return iter(_Tolerant(self._raw))


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
