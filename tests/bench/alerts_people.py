"""What is done to a filled store while it is timed: pages, searches, people who take alerts, findings that come."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from schemas.act import Acknowledged, Actor
from schemas.codec import encode
from schemas.finding import Finding, MessagePlace
from sinks.alerts.commanding import Command
from sinks.alerts.hearing import BATCH, take
from sinks.alerts.writing import act_on, hear
from sinks.store.reading import Filter
from sinks.store.store import Store

from .alerts_ask import Ask
from .alerts_load import BEGIN_MS, DAYS, TOPIC, finding_of
from .alerts_time import Times

PAGE: Final = 50
FINDINGS_PER_S: Final = 50
NOW_MS: Final = BEGIN_MS + (DAYS + 100) * 86_400_000
NEW: Final = 10_000_000  # numbers of findings above all that the store was filled with
LARGE: Final = 5_000  # findings of one alert
LARGE_PIECE: Final = 100  # of them in one transaction


@dataclass(frozen=True, slots=True)
class Record:
    """A message, as far as `take` looks at it."""

    offset: int
    value: bytes


def ask(store: Store, asks: list[Ask], times: Times) -> None:
    """A page with its counts, as a person sees it."""
    for name, wanted in asks:
        with times.one(name), store.reading() as reading:
            found = reading.alerts(wanted, PAGE)
            if wanted.words:
                reading.named(wanted.words, [alert.alert_id for alert in found])
            reading.facets(wanted.hidden)


def acknowledge(store: Store, count: int, times: Times) -> None:
    """Somebody takes one open alert after the other."""
    with store.reading() as reading:
        found = reading.alerts(Filter(status=("open",)), count)
    command = Command(
        actor=Actor(staff="a000", login="a000-login", role="analyst"), bodies=(Acknowledged(kind="acknowledged"),)
    )
    for alert in found:
        with times.one(), store.writing() as writing:
            act_on(writing, alert.alert_id, command, NOW_MS)


@contextmanager
def findings_coming(store: Store, first: int) -> Iterator[None]:
    """Another thread reads findings, each when it is due."""
    over = threading.Event()
    errors: list[BaseException] = []

    def read() -> None:
        began, done = time.monotonic(), 0
        while not over.wait(max(0.0, began + done / FINDINGS_PER_S - time.monotonic())):
            due = int((time.monotonic() - began) * FINDINGS_PER_S) + 1
            _hear(store, range(first + done, first + due))
            done = max(done, due)

    def told() -> None:
        try:
            read()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=told, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(60)
    if errors:
        raise errors[0]


def batches(store: Store, first: int, count: int) -> float:
    """Acts a second while a backlog is read: messages as they come from Kafka, so many at once as the service takes."""
    acts, begin, spent = 0, None, 0.0
    for number in range(first, first + count * BATCH, BATCH):
        records = [Record(n, encode(_finding(n))) for n in range(number, number + BATCH)]
        began = time.perf_counter()
        acts += take(store, TOPIC, 9, begin, records, NOW_MS)
        spent += time.perf_counter() - began
        begin = records[-1].offset + 1
    return acts / spent


def one_large(store: Store, first: int) -> dict[str, float]:
    """An alert that grows to 5,000 findings: milliseconds for one more, and for a page of it, at either end."""
    chance, alert_id, times, pages = random.Random(3), "", Times(), Times()
    for begin in range(0, LARGE, LARGE_PIECE):
        findings = [finding_of(first, (3, 77, 1), begin + n, NOW_MS, chance) for n in range(LARGE_PIECE)]
        with times.one(), store.writing() as writing:
            for number, finding in enumerate(findings, begin):
                place = MessagePlace(topic=TOPIC, partition=8, offset=number)
                alert_id = hear(writing, finding, place, NOW_MS + number)[0].alert_id
    # From a thousand on: until then there are new combinations, of which an alert keeps a count each, some fifty.
    few, many = times.cpu[10:20], times.cpu[-10:]
    for after in (0, LARGE - PAGE):
        with pages.one(), store.reading() as reading:
            reading.history(alert_id, after=after, count=PAGE)
    return {
        "one_more_of_few_ms": min(few) / LARGE_PIECE,
        "one_more_of_many_ms": min(many) / LARGE_PIECE,
        "history_page_ms": max(pages.clock),
    }


def _hear(store: Store, numbers: range) -> None:
    with store.writing() as writing:
        for number in numbers:
            hear(writing, _finding(number), MessagePlace(topic=TOPIC, partition=7, offset=number), NOW_MS)


def _finding(number: int) -> Finding:
    chance = random.Random(number)
    return finding_of(number, (number % 2_000, number % 200_000, number % 8), 0, NOW_MS, chance)
