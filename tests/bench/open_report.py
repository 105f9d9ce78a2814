"""The open loop as a table, and what was wanted of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from .goals import Goal, number
from .open_loop import RateRow
from .programs import OURS
from .schedule import Tried, sustained
from .tables import table

GOAL_RATE: Final = 1_000  # accesses a second at which
GOAL_P99_MS: Final = 500.0
MEANINGS: Final = """\
p50, p99, max  ms from the moment an access happened, which is when it was meant to be sent, to its finding being read
measured       how many findings that rests on
stored p99     of it, until the broker had stored the access: the sender's lateness and the broker
sender late    p99 and highest, ms after the intended moment at which messages left the sender
state          ok; too much: p99 over a second; INVALID: the sender was behind its schedule; FAILED: wrong verdicts"""
ROUGH_EDGES: Final = (
    "(b) the sender, the reader, the broker and the worker share the cores, and take time from each other",
    "(b) p99 at 1,000/s rests on some 600 findings of 20 s, so on six of them; --seconds makes it longer",
    "(b) ours waits for marks, every 100 ms, before it accuses: 50 ms of the median are meant to be there",
    "(b) the peer answers at once, keeps no marks and takes nobody's word back; it is told for comparison",
    "(b) one worker goes through all rates, so later ones meet a fuller index and more findings that are not final",
)

Rows = Mapping[str, Sequence[RateRow]]


def goals(rows: Rows) -> list[Goal]:
    """The delay at 1,000/s, and the rate that is sustained."""
    found: list[Goal] = []
    for name, some in rows.items():
        limit = GOAL_P99_MS if name == OURS.name else None
        at_rate = next((r.delays for r in some if r.rate == GOAL_RATE and r.kept.is_kept and r.delays), None)
        measured = None if at_rate is None else at_rate.p99
        found.append(Goal(part="b", what=f"{name}: p99 at {GOAL_RATE:,}/s", unit="ms", measured=measured, limit=limit))
        rate = sustained([Tried(row.rate, row.is_sustained) for row in some if row.kept.is_kept])
        is_bound = all(row.is_sustained for row in some if row.kept.is_kept)  # no valid rate was too much
        what = f"{name}: sustained{' at the least' if is_bound else ''}, p99 ≤ 1 s"
        found.append(Goal(part="b", what=what, unit="accesses/s", measured=rate))
        wrong = sum(row.false + row.missed + row.odd for row in some)
        found.append(Goal(part="b", what=f"{name}: false, missed, odd", unit="", measured=wrong, limit=0))
    return found


def show(rows: Rows) -> None:
    """Print the table."""
    head = ["program", "rate/s", "due", "seen", "missed", "false", "measured", "p50", "p99", "max", "stored p99"]
    head += ["sender late", "CPU s", "other CPU s", "RSS MiB", "state"]
    print("\n" + table([head, *(_line(row) for some in rows.values() for row in some)]))
    print(f"\n{MEANINGS}\n")


def _line(row: RateRow) -> list[str]:
    counts = [row.name, f"{row.rate:,}", *(str(n) for n in (row.due, row.seen, row.missed, row.false))]
    delays = ["0", "-", "-", "-"] if (d := row.delays) is None else [str(d.size), *map(number, (d.p50, d.p99, d.max))]
    stored = "-" if row.stored is None else number(row.stored.p99)
    late = "-" if row.kept.late is None else f"{number(row.kept.late.p99)} / {number(row.kept.late.max)}"
    costs = [number(row.cpu_s), number(row.other_cpu_s), number(row.rss_mb)]
    return [*counts, *delays, stored, late, *costs, row.state]
