"""Histories held to the laws: one, or many of them in several processes."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Final, NamedTuple

from tests.harness.history import Act, History
from tests.harness.history_chance import history
from tests.harness.play import Played, play
from tests.harness.shell_play import play_shell

from .coverage import features
from .laws import LAWS
from .shrink import shrink

AT_ONCE: Final = 50  # histories a process is given at a time
Play = Callable[[History], Played]
"""By workers that take one step after the other, or by the judge's own shell."""


class Broken(NamedTuple):
    """A law that a history breaks, and how."""

    law: str
    history: History
    how: str
    play: Play = play


class Tried(NamedTuple):
    """What came of some histories."""

    histories: int
    acts: int
    accesses: int
    findings: int
    seen: Counter[str]
    broken: list[Broken]


def tried(seeds: Sequence[int], by: Play = play) -> Tried:
    """The histories of these seeds, played and held to every law."""
    seen: Counter[str] = Counter()
    broken: list[Broken] = []
    acts = accesses = findings = 0
    for seed in seeds:
        chosen = history(seed)
        acts += len(chosen.acts)
        try:
            played = by(chosen)
        except Exception:
            broken.append(Broken("it can be played", chosen, traceback.format_exc(), by))
            continue
        accesses, findings = accesses + len(played.asked), findings + len(played.stored.findings)
        if by is not play_shell:  # what its workers were about is told by what those of `play` count
            seen.update(features(played))
        for name, law in LAWS.items():
            try:
                law(played)
            except Exception:
                broken.append(Broken(name, chosen, traceback.format_exc(), by))
    return Tried(len(seeds), acts, accesses, findings, seen, broken)


def many(first: int, number: int, processes: int, by: Play = play) -> Iterator[Tried]:
    """Some histories after the other, in no order."""
    some = [range(start, min(start + AT_ONCE, first + number)) for start in range(first, first + number, AT_ONCE)]
    if processes == 1:
        yield from map(partial(tried, by=by), some)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        yield from pool.map(partial(tried, by=by), some)


def shortest(broken: Broken) -> Broken:
    """As few acts as break the same law."""
    found = broken

    def breaks(acts: Sequence[Act]) -> bool:
        nonlocal found
        how = _how(broken, broken.history._replace(acts=tuple(acts)))
        if how is not None:
            found = broken._replace(history=broken.history._replace(acts=tuple(acts)), how=how)
        return how is not None

    shrink(broken.history.acts, breaks)
    return found


def _how(broken: Broken, chosen: History) -> str | None:
    try:
        played = broken.play(chosen)
    except Exception:
        return traceback.format_exc() if broken.law not in LAWS else None
    if broken.law in LAWS:
        try:
            LAWS[broken.law](played)
        except Exception:
            return traceback.format_exc()
    return None
