"""The disorder as a table, and what was wanted of it. Pure."""

from __future__ import annotations

from typing import Final

from .disorder import Disorder
from .goals import Goal, number
from .spread import Spread
from .tables import table

HELD_BACK_MS: Final = 1000.0  # a new access behind a storm of corrections, at the most
ROUGH_EDGES: Final = (
    "(c) event time is compressed: a fact 600 s late comes 600/scale s later by the clock, marks come every 100 ms",
    "(c) times are from the append of a fact to its feed to the append of the transition, so register is in them",
    "(c) a correction is laid to the last revision of the assignment that the transition's position knew",
    "(c) held back: the slowest new access in the storm less the median before it, so a pause of anything else counts",
)


def goals(found: Disorder) -> list[Goal]:
    """Nothing false, nothing missed, nothing held back; and how long corrections took."""
    times = (
        ("fact to withdrawal", found.withdrawal),
        ("fact to raise or reinstatement", found.raising),
        ("fact to transition, in the storm", found.storm),
    )
    return [
        Goal(part="c", what="findings standing falsely after quiet", unit="", measured=found.false, limit=0),
        Goal(
            part="c", what="findings missed or otherwise wrong", unit="", measured=found.missed + found.wrong, limit=0
        ),
        Goal(part="c", what="transitions true at no position", unit="", measured=found.untrue, limit=0),
        Goal(
            part="c",
            what="new accesses held back in a storm",
            unit="ms",
            measured=found.held_back_ms,
            limit=HELD_BACK_MS,
        ),
        *(
            Goal(part="c", what=f"{what}, p99", unit="ms", measured=None if took is None else took.p99)
            for what, took in times
        ),
    ]


def show(found: Disorder) -> None:
    """Print the tables."""
    lines = [
        _line("fact appended to withdrawal appended", found.withdrawal),
        _line("fact appended to raise or reinstatement appended", found.raising),
        _line("the same, of the storm", found.storm),
        _line("new access to its finding, before the storm", found.fresh),
        _line("new access to its finding, in the storm", found.fresh_in_storm),
    ]
    counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(found.kinds.items()))
    said = ", ".join(f"{count:,} {name}" for name, count in sorted(found.transitions.items()))
    late = found.sent.kept.late
    print("\n" + table([["milliseconds", "of", "p50", "p99", "max"], *lines]))
    print(f"\n{found.accesses:,} accesses in {found.load.seconds:.0f} s for {found.load.span:,.0f} s of event time")
    print(f"assignments: {counts}; transitions: {said}")
    print(f"findings due {found.due:,}: false {found.false}, missed {found.missed}, wrong {found.wrong}; "
          f"transitions that were true at no position: {found.untrue}")  # fmt: skip
    print(f"the storm was over after {found.storm_s:.2f} s; idle {found.idle_s:.1f} s after the last message")
    print(
        f"the sender was late by {'-' if late is None else f'{late.p99:.1f} ms (p99), {late.max:.1f} ms at the most'}"
    )
    print(f"worker: {found.cpu_s:.1f} CPU s, {found.rss_mb:.0f} MiB")


def _line(what: str, took: Spread | None) -> list[str]:
    if took is None:
        return [what, "0", "-", "-", "-"]
    return [what, f"{took.size:,}", *map(number, (took.p50, took.p99, took.max))]
