"""The heads of record batches, asked for one at a time: when a batch was appended and what it spans. Unpacks nothing.

A broker that is asked for the first offset since an instant unpacks a whole record batch in its memory, and one that
unpacks to a gigabyte ends it. Asked for messages it hands them out as they lie there.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError, NoError, StaleMetadata, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords

WAIT_MS: Final = 500  # for a broker that has just become the leader, and does not yet know how far it may be read
ONE_BATCH: Final = 1  # bytes: Kafka hands out the first batch whole, however little is asked for
READ_UNCOMMITTED: Final = 0


class Head(NamedTuple):
    """A record batch lies in [first, following); the broker appended it at this instant (UTC ms)."""

    first: int
    following: int
    appended_at: int


async def head_at(client: Any, tp: TopicPartition, offset: int) -> Head:
    """Of the batch that holds this offset, or of the next one. `client`: of a started consumer.

    Raises KafkaError when the broker is away, or the offset is past its retention, or there is nothing to read yet.
    """
    await client._wait_on_metadata(tp.topic)
    node = client.cluster.leader_for_partition(tp)
    if node is None or node < 0:
        client.force_metadata_update()
        raise StaleMetadata(tp)
    asked = [(tp.topic, [(tp.partition, offset, ONE_BATCH)])]
    answer = await client.send(node, FetchRequest(WAIT_MS, 1, ONE_BATCH, READ_UNCOMMITTED, asked))
    [(_, [(_, code, *_, data)])] = answer.topics
    if (error := for_code(code)) is not NoError:
        client.force_metadata_update()  # the leader may be another one by now
        raise error(tp)
    batch = MemoryRecords(data).next_batch()
    if batch is None:
        raise KafkaTimeoutError(tp)
    return Head(int(batch.base_offset), int(batch.next_offset), int(batch.max_timestamp))
