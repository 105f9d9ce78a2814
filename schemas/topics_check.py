"""Whether a topic on the broker is as it must be: pure, so that `topics apply` and the worker agree on the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from .topics import Topic

Remedy = Literal["create", "alter", "refuse"]
"""`create` and `alter` are what `topics apply` does; `refuse` needs a person, and a worker must not start."""


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The least that keeps what was stored when brokers are lost: copies, and copies a write must have reached."""

    replication: int
    min_insync: int


PRODUCTION: Final = Floor(replication=3, min_insync=2)  # one broker down for repair and one lost: nothing is
SINGLE_BROKER: Final = Floor(replication=1, min_insync=1)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A topic as the broker describes it; `replication` is that of its least copied partition."""

    partitions: int
    replication: int
    config: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One way in which a topic is not as it must be. `wanted` and `found` are for people."""

    topic: str
    setting: str
    wanted: str
    found: str
    remedy: Remedy

    def __str__(self) -> str:
        return f"{self.setting} is {self.found}, must be {self.wanted}"


def compare(wanted: Topic, found: Found | None, floor: Floor | None = None) -> tuple[Difference, ...]:
    """Every difference, in a fixed order; empty when the topic is as it must be. `found` None: no such topic.

    Without `floor` copies are not looked at: how many brokers there are is not the worker's business. More copies than
    the floor are fine.
    """

    def differs(setting: str, must: object, is_: object, remedy: Remedy) -> Difference:
        return Difference(topic=wanted.name, setting=setting, wanted=str(must), found=str(is_), remedy=remedy)

    if found is None:
        return (differs("topic", "there", "missing", "create"),)
    differences = []
    if wanted.partitions_fixed and found.partitions != wanted.partitions:
        differences.append(differs("partitions", wanted.partitions, found.partitions, "refuse"))
    if floor is not None and found.replication < floor.replication:
        differences.append(differs("replication", f"{floor.replication} or more", found.replication, "refuse"))
    for name, value in wanted_config(wanted, found, floor).items():
        if (actual := found.config.get(name, "unknown")) != value:
            # A compacted log has lost what it overwrote: only a person can say what to do about that.
            differences.append(differs(name, value, actual, "refuse" if name == "cleanup.policy" else "alter"))
    return tuple(differences)


def wanted_config(wanted: Topic, found: Found | None = None, floor: Floor | None = None) -> dict[str, str]:
    """The settings this topic must have; a found `min.insync.replicas` that is good enough stays as it is."""
    config = wanted.config()
    if floor is not None:
        config["min.insync.replicas"] = str(floor.min_insync)
        actual = found.config.get("min.insync.replicas", "") if found else ""
        # Above the copies there are, nothing could be written.
        if found and actual.isdecimal() and floor.min_insync <= int(actual) <= found.replication:
            config["min.insync.replicas"] = actual
    return config


def refusals(differences: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """Those that need a person."""
    return tuple(d for d in differences if d.remedy == "refuse")
