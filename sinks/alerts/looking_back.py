"""What the look-back of a confirmed alert lists: accesses and facts in, acts out. Pure.

"The first confirmation of an alert triggers a look-back: every earlier access of that person to that record, listed as
evidence." Whose login it was is asked as of each access, by all that is known now; a login that is nobody's is that
login. What was stored before the first access that was found has happened before it, whatever its date says.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from schemas.access import Access, finding_id
from schemas.act import LISTED_MAX, Act, Closed, EarlierAccess, LookedBack
from schemas.alert import Alert, Who
from schemas.codec import encode
from schemas.finding import Finding, MessagePlace
from streams.join.bodies import RecordKey, record_key
from streams.join.knowledge import Knowledge
from streams.join.question import Question, question_of
from streams.join.view import View
from streams.policy.decide import staff_at
from streams.policy.plainly import is_canonical
from streams.sources import Headers

from .grouping import meant
from .writing import Writing, write

KEPT_MAX: Final = 100_000
"""Accesses listed of one alert: 500 acts, and 100 MB while they are sought. More are counted, and not listed."""

PART_BYTES: Final = 61_440
"""Of the accesses of one act: no message has more than 65,536, and an act around them has some 1,000."""

TRIED_MAX: Final = 1_000
"""Ids for which native messages are gone through before they are read; each costs 1 us, and reading a message 30."""

_IDS: Final = re.compile(rb'"id"\s*:\s*"([^"]*)"')
_MARKUP: Final = (b"\\", b"&", b"<!")  # by which native messages spell an id otherwise, or in pieces
_ESCAPED: Final = frozenset('"\\/')  # what a JSON text may spell with a backslash other than \u

Order = tuple[int, str, int, int]


class Raw(Protocol):
    """A message as it lies in a log."""

    @property
    def value(self) -> bytes | None:
        """Whatever it is."""

    @property
    def headers(self) -> Headers:
        """What it says it is."""


R = TypeVar("R", bound=Raw)


@dataclass(frozen=True, slots=True)
class Sought:
    """Of whom, to which records and before which instant (UTC ms) accesses are sought; `found` are its findings.

    Most alerts are about one record; those about searches about whom these led to, those about files about many.
    """

    alert_id: str
    who: Who
    records: frozenset[RecordKey]
    before: int
    found: frozenset[str] = frozenset()


def confirmed(acts: Iterable[Act]) -> list[str]:
    """The alerts that these acts confirm."""
    return [a.alert_id for a in acts if isinstance(a.body, Closed) and a.body.disposition == "confirmed"]


def sought_for(alert: Alert, findings: Iterable[Finding]) -> Sought:
    """What the look-back of an alert seeks; its findings are listed already.

    Of a search also the few people to whom it led: its criteria alone name nobody, and no view of anybody names them.
    """
    records, listed = {record_key(alert.record)}, set[str]()
    for finding in findings:
        listed.add(finding.finding_id)
        records.update(map(record_key, meant(finding.access)))
    return Sought(alert.alert_id, alert.who, frozenset(records), alert.occurred_first, frozenset(listed))


@dataclass(slots=True)
class _Answer:
    """What was found for one alert: of a message that was sent again the first; how many more there are."""

    sought: Sought
    kept: dict[str, tuple[Order, EarlierAccess]] = field(default_factory=dict)
    more: int = 0


class LookBack:
    """Seeks for many alerts at once."""

    def __init__(self, sought: Iterable[Sought]) -> None:
        self._answers = {one.alert_id: _Answer(one) for one in sought}
        self._by_record: defaultdict[RecordKey, list[_Answer]] = defaultdict(list)
        for answer in self._answers.values():
            for record in answer.sought.records:
                self._by_record[record].append(answer)
        kinds, names = (
            {key.partition("/")[0] for key in self._by_record},
            {n.partition("/")[2] for n in self._by_record},
        )
        self._ids = frozenset(name.encode() for name in names)
        self._escape = b"\\" if any(_ESCAPED & set(name) for name in names) else b"\\u"
        # The id of criteria is made of what a native message says, and a quote is doubled in tables.
        self._is_hidden = "criteria" in kinds or any('"' in name for name in names) or len(names) > TRIED_MAX

    def near(self, messages: Iterable[R]) -> list[R]:
        """The messages that may name a record that is sought: all that do, and few others.

        A record's id stands between quotes after `"id"` in canonical JSON, unless it is spelled with escapes; in a
        native message it stands anywhere, unless that has escapes of its own.
        """
        ids, escape, found = self._ids, self._escape, list[R]()
        names, is_none = _IDS.findall, self._ids.isdisjoint
        for message in messages:
            value = message.value
            if not value:
                continue
            if is_canonical(message):
                if escape in value or not is_none(names(value)):
                    found.append(message)
            elif self._is_hidden or any(one in value for one in (*_MARKUP, *ids)):
                found.append(message)
        return found

    def take(self, knowledge: Knowledge, access: Access, appended_at: int, place: MessagePlace) -> None:
        """One access, with the append time (UTC ms) of its message and where that lies."""
        question = question_of(access, appended_at)
        for target in question.targets:
            for answer in self._by_record.get(target, ()):
                if question.start < answer.sought.before and _is_theirs(knowledge, question, access, answer.sought.who):
                    _keep(answer, access, appended_at, place)

    def counted(self) -> int:
        """How many were found so far, for all."""
        return sum(len(answer.kept) + answer.more for answer in self._answers.values())

    def bodies(self, since: int) -> Iterator[tuple[str, list[LookedBack]]]:
        """For each alert the acts that list what was found, the earliest first; one also where nothing was.

        `since`: the append time (UTC ms) of the oldest message that could still be read.
        """
        for alert_id, answer in self._answers.items():
            yield alert_id, _bodies(answer, since)


def _is_theirs(knowledge: Knowledge, question: Question, access: Access, who: Who) -> bool:
    if who.staff is None:
        return (access.source, access.actor) == (who.source, who.login)
    instant = question.start
    while instant <= question.end:
        now = View(knowledge)
        if who.staff in staff_at(now, question.login, instant):
            return True
        instant = now.changes_at
    return False


def _keep(answer: _Answer, access: Access, appended_at: int, place: MessagePlace) -> None:
    name = finding_id(access, appended_at)
    if name in answer.sought.found:
        return
    order = (appended_at, place.topic, place.partition, place.offset)
    known = answer.kept.get(name)
    if known is None and len(answer.kept) >= KEPT_MAX:
        answer.more += 1
    elif known is None or order < known[0]:
        answer.kept[name] = order, _listed(access, place)


def _listed(access: Access, place: MessagePlace) -> EarlierAccess:
    return EarlierAccess(
        event_id=access.event_id,
        source=access.source,
        action=access.action,
        result=access.result,
        occurred_at=access.occurred_at,
        message=place,
    )


def _bodies(answer: _Answer, since: int) -> list[LookedBack]:
    found = sorted(answer.kept.values(), key=lambda one: (one[1].occurred_at, one[0]))
    parts = list(_parts(access for _, access in found)) or [()]
    return [
        LookedBack(
            kind="looked_back",
            part=number,
            parts=len(parts),
            counted=len(found) + answer.more,
            since=since,
            accesses=part,
        )
        for number, part in enumerate(parts, start=1)
    ]


def _parts(listed: Iterable[EarlierAccess]) -> Iterator[tuple[EarlierAccess, ...]]:
    """No longer than an act may be, in accesses and in bytes: ids may have 200 characters."""
    part, size = list[EarlierAccess](), 0
    for one in listed:
        more = len(encode(one)) + 1
        if part and (len(part) == LISTED_MAX or size + more > PART_BYTES):
            yield tuple(part)
            part, size = [], 0
        part.append(one)
        size += more
    if part:
        yield tuple(part)


def write_down(writing: Writing, alert_id: str, bodies: Iterable[LookedBack], at: int) -> list[Act]:
    """Writes the look-back of an alert, by the service; nothing where one is written: somebody was faster. `at`: ms."""
    alert = writing.alert(alert_id)
    if alert is None or alert.looked_back is not None:
        return []
    return [write(writing, alert_id, body, at=at)[0] for body in bodies]
