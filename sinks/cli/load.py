"""`needtoknow load`: a file of facts onto the topic of their feed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from io import BytesIO

import click

from schemas.fact import MARK_AHEAD_MAX_MS, Mark
from schemas.ids import EARLIEST_MS, LATEST_MS, FeedName, parse_instant
from schemas.settings import Settings
from schemas.topics import FEEDS
from sinks.kafka import Broker

from .csv_facts import fact_rows
from .options import as_json, with_broker
from .outgoing import MISSPELT, STRANGE_MAX, Outgoing, fact_lines, mark_message, misspelt, strange_sources
from .storing import Messages, check, read_all, send_and_report


class Instant(click.ParamType):
    """An RFC 3339 instant with an offset, as UTC milliseconds."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """UTC milliseconds; wrong use when it is none."""
        if isinstance(value, int):
            return value
        try:
            instant = parse_instant(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not EARLIEST_MS <= instant <= LATEST_MS:
            self.fail("must lie between the years 1900 and 9999", param, ctx)
        return instant


def _not_ahead(ctx: click.Context, param: click.Parameter, value: int | None) -> int | None:
    """Register refuses such a mark (schemas.fact.Mark); better told before anything is sent."""
    if value is not None and value > time.time() * 1000 + MARK_AHEAD_MAX_MS:
        raise click.BadParameter("lies ahead of the clock; nobody can promise that")
    return value


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--feed", required=True, type=click.Choice(list(FEEDS)), help="The feed that states these facts.")
@click.option(
    "--complete-through",
    type=Instant(),
    callback=_not_ahead,
    metavar="INSTANT",
    help="After the facts, promise that all of this feed's facts recorded up to then have been sent (a mark), like "
    "2026-01-05T08:00:00Z.",
)
@click.option(
    "--format",
    "layout",
    type=click.Choice(["auto", "jsonl", "csv"]),
    default="auto",
    show_default=True,
    help="jsonl: one fact or mark a line. csv: a table of facts. auto: by the end of the name, else jsonl.",
)
@as_json
@with_broker
def load(
    broker: Broker, settings: Settings, file: str, feed: str, complete_through: int | None, layout: str, as_json: bool
) -> None:
    """Put a file of facts (who works on what, who supervises whom ...) on the topic of their feed. FILE may be -.

    The whole file is checked first; when anything is wrong, the line and the field are named and nothing is sent.

    A finding is raised only once its feeds have said how far they are complete. Such marks are sent only when the file
    holds them or when you say --complete-through; they are never guessed from the facts.

    \b
    Example:
      needtoknow load duties.jsonl --feed assignments --complete-through 2026-01-05T08:00:00Z
      needtoknow load staff.csv --feed staff
    One line of duties.jsonl, and a mark:
      {"fact_id":"as-7","revision":1,"valid_from":"2026-01-05T00:00:00Z","recorded_at":"2026-01-05T08:01:00Z",
       "body":{"kind":"assignment","staff":"w028","record":{"kind":"case","id":"c0042"},"role":"management"}}
      {"feed":"assignments","complete_through":"2026-01-05T08:01:30Z","sequence":4711}

    \b
    Columns of a CSV file (a header names those it has, in any order; an empty cell is an absent field):
      always       kind, fact_id, revision, valid_from, recorded_at; if known valid_to, recorded_by, void
      assignment   staff or unit, record_kind, record_id, role
      supervision  supervisor, staff
      coverage     covering, covered
      account      source, login, staff
      membership   record_kind, record_id, within_kind, within_id
      unit_member  staff, unit
      review       staff, record_kind, record_id, alert
    """
    raw = read_all(file)
    messages = with_mark(_messages(raw, feed, is_csv=is_csv(file, layout)), feed, complete_through)
    held = check(messages, raw.count(b"\n"))
    if strangers := strange_sources(messages(), settings.sources):
        click.echo(f"accounts of sources that are not registered here: {', '.join(strangers)}", err=True)
    if wrong := [message.key.decode() for message in messages() if misspelt(message)]:
        named, more = ", ".join(wrong[:STRANGE_MAX]), ", ..." if len(wrong) > STRANGE_MAX else ""
        click.echo(f"login of {len(wrong)} accounts of jnet {'; '.join(MISSPELT)} ({named}{more})", err=True)
    send_and_report(broker, settings.topics.feed(feed), messages, held, as_json=as_json)
    if not held.marks:
        click.echo(
            f"no mark was sent: accesses wait until {feed} says how far it is complete (--complete-through)", err=True
        )


def is_csv(path: str, layout: str) -> bool:
    """Whether a file is a table, by what was said or by its name."""
    return layout == "csv" or (layout == "auto" and path.lower().endswith(".csv"))


def with_mark(messages: Messages, feed: FeedName, complete_through: int | None) -> Messages:
    """The messages, and the promised mark behind them.

    Its sequence is the instant itself: it rises with what is promised, and loading a file twice gives equal bytes.
    """
    if complete_through is None:
        return messages
    mark = Mark(feed=feed, complete_through=complete_through, sequence=max(complete_through, 0))

    def both() -> Iterator[Outgoing]:
        yield from messages()
        yield mark_message(mark, feed)

    return both


def _messages(raw: bytes, feed: FeedName, *, is_csv: bool) -> Messages:
    return partial(fact_rows, raw, feed) if is_csv else lambda: fact_lines(BytesIO(raw), feed)
