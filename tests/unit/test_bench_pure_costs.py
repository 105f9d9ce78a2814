"""What is measured without Kafka still runs against the judge as it is; at sizes that say nothing of its speed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def measured(what: str, **asked: object) -> dict[str, float]:
    """The answer of a process of its own, as the benchmark gets it: it freezes the heap that it finds."""
    said = json.dumps({"what": what, **asked})
    command = [sys.executable, "-m", "tests.bench.pure_costs", said]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("is_traced", [True, False])
def test_the_columns_of_the_index_are_linked_before_they_are_counted(is_traced: bool) -> None:
    """32 bytes an access with both chains, 24 without: an index that nobody asked would look too small."""
    found = measured("index_bytes", accesses=20_000, is_traced=is_traced)
    assert 32 <= found["columns_bytes"] < 50
    assert found["traced_bytes" if is_traced else "resident_bytes"] > 0


def test_corrections_are_judged_again_as_often_as_they_touch_accesses() -> None:
    """A tenth of the assignments in another role, a tenth void: each touches about a tenth of the accesses."""
    found = measured("corrections", facts=600, accesses=6_000)
    assert 400 < found["stayed"] < 800
    assert 400 < found["turned"] < 800
    assert min(found["stayed_per_s"], found["turned_per_s"]) > 0


def test_loading_and_memory_are_told_per_fact() -> None:
    """More than a fact can take less than, and less than nobody would notice."""
    assert measured("loading", facts=6_000)["facts_per_s"] > 100
    assert 50 < measured("assignment_bytes", facts=20_000)["traced_bytes"] < 3_000
