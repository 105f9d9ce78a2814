"""Several workers against one: what is compared, and which runs count."""

from __future__ import annotations

import pytest

from tests.bench.workers_report import WorkersRow, goals, judged_in, medians


def row(workers: int, cpu_s: float, **other: object) -> WorkersRow:
    """A run of two million accesses, shared evenly, but for `other`."""
    fields = {
        "workers": workers,
        "number": 1,
        "accesses": 2_000_000,
        "due": 60_000,
        "false": 0,
        "missed": 0,
        "judged": [2_000_000 // workers] * workers,
        "span_s": 40.0,
        "cpu_s": cpu_s,
        "other_cpu_s": 9.0,
        "rss_mb": 300.0,
    }
    return WorkersRow(**{**fields, **other})  # type: ignore[arg-type] # a row in a few words


def test_the_ratio_is_of_the_medians_per_access() -> None:
    """24 CPU seconds in two million accesses are 12 a million."""
    rows = [row(1, 20.0), row(1, 30.0), row(1, 22.0), row(2, 24.2), row(2, 20.0), row(2, 26.0)]
    assert medians(rows) == {1: 11.0, 2: 12.1}
    [ratio] = [goal for goal in goals(rows) if goal.unit == "x"]
    assert ratio.measured == pytest.approx(1.1)
    assert ratio.is_met


def test_a_wrong_run_is_no_cheap_run() -> None:
    """Neither one that missed something nor one in which one worker did it all."""
    rows = [row(1, 20.0), row(2, 1.0, missed=1), row(2, 2.0, false=1), row(2, 3.0, judged=[1_900_000, 100_000])]
    assert medians(rows) == {1: 10.0}
    [ratio] = [goal for goal in goals(rows) if goal.unit == "x"]
    assert ratio.is_met is False
    assert next(goal for goal in goals(rows) if goal.what == "false, missed").is_met is False


def test_an_uneven_share_is_still_a_share() -> None:
    """Four partitions over three workers cannot be even."""
    assert row(3, 20.0, judged=[1_000_000, 500_000, 500_000]).is_right
    assert row(2, 20.0, judged=[1_400_000, 600_000]).is_right


def test_what_a_worker_judged_is_the_sum_over_sources_and_outcomes() -> None:
    """And of that metric only."""
    text = """# HELP needtoknow_accesses_total How many accesses were judged, and how?
# TYPE needtoknow_accesses_total counter
needtoknow_accesses_total{outcome="explained",source="ecms"} 1.2e+06
needtoknow_accesses_total{outcome="unexplained",source="ecms"} 36172.0
needtoknow_accesses_created{outcome="explained",source="ecms"} 1.7e+09
needtoknow_index_accesses 4711.0
"""
    assert judged_in(text) == 1_236_172
