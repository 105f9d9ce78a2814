"""What has been published about accesses: the joined state of `violations.v1`, and what is in flight beside it."""

from __future__ import annotations

from collections import defaultdict
from itertools import starmap
from typing import Any

from streams.join.open import Partition
from streams.join.reconcile import State, join


class Published:
    """Joined states by finding.

    What this worker has sent but not yet read back is kept apart, by partition, and forgotten when the partition is
    lost (design section 8).
    """

    def __init__(self) -> None:
        self._joined: dict[str, State] = {}
        self._in_flight: defaultdict[Partition, dict[str, tuple[State, int]]] = defaultdict(dict)
        self._newest: dict[Partition, int] = {}
        self._offsets: defaultdict[Partition, set[int]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._joined)

    def read(self, finding_id: str, state: State, partition: Partition, offset: int) -> bool:
        """A transition stands in the log, whoever wrote it; whether it says what this worker did not know."""
        before = self.state(finding_id, partition)
        self._joined[finding_id] = join(self._joined.get(finding_id), state)
        self._newest[partition] = max(offset, self._newest.get(partition, -1))
        self._offsets[partition].add(offset)
        if (flight := self._in_flight.get(partition)) is not None and flight.get(finding_id, (None,))[0] == state:
            del flight[finding_id]
        return self.state(finding_id, partition) != before

    def sent(self, finding_id: str, state: State, partition: Partition, offset: int) -> None:
        """A transition about the message at this offset is on its way to the log."""
        self._in_flight[partition][finding_id] = join(self.state(finding_id, partition), state), offset
        self._offsets[partition].add(offset)

    def state(self, finding_id: str, partition: Partition) -> State | None:
        """What a reader will find once everything in flight is stored."""
        flight = self._in_flight.get(partition)
        if flight is not None and (sent := flight.get(finding_id)) is not None:
            known = self._joined.get(finding_id)
            return sent[0] if known is None else join(known, sent[0])
        return self._joined.get(finding_id)

    def knows(self, finding_id: str, partition: Partition) -> bool:
        """Whether something has been said of this finding, or is on its way."""
        return self.state(finding_id, partition) is not None

    def speaks_of(self, partition: Partition, offset: int) -> bool:
        """Whether something has been said of an access of this message."""
        return offset in self._offsets[partition]

    def may_know(self, partition: Partition, offset: int) -> bool:
        """Whether a finding about a message at or after this offset of the partition can have been published."""
        return offset <= self._newest.get(partition, -1)

    def columns(self) -> dict[str, list[Any]]:
        """What the log has said, in columns as JSON has them."""
        rows = zip(*((name, *state) for name, state in self._joined.items()), strict=True)
        columns = {name: list(column) for name, column in zip(("id", *State._fields), rows, strict=False)}
        newest = [[*partition, offset] for partition, offset in self._newest.items()]
        offsets = [[*partition, sorted(offsets)] for partition, offsets in self._offsets.items() if offsets]
        return {**columns, "newest": newest, "offsets": offsets}

    def put(self, columns: dict[str, list[Any]]) -> None:
        """Take in what was put away."""
        if "id" in columns:
            columns["flags"] = list(map(tuple, columns["flags"]))
            fields = zip(*(columns[name] for name in State._fields), strict=True)
            self._joined = dict(zip(columns["id"], starmap(State, fields), strict=True))
        self._newest = {Partition(topic, number): offset for topic, number, offset in columns["newest"]}
        for topic, number, offsets in columns["offsets"]:
            self._offsets[Partition(topic, number)] = set(offsets)

    def become(self, other: Published) -> None:
        """Know what the other knows, instead; the other is of no more use."""
        vars(self).update(vars(other))

    def in_flight(self, partition: Partition) -> set[int]:
        """Which messages something is on its way about."""
        return {offset for _, offset in self._in_flight.get(partition, {}).values()}

    def forget_flight(self, partition: Partition) -> set[int]:
        """The partition is lost: whatever was stored will be read from the log. Which messages it was about."""
        offsets = self.in_flight(partition)
        self._in_flight.pop(partition, None)
        return offsets
