"""`needtoknow send`: a file of accesses onto the topic of its source."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Final, Literal

import click

from schemas.settings import Settings
from schemas.topics import SOURCES
from sinks.kafka import Broker

from .options import as_json, with_broker
from .outgoing import access_lines, facts_night, unreadable_facts_lines
from .storing import check, read_all, send_and_report

Format = Literal["jsonl", "facts"]
JSON_ENDINGS: Final = (".json", ".jsonl", ".ndjson")
WARNINGS_SHOWN: Final = 5


def format_of(path: str, source: str) -> Format:
    """The format of a file by its name: FACTS sends its nightly layout unless the name says JSON."""
    return "facts" if source == "facts" and not path.lower().endswith(JSON_ENDINGS) else "jsonl"


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--source", required=True, type=click.Choice(list(SOURCES)), help="The system these accesses are from.")
@click.option(
    "--format",
    "layout",
    type=click.Choice(["auto", "jsonl", "facts"]),
    default="auto",
    show_default=True,
    help="jsonl: canonical JSON, one access a line. facts: the nightly fixed-width file of FACTS. auto: facts for the "
    "source facts, unless the name ends in .json, .jsonl or .ndjson; else jsonl.",
)
@as_json
@with_broker
def send(broker: Broker, settings: Settings, file: str, source: str, layout: str, as_json: bool) -> None:
    """Put a file of accesses on the topic of its source. FILE may be - for standard input.

    The whole file is checked first. When anything is wrong, the line and the field are named and nothing is sent (only
    a single wrong line of a FACTS file that is otherwise whole is sent: it becomes a dead letter, and the rest of the
    night is judged). Then messages in and messages stored are counted; exit code 1 when they differ. Sending a file
    twice does no harm: a repeat is judged again and found again under the same id.

    \b
    Example:
      needtoknow send accesses.jsonl --source ecms
      needtoknow send FACTSAUD.20260105 --source facts
    One line of accesses.jsonl:
      {"event_id":"ecms-000123","source":"ecms","actor":"jdoe","action":"view",
       "record":{"kind":"case","id":"c0042"},"result":"success","occurred_at":"2026-01-05T14:14:03.120Z"}
    """
    if layout == "facts" and source != "facts":
        raise click.UsageError("only the source facts sends the layout facts")
    raw = read_all(file)
    is_night = (format_of(file, source) if layout == "auto" else layout) == "facts"
    messages = partial(facts_night, raw) if is_night else partial(access_lines, raw, source)
    held = check(messages, raw.count(b"\n"))
    if is_night:
        _warn(raw)
    send_and_report(broker, settings.topics.access(source), messages, held, as_json=as_json)


def _warn(raw: bytes) -> None:
    faults = unreadable_facts_lines(raw)
    for fault in islice(faults, WARNINGS_SHOWN):
        click.echo(f"will become a dead letter: {fault}", err=True)
    if more := sum(1 for _ in faults):
        click.echo(f"and {more} more lines will become dead letters", err=True)
