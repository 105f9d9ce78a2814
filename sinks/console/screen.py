"""All that one screen shows, read at once: the list with what can be chosen, and the alert beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas.act import Act, digest
from schemas.alert import Alert
from sinks.alerts.front_desk import FrontDesk, Seen, SignedIn
from sinks.store.reading import Facets, Filter

from .live import BEGINNING, moment_of

FINDINGS: Final = 50
HISTORY: Final = 200  # acts on a page, the newest; an alert of 1,700 findings has more
JUST_NOW_MS: Final = 20_000  # so long a page says what its reader has just done


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of alerts. `since` names the newest act that may show in it, for live rows to go on from."""

    alerts: tuple[Alert, ...]
    facets: Facets
    since: str


@dataclass(frozen=True, slots=True)
class Opened:
    """One alert, what was done to it, and its findings as they stand."""

    seen: Seen
    history: tuple[Act, ...]
    findings: tuple[Act, ...]

    @property
    def is_unchanged(self) -> bool:
        """Whether each act has the digest it was written with, and none is missing among them."""
        begins = max(0, self.seen.alert.version - HISTORY)
        numbers = range(begins + 1, self.seen.alert.version + 1)
        return [act.version for act in self.history] == list(numbers) and all(
            digest(a) == a.digest for a in self.history
        )


def read_list(desk: FrontDesk, who: SignedIn, wanted: Filter, count: int) -> Listed:
    """Raises as FrontDesk does."""
    newest = desk.alerts(who, Filter(), 1)  # first: what is written between is told twice, never left out
    since = moment_of(newest[0].alert_id, newest[0].version) if newest else BEGINNING
    return Listed(tuple(desk.alerts(who, wanted, count)), desk.facets(who), since)


def read_alert(desk: FrontDesk, who: SignedIn, alert_id: str) -> Opened:
    """Raises as FrontDesk does."""
    seen = desk.alert(who, alert_id)
    history = newest_acts(desk, who, alert_id, seen.alert.version)
    return Opened(seen, tuple(history), tuple(desk.findings(who, alert_id, count=FINDINGS)))


def newest_acts(desk: FrontDesk, who: SignedIn, alert_id: str, version: int) -> list[Act]:
    """The last acts up to this version. What was done after it belongs to a page that was read later."""
    acts = desk.history(who, alert_id, after=max(0, version - HISTORY), count=HISTORY)
    return [act for act in acts if act.version <= version]


def just_done(opened: Opened, staff: str, now: int) -> Act | None:
    """What this person did last, when nothing came after it and it is a moment ago."""
    last = opened.history[-1]
    is_theirs = last.by is not None and last.by.staff == staff
    return last if is_theirs and now - last.at < JUST_NOW_MS else None


def since_version(acts: Sequence[Act], version: int | None) -> tuple[Act, ...]:
    """What was done after somebody looked; without a version only the last taking, which is what they missed."""
    if version is None:
        taken = [act for act in acts if act.body.kind == "acknowledged"]
        return tuple(taken[-1:])
    return tuple(act for act in acts if act.version > version)
