"""A clock that cannot be believed dates nothing: one that is ahead once would date all acts after it ahead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError

from schemas.codec import decode
from schemas.fact import Mark
from schemas.topics import Topics
from sinks.alerts import mirror as module
from sinks.alerts.mirror import LOG_APPEND_TIME, Mirror
from sinks.alerts.writing import hear
from sinks.kafka import Broker
from sinks.store.clock import WRONG_MS, Clock, ClockWrongError
from sinks.store.engine import sqlite_url
from sinks.store.store import Store
from tests.harness.findings import make_finding, place

NOW = 1_767_600_000_000
MONTH = 30 * 86_400_000


class Steady:
    """Seconds since whenever, as the test says."""

    def __init__(self) -> None:
        self.now = 70.0

    def __call__(self) -> float:
        """Now."""
        return self.now


class Producer:
    """A broker with a clock of its own."""

    def __init__(self, steady: Steady, began: int, kind: int = LOG_APPEND_TIME) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self._steady, self._began, self._kind = steady, began - int(steady.now * 1000), kind

    async def send(self, topic: str, *, value: bytes, **_: Any) -> Any:
        """Stores it, and says when that was."""
        self.sent.append((topic, value))
        stored = SimpleNamespace(timestamp=self._began + int(self._steady.now * 1000), timestamp_type=self._kind)

        async def answer() -> Any:
            return stored

        return answer()

    async def flush(self) -> None:
        """As aiokafka's."""


@pytest.fixture
def steady() -> Steady:
    """It stands still."""
    return Steady()


@pytest.fixture
def store(tmp_path: Path, steady: Steady) -> Iterator[Store]:
    """An empty one."""
    made = Store(sqlite_url(tmp_path))
    made.clock = Clock(steady)
    made.upgrade()
    yield made
    made.close()


def written(store: Store, name: str, now: int) -> int:
    """When something was done, by a clock that says `now`."""
    with store.writing() as writing:
        return hear(writing, make_finding(name), place(), writing.moment(now))[0].at


def test_a_clock_behind_the_newest_act_writes_nothing(store: Store) -> None:
    """Whichever of the two is wrong, what it wrote would be dated by the other; up to five minutes it may be."""
    assert written(store, "one", NOW) == NOW
    assert written(store, "two", NOW - WRONG_MS) == NOW
    with pytest.raises(ClockWrongError, match="300 s behind what was written last: set it right"):
        written(store, "three", NOW - WRONG_MS - 1)
    with store.reading() as reading:
        assert (reading.head().number, reading.moment()) == (2, NOW)


def test_a_clock_ahead_of_the_brokers_writes_nothing(store: Store) -> None:
    """Not once: or all that are written after it would be as far ahead."""
    store.clock.heard(70.0, NOW)
    assert written(store, "one", NOW + WRONG_MS) == NOW + WRONG_MS
    with pytest.raises(ClockWrongError, match="2592000 s ahead of the broker's"):
        written(store, "two", NOW + MONTH)
    with store.reading() as reading:
        assert reading.moment() == NOW + WRONG_MS


def test_a_clock_is_compared_with_the_time_that_has_passed(steady: Steady) -> None:
    """Set ahead a while after the broker was last heard it is ahead; an hour later an hour has passed."""
    clock = Clock(steady)
    assert clock.ahead(NOW + MONTH) == 0, "nothing is known yet"
    clock.heard(steady.now, NOW)
    steady.now += 3_600
    assert clock.ahead(NOW + 3_600_000) == 0
    assert clock.ahead(NOW + 3_600_000 + MONTH) == MONTH
    assert clock.ahead(NOW) == 0, "behind is not ahead"


async def test_whatever_is_mirrored_tells_the_brokers_time(store: Store, steady: Steady) -> None:
    """By a mark that says nothing new, before anything is promised; not by a time that is only our own again."""
    written(store, "one", NOW)
    mirror = Mirror(
        store,
        Broker("127.0.0.1:1", 1),
        Topics(),
    )
    own = Producer(steady, NOW - MONTH, kind=0)
    await mirror._compare(own)  # type: ignore[arg-type]
    assert store.clock.ahead(NOW) == 0
    producer = Producer(steady, NOW - MONTH)
    await mirror._compare(producer)  # type: ignore[arg-type]
    assert store.clock.ahead(NOW) == MONTH
    [(topic, value)] = producer.sent
    assert (topic, decode(Mark, value).complete_through) == ("feed.console.v1", NOW - 1)


async def test_a_wrong_clock_promises_nothing_and_a_right_one_goes_on(
    store: Store, steady: Steady, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No mark of it is sent but the one that compares; that is sent again, so that a clock that was set is believed."""
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(module.time, "time", lambda: (NOW + MONTH) / 1000)
    mirror = Mirror(store, Broker("127.0.0.1:1", 1), Topics())
    producer = Producer(steady, NOW)
    with pytest.raises(ClockWrongError):
        await mirror._mirror(producer)  # type: ignore[arg-type]
    assert [decode(Mark, value).complete_through for _, value in producer.sent] == [0]
    monkeypatch.setattr(module.time, "time", lambda: NOW / 1000)
    monkeypatch.setattr(mirror, "_empty", _lost)
    with pytest.raises(KafkaTimeoutError):
        await mirror._mirror(producer)  # type: ignore[arg-type]
    with store.reading() as reading:
        assert reading.moment() == NOW + 1


async def _lost(*_: object) -> None:
    raise KafkaTimeoutError
