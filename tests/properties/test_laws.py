"""What must hold of any verdict, whatever the facts: laws that need no second judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.access import Access, Record
from schemas.fact import Assignment, RegisteredFact, Waiver
from schemas.finding import Outcome
from schemas.ids import Instant
from streams.join.knowledge import knowing
from streams.join.question import question_of
from streams.policy.decide import Verdict, decide
from tests.harness import chance
from tests.harness.builders import assignment, make_policy, registered

APPENDED = chance.START + chance.STEPS * chance.STEP
DAY = 86_400_000
Log = Sequence[RegisteredFact | Waiver]

seeds = st.integers(0, 2**32)
graces = st.sampled_from((0, 600, 3600))


def verdicts(log: Log, accesses: Sequence[Access], grace: int, appended_at: Instant = APPENDED) -> list[Verdict]:
    """What is said of each access by all of these facts."""
    policy = make_policy(grace_seconds=grace)
    knowledge = knowing(log, policy.grace_ms)
    return [decide(knowledge, policy, question_of(access, appended_at), access) for access in accesses]


def world(seed: int) -> tuple[list[RegisteredFact | Waiver], list[Access], Random]:
    """A random log, some accesses, and chance to go on with."""
    rng = Random(seed)
    log = chance.log(rng, rng.randint(0, 40))
    return log, [chance.access(rng, number) for number in range(15)], rng


def outcomes(found: Sequence[Verdict]) -> list[Outcome]:
    """Without who and how grave."""
    return [verdict.outcome for verdict in found]


def each(log: Log, change: Callable[[RegisteredFact], list[RegisteredFact]]) -> list[RegisteredFact | Waiver]:
    """The log with its facts changed."""
    return [new for said in log for new in ([said] if isinstance(said, Waiver) else change(said))]


@settings(max_examples=150)
@given(seed=seeds, grace=graces)
def test_more_duty_never_makes_a_finding(seed: int, grace: int) -> None:
    """What was explained is explained still when somebody has one more assignment, known from the beginning."""
    log, accesses, rng = world(seed)
    duty = assignment(
        rng.choice(chance.STAFF),
        rng.choice(chance.RECORDS),
        fact_id="more",
        valid_from=chance.START - DAY,
        recorded_at=0,
    )
    before, after = verdicts(log, accesses, grace), verdicts([*log, registered(duty)], accesses, grace)
    for one, other in zip(before, after, strict=True):
        assert one.outcome != "explained" or other.outcome == "explained"


@settings(max_examples=150)
@given(seed=seeds, grace=graces, at=st.integers(0, chance.STEPS))
def test_an_interval_in_two_parts_is_the_same_interval(seed: int, grace: int, at: int) -> None:
    """Two facts side by side for one; also for an access over the moment at which they meet."""
    log, accesses, _ = world(seed)
    border = chance.START + at * chance.STEP

    def split(fact: RegisteredFact) -> list[RegisteredFact]:
        end = fact.valid_to
        if not isinstance(fact.body, Assignment) or not fact.valid_from < border or (end is not None and end <= border):
            return [fact, fact.model_copy(update={"fact_id": f"{fact.fact_id}-2", "void": True})]
        second = {"fact_id": f"{fact.fact_id}-2", "valid_from": border}
        return [fact.model_copy(update={"valid_to": border}), fact.model_copy(update=second)]

    assert verdicts(each(log, split), accesses, grace) == verdicts(log, accesses, grace)


@settings(max_examples=150)
@given(seed=seeds, grace=graces, by=st.integers(-400 * DAY, 400 * DAY))
def test_a_shifted_clock_shifts_nothing_else(seed: int, grace: int, by: int) -> None:
    """All instants of the world earlier or later."""
    log, accesses, _ = world(seed)

    def shift(fact: RegisteredFact) -> list[RegisteredFact]:
        end = None if fact.valid_to is None else fact.valid_to + by
        moved = {name: getattr(fact, name) + by for name in ("valid_from", "recorded_at", "known_from")}
        return [fact.model_copy(update={**moved, "valid_to": end})]

    later = [
        a.model_copy(
            update={
                "occurred_at": a.occurred_at + by,
                "occurred_until": None if a.occurred_until is None else a.occurred_until + by,
            }
        )
        for a in accesses
    ]
    assert verdicts(each(log, shift), later, grace, APPENDED + by) == verdicts(log, accesses, grace)


@settings(max_examples=150)
@given(seed=seeds, grace=graces)
def test_other_names_are_the_same_people(seed: int, grace: int) -> None:
    """Staff renamed throughout, also where somebody looks a colleague up."""
    log, accesses, _ = world(seed)
    names = {name: f"renamed-{9 - number}" for number, name in enumerate(chance.STAFF)}

    def rename(fact: RegisteredFact) -> list[RegisteredFact]:
        body = fact.body.model_copy(
            update={
                field: names.get(value, value) if isinstance(value, str) else renamed(value)
                for field, value in fact.body
                if field in ("staff", "supervisor", "covering", "covered", "record", "within") and value is not None
            }
        )
        return [fact.model_copy(update={"body": body})]

    def renamed(record: Record) -> Record:
        return record.model_copy(update={"id": names.get(record.id, record.id)})

    others = [
        a.model_copy(
            update={
                "record": renamed(a.record),
                "candidates": None if a.candidates is None else tuple(map(renamed, a.candidates)),
            }
        )
        for a in accesses
    ]
    wanted = [v._replace(staff=None if v.staff is None else names[v.staff]) for v in verdicts(log, accesses, grace)]
    assert verdicts(each(log, rename), others, grace) == wanted


def test_the_laws_are_about_something() -> None:
    """Every outcome comes up, so none of the laws holds for want of cases."""
    seen = {outcome for seed in range(60) for outcome in outcomes(verdicts(*world(seed)[:2], 600))}
    assert seen == {"explained", "late", "revoked", "unexplained", "unresolved"}
