"""Record batches made by hand: what no producer sends by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import cramjam
from aiokafka import TopicPartition
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c, encode_varint

MIB: Final = 1_048_576
GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
_CRC_AT, _CHECKED_FROM, _LENGTH_AT, _LENGTH_FROM = 17, 21, 8, 12


def record(number: int, value: bytes, headers: int = 0) -> bytes:
    """The `number`-th record of a batch, without a key."""
    out = bytearray()
    for field in (0, 0, number, -1, len(value)):  # attributes, time, offset, key, value
        encode_varint(field, out.append)
    out += value
    encode_varint(headers, out.append)
    out += b"\0\1" * headers  # a name of no letters, no value
    head = bytearray()
    encode_varint(len(out), head.append)
    return bytes(head + out)


def batch(codec: int, packed: bytes, number: int, first: int = 0) -> bytes:
    """A record batch with these compressed records in it, which are so many as it says."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, MIB)
    builder.append(0, 1_000, None, b"", [])
    raw = bytearray(builder.build())[:61] + packed
    raw[0:8] = first.to_bytes(8, "big")
    raw[22] |= codec
    raw[23:27] = (number - 1).to_bytes(4, "big")
    raw[57:61] = number.to_bytes(4, "big")
    raw[_LENGTH_AT:_LENGTH_FROM] = (len(raw) - _LENGTH_FROM).to_bytes(4, "big")
    raw[_CRC_AT:_CHECKED_FROM] = calc_crc32c(bytes(raw[_CHECKED_FROM:])).to_bytes(4, "big")
    return bytes(raw)


def packed(parts: Iterable[bytes]) -> bytes:
    """By zstd, some at a time: what it unpacks to need not fit in memory."""
    packer: Any = cramjam.zstd.Compressor(level=3)
    out = bytearray()
    for part in parts:
        packer.compress(part)
        out += bytes(packer.flush())
    return bytes(out + bytes(packer.finish()))


PACK: Final[dict[int, Callable[[bytes], bytes]]] = {
    GZIP: lambda raw: bytes(cramjam.gzip.compress(raw)),
    SNAPPY: lambda raw: bytes(cramjam.snappy.compress_raw(raw)),
    LZ4: lambda raw: bytes(cramjam.lz4.compress(raw)),
    ZSTD: lambda raw: bytes(cramjam.zstd.compress(raw)),
}


async def produce(client: Any, topic: str, partition: int, raw: bytes) -> int:
    """Store a record batch as it is; where its first record lies. `client`: of a started producer."""
    await client._wait_on_metadata(topic)
    node = client.cluster.leader_for_partition(TopicPartition(topic, partition))
    request = ProduceRequest(
        transactional_id=None, required_acks=-1, timeout=60_000, topics=[(topic, [(partition, raw)])]
    )
    answer = await client.send(node, request)
    [(_, [(_, error, offset, *_)])] = answer.topics
    assert error == 0, f"the broker refuses it: {error}"
    return int(offset)
