"""The alert console's feed is missed only where there is a console: one that a department never had pages nobody."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from schemas.settings import Settings
from schemas.topics import CONSOLE
from streams.agents.register import Register
from streams.gauges import Gauges
from streams.join.open import OpenAccesses
from streams.policies import load_policy
from streams.telemetry import Telemetry
from tests.unit.test_console_gates import AT_CONSOLE, GRACE, THERE, opened


class Broker:
    """Has had so many accesses at the console."""

    def __init__(self, at_console: int) -> None:
        self.heard_marks: dict[str, int] = {}
        self.mark_rose_at: dict[str, int] = {}
        self.knowledge = SimpleNamespace(position=5, waivers=dict[str, int]())
        self.at_console = at_console
        self.waived: list[bytes] = []

    async def catch_up(self) -> None:
        """At once."""

    async def partitions_of(self, topic: str) -> list[tuple[str, int]]:
        """Two."""
        return [(topic, 0), (topic, 1)]

    async def ends_of(self, places: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """All of the messages lie in the second."""
        return {places[0]: 0, places[1]: self.at_console if places[1][0] == THERE.topic else 999}

    async def put(self, outgoing: Any) -> list[Any]:
        """As the store."""
        self.waived += [one.key for one in outgoing]
        return []


@pytest.mark.parametrize(("at_console", "is_waived"), [(0, False), (1, True)])
async def test_the_console_is_judged_without_only_where_there_is_one(at_console: int, is_waived: bool) -> None:
    """A feed that nobody waits for is not given up: of a department without a console nobody must be paged."""
    broker: Any = Broker(at_console)
    feeds = load_policy().gating_feeds(CONSOLE)
    register = Register(
        Settings(),
        gating=feeds,
        broadcast=broker,
        store=broker,
        telemetry=Telemetry(),
        is_read=lambda: dict.fromkeys(feeds, True),
    )
    register._held_since = dict.fromkeys(feeds, 0.0)
    await register._waive_once(10**13)
    assert (b"console/waiver" in broker.waived, b"staff/waiver" in broker.waived) == (is_waived, True)


def shown(*, open_at_console: bool = False, heard: dict[str, int] | None = None) -> str:
    """The series of marks that a worker shows."""
    double: Any = SimpleNamespace
    accesses = OpenAccesses(GRACE)
    if open_at_console:
        accesses.keep(opened(AT_CONSOLE, THERE))
    gauges = Gauges(
        Settings(),
        app=double(),
        broadcast=double(heard_marks=heard or {}),
        judge=double(open=accesses),
        store=double(),
        snapshots=double(),
        telemetry=Telemetry(),
        policy=load_policy(),
    )
    gauges._look_at_awaited()
    lines = gauges._telemetry.page().decode().splitlines()
    return "\n".join(line for line in lines if line.startswith("needtoknow_mark_"))


def test_a_console_that_is_not_there_is_not_shown() -> None:
    """No page can be about a series that is not there; a feed of duties is missed from the start."""
    assert 'feed="console"' not in shown()
    assert 'needtoknow_mark_silence_seconds{feed="staff"} +Inf' in shown()


def test_a_console_that_accesses_wait_for_is_missed() -> None:
    """As silent for ever, until it speaks."""
    page = shown(open_at_console=True)
    assert 'needtoknow_mark_silence_seconds{feed="console"} +Inf' in page
    assert 'needtoknow_mark_age_seconds{feed="console"} +Inf' in page
    assert 'feed="console"' not in shown(open_at_console=True, heard={"console": 7})  # it has a gauge of its own then
