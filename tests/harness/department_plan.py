"""The plan of a day: what becomes known and who opens what, before it is numbered, spelled and put in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from typing_extensions import Unpack

from schemas.access import Access, Action, Record
from schemas.fact import Fact
from schemas.finding import Outcome
from tests.harness.builders import DAY, AccessFields, at, make_access, membership, record
from tests.harness.department_people import Chance, People, Person
from tests.harness.native_day import Native

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
DAY_START = at(f"{DAY}T00:00:00-05:00")  # the department's day, in New York
DAY_END = DAY_START + 24 * HOUR
STORIES = 32  # cases that belong to a story about somebody; the rest is ordinary work
CASES_MIN = STORIES + 8
ACCESSES_MIN = 300


def clock(text: str) -> int:
    """UTC milliseconds of "09:30" or "09:30:00.001" on the department's wall."""
    return at(text) + 5 * HOUR


@dataclass(frozen=True)
class Case:
    """A case with what belongs to it."""

    case: Record
    people: tuple[Record, ...]
    papers: tuple[Record, ...]
    aliases: Mapping[str, Record] = field(default_factory=dict)

    @property
    def records(self) -> tuple[Record, ...]:
        """All that a duty towards the case reaches."""
        return (self.case, *self.people, *self.papers)

    def facts(self) -> list[Fact]:
        """What belongs to it, known for long."""
        return [membership(member, self.case) for member in (*self.people, *self.papers, *self.aliases.values())]


@dataclass(frozen=True)
class Draft:
    """An access that has no number yet; `intent` is the outcome its author had in mind."""

    access: Access
    intent: Outcome
    arrives_ms: int | None
    also: tuple[tuple[Access, Outcome], ...] = ()
    message: Native | None = None


@dataclass
class Plan:
    """Collects what happens. `known` was recorded before the day; `told` is (arrival, fact) on the day."""

    chance: Chance
    people: People
    cases: list[Case]
    known: list[Fact] = field(default_factory=list)
    told: list[tuple[int, Fact]] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)

    def know(self, *facts: Fact) -> None:
        """These were recorded, and arrived, before the day began."""
        self.known.extend(facts)

    def tell(self, fact: Fact, *, arrives: int | None = None) -> Fact:
        """This arrives on the day: two to eight seconds after it was recorded, unless the story says when."""
        usual = fact.recorded_at + self.chance.between(2 * SECOND, 8 * SECOND)
        self.told.append((usual if arrives is None else arrives, fact))
        return fact

    def see(
        self,
        who: Person | str,
        action: Action,
        what: str | Record,
        when: int,
        intent: Outcome,
        *,
        arrives: int | None = None,
        also: Sequence[tuple[Access, Outcome]] = (),
        **rest: Unpack[AccessFields],
    ) -> Access:
        """Somebody (or a bare login) does this at UTC ms `when`; the judge should find `intent`, and of other accesses
        of the same message what stands beside them."""
        login = who if isinstance(who, str) else who.logins[rest.get("source", "ecms")]
        access = make_access(login, action, what, when, **rest)
        self.drafts.append(Draft(access, intent, arrives, tuple(also)))
        return access

    def count(self) -> int:
        """How many accesses there are so far."""
        return sum(1 + len(draft.also) for draft in self.drafts)

    def story_case(self) -> Case:
        """A case that nothing else on this day is about, with nobody assigned to it."""
        taken = len([c for c in self.cases if c.case.id.startswith("s")])
        case = self._make_case(f"s{taken + 1:04d}")
        if taken >= STORIES:
            raise AssertionError(f"the stories need more than {STORIES} cases")
        return case

    def ordinary_case(self) -> Case:
        """A case of ordinary work, with nobody assigned to it yet."""
        return self._make_case(f"c{len(self.cases) + 1:04d}")

    def _make_case(self, case_id: str) -> Case:
        number = case_id.upper()
        aliases = {
            "clean": record(f"person:PA{number}"),
            "accurint": record(f"person:{ord(number[0]):03}{number[1:]:0>9}"),
        }
        case = Case(
            record(f"case:{case_id}"),
            people=tuple(record(f"person:P-{number}-{i}") for i in range(self.chance.between(2, 5))),
            papers=(
                record(f"intake:I-{number}"),
                *(record(f"document:D-{number}-{i}") for i in range(self.chance.between(2, 6))),
            ),
            aliases=aliases,
        )
        self.cases.append(case)
        self.know(*case.facts())
        return case
