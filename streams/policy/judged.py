"""What judging gives: of a batch of new messages, and of open accesses judged again."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.errors import RejectedInputError
from schemas.finding import Finding, Outcome
from schemas.ledger import FilePart
from streams.join.open import OpenAccess, Partition

from .plainly import Message


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that could not be read, and why."""

    message: Message
    stage: str
    error: RejectedInputError


@dataclass(slots=True)
class JudgedBatch:
    """What judging one batch of one partition gave. `codes`: a letter per verdict, in order (schemas.ledger.CODES)."""

    partition: Partition
    first_offset: int
    next_offset: int
    position: int
    marks: dict[str, int]
    codes: bytearray = field(default_factory=bytearray)
    translated: int = 0
    findings: list[Finding] = field(default_factory=list)
    opened: list[OpenAccess] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)  # in no order
    given: int | None = None  # the highest number that a control message says its source has given
    files: set[FilePart] = field(default_factory=set)  # of which it has sent a header or trailer
    appended: dict[str, int] = field(default_factory=dict)  # finding id -> append time of its access
    repeats: int = 0


@dataclass(slots=True)
class JudgedAgain:
    """What judging open accesses again gave: each is either in `kept` or in `closed`.

    `closed`: nothing still to come decides it otherwise. `explained`: it ended its wait and nobody was ever accused, so
    a settlement cut must say it. `waited`: no longer pending, with the outcome.
    """

    findings: list[tuple[Finding, OpenAccess]] = field(default_factory=list)
    kept: list[OpenAccess] = field(default_factory=list)
    closed: list[OpenAccess] = field(default_factory=list)
    explained: list[OpenAccess] = field(default_factory=list)
    waited: list[tuple[OpenAccess, Outcome]] = field(default_factory=list)
