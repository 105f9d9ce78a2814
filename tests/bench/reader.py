"""Reads `violations.v1` as somebody who watches it would, and notes when each transition came."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Final, NamedTuple

import orjson

from .broker import PARTITIONS, Broker, RunTopics

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


class Reader(threading.Thread):
    """Reads from the beginning until it is closed. `seen` has every transition, `first` the first of each event id."""

    def __init__(self, broker: Broker, topics: RunTopics) -> None:
        super().__init__(daemon=True)
        self._broker = broker
        self._topic = topics.service.violations
        self.seen: list[Seen] = []
        self.first: dict[str, Seen] = {}
        self._is_reading = threading.Event()
        self._is_over = threading.Event()

    def run(self) -> None:
        """Poll until closed."""
        consumer = self._broker.consumer(f"{self._topic}-reader", **{"fetch.wait.max.ms": LONG_POLL_MS})
        consumer.assign(self._broker.beginnings(self._topic, PARTITIONS))
        self._is_reading.set()
        while not self._is_over.is_set():
            message = consumer.poll(0.05)
            if message is not None and not message.error():
                now = time.time()
                self._take(orjson.loads(message.value() or b"{}"), message.timestamp()[1], now)
        consumer.close()

    def _take(self, violation: Mapping[str, object], stored_at: int, received: float) -> None:
        access, position = violation["access"], violation.get("position", 0)
        assert isinstance(access, dict)
        assert isinstance(position, int)
        transition, outcome, certainty = (_text(violation.get(n)) for n in ("transition", "outcome", "certainty"))
        one = Seen(access["event_id"], transition, outcome, certainty, position, stored_at, received)
        self.seen.append(one)
        self.first.setdefault(one.event, one)

    def __enter__(self) -> Reader:
        self.start()
        self._is_reading.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self.join()


def _text(value: object) -> str | None:
    return None if value is None else str(value)
