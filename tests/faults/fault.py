"""What a fault is: what it does, how it is undone, and the proof that it really happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from tests.faults.scene import Scene
from tests.harness.steps import Step


class Proof(NamedTuple):
    """Whether it really happened, and how that is known. A run whose fault did not happen shows nothing."""

    happened: bool
    evidence: str


class Fault:
    """One kind of trouble, made anew for every run. Methods are called in the order in which they stand here."""

    name: ClassVar[str]
    strikes: ClassVar[int] = 1_000
    """How often it may strike in one run at the most; 0: it is in what is sent, and strikes by that."""
    lasts: ClassVar[float] = 0.0
    """Seconds that one strike takes, when accesses are to come all the while."""
    needs_proxy: ClassVar[bool] = False
    """Whether the workers must reach the broker through proxies."""
    settings: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What the workers must be told for it to happen."""

    def __init__(self) -> None:
        self.proofs: list[Proof] = []

    def sent(self, steps: Sequence[Step], chance: Random) -> Sequence[Step]:
        """What is sent instead of these steps."""
        return steps

    def prepare(self, scene: Scene) -> None:
        """Before any worker starts."""

    def strike(self, scene: Scene) -> None:
        """Returns once it has happened."""

    def hold_seconds(self, chance: Random) -> float:
        """How long it is to last after that."""
        return 0.0

    def heal(self, scene: Scene) -> None:
        """Undo it, and note the proof."""

    def end(self, scene: Scene) -> None:
        """When all has been sent, before anybody waits for it to be judged."""

    def prove(self, scene: Scene) -> None:
        """Note what is known only from the logs, once all is idle."""

    def restore(self) -> None:
        """Give back what `prepare` took of the machine; called also when a run breaks off."""

    @property
    def proof(self) -> Proof:
        """Of all its strikes. What struck never did not happen."""
        return Proof(
            bool(self.proofs) and all(proof.happened for proof in self.proofs),
            "; ".join(proof.evidence for proof in self.proofs) or "it never struck",
        )

    def note(self, happened: bool, evidence: str) -> None:
        """One proof more."""
        self.proofs.append(Proof(happened, evidence if happened else f"NOT PROVED: {evidence}"))
