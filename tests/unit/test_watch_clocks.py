"""Clocks: what messages prove about them, and what they do not."""

from __future__ import annotations

from sinks.watch.clocks import PROVE_BEHIND, WINDOW_MS, Clock, Sample, allowed_ms

NOW = 1_767_600_000_000


def clock(*delays: int, is_prompt: bool = True, wide: int = 0) -> Clock:
    """One that was seen with these delays from when something was written to when it was stored."""
    made = Clock()
    for delay in delays:
        made.look(Sample(NOW, NOW - delay - wide, NOW - delay, NOW, is_prompt))
    return made


def test_one_message_dated_ahead_proves_a_clock_ahead() -> None:
    """Nothing is stored before it was written; also of a source that sends files."""
    assert clock(400, -90_000, 300, is_prompt=False).off_ms(NOW) == 90_000


def test_the_least_delay_of_many_proves_a_clock_behind() -> None:
    """Most take a moment on the way, and a few are held up: an hour of all of them is the clock's."""
    delays = [3_600_000 + extra for extra in (40, 55, 38, 900, 41, 44, 60_000, 52, 39, 70)]
    assert len(delays) == PROVE_BEHIND
    assert clock(*delays).off_ms(NOW) == -3_600_038


def test_a_few_that_are_late_prove_nothing() -> None:
    """They may all have been held up."""
    assert clock(*[3_600_000] * (PROVE_BEHIND - 1)).off_ms(NOW) == 0


def test_a_file_that_comes_in_the_morning_says_nothing_of_a_clock_behind() -> None:
    """Its delay is how it is sent. Nor do messages of online sources that are sent a day later."""
    assert clock(*[3_600_000] * 50, is_prompt=False).off_ms(NOW) == 0
    assert clock(*[90_000_000] * 50).off_ms(NOW) == 0


def test_heartbeats_that_are_days_late_prove_a_clock_behind() -> None:
    """Nobody sends one later: a date that is wrong is the clock's, beside accesses that say nothing."""
    made = clock(*[172_800_000] * 50)
    for _ in range(PROVE_BEHIND):
        made.look(Sample(NOW, NOW - 172_800_000, NOW - 172_800_000, NOW, is_prompt=True, is_beat=True))
    assert made.off_ms(NOW) == -172_800_000


def test_a_time_that_is_an_interval_proves_what_all_of_it_does() -> None:
    """A day or an hour that is named by its beginning is not late."""
    assert clock(*[50] * 20, wide=86_400_000 - 1).off_ms(NOW) == -50
    assert clock(-30_000, wide=60_000).off_ms(NOW) == 0


def test_a_clock_that_was_put_right_is_believed_after_ten_minutes() -> None:
    """What is older says how it was."""
    made = clock(-90_000)
    assert made.off_ms(NOW + WINDOW_MS) == 90_000
    assert made.off_ms(NOW + WINDOW_MS + 1) == 0


def test_what_is_declared_is_allowed_with_a_moment_beside() -> None:
    """Two clocks are never the same."""
    assert allowed_ms(30_000) == 35_000
