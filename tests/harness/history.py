"""One history: what feeds and sources say, and what happens to the workers that read it, act by act.

A history is a value. Any part of it can be left out and the rest still be played, which is how one that breaks a law
is made short.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from schemas.access import Access, Record
from schemas.fact import Fact
from schemas.ids import format_instant
from schemas.policy import Policy
from schemas.topics import CONSOLE
from streams.join.open import Partition

PARTITIONS: Final = (
    Partition("access.ecms.v1", 0),
    Partition("access.ecms.v1", 3),
    Partition(f"access.{CONSOLE}.v1", 1),
)


class State(NamedTuple):
    """A feed states a fact."""

    fact: Fact


class Promise(NamedTuple):
    """A feed marks itself complete through an instant (UTC ms)."""

    feed: str
    through: int


class Waive(NamedTuple):
    """Register decides to judge without a feed through an instant (UTC ms)."""

    feed: str
    through: int


class Send(NamedTuple):
    """A message is appended to a partition; without an access nobody can read it."""

    partition: int
    value: bytes
    access: Access | None
    appended_at: int


class Hear(NamedTuple):
    """The worker reads facts, marks and findings to their ends."""


class Take(NamedTuple):
    """The worker judges so many new messages of a partition."""

    partition: int
    number: int


class Store(NamedTuple):
    """So many of its jobs are stored, and what may be committed is."""

    number: int


class LookBack(NamedTuple):
    """It looks back at so many messages of before its life."""

    number: int


class Look(NamedTuple):
    """It hears, and somebody looks at everything that stands."""


class Keep(NamedTuple):
    """A snapshot of the worker is put away."""


class Forget(NamedTuple):
    """What was appended before an instant (UTC ms) is behind the horizon of the worker."""

    before: int


class Heir(NamedTuple):
    """Who takes over: one that lost its partitions before, if there is any; or a new one, with a snapshot, if any.

    Counted from the last one back; None: not such a one.
    """

    away: int | None = None
    kept: int | None = None


class Crash(NamedTuple):
    """It stores so many jobs, `torn` findings of one more without its cut, and is gone; another takes over."""

    stored: int
    torn: int | None
    heir: Heir = Heir()


class Leave(NamedTuple):
    """It stores so many jobs and loses its partitions; it goes on hearing, and may take over one day."""

    stored: int
    heir: Heir = Heir()


class Freeze(NamedTuple):
    """It is taken for dead, and another takes over; it may go on beside that one."""

    heir: Heir = Heir()


class Overhear(NamedTuple):
    """Whoever lost its partitions reads facts, marks and findings to their ends."""


class Stray(NamedTuple):
    """The one taken for dead last goes on with something."""

    act: Hear | Take | Store


Act = (
    State | Promise | Waive | Send | Hear | Take | Store | LookBack | Look | Keep | Forget
    | Crash | Leave | Freeze | Overhear | Stray
)  # fmt: skip


class History(NamedTuple):
    """What is said and what happens, under a policy. `silent` feeds say nothing more once all has happened."""

    seed: int
    policy: Policy
    silent: frozenset[str]
    acts: tuple[Act, ...]

    def told(self) -> str:
        """The history for people, an act a line."""
        paths, grace = self.policy.paths, self.policy.grace_seconds
        on = [name for name, path in paths if path.enabled]
        head = f"seed {self.seed}: grace {grace} s, {', '.join(on)}, depth {paths.supervises.depth}"
        head += f", carries_line {paths.covers.carries_line}, silent {sorted(self.silent)}"
        return "\n".join((head, *_lines(self.acts)))


def _lines(acts: Iterable[Act]) -> Iterable[str]:
    for act in acts:
        match act:
            case State(fact):
                until = "" if fact.valid_to is None else format_instant(fact.valid_to)
                body = " ".join(_word(value) for name, value in fact.body if value is not None and name != "kind")
                yield (
                    f"  state {fact.body.kind} {fact.fact_id}/{fact.revision}{' void' * fact.void}: {body},"
                    f" {format_instant(fact.valid_from)} to {until}, recorded {format_instant(fact.recorded_at)}"
                )
            case Promise(feed, through) | Waive(feed, through):
                yield f"  {type(act).__name__.lower()} {feed} through {format_instant(through)}"
            case Forget(before):
                yield f"  forget what was appended before {format_instant(before)}"
            case Send(partition, value, _, at):
                yield f"  send to {partition} at {format_instant(at)}: {value.decode(errors='replace')}"
            case _:
                yield f"  {act!r}"


def _word(value: object) -> str:
    return f"{value.kind}/{value.id}" if isinstance(value, Record) else str(value)
