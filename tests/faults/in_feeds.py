"""Faults of feeds: silent, hours behind, and started again from zero. They are in what is sent; the log proves them."""

from __future__ import annotations

import signal
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from random import Random
from statistics import median
from types import MappingProxyType
from typing import Final

from schemas.fact import Fact, Mark
from tests.faults.fault import Fault
from tests.faults.logs import came, opened, point
from tests.faults.scene import Scene
from tests.harness.builders import DUTY_FEEDS
from tests.harness.department_plan import DAY_START, HOUR
from tests.harness.steps import Step, in_order

DELAY: Final = 5 * HOUR  # of the virtual day
SILENCE: Final = (0.25, 0.65)  # of the day, by what is sent
RESTARTS: Final = (0.35, 0.6)
SETTING: Final = "NTK_DECIDE_WITHOUT_FEED_AFTER_SECONDS"
PATIENCE_AGAIN: Final = 86_400.0
PATIENCE: Final = 4.0  # seconds with a silent feed, where it is to be waived; the silence is longer in a long run
WAITING_MIN: Final = 50  # accesses sent while a feed keeps silent, for that to be more than a pause
MISSED_MIN: Final = (
    5  # marks of each other feed meanwhile; one or two come between two marks of a feed that is not silent
)


class _OfAFeed(Fault):
    strikes = 0
    feed = ""

    def choose(self, chance: Random) -> None:
        """Which feed."""
        self.feed = chance.choice(sorted(DUTY_FEEDS))

    def is_ours(self, step: Step) -> bool:
        """Whether the feed sends it."""
        return step.topic == ("feed", self.feed)


class FeedSilent(_OfAFeed):
    """No mark for more than a third of the day; facts still come."""

    name = "feed-silent"

    def sent(self, steps: Sequence[Step], chance: Random) -> Sequence[Step]:
        """All but its marks of that time."""
        self.choose(chance)
        begin, end = (point(steps, share) for share in SILENCE)
        return [
            step
            for number, step in enumerate(steps)
            if not (begin <= number < end and self.is_ours(step) and isinstance(step.means, Mark))
        ]

    def prove(self, scene: Scene) -> None:
        """Between two of its marks came several of each other feed, and accesses."""
        times = [at for at, *_ in opened(scene.one)]
        marks = {feed: _marks(scene, feed) for feed in DUTY_FEEDS}
        others = [marks[feed] for feed in DUTY_FEEDS if feed != self.feed]
        missed, begin, end = max((min(_between(o, *gap) for o in others), *gap) for gap in pairwise(marks[self.feed]))
        meanwhile = _between(times, begin, end)
        self.note(
            missed >= MISSED_MIN and meanwhile >= WAITING_MIN,
            f"{self.feed} sent no mark for {(end - begin) / 1000:.1f} s, {meanwhile} accesses came meanwhile, and "
            f"{missed} marks of each other feed",
        )


def _marks(scene: Scene, feed: str) -> list[int]:
    """When its marks were appended (UTC ms)."""
    return [at for at, what in came(scene.one, feed) if isinstance(what, Mark)]


def _between(times: Sequence[int], begin: int, end: int) -> int:
    return bisect_left(times, end) - bisect_right(times, begin)


class FeedWaived(FeedSilent):
    """A feed is silent for longer than anybody waits: accesses are judged without it, until it comes back."""

    name = "feed-waived"
    settings = MappingProxyType({SETTING: str(PATIENCE)})

    def end(self, scene: Scene) -> None:
        """Patience again: the day lies in the past, so all feeds would be waived for ever, several times a second."""
        for seat in scene.seats:
            if seat.worker is not None:
                scene.end(seat.worker, signal.SIGTERM)
            scene.one.service.wait_ready(scene.seat(seat, **{SETTING: str(PATIENCE_AGAIN)}))

    def prove(self, scene: Scene) -> None:
        """Its waiver lies among the facts, and findings were published that say they are incomplete."""
        super().prove(scene)
        said = b'{"kind":"waiver","feed":"%b"' % self.feed.encode()
        waivers = sum((m.value or b"").startswith(said) for m in scene.one.messages(scene.one.topics.facts))
        incomplete = sum(finding.certainty == "incomplete" for finding in scene.one.findings())
        self.note(waivers > 0 and incomplete > 0, f"{waivers} waivers of it, {incomplete} incomplete findings")


class FeedDelayed(_OfAFeed):
    """All of a feed's facts and marks of the day come five hours later than they should."""

    name = "feed-delayed"

    def sent(self, steps: Sequence[Step], chance: Random) -> Sequence[Step]:
        """Its steps that much later, in the same order."""
        self.choose(chance)
        return in_order(
            replace(step, at_ms=step.at_ms + DELAY) if self.is_ours(step) and step.at_ms >= DAY_START else step
            for step in steps
        )

    def prove(self, scene: Scene) -> None:
        """When a mark came, accesses had long come that had happened hours after what it promises."""
        accesses = opened(scene.one)
        times = [at for at, *_ in accesses]
        newest = list(accumulate((o.access.occurred_at for o in accesses), max))
        behind = [
            newest[before - 1] - what.complete_through
            for at, what in came(scene.one, self.feed)
            if isinstance(what, Mark) and (before := bisect_left(times, at))
        ]
        hours = median(behind) / HOUR if behind else 0.0
        self.note(hours > DELAY / HOUR - 1, f"half of the marks of {self.feed} were {hours:.1f} hours behind or more")


class FeedRestarted(_OfAFeed):
    """A feed forgets how far it came, twice, and sends everything again from revision 1 and sequence 1."""

    name = "feed-restarted"

    def sent(self, steps: Sequence[Step], chance: Random) -> Sequence[Step]:
        """All of its steps so far once more, at two points of the day."""
        self.choose(chance)
        found: list[Step] = []
        places = [0, *(point(steps, share) for share in RESTARTS), len(steps)]
        for begin, end in pairwise(places):
            found += [replace(step, at_ms=steps[begin].at_ms) for step in steps[:begin] if self.is_ours(step)]
            found += steps[begin:end]
        return found

    def prove(self, scene: Scene) -> None:
        """The log holds the first sequence number again after higher ones, and facts three times."""
        messages = [what for _, what in came(scene.one, self.feed)]
        numbers = [what.sequence for what in messages if isinstance(what, Mark)]
        restarts = sum(other == 1 < one for one, other in pairwise(numbers))
        counts = Counter((what.fact_id, what.revision) for what in messages if isinstance(what, Fact))
        again = sum(count > len(RESTARTS) for count in counts.values())
        evidence = f"{self.feed} began {restarts} times again with sequence 1, and sent {again} facts three times"
        self.note(restarts == len(RESTARTS) and again > 0, evidence)
