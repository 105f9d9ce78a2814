"""What a console makes of what is found, and how far it knows that it has read, as its broker tells it, or does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition

from schemas.act import OfFinding
from schemas.codec import ACT_MAX, decode, encode
from schemas.errors import BrokenPromiseError, NotReadyError
from schemas.finding import Finding
from schemas.topics import Topics
from sinks import kafka
from sinks.alerts import reading_again
from sinks.alerts.hearing import Hearing, take
from sinks.alerts.mirror import due, due_messages
from sinks.alerts.reading_again import read_again
from sinks.alerts.writing import hear
from sinks.kafka import Broker
from sinks.store import unreadable
from sinks.store.engine import sqlite_url
from sinks.store.store import Store
from tests.harness.findings import make_finding, place
from tests.harness.largest import largest_access, largest_finding

BEGAN = 1_000
FIRST, SECOND = TopicPartition("violations.v1", 0), TopicPartition("violations.v1", 1)
Look = tuple[dict[TopicPartition, int], dict[TopicPartition, tuple[int, int]]]
"""How many messages come of each partition, and what the broker says of each: its end, and when that was."""


class Record:
    """A message."""

    def __init__(self, offset: int, value: bytes | None = None) -> None:
        self.offset = offset
        self.value = encode(make_finding(f"look-{offset}")) if value is None else value


class Told:
    """A consumer to which the test tells what a broker would, look by look; then the broker is lost."""

    def __init__(self, looks: list[Look]) -> None:
        self._looks = iter(looks)
        self._at = dict.fromkeys((FIRST, SECOND), 0)
        self._ends: dict[TopicPartition, tuple[int, int]] = {}

    def assign(self, held: list[TopicPartition]) -> None:
        """As aiokafka's."""

    async def beginning_offsets(self, held: list[TopicPartition]) -> dict[TopicPartition, int]:
        """As aiokafka's."""
        return dict.fromkeys(held, 0)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """As aiokafka's."""
        self._at[partition] = offset

    async def getmany(self, **_: Any) -> dict[TopicPartition, list[Record]]:
        """The next look."""
        look = next(self._looks, None)
        if look is None:
            raise NotReadyError("the broker is lost")
        counts, ends = look
        self._ends |= ends
        came = {p: [Record(self._at[p] + n) for n in range(count)] for p, count in counts.items()}
        for partition, records in came.items():
            self._at[partition] += len(records)
        return came

    def highwater(self, partition: TopicPartition) -> int | None:
        """As aiokafka's: nothing before the first answer."""
        return self._ends[partition][0] if partition in self._ends else None

    def last_poll_timestamp(self, partition: TopicPartition) -> int:
        """As aiokafka's."""
        return self._ends[partition][1]

    async def position(self, partition: TopicPartition) -> int:
        """As aiokafka's."""
        return self._at[partition]


async def two(broker: Broker, topics: list[str]) -> dict[str, int]:
    """As kafka.partitions: each topic has two."""
    return dict.fromkeys(topics, 2)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty one."""
    made = Store(sqlite_url(tmp_path))
    made.upgrade()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("looks", "behind", "read_until"),
    [
        pytest.param([({}, {})], 0, BEGAN, id="nothing was said yet"),
        pytest.param([({}, {FIRST: (0, 5_000)})], 0, BEGAN, id="of one partition nothing was said"),
        pytest.param([({}, {FIRST: (0, 5_000), SECOND: (0, 6_000)})], 0, 5_000, id="all is read"),
        pytest.param([({FIRST: 2}, {FIRST: (7, 5_000), SECOND: (0, 6_000)})], 5, BEGAN, id="five are unread"),
        pytest.param(
            [({FIRST: 2}, {FIRST: (2, 5_000), SECOND: (0, 6_000)}), ({}, {}), ({}, {})],
            0,
            5_000,
            id="then the broker says nothing more",
        ),
        pytest.param(
            [({}, {FIRST: (0, 5_000), SECOND: (0, 6_000)}), ({FIRST: 1}, {FIRST: (3, 8_000), SECOND: (0, 9_000)})],
            2,
            5_000,
            id="then it falls behind",
        ),
    ],
)
async def test_all_is_read_up_to_when_the_broker_last_said_so(
    store: Store, monkeypatch: pytest.MonkeyPatch, looks: list[Look], behind: int, read_until: int
) -> None:
    """A broker that is away must not look like a topic in which nothing comes."""
    monkeypatch.setattr(kafka, "partitions", two)
    hearing = Hearing(store, Broker("127.0.0.1:1", 1), "violations.v1", lambda: None)
    hearing.read_until = BEGAN
    with pytest.raises(NotReadyError):
        await hearing._read(Told(looks))  # type: ignore[arg-type]
    assert (hearing.behind, hearing.read_until) == (behind, read_until)


def test_the_largest_finding_becomes_an_alert_that_everybody_can_read(store: Store) -> None:
    """Not an act on which each task of the console ends, now and at each start."""
    finding = largest_finding(largest_access("\\", "\x01" * 2_000))
    assert take(store, "violations.v1", 0, None, [Record(0, encode(finding))], BEGAN) == 1
    acts, _ = due_messages(store, Topics()) or ([], [])
    assert [act.body.finding for act in acts if isinstance(act.body, OfFinding)] == [finding]
    with store.writing() as writing:
        known = writing.known(finding.finding_id)
    assert known is not None
    assert known.body.finding == finding


def of_a_newer_judge(number: int) -> Record:
    """A finding that says what this version does not know."""
    document = orjson.loads(encode(make_finding(f"look-{number}")))
    return Record(number, orjson.dumps(document | {"confidence": 3}))


def newer(model: type[Finding], raw: bytes | None) -> Finding:
    """How a console of the judge's own version reads it."""
    document = orjson.loads(raw or b"")
    document.pop("confidence")
    return decode(model, orjson.dumps(document))


