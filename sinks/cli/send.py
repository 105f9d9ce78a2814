"""`needtoknow send`: a file of accesses onto the topic of its source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import click

from schemas.cloud_event import Header
from schemas.errors import RejectedInputError
from schemas.ids import SourceName
from schemas.settings import Settings
from schemas.topics import GIVEN_HEADER
from sinks.kafka import Broker

from .follow import follow
from .layouts import LAYOUTS, foretold, native_messages
from .on_disk import OnDisk, changed, on_disk
from .options import as_json, registered_source, with_broker
from .outgoing import Outgoing, access_lines
from .signing import signing
from .storing import check, send_and_report

JSON_ENDINGS: Final = (".json", ".jsonl", ".ndjson")
SYSLOG_ENDINGS: Final = (".log", ".syslog")
WARNINGS_SHOWN: Final = 5


def is_native(path: str, source: str) -> bool:
    """Whether a file of a source is as the system itself writes it, by its name: of ECMS only what says so is."""
    if source == "ecms":
        return path.lower().endswith(SYSLOG_ENDINGS)
    return source in LAYOUTS and not path.lower().endswith(JSON_ENDINGS)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
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
@click.option("--follow", "follows", is_flag=True, help="Go on with what is written to FILE, through rotations.")
@click.option("--once", is_flag=True, help="With --follow: end when all that is there is stored. For cron.")
@as_json
@with_broker
def send(
    broker: Broker,
    settings: Settings,
    file: str,
    source: str,
    layout: str,
    follows: bool,
    once: bool,
    as_json: bool,
) -> None:
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
      needtoknow send --follow access.jsonl --source ecms
    One line of accesses.jsonl:
      {"event_id":"ecms-000123","source":"ecms","actor":"jdoe","action":"view",
       "record":{"kind":"case","id":"c0042"},"result":"success","occurred_at":"2026-01-05T14:14:03.120Z"}

    With --follow FILE is a log (JSON lines of any source, syslog of ecms) that is written, renamed (FILE.1,
    FILE-20260105), truncated. How far it was sent is remembered in NTK_DATA_DIR, for each Kafka, once it has stored
    it: each line is sent at least once, whatever is killed when. A wrong line becomes a dead letter and stops nothing.
    What cannot be had: lines written between copy and truncation (logrotate's `copytruncate`) are lost to everybody, so
    use `create`; what is compressed or deleted while this does not run is not read, so use `delaycompress`.
    """
    registered_source(settings, source)
    _check_use(file, follows=follows, once=once)
    if layout == "native" and source not in LAYOUTS:
        raise click.UsageError(f"only {', '.join(LAYOUTS)} hand over files of their own")
    is_own = is_native(file, source) if layout == "auto" else layout == "native"
    if follows:
        follow(broker, settings, file, source, is_own=is_own, is_once=once, as_json=as_json)
        return
    _send_whole(broker, settings, file, source, is_own=is_own, as_json=as_json)


def _send_whole(
    broker: Broker, settings: Settings, file: str, source: SourceName, *, is_own: bool, as_json: bool
) -> None:
    sign = signing(settings, source)
    with on_disk(file) as held:
        warned = Warned(source)
        counts = check(partial(looked_at if is_own else _canonical, held, source, warned), held.size, lambda: held.done)
        warned.tell()

        def messages() -> Iterator[Outgoing]:
            return map(sign, second_pass(held, source, warned.given, is_own=is_own))

        send_and_report(broker, settings.topics.access(source), messages, counts, as_json=as_json)


def _check_use(file: str, *, follows: bool, once: bool) -> None:
    if once and not follows:
        raise click.UsageError("--once goes with --follow")
    if follows and file == "-":
        raise click.UsageError("standard input cannot be followed: it is not there any more after a restart")
    if not follows and file != "-" and not Path(file).exists():
        raise click.BadParameter(f"File '{file}' does not exist.", param_hint="'FILE'")


@dataclass
class Warned:
    """What will not become an access though the file is sent, each by its place: the first few, and how many.

    `given`: the header that says the highest number in the file, which its end alone tells.
    """

    source: SourceName
    given: tuple[Header, ...] = ()
    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, words: str) -> None:
        """One more."""
        self.count += 1
        if self.count <= WARNINGS_SHOWN:
            self.first.append(words)

    def left_out(self, fault: RejectedInputError) -> None:
        """A part of the file that becomes no message."""
        self.add(f"left out: {fault}")

    def tell(self) -> None:
        """On standard error."""
        for words in self.first:
            click.echo(words, err=True)
        if self.count > WARNINGS_SHOWN:
            click.echo(f"and {self.count - WARNINGS_SHOWN} more of the kind", err=True)


def _canonical(held: OnDisk, source: SourceName, _: Warned) -> Iterator[Outgoing]:
    return access_lines(held.lines(), source)


def looked_at(held: OnDisk, source: SourceName, warned: Warned) -> Iterator[Outgoing]:
    """The messages of a native file, each looked at by the translator that the judge will use."""
    for number, message in enumerate(native_messages(held.lines(), source, warned.left_out), start=1):
        if words := foretold(source, number, message):
            warned.add(words)
        warned.given = tuple(header for header in message.headers if header[0] == GIVEN_HEADER) or warned.given
        yield message


def second_pass(held: OnDisk, source: SourceName, given: tuple[Header, ...], *, is_own: bool) -> Iterator[Outgoing]:
    """The second pass, in which nothing can be wrong any more unless somebody changed the file.

    What its end says of its numbers is said at its beginning, too: where sending ends halfway the rest is missed.
    """
    try:
        messages = (native_messages if is_own else access_lines)(held.lines(), source)
        for first in islice(messages, 1):
            yield replace(first, headers=(*first.headers, *given))
        yield from messages
    except RejectedInputError:
        raise changed() from None
