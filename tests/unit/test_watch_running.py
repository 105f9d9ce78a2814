"""What the process that watches looks at, and whether it sees anything."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition

from schemas.settings import Settings
from sinks import kafka
from sinks.kafka import Broker
from sinks.watch import running
from sinks.watch.places import places
from sinks.watch.running import STALE_MS, Watch

ECMS, JNET = "access.ecms.v1", "access.jnet.v1"


class EnoughError(Exception):
    """The test has seen what it wanted."""


def topics(monkeypatch: pytest.MonkeyPatch, **partitions: int) -> None:
    """These are there, and no others; of one with no partitions Kafka says that it cannot tell."""

    class Admin:
        async def describe_topics(self) -> list[dict[str, Any]]:
            return [
                {"topic": f"access.{name}.v1", "error_code": 0 if count else 5, "partitions": [{}] * count}
                for name, count in partitions.items()
            ]

    @asynccontextmanager
    async def admin(_: Broker) -> AsyncIterator[Admin]:
        yield Admin()

    monkeypatch.setattr(kafka, "admin", admin)


async def test_what_is_not_there_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """All the others are looked at."""
    topics(monkeypatch, ecms=2, irss=0, clean=1)
    found = await places(Broker("127.0.0.1:1", 1), [ECMS, JNET, "access.irss.v1"])
    assert found.held == [TopicPartition(ECMS, 0), TopicPartition(ECMS, 1)]
    assert found.unseen == {JNET, "access.irss.v1"}


async def test_partitions_are_asked_for_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A topic that was given more, or was made, while we watch; until then its source is told as one we cannot see."""
    monkeypatch.setattr(running, "PLACES_SECONDS", 0)  # before each look
    monkeypatch.setattr(running, "LOOK_SECONDS", 0)
    watch, looked = Watch(Settings(data_dir=tmp_path)), list[list[TopicPartition]]()

    async def look(_: object, held: Sequence[TopicPartition]) -> None:
        looked.append([place for place in held if place.topic in (ECMS, JNET)])
        if len(looked) == 2:
            assert [one.name for one in watch.reports() if one.is_seen] == ["jnet"]
            topics(monkeypatch, ecms=3, jnet=1)
        if len(looked) == 3:
            raise EnoughError

    monkeypatch.setattr(watch._tails, "look", look)
    topics(monkeypatch, jnet=1)
    with pytest.raises(EnoughError):
        await watch._look(None)  # type: ignore[arg-type] # asked of nothing
    assert looked[1] == [TopicPartition(JNET, 0)]
    assert set(looked[2]) == {TopicPartition(JNET, 0), *(TopicPartition(ECMS, number) for number in range(3))}


def test_what_goes_missing_beside_what_already_is_counts(tmp_path: Path) -> None:
    """The first is told by the gauge; of each further one nobody would hear before the page is repeated."""
    watch = Watch(Settings(data_dir=tmp_path))
    jnet, counts = watch.state.by_topic[JNET], list[bytes]()
    for until in (1, 3, 4, 6, 8):
        jnet.numbers.see([(until, until)], None, 1_000)
        jnet.through = 900_000
        watch.say()
        counts += re.findall(rb'^needtoknow_more_missing_total\{source="jnet"\} (.*)$', watch.page(), re.MULTILINE)
    assert counts == [b"0.0", b"0.0", b"0.0", b"1.0", b"2.0"]


def ready(watch: Watch) -> bool:
    """As Prometheus is told."""
    return b"\nneedtoknow_watch_ready 1.0\n" in watch.page()


def test_one_that_gets_nothing_done_says_so(tmp_path: Path) -> None:
    """It is up, and all that it tells stands at what it saw last; years of a ledger that it reads are no fault."""
    watch = Watch(Settings(data_dir=tmp_path))
    assert not ready(watch)
    now, past = int(time.time() * 1000), STALE_MS + 1_000
    for looked, stepped, expected in ((0, 0, True), (past, 0, False), (0, past, False)):
        watch._looked_at, watch._ledger.stepped_at = now - looked, time.monotonic() - stepped / 1000
        assert ready(watch) is expected
    watch._ledger.stepped_at = time.monotonic()
    assert watch.why_not_ready() == "the ledger is still being read"
