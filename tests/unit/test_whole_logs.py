"""Whole logs in bulk: each message once and in order, up to where the logs ended, and no wait without an end."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from schemas.errors import NotReadyError
from sinks import bulk
from sinks.bulk import Reading, read_whole
from sinks.kafka import Broker
from tests.harness.fake_log import FakeLogs

TOPICS = ("access.ecms.v1", "access.irss.v1")
BROKER = Broker("nowhere", 0.05)


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> FakeLogs:
    """Two topics, of which one has several partitions and one is empty but for its last."""
    monkeypatch.setattr(bulk, "FETCH_MS", 1)
    monkeypatch.setattr(bulk, "PIECE", 4)
    found = FakeLogs().in_place(monkeypatch)
    found.put(TOPICS[0], *(b"a%d" % n for n in range(10)))
    found.put(TOPICS[0], b"b0", partition=2)
    found.put(TOPICS[1], b"c0", b"c1", partition=1)
    return found


async def test_all_is_read_once_and_in_order(logs: FakeLogs) -> None:
    """However the pieces fall."""
    reading, found = Reading(), dict[tuple[str, int], list[bytes]]()
    async for some in read_whole(BROKER, TOPICS, reading):
        assert len(some.messages) <= bulk.PIECE
        found.setdefault((some.topic, some.partition), []).extend(m.value for m in some.messages)
    assert found == {
        (TOPICS[0], 0): [b"a%d" % n for n in range(10)],
        (TOPICS[0], 2): [b"b0"],
        (TOPICS[1], 1): [b"c0", b"c1"],
    }
    assert (reading.done, reading.total) == (13, 13)


async def test_what_is_appended_meanwhile_is_not_waited_for(logs: FakeLogs) -> None:
    """A log that always grows would never have been read."""
    values = list[bytes]()
    async for some in read_whole(BROKER, TOPICS[:1], Reading()):
        logs.put(TOPICS[0], b"later", b"later")
        values += [m.value for m in some.messages]
    assert len(values) == 11
    assert b"later" not in values


async def test_empty_logs_are_read_at_once(logs: FakeLogs) -> None:
    """Nothing will come."""
    reading = Reading()
    assert [some async for some in read_whole(BROKER, ["access.jnet.v1"], reading)] == []
    assert reading.total == 0


async def test_a_broker_that_says_nothing_more_ends_it(logs: FakeLogs) -> None:
    """Whoever reads must know, and begin anew."""
    async with aclosing(read_whole(BROKER, TOPICS, Reading())) as pieces:
        await anext(pieces)
        logs.is_away = True
        with pytest.raises(NotReadyError, match="gives nothing more"):
            async for _ in pieces:
                pass
