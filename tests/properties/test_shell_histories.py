"""The judge's own shell plays histories: whatever is stored before what, and whoever comes, goes or dies meanwhile, the
laws hold.

A hundred histories; `python -m tests.properties --shell` plays as many as one likes.
"""

from __future__ import annotations

from typing import Final

import pytest

from streams.agents.take_over import TakeOver
from tests.harness.history import Crash, Freeze, Leave
from tests.harness.history_chance import history
from tests.harness.shell_play import play_shell
from tests.properties.trial import shortest, tried

HISTORIES: Final = 100
SOME: Final = 10  # before anybody looks whether a law was broken


@pytest.mark.timeout(600)  # some ten seconds on a machine that has nothing else to do
def test_the_shell_keeps_the_laws() -> None:
    """With crashes, orderly ends, partitions that come back, and workers taken for dead that go on."""
    for first in range(0, HISTORIES, SOME):
        for broken in tried(range(first, first + SOME), play_shell).broken[:1]:
            short = shortest(broken)
            pytest.fail(f"{short.law}\n{short.history.told()}\n{short.how}", pytrace=False)
    kinds = {type(act) for seed in range(HISTORIES) for act in history(seed).acts}
    assert kinds >= {Crash, Freeze, Leave}


def test_a_shell_that_forgets_to_ask_breaks_a_law(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes partitions over and asks nothing about the facts since."""

    async def ask_nothing(*_: object, **__: object) -> None:
        pass

    monkeypatch.setattr(TakeOver, "_ask", ask_nothing)
    monkeypatch.setattr(TakeOver, "_read", ask_nothing)
    broken = [one for seed in range(40) for one in tried([seed], play_shell).broken]
    assert "what stands is what is true" in {one.law for one in broken}
