"""Live rows: each alert as it changes, to everybody who may see it, without a gap when a reader comes back.

The store is read once for all readers, whoever wrote; a reader that is too slow is told so, and reads the page again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from schemas.alert import Alert
from schemas.codec import encode
from schemas.errors import NotReadyError
from sinks.alerts.parties import Party
from sinks.store.reading import PAGE_MAX, Filter, SqlReading
from sinks.store.store import Store

from .showing import Showing

log: Final = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.25  # between two looks when nobody says that something was written: another console may have
AGAIN_SECONDS: Final = 1.0
GATHER_SECONDS: Final = 0.1  # at least between two looks: what changes meanwhile is one piece, for everybody
WAITING_MAX: Final = 256  # rows that a reader may be behind; at 50 a second five seconds
MISSED_MAX: Final = PAGE_MAX  # alerts told to who comes back; where more have changed the page is read again
PIECE: Final = 500  # acts read at once


@dataclass(frozen=True, slots=True)
class Row:
    """One alert as it is, of that `version`, and the event that tells readers of it."""

    alert_id: str
    version: int
    event: bytes
    parties: frozenset[Party]


@dataclass(eq=False, slots=True)
class Reader:
    """Somebody who looks on. `missed` counts rows that found no room; from then on nothing more is put in."""

    who: str
    hidden: frozenset[Party]
    room: int
    missed: int = 0
    told: Mapping[str, int] = field(default_factory=dict)
    """By alert the version of which they have been told otherwise."""
    _waiting: list[Row] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, rows: Sequence[Row]) -> None:
        """Gives rows to them, but for those that are kept from them."""
        for row in rows:
            if row.parties & self.hidden:
                continue
            if self.missed or len(self._waiting) >= self.room:
                self.missed += 1
            else:
                self._waiting.append(row)
        if self._waiting or self.missed:
            self._news.set()

    async def news(self) -> None:
        """Until rows wait, or there was no room for some."""
        await self._news.wait()

    def take(self) -> list[Row]:
        """All that wait."""
        self._news.clear()
        taken, self._waiting = self._waiting, []
        return [row for row in taken if row.version > self.told.get(row.alert_id, 0)]


BEGINNING: Final = "0"
"""In place of an act's name, for a page without an alert: all that comes is new to it."""


def moment_of(alert_id: str, version: int) -> str:
    """How an act is named to readers, who name it when they come back."""
    return f"{alert_id}.{version}"


class Live:
    """Reads what is written and gives it to readers."""

    def __init__(self, store: Store, showing: Showing) -> None:
        self._store, self._showing = store, showing
        self._readers: set[Reader] = set()
        self._news = asyncio.Event()
        self._number = 0

    @property
    def readers(self) -> int:
        """How many look on."""
        return len(self._readers)

    def readers_of(self, who: str) -> int:
        """How many of them are one staff member's."""
        return sum(reader.who == who for reader in self._readers)

    def news(self) -> None:
        """Something was written: look now."""
        self._news.set()

    async def run(self) -> None:
        """Reads for ever; while the store is away nothing is given, and nothing is left out."""
        self._number = await asyncio.to_thread(self._head)
        while True:
            self._news.clear()
            try:
                while piece := await asyncio.to_thread(self._after, self._number):
                    self._number, rows = piece
                    for reader in tuple(self._readers):
                        reader.put(rows)
            except NotReadyError as error:
                log.warning("live rows wait: %s", error)
                await asyncio.sleep(AGAIN_SECONDS)
            await asyncio.sleep(GATHER_SECONDS)
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                continue

    @contextmanager
    def looking_on(self, who: str, hidden: frozenset[Party]) -> Iterator[Reader]:
        """A staff member looks on, from now on."""
        reader = Reader(who, hidden, WAITING_MAX)
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    async def since(self, name: str, hidden: frozenset[Party]) -> list[Row] | None:
        """What has changed behind the event of that name; None where that cannot be told: the page is read again."""
        return await asyncio.to_thread(self._since, name, hidden)

    def _head(self) -> int:
        with self._store.reading() as reading:
            return reading.head().number

    def _after(self, number: int) -> tuple[int, list[Row]] | None:
        """The alerts on which something was done after this act, each once, as they are now; and up to which act.

        An event is named by the last act of this piece. Named by the newest of its alert, which may be in a later
        piece, it would let who comes back pass over the alerts between.
        """
        with self._store.reading() as reading:
            acts = reading.acts(after=number, count=PIECE)
            last = {act.alert_id: act for act in acts}
            ordered = sorted(last.values(), key=lambda act: act.number)
            about = [(act, reading.alert(act.alert_id), reading.parties(act.alert_id)) for act in ordered]
        rows = [self._row(act.version, alert, parties) for act, alert, parties in about if alert is not None]
        return (acts[-1].number, rows) if acts else None

    def _since(self, name: str, hidden: frozenset[Party]) -> list[Row] | None:
        """The alerts that have changed since a named act, each once, as they are now.

        None when the reader must not know the act, or more changed than a page has. Nothing here depends on what is
        kept from them, or they could count it.
        """
        with self._store.reading() as reading:
            at = 0 if name == BEGINNING else self._moment(reading, name, hidden)
            if at is None:
                return None
            alerts = reading.alerts(Filter(hidden=hidden), MISSED_MAX)
        changed = [
            alert for alert in alerts if alert.last_at >= at and name != moment_of(alert.alert_id, alert.version)
        ]
        if len(changed) == MISSED_MAX:
            return None
        return [self._row(alert.version, alert, frozenset()) for alert in reversed(changed)]

    @staticmethod
    def _moment(reading: SqlReading, name: str, hidden: frozenset[Party]) -> int | None:
        alert_id, _, version = name.partition(".")
        is_name = version.isascii() and version.isdigit() and len(version) < 10
        is_seen = is_name and reading.alert(alert_id, hidden) is not None
        found = reading.history(alert_id, after=int(version) - 1, count=1) if is_seen else []
        return found[0].at if found else None

    def _row(self, told: int, alert: Alert, parties: frozenset[Party]) -> Row:
        """`told`: the version of the act that names the event."""
        document = encode(self._showing.alert(alert))
        event = b"id: %s\nevent: alert\ndata: %s\n\n" % (moment_of(alert.alert_id, told).encode(), document)
        return Row(alert.alert_id, alert.version, event, parties)
