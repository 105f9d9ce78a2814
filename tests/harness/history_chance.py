"""Histories by chance: everything that a feed, a source or a broker may do to the judge, from one seed."""

from __future__ import annotations

from collections import defaultdict
from random import Random
from typing import Final

from schemas.access import Access, Action
from schemas.codec import encode
from schemas.fact import Account, Assignment, Body, Coverage, Fact, Membership, Review, Supervision, UnitMember
from schemas.policy import Policy
from schemas.topics import CONSOLE, FEEDS, source_of
from tests.harness import chance
from tests.harness.builders import make_policy

from .history import (
    PARTITIONS,
    Act,
    Crash,
    Forget,
    Freeze,
    Hear,
    Heir,
    History,
    Keep,
    Leave,
    Look,
    LookBack,
    Overhear,
    Promise,
    Send,
    State,
    Store,
    Stray,
    Take,
    Waive,
)

STEP: Final = chance.STEP
BEFORE: Final = chance.START - 3 * STEP
AFTER: Final = chance.START + 2 * chance.STEPS * STEP
YEARS_15: Final = 15 * 365 * 86_400_000
RECORDS: Final = chance.RECORDS
STEPS_MIN, STEPS_MAX = 12, 64
EARLY: Final = "ffppaaaaattttwbs"
LATE: Final = "fffffwwppattbs"
"""Facts, promises, accesses, taking, twists, looking back, storing; later mostly facts about what was judged."""

_policies: dict[tuple[object, ...], Policy] = {}


def history(seed: int) -> History:
    """The history of this seed."""
    return _Chance(seed).history()


