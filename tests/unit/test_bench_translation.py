"""The benchmark of translation reads every format as it was written; at sizes that say nothing of its speed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from schemas.topics import SOURCES
from tests.bench.translation_load import shapes

ROOT = Path(__file__).parents[2]


def run(*options: str) -> str:
    """What it prints."""
    command = [sys.executable, "-m", "tests.bench.translation", "--messages", "20", "--rounds", "1", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_shape_is_read_as_the_accesses_it_was_written_with() -> None:
    """One that is refused would end the run, and one that is read as a control message be fast."""
    found = shapes(20)
    assert all(shape.read() == shape.accesses >= len(shape.messages) for shape in found)
    assert len({value for shape in found for value in shape.messages}) >= 20 * (len(found) - 2)


def test_the_table_has_every_native_format() -> None:
    """A row each, and whether the slowest is fast enough is told."""
    said = run()
    systems = {name for name, source in SOURCES.items() if source.content_types}
    rows = [line.casefold() for line in said.splitlines() if " | " in line]
    assert all(any(row.startswith(name) for row in rows) for name in systems), systems
    assert "goal 20,000" in said


def test_canonical_json_can_be_held_to_another_checkout() -> None:
    """Beside itself."""
    assert "the median pair: " in run("--against", str(ROOT))
