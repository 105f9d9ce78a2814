"""Accurint: a run of lines of a batch-job manifest is one message. The layout is synthetic; the real one is not public.

    head    JOB  layout "1"  job_id  user_id  session_id  submitted_at  dppa  glba  reference_code  people
    part    PART  first  lines
    person  number  name  ssn  address  phone  lexid

A manifest is a head and one line a person, up to 200,000, numbered from 1. A message holds the head, a part line (the
number of its first person, and how many follow) and those persons' lines, separated by a newline and with none at its
end, in UTF-8; at most 65,536 bytes and 1,000 persons. `submitted_at` is local (America/New_York), YYYY-MM-DD HH:MM:SS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.access import Access, Purpose, Record
from schemas.errors import RejectedInputError
from schemas.ids import SourceName

from . import accurint_row
from .accurint_row import Columns, Row
from .translated import Translated

PEOPLE_MAX: Final = 200_000  # what Accurint takes as one job
PART_PEOPLE_MAX: Final = 1_000  # accesses that one message becomes: a worker judges all of them in one step

HEAD: Final = Columns.of(
    "line_type",
    "layout",
    "job_id",
    "user_id",
    "session_id",
    "submitted_at",
    "dppa",
    "glba",
    "reference_code",
    "people",
)
PERSON: Final = Columns.of("number", "name", "ssn", "address", "phone", "lexid")
_PART: Final = Columns.of("line_type", "first", "lines")

_JOB = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
_NUMBER = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class Head:
    """Who submitted which job when (UTC ms, twice the same but in the hour that happens twice), and for how many."""

    job: str
    user: str
    session: str
    submitted: tuple[int, int]
    purpose: Purpose | None
    people: int


def translate(source: SourceName, value: bytes) -> Translated:
    """One access for each person of a part, in the job's order.

    Raises RejectedInputError naming line and field; whoever exports from Accurint must act. A part that is empty, that
    has other lines than it says, or more than the whole job, is refused: an access would be missing or made up.
    """
    lines = accurint_row.text_lines(value)
    head = read_head(lines[0])
    first = _first(head, lines)
    return Translated(accesses=tuple(_accesses(source, head, first, lines[2:])), is_control=False)


def part_line(first: int, lines: int) -> str:
    """The line that says which part of a manifest follows."""
    return f"PART,{first},{lines}"


def read_head(line: str) -> Head:
    """The head of a manifest. Raises RejectedInputError naming the field."""
    row = accurint_row.read_row(line, HEAD, " of the head")
    if row.of("line_type") != "JOB":
        raise row.reject("line_type", "must be JOB")
    if row.of("layout") != "1":
        raise row.reject("layout", "must be 1, the only layout known here")
    people = _number(row, "people")
    if people > PEOPLE_MAX:
        raise row.reject("people", f"must be at most {PEOPLE_MAX}")
    return Head(
        job=row.matching("job_id", _JOB, "a job id of 1 to 64 letters, digits and . _ -"),
        user=accurint_row.user_of(row),
        session=accurint_row.session_of(row),
        submitted=accurint_row.instants(row, "submitted_at"),
        purpose=accurint_row.purpose_of(row, accurint_row.purpose_code(row)),
        people=people,
    )


def read_person(line: str, number: int) -> Record:
    """Whom a person's line names, or what it searches by. Raises RejectedInputError when it is not line `number`."""
    row = accurint_row.read_row(line, PERSON, f" of line {number}")
    if row.of("number") != str(number):
        raise row.reject("number", "must follow that of the line before, the first being that of the part")
    if row.of("lexid"):
        return accurint_row.lexid_of(row)
    if (record := accurint_row.criteria_of(row)) is None:
        raise row.reject("lexid", "must be given, or name, ssn, address or phone: a line is about somebody")
    return record


def _first(head: Head, lines: Sequence[str]) -> int:
    """The number of the first person, once the part holds together."""
    if len(lines) < 3:  # head, part line, a person
        raise RejectedInputError("part", "is empty: it must be the head, a part line and at least one person's line")
    row = accurint_row.read_row(lines[1], _PART, " of the part line")
    if row.of("line_type") != "PART":
        raise row.reject("line_type", "must be PART")
    first, count = _number(row, "first"), len(lines) - 2
    if count > PART_PEOPLE_MAX:
        raise row.reject("lines", f"must be at most {PART_PEOPLE_MAX}; cut the file with its own reader")
    if _number(row, "lines") != count:
        raise row.reject("lines", f"does not say how many lines follow, which is {count}; send the part again, whole")
    if first + count - 1 > head.people:
        raise row.reject("first", "and the lines that follow go past the people that the head says")
    return first


def _accesses(source: SourceName, head: Head, first: int, lines: Sequence[str]) -> Iterator[Access]:
    at, until = head.submitted
    for number, line in enumerate(lines, start=first):
        yield Access(
            event_id=f"accurint-{head.job}-{number}",
            source=source,
            actor=head.user,
            action="search",
            record=read_person(line, number),
            purpose=head.purpose,
            result="success",
            occurred_at=at,
            occurred_until=until,
            session=head.session,
            batch_id=head.job,
            object_count=head.people,
        )


def _number(row: Row, name: str) -> int:
    return int(row.matching(name, _NUMBER, "a number from 1 on, without leading zeros and of at most 6 digits"))
