"""How a source stands, as whoever watches tells it to commands and screens: numbers and instants, never a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from schemas.ids import SourceName, format_instant, parse_instant

from .files import ShortFile
from .numbers import Gap

FILES_SHOWN: Final = 20  # of one source
GAPS_SHOWN: Final = 20  # of one source; the lowest, which have been missing for longest


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """One source. Instants in UTC ms, None: not known. `is_seen`: its topic is there, and ours to read. `compared_at`:
    what was stored by then is judged and compared.

    `missing`: how many numbers are, of which `gaps` are the first; `oldest_at`: since when the oldest is. `forgotten`,
    `again`: as in Numbers. `short`: how many files came short, of which `files` are the first. `silent_ms`,
    `overdue_ms`: past a promise by so much. `clock_off_ms`: ahead if positive.
    """

    name: SourceName
    is_seen: bool = True
    heard_at: int | None = None
    compared_at: int | None = None
    missing: int = 0
    gaps: Sequence[Gap] = ()
    oldest_at: int | None = None
    forgotten: int = 0
    again: int = 0
    short: int = 0
    files: Sequence[ShortFile] = ()
    silent_ms: int = 0
    overdue_ms: int = 0
    clock_off_ms: int = 0
    clock_allowed_ms: int = 0

    @property
    def is_clock_off(self) -> bool:
        """Whether its clock is further off than is declared."""
        return abs(self.clock_off_ms) > self.clock_allowed_ms

    @property
    def is_good(self) -> bool:
        """Whether it is seen, and nothing is missing, short, silent, overdue or off."""
        return not troubles(self)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "source": self.name,
            "is_seen": self.is_seen,
            "heard_at": _instant(self.heard_at),
            "compared_at": _instant(self.compared_at),
            "missing": self.missing,
            "missing_numbers": [[g.first, g.last, format_instant(g.since)] for g in self.gaps],
            "missing_since": _instant(self.oldest_at),
            "short": self.short,
            "short_files": [list(one) for one in self.files],
            "silent_seconds": self.silent_ms / 1000,
            "overdue_seconds": self.overdue_ms / 1000,
            "clock_off_seconds": self.clock_off_ms / 1000,
            "clock_allowed_seconds": self.clock_allowed_ms / 1000,
            "is_good": self.is_good,
        }


class Trouble(NamedTuple):
    """What is wrong with a source, in words, and the page that is about it."""

    words: str
    page: str


def troubles(report: SourceReport) -> tuple[Trouble, ...]:
    """All that is."""
    name = report.name
    wrong = (
        (not report.is_seen, f"the topic of {name} cannot be read", "WatchBehind"),
        (report.missing, f"{report.missing:,} accesses of {name} are missing", "MissingAccess"),
        (report.short, f"{report.short:,} files of {name} are short", "ShortFile"),
        (report.silent_ms, f"{name} is silent past its promise", "SourceUnheard"),
        (report.overdue_ms, f"{name} is overdue", "SourceOverdue"),
        (report.is_clock_off, f"the clock of {name} is off", "SourceClockOff"),
    )
    return tuple(Trouble(words, page) for is_so, words, page in wrong if is_so)


@dataclass(frozen=True, slots=True)
class Asked:
    """How each source stands; or why nobody knows, in words, of all or of some. `is_required`: somebody has said where
    to ask, or a watch answers."""

    reports: tuple[SourceReport, ...] = ()
    why_not: str | None = None
    is_required: bool = False

    @property
    def is_good(self) -> bool | None:
        """Whether nothing is missing, silent, overdue or off; None: nobody knows."""
        is_well = all(report.is_good for report in self.reports)
        return None if self.why_not is not None and is_well else is_well


def report_of(document: Mapping[str, Any]) -> SourceReport:
    """From JSON. Raises ValueError, KeyError or TypeError when it is none."""
    return SourceReport(
        name=str(document["source"]),
        is_seen=bool(document.get("is_seen", True)),  # an earlier version does not say
        heard_at=_at(document["heard_at"]),
        compared_at=_at(document["compared_at"]),
        missing=int(document["missing"]),
        gaps=[Gap(int(first), int(last), parse_instant(at)) for first, last, at in document["missing_numbers"]],
        oldest_at=_at(document["missing_since"]),
        short=int(document.get("short", 0)),  # an earlier version does not say
        files=tuple(_short_file(*one) for one in document.get("short_files", ())),
        silent_ms=round(document["silent_seconds"] * 1000),
        overdue_ms=round(document["overdue_seconds"] * 1000),
        clock_off_ms=round(document["clock_off_seconds"] * 1000),
        clock_allowed_ms=round(document["clock_allowed_seconds"] * 1000),
    )


def _short_file(file: object, missing: Any) -> ShortFile:
    return ShortFile(str(file), None if missing is None else int(missing))


def spelled(gaps: Sequence[Gap], shown: int = GAPS_SHOWN) -> str:
    """Ranges in words: 7, 9-12."""
    words = [str(g.first) if g.first == g.last else f"{g.first}-{g.last}" for g in gaps[:shown]]
    more = len(gaps) - shown
    return ", ".join(words) + (f" and {more} more ranges" if more > 0 else "")


def files_spelled(files: Sequence[ShortFile], shown: int = FILES_SHOWN) -> str:
    """Files in words: 000412 by 3, 000413 has no end."""
    words = [f"{one.file} has no end" if one.missing is None else f"{one.file} by {one.missing:,}" for one in files]
    more = len(files) - shown
    return ", ".join(words[:shown]) + (f" and {more} more files" if more > 0 else "")


def _at(text: str | None) -> int | None:
    return None if text is None else parse_instant(text)


def _instant(at: int | None) -> str | None:
    return None if at is None else format_instant(at)
