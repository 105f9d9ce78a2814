"""What every program gets to judge: the same canonical messages, and the one right answer to each access.

An assignment says that a member of staff may see a record during [valid_from, valid_to). Three of them a record; every
fifth is first stated open (revision 1) and then with its end (revision 2). A `share` of the accesses is by a random
person at a random moment, so nearly all of those are violations. Everything is recorded when it begins to hold at the
latest, so that what was known then is what is known now, and the marks of all feeds lie beyond every access, so that
each answer is final. A login is spelled like the staff member it belongs to: a program without accounts judges alike.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import orjson

from schemas.ids import format_instant
from schemas.topics import DAY_MS, FEEDS

SOURCE: Final = "ecms"
EPOCH_MS: Final = 1_700_000_000_000  # the first possible start of an assignment
START_DAYS: Final = 300  # assignments start within so many days
LENGTH_DAYS: Final = 60  # an assignment that ends does so within so many days
OPEN_DAYS: Final = 90  # one without an end is used for so many days
ACCESS_DAYS: Final = 400  # random accesses fall within so many days
COMPLETE_THROUGH_MS: Final = EPOCH_MS + (ACCESS_DAYS + 30) * DAY_MS
EACH: Final = 3  # assignments of a record
CORRECTED: Final = 0.2  # share of the assignments whose end is stated by a second revision

Interval = tuple[int, "int | None"]  # [from, to) in UTC milliseconds; None = open


class Message(NamedTuple):
    """One Kafka message."""

    key: str
    value: bytes


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How large a workload is; the same plan gives the same bytes everywhere."""

    accesses: int
    subjects: int = 20_000
    staff: int = 2_000
    share: float = 0.03
    seed: int = 7


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Messages ready to send. `violations` holds the event ids of the accesses that no assignment explains."""

    plan: Plan
    accesses: list[Message]
    assignments: list[Message]  # facts, keyed by fact_id
    accounts: list[Message]  # facts, keyed by fact_id
    violations: frozenset[str]

    def feeds(self) -> dict[str, list[Message]]:
        """What each feed sends: its facts, then its mark."""
        facts = {"assignments": self.assignments, "staff": self.accounts}
        return {feed: [*facts.get(feed, []), mark(feed)] for feed in FEEDS}

    def assignments_by_record(self) -> list[Message]:
        """The same assignment facts keyed as the accesses are, for programs that join partition by partition."""
        return [Message(fact.key.split("/")[0], fact.value) for fact in self.assignments]


def mark(feed: str, through: int = COMPLETE_THROUGH_MS) -> Message:
    """The promise that nothing of this feed is still to come."""
    return Message(feed, mark_value(feed, format_instant(through), 1))


def mark_value(feed: str, instant: str, sequence: int) -> bytes:
    """A mark, its instant as a text."""
    return orjson.dumps({"feed": feed, "complete_through": instant, "sequence": sequence})


def make_workload(plan: Plan) -> Workload:
    """The workload of a plan."""
    rng = random.Random(plan.seed)
    held, assignments = make_assignments(plan, rng)
    accesses, violations = _make_accesses(plan, rng, held)
    return Workload(
        plan=plan,
        accesses=accesses,
        assignments=assignments,
        accounts=[account_message(f"st{n}") for n in range(plan.staff)],
        violations=frozenset(violations),
    )


Held = dict[tuple[str, str], Interval]  # (record, staff) -> when; one interval a pair


def make_assignments(plan: Plan, rng: random.Random) -> tuple[Held, list[Message]]:
    """Who has what when, and the facts that say so."""
    held: Held = {}
    messages: list[Message] = []
    for number in range(plan.subjects):
        record = f"su{number}"
        for member in rng.sample(range(plan.staff), EACH):
            staff, interval = f"st{member}", _draw_interval(rng)
            revisions = [interval]
            if rng.random() < CORRECTED:
                interval = interval[0], interval[0] + rng.randrange(1, LENGTH_DAYS) * DAY_MS
                revisions = [(interval[0], None), interval]
            held[record, staff] = interval
            messages += _assignment(record, staff, revisions)
    return held, messages


def _draw_interval(rng: random.Random) -> Interval:
    start = EPOCH_MS + rng.randrange(START_DAYS) * DAY_MS
    return start, None if rng.random() < 0.5 else start + rng.randrange(1, LENGTH_DAYS) * DAY_MS


def _make_accesses(plan: Plan, rng: random.Random, held: Held) -> tuple[list[Message], set[str]]:
    pairs = list(held)
    messages: list[Message] = []
    violations: set[str] = set()
    for number in range(plan.accesses):
        if rng.random() < plan.share:
            record, staff = f"su{rng.randrange(plan.subjects)}", f"st{rng.randrange(plan.staff)}"
            moment = EPOCH_MS + rng.randrange(ACCESS_DAYS * DAY_MS)
        else:
            record, staff = pairs[rng.randrange(len(pairs))]
            moment = _moment_inside(held[record, staff], rng)
        messages.append(_access(number, record, staff, moment))
        if not covers(held.get((record, staff)), moment):
            violations.add(event_id(number))
    return messages, violations


def _moment_inside(interval: Interval, rng: random.Random) -> int:
    start, end = interval
    return start + rng.randrange(OPEN_DAYS * DAY_MS) if end is None else rng.randrange(start, end)


def covers(interval: Interval | None, moment: int) -> bool:
    """Whether an access at this moment is explained."""
    return interval is not None and interval[0] <= moment and (interval[1] is None or moment < interval[1])


# The messages, spelled as schemas.codec.encode would spell them (a test holds them to it), at a tenth of its time.


def event_id(number: int) -> str:
    """How the access of this number is called."""
    return f"e{number}"


def _access(number: int, record: str, login: str, moment: int) -> Message:
    return Message(record, access_value(event_id(number), number, record, login, format_instant(moment)))


def access_value(event: str, number: int, record: str, login: str, instant: str) -> bytes:
    """An access, its instant as a text."""
    value = {
        "event_id": event,
        "source": SOURCE,
        "sequence": number,
        "actor": login,
        "action": "view",
        "record": {"kind": "case", "id": record},
        "result": "success",
        "occurred_at": instant,
    }
    return orjson.dumps(value)


def assignment_body(record: str, staff: str) -> dict[str, object]:
    """That this person has this case."""
    return {"kind": "assignment", "staff": staff, "record": {"kind": "case", "id": record}, "role": "management"}


def _assignment(record: str, staff: str, revisions: list[Interval]) -> Iterator[Message]:
    body = assignment_body(record, staff)
    for revision, interval in enumerate(revisions, start=1):
        yield fact_message(f"{record}/{staff}", revision, interval, body)


def account_message(staff: str) -> Message:
    """The login of a member of staff, which is spelled alike."""
    body = {"kind": "account", "source": SOURCE, "login": staff, "staff": staff}
    return fact_message(f"account/{staff}", 1, (EPOCH_MS - DAY_MS, None), body)


def fact_message(
    fact_id: str,
    revision: int,
    interval: Interval,
    body: Mapping[str, object],
    *,
    recorded_at: int | None = None,
    is_void: bool = False,
) -> Message:
    """One revision; recorded when it begins to hold unless said otherwise."""
    start, end = interval
    value = {
        "fact_id": fact_id,
        "revision": revision,
        "valid_from": format_instant(start),
        "valid_to": None if end is None else format_instant(end),
        "recorded_at": format_instant(start if recorded_at is None else recorded_at),
        "recorded_by": None,
        "void": is_void,
        "body": body,
    }
    return Message(fact_id, orjson.dumps(value))
