"""What is known of every source: its numbers, when it was heard, its clock. Pure; the shell brings cuts and messages.

A number that has not come may still be under way. So it counts as missing only when everything has been judged that
had been stored by a while after a higher one came: while a judge is behind, nothing is called missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from schemas.ids import parse_instant
from schemas.ledger import Cut, FilePart
from schemas.registry import is_declared
from schemas.topics import FACTS2_CDC, FACTS_LINE, JNET_XML, Source

from .clocks import Clock, Sample, allowed_ms
from .expected import Heard, overdue_ms, silent_ms, unheard
from .files import Files, ShortFile
from .numbers import Gap, Numbers
from .report import FILES_SHOWN, GAPS_SHOWN, SourceReport

NEVER: Final = 0  # UTC ms: before any message
_WITH_CONTROLS: Final = {FACTS_LINE, FACTS2_CDC, JNET_XML}  # whose control messages need be no heartbeats


class SourceState:
    """One source. `through`: all that had been stored by then has been judged and compared; `known_at`: whoever watches
    has known since then what the installation itself expects of it, None: it expects nothing (UTC ms)."""

    def __init__(self, source: Source, now: int | None = None) -> None:
        self.source = source
        self.known_at = now if is_declared(source) else None
        self.numbers = Numbers()
        self.files = Files()
        self.went_on_at = NEVER  # when a line of a file, or any other access, was last stored
        self.clock = Clock()
        self.heard = Heard()
        self.is_seen = True  # its topic is there, and ours to read
        self.judged: dict[int, int] = {}  # by partition of its topic: the offset that its cuts go to
        self.through = NEVER
        self._since = NEVER if source.numbers_since is None else parse_instant(source.numbers_since)
        self._beaten_at: int | None = None  # when cuts tell of heartbeats (UTC ms); None: they do not
        self._look: tuple[int, Mapping[int, int]] | None = None  # when, and where the partitions ended then

    def take(self, cut: Cut, stored_at: int) -> None:
        """A cut of its topic, stored then (UTC ms). In any order, and as often as it comes."""
        name = self.source.name
        reached = self.judged.get(cut.partition, 0)
        self.judged[cut.partition] = max(cut.next_offset, reached)
        given = (cut.given or {}).get(name)
        if stored_at >= self._since:
            parts = [FilePart(*part) for part in (cut.files or {}).get(name, ())]
            self.files.see(parts, stored_at)
            lowest = min((part.numbers[0] for part in parts if part.numbers), default=None)
            seen, is_new = cut.sequences.get(name, ()), cut.first_offset >= reached
            self.numbers.see(seen, given, stored_at, is_new=is_new, lowest=lowest)
            self.numbers.pass_over(self.source.never_given)
        if _tells_of_a_beat(self.source, cut):
            self._beaten_at = max(stored_at, self._beaten_at or 0)
            self.heard = self.heard._replace(has_beaten=True)
        self._compare()

    def look(self, ends: Mapping[int, int], at: int) -> None:
        """By partition the offset behind its last message, as it was at this moment (UTC ms)."""
        if self._look is None:
            self._look = at, ends
        self._compare()

    def hear(self, at: int, *, is_beat: bool, brought: int | None, is_line: bool = False) -> None:
        """One of its messages was stored at this instant: sent by the source, not by us once more. `brought`: of which
        moment it has brought something. `is_line`: it names an access, or was to; so a file goes on. UTC ms."""
        heard = self.heard
        self.went_on_at = max(at, self.went_on_at) if is_line else self.went_on_at
        self.heard = Heard(
            at=max(at, heard.at or 0),
            brought_at=heard.brought_at if brought is None else max(brought, heard.brought_at or 0),
            has_beaten=heard.has_beaten or is_beat,
        )

    def time(self, sample: Sample) -> None:
        """What one of its messages says of its clock."""
        self.clock.look(sample)

    def missing(self, patience_ms: int) -> tuple[Gap, ...]:
        """What has not come although it had so long to."""
        return self.numbers.due(self.through - patience_ms)

    def short(self, patience_ms: int) -> tuple[ShortFile, ...]:
        """The files that came short."""
        return self.files.short(self.missing(patience_ms), self.went_on_at, self.through, patience_ms)

    def report(self, now: int, patience_ms: int) -> SourceReport:
        """How it stands now (UTC ms)."""
        gaps, short, heard = self.missing(patience_ms), self.short(patience_ms), self._heard()
        if heard.at is None and self.known_at is not None:
            heard = unheard(self.known_at)
        return SourceReport(
            name=self.source.name,
            is_seen=self.is_seen,
            heard_at=self._heard().at,
            compared_at=self.through or None,
            missing=sum(gap.numbers for gap in gaps),
            gaps=gaps[:GAPS_SHOWN],
            oldest_at=min((gap.since for gap in gaps), default=None),
            forgotten=self.numbers.forgotten,
            again=self.numbers.again,
            short=len(short) + self.files.forgotten,
            files=short[:FILES_SHOWN],
            silent_ms=silent_ms(self.source, heard, now),
            overdue_ms=overdue_ms(self.source, heard, now),
            clock_off_ms=self.clock.off_ms(now),
            clock_allowed_ms=allowed_ms(self.source.clock_error_ms),
        )

    def _heard(self) -> Heard:
        """When it was heard; of one of which the topic's end says nothing any more, by the cut of its last heartbeat.

        A cut may be stored long after what it speaks of, so it counts only where no message does.
        """
        return self.heard if self.heard.at is not None else self.heard._replace(at=self._beaten_at)

    def _compare(self) -> None:
        if self._look is None:
            return
        at, ends = self._look
        if all(self.judged.get(partition, 0) >= end for partition, end in ends.items()):
            self.through, self._look = at, None


class State:
    """All sources, by the names of their topics. `now`: from when on they are known (UTC ms)."""

    def __init__(self, sources: Mapping[str, Source], now: int | None = None) -> None:
        self.by_topic = {topic: SourceState(source, now) for topic, source in sources.items()}

    def take(self, cut: Cut, stored_at: int) -> None:
        """A cut, of whatever topic."""
        if (found := self.by_topic.get(cut.topic)) is not None:
            found.take(cut, stored_at)

    def reports(self, now: int, patience_ms: int) -> list[SourceReport]:
        """How each source stands."""
        return [state.report(now, patience_ms) for state in self.by_topic.values()]


def _tells_of_a_beat(source: Source, cut: Cut) -> bool:
    """Whether there was a heartbeat in it. FACTS' header and trailer bear a highest number, too (`send` adds it)."""
    natives = set(source.content_types)
    is_given = source.name in (cut.given or {}) and FACTS_LINE not in natives
    return is_given or (cut.messages.control > 0 and not natives & _WITH_CONTROLS)


def changes(before: Sequence[Gap], after: Sequence[Gap]) -> tuple[list[Gap], list[Gap]]:
    """Of what is missing, what is new, and what has turned up (with the times as they were known)."""
    return _less(after, before), _less(before, after)


def _less(some: Sequence[Gap], others: Iterable[Gap]) -> list[Gap]:
    left, rest = list[Gap](), list(some)
    for other in others:  # both in order: what lies below this one is met no more
        while rest and rest[0].last < other.first:
            left.append(rest.pop(0))
        while rest and rest[0].first <= other.last:
            gap = rest.pop(0)
            if gap.first < other.first:
                left.append(gap._replace(last=other.first - 1))
            if gap.last > other.last:
                rest.insert(0, gap._replace(first=other.last + 1))
                break
    return left + rest
