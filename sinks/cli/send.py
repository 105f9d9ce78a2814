"""`needtoknow send`: a file of accesses onto the topic of its source."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Final

import click

from schemas.settings import Settings
from sinks.kafka import Broker

from .layouts import LAYOUTS, native_messages, warnings
from .options import as_json, registered_source, with_broker
from .outgoing import access_lines
from .storing import check, read_all, send_and_report

JSON_ENDINGS: Final = (".json", ".jsonl", ".ndjson")
SYSLOG_ENDINGS: Final = (".log", ".syslog")
WARNINGS_SHOWN: Final = 5


def is_native(path: str, source: str) -> bool:
    """Whether a file of a source is as the system itself writes it, by its name: of ECMS only what says so is."""
    if source == "ecms":
        return path.lower().endswith(SYSLOG_ENDINGS)
    return source in LAYOUTS and not path.lower().endswith(JSON_ENDINGS)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--source",
    metavar="NAME",
    required=True,
    help="The system these accesses are from: one of ours, or of the registry.",
)
@click.option(
    "--format",
    "layout",
    type=click.Choice(["auto", "jsonl", "native"]),
    default="auto",
    show_default=True,
    help="jsonl: canonical JSON, one access a line. native: as the system itself writes it. auto: native where the "
    f"system hands over files ({', '.join(LAYOUTS)}), unless the name ends in .json, .jsonl or .ndjson; of ecms only "
    "files that end in .log or .syslog; else jsonl.",
)
@as_json
@with_broker
def send(broker: Broker, settings: Settings, file: str, source: str, layout: str, as_json: bool) -> None:
    """Put a file of accesses on the topic of its source. FILE may be - for standard input.

    The whole file is checked first. When anything is wrong, the line and the field are named and nothing is sent (only
    a single wrong line of a native file that is otherwise whole is sent: it becomes a dead letter, and the rest is
    judged). Then messages in and messages stored are counted; exit code 1 when they differ. Sending a file
    twice does no harm: a repeat is judged again and found again under the same id.

    \b
    Example:
      needtoknow send accesses.jsonl --source ecms
      needtoknow send FACTSAUD.20260105 --source facts
      needtoknow send usage.csv --source accurint
    One line of accesses.jsonl:
      {"event_id":"ecms-000123","source":"ecms","actor":"jdoe","action":"view",
       "record":{"kind":"case","id":"c0042"},"result":"success","occurred_at":"2026-01-05T14:14:03.120Z"}
    """
    registered_source(settings, source)
    if layout == "native" and source not in LAYOUTS:
        raise click.UsageError(f"only {', '.join(LAYOUTS)} hand over files of their own")
    raw = read_all(file)
    is_own = is_native(file, source) if layout == "auto" else layout == "native"
    messages = partial(native_messages if is_own else access_lines, raw, source)
    held = check(messages, raw.count(b"\n"))
    if is_own:
        _warn(raw, source)
    send_and_report(broker, settings.topics.access(source), messages, held, as_json=as_json)


def _warn(raw: bytes, source: str) -> None:
    found = warnings(raw, source)
    for words in islice(found, WARNINGS_SHOWN):
        click.echo(words, err=True)
    if more := sum(1 for _ in found):
        click.echo(f"and {more} more of the kind", err=True)
