"""A small language for stories: what becomes known, who opens what, what the feeds promise, one after the other.

    story = Story("08:00")
    story.learn(account("jdoe12", "w028"), assignment("w031"))
    story.pass_to("14:00")
    access = story.see("w028", "view", "case:c0042")
    story.mark_all("16:00")
    truth = story.expected(make_policy())

The steps are those of a Day, so one player sends both, and the truth comes from the same judge. Ask for the truth in
the middle of a story to learn what must hold once everything so far is read.
"""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import Unpack

from schemas.access import Access, Action, Record, finding_id
from schemas.codec import encode
from schemas.fact import Account, Fact, Mark, Waiver
from schemas.policy import Policy
from tests.harness import builders
from tests.harness.builders import DUTY_FEEDS, FEED_OF, AccessFields, When, make_access
from tests.harness.steps import LONG_AFTER, Expected, Script, Step, Topic


class Story:
    """Collects steps under a virtual clock that only the story moves."""

    def __init__(self, begins: When = "08:00") -> None:
        self.now = builders.at(begins)
        self._steps: list[Step] = []
        self._logins: dict[tuple[str, str], str] = {}
        self._seen: dict[str, int] = {}
        self._marks = 0

    @property
    def steps(self) -> tuple[Step, ...]:
        """All that was told so far, in order."""
        return tuple(self._steps)

    def script(self) -> Script:
        """The story so far as something to play."""
        return Script(self.steps)

    def pass_to(self, when: When) -> None:
        """Moves the clock. Raises ValueError when that is in the past."""
        if builders.at(when) < self.now:
            raise ValueError("a story does not go back in time")
        self.now = builders.at(when)

    def learn(self, *facts: Fact) -> None:
        """The facts arrive now, on the feed that may state them."""
        for fact in facts:
            if isinstance(fact.body, Account):
                self._logins.setdefault((fact.body.source, fact.body.staff), fact.body.login)
            topic: Topic = ("feed", FEED_OF[fact.body.kind])
            self._send(topic, fact.fact_id.encode(), encode(fact), fact)

    def see(
        self,
        who: str,
        action: Action = "view",
        name: str | Record = "case:c0042",
        *,
        at: When | None = None,
        **rest: Unpack[AccessFields],
    ) -> Access:
        """`who` (a login, or a staff id whose account was learned) opens `name`; the message arrives now.

        It happens now unless `at` says otherwise. Event ids and sequence numbers count up by source.
        """
        source = rest.setdefault("source", "ecms")
        number = self._seen[source] = self._seen.get(source, 0) + 1
        rest.setdefault("event_id", f"{source}-{number:06d}")
        rest.setdefault("sequence", number)
        login = self._logins.get((source, who), who)
        access = make_access(login, action, name, self.now if at is None else at, **rest)
        self.send(access)
        return access

    def send(self, access: Access) -> str:
        """This access arrives now, perhaps once more; returns its finding id."""
        self._send(("access", access.source), access.actor.encode(), encode(access), access)
        return finding_id(access)

    def mark(self, feed: str, through: When | None = None) -> None:
        """The feed promises now that it is complete through then (or through now)."""
        self._marks += 1
        mark = Mark(
            feed=feed, complete_through=self.now if through is None else builders.at(through), sequence=self._marks
        )
        self._send(("feed", feed), feed.encode(), encode(mark), mark)

    def mark_all(self, through: When | None = None) -> None:
        """Every feed of duties promises the same; the alert console is a story of its own."""
        for feed in DUTY_FEEDS:
            self.mark(feed, through)

    def spoil(self, topic: Topic, value: bytes | None, *, key: bytes | None = b"spoilt") -> None:
        """A message arrives now that must become a dead letter."""
        self._steps.append(Step(at_ms=self.now, topic=topic, key=key, value=value, means="dead-letter"))

    def expected(self, policy: Policy, *, appended_at: int = LONG_AFTER, waivers: Sequence[Waiver] = ()) -> Expected:
        """The truth of the story so far (see Script.expected)."""
        return self.script().expected(policy, appended_at=appended_at, waivers=waivers)

    def _send(self, topic: Topic, key: bytes, value: bytes, means: Access | Fact | Mark) -> None:
        self._steps.append(Step(at_ms=self.now, topic=topic, key=key, value=value, means=means))
