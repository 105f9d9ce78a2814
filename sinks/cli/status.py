"""`needtoknow status`: what is read, what waits, what was found."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from typing import Final

import click
from aiokafka import TopicPartition

from schemas.codec import decode
from schemas.finding import Finding
from schemas.ids import LATEST_MS
from schemas.settings import Settings
from sinks.kafka import Broker, admin, consumer, offsets_at, partitions, read_topic, run
from sinks.ledger.rejudge import joined
from sinks.letter_rules import origin_of
from sinks.letters import read_letter
from sinks.looking import look
from sinks.standing import Standing, standing
from sinks.watch.asking import ask

from .lines import safe
from .options import Seconds, as_json, with_broker
from .source_lines import source_lines

DAY_SECONDS: Final = 86_400
LETTERS_READ: Final = 1_000  # dead letters looked at, the newest: status is asked several times a second
LOOK_SECONDS: Final = 0.3  # between two looks while waiting; commits come once a second


@click.command()
@click.option("--wait-idle", type=Seconds(min=0), metavar="SECONDS", help="Wait until idle, at most so long.")
@as_json
@with_broker
def status(broker: Broker, settings: Settings, wait_idle: float | None, as_json: bool) -> int:
    """Say what is read, judged, pending and found; exit 0 when idle and well, 1 when not.

    Idle means: a worker runs, nothing is left to read, register or judge, and every open access has been judged with
    the newest facts and marks. Pending accesses may remain: they wait for a feed, not for us.

    Of each source, if `needtoknow watch` runs (NTK_WATCH_URL): when it was last heard, which of its numbers are
    missing, whether it is silent or overdue, and how far its clock is off. While it does not answer that is not known,
    in JSON "healthy": null; if NTK_WATCH_URL is set, the exit status is 1 then.

    Example: needtoknow status --json --wait-idle 30
    """
    found = run(_wait(broker, settings, wait_idle), broker)
    click.echo(json.dumps(found.document(), indent=2) if as_json else _lines(found))
    return 0 if found.is_good else 1


async def _wait(broker: Broker, settings: Settings, wait_idle: float | None) -> Standing:
    deadline = time.monotonic() + (wait_idle or 0)
    counts = await partitions(broker, [topic.name for topic in settings.topics.all()])
    places = [TopicPartition(topic, number) for topic, count in counts.items() for number in range(count)]
    async with admin(broker) as client, consumer(broker) as reader:
        said = time.monotonic()
        while True:
            found = standing(await look(settings, client, reader, places))
            if found.why_not_idle is None or time.monotonic() >= deadline:
                break
            if time.monotonic() - said > 1:
                said = time.monotonic()
                behind = f"{sum(found.lag.values()):,} messages behind"
                patience = f"waiting {deadline - said:.0f} s more"
                click.echo(f"not idle yet: {behind}; {found.why_not_idle}; {patience}", err=True)
            await asyncio.sleep(LOOK_SECONDS)
    await _count_findings(broker, settings, found)
    if found.messages.get(settings.topics.dead_letters):
        await _count_letters(broker, settings, found)
    found.sources = await ask(settings)
    return found


async def _count_letters(broker: Broker, settings: Settings, found: Standing) -> None:
    """Of the last day, and no more than the newest of them: `dead-letters count` reads all."""
    topic, day_ago = settings.topics.dead_letters, int((time.time() - DAY_SECONDS) * 1000)
    first = (await offsets_at(broker, topic, day_ago))[0]
    newest = (await offsets_at(broker, topic, LATEST_MS))[0] - LETTERS_READ
    counts: Counter[str] = Counter()
    async for message in read_topic(broker, topic, start={0: max(first, newest)}):
        counts[origin_of(read_letter(message), settings.topics).name] += 1
    found.letters = dict(counts)


async def _count_findings(broker: Broker, settings: Settings, found: Standing) -> None:
    findings = [decode(Finding, m.value) async for m in read_topic(broker, settings.topics.violations)]
    states = joined(findings).values()
    found.findings = dict(Counter(f.outcome for f in states if f.outcome != "explained"))
    found.certainty = dict(Counter(f.certainty for f in states if f.outcome != "explained"))


def _lines(found: Standing) -> str:
    lines = ["idle" if found.why_not_idle is None else f"not idle: {found.why_not_idle}"]
    lines.append(f"workers: {found.workers}")
    lines.append(f"facts: position {found.facts_position}")
    lines += [f"mark of {feed}: complete through {through}" for feed, through in found.marks.items()]
    lines.append(f"accesses: {found.pending} pending, {found.open} open")
    lines += [f"{topic}: {lag} behind" for topic, lag in found.lag.items() if lag]
    shown = ", ".join(f"{count} {outcome}" for outcome, count in sorted(found.findings.items())) or "none"
    lines.append(f"findings: {shown}")
    if found.letters:
        by = ", ".join(f"{safe(name)} {count}" for name, count in sorted(found.letters.items()))
        least = "at least " if sum(found.letters.values()) >= LETTERS_READ else ""
        lines.append(f"dead letters written in the last day: {least}{by}; needtoknow dead-letters count")
    lines += [f"not registered, nobody reads it: {topic}" for topic in found.unregistered]
    lines += source_lines(found.sources, round(time.time() * 1000))
    return "\n".join(lines)
