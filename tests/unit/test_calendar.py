"""What is declared of when a source is heard: whatever cannot be read is refused when a process starts."""

from __future__ import annotations

import pytest

from schemas.calendar import DUE_WITHIN_MAX, HEARD_EVERY_MAX, faults
from schemas.errors import RejectedInputError
from schemas.registry import entries_in
from schemas.topics import SOURCES, Source
from sinks.watch.expected import Heard, overdue_ms, silent_ms
from sinks.watch.state import SourceState
from tests.harness.builders import at

TABLE = "[sources.kiosk]\ntitle = 't'\n"


def test_what_is_declared_of_our_own_sources_can_be_read() -> None:
    """No registry is read for these: a mistake would end whatever watches them."""
    assert {name: list(faults(source)) for name, source in SOURCES.items()} == {name: [] for name in SOURCES}


@pytest.mark.parametrize(
    "line",
    [
        'due = "6:00"',
        'due = "6 o\'clock"',
        'due = "25:00"',
        'due = "24:00"',
        'due = "06:00Z"',
        'due = "06:00-05:00"',
        'due = "0600"',
        'due = "06:00\\n"',
        'due = ""',
        'hours = "08:00"',
        'hours = "08:00-"',
        'hours = "22:00-06:00"',
        'hours = "08:00-08:00:00"',
        'hours = "08:00-17:00+01:00"',
        'hours = "08:00+01:00-17:00+01:00"',
        'numbers_since = "yesterday"',
        'numbers_since = "2026-01-05T14:14:03"',
        'numbers_since = "2026-02-30T14:14:03Z"',
        "never_given = [[5, 2]]",
        "never_given = [[1, 2], [-3, 4]]",
        "heard_every_seconds = -5",
        f"heard_every_seconds = {HEARD_EVERY_MAX + 1}",
        "due_within_hours = 0",
        f"due_within_hours = {DUE_WITHIN_MAX + 1}",
    ],
)
def test_what_cannot_be_read_is_refused_by_entry_and_field(line: str) -> None:
    """At the start, not at six in the morning, and not by ending whatever watches all the others."""
    with pytest.raises(RejectedInputError) as caught:
        entries_in((TABLE + line).encode())
    assert caught.value.place == f"sources.kiosk.{line.split(' = ')[0]}"


@pytest.mark.parametrize(
    "lines",
    [
        'due = "06:00"\ndue_within_hours = 1',
        f'due = "23:59:59"\ndue_within_hours = {DUE_WITHIN_MAX}',
        'hours = "00:00-23:59:59"\nworkdays_only = true\nheard_every_seconds = 1',
        f'hours = "08:00-17:00"\nheard_every_seconds = {HEARD_EVERY_MAX}',
        "heard_every_seconds = 0",
        'numbers_since = "2026-01-05T14:14:03-05:00"\nnever_given = [[0, 0], [5, 9]]',
    ],
)
def test_what_is_taken_can_be_watched(lines: str) -> None:
    """To the end: each hour of a week is asked whether it is silent or overdue."""
    source: Source = entries_in((TABLE + lines).encode())["kiosk"]
    assert SourceState(source).report(at("12:00"), 30_000).is_good
    heard = Heard(at("12:00"), at("12:00"), has_beaten=True)
    for hour in range(168):
        now = at("12:00") + hour * 3_600_000
        assert silent_ms(source, heard, now) >= 0
        assert overdue_ms(source, heard, now) >= 0
