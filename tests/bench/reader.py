"""Reads `violations.v1` as somebody who watches it would, and notes when each transition, or each verdict, came."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Final, NamedTuple, Self

import orjson

from .broker import PARTITIONS, Broker, RunTopics

SHORT_POLL_MS: Final = 5
LONG_POLL_MS: Final = 100  # the broker answers as soon as there is something; shorter only asks more often


class Seen(NamedTuple):
    """One transition of one finding. `stored_at` (UTC ms) is when the broker stored it, `received` wall clock seconds.

    Of a program that knows no transitions, `transition`, `outcome` and `certainty` are None, `position` is 0.
    """

    event: str
    transition: str | None
    outcome: str | None
    certainty: str | None
    position: int
    stored_at: int
    received: float


class Follower(threading.Thread):
    """Reads all violations of a run from the beginning, as they come, between `with` and its end.

    `wait_ms`: how long the broker may keep an answer back when there is nothing.
    """

    def __init__(self, broker: Broker, topics: RunTopics, *, wait_ms: int) -> None:
        super().__init__(daemon=True)
        self._broker = broker
        self._topic = topics.service.violations
        self._wait_ms = wait_ms
        self._is_reading = threading.Event()
        self._is_over = threading.Event()

    def take(self, violation: Mapping[str, object], stored_at: int, received: float) -> None:
        """One violation; when the broker stored it (UTC ms), and when it came here (wall clock seconds)."""
        raise NotImplementedError

    def run(self) -> None:
        """Poll until closed."""
        group = f"{self._topic}-{type(self).__name__.lower()}"
        consumer = self._broker.consumer(group, **{"fetch.wait.max.ms": self._wait_ms})
        consumer.assign(self._broker.beginnings(self._topic, PARTITIONS))
        self._is_reading.set()
        while not self._is_over.is_set():
            message = consumer.poll(0.05)
            if message is not None and not message.error():
                received = time.time()
                self.take(orjson.loads(message.value() or b"{}"), message.timestamp()[1], received)
        consumer.close()

    def __enter__(self) -> Self:
        self.start()
        self._is_reading.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self.join()


class Reader(Follower):
    """`seen` has every transition, `first` the first of each event id."""

    def __init__(self, broker: Broker, topics: RunTopics) -> None:
        super().__init__(broker, topics, wait_ms=LONG_POLL_MS)
        self.seen: list[Seen] = []
        self.first: dict[str, Seen] = {}

    def take(self, violation: Mapping[str, object], stored_at: int, received: float) -> None:
        """Note it."""
        access, position = violation["access"], violation.get("position", 0)
        assert isinstance(access, dict)
        assert isinstance(position, int)
        transition, outcome, certainty = (_text(violation.get(n)) for n in ("transition", "outcome", "certainty"))
        one = Seen(access["event_id"], transition, outcome, certainty, position, stored_at, received)
        self.seen.append(one)
        self.first.setdefault(one.event, one)


class Verdicts(Follower):
    """`seen`: the first receipt (wall clock, seconds) of each event id.

    `odd` counts what is not the plain answer wanted here: raised, unexplained, final.
    """

    def __init__(self, broker: Broker, topics: RunTopics) -> None:
        super().__init__(broker, topics, wait_ms=SHORT_POLL_MS)
        self.seen: dict[str, float] = {}
        self.messages = 0
        self.odd = 0

    def take(self, violation: Mapping[str, object], stored_at: int, received: float) -> None:
        """Count it."""
        access = violation["access"]
        assert isinstance(access, dict)
        self.messages += 1
        self.seen.setdefault(access["event_id"], received)
        said = violation.get("transition"), violation.get("outcome"), violation.get("certainty")
        if said not in ((None, None, None), ("raised", "unexplained", "final")):  # the peers say nothing of the kind
            self.odd += 1

    @property
    def duplicates(self) -> int:
        """Violations reported more than once."""
        return self.messages - len(self.seen)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
