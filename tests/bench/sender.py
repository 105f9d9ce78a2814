"""Sends messages when they are due. A program of its own, so that reading verdicts cannot make it late.

    python -m tests.bench.sender '{"broker": "127.0.0.1:9092", "what": "open-loop", ...}'

Says `ready` once all messages are made, starts when it is told to (a line on standard input), and says at the end, as
JSON, how it kept its schedule.
"""

from __future__ import annotations

import sys
import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import orjson
from confluent_kafka import Producer

from schemas.ids import format_instant
from streams.garbage import keep_for_good

from . import disorder_load, open_load
from .schedule import Step
from .spread import spread

NAP_SECONDS: Final = 0.000_5  # shorter naps take longer than they say; what became due meanwhile is sent at once
LEAD_SECONDS: Final = 0.2  # from the word to the first message
FLUSH_SECONDS: Final = 60.0
MAKERS: Final = {"open-loop": open_load.steps, "disorder": disorder_load.steps}


class Sending:
    """One run through a schedule."""

    def __init__(self, broker: str) -> None:
        self.late_ms = array("d")
        self.stored_ms: list[float] = []  # from due to stored, of the messages that are watched
        self.failed = 0
        self._producer = Producer(
            {
                "bootstrap.servers": broker,
                "log_level": 2,
                "partitioner": "murmur2_random",
                "linger.ms": 2,  # as an emitter would: the broker is on this machine, and one request each is dear
                "queue.buffering.max.messages": 2_000_000,
                "queue.buffering.max.kbytes": 1_000_000,
                "enable.idempotence": True,
            }
        )

    def run(self, steps: Sequence[Step]) -> tuple[float, float]:
        """Send them all; the wall clock (seconds) at the start, and how many seconds until the last was handed over."""
        wall, start = time.time() + LEAD_SECONDS, time.perf_counter() + LEAD_SECONDS
        produce, poll, clock = self._producer.produce, self._producer.poll, time.perf_counter
        instants = _Instants(wall)
        for step in steps:
            due = start + step.at
            while (ahead := due - clock()) > 0:
                poll(0)
                time.sleep(max(ahead, NAP_SECONDS))
            value = step.head if step.tail is None else step.head + instants.at(step.at) + step.tail
            told = self._told_of((wall + step.at) * 1000) if step.is_watched else self._told
            self.late_ms.append((clock() - due) * 1000)
            produce(step.topic, key=step.key, value=value, on_delivery=told)
        took = clock() - start
        self.failed += self._producer.flush(FLUSH_SECONDS)
        return wall, took

    def _told(self, error: object, _message: object) -> None:
        self.failed += error is not None

    def _told_of(self, due_ms: float) -> Any:
        def told(error: object, message: Any) -> None:
            self._told(error, message)
            if error is None:
                self.stored_ms.append(message.timestamp()[1] - due_ms)

        return told


class _Instants:
    """Instants as texts; those of one millisecond are made once."""

    def __init__(self, wall: float) -> None:
        self._wall_ms = wall * 1000
        self._last = -1
        self._text = b""

    def at(self, seconds: float) -> bytes:
        instant = int(self._wall_ms + seconds * 1000)
        if instant != self._last:
            self._last, self._text = instant, format_instant(instant).encode()
        return self._text


def main(plan: dict[str, Any]) -> None:
    """One schedule from beginning to end."""
    steps = list(_made(plan))
    sending = Sending(plan["broker"])
    keep_for_good()
    print("ready", flush=True)
    if not sys.stdin.readline():
        return  # whoever started it is gone
    wall, took = sending.run(steps)
    answer = {
        "start": wall,
        "took_s": took,
        "sent": len(steps),
        "late": _numbers(sending.late_ms),
        "stored": _numbers(sending.stored_ms),
        "failed": sending.failed,
    }
    print(orjson.dumps(answer).decode(), flush=True)


def _numbers(delays_ms: Iterable[float]) -> list[float] | None:
    found = spread(delays_ms)
    return None if found is None else list(found)


def _made(plan: dict[str, Any]) -> Iterator[Step]:
    return MAKERS[plan["what"]](plan["topic_prefix"], plan["load"])


if __name__ == "__main__":
    main(orjson.loads(sys.argv[1]))
