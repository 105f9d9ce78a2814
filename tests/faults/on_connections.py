"""Faults of the network between workers and broker: cut, stalled, slow; of one worker or of all."""

from __future__ import annotations

import time
from random import Random
from typing import ClassVar, Final

from deploy.local.probe import serves_groups
from tests.faults.fault import Fault
from tests.faults.harness import until
from tests.faults.scene import MOVE_SECONDS, SEATS, Scene
from tests.harness.proxy import Proxy

DELAY: Final = 0.25  # seconds for each chunk, one way


class _OfConnections(Fault):
    needs_proxy = True
    is_of_all: ClassVar[bool | None] = None  # None: one or all, by chance

    def __init__(self) -> None:
        super().__init__()
        self.proxies: list[Proxy] = []

    def choose(self, scene: Scene) -> list[Proxy]:
        """Whose connections."""
        proxies = [seat.proxy for seat in scene.seats if seat.proxy is not None]
        is_of_all = scene.chance.random() < 0.5 if self.is_of_all is None else self.is_of_all
        self.proxies = proxies if is_of_all else [scene.chance.choice(proxies)]
        return self.proxies

    def passed(self) -> int:
        """Bytes so far."""
        return sum(proxy.passed for proxy in self.proxies)

    def mend(self) -> None:
        """Returns when something passes again."""
        before = {proxy: proxy.passed for proxy in self.proxies}
        for proxy in self.proxies:
            proxy.mend()
        for proxy, passed in before.items():
            until(lambda p=proxy, n=passed: p.passed > n, "nothing passes a mended connection", MOVE_SECONDS)  # type: ignore[misc]


class ConnectionCut(_OfConnections):
    """Every connection is reset, and every new one."""

    name = "connection-cut"

    def strike(self, scene: Scene) -> None:
        """Cut."""
        self._refused = sum(proxy.refused for proxy in self.choose(scene))
        before = sum(proxy.cut_off for proxy in self.proxies)
        for proxy in self.proxies:
            proxy.cut()
        self._cut_off = sum(proxy.cut_off for proxy in self.proxies) - before
        self._passed = self.passed()

    def hold_seconds(self, chance: Random) -> float:
        """Shorter than a session, or longer."""
        return chance.choice((chance.uniform(1, 4), chance.uniform(7, 14)))

    def heal(self, scene: Scene) -> None:
        """Mend."""
        has_held = self.passed() == self._passed
        refused = sum(proxy.refused for proxy in self.proxies) - self._refused
        self.mend()
        evidence = f"{self._cut_off} connections of {len(self.proxies)} workers cut, {refused} new ones refused"
        self.note(has_held and self._cut_off > 0 and refused > 0, evidence)


class ConnectionStalled(_OfConnections):
    """One worker's connections stay and pass nothing, until it is taken for dead; then all that it had sent arrives."""

    name = "connection-stalled"
    is_of_all = False

    def strike(self, scene: Scene) -> None:
        """Returns once all partitions lie with the other worker."""
        scene.wait_shared(SEATS)
        self.choose(scene)
        for proxy in self.proxies:
            proxy.stall()
        self._moved_after = scene.wait_shared(SEATS - 1)
        self._passed = self.passed()

    def hold_seconds(self, chance: Random) -> float:
        """Longer."""
        return chance.uniform(0, 4)

    def heal(self, scene: Scene) -> None:
        """It arrives, and the worker takes part again."""
        has_held = self.passed() == self._passed
        self.mend()
        back_after = scene.wait_shared(SEATS)
        evidence = f"a worker's partitions lay with the other after {self._moved_after:.1f} s of silence, it took part "
        self.note(has_held, evidence + f"again {back_after:.1f} s after that")


class ConnectionSlowed(_OfConnections):
    """Everything takes its time."""

    name = "connection-slowed"

    def strike(self, scene: Scene) -> None:
        """Slow down, and ask the broker that way how slow it is."""
        for proxy in self.choose(scene):
            proxy.slow(DELAY)
        began = time.monotonic()
        self._has_answered = serves_groups(self.proxies[0].port)
        self._took = time.monotonic() - began
        self._passed = self.passed()  # from here on only workers ask

    def hold_seconds(self, chance: Random) -> float:
        """A while."""
        return chance.uniform(3, 10)

    def heal(self, scene: Scene) -> None:
        """Mend."""
        passed = self.passed() - self._passed
        self.mend()
        evidence = f"two questions took {self._took:.1f} s, {passed} bytes passed slowly"
        self.note(self._has_answered and self._took >= 4 * DELAY and passed > 0, evidence)