def kept(store: Store) -> list[str]:
    """The places of what could not be read."""
    with store.reading() as reading:
        return [one.place for one in reading.unreadable(0, 100)]


def test_what_a_newer_judge_says_is_raised_by_a_newer_console(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not lost with the console that did not know it: it keeps it, goes on, and the next one reads it at its place."""
    records = [Record(7), of_a_newer_judge(8), Record(9)]
    assert take(store, "a.violations.v1", 2, None, records, BEGAN) == 2
    assert read_again(store, 0, BEGAN) == (0, 1)
    assert kept(store) == ["a.violations.v1/2/8"]
    monkeypatch.setattr(reading_again, "decode", newer)
    assert read_again(store, 0, BEGAN) == (1, 1)
    assert kept(store) == []
    acts = due(store)
    assert [a.body.place.offset for a in acts if isinstance(a.body, OfFinding)] == [7, 9, 8]
    assert read_again(store, 0, BEGAN) == (0, 0)
    assert take(store, "a.violations.v1", 2, 10, [Record(8)], BEGAN) == 0, "it was heard, so said again it is nothing"


def test_nothing_but_garbage_is_kept_until_somebody_looks(store: Store) -> None:
    """A value that is empty, or none; in pieces, and each once by one console."""
    count = 2 * reading_again.PIECE + 1
    records = [Record(number, b"" if number % 2 else b"{") for number in range(count)]
    assert take(store, "violations.v1", 0, None, records, BEGAN) == 0
    assert len(kept(store)) == 100
    assert read_again(store, 0, BEGAN) == (0, count)
    with store.reading() as reading:
        assert (reading.progress("violations.v1/0"), reading.measured("mirrored").unreadable) == (count, count)


def test_reading_stops_rather_than_drops(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """When no more can be kept nothing is written, and nothing counts as read."""
    monkeypatch.setattr(unreadable, "KEPT_MAX", 2)
    take(store, "violations.v1", 0, None, [Record(0, b"?"), Record(1, b"?")], BEGAN)
    with pytest.raises(NotReadyError, match="nothing more is read"):
        take(store, "violations.v1", 0, 2, [Record(2), Record(3, b"?")], BEGAN)
    with store.reading() as reading:
        assert (reading.progress("violations.v1/0"), reading.head().number) == (2, 0)
    assert take(store, "violations.v1", 0, 2, [Record(2)], BEGAN) == 1


async def test_a_console_reads_again_at_its_start(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And tells whoever waits for acts."""
    take(store, "violations.v1", 0, None, [of_a_newer_judge(0)], BEGAN)
    monkeypatch.setattr(reading_again, "decode", newer)
    monkeypatch.setattr(kafka, "partitions", two)
    told = list[int]()
    hearing = Hearing(store, Broker("127.0.0.1:1", 1), "violations.v1", lambda: told.append(len(due(store))))
    with pytest.raises(NotReadyError):
        await hearing._read(Told([({}, {}), ({}, {})]))  # type: ignore[arg-type]
    assert told == [1]


def test_an_act_that_nobody_could_read_again_is_not_written(store: Store) -> None:
    """It would stop whoever reads it, for ever: whoever writes it stops, and nothing of it is kept."""
    finding = make_finding(reason="." * ACT_MAX)
    with pytest.raises(BrokenPromiseError, match="is not written"), store.writing() as writing:
        hear(writing, finding, place(), BEGAN)
    assert due_messages(store, Topics()) is None
