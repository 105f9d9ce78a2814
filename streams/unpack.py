"""Unpacks compressed records into no more than so many bytes, whatever they claim.

aiokafka unpacks whatever comes: 33 KB of zstd become a gigabyte. Here each codec writes into a buffer of the size that
is allowed and fails when it does not do; what headers say of sizes is not believed. Gzip and zstd as fast as aiokafka.
"""

from __future__ import annotations

import mmap
import threading
from typing import Any, Final

import cramjam
from aiokafka.codec import _detect_xerial_stream
from aiokafka.errors import CorruptRecordException
from aiokafka.record.util import decode_varint

UNPACKED_MAX: Final = 64 * 1_048_576
"""Bytes of one record batch. Producers fill batches of 1 MiB before they compress, or 20 MiB with a good guess of how
much it will give; a message has at most 64 KiB, so no honest batch comes near."""

PIECES_MAX: Final = 1_000_000
"""Records and headers of one record batch: each becomes objects of 70 to 250 bytes, however small it is. A batch of
20 MiB has 50,000 accesses of 400 bytes with ten headers each at the most."""

_LOOK_ABOVE: Final = 4 * 1_048_576  # bytes; in less there are not so many pieces that it would matter
_KEEP_MAX: Final = 4 * 1_048_576  # of a buffer that is used again; what is touched of it is memory
_XERIAL_HEADER: Final = 16  # bytes before the first block of snappy as Java writes it
_LENGTH: Final = 4  # bytes before each of its blocks

_own = threading.local()  # a buffer of each thread: to make one each time takes as long as unpacking


class UnpackError(Exception):
    """It is no such compressed data, or more than is allowed. Nobody needs to look at it again."""


def unpack(codec: int, packed: memoryview, limit: int) -> bytes:
    """The records in `packed`; `codec` as Kafka numbers them. Raises UnpackError when they are more than `limit`."""
    buffer = _buffer(limit)
    try:
        length: int = _INTO[codec](packed, buffer)
    except (cramjam.DecompressionError, KeyError, ValueError) as error:
        _own.buffer = None
        raise UnpackError("no compressed data, or more than is allowed") from error
    if length > _KEEP_MAX:
        _own.buffer = None
    return buffer[:length]


def _buffer(limit: int) -> mmap.mmap:
    found: mmap.mmap | None = getattr(_own, "buffer", None)
    if found is None or len(found) != limit:
        found = _own.buffer = mmap.mmap(-1, limit)  # memory only as far as it is written to
    return found


def _snappy_into(packed: memoryview, buffer: mmap.mmap) -> int:
    if not _detect_xerial_stream(packed):
        return int(cramjam.snappy.decompress_raw_into(packed, buffer))
    room, done, at = memoryview(buffer), 0, _XERIAL_HEADER
    try:
        while at < len(packed):
            size = int.from_bytes(packed[at : at + _LENGTH], "big", signed=True)
            at += _LENGTH
            if size <= 0 or at + size > len(packed):
                raise ValueError("a block ends behind the end")
            with room[done:] as rest:
                done += cramjam.snappy.decompress_raw_into(packed[at : at + size], rest)
            at += size
    finally:
        room.release()
    return done


_INTO: Final[dict[int, Any]] = {
    1: cramjam.gzip.decompress_into,
    2: _snappy_into,
    3: cramjam.lz4.decompress_into,
    4: cramjam.zstd.decompress_into,
}


def check_pieces(records: bytes, number: int) -> None:
    """Raises UnpackError when these are more than PIECES_MAX records and headers. `number` of records, as claimed."""
    if number > PIECES_MAX:
        raise UnpackError("too many records")
    if len(records) <= _LOOK_ABOVE:
        return
    at, headers = 0, 0
    try:
        for _ in range(number):
            length, at = decode_varint(records, at)
            headers += _headers(records, at)
            at += length
            if length < 0 or number + headers > PIECES_MAX:
                raise UnpackError("too many headers")
    except (IndexError, ValueError) as error:
        raise CorruptRecordException(f"found invalid record structure: {error!r}") from error


def _headers(records: bytes, at: int) -> int:
    """How many headers the record has whose attributes lie here."""
    _, at = decode_varint(records, at + 1)  # timestamp
    _, at = decode_varint(records, at)  # offset
    for _ in ("key", "value"):
        length, at = decode_varint(records, at)
        at += max(0, length)
    return int(decode_varint(records, at)[0])
