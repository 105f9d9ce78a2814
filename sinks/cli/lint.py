"""`needtoknow lint`: what is wrong with a file of accesses or facts, before anybody sends it. Needs no broker."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import click

from schemas.codec import decode, read_json
from schemas.errors import RejectedInputError
from schemas.fact import MARK_AHEAD_MAX_MS, Fact, Mark
from schemas.ids import LATEST_MS, FeedName, SourceName
from schemas.topics import CANONICAL, FEEDS
from sinks.progress import progress
from streams.sources import translate

from .codes import GOOD, NO
from .csv_facts import fact_rows
from .layouts import HELD_MAX, LAYOUTS, outgoing
from .lines import json_line, safe
from .linting import Fault, Found, fault_at
from .load import is_csv
from .on_disk import OnDisk, on_disk
from .options import as_json, registered_source, settings
from .outgoing import MISSPELT, Outgoing, fact_message, mark_message, misspelt, numbered_lines
from .send import is_native
from .suspects import Suspects

STEP: Final = 1_000  # records between two words of progress
_ROWS: Final = re.compile(rb"\brows?\b", re.IGNORECASE)  # as each footer of an IRSS export has it


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--source", metavar="NAME", help="The system that these accesses are from.")
@click.option("--feed", type=click.Choice(list(FEEDS)), help="The feed that states these facts, in place of --source.")
@click.option(
    "--format",
    "layout",
    type=click.Choice(["auto", "jsonl", "native", "csv"]),
    default="auto",
    show_default=True,
    help="As `send --format` for accesses and `load --format` for facts.",
)
@click.option(
    "--limit",
    type=click.IntRange(0, 100_000),
    default=20,
    show_default=True,
    help="How many faults are told one by one; all are counted.",
)
@as_json
def lint(file: str, source: str | None, feed: str | None, layout: str, limit: int, as_json: bool) -> int:
    """Say what is wrong with a file before it is sent: line, field, reason and fix of each bad record, and a summary by
    reason. FILE may be - for standard input.

    Reads a file as `send` (--source) or `load` (--feed) would, and each record as the judge would; needs no broker and
    sends nothing. Records are never repeated, since they may be somebody's data. Warns of what is valid and will be
    trouble: dates ahead of now, an id used twice (within 100,000 accesses), sequence numbers that are missing or leave
    gaps, an end that nothing vouches for. Exit code 0 when every record is good, 1 when something is wrong.

    \b
    Example:
      needtoknow lint accesses.jsonl --source ecms
      needtoknow lint FACTSAUD.20260105 --source facts
      needtoknow lint duties.csv --feed assignments
    """
    if (source is None) == (feed is None):
        raise click.UsageError("say either --source, for accesses, or --feed, for facts")
    if source is not None:
        registered_source(settings(), source)
    _check_layout(layout, source)
    found = Found(limit)
    with on_disk(file) as held, progress("looking, in bytes", held.size) as advance:
        steps = _facts(held, feed, file, layout, found) if feed else _accesses(held, source or "", file, layout, found)
        shown = 0
        for number, _ in enumerate(steps):
            if number % STEP == 0:
                advance(held.done - shown)
                shown = held.done
        advance(held.done - shown)
    _tell(found, as_json=as_json)
    return NO if found.faults.count else GOOD


def _check_layout(layout: str, source: str | None) -> None:
    if layout == "native" and source not in LAYOUTS:
        raise click.UsageError(f"only {', '.join(LAYOUTS)} hand over files of their own")
    if layout == "csv" and source is not None:
        raise click.UsageError("csv is a layout of facts; files of a source are native or jsonl")


def _tell(found: Found, *, as_json: bool) -> None:
    if as_json:
        click.echo(json_line(found.document()))
        return
    for line in found.told():
        click.echo(line if line.isprintable() else safe(line))


# --- accesses


def _accesses(held: OnDisk, source: SourceName, path: str, layout: str, found: Found) -> Iterator[None]:
    """A step for each record."""
    is_own = is_native(path, source) if layout == "auto" else layout == "native"
    suspects = Suspects(found, int(time.time() * 1000), asks_for_numbers=not is_own)
    look = _Look(source, found, suspects)
    yield from look.native(held) if is_own else look.canonical(held)
    suspects.end()
    if not (found.good or found.wrong or found.faults.count):
        found.warn(0, "file", "holds no access", "see whether the export is the right one")


@dataclass
class _Look:
    """Reads each record as the judge would."""

    source: SourceName
    found: Found
    suspects: Suspects

    def canonical(self, held: OnDisk) -> Iterator[None]:
        """One JSON object a line."""
        last = _Last(held)
        for number, line in numbered_lines(last):
            self._record(number, line, (("content-type", CANONICAL.encode()),))
            yield
        if last.line and not last.line.endswith(b"\n"):
            self.found.warn(last.number, "line", "has no end: the file may be cut off", "fetch it again, whole")

    def native(self, held: OnDisk) -> Iterator[None]:
        """As the system writes it. What is wrong with the file as a whole ends the look where nothing can follow."""
        last = _Last(held)
        try:
            file = LAYOUTS[self.source](last, self._wrong_line, self._not_whole)
            for message in file.messages:
                sent = outgoing(message, self.source, file.content_type)
                self._record(message.line, sent.value, sent.headers)
                yield
        except RejectedInputError as error:
            self.found.add_fault(fault_at(0, error))
        if self.source == "irss" and last.line and not _ROWS.search(last.line):
            reason = "says at its end not how many rows there are: a partial export looks the same"
            self.found.warn(0, "file", reason, "export with the row count, or compare the rows by hand")

    def _record(self, number: int, value: bytes, headers: tuple[tuple[str, bytes], ...]) -> None:
        try:
            translated = translate(self.source, value, headers, LATEST_MS)
        except RejectedInputError as error:
            self.found.wrong += 1
            self.found.add_fault(fault_at(number, error))
            return
        if translated.is_control:
            self.found.control += 1
            return
        self.found.good += 1
        self.found.accesses += len(translated.accesses)
        for access in translated.accesses:
            if access.operator is None:  # that of whoever asked has the id of the one that they asked for
                self.suspects.look(number, access)

    def _wrong_line(self, error: RejectedInputError) -> None:
        self.found.wrong += 1
        self.found.add_fault(fault_at(0, error))

    def _not_whole(self, error: RejectedInputError) -> None:
        fault = fault_at(0, error)
        self.found.warn(fault.line, fault.place, fault.reason, fault.fix)


class _Last:
    """The lines of a file, and which was the last."""

    def __init__(self, held: OnDisk) -> None:
        self.line, self.number = b"", 0
        self._lines = held.lines()

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.line, self.number = line, self.number + 1
            yield line


# --- facts


def _facts(held: OnDisk, feed: FeedName, path: str, layout: str, found: Found) -> Iterator[None]:
    """A step for each fact or mark."""
    if is_csv(path, layout):
        yield from _table(held, feed, found)
        return
    now = int(time.time() * 1000)
    for number, line in numbered_lines(held.lines()):
        try:
            _fact(line, feed, number, found, now)
            found.good += 1
        except RejectedInputError as error:
            found.wrong += 1
            found.add_fault(fault_at(number, error))
        yield


def _fact(line: bytes, feed: FeedName, number: int, found: Found, now: int) -> None:
    if "complete_through" not in read_json(line):
        _see_login(number, fact_message(decode(Fact, line), feed), found)
        return
    mark = decode(Mark, line)
    mark_message(mark, feed)
    if mark.complete_through > now + MARK_AHEAD_MAX_MS:
        found.warn(number, "complete_through", "lies ahead of now: nobody can promise that", "send it when it is true")


def _see_login(number: int, message: Outgoing, found: Found) -> None:
    if misspelt(message):
        found.warn(number, "login", *MISSPELT)


def _table(held: OnDisk, feed: FeedName, found: Found) -> Iterator[None]:
    raw = b"".join(held.lines()) if held.size <= HELD_MAX else b""
    if held.size > HELD_MAX:
        found.add_fault(Fault(0, "file", f"is larger than {HELD_MAX >> 20} MiB", "split it, each with the header"))

    def wrong_row(error: RejectedInputError) -> None:
        found.wrong += 1
        found.add_fault(fault_at(0, error))

    for message in fact_rows(raw, feed, wrong_row) if raw else ():
        _see_login(0, message, found)
        found.good += 1
        yield
