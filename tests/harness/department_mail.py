"""From a plan to messages: numbering, spelling, keys, headers, resends, marks, and the FACTS file's lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from schemas.access import Access
from schemas.codec import encode
from schemas.fact import Fact, Mark
from schemas.finding import Outcome
from schemas.ids import format_instant
from schemas.topics import CANONICAL, ECMS_SYSLOG, FACTS_LINE
from tests.harness.builders import DUTY_FEEDS, FEED_OF
from tests.harness.department_people import Chance
from tests.harness.department_plan import DAY_START, HOUR, MINUTE, SECOND, Draft
from tests.harness.ecms_syslog import syslog
from tests.harness.facts_file import FactsFile, audit_access
from tests.harness.native_day import WRITERS
from tests.harness.steps import Headers, Step

MARK_LAG = 10 * SECOND  # a feed calls complete what is this old: its facts take at most 8 s to arrive
FIRST_AUDIT = 4_711_001
FILE_NUMBER = 731
UNNUMBERED = frozenset({"irss", "accurint", "paper"})  # systems whose own messages have no number
SYSLOG = 0.05  # share of ECMS's messages that come by its fallback
RESENT = 0.015  # share of messages that their source sends twice
JSON_HEADER: Headers = (("content-type", CANONICAL.encode()),)
LINE_HEADER: Headers = (("content-type", FACTS_LINE.encode()),)


def numbered(drafts: Iterable[Draft]) -> list[Draft]:
    """The drafts in the order of their time, each with its event id and its source's dense sequence number."""
    counts: dict[str, int] = {}
    done = []
    for draft in sorted(drafts, key=lambda d: d.access.occurred_at):
        source = draft.access.source
        number = counts[source] = counts.get(source, 0) + 1
        if source == "facts":
            done.append(replace(draft, access=audit_access(FIRST_AUDIT - 1 + number, draft.access)))
        else:
            done.append(_numbered(draft, source, number))
    return done


def _numbered(draft: Draft, source: str, number: int) -> Draft:
    """As its system writes it, where that has a way to; else as canonical JSON."""
    meant = [draft.access, *(access for access, _ in draft.also if access.operator is None)]
    message = WRITERS[source](number, meant) if source in WRITERS else None
    if message is not None:
        first, *rest = message.accesses
        also = zip(rest, (intent for _, intent in draft.also), strict=True)
        return replace(draft, access=first, also=tuple(also), message=message)
    assert not draft.also, f"{source} cannot say this, and canonical JSON not in one message"
    sequence = None if source in UNNUMBERED else number
    named = draft.access.model_copy(update={"event_id": f"{source}-{number:06d}", "sequence": sequence})
    return replace(draft, access=named)


def access_steps(chance: Chance, drafts: Iterable[Draft]) -> Iterator[Step]:
    """One message each, soon after it happened; now and then the same bytes again."""
    for draft in drafts:
        access = draft.access
        ended = access.occurred_at if access.occurred_until is None else access.occurred_until
        value, headers = _written(chance, draft)
        step = Step(
            at_ms=ended + chance.between(200, 3 * SECOND) if draft.arrives_ms is None else draft.arrives_ms,
            topic=("access", access.source),
            key=access.actor.encode(),
            value=value,
            headers=headers,
            means=access,
            also=tuple(other for other, _ in draft.also),
        )
        yield step
        if chance.happens(RESENT):
            yield again(step, step.at_ms + chance.between(1, 3 * HOUR))


def again(step: Step, at_ms: int) -> Step:
    """The exact resend of a step: same key, value and headers."""
    return replace(step, at_ms=at_ms)


def fact_step(at_ms: int, fact: Fact) -> Step:
    """The fact on the feed that may state it."""
    return Step(
        at_ms=at_ms,
        topic=("feed", FEED_OF[fact.body.kind]),
        key=fact.fact_id.encode(),
        value=encode(fact),
        headers=JSON_HEADER,
        means=fact,
    )


def mark_step(at_ms: int, mark: Mark) -> Step:
    """The mark on its feed."""
    return Step(at_ms=at_ms, topic=("feed", mark.feed), key=mark.feed.encode(), value=encode(mark), means=mark)


def mark_steps(end: int, every_ms: int) -> Iterator[Step]:
    """Every feed's marks from the start of the day to `end`; one of each feed goes back, which means nothing."""
    for number, now in enumerate(range(DAY_START, end, every_ms), start=1):
        for feed in DUTY_FEEDS:
            back = 5 * MINUTE if number == 50 else 0
            mark = Mark(feed=feed, complete_through=now - MARK_LAG - back, sequence=number)
            yield mark_step(now, mark)


def file_steps(at_ms: int, file: FactsFile) -> Iterator[Step]:
    """The lines of the nightly file, a millisecond apart; header and trailer name no access."""
    for i, line in enumerate(file.lines):
        is_detail = line.startswith(b"D")
        yield Step(
            at_ms=at_ms + i,
            topic=("access", "facts"),
            key=line[25:33].strip() if is_detail else b"%06d" % FILE_NUMBER,
            value=line,
            headers=LINE_HEADER,
            means=file.accesses[i - 1] if is_detail else "control",
        )


def _written(chance: Chance, draft: Draft) -> tuple[bytes, Headers]:
    """As the system does it; ECMS's fallback is syslog."""
    if draft.message is not None:
        return draft.message.value, (("content-type", draft.message.content_type.encode()),)
    if draft.access.source == "ecms" and chance.happens(SYSLOG):
        return syslog(draft.access), (("content-type", ECMS_SYSLOG.encode()),)
    return _spelled(chance, draft.access), _headers(chance, draft.access)


def _headers(chance: Chance, access: Access) -> Headers:
    """CloudEvents from most; a message without any header is canonical JSON too."""
    if chance.happens(0.2):
        return ()
    if access.source != "ecms":
        return JSON_HEADER
    return (
        *JSON_HEADER,
        ("ce_specversion", b"1.0"),
        ("ce_id", access.event_id.encode()),
        ("ce_source", b"/ecms"),
        ("ce_type", b"needtoknow.access.v1"),
        ("ce_time", format_instant(access.occurred_at).encode()),
    )


def _spelled(chance: Chance, access: Access) -> bytes:
    """The access as a source might write it: mostly plain, sometimes another spelling of the same values."""
    kind = chance.below(20)
    if kind > 2:
        return encode(access)
    fields: dict[str, Any] = access.model_dump(mode="json")
    if kind == 0:  # the department's own zone, and digits that are cut off
        local = format_instant(access.occurred_at - 5 * HOUR)
        fields["occurred_at"] = local.replace("Z", "999-05:00")
    elif kind == 1:  # absent fields said to be null
        fields |= {name: None for name in ("requested_for", "session", "batch_id") if name not in fields}
    return json.dumps(fields, indent=1 if kind == 2 else None, sort_keys=kind == 2).encode()


def intents(drafts: Sequence[Draft]) -> tuple[tuple[Access, Outcome], ...]:
    """What the author of each access had in mind."""
    return tuple(pair for draft in drafts for pair in ((draft.access, draft.intent), *draft.also))
