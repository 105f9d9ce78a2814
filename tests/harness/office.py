"""People who act on alerts in a real store while time passes, for the tests of what is measured."""

from __future__ import annotations

import random
from typing import Final

from schemas.act import Act, Actor, Body
from schemas.errors import NeedToKnowError
from schemas.finding import Finding
from sinks.alerts.commanding import Command
from sinks.alerts.writing import act_on, hear
from sinks.store.store import Store
from tests.harness.acts import EXPORT, GIVE_BACK, REOPEN, REVEAL, TAKE, close, record_of
from tests.harness.builders import make_access
from tests.harness.findings import make_finding, place

HOUR: Final = 3_600_000
BODIES: Final[tuple[Body, ...]] = (
    *(TAKE, TAKE, TAKE, GIVE_BACK, REVEAL, EXPORT, REOPEN),
    *(close("justified"), close("confirmed"), close("confirmed", refer=True), close("data_error")),
    *(record_of("discipline"), record_of("referral")),
)


class Office:
    """One store, and a clock that the test owns."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = 1_767_600_000_000
        self._offset = 0

    def find(self, finding: Finding, hours: float = 0) -> list[Act]:
        """So much later a transition is read."""
        self.now += round(hours * HOUR)
        self._offset += 1
        with self.store.writing() as writing:
            return hear(writing, finding, place(self._offset), self.now)

    def act(self, alert_id: str, *bodies: Body, hours: float = 0, who: str = "w002") -> bool:
        """So much later somebody acts; whether they could."""
        self.now += round(hours * HOUR)
        command = Command(actor=Actor(staff=who, login=who, role="analyst"), bodies=bodies)
        try:
            with self.store.writing() as writing:
                act_on(writing, alert_id, command, self.now)
        except NeedToKnowError:
            return False
        return True

    def month(self, seed: int, steps: int = 100) -> None:
        """Findings and acts by chance, over some weeks."""
        chance = random.Random(seed)
        alerts: list[str] = []
        for _ in range(steps):
            hours = chance.choice([0.001, 0.2, 3, 20, 200])
            if not alerts or chance.random() < 0.4:
                alerts += [act.alert_id for act in self.find(_any_finding(chance), hours)]
            else:
                self.act(chance.choice(alerts), chance.choice(BODIES), hours=hours)

    def acts(self) -> list[Act]:
        """All of them."""
        with self.store.reading() as reading:
            return reading.acts()


def _any_finding(chance: random.Random) -> Finding:
    name = f"look-{chance.randrange(25)}"
    return make_finding(
        name,
        chance.choice(["w017", "w018"]),
        chance.randrange(1, 40),
        outcome=chance.choice(["explained", "late", "unexplained", "unexplained"]),
        severity=chance.choice(["low", "medium", "high", "critical"]),
        clause=chance.choice(["search-without-duty", "use-without-duty", "of-an-old-policy"]),
        access=make_access(event_id=name, name=f"case:c{len(name) * int(name[5:]) % 7}"),
    )


def read_page(page: bytes) -> dict[str, float]:
    """A page of metrics: each series as it is written there, and its value."""
    lines = (line.rsplit(" ", 1) for line in page.decode().splitlines() if not line.startswith("#"))
    return {series: float(value) for series, value in lines}
