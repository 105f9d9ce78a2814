"""A copy on disk of what the ledger said, so that a start need not read years of it. Losing it costs time only."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, NamedTuple

from orjson import OPT_SORT_KEYS, dumps
from pydantic import Field, ValidationError

from schemas.durable import put
from schemas.ledger import Cut, FilePart, Part
from schemas.model import Strict

from .expected import Heard
from .files import Files
from .numbers import Gap, Numbers, Standing
from .state import SourceState, State

log: Final = logging.getLogger(__name__)

NAME: Final = "watch.json"
LAYOUT: Final = 2  # 1 knew no files, and passed over cuts that tell of some
KNOWN: Final = hashlib.sha256(dumps(Cut.model_json_schema(), option=OPT_SORT_KEYS)).hexdigest()[:16]
COPY_MAX: Final = 64 * 1_048_576  # bytes: what is larger was not written by us

Pair = Annotated[tuple[int, int], Field(strict=False)]  # JSON has lists only
Triple = Annotated[tuple[int, int, int], Field(strict=False)]


class Reached(NamedTuple):
    """The last message read of a partition of the ledger: its offset, and when it was stored (UTC ms)."""

    offset: int
    timestamp: int


class KeptSource(Strict):
    """What cuts have said of one source, as it was declared then."""

    declared: str
    gaps: list[Triple]
    lowest: int | None
    top: int
    earliest: int
    latest: int
    forgotten: int
    again: int
    judged: dict[str, int]
    begun: dict[str, int]
    ended: list[Part]
    forgotten_files: int
    at: int | None
    known_at: int | None
    brought_at: int | None
    has_beaten: bool


class Kept(Strict):
    """All of it, as of one moment."""

    layout: int
    ledger: str
    unreadable: int  # messages of the ledger that were no cuts
    cuts: str  # what was known of cuts then
    places: dict[str, Pair]
    sources: dict[str, KeptSource]

    @property
    def reached(self) -> Mapping[int, Reached]:
        """How far each partition of the ledger was read."""
        return {int(partition): Reached(*at) for partition, at in self.places.items()}


class Copy:
    """The file. `ledger`: the name of the topic that it is of."""

    def __init__(self, directory: Path, ledger: str) -> None:
        self._path = directory / NAME
        self._ledger = ledger

    def read(self) -> Kept | None:
        """What it holds; None: nothing that can be used."""
        try:
            if self._path.stat().st_size > COPY_MAX:
                raise ValueError("is too large")
            kept = Kept.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, ValidationError) as error:
            log.warning("%s cannot be used (%s); all of the ledger is read", self._path.name, type(error).__name__)
            return None
        return kept if (kept.layout, kept.ledger) == (LAYOUT, self._ledger) else None

    def restore(self, state: State, kept: Kept) -> bool:
        """Puts it into an empty state; False where a source is new, or its numbers are declared otherwise now, and all
        must be read again.

        When a source was heard, and that it has promised to be, is no matter of its declaration: without it a source
        that is dead when we start would be missed by nobody.
        """
        if kept.unreadable and kept.cuts != KNOWN:
            log.warning("a program that knew other cuts has passed over some; all of the ledger is read")
        others = list[str]()
        for topic, source in state.by_topic.items():
            found = kept.sources.get(topic)
            if found is not None:
                source.heard = Heard(found.at, found.brought_at, found.has_beaten)
                source.known_at = source.known_at and (found.known_at or source.known_at)
            if found is None or found.declared != declared(source):
                others.append(source.source.name)
            else:
                _restore(source, found)
        if others:
            log.warning("declared otherwise than in the copy: %s; all of the ledger is read", ", ".join(others))
        return not others and not (kept.unreadable and kept.cuts != KNOWN)

    def write(self, state: State, reached: Mapping[int, Reached], unreadable: int = 0) -> None:
        """Writes all of it beside the old one, then in its place. Raises OSError."""
        kept = Kept(
            layout=LAYOUT,
            ledger=self._ledger,
            unreadable=unreadable,
            cuts=KNOWN,
            places={str(partition): at for partition, at in reached.items()},
            sources={topic: _kept(found) for topic, found in state.by_topic.items()},
        )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(f".{os.getpid()}")  # another process may write there at the same moment
        put(self._path, kept.model_dump_json().encode(), draft)


def declared(state: SourceState) -> str:
    """What of a source's declaration its numbers rest on."""
    source = state.source
    return hashlib.sha256(repr((source.numbers_since, source.never_given)).encode()).hexdigest()[:16]


def _kept(state: SourceState) -> KeptSource:
    numbers = state.numbers.standing()
    return KeptSource(
        declared=declared(state),
        gaps=[tuple(gap) for gap in numbers.gaps],
        lowest=numbers.lowest,
        top=numbers.top,
        earliest=numbers.earliest,
        latest=numbers.latest,
        forgotten=numbers.forgotten,
        again=numbers.again,
        judged={str(partition): offset for partition, offset in state.judged.items()},
        begun=state.files.begun,
        ended=[tuple(part) for part in state.files.ended],
        forgotten_files=state.files.forgotten,
        at=state.heard.at,
        known_at=state.known_at,
        brought_at=state.heard.brought_at,
        has_beaten=state.heard.has_beaten,
    )


def _restore(state: SourceState, kept: KeptSource) -> None:
    state.numbers = Numbers.of(
        Standing(
            gaps=tuple(Gap(*gap) for gap in kept.gaps),
            lowest=kept.lowest,
            top=kept.top,
            earliest=kept.earliest,
            latest=kept.latest,
            forgotten=kept.forgotten,
            again=kept.again,
        )
    )
    state.files = Files(kept.begun, [FilePart(*part) for part in kept.ended], kept.forgotten_files)
    state.judged = {int(partition): offset for partition, offset in kept.judged.items()}
