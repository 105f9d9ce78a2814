"""What a fetch brought of one partition, a record batch at a time.

aiokafka's own loop makes a ConsumerRecord of every record and passes it through three calls: 2 µs each, as much as
judging it. Here they stay as its reader in C gives them. All else is as upstream does it: positions, the check of the
assignment, checksums, control batches, what a fetch brings before the offset asked for. Only the bytes of one fetch are
bounded, since a few compressed batches may unpack to gigabytes: what is beyond waits, packed, for the next.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from functools import partial
from inspect import GEN_CREATED, getgeneratorstate
from typing import Any

from aiokafka.consumer.fetcher import READ_UNCOMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException


class Allowance:
    """How many bytes of unpacked records one fetch may still hand out; shared by all its partitions."""

    def __init__(self, size: int) -> None:
        self.left = size


def fetched_in_bulk(consumer: Any, allowance: Allowance, size: int) -> None:
    """Let the next look at what this consumer has fetched give messages in bulk, and unpack so many bytes for it."""
    allowance.left = size
    for result in consumer._fetcher._records.values():
        read_in_bulk(result, allowance)


def read_in_bulk(result: object, allowance: Allowance) -> None:
    """Let `getall` of this fetch give its messages in bulk.

    Left to upstream: what it has begun to hand out, since its loop then holds the rest of a record batch that nobody
    else would ever hand out; and aborted transactions, which only it can tell.
    """
    if not isinstance(result, FetchResult) or "getall" in vars(result) or not result.has_more():
        return
    records = result._partition_records
    is_untouched = getgeneratorstate(records._records_iterator) == GEN_CREATED
    if is_untouched and records._isolation_level == READ_UNCOMMITTED:
        records._records_iterator = None  # it knows the records that know it, and would never end
        result.getall = partial(_getall, weakref.ref(result), _Unread(records), allowance)


class _Unread:
    """The records of a fetch that have not been handed out, in record batches."""

    def __init__(self, records: PartitionRecords) -> None:
        self._records = records
        self._batches = _batches(records)
        self._batch: list[Any] = []
        self._following = records.next_fetch_offset  # the offset behind the batch
        self.is_exhausted = False

    def take(self, limit: int, allowance: Allowance) -> list[Any]:
        """At most so many; fewer when there are no more, or when what is taken is all that this fetch may bring."""
        taken: list[Any] = []
        while len(taken) < limit and (allowance.left > 0 or not taken):
            if not self._batch:
                found = next(self._batches, None)
                if found is None:
                    self.is_exhausted = True
                    break
                self._batch, self._following, size = found
                allowance.left -= size
            room = limit - len(taken)
            taken += self._batch[:room]
            self._batch = self._batch[room:]
            # Behind a batch lies more than its last record when a compaction has removed some.
            self._records.next_fetch_offset = self._batch[0].offset if self._batch else self._following
        return taken


def _batches(records: PartitionRecords) -> Iterator[tuple[list[Any], int, int]]:
    """Records, the offset behind them, and the bytes they were unpacked to."""
    unread = records._records
    while unread.has_next():
        batch = unread.next_batch()
        if records._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {records._tp}")
        if batch.is_control_batch:
            yield [], batch.next_offset, 0
            continue
        for found, following in batch.lists(records.next_fetch_offset):
            yield found, following, batch.unpacked


def _getall(known: weakref.ref[FetchResult], unread: _Unread, allowance: Allowance, max_records: int) -> list[Any]:
    """As `FetchResult.getall`. The result is known weakly: a fetch holds 4 MiB, which no cycle may keep."""
    result = known()
    assert result is not None  # it is being asked
    if not result.check_assignment(result._topic_partition) or not result.has_more():
        return []
    taken = unread.take(max_records, allowance)
    result._update_position()
    if unread.is_exhausted:
        result._partition_records = None
    return taken
