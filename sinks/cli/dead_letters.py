"""`needtoknow dead-letters`: messages that could not be read: which, why, what to do, and how many."""

from __future__ import annotations

import base64
import sys
import time
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final

import click

from schemas.errors import RejectedInputError
from schemas.ids import format_instant
from schemas.letter_act import LetterAct, Revealed
from schemas.settings import Settings
from sinks import kafka
from sinks.kafka import Broker
from sinks.letter_acts import read_acts
from sinks.letter_mask import masked
from sinks.letter_place import span_of
from sinks.letter_rules import advice, content_type, is_named, origin_of, page_of
from sinks.letter_search import Asked, Listing, Tally, found
from sinks.letters import DeadLetter

from .letter_acting import drop, record, replay
from .letter_lines import Shown, tally_lines
from .letter_lines import page as letter_page
from .letter_options import asking, by, checked_name, checked_reason, named, reason, state, state_of
from .letter_table import show_letters
from .lines import json_line, letter_line
from .options import as_json, with_broker

LIMIT: Final = 1_000
LIMIT_MAX: Final = 100_000  # of each 1 KB is kept


@click.group()
def dead_letters() -> None:
    """Messages that could not be read: list, show, count, replay or drop them. Each was set aside, and the next one
    judged.
    """


dead_letters.add_command(replay)
dead_letters.add_command(drop)


@dead_letters.command("list")
@click.option("--order", type=click.Choice(["newest", "oldest"]), default="newest", show_default=True)
@click.option("--limit", type=click.IntRange(1, LIMIT_MAX), default=LIMIT, show_default=True, help="Show so many.")
@state
@asking
@as_json
@with_broker
def list_letters(
    broker: Broker, settings: Settings, asked: Asked, order: str, limit: int, state: str, as_json: bool
) -> None:
    """List dead letters: number, when, which message (topic/partition/offset), at which stage, what was wrong.

    What was in the message is not shown: it may be somebody's data. A letter that was written twice is one.

    \b
    Example:
      needtoknow dead-letters list
      needtoknow dead-letters list --source irss --since 24h --order oldest
    """
    listing = Listing(limit, is_newest=order == "newest")
    asked = replace(asked, state=state_of(state))
    kafka.run(_fill(broker, settings, asked, listing), broker)
    letters = listing.letters
    if as_json:
        for letter in letters:
            click.echo(json_line(_with_origin(letter, settings)))
    elif not sys.stdout.isatty() or not show_letters(letters):
        for letter in letters:
            click.echo(letter_line(letter))
    if not letters and not as_json:
        click.echo("no dead letters" if asked.is_everything else "no dead letters of that kind")
    if listing.total > len(letters):
        click.echo(f"{len(letters):,} of {listing.total:,}; --limit shows more", err=True)


@dead_letters.command()
@click.argument("letter", metavar="NUMBER | TOPIC/PARTITION/OFFSET")
@click.option("--reveal", is_flag=True, help="Show what was in the message; it may be somebody's data. Recorded.")
@reason
@by
@as_json
@with_broker
def show(
    broker: Broker, settings: Settings, letter: str, reveal: bool, reason: str | None, by: str | None, as_json: bool
) -> None:
    """Show one dead letter: where it lies, what is wrong and where in it, what to do, and what was done about it.

    Its content is masked: how long things are and what stands between them is shown, values are not. --reveal shows
    them, with control characters as escapes, and --json gives the bytes in base64; who looked, when and why is
    recorded before anything is shown.

    \b
    Example:
      needtoknow dead-letters show 17
      needtoknow dead-letters show access.ecms.v1/2/991 --reveal --reason "the vendor asks for an example"
    """
    names, numbers = named([letter])
    look = _Look(checked_name(by), checked_reason(reason, "--reveal")) if reveal else None
    shown = kafka.run(_show(broker, settings, Asked(names=names, numbers=numbers), look), broker)
    click.echo(_json_page(shown, settings, reveal=reveal) if as_json else letter_page(shown, reveal=reveal))


