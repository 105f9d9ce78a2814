"""What is wrong with the records of a file, gathered so that a thousand faults can be read: pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.errors import RejectedInputError

from .layouts import NO_ACCESS_SENT

GROUPS_MAX: Final = 1_000  # kinds of fault told apart; a file with more is no file of this source
PLACES_SHOWN: Final = 3  # of each kind: enough to find it in an editor

_LINE: Final = re.compile(r"line ([0-9]+)(?:: (.+))?", re.DOTALL)
_NUMBER: Final = re.compile(r"[0-9]+")
_INDEX: Final = re.compile(r"(?<=\.)[0-9]+(?=\.|\Z)")
SELF_EVIDENT: Final = "as the reason says"
_UNKNOWN: Final = "has a field that the contract does not know"
_NO_JSON: Final = "is not JSON in UTF-8 without a byte order mark"

LIKE: Final[Mapping[str, str]] = {
    "event_id": '"ecms-000123"',
    "source": '"ecms"',
    "sequence": "123",
    "actor": '"jdoe"',
    "requested_for": '"mroe"',
    "action": '"view"',
    "record": '{"kind":"case","id":"c0042"}',
    "record.kind": '"case"',
    "record.id": '"c0042"',
    "result": '"success"',
    "occurred_at": '"2026-01-05T14:14:03.120Z"',
    "occurred_until": '"2026-01-05T14:14:03.120Z"',
    "object_count": "12",
}
"""How a field of an access looks when it is right."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the line from 1 (0: the file as a whole), the field or spot in it, why, and the fix."""

    line: int
    place: str
    reason: str
    fix: str

    @property
    def where(self) -> str:
        """The place for people."""
        return f"line {self.line}: {self.place}" if self.line else self.place

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {"line": self.line or None, "field": self.place, "reason": self.reason, "fix": self.fix}


def fault_at(line: int, error: RejectedInputError) -> Fault:
    """The fault of a record that begins on this line, or on the one that the error names."""
    place = error.place
    if found := _LINE.fullmatch(place):
        line, place = int(found[1]), found[2] or "line"
    said = (
        error.reason.removesuffix(f"; {NO_ACCESS_SENT}")
        .removesuffix("; nothing was sent")
        .removesuffix("; correct the file and send it again")
    )
    reason, _, fix = said.partition("; ")
    return Fault(line, place, reason, fix or _fix(place, reason))


def _fix(place: str, reason: str) -> str:
    """What to do about a reason that does not say it."""
    if reason.startswith(_UNKNOWN):
        return "leave out what its schema in schemas/published does not name"
    if reason == _NO_JSON:
        return "write one JSON object a line, in UTF-8"
    if like := LIKE.get(place):
        return f"write it like {like}"
    if reason.startswith(("must", "may")):
        return SELF_EVIDENT
    return f"add {place}" if reason == "is missing" else f"mend {place} where the record is made"


@dataclass(slots=True)
class Group:
    """Faults of one kind: how many, and where the first ones are."""

    place: str
    reason: str
    fix: str
    count: int = 0
    lines: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        """One more."""
        self.count += 1
        if len(self.lines) < PLACES_SHOWN and line:
            self.lines.append(line)

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "field": self.place,
            "reason": self.reason,
            "fix": self.fix,
            "count": self.count,
            "first_lines": self.lines,
        }


@dataclass(slots=True)
class Groups:
    """Faults or warnings by field and reason, in bounded memory whatever the file is."""

    kinds: dict[tuple[str, str], Group] = field(default_factory=dict)
    count: int = 0

    def add(self, fault: Fault) -> None:
        """Counts it with its like: the same field and reason, whatever numbers they name."""
        self.count += 1
        place = _INDEX.sub("*", fault.place)
        key = (_NUMBER.sub("#", place), _NUMBER.sub("#", fault.reason))
        if key not in self.kinds and len(self.kinds) >= GROUPS_MAX:
            key, fault = ("", ""), Fault(fault.line, "others", f"more than {GROUPS_MAX} kinds of fault", "see above")
            place = fault.place
        if key not in self.kinds:
            self.kinds[key] = Group(place, fault.reason, fault.fix)
        self.kinds[key].add(fault.line)

    def __iter__(self) -> Iterator[Group]:
        """The most frequent first."""
        return iter(sorted(self.kinds.values(), key=lambda group: -group.count))


@dataclass(slots=True)
class Found:
    """What is known of a file so far. `details`: the first faults, at most `limit`."""

    limit: int
    good: int = 0
    wrong: int = 0
    control: int = 0
    accesses: int = 0
    faults: Groups = field(default_factory=Groups)
    warnings: Groups = field(default_factory=Groups)
    details: list[Fault] = field(default_factory=list)

    def add_fault(self, fault: Fault) -> None:
        """Of the file, or of one record of it."""
        self.faults.add(fault)
        if len(self.details) < self.limit:
            self.details.append(fault)

    def warn(self, line: int, place: str, reason: str, fix: str) -> None:
        """Valid, and trouble later."""
        self.warnings.add(Fault(line, place, reason, fix))

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "records": {"good": self.good, "wrong": self.wrong, "control": self.control, "accesses": self.accesses},
            "faults": self.faults.count,
            "details": [fault.document() for fault in self.details],
            "by_reason": [group.document() for group in self.faults],
            "warnings": [group.document() for group in self.warnings],
        }

    def told(self) -> Iterator[str]:
        """Lines for people: the details, then what they come to."""
        for fault in self.details:
            yield f"{fault.where}: {fault.reason}{_also(fault.fix)}"
        if more := self.faults.count - len(self.details):
            yield f"and {more:,} more (--limit shows more)"
        if self.faults.count:
            yield ""
            yield from map(_line_of, self.faults)
        for group in self.warnings:
            yield f"warning: {_line_of(group).lstrip()}"
        accesses = f"; {self.accesses:,} accesses" if self.accesses not in (0, self.good) else ""
        control = f", {self.control:,} control messages" if self.control else ""
        yield f"{self.good + self.wrong:,} records: {self.good:,} good, {self.wrong:,} wrong{control}{accesses}"


def _line_of(group: Group) -> str:
    more = " ..." if group.count > len(group.lines) else ""
    where = f" (line{'s' if group.count > 1 else ''} {', '.join(map(str, group.lines))}{more})" if group.lines else ""
    return f"{group.count:>7,} x {group.place}: {group.reason}{where}{_also(group.fix)}"


def _also(fix: str) -> str:
    """The fix behind its reason, unless that says it already."""
    return "" if fix == SELF_EVIDENT else f"; {fix}"
