"""Who somebody is, and who answers for whom, by the facts that judges use too. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from schemas.act import Role
from schemas.fact import Account, Supervision
from streams.join.bodies import login_key
from streams.join.facts import History
from streams.join.knowledge import Knowledge
from streams.join.view import View

from .parties import Party

CONSOLE: Final = "console"
"""The source under whose name account facts say who signs in here."""
REMEMBERED_MS: Final = 365 * 86_400_000  # who was somebody's superior within the last year is still not to look on


@dataclass(frozen=True, slots=True)
class Person:
    """A staff member who has signed in, with all that decides what they must not see.

    `above` answer for their work, directly or not; they answer for the work of `below`. Logins as parties name them.
    """

    staff: str
    role: Role
    logins: frozenset[str] = frozenset()
    above: frozenset[str] = frozenset()
    below: frozenset[str] = frozenset()
    logins_above: frozenset[str] = frozenset()
    logins_below: frozenset[str] = frozenset()

    def hidden(self) -> frozenset[Party]:
        """The parties whose alerts do not exist for them: themselves, and those who answer for their work."""
        parties = {Party("actor", staff) for staff in (self.staff, *self.above)}
        parties |= {Party("login", login) for login in self.logins | self.logins_above}
        return frozenset({*parties, Party("data_subject", self.staff)})


def staff_of(knowledge: Knowledge, login: str, now: int) -> str | None:
    """Whom a login of the console names at `now` (UTC ms); None: nobody, or more than one person."""
    wanted = login_key(CONSOLE, login)
    found = {
        used.revision.body.staff
        for used in View(knowledge).holding(knowledge.accounts(wanted), now)
        if isinstance(used.revision.body, Account)
        and login_key(used.revision.body.source, used.revision.body.login) == wanted
    }
    return found.pop() if len(found) == 1 else None


def person(knowledge: Knowledge, staff: str, role: Role, now: int) -> Person:
    """What the facts say of somebody at `now` (UTC ms)."""
    above = _reached(staff, lambda who: _superiors(knowledge, who, now))
    below = _reached(staff, lambda who: _subordinates(knowledge, who, now))
    return Person(
        staff=staff,
        role=role,
        logins=_logins(knowledge, [staff]),
        above=above - {staff},
        below=below - {staff},
        logins_above=_logins(knowledge, above),
        logins_below=_logins(knowledge, below - {staff}),
    )


def _reached(start: str, step: Callable[[str], Iterable[str]]) -> frozenset[str]:
    """Everybody whom the step leads to, however often; who supervises whom may go round in circles."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        fresh = set(step(waiting.pop())) - found
        found |= fresh
        waiting += fresh
    return frozenset(found)


def _superiors(knowledge: Knowledge, staff: str, now: int) -> Iterator[str]:
    for body in _supervisions(knowledge.above(staff), now):
        if body.staff == staff:
            yield body.supervisor


def _subordinates(knowledge: Knowledge, supervisor: str, now: int) -> Iterator[str]:
    for body in _supervisions(knowledge.below(supervisor), now):
        if body.supervisor == supervisor:
            yield body.staff


def _supervisions(histories: Iterable[History], now: int) -> Iterator[Supervision]:
    for history in histories:
        top = history.top
        if not top.is_void and top.valid_from <= now and top.valid_to > now - REMEMBERED_MS:
            assert isinstance(top.body, Supervision)
            yield top.body


def _logins(knowledge: Knowledge, people: Iterable[str]) -> frozenset[str]:
    """Every login that is, was or will be theirs, at any source."""
    found: set[str] = set()
    for staff in people:
        for history in knowledge.logins_of(staff):
            body = history.top.body
            if isinstance(body, Account) and body.staff == staff and not history.top.is_void:
                found.add(login_key(body.source, body.login))
    return frozenset(found)
