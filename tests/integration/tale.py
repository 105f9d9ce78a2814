"""Stories told on a real Kafka to real workers, each with a day, people and records of its own."""

from __future__ import annotations

from datetime import date, timedelta

from typing_extensions import Unpack

from schemas.finding import Finding
from streams.policies import load_policy
from tests.faults.harness import Running, until
from tests.harness.builders import FactFields, account
from tests.harness.outcome import compare
from tests.harness.timeline import Story

POLICY = load_policy()


class Tale(Story):
    """A story with a day, people and records of its own; facts are recorded at seven in the morning of that day."""

    def __init__(self, number: int, service: Running) -> None:
        self.number = number
        self.service = service
        self._day = date(2026, 1, 5) + timedelta(days=3 * number)
        self._told = 0
        super().__init__(self.at("08:00"))

    def at(self, clock: str, *, days: int = 0) -> str:
        """This time of the story's day, or of another so many days later."""
        return f"{self._day + timedelta(days=days)}T{clock}:00Z"

    def name(self, word: str) -> str:
        """A person, login or record that no other story has."""
        return f"{word}-{self.number}"

    def fields(self, **changed: Unpack[FactFields]) -> FactFields:
        """What a fact of this story has unless it says otherwise."""
        return {"valid_from": self.at("00:00", days=-200), "recorded_at": self.at("07:00"), **changed}

    def hires(self, word: str) -> str:
        """A member of staff with a login; the staff id."""
        staff = self.name(word)
        self.learn(account(f"login.{staff}", staff, **self.fields()))
        return staff

    def promises(self, clock: str) -> None:
        """Every feed is complete through this time of the story's day."""
        self.mark_all(self.at(clock))

    def ends(self) -> None:
        """Nothing of this story can change any more."""
        self.mark_all(self.at("23:00"))

    def play(self) -> None:
        """Sends what was told since the last time."""
        steps, self._told = self.steps[self._told :], len(self.steps)
        self.service.play(steps)

    def was_played_otherwise(self) -> None:
        """What was told since the last time is on its topic already."""
        self._told = len(self.steps)

    def transitions(self) -> list[Finding]:
        """What was published about this story's accesses."""
        ours = self.expected(POLICY).judged
        return [finding for finding in self.service.findings() if finding.finding_id in ours]

    def told(self) -> list[Finding]:
        """Plays the story; its findings, once they are what the truth says."""
        self.play()
        due = self.expected(POLICY)
        if not due.findings:
            self.service.wait_idle()
        until(lambda: compare(due, self.transitions()).is_right, "the findings are not what is due", seconds=20)
        return list(compare(due, self.transitions()).standing.values())
