"""A store of alerts in memory, and a desk at which a test's people act on them. The store keeps the promises of a real
one (tests/integration/test_store_promises.py runs one list of them on all three)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypedDict

from typing_extensions import Unpack

from schemas.access import Access
from schemas.act import Act, Actor, Body, OfFinding, Role
from schemas.alert import Alert
from schemas.finding import Finding
from sinks.alerts.chain import Head
from sinks.alerts.commanding import Command
from sinks.alerts.folding import is_here, tells
from sinks.alerts.grouping import Group, group_of_alert
from sinks.alerts.receiving import Known
from sinks.alerts.telling import NOTHING, Telling, access_key
from sinks.alerts.writing import act_on, hear
from tests.harness.findings import place


class CommandFields(TypedDict, total=False):
    """The rarer parts of a command."""

    role: Role
    key: str | None
    expected: int | None


class MemoryWriting:
    """Everything in dictionaries."""

    def __init__(self, secret: bytes = b"a desk's") -> None:
        self._secret = secret
        self.acts: list[Act] = []
        self.alerts: dict[str, Alert] = {}
        self.findings: dict[str, tuple[str, OfFinding]] = {}
        self._head = Head()

    def copy(self) -> MemoryWriting:
        """The same, to be changed without it."""
        other = MemoryWriting(self._secret)
        other.acts, other.alerts, other.findings = [*self.acts], {**self.alerts}, {**self.findings}
        other._head = self._head
        return other

    def head(self) -> Head:
        """As Writing says."""
        return self._head

    def alert(self, alert_id: str) -> Alert | None:
        """As Writing says."""
        return self.alerts.get(alert_id)

    def secret(self) -> bytes:
        """As Writing says."""
        return self._secret

    def open_alert(self, group: Group) -> Alert | None:
        """As Writing says."""
        found = [a for a in self.alerts.values() if a.status != "closed" and group_of_alert(a) == group]
        return max(found, key=lambda a: (a.opened_at, a.alert_id), default=None)

    def known(self, finding_id: str) -> Known | None:
        """As Writing says."""
        if finding_id not in self.findings:
            return None
        alert_id, body = self.findings[finding_id]
        return Known(self.alerts[alert_id], body)

    def told_before(self, group: Group, access: Access) -> Known | None:
        """As Writing says."""
        found = [
            (tells(body), name)
            for name, (where, body) in self.findings.items()
            if access_key(body.finding.access) == access_key(access)
            and (self.alerts[where].status, group_of_alert(self.alerts[where])) == ("closed", group)
        ]
        return self.known(max(found)[1]) if found else None

    def beside(self, alert_id: str, finding: Finding) -> Telling:
        """As Writing says."""
        access, names = access_key(finding.access), self.findings.keys() - {finding.finding_id}
        others = [self.findings[name][1] for name in names if self.findings[name][0] == alert_id]
        return max((tells(body) for body in others if access_key(body.finding.access) == access), default=NOTHING)

    def by_key(self, staff: str, key: str) -> Act | None:
        """As Writing says."""
        found = [a for a in self.acts if a.by is not None and (a.by.staff, a.key) == (staff, key)]
        return found[0] if found else None

    def append(self, act: Act, head: Head) -> None:
        """As Writing says."""
        self.acts.append(act)
        self._head = head

    def put(self, act: Act, alert: Alert) -> None:
        """As Writing says."""
        self.alerts[alert.alert_id] = alert
        if isinstance(act.body, OfFinding) and is_here(act.body):
            self.findings[act.body.finding.finding_id] = (alert.alert_id, act.body)


class MemoryStore:
    """Transactions on a MemoryWriting: one that raises leaves nothing behind."""

    def __init__(self, secret: bytes = b"a desk's") -> None:
        self.state = MemoryWriting(secret)

    @contextmanager
    def writing(self) -> Iterator[MemoryWriting]:
        """One transaction."""
        kept = self.state
        self.state = kept.copy()
        try:
            yield self.state
        except BaseException:
            self.state = kept
            raise


class Desk:
    """Findings come, people act; each step a second after the one before."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.now = 1_767_600_000_000
        self._offset = 0

    def hear(self, finding: Finding, *, offset: int | None = None) -> list[Act]:
        """A transition is read."""
        self.now += 1000
        self._offset += 1
        with self.store.writing() as writing:
            return hear(writing, finding, place(self._offset if offset is None else offset), self.now)

    def act(self, who: str, *bodies: Body, alert: Alert | None = None, **rest: Unpack[CommandFields]) -> Alert:
        """Somebody acts on an alert: by default on the only one there is."""
        self.now += 1000
        command = Command(
            actor=Actor(staff=who, login=f"{who}-login", role=rest.get("role", "analyst")),
            bodies=bodies,
            key=rest.get("key"),
            expected=rest.get("expected"),
        )
        with self.store.writing() as writing:
            return act_on(writing, (alert or self.only()).alert_id, command, self.now)[1]

    @property
    def acts(self) -> list[Act]:
        """All acts, in order."""
        return self.store.state.acts

    @property
    def alerts(self) -> list[Alert]:
        """All alerts as they are, the oldest first."""
        return list(self.store.state.alerts.values())

    def only(self) -> Alert:
        """The one alert there is."""
        [alert] = self.alerts
        return alert

    def again(self, alert: Alert) -> Alert:
        """The alert as it is now."""
        return self.store.state.alerts[alert.alert_id]

    def kinds(self, alert: Alert | None = None) -> list[str]:
        """What has been done to an alert, in order."""
        return [a.body.kind for a in self.acts if a.alert_id == (alert or self.only()).alert_id]
