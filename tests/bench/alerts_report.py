"""What a store of alerts was measured to do, against what was wanted. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .alerts_time import Times, quantile
from .goals import Goal
from .tables import table

LIST_MS: Final = 50.0
SEARCH_MS: Final = 100.0
TAKEN_MS: Final = 5.0
GROWTH_MAX: Final = 1.2  # of the time for one more finding, from the thousandth of an alert to the 5,000th
SLOWEST: Final = 8
ROUGH_EDGES: Final = (
    "(f) one process and one thread that asks: pages of several people at once wait for each other's Python",
    "(f) every page is read with its counts; 45 lists at five moments and 18 searches, twice",
    "(f) a person takes one alert right after the other, so writers meet as they hardly do in an office",
    "(f) PostgreSQL is on the same machine, and its rows were made from the acts in one go, then analysed",
    "(f) how long a commit takes is the disk's answer to fsync, here of a virtual one",
)
TITLES: Final[Mapping[str, tuple[float, float | None]]] = {
    "lists": (0.99, LIST_MS),
    "searches": (0.99, SEARCH_MS),
    "alone": (0.5, TAKEN_MS),
    "busy": (0.5, TAKEN_MS),
}
MEANT: Final = {
    "lists": "a page of a list with its counts",
    "searches": "a page of a search with its counts",
    "alone": "an alert taken, stored",
    "busy": "an alert taken while findings come",
}


@dataclass(kw_only=True)
class Measured:
    """Of one kind of store."""

    kind: str
    alerts: int
    times: dict[str, Times] = field(default_factory=lambda: {name: Times() for name in TITLES})
    figures: dict[str, float] = field(default_factory=dict)

    def told(self) -> str:
        """In a line."""
        return ", ".join(
            f"{name} {quantile(self.times[name].clock, share):.1f} ms" for name, (share, _) in TITLES.items()
        )

    def as_json(self) -> dict[str, Any]:
        """All that is known, each question's median too."""
        times = {
            name: {
                "count": len(one.clock),
                **{f"p{share * 100:.0f}_ms": quantile(one.clock, share) for share in (0.5, 0.9, 0.99)},
                **{f"cpu_p{share * 100:.0f}_ms": quantile(one.cpu, share) for share in (0.5, 0.9, 0.99)},
            }
            for name, one in self.times.items()
        }
        medians = {name: dict(self.times[name].slowest(1_000)) for name in ("lists", "searches")}
        return {"alerts": self.alerts, "times": times, "figures": dict(self.figures), "medians_ms": medians}


def goals(found: Mapping[str, Measured]) -> list[Goal]:
    """What is wanted is wanted of SQLite, of which everybody's own processor and disk is all there is."""
    return [goal for one in found.values() for goal in _goals(one, is_wanted=one.kind == "sqlite")]


def show(found: Mapping[str, Measured]) -> None:
    """Print percentiles and the slowest questions."""
    head = ["store", "what", "n", "p50", "p90", "p99", "highest", "p50 cpu", "p99 cpu"]
    lines = [_line(one, name) for one in found.values() for name in TITLES]
    print("\n" + table([head, *lines], left=(0, 1)) + "\n\nms; cpu: of the thread that asks, without a server's\n")
    for one in found.values():
        for name in ("lists", "searches"):
            print(f"{one.kind}, the slowest {name} by their medians:")
            print("\n".join(f"  {value:7.1f} ms  {what}" for what, value in one.times[name].slowest(SLOWEST)))


def _line(one: Measured, name: str) -> list[str]:
    times = one.times[name]
    clock = [quantile(times.clock, share) for share in (0.5, 0.9, 0.99, 1.0)]
    cpu = [quantile(times.cpu, share) for share in (0.5, 0.99)]
    return [one.kind, MEANT[name], f"{len(times.clock):,}", *(f"{value:.1f}" for value in (*clock, *cpu))]


def _goals(one: Measured, *, is_wanted: bool) -> list[Goal]:
    told = [
        _goal(one, f"{MEANT[name]}, p{share * 100:.0f}", "ms", quantile(one.times[name].clock, share), most, is_wanted)
        for name, (share, most) in TITLES.items()
    ]
    figures = one.figures
    grown = figures["one_more_of_many_ms"] / max(0.001, figures["one_more_of_few_ms"])
    rest: tuple[tuple[str, str, float, float | None], ...] = (
        ("one more finding of an alert, the 5,000th against the thousandth", "x", grown, GROWTH_MAX),
        ("a page of what was done to an alert of 5,000", "ms", figures["history_page_ms"], LIST_MS),
        ("acts a second, a backlog of findings", "/s", figures["heard_per_s"], None),
        ("acts a second, rows made anew", "/s", figures["rebuild_acts_per_s"], None),
        ("rows made anew", "s", figures["rebuild_s"], None),
        ("memory grown by that", "MiB", figures["rebuild_mb"], None),
        ("stored, each alert", "B", figures["bytes_per_alert"], None),
    )
    return told + [_goal(one, what, unit, value, most, is_wanted) for what, unit, value, most in rest]


def _goal(one: Measured, what: str, unit: str, value: float, most: float | None, is_wanted: bool) -> Goal:
    return Goal(part="f", what=f"{one.kind}: {what}", unit=unit, measured=value, limit=most if is_wanted else None)
