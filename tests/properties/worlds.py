"""Worlds that say the same as what was played, and must be judged the same: laws that need no second judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, NamedTuple

from schemas.access import Access, Record
from schemas.fact import Account, Fact, RegisteredFact, Waiver
from schemas.topics import CONSOLE
from streams.join.knowledge import Knowledge
from streams.join.question import question_of
from streams.policy.decide import Verdict, decide
from tests.harness import chance
from tests.harness.builders import registered
from tests.harness.judging import knowing
from tests.harness.play import Played

DAY: Final = 86_400_000
Log = Sequence[RegisteredFact | Waiver]


class World(NamedTuple):
    """Facts, accesses with their append times, and what is said of each."""

    played: Played
    log: Log
    asked: list[tuple[Access, int]]

    def verdicts(self, log: Log, asked: Sequence[tuple[Access, int]] | None = None) -> list[Verdict]:
        """What is said of each access by all of these facts."""
        policy = self.played.history.policy
        knowledge = knowing(log, policy.grace_ms)
        return [self._decided(knowledge, *one) for one in (self.asked if asked is None else asked)]

    def _decided(self, knowledge: Knowledge, access: Access, appended_at: int) -> Verdict:
        return decide(knowledge, self.played.history.policy, question_of(access, appended_at), access)


def worlds_that_say_the_same(played: Played) -> None:
    """Order, more duty, intervals in two, other names, another clock: see each below. Two of them for each history.

    And that taking an alert decides nothing elsewhere."""
    asked = list({(a.name, a.appended_at): (a.access, a.appended_at) for a in played.asked.values()}.values())
    world, rng = World(played, played.facts, asked), Random(played.history.seed)
    wanted = world.verdicts(world.log)
    laws = (_order_is_free, _duty_never_accuses, _two_parts_are_one, _names_are_names, _clocks_are_relative)
    for law in (*rng.sample(laws, 2), _alerts_are_for_the_console):
        law(world, wanted, rng)


def _order_is_free(world: World, wanted: Sequence[Verdict], rng: Random) -> None:
    """Facts that do not contradict each other may come in any order, and any number of times."""
    facts = standing(world.log)
    again = [*facts, *rng.sample(facts, min(3, len(facts)))]
    rng.shuffle(again)
    assert world.verdicts(again) == list(wanted), "in another order"


def standing(log: Log) -> list[RegisteredFact]:
    """The facts of a log that count: the first of each revision, and of the first kind of each fact."""
    kinds: dict[tuple[str, str], str] = {}
    found: dict[tuple[str, str, int], RegisteredFact] = {}
    for fact in log:
        if isinstance(fact, RegisteredFact):
            name = fact.feed, fact.fact_id
            if kinds.setdefault(name, fact.body.kind) == fact.body.kind:
                found.setdefault((*name, fact.revision), fact)
    return list(found.values())


def _duty_never_accuses(world: World, wanted: Sequence[Verdict], rng: Random) -> None:
    """What was explained is explained still when somebody has one more duty of any kind, known at any time."""
    bodies = (chance.body(rng) for _ in iter(int, 1))
    duty = Fact(
        fact_id="more",
        revision=1,
        valid_from=rng.choice((chance.START - 2 * DAY, chance.instant(rng))),
        recorded_at=rng.choice((0, chance.instant(rng))),
        body=next(body for body in bodies if not isinstance(body, Account)),  # one more login is another question
    )
    for before, after in zip(wanted, world.verdicts([*world.log, registered(duty)]), strict=True):
        assert before.outcome != "explained" or after.outcome == "explained", "more duty made a finding"


def _two_parts_are_one(world: World, wanted: Sequence[Verdict], rng: Random) -> None:
    """Two facts side by side for one, also for an access over the moment at which they meet."""
    border = chance.START + rng.randrange(chance.STEPS) * chance.STEP
    assert world.verdicts(_each(world.log, lambda fact: _split(fact, border))) == list(wanted), "in two parts"


def _split(fact: RegisteredFact, border: int) -> list[RegisteredFact]:
    """The second part is void where the fact lies on one side of the border: it is restored when the fact is moved."""
    end = fact.valid_to
    if fact.valid_from < border and (end is None or border < end):
        second = {"fact_id": f"{fact.fact_id}-2", "valid_from": border}
        return [fact.model_copy(update={"valid_to": border}), fact.model_copy(update=second)]
    return [fact, fact.model_copy(update={"fact_id": f"{fact.fact_id}-2", "void": True})]


def _names_are_names(world: World, wanted: Sequence[Verdict], rng: Random) -> None:
    """People, units, logins and records called otherwise throughout, also where somebody looks a colleague up."""
    people = {name: f"renamed-{9 - n}" for n, name in enumerate((*chance.STAFF, "u", "v"))}
    logins = {name: f"login-{9 - n}" for n, name in enumerate(chance.LOGINS)}
    ids = people | {r.id: f"other-{9 - n}" for n, r in enumerate(chance.RECORDS) if r.kind != "staff"}

    def renamed(value: object) -> object:
        if isinstance(value, Record):
            return value.model_copy(update={"id": ids[value.id]})
        return people.get(value, value) if isinstance(value, str) else value

    def rename(fact: RegisteredFact) -> list[RegisteredFact]:
        changed = {name: renamed(value) for name, value in fact.body}
        if isinstance(fact.body, Account):
            changed["login"] = logins[fact.body.login]
        return [fact.model_copy(update={"body": fact.body.model_copy(update=changed)})]

    others: list[tuple[Access, int]] = []
    for access, at in world.asked:
        candidates = None if access.candidates is None else tuple(map(renamed, access.candidates))
        changed = {"record": renamed(access.record), "candidates": candidates, "actor": logins[access.actor]}
        others.append((access.model_copy(update=changed), at))
    due = [v._replace(staff=None if v.staff is None else people[v.staff]) for v in wanted]
    assert world.verdicts(_each(world.log, rename), others) == due, "under other names"


def _clocks_are_relative(world: World, wanted: Sequence[Verdict], rng: Random) -> None:
    """All instants of the world earlier or later, over days and months."""
    by = rng.randint(-400 * DAY, 400 * DAY)

    def shift(fact: RegisteredFact) -> list[RegisteredFact]:
        end = None if fact.valid_to is None else fact.valid_to + by
        moved = {name: getattr(fact, name) + by for name in ("valid_from", "recorded_at", "known_from")}
        return [fact.model_copy(update={**moved, "valid_to": end})]

    def later(access: Access) -> Access:
        until = None if access.occurred_until is None else access.occurred_until + by
        return access.model_copy(update={"occurred_at": access.occurred_at + by, "occurred_until": until})

    shifted = [(later(access), at + by) for access, at in world.asked]
    assert world.verdicts(_each(world.log, shift), shifted) == list(wanted), "by another clock"


def _alerts_are_for_the_console(world: World, wanted: Sequence[Verdict], rng: Random) -> None:
    """Without the alerts that were taken nothing is said otherwise of any access at another source."""
    others = [said for said in world.log if not (isinstance(said, RegisteredFact) and said.body.kind == "review")]
    for (access, _), before, after in zip(world.asked, world.verdicts(others), wanted, strict=True):
        assert access.source == CONSOLE or before == after, "an alert that was taken decided something elsewhere"


def _each(log: Log, change: Callable[[RegisteredFact], list[RegisteredFact]]) -> list[RegisteredFact | Waiver]:
    return [new for said in log for new in ([said] if isinstance(said, Waiver) else change(said))]
