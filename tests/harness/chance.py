"""Random small worlds, in which everything meets everything: facts, waivers, marks and accesses from one seed."""

from __future__ import annotations

from random import Random

from schemas.access import Access, Action, Record
from schemas.fact import (
    Account,
    Assignment,
    Body,
    Coverage,
    Fact,
    Membership,
    RegisteredFact,
    Review,
    Supervision,
    UnitMember,
    Waiver,
)
from schemas.ids import SourceName, parse_instant
from schemas.topics import CONSOLE
from tests.harness.builders import FEED_OF, account, registered

START = parse_instant("2026-01-05T08:00:00Z")
STEP = 600_000  # ms; few instants, so that boundaries meet
STEPS = 24
STAFF = ("w1", "w2", "w3", "w4")
LOGINS = ("la", "lb", "lc")
ACTORS = STAFF[: len(LOGINS)]  # whose these are, to begin with
ALERTS = ("al1", "al2")
SOURCES = ("ecms", CONSOLE)
RECORDS = tuple(
    Record.model_validate({"kind": kind, "id": name})
    for kind, name in (("case", "c1"), ("case", "c2"), ("person", "p1"), ("person", "p2"), ("staff", "w4"))
)


def instant(rng: Random) -> int:
    """One of the few instants of the small world, sometimes a millisecond off."""
    return START + rng.randrange(STEPS) * STEP + rng.choice((0, 0, 0, -1, 1))


def body(rng: Random) -> Body:
    """Any statement."""
    staff, other = rng.choice(STAFF), rng.choice(STAFF)
    match rng.randrange(16):
        case 0 | 1 | 2 | 3 | 4 | 5:
            return Assignment(kind="assignment", staff=staff, record=rng.choice(RECORDS[:4]), role="management")
        case 6:
            return Assignment(kind="assignment", unit=rng.choice("uv"), record=rng.choice(RECORDS[:3]), role="support")
        case 7:
            return UnitMember(kind="unit_member", staff=staff, unit=rng.choice("uv"))
        case 8 | 9:
            return Supervision(kind="supervision", supervisor=staff, staff=other)
        case 10:
            return Coverage(kind="coverage", covering=staff, covered=other)
        case 11:
            return Membership(kind="membership", record=rng.choice(RECORDS[2:4]), within=rng.choice(RECORDS[:2]))
        case 12 | 13 | 14:
            return Review(kind="review", staff=staff, record=rng.choice(RECORDS), alert=rng.choice(ALERTS))
        case _:
            return Account(kind="account", source=rng.choice(SOURCES), login=rng.choice(LOGINS), staff=staff)


def fact(rng: Random) -> RegisteredFact:
    """Any fact; few ids and revisions, so that they are revised, repeated and in conflict."""
    said = body(rng)
    start = instant(rng) if rng.random() < 0.5 else START
    stated = Fact(
        fact_id=f"{said.kind[:3]}{rng.randrange(8)}",
        revision=rng.choice((1, 1, 1, 1, 2, 2, 3)),
        valid_from=start,
        valid_to=None if rng.random() < 0.5 else max(start, instant(rng)),
        recorded_at=instant(rng) if rng.random() < 0.5 else START,
        void=rng.random() < 0.1,
        body=said,
    )
    is_moved = rng.random() < 0.15  # behind a mark, or back to when a clock that is ahead was stored
    return registered(stated, known_from=stated.recorded_at + rng.randrange(-3, 6) * STEP if is_moved else None)


def log(rng: Random, length: int) -> list[RegisteredFact | Waiver]:
    """A `facts.v1` with everything in it; the logins belong to somebody all day, so that not everybody is nobody."""
    feeds = sorted(set(FEED_OF.values()))
    said: list[RegisteredFact | Waiver] = [
        registered(
            account(login, staff, source=source, fact_id=f"{source}-{login}", valid_from=START, recorded_at=START)
        )
        for source in SOURCES
        for login, staff in zip(LOGINS, STAFF, strict=False)
    ]
    for _ in range(length):
        is_waiver = rng.random() < 0.05
        said.append(Waiver(feed=rng.choice(feeds), through=instant(rng)) if is_waiver else fact(rng))
    return said


def marks(rng: Random) -> dict[str, int]:
    """Some feeds' promises."""
    far = START + 10 * STEPS * STEP
    feeds = sorted(set(FEED_OF.values()))
    if rng.random() < 0.6:
        return dict.fromkeys(feeds, far)
    return {feed: rng.choice((far, instant(rng), instant(rng))) for feed in feeds if rng.random() < 0.9}


def access(rng: Random, number: int, source: SourceName = "ecms") -> Access:
    """Any access at this source."""
    start = instant(rng)
    is_imprecise = rng.random() < 0.25
    action: Action = rng.choice(("view", "search", "edit", "export"))
    return Access(
        event_id=f"e{number}",
        source=source,
        sequence=number,
        actor=rng.choice(LOGINS),
        action=action,
        record=rng.choice(RECORDS),
        candidates=tuple(rng.sample(RECORDS, 2)) if action == "search" and rng.random() < 0.5 else None,
        result=rng.choice(("success", "success", "denied")),
        occurred_at=start,
        occurred_until=max(start, instant(rng)) if is_imprecise else None,
    )
