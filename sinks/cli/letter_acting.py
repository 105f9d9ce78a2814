"""`needtoknow dead-letters replay` and `drop`: what people do about letters, recorded with who, when and why."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

import click

from schemas.letter_act import Dropped, LetterAct
from schemas.settings import Settings
from sinks import kafka
from sinks.kafka import Broker
from sinks.letter_replay import BATCH, Outcome, Sender, Sent, Wish
from sinks.letter_replay import replay as replay_letters
from sinks.letter_rules import is_named
from sinks.letter_search import Asked, One, found

from .codes import GOOD, NO
from .letter_lines import outcome_lines
from .letter_options import asking, by, checked_name, checked_reason, named, reason
from .lines import json_line
from .options import as_json, with_broker

LIMIT_MAX: Final = 10_000_000

all_of_them = click.option("--all", "is_all", is_flag=True, help="All that are open, when no filter narrows it.")


@click.command()
@click.argument("letters", nargs=-1, metavar="[NUMBER | TOPIC/PARTITION/OFFSET]...")
@click.option("--dry-run", is_flag=True, help="Send nothing: say how many would be read now, and how many would not.")
@click.option("--force", is_flag=True, help="Also what would fail again, and what was quarantined, untried.")
@click.option("--again", is_flag=True, help="Also what was replayed or dropped before.")
@click.option("--limit", type=click.IntRange(1, LIMIT_MAX), help="Replay at most so many.")
@all_of_them
@asking
@by
@as_json
@with_broker
def replay(
    broker: Broker,
    settings: Settings,
    asked: Asked,
    letters: tuple[str, ...],
    dry_run: bool,
    force: bool,
    again: bool,
    limit: int | None,
    is_all: bool,
    by: str | None,
    as_json: bool,
) -> int:
    """Send dead letters back to the topics they came from, after whatever refused them is mended.

    The same bytes, key and headers. Each is tried with today's reader first, and stays where it is when that would
    refuse it again. One that was replayed or dropped is passed over. A repeat does no harm: it is found again under
    the same id. When it is interrupted, the same command goes on where it stopped. Marks, and what is in conflict, are
    never replayed. Exit code 1 when any that was asked for stays.

    \b
    Example:
      needtoknow dead-letters replay --source irss --since 7d --dry-run
      needtoknow dead-letters replay 17 18
    """
    chosen = _chosen(asked, letters, is_all=is_all)
    wish = Wish(is_forced=force, is_again=again, limit=limit)
    outcome = kafka.run(_replay(broker, settings, chosen, wish, None if dry_run else checked_name(by)), broker)
    _complain_of_missing(len(letters), outcome.matched)
    if as_json:
        click.echo(json_line({"dry_run": dry_run, **outcome.document()}))
    else:
        click.echo("\n".join(outcome_lines(outcome, dry_run=dry_run)))
    return NO if outcome.left or outcome.replayed < len(letters) else GOOD


@click.command()
@click.argument("letters", nargs=-1, metavar="[NUMBER | TOPIC/PARTITION/OFFSET]...")
@all_of_them
@asking
@reason
@by
@as_json
@with_broker
def drop(
    broker: Broker,
    settings: Settings,
    asked: Asked,
    letters: tuple[str, ...],
    is_all: bool,
    reason: str | None,
    by: str | None,
    as_json: bool,
) -> int:
    """Give dead letters up: nobody needs to look at them any more. The reason is recorded for ever, with who and when.

    Nothing is deleted: `list --state dropped` shows them, and `replay --again` still sends them.

    \b
    Example:
      needtoknow dead-letters drop 17 --reason "a test message of the vendor"
    """
    why, name = checked_reason(reason, "drop"), checked_name(by)
    chosen = _chosen(asked, letters, is_all=is_all)
    dropped, strange, done = kafka.run(_drop(broker, settings, chosen, name, why), broker)
    _complain_of_missing(len(letters), dropped + strange + done)
    if as_json:
        click.echo(json_line({"dropped": dropped, "not_ours": strange, "done_before": done}))
    else:
        click.echo(f"{dropped:,} dropped" + (f"; {done:,} were replayed or dropped before" if done else ""))
        if strange:
            click.echo(f"{strange:,} are about no place of a topic, so nothing can be recorded about them", err=True)
    return NO if strange or dropped < len(letters) else GOOD


def _chosen(asked: Asked, letters: Sequence[str], *, is_all: bool) -> Asked:
    """What is asked for. Wrong use when nothing narrows it, and nobody said that all are meant."""
    names, numbers = named(letters)
    chosen = replace(asked, names=names, numbers=numbers)
    if chosen.is_everything and not is_all:
        raise click.UsageError("name letters, or narrow them (--source, --since ...), or say --all")
    return chosen


def _complain_of_missing(asked: int, matched: int) -> None:
    if matched < asked:
        click.echo(f"needtoknow: {asked - matched} of those named are no dead letters, or not of that kind", err=True)


async def record(broker: Broker, settings: Settings, acts: Sequence[LetterAct]) -> None:
    """Stores acts; NotReadyError when the broker does not take them in time."""
    await kafka.partitions(broker, [settings.topics.letter_acts])
    async with kafka.producer(broker) as client:
        await Sender(client, broker, settings.topics, {}, "").record(acts)


async def _replay(broker: Broker, settings: Settings, asked: Asked, wish: Wish, by: str | None) -> Outcome:
    topics = settings.topics
    async with aclosing(found(broker, topics, asked)) as ones:
        if by is None:
            return await replay_letters(ones, topics, wish, _nothing)
        counts = await kafka.partitions(broker, [*topics.accesses(), *topics.feeds()])
        async with kafka.producer(broker) as client:
            return await replay_letters(ones, topics, wish, Sender(client, broker, topics, counts, by).send)


async def _nothing(batch: Sequence[Sent]) -> Sequence[Sent]:
    """A trial sends nothing, and so is not refused anything."""
    return ()


async def _drop(broker: Broker, settings: Settings, asked: Asked, by: str, why: str) -> tuple[int, int, int]:
    """How many were dropped, are none of ours, and were done with before."""
    dropped = strange = done = 0
    async with aclosing(found(broker, settings.topics, asked)) as ones, kafka.producer(broker) as client:
        sender, acts = Sender(client, broker, settings.topics, {}, by), list[LetterAct]()
        async for one in _firsts(ones):
            if one.state != "open" or not is_named(one.letter):
                done, strange = done + (one.state != "open"), strange + (one.state == "open")
                continue
            body = Dropped(kind="dropped", reason=why)
            acts.append(LetterAct(letter=one.letter.name, at=int(time.time() * 1000), by=by, body=body))
            dropped += 1
            if len(acts) == BATCH:
                await sender.record(acts)
                acts = []
        await sender.record(acts)
    return dropped, strange, done


async def _firsts(ones: AsyncIterator[One]) -> AsyncIterator[One]:
    async for one in ones:
        if one.is_new:
            yield one
