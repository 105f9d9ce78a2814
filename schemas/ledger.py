"""Cut: what the judge did with one range of offsets, in a form that anybody can derive again (design section 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from .access import Sequence
from .finding import Offset
from .ids import FeedName, Instant, SourceName, format_instant
from .model import Sparse, Strict

Count = Annotated[int, Field(ge=0)]
Pair = Annotated[tuple[int, int], Field(strict=False)]  # JSON has lists only
Part = Annotated[tuple[str, Sequence | None, int | None], Field(strict=False)]
Judged = Literal["explained", "pending", "late", "revoked", "unexplained", "unresolved"]

CODES: dict[str, str] = {
    "control": "c",
    "dead_letter": "d",
    "explained": "e",
    "pending": "p",
    "late": "l",
    "revoked": "r",
    "unexplained": "u",
    "unresolved": "n",
}
"""One letter a verdict, in the order of the messages; a message that names several accesses gives several."""


def verdict_digest(codes: str) -> str:
    """Digest of a batch's verdicts in order: SHA-256 over their letters, in hex."""
    return hashlib.sha256(codes.encode()).hexdigest()


class MessageCounts(Strict):
    """Every message of the range is exactly one of these (promise 3)."""

    translated: Count
    control: Count
    dead_letters: Count


class Times(Sparse):
    """What the registry said of a source when its accesses were judged: of its times, in milliseconds, and whose logins
    its own are, where they are another's (ADR 29)."""

    precision_ms: Annotated[int, Field(ge=1)]
    clock_error_ms: Count
    accounts: SourceName | None = None


def said(times: Times) -> str:
    """As a registry's entry says it, in words for whoever has another."""
    whose = "" if times.accounts is None else f' and accounts = "{times.accounts}"'
    return f"precision_ms = {times.precision_ms} and clock_error_ms = {times.clock_error_ms}{whose}"


class FilePart(NamedTuple):
    """The header or the trailer of a source's file: the file's number, and of the trailer the first and last sequence
    number of its lines. Of a file without lines the first is above the last."""

    file: str
    first: int | None = None
    last: int | None = None

    @property
    def numbers(self) -> tuple[int, int] | None:
        """The first and last number of a file that has ended and has lines."""
        if self.first is None or self.last is None or self.first > self.last:
            return None
        return self.first, self.last


def in_order(parts: Iterable[FilePart]) -> list[FilePart]:
    """As a cut lists them: by file, its header before its trailer."""
    return sorted(parts, key=lambda part: (part.file, part.first is not None, part.first or 0, part.last or 0))


class Cut(Sparse):
    """One judged batch of one partition, offsets [first_offset, next_offset).

    A *settlement* cut judges no new message (its range is empty): `settled` lists [offset, index in the message] of
    accesses that were pending and ended without a finding. `times`: of a source that a registry entry made.

    `sequences`: by source the numbers that its accesses bear, as ranges. `given`: by source the highest number that one
    of its control messages (a heartbeat) says it has given, so that the last one can be missed, too. `files`: by source
    the headers and trailers of its files, sorted, so that a file is missed that was begun, and what it lacks.
    """

    topic: str
    partition: Count
    first_offset: Offset
    next_offset: Offset
    position: Offset
    reconciled: Offset
    marks: dict[FeedName, Instant]
    policy: str
    messages: MessageCounts
    accesses: dict[Judged, Count]
    sequences: dict[SourceName, list[Pair]]
    given: dict[SourceName, Sequence] | None = None
    files: dict[SourceName, list[Part]] | None = None
    digest: str
    previous: str | None = None
    run: str
    settled: list[Pair] | None = None
    times: Times | None = None


def document(cut: Cut) -> dict[str, Any]:
    """What `model_dump(mode="json")` gives, ten times faster; a test holds the two together."""
    found = {name: value for name, value in cut.__dict__.items() if value is not None}
    found["marks"] = {feed: format_instant(through) for feed, through in cut.marks.items()}
    found["messages"] = dict(cut.messages.__dict__)
    if cut.files is not None:
        found["files"] = {source: [list(part) for part in parts] for source, parts in cut.files.items()}
    if cut.times is not None:
        found["times"] = {name: value for name, value in cut.times.__dict__.items() if value is not None}
    return found


class Suspect(Strict):
    """Offsets [first, next) one of which killed a worker; `deaths`: how many workers died judging exactly these."""

    first: Offset
    next: Offset
    deaths: Count


class Hold(Sparse):
    """What a worker tells its successor beside the committed offset, in case it dies (design section 8).

    `is_open`: the worker of this `run` holds the partition; another that finds it so knows that the hold did not end
    well. `attempt`: offsets [first, next) that are being judged at this moment, said only while the worker takes care.
    `aside`: messages that killed twice and are not to be looked at again, offsets [first, next). `times`: by what all
    accesses of the partition are judged, of a source that a registry entry made.
    """

    is_open: bool
    run: str = ""
    attempt: Pair | None = None
    suspect: Suspect | None = None
    aside: list[Pair] = Field(default_factory=list)
    times: Times | None = None


class AtWork(Strict):
    """What a worker writes beside the committed offset of an access partition while something is under way."""

    hold: Hold


class Note(Sparse):
    """What a worker writes beside the committed offset of an access partition when nothing is under way.

    All messages up to `judged` have been judged, and the open accesses among them at `position`, with the gating feeds
    complete through `low` (with waivers: through `low_waived`), in UTC milliseconds. `reconciled` as in a cut.
    """

    judged: Offset
    position: Offset
    reconciled: Offset
    low: int
    low_waived: int
    open: Count
    pending: Count
    hold: Hold | None = None
