"""What has work and does not move is stuck; what waits for others, or has nothing to do, is not."""

from __future__ import annotations

from streams.progress import Progress


def test_who_has_work_and_does_not_move_is_stuck() -> None:
    """Counted from when it was first seen so."""
    part = Progress()
    part.see(7, 100.0, is_due=True)
    part.see(7, 130.0, is_due=True)
    assert part.stuck_for(131.0) == 31.0


def test_whoever_moves_begins_anew() -> None:
    """However little."""
    part = Progress()
    part.see(7, 100.0, is_due=True)
    part.see(8, 130.0, is_due=True)
    assert part.stuck_for(131.0) == 1.0


def test_who_waits_for_others_is_not_stuck() -> None:
    """And is given its whole time again afterwards, though it still stands where it stood."""
    part = Progress()
    part.see(7, 100.0, is_due=True)
    part.see(7, 130.0, is_due=False)
    assert part.stuck_for(140.0) == 0.0
    part.see(7, 150.0, is_due=True)
    assert part.stuck_for(151.0) == 1.0


def test_what_was_done_while_nobody_looked_counts() -> None:
    """It had nothing to do, then something, and is seen to move."""
    part = Progress()
    part.see(7, 100.0, is_due=False)
    part.see(8, 160.0, is_due=True)
    assert part.stuck_for(161.0) == 1.0
