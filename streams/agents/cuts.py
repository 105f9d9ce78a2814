"""From a judged batch to its cut. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress
from operator import sub

from schemas.ledger import CODES, Cut, MessageCounts, Part, in_order, verdict_digest
from streams.join.open import OpenAccess, Partition
from streams.policy.judged import JudgedBatch

_OUTCOMES = ("explained", "pending", "late", "revoked", "unexplained", "unresolved")


def cut_of(batch: JudgedBatch, *, reconciled: int, source: str, policy_hash: str, run: str) -> Cut:
    """The cut of one judged batch; `previous` and `times` are filled in when it is stored, in order."""
    control = batch.codes.count(CODES["control"].encode())
    counts = {name: n for name in _OUTCOMES if (n := batch.codes.count(CODES[name].encode()))}
    return Cut(
        topic=batch.partition.topic,
        partition=batch.partition.partition,
        first_offset=batch.first_offset,
        next_offset=batch.next_offset,
        position=batch.position,
        reconciled=reconciled,
        marks=batch.marks,
        policy=policy_hash,
        messages=MessageCounts(translated=batch.translated, control=control, dead_letters=len(batch.rejected)),
        accesses=counts,
        sequences={source: ranges(batch.sequences)} if batch.sequences else {},
        given=None if batch.given is None else {source: batch.given},
        files={source: list[Part](in_order(batch.files))} if batch.files else None,
        digest=verdict_digest(batch.codes.decode()),
        previous=None,
        run=run,
    )


def settlement_cut(
    partition: Partition,
    entries: Iterable[OpenAccess],
    *,
    position: int,
    reconciled: int,
    marks: dict[str, int],
    policy_hash: str,
    run: str,
) -> Cut:
    """The cut that says which accesses of a partition ended their wait without a finding."""
    settled = sorted((e.offset, e.index) for e in entries)
    return Cut(
        topic=partition.topic,
        partition=partition.partition,
        first_offset=settled[0][0],
        next_offset=settled[0][0],
        position=position,
        reconciled=reconciled,
        marks=marks,
        policy=policy_hash,
        messages=MessageCounts(translated=0, control=0, dead_letters=0),
        accesses={},
        sequences={},
        digest=verdict_digest(CODES["explained"] * len(settled)),
        previous=None,
        run=run,
        settled=settled,
    )


def ranges(numbers: list[int]) -> list[tuple[int, int]]:
    """Sorted, merged [first, last] ranges; repeats count once.

    Without a loop of our own, since there is a number for every message.
    """
    if not numbers:
        return []
    ordered = sorted(numbers)
    following = ordered[1:]
    jumps = [gap > 1 for gap in map(sub, following, ordered)]
    return list(zip([ordered[0], *compress(following, jumps)], [*compress(ordered, jumps), ordered[-1]], strict=True))
