"""What is valid in a file of accesses, and will become trouble: pure, in bounded memory."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from schemas.access import Access
from streams.sources import AHEAD_MAX_MS

from .linting import Found

SOON_MS: Final = 5 * 60_000  # design section 4: further ahead than that is flagged
REMEMBERED_MAX: Final = 100_000  # ids: 20 MB; a repeat that is further behind is not seen
RANGES_MAX: Final = 10_000  # of numbers: 1 MB; a file whose numbers are more scattered is not looked at further

_NUMBERED: Final = "sequence"


@dataclass(slots=True)
class Numbers:
    """Which sequence numbers were seen, as ranges in their order. `is_full`: they are too scattered to be kept."""

    firsts: list[int] = field(default_factory=list)
    lasts: list[int] = field(default_factory=list)
    is_full: bool = False

    def add(self, number: int) -> bool:
        """False when it was there already."""
        at = bisect_right(self.firsts, number)
        if at and number <= self.lasts[at - 1]:
            return False
        touches_left = at > 0 and self.lasts[at - 1] == number - 1
        touches_right = at < len(self.firsts) and self.firsts[at] == number + 1
        if touches_left and touches_right:
            self.lasts[at - 1] = self.lasts[at]
            del self.firsts[at], self.lasts[at]
        elif touches_left:
            self.lasts[at - 1] = number
        elif touches_right:
            self.firsts[at] = number
        elif len(self.firsts) >= RANGES_MAX:
            self.is_full = True
        else:
            self.firsts.insert(at, number)
            self.lasts.insert(at, number)
        return True

    @property
    def missing(self) -> int:
        """How many numbers lie between the first and the last and were not seen."""
        return sum(first - last - 1 for last, first in zip(self.lasts, self.firsts[1:], strict=False))


@dataclass(slots=True)
class Suspects:
    """Looks at each good access. `now`: UTC ms. `asks_for_numbers`: to have none at all is told, too."""

    found: Found
    now: int
    asks_for_numbers: bool
    numbers: Numbers = field(default_factory=Numbers)
    without: int = 0
    with_number: int = 0
    seen: OrderedDict[int, int] = field(default_factory=OrderedDict)  # a dict's first item is slow to find

    def look(self, line: int, access: Access) -> None:
        """One access, in the order of the file."""
        ahead = access.occurred_at - self.now
        if ahead > AHEAD_MAX_MS:
            reason = "is more than 24 hours ahead of now: it becomes a dead letter unless it is sent later"
            self.found.warn(line, "occurred_at", reason, "mend the clock or the date")
        elif ahead > SOON_MS:
            reason = "is more than 5 minutes ahead of now: it is judged as of when it is stored, and flagged"
            self.found.warn(line, "occurred_at", reason, "mend the clock")
        if self._is_new(line, access):
            self._look_at_number(line, access.sequence)

    def _is_new(self, line: int, access: Access) -> bool:
        """Whether this id is a new one, among the last 100,000."""
        name, content = hash(access.event_id), hash(access)
        before = self.seen.get(name)
        if before is None:
            self.seen[name] = content
            if len(self.seen) > REMEMBERED_MAX:
                self.seen.popitem(last=False)
            return True
        if before == content:
            self.found.warn(
                line, "event_id", "is there already with the same content: judged again, found once", "send it once"
            )
        else:
            reason = "is there already with other content: both are judged and may both be found, and nothing says so"
            self.found.warn(line, "event_id", reason, "give each access an id of its own")
        return False

    def _look_at_number(self, line: int, number: int | None) -> None:
        if number is None:
            self.without += 1
            return
        self.with_number += 1
        if not self.numbers.is_full and not self.numbers.add(number):
            reason = "is that of another access above: a number that is given twice hides one that is missing"
            self.found.warn(line, _NUMBERED, reason, "count up by one for each access")

    def end(self) -> None:
        """What only the whole file tells."""
        fix = "number the accesses of this source densely"
        if self.without and (self.with_number or self.asks_for_numbers):
            reason = f"is absent from {self.without:,} accesses: nobody would notice that one of them is missing"
            self.found.warn(0, _NUMBERED, reason, fix)
        if self.numbers.is_full:
            reason = f"leaves more than {RANGES_MAX:,} gaps: not looked at further"
            self.found.warn(0, _NUMBERED, reason, fix)
        elif missing := self.numbers.missing:
            gaps = len(self.numbers.firsts) - 1
            reason = f"leaves out {missing:,} between the first and the last, in places: {gaps:,}"
            self.found.warn(0, _NUMBERED, reason, "send the accesses that are missing, unless another file has them")
