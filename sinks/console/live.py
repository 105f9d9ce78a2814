"""Live rows: each alert as it changes, to everybody who may see it, without a gap when a reader comes back.

The store is read once for all readers, whoever wrote; a reader that is too slow is told so, and reads the page again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from schemas.act import Act
from schemas.alert import Alert
from schemas.codec import encode
from schemas.errors import NotReadyError
from sinks.alerts.parties import Party
from sinks.store.store import Store

from .showing import Showing

log: Final = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.25  # between two looks when nobody says that something was written: another console may have
AGAIN_SECONDS: Final = 1.0
WAITING_MAX: Final = 256  # rows that a reader may be behind; at 50 a second five seconds
MISSED_MAX: Final = 2_000  # acts that a reader who comes back is told one by one; after more the page is read again
PIECE: Final = 500


@dataclass(frozen=True, slots=True)
class Row:
    """One alert as it is after an act: the `number` of that in the store, its `name` for readers."""

    number: int
    name: str
    raw: bytes
    parties: frozenset[Party]


@dataclass(eq=False, slots=True)
class Reader:
    """Somebody who looks on. `missed` counts rows that found no room; from then on nothing more is put in."""

    hidden: frozenset[Party]
    rows: asyncio.Queue[Row] = field(default_factory=lambda: asyncio.Queue(WAITING_MAX))
    missed: int = 0

    def put(self, row: Row) -> None:
        """Gives a row to them, unless it is kept from them."""
        if row.parties & self.hidden:
            return
        if self.missed or self.rows.full():
            self.missed += 1
        else:
            self.rows.put_nowait(row)


def name_of(act: Act) -> str:
    """How an act is named to readers: by what they may know."""
    return f"{act.alert_id}.{act.version}"


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

    def news(self) -> None:
        """Something was written: look now."""
        self._news.set()

    async def run(self) -> None:
        """Reads for ever; while the store is away nothing is given, and nothing is left out."""
        self._number = await asyncio.to_thread(self._head)
        while True:
            self._news.clear()
            try:
                while rows := await asyncio.to_thread(self._after, self._number):
                    self._number = rows[-1].number
                    for reader in tuple(self._readers):
                        for row in rows:
                            reader.put(row)
            except NotReadyError as error:
                log.warning("live rows wait: %s", error)
                await asyncio.sleep(AGAIN_SECONDS)
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def rows(self, reader: Reader, since: str | None) -> AsyncIterator[Row | None]:
        """The rows for a reader, from behind the one called `since`; None where it must read the page again."""
        self._readers.add(reader)  # first, so that nothing falls between what was and what comes
        try:
            last = 0
            if since is not None:
                missed = await asyncio.to_thread(self._since, since, reader.hidden)
                if missed is None:
                    yield None
                for row in missed or ():
                    last = row.number
                    if not row.parties & reader.hidden:
                        yield row
            while True:
                row = await reader.rows.get()
                if row.number > last:
                    yield row
                if reader.missed and reader.rows.empty():
                    yield None
                    return
        finally:
            self._readers.discard(reader)

    def _head(self) -> int:
        with self._store.reading() as reading:
            return reading.head().number

    def _after(self, number: int) -> list[Row]:
        """The alerts on which something was done after this act, each once, as they are now."""
        with self._store.reading() as reading:
            newest = {act.alert_id: act for act in reading.acts(after=number, count=PIECE)}
            about = {name: (reading.alert(name), reading.parties(name)) for name in newest}
        ordered = sorted(newest.values(), key=lambda act: act.number)
        return [self._row(act, *about[act.alert_id]) for act in ordered]

    def _since(self, name: str, hidden: frozenset[Party]) -> list[Row] | None:
        """What was written behind a named act; None when the reader must not know it, or too much was."""
        alert_id, _, version = name.partition(".")
        with self._store.reading() as reading:
            is_name = version.isascii() and version.isdigit() and len(version) < 10
            is_seen = is_name and reading.alert(alert_id, hidden) is not None
            found = reading.history(alert_id, after=int(version) - 1, count=1) if is_seen else []
            if not found or reading.head().number - found[0].number > MISSED_MAX:
                return None
            number = found[0].number
        rows: list[Row] = []
        while piece := self._after(number):
            rows += piece
            number = piece[-1].number
        return rows

    def _row(self, act: Act, alert: Alert | None, parties: frozenset[Party]) -> Row:
        assert alert is not None  # an act is on an alert
        return Row(act.number, name_of(act), encode(self._showing.alert(alert)), parties)
