"""As many facts as one likes, as register stores them, and accesses that they explain. Pure.

Three assignments a record without an end, and a person for every thirty assignments, so that neither a record nor a
person has more of them when there are more facts.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

import orjson

from schemas.ids import format_instant
from schemas.topics import DAY_MS, FEEDS

from .workload import (
    COMPLETE_THROUGH_MS,
    EACH,
    EPOCH_MS,
    Message,
    access_value,
    account_message,
    assignment_body,
    fact_message,
)

PER_PERSON: Final = 30  # assignments
SPREAD_DAYS: Final = 300  # assignments begin within so many days


def people(facts: int) -> int:
    """How many members of staff so many assignments have."""
    return max(10, facts // PER_PERSON)


def pair(number: int, facts: int) -> tuple[str, str]:
    """Record and staff member of the assignment of this number: no pair twice, neighbours far from each other."""
    record, place = divmod(number, EACH)
    return f"su{record}", f"st{(record * 7 + place) % people(facts)}"


def begin(number: int) -> int:
    """From when the assignment of this number holds, UTC ms; each has an instant of its own, as real ones do."""
    return EPOCH_MS + number * 7_919_123 % (SPREAD_DAYS * DAY_MS)


def assignments(facts: int) -> Iterator[Message]:
    """All of them, as they lie on `facts.v1`."""
    for number in range(facts):
        record, staff = pair(number, facts)
        interval = begin(number), None
        yield registered(fact_message(_fact_id(number), 1, interval, assignment_body(record, staff)), "assignments")


def revised(number: int, facts: int, *, is_void: bool) -> Message:
    """A second revision of an assignment, as its feed states it: void, or with nothing changed but the role."""
    body = assignment_body(*pair(number, facts)) | ({} if is_void else {"role": "secondary"})
    return fact_message(_fact_id(number), 2, (begin(number), None), body, is_void=is_void)


def _fact_id(number: int) -> str:
    return f"as-{number:07}"


def accounts(facts: int) -> Iterator[Message]:
    """A login for each member of staff, as they lie on `facts.v1`."""
    return (registered(account_message(f"st{number}"), "staff") for number in range(people(facts)))


def registered(fact: Message, feed: str) -> Message:
    """A fact as register stores it when no mark was broken: known from when it was recorded."""
    more = orjson.dumps({"feed": feed, "known_from": orjson.loads(fact.value)["recorded_at"]})
    return Message(f"{feed}/{fact.key}", fact.value[:-1] + b"," + more[1:])


def marks(position: int) -> Iterator[Message]:
    """Every feed complete beyond every access, as they lie on `marks.v1`."""
    for feed in FEEDS:
        said = {"feed": feed, "complete_through": format_instant(COMPLETE_THROUGH_MS), "sequence": 1}
        yield Message(feed, orjson.dumps({**said, "position": position}))


def explained(count: int, facts: int, among: int, rng: random.Random, first: int = 0) -> Iterator[Message]:
    """Accesses by somebody who has an assignment, one of the first `among`."""
    for event in range(first, first + count):
        number = rng.randrange(among)
        yield _access(event, pair(number, facts), begin(number) + rng.randrange(1, 60 * DAY_MS))


def unexplained(count: int, facts: int, among: int, rng: random.Random, first: int = 0) -> Iterator[Message]:
    """Accesses to records of the first `among` assignments by somebody who has none."""
    for event in range(first, first + count):
        record, _ = pair(rng.randrange(among), facts)
        yield _access(event, (record, f"st{(int(record[2:]) * 7 + 5) % people(facts)}"), EPOCH_MS + 301 * DAY_MS)


def _access(event: int, who: tuple[str, str], moment: int) -> Message:
    record, staff = who
    return Message(record, access_value(f"q{event}", event, record, staff, format_instant(moment)))
