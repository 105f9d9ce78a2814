"""How a message that kills its worker is found: one partition, from hold to hold. Pure.

A worker that dies says nothing. So each hold begins with a word beside the committed offset that it is open, and an
orderly end takes it back. Whoever finds a hold still open takes care: each batch is named there before it is judged and
unnamed once all it gave is stored, so that a death names it. A named batch that killed is attempted again in PARTS
parts, the part that killed in PARTS parts again, until one message is left; one that has killed TWICE alone is set
aside. Deaths needed: 1 unnamed, 1 of the batch, ceil(log(batch) / log(PARTS)) of parts, 1 more alone: 6 for a batch of
5,000 messages; halving would need 16. A death stops all partitions of the worker for a restart and a session timeout,
naming a part takes two commits of some milliseconds: so many parts, few deaths. The good path pays one commit a hold.

Not found so: what kills while a fact has it judged again.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

import orjson
from pydantic import ValidationError

from schemas.errors import QuarantinedError
from schemas.ledger import Hold, Suspect
from streams.policy.aside import set_aside
from streams.policy.plainly import Message

PARTS: Final = 32  # at most so many named parts each time: 0.2 s at 6 ms each
TWICE: Final = 2  # a first death may be anybody's fault
ASIDE_MAX: Final = 64  # stretches of a partition: Kafka takes 4 KiB beside an offset, and these need 2

KILLS: Final = "kills"


def read_hold(metadata: str) -> Hold:
    """What stands beside a committed offset; of another version or another program: a hold that ended well."""
    try:
        return Hold.model_validate(orjson.loads(metadata)["hold"])
    except (ValueError, KeyError, TypeError, ValidationError):
        return Hold(is_open=False)


def has_died(hold: Hold, run: str) -> bool:
    """Whether a hold has ended other than well, asked by the worker of this run."""
    return hold.is_open and hold.run != run


def succeeded(hold: Hold, run: str) -> Hold:
    """The hold of this run, as it begins: it knows whether the one before died of what it was attempting."""
    suspect, aside = hold.suspect, hold.aside
    if hold.attempt is not None and has_died(hold, run):
        first, following = hold.attempt
        is_same = suspect is not None and (suspect.first, suspect.next) == (first, following)
        suspect = Suspect(first=first, next=following, deaths=1 + (suspect.deaths if suspect and is_same else 0))
    if suspect is not None and _has_killed(suspect) and (more := _with(aside, suspect.first)) is not None:
        aside, suspect = more, None
    return Hold(is_open=True, run=run, suspect=suspect, aside=aside)


def _has_killed(suspect: Suspect) -> bool:
    return suspect.next == suspect.first + 1 and suspect.deaths >= TWICE


def _with(aside: list[tuple[int, int]], offset: int) -> list[tuple[int, int]] | None:
    """In order, neighbours together; None: there is no room for another, and none may be forgotten."""
    stretches: list[tuple[int, int]] = []
    for first, following in sorted([*aside, (offset, offset + 1)]):
        if stretches and first <= stretches[-1][1]:
            stretches[-1] = stretches[-1][0], max(following, stretches[-1][1])
        else:
            stretches.append((first, following))
    return stretches if len(stretches) <= ASIDE_MAX else None


class Care:
    """One partition while it is held. Care ends where the log ended when the hold began: the killer lies before."""

    def __init__(self, before: Hold, run: str, *, first: int, end: int) -> None:
        self._hold = succeeded(before, run)
        # A hold that ended well in the middle of taking care leaves its suspect behind.
        self._until = end if has_died(before, run) or self._hold.suspect is not None else first
        self._done_to = first

    @property
    def killer(self) -> int | None:
        """A message that has killed twice alone and for which there is no room: nobody may go on here."""
        suspect = self._hold.suspect
        return suspect.first if suspect is not None and _has_killed(suspect) else None

    @property
    def is_careful(self) -> bool:
        """Whether each part must be named before it is judged."""
        return self.killer is None and self._done_to < self._until

    def hold(self, *, is_open: bool) -> Hold:
        """What to write beside the committed offset now."""
        if is_open:
            return self._hold
        return self._hold.model_copy(update={"is_open": False, "attempt": None})

    def offsets_aside(self) -> frozenset[int]:
        """The messages that nobody must look at."""
        return frozenset(offset for first, following in self._hold.aside for offset in range(first, following))

    def parts(self, messages: Sequence[Any]) -> list[Sequence[Any]]:
        """The messages of a batch, in order, as they are to be judged: what is set aside replaced, suspects apart."""
        if self._hold.aside:
            aside = self.offsets_aside()
            messages = [set_aside(m, killing()) if m.offset in aside else m for m in messages]
        suspect = self._hold.suspect
        if suspect is None:
            return [messages]
        size = -(-(suspect.next - suspect.first) // PARTS)

        def part_of(message: Message) -> int:
            if message.offset >= suspect.next:
                return PARTS
            return max(-1, (message.offset - suspect.first) // size)

        return [list(part) for _, part in groupby(messages, part_of)]

    def attempt(self, first: int, following: int) -> None:
        """These offsets are about to be judged; to be written before they are."""
        self._hold = self._hold.model_copy(update={"attempt": (first, following)})

    def survived(self, following: int) -> None:
        """All before this offset has been judged and stored."""
        self._done_to = max(self._done_to, following)
        is_cleared = self._hold.suspect is not None and following >= self._hold.suspect.next
        changes: dict[str, Any] = {"attempt": None} | ({"suspect": None} if is_cleared else {})
        self._hold = self._hold.model_copy(update=changes)

    def set_aside(self, offset: int) -> bool:
        """Nobody is to look at this message again; whether there was room to write that down."""
        more = _with(self._hold.aside, offset)
        if more is not None:
            self._hold = self._hold.model_copy(update={"aside": more})
        return more is not None


def killing() -> QuarantinedError:
    """What is said of a message that ends whoever looks at it."""
    return QuarantinedError(KILLS, "ends a worker that looks at it; set aside unread")
