"""`needtoknow send`: a file of accesses onto the topic of its source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import click

from schemas.cloud_event import Header
from schemas.errors import NotReadyError, RejectedInputError
from schemas.ids import SourceName
from schemas.settings import Settings
from schemas.topics import GIVEN_HEADER
from sinks import kafka
from sinks.kafka import Broker

from .codes import NO
from .follow import follow
from .layouts import ENDED, HEADED, LAYOUTS, foretold, header, native_messages
from .on_disk import InTurn, changed, in_turn
from .options import as_json, registered_source, with_broker
from .outgoing import Outgoing, access_lines
from .signing import signing
from .storing import check, send_and_report, store

JSON_ENDINGS: Final = (".json", ".jsonl", ".ndjson")
SYSLOG_ENDINGS: Final = (".log", ".syslog")
WARNINGS_SHOWN: Final = 5
ANNOUNCE_SECONDS: Final = 10.0  # whoever sends knows already that the file is refused, and waits for nothing else
TOLD_MAX: Final = 10_000  # of parts that are not sent: as many requests as may wait, so each of these is named


def is_native(path: str, source: str) -> bool:
    """Whether a file of a source is as the system itself writes it, by its name: of ECMS only what says so is."""
    if source == "ecms":
        return path.lower().endswith(SYSLOG_ENDINGS)
    return source in LAYOUTS and not path.lower().endswith(JSON_ENDINGS)


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(dir_okay=False, allow_dash=True))
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
@click.option(
    "--ended",
    is_flag=True,
    help="Of clean: no file follows. A request whose response never came is sent as one that succeeded.",
)
@click.option("--follow", "follows", is_flag=True, help="Go on with what is written to FILE, through rotations.")
@click.option("--once", is_flag=True, help="With --follow: end when all that is there is stored. For cron.")
@as_json
@with_broker
def send(
    broker: Broker,
    settings: Settings,
    files: tuple[str, ...],
    source: str,
    layout: str,
    ended: bool,
    follows: bool,
    once: bool,
    as_json: bool,
) -> None:
    """Put a file of accesses on the topic of its source. FILE may be - for standard input.

    The whole file is checked first. When anything is wrong, line and field are named and no access is sent (only a
    single wrong line of a native file that is otherwise whole becomes a dead letter; of a FACTS file that is not, a
    header is stored, so that page ShortFile stands until it comes whole). Messages in and messages stored are counted;
    exit code 1 when they differ. Sending twice does no harm: a repeat is found again under the same id.

    \b
    Example:
      needtoknow send accesses.jsonl --source ecms
      needtoknow send FACTSAUD.20260105 --source facts
      needtoknow send --follow access.jsonl --source ecms
    One line of accesses.jsonl:
      {"event_id":"ecms-000123","source":"ecms","actor":"jdoe","action":"view",
       "record":{"kind":"case","id":"c0042"},"result":"success","occurred_at":"2026-01-05T14:14:03.120Z"}

    Several FILEs only of clean, in their order. A request whose response is not there is not sent but named: it may be
    in the next file, so send both together.

    With --follow FILE is a log (JSON lines of any source, syslog of ecms) that is written, renamed (FILE.1,
    FILE-20260105), truncated. How far it was sent is remembered in NTK_DATA_DIR, for each Kafka, once it has stored
    it: each line is sent at least once, whatever is killed when. A wrong line becomes a dead letter and stops nothing.
    What cannot be had: lines written between copy and truncation (logrotate's `copytruncate`) are lost to everybody, so
    use `create`; what is compressed or deleted while this does not run is not read, so use `delaycompress`.
    """
    registered_source(settings, source)
    _check_use(files, follows=follows, once=once)
    form = _layout(files, source, layout, ended=ended)
    if follows:
        follow(broker, settings, files[0], source, is_own=form.is_own, is_once=once, as_json=as_json)
    else:
        _send_whole(broker, settings, files, form, as_json=as_json)


def _send_whole(broker: Broker, settings: Settings, files: Sequence[str], layout: Layout, *, as_json: bool) -> None:
    source = layout.source
    sign = signing(settings, source)
    with in_turn(files) as held:
        warned = Warned(source)
        try:
            counts = check(
                partial(looked_at if layout.is_own else _canonical, held, layout, warned), held.size, lambda: held.done
            )
        except RejectedInputError as fault:
            if source not in HEADED or not layout.is_own:
                raise
            click.echo(f"needtoknow: {fault}", err=True)  # first: no Kafka that is away may hold it back
            first = header(held.lines(), source)
            click.echo(f"needtoknow: {_announced(broker, settings, source, first and sign(first))}", err=True)
            raise click.exceptions.Exit(NO) from None
        warned.tell()

        def messages() -> Iterator[Outgoing]:
            return map(sign, second_pass(held, layout, warned.given))

        send_and_report(broker, settings.topics.access(source), messages, counts, as_json=as_json)


def _announced(broker: Broker, settings: Settings, source: SourceName, first: Outgoing | None) -> str:
    """What became of the header of a file that is refused. Stored, it makes whoever watches miss the rest."""
    if first is None:
        return "no header says which file it is, so nobody who watches is told of it"
    topic, patient = settings.topics.access(source), min(broker.timeout, ANNOUNCE_SECONDS)
    brief = replace(broker, timeout=patient)
    try:
        stored, why = kafka.run(store(brief, topic, [first], 1), brief), ""
    except NotReadyError as error:
        stored, why = 0, f": {error}"
    if not stored:
        return f"the file's header could not be stored either, so nobody who watches is told of it{why}"
    return "the file's header was stored: page ShortFile fires in two minutes, unless it comes whole, or has before"


class Layout(NamedTuple):
    """Whose files they are. `is_own`: as the system writes them. `is_ended`: no file of its log follows them."""

    source: SourceName
    is_own: bool = True
    is_ended: bool = False


def _layout(files: Sequence[str], source: SourceName, layout: str, *, ended: bool) -> Layout:
    if layout == "native" and source not in LAYOUTS:
        raise click.UsageError(f"only {', '.join(LAYOUTS)} hand over files of their own")
    is_own = all(is_native(file, source) if layout == "auto" else layout == "native" for file in files)
    if (len(files) > 1 or ended) and not (is_own and source in ENDED):
        raise click.UsageError(f"several FILEs at once, or --ended, only of {', '.join(ENDED)} as it writes them")
    return Layout(source, is_own, ended)


def _check_use(files: Sequence[str], *, follows: bool, once: bool) -> None:
    if once and not follows:
        raise click.UsageError("--once goes with --follow")
    if follows and "-" in files:
        raise click.UsageError("standard input cannot be followed: it is not there any more after a restart")
    if follows and len(files) > 1:
        raise click.UsageError("a log is followed by itself: one FILE, whose older files are found by their names")
    for file in files:
        if not follows and file != "-" and not Path(file).exists():
            raise click.BadParameter(f"File '{file}' does not exist.", param_hint="'FILE'")


@dataclass
class Warned:
    """What will not become an access though the file is sent, each by its place: dead letters the first few, and how
    many; what is not sent, or not whole, as far as anybody would read.

    `given`: the header that says the highest number in the file, which its end alone tells.
    """

    source: SourceName
    given: tuple[Header, ...] = ()
    count: int = 0
    first: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    told_count: int = 0

    def add(self, words: str) -> None:
        """One more dead letter."""
        self.count += 1
        if self.count <= WARNINGS_SHOWN:
            self.first.append(words)

    def hear(self, fault: RejectedInputError) -> None:
        """A part of the file that becomes no message, or not a whole one."""
        self.told_count += 1
        if self.told_count <= TOLD_MAX:
            self.told.append(str(fault))

    def tell(self) -> None:
        """On standard error."""
        for some, count in ((self.told, self.told_count), (self.first, self.count)):
            for words in some:
                click.echo(words, err=True)
            if count > len(some):
                click.echo(f"and {count - len(some)} more of the kind", err=True)


def _canonical(held: InTurn, layout: Layout, _: Warned) -> Iterator[Outgoing]:
    return access_lines(held.lines(), layout.source)


def looked_at(held: InTurn, layout: Layout, warned: Warned) -> Iterator[Outgoing]:
    """The messages of a native file, each looked at by the translator that the judge will use."""
    source = layout.source

    def hear(fault: RejectedInputError) -> None:
        warned.hear(held.named(fault))

    try:
        messages = native_messages(held.lines(), source, hear, is_ended=layout.is_ended)
        for number, message in enumerate(messages, start=1):
            if words := foretold(source, number, message):
                warned.add(words)
            warned.given = tuple(header for header in message.headers if header[0] == GIVEN_HEADER) or warned.given
            yield message
    except RejectedInputError as error:
        raise held.named(error) from None


def second_pass(held: InTurn, layout: Layout, given: tuple[Header, ...]) -> Iterator[Outgoing]:
    """The second pass, in which nothing can be wrong any more unless somebody changed the file.

    What its end says of its numbers is said at its beginning, too: where sending ends halfway the rest is missed.
    """
    cut = partial(native_messages, is_ended=layout.is_ended) if layout.is_own else access_lines
    try:
        messages = cut(held.lines(), layout.source)
        for first in islice(messages, 1):
            yield replace(first, headers=(*first.headers, *given))
        yield from messages
    except RejectedInputError:
        raise changed() from None