@dead_letters.command()
@state
@asking
@as_json
@with_broker
def count(broker: Broker, settings: Settings, asked: Asked, state: str, as_json: bool) -> None:
    """Count dead letters by source or feed, stage and reason.

    \b
    Example:
      needtoknow dead-letters count --since 7d --state all
    """
    tally = kafka.run(_tally(broker, settings, replace(asked, state=state_of(state))), broker)
    rows = sorted(tally.counts.items(), key=lambda row: (-row[1], row[0]))
    if as_json:
        for (origin, stage, kind, known), number in rows:
            document = {origin.kind: origin.name, "stage": stage, "reason": kind, "state": known, "count": number}
            click.echo(json_line(document))
        return
    for line in tally_lines(rows):
        click.echo(line)


@dataclass(frozen=True)
class _Look:
    """Who wants to see what was in a message, and why."""

    by: str
    why: str

    def act(self, letter: DeadLetter) -> LetterAct:
        """As it is recorded."""
        body = Revealed(kind="revealed", reason=self.why)
        return LetterAct(letter=letter.name, at=int(time.time() * 1000), by=self.by, body=body)


async def _fill(broker: Broker, settings: Settings, asked: Asked, listing: Listing) -> None:
    async with aclosing(found(broker, settings.topics, asked)) as ones:
        async for one in ones:
            listing.add(one.letter, is_new=one.is_new)


async def _tally(broker: Broker, settings: Settings, asked: Asked) -> Tally:
    tally = Tally()
    async with aclosing(found(broker, settings.topics, asked)) as ones:
        async for one in ones:
            if one.is_new:
                tally.add(one.letter, settings.topics, one.state)
    return tally


async def _show(broker: Broker, settings: Settings, asked: Asked, look: _Look | None) -> Shown:
    """The letter and all acts on it; looking at its content is recorded before."""
    topics, letter, state, times = settings.topics, None, None, 0
    async with aclosing(found(broker, topics, asked)) as ones:
        async for one in ones:
            letter, state, times = letter or one.letter, one.state, times + 1
    if letter is None or state is None:
        raise RejectedInputError("letter", "is no dead letter; `needtoknow dead-letters list` names them all")
    if look is not None:
        if not is_named(letter):
            raise RejectedInputError("letter", "is about no place of a topic, so nothing can be recorded about it")
        await record(broker, settings, [look.act(letter)])
    async with aclosing(read_acts(broker, topics.letter_acts)) as acts:
        history = [act async for act in acts if act.letter == letter.name]
    return Shown(
        replace(letter, times=times), state, origin_of(letter, topics), advice(letter), page_of(letter, topics), history
    )


def _with_origin(letter: DeadLetter, settings: Settings) -> dict[str, Any]:
    origin = origin_of(letter, settings.topics)
    return letter.document() | ({} if origin.kind == "topic" else {origin.kind: origin.name})


def _json_page(shown: Shown, settings: Settings, *, reveal: bool) -> str:
    letter = shown.letter
    document = _with_origin(letter, settings) | {
        "state": shown.state,
        "stored": format_instant(letter.stored_at),
        "what_to_do": shown.advice,
        "page": shown.page,
        "acts": [act.model_dump(mode="json") for act in shown.history],
        "headers": len(letter.headers),
    }
    if letter.value is not None:
        kind = content_type(letter)
        span = span_of(kind, letter.message.partition(": ")[0], letter.value)
        document["place"] = None if span is None else span._asdict()
        document["masked_base64"] = _base64(masked(kind, letter.value))
    if reveal:
        document["headers"] = [[name, _base64(value)] for name, value in letter.headers]
        document["key_base64"] = _base64(letter.key)
        document["content_base64"] = _base64(letter.value)
    return json_line(document)


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()
