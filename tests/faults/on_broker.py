"""Faults of the broker: killed and started again, frozen and let go on."""

from __future__ import annotations

from random import Random

from deploy.local.probe import serves_groups
from tests.faults.fault import Fault
from tests.faults.harness import until
from tests.faults.scene import BROKER_BACK_SECONDS, MOVE_SECONDS, Scene


class BrokerKilled(Fault):
    """SIGKILL of the broker, as a power cut; the same one starts again with what it had stored."""

    name = "broker-killed"

    def strike(self, scene: Scene) -> None:
        """Returns when it is dead."""
        self._former = scene.kafka.pid
        scene.kafka.kill()
        self._was_away = not scene.kafka.is_running and not serves_groups(scene.kafka.port)

    def hold_seconds(self, chance: Random) -> float:
        """While there is none."""
        return chance.choice((0.0, chance.uniform(0, 8)))

    def heal(self, scene: Scene) -> None:
        """Returns when it serves groups again."""
        scene.kafka.restart(wait_seconds=BROKER_BACK_SECONDS)
        happened = self._was_away and scene.kafka.pid != self._former
        self.note(happened, f"broker {self._former} killed, {scene.kafka.pid} started in its place")


class BrokerPaused(Fault):
    """SIGSTOP of the broker: connections stay, nothing is answered; on waking it finds every session overdue."""

    name = "broker-paused"

    def strike(self, scene: Scene) -> None:
        """Returns when it has let a question wait for five seconds; it may still answer one before it stands."""
        scene.kafka.pause()
        until(lambda: not serves_groups(scene.kafka.port), "a broker that was stopped answers", MOVE_SECONDS)

    def hold_seconds(self, chance: Random) -> float:
        """On top of the time in which it was asked."""
        return chance.uniform(0, 8)

    def heal(self, scene: Scene) -> None:
        """Returns when it answers."""
        scene.kafka.resume()
        answered = until(lambda: serves_groups(scene.kafka.port), "a broker that was let go on is silent", MOVE_SECONDS)
        evidence = f"broker paused, a question had no answer; {answered:.1f} s after it went on it had one"
        self.note(scene.kafka.is_running, evidence)