class _Chance:
    """What has been said so far, and chance to go on with."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = Random(seed)
        self.now = chance.START
        self.acts: list[Act] = []
        self.told: defaultdict[str, list[Fact]] = defaultdict(list)
        self.duties: list[str] = []  # facts that some access may meet
        self.sent: list[Send] = []
        self.frozen = self.left = False

    def history(self) -> History:
        rng = self.rng
        self.crashes = rng.choice((0.0, 0.0, 0.06, 0.15))
        self.undead = rng.choice((0.0, 0.0, 0.7))
        self.returning = rng.choice((0.0, 0.0, 0.7))
        self.forgetful = rng.choice((0.0, 0.0, 0.1))
        self.snapshots = rng.choice((0.0, 0.0, 0.15))
        silent = frozenset(rng.sample(sorted(FEEDS), rng.choice((1, 1, 2)))) if rng.random() < 0.2 else frozenset()
        self.hears = rng.choice((0.5, 0.9))
        self._beginning()
        steps = rng.randint(STEPS_MIN, STEPS_MAX)
        self.silent_from = {feed: rng.randrange(steps) for feed in silent}
        for step in range(steps):
            self._step(step, EARLY if 2 * step < steps else LATE)
        return History(self.seed, _policy(rng), silent, tuple(self.acts))

    def _beginning(self) -> None:
        """Most logins belong to somebody, so that not everybody is nobody."""
        for login, staff in zip(chance.LOGINS, chance.STAFF, strict=False):
            for source in chance.SOURCES:
                if self.rng.random() < 0.9:
                    self._state(Account(kind="account", source=source, login=login, staff=staff), BEFORE, None, BEFORE)
        for record in RECORDS[:2]:
            duty = Assignment(kind="assignment", staff="w4", record=record, role="management")
            self.duties.append(self._state(duty, BEFORE, None, BEFORE))
        for staff in chance.STAFF[: len(chance.LOGINS)]:
            if self.rng.random() < 0.6:  # somebody who does their job
                duty = Assignment(kind="assignment", staff=staff, record=self.rng.choice(RECORDS[:2]), role="support")
                self.duties.append(self._state(duty, BEFORE, self._end(BEFORE), BEFORE))

    def _step(self, step: int, kinds: str) -> None:
        rng = self.rng
        self.now += rng.choice((0, 0, 1, 2)) * STEP // 4
        match rng.choice(kinds):
            case "f":
                for _ in range(rng.randint(1, 3)):
                    self._fact()
            case "p":
                self._promises(step)
            case "a":
                for _ in range(rng.randint(1, 3)):
                    self._send()
            case "t":
                self.acts.append(Take(rng.randrange(len(PARTITIONS)), rng.randint(1, 6)))
            case "w":
                self._twist()
            case "b":
                self.acts.append(LookBack(rng.randint(1, 4)))
            case _:
                self.acts.append(Store(rng.randint(0, 3)))
        if rng.random() < 0.06:
            self.acts.append(Look())
        elif rng.random() < self.hears:
            self.acts.append(Hear())
        self._keep_house()
        if self.frozen and rng.random() < 0.3:
            stray = (Hear(), Take(rng.randrange(len(PARTITIONS)), rng.randint(1, 4)), Store(rng.randint(0, 2)))
            self.acts.append(Stray(rng.choice(stray)))
        if rng.random() < self.crashes:
            self._crash()

    def _keep_house(self) -> None:
        rng = self.rng
        if rng.random() < self.snapshots:
            self.acts.append(Keep())
        if rng.random() < self.forgetful:
            self.acts.append(Forget(self.now - rng.randrange(4) * STEP))
        if self.left and rng.random() < 0.5:
            self.acts.append(Overhear())

    def _crash(self) -> None:
        rng = self.rng
        away = rng.randrange(2) if rng.random() < self.returning else None
        heir = Heir(away, rng.randrange(3) if self.snapshots else None)
        if rng.random() < self.undead:
            self.frozen = True
            self.acts.append(Freeze(heir))
        elif rng.random() < self.returning:
            self.left = True
            self.acts.append(Leave(rng.randint(0, 2), heir))
        else:
            self.acts.append(Crash(rng.randint(0, 1), rng.choice((None, None, 0, 1, 2)), heir))

    def _promises(self, step: int) -> None:
        rng = self.rng
        for feed in FEEDS:
            if step >= self.silent_from.get(feed, step + 1):
                if rng.random() < 0.5:
                    self.acts.append(Waive(feed, self.now - rng.choice((0, 1, 6)) * STEP))
            elif rng.random() < 0.8:
                self.acts.append(Promise(feed, self.now - rng.choice((0, 0, 0, 3)) * STEP))

    # facts

    def _fact(self) -> None:
        rng = self.rng
        if rng.random() < 0.6:
            self._revise(self.told[rng.choice(self.duties if rng.random() < 0.7 else list(self.told))])
            return
        if self.sent and rng.random() < 0.5:
            self._duty(rng.choice(self.sent))
            return
        start = BEFORE if rng.random() < 0.6 else chance.instant(rng)
        if rng.random() < 0.02:
            start += YEARS_15
        self._state(_body(rng), start, self._end(start), self._recorded())

    def _duty(self, send: Send) -> None:
        """What may explain an access that was sent, known in time or not, all of the time or not."""
        rng, access = self.rng, send.access
        assert access is not None
        staff = chance.STAFF[chance.LOGINS.index(access.actor)]
        start = rng.choice((BEFORE, BEFORE, access.occurred_at, access.occurred_at + STEP))
        end = rng.choice((None, None, AFTER, max(start, access.occurred_at), max(start, access.occurred_at + STEP)))
        recorded_at = rng.choice((BEFORE, access.occurred_at, self.now, self.now))
        record = rng.choice((access.record, *(access.candidates or ())))
        duty: Body = Assignment(kind="assignment", staff=staff, record=record, role="management")
        if rng.random() < (0.6 if access.source == CONSOLE else 0.1):  # elsewhere an alert explains nothing
            duty = Review(kind="review", staff=staff, record=record, alert=rng.choice(chance.ALERTS))
        self.duties.append(self._state(duty, start, end, recorded_at))

    def _twist(self) -> None:
        """Revisions of one duty in any order, known in time and not, holding and void: *then* and *now* part ways."""
        rng = self.rng
        if not self.sent:
            return
        send = rng.choice(self.sent[-4:])
        if rng.random() < 0.8:
            self.acts += [Take(send.partition, 9), Hear()]
        self._duty(send)
        first = self.told[self.duties[-1]][0].model_copy(update={"valid_from": BEFORE, "valid_to": None})
        for revision in rng.sample(range(1, 6), rng.randint(2, 4)):
            recorded_at = rng.choice((BEFORE, BEFORE, self.now, AFTER))
            changed = {"revision": revision, "recorded_at": recorded_at, "void": rng.random() < 0.5}
            self._say(first.model_copy(update=changed))
            if rng.random() < 0.3:
                self._promises(0)
            if rng.random() < 0.7:
                self.acts.append(Hear())

    def _end(self, start: int) -> int | None:
        rng, which = self.rng, self.rng.random()
        if which < 0.55:
            return None
        if which < 0.62:
            return start  # no time at all
        return max(start, chance.instant(rng) if which < 0.85 else AFTER)

    def _recorded(self) -> int:
        return self.now - self.rng.choice((0, 0, 0, 0, 1, 6)) * STEP

    def _revise(self, known: list[Fact]) -> None:
        rng = self.rng
        before = rng.choice(known[-2:])
        top = max(fact.revision for fact in known)
        which = rng.random()
        revision = top + (2 if rng.random() < 0.15 else 1)
        if which > 0.8:
            revision = rng.randint(1, top)  # late and lower, or of a revision that is known: a repeat or a conflict
        changed: dict[str, object] = {"revision": revision, "recorded_at": self._recorded(), "void": False}
        match rng.randrange(10):
            case 0 | 1 | 9:
                changed["void"] = not before.void
            case 2 | 3:
                changed["body"] = _other(rng, before.body)
            case 4:
                changed["valid_to"] = self._end(before.valid_from)
            case 5:
                start = chance.instant(rng)
                changed |= {"valid_from": start, "valid_to": None if before.valid_to is None else self._end(start)}
            case 6:
                changed["valid_to"] = before.valid_from
            case 7:
                changed["recorded_at"] = BEFORE  # dated back
            case _:
                changed = {} if rng.random() < 0.5 else changed
        self._say(before.model_copy(update=changed))

    def _state(self, body: Body, start: int, end: int | None, recorded_at: int) -> str:
        name = f"{body.kind[:3]}{len(self.told)}"
        self._say(
            Fact(
                fact_id=name,
                revision=self.rng.choice((1, 1, 1, 3)),
                valid_from=start,
                valid_to=end,
                recorded_at=recorded_at,
                body=body,
            )
        )
        return name

    def _say(self, fact: Fact) -> None:
        self.told[fact.fact_id].append(fact)
        self.acts.append(State(fact))

    # accesses

    def _send(self) -> None:
        rng = self.rng
        which = rng.random()
        if self.sent and which < 0.1:
            again = rng.choice(self.sent)
            self.acts.append(again._replace(appended_at=self.now))
            return
        partition = rng.randrange(len(PARTITIONS))
        if which < 0.13:
            self.acts.append(Send(partition, b'{"event_id":', None, self.now))
            return
        number = len(self.sent)
        if self.sent and which < 0.16:  # other content under an id that was used
            number, partition = rng.randrange(number), self.sent[-1].partition
        access = self._access(number, source_of(PARTITIONS[partition].topic))
        send = Send(partition, encode(access), access, self.now)
        self.sent.append(send)
        self.acts.append(send)

    def _access(self, number: int, source: str) -> Access:
        rng = self.rng
        start = self.now - rng.choice((-1, 0, 0, 0, 1, 2)) * STEP
        record = rng.choice(RECORDS[:2] if rng.random() < 0.6 else RECORDS)  # few, so that duties meet them
        actor = rng.choice(chance.LOGINS)
        duty = self.told[rng.choice(self.duties)][0].body
        if rng.random() < 0.4 and isinstance(duty, Assignment | Review) and duty.staff in chance.ACTORS:
            record, actor = duty.record, chance.LOGINS[chance.ACTORS.index(duty.staff)]
        action: Action = rng.choice(("view", "search", "edit", "export"))
        return Access(
            event_id=f"e{number}",
            source=source,
            sequence=number,
            actor=actor,
            action=action,
            record=record,
            candidates=tuple(rng.sample(RECORDS, 2)) if action == "search" and rng.random() < 0.5 else None,
            result=rng.choice(("success", "success", "denied")),
            occurred_at=start,
            occurred_until=start + rng.randrange(4) * STEP if rng.random() < 0.2 else None,
        )


def _body(rng: Random) -> Body:
    staff, other, which = rng.choice(chance.STAFF), rng.choice(chance.STAFF), rng.randrange(22)
    if which < 9:
        record = rng.choice(RECORDS[:2] if rng.random() < 0.7 else RECORDS[:4])
        return Assignment(kind="assignment", staff=staff, record=record, role="secondary")
    if which < 11:
        return Assignment(kind="assignment", unit=rng.choice("uv"), record=rng.choice(RECORDS[:3]), role="support")
    if which < 13:
        return UnitMember(kind="unit_member", staff=staff, unit=rng.choice("uv"))
    if which < 15:
        first, second = rng.choice(((staff, other), ("w1", "w2"), ("w2", "w1")))  # round in a circle at times
        return Supervision(kind="supervision", supervisor=first, staff=second)
    if which < 17:
        return Coverage(kind="coverage", covering=staff, covered=other)
    if which < 19:
        return Membership(kind="membership", record=rng.choice(RECORDS[1:4]), within=rng.choice(RECORDS[:2]))
    if which < 21:
        return Review(kind="review", staff=staff, record=rng.choice(RECORDS[:4]), alert=rng.choice(chance.ALERTS))
    return Account(kind="account", source=rng.choice(chance.SOURCES), login=rng.choice(chance.LOGINS), staff=staff)


def _other(rng: Random, body: Body) -> Body:
    """A correction: about somebody else mostly, seldom a statement of another kind."""
    if rng.random() < 0.2:
        return _body(rng)
    staff = rng.choice(chance.STAFF)
    match body:
        case Assignment(unit=None) | Account() | UnitMember() | Supervision():
            return body.model_copy(update={"staff": staff})
        case Assignment() | Membership():
            return body.model_copy(update={"record": rng.choice(RECORDS[:3])})
        case Coverage():
            return body.model_copy(update={"covered": staff})
        case Review():
            others = {"staff": staff, "record": rng.choice(RECORDS[:3]), "alert": rng.choice(chance.ALERTS)}
            name = rng.choice(("staff", "staff", "record", "alert"))
            return body.model_copy(update={name: others[name]})


def _policy(rng: Random) -> Policy:
    choice = (rng.choice((0, 600, 3600)), rng.random() < 0.95, rng.random() < 0.8, rng.choice((1, 2, 2, 3)))
    rest = (rng.random() < 0.8, rng.random() < 0.75, rng.random() < 0.9)
    key = (*choice, *rest)
    if key not in _policies:
        grace, own, supervises, depth = choice
        _policies[key] = make_policy(
            grace_seconds=grace,
            own=own,
            supervises=supervises,
            depth=depth,
            covers=rest[0],
            carries_line=rest[1],
            reviews=rest[2],
        )
    return _policies[key]
