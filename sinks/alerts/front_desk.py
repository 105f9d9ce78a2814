"""Where people meet alerts: every question and every act of a person goes through here, whatever screen it comes from.

First it is asked whether they may; what they must not know of is answered as if it did not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, get_args
from uuid import uuid4

from schemas.act import Act, Actor, Body, Exported, OfFinding, Revealed
from schemas.alert import Alert
from schemas.codec import encode
from sinks.store import lookups
from sinks.store.reading import Facets, Filter
from sinks.store.store import Store

from .authorizer import Deed, NotAllowedError, Standing, deed_of, may, standing
from .commanding import Command
from .directory import Person
from .parties import Party
from .searching import searches_of
from .writing import KeyReusedError, NoSuchAlertError, act_on

DEEDS: Final[tuple[Deed, ...]] = get_args(Deed)
HISTORY_MAX: Final = 500  # acts in one answer
AGAIN_MS: Final = 60_000  # within which a command whose answer was lost is sent again: clients give up sooner


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who asks: who they are, and by which sign-in."""

    person: Person
    login: str

    @property
    def actor(self) -> Actor:
        """How their acts name them."""
        return Actor(staff=self.person.staff, login=self.login, role=self.person.role)


@dataclass(frozen=True, slots=True)
class Seen:
    """An alert that somebody may see, and what they may do to it."""

    alert: Alert
    deeds: frozenset[Deed]


class FrontDesk:
    """Every method may raise StoreNotReadyError, and NotAllowedError where the role does not allow it."""

    def __init__(self, store: Store, now: Callable[[], int], written: Callable[[], object]) -> None:
        self._store, self._now, self._written = store, now, written

    def alerts(self, who: SignedIn, wanted: Filter, count: int) -> list[Alert]:
        """The alerts that are wanted, of those that exist for them. A search for somebody is kept before the answer."""
        _refuse(who, "search" if wanted.words else "see")
        with self._store.reading() as reading:
            found = reading.alerts(replace(wanted, hidden=who.person.hidden()), count)
            named = reading.named(wanted.words, [alert.alert_id for alert in found]) if wanted.words else ()
        if named:
            self._keep_search(who, wanted.words, [alert for alert in found if alert.alert_id in named])
        return found

    def _keep_search(self, who: SignedIn, words: tuple[str, ...], found: Sequence[Alert]) -> None:
        event_id = f"console-search-{uuid4().hex}"  # not numbered: a store that was lost would begin at 1 again

        def made(at: int) -> Iterator[bytes]:
            return map(encode, searches_of(who.actor, words, found, event_id=event_id, at=at))

        lookups.add(self._store, self._now(), made)
        self._written()

    def facets(self, who: SignedIn) -> Facets:
        """How many there are for them, by what can be chosen."""
        _refuse(who, "see")
        with self._store.reading() as reading:
            hidden = who.person.hidden()
            found = reading.facets(hidden)
            found.mine = reading.count(Filter(hidden=hidden, holder=who.person.staff))
            found.owed = reading.count(Filter(hidden=hidden, is_owed=True))
            return found

    def alert(self, who: SignedIn, alert_id: str) -> Seen:
        """One alert, and what they may do to it. Raises NoSuchAlertError."""
        with self._store.reading() as reading:
            alert = reading.alert(alert_id, who.person.hidden())
            if alert is None:
                raise NoSuchAlertError("there is no such alert")
            return Seen(alert, deeds(who.person, reading.parties(alert_id)))

    def history(self, who: SignedIn, alert_id: str, *, after: int = 0, count: int = HISTORY_MAX) -> list[Act]:
        """Its acts from the version after `after` on. Raises NoSuchAlertError."""
        with self._store.reading() as reading:
            if reading.alert(alert_id, who.person.hidden()) is None:
                raise NoSuchAlertError("there is no such alert")
            return reading.history(alert_id, after=after, count=min(count, HISTORY_MAX))

    def findings(self, who: SignedIn, alert_id: str, *, before: int | None = None, count: int = 50) -> list[Act]:
        """The acts that carry its findings as they stand, the newest first. Raises NoSuchAlertError."""
        with self._store.reading() as reading:
            if reading.alert(alert_id, who.person.hidden()) is None:
                raise NoSuchAlertError("there is no such alert")
            acts = reading.findings(alert_id, before=before, count=count)
        assert all(isinstance(act.body, OfFinding) for act in acts)
        return acts

    def act(
        self, who: SignedIn, alert_id: str, bodies: tuple[Body, ...], *, key: str | None, expected: int | None
    ) -> tuple[Act, Alert]:
        """What they do, on the disk when this returns. Raises NoSuchAlertError, and as `act_on` does."""
        command = Command(actor=who.actor, bodies=bodies, key=key, expected=expected)
        with self._store.writing() as writing:
            parties = writing.parties(alert_id)
            allowed = deeds(who.person, parties)
            if "see" not in allowed or not parties:
                raise NoSuchAlertError("there is no such alert")
            alert = writing.alert(alert_id)
            assert alert is not None  # it has parties
            for body in bodies:
                if (deed := deed_of(body, alert)) not in allowed:
                    raise NotAllowedError(f"your role may not {deed} this alert")
            now = writing.moment(self._now())
            act, alert = act_on(writing, alert_id, command, now)
        _refuse_second_look(act, alert, now)
        self._written()
        return act, alert


def _refuse_second_look(act: Act, alert: Alert, now: int) -> None:
    """Sent again because the answer was lost it is answered again; later it would be an access that nobody judges."""
    is_look = isinstance(act.body, Revealed | Exported)
    if is_look and (act.version != alert.version or now - act.at > AGAIN_MS):
        raise KeyReusedError("with this key it was shown before: look again with a new one")


def deeds(person: Person, parties: frozenset[Party]) -> frozenset[Deed]:
    """What somebody may do to an alert about these people; not even `see` where it is kept from them."""
    stands: Standing = standing(person, parties)
    return frozenset(deed for deed in DEEDS if may(person.role, stands, deed))


def _refuse(who: SignedIn, deed: Deed) -> None:
    if not may(who.person.role, "none", deed):
        raise NotAllowedError(f"your role may not {deed}")
