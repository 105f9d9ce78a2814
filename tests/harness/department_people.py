"""The people of the synthetic department: ranks, units, and one login a system."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeVar

from schemas.fact import Fact
from tests.harness.builders import SYSTEMS, account, supervision, unit_member

T = TypeVar("T")
Rank = Literal["director", "manager", "supervisor", "worker"]

FIRST = (
    "Ada",
    "Ben",
    "Cleo",
    "Dan",
    "Eve",
    "Finn",
    "Gus",
    "Hana",
    "Ivo",
    "Jane",
    "Kofi",
    "Lena",
    "Mia",
    "Noor",
    "Omar",
)
LAST = ("Doe", "Moor", "Okafor", "Smith", "Vance", "Weber", "Xu", "Young", "Abbot", "Baker", "Cruz", "Diaz", "Engel")
FACTS_LOGIN = 8  # characters; FACTS cuts off the rest
NAMESAKES = 2  # the last two workers: Montgomery and Montgomerie are one login in FACTS
STAFF_MIN = 24
FEDERATION = "NIEF:TIB:PORTAL:IDP:PHILA-DHS:USER:"  # before the name that JNET's portal has from the department


class Chance:
    """Draws from `Random(seed)` by `random()` only: the one method whose values are promised for every Python."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def below(self, n: int) -> int:
        """A whole number in [0, n)."""
        return int(self._random.random() * n)

    def between(self, low: int, high: int) -> int:
        """A whole number in [low, high)."""
        return low + self.below(high - low)

    def happens(self, share: float) -> bool:
        """True in this share of draws."""
        return self._random.random() < share

    def pick(self, things: Sequence[T]) -> T:
        """One of them."""
        return things[self.below(len(things))]

    def drawn(self, shares: Sequence[tuple[float, T]]) -> T:
        """One of them by share; the limits add up, and the last is 1."""
        point = self._random.random()
        return next(thing for limit, thing in shares if point < limit)

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """All of them in another order."""
        rest = list(things)
        return [rest.pop(self.below(len(rest))) for _ in things]


@dataclass(frozen=True)
class Person:
    """`staff` is the id in the directory; `logins` are by source."""

    staff: str
    rank: Rank
    unit: str
    logins: dict[str, str]


@dataclass(frozen=True)
class People:
    """Everybody by rank, and who answers for whom (upper, lower): three levels, and one loop."""

    director: Person
    managers: tuple[Person, ...]
    supervisors: tuple[Person, ...]
    workers: tuple[Person, ...]
    lines: tuple[tuple[Person, Person], ...]

    def everybody(self) -> tuple[Person, ...]:
        """From the top down."""
        return (self.director, *self.managers, *self.supervisors, *self.workers)

    def below(self, person: Person) -> list[Person]:
        """The workers at most two supervision steps below."""
        direct = [lower for upper, lower in self.lines if upper is person]
        leads = {p.staff for p in direct}
        second = [lower for upper, lower in self.lines if upper.staff in leads]
        return [p for p in (*direct, *second) if p.rank == "worker"]

    def namesakes(self) -> tuple[Person, ...]:
        """Those who share a login in FACTS."""
        return self.workers[-NAMESAKES:]


def make_people(staff: int) -> People:
    """`staff` people, the same for every seed. Raises ValueError for fewer than 24."""
    if staff < STAFF_MIN:
        raise ValueError(f"a department of fewer than {STAFF_MIN} has no room for every kind of snooper")
    managers, supervisors = max(2, staff // 20), max(4, staff // 8)
    workers = staff - 1 - managers - supervisors
    counted: dict[Rank, int] = {"director": 1, "manager": managers, "supervisor": supervisors, "worker": workers}
    ranks = [rank for rank, count in counted.items() for _ in range(count)]
    everybody = [
        _person(i, rank, unit=f"u{(i - 1 - managers) % supervisors + 1:02d}", namesake=i - (staff - NAMESAKES))
        for i, rank in enumerate(ranks)
    ]
    top, middle = everybody[1 : 1 + managers], everybody[1 + managers : 1 + managers + supervisors]
    team = everybody[1 + managers + supervisors :]
    lines = [(everybody[0], m) for m in top]
    lines += [(top[i % managers], s) for i, s in enumerate(middle)]
    lines += [(middle[i % supervisors], w) for i, w in enumerate(team)]
    lines.append((middle[0], top[0]))  # leads a project that the own manager works in: a loop
    return People(everybody[0], tuple(top), tuple(middle), tuple(team), tuple(lines))


def _person(number: int, rank: Rank, *, unit: str, namesake: int) -> Person:
    first, last = FIRST[number % len(FIRST)], LAST[number % len(LAST)]
    facts = f"{last[:4]}{number:04d}{first}"  # its first eight characters are nobody else's
    if namesake >= 0:
        first, last = ("Jane", "Joan")[namesake], ("Montgomery", "Montgomerie")[namesake]
        facts = last + first
    plain = f"{first[0]}{last}{number}".lower()
    logins = {
        **{source: f"{source[:2]}-{plain}" for source in SYSTEMS},
        "ecms": plain,
        "facts": facts.upper()[:FACTS_LOGIN],
        "paper": f"{last},{first}#{number}",
        "clean": f"CL-{plain}".upper(),
        "jnet": f"{FEDERATION}{plain}@dhs.example",
    }
    return Person(staff=f"w{number:03d}", rank=rank, unit=unit, logins=logins)


def people_facts(people: People) -> Iterator[Fact]:
    """Every account, supervision and unit membership, for ever and known for long."""
    for person in people.everybody():
        for source, login in person.logins.items():
            yield account(login, person.staff, source=source)
        if person.rank in ("supervisor", "worker"):
            yield unit_member(person.staff, person.unit)
    for upper, lower in people.lines:
        yield supervision(upper.staff, lower.staff)
