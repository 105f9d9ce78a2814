"""The part of set-up that decides: what has to be done to .venv, and what the locks promise."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from deploy.local.setup import LOCK_DIR, LOCKS, Stamp, stamp_after, steps_needed

NOW = Stamp("cpython 3.11.7 here", {"demo": "d1", "test": "t1", "bench": "b1"}, "p1")
EVERYTHING = ["venv", "packages", "project"]


def installed(*locks: str, place: str = NOW.place, project: str = NOW.project) -> Stamp:
    """A .venv in which these locks are as they are now."""
    return Stamp(place, {name: NOW.locks[name] for name in locks}, project)


def requirements(lock: str) -> set[str]:
    """The lock's packages with their versions, without hashes."""
    return set(re.findall(r"^[a-z0-9][^\\\n]*", (LOCK_DIR / f"{lock}.txt").read_text(), re.MULTILINE))


def test_a_venv_without_a_stamp_is_made_anew() -> None:
    """A run that was killed on its way left no stamp, and nobody knows what it left else."""
    assert steps_needed(None, NOW, "demo") == EVERYTHING


@pytest.mark.parametrize("lock", ["demo", "test"])
def test_what_is_there_is_not_done_again(lock: str) -> None:
    """The set-up of the tests serves the demo too."""
    assert steps_needed(installed("demo", "test"), NOW, lock) == []


def test_a_wider_lock_is_added_to_what_is_there() -> None:
    """Going from the demo to the tests installs the rest and removes nothing."""
    assert steps_needed(installed("demo"), NOW, "test") == ["packages", "project"]


def test_a_changed_lock_starts_afresh() -> None:
    """pip removes nothing, so a package that has left the lock would stay for ever."""
    old = Stamp(NOW.place, {"demo": "d0"}, NOW.project)
    assert steps_needed(old, NOW, "demo") == EVERYTHING
    assert steps_needed(old, NOW, "test") == EVERYTHING


def test_a_change_to_a_lock_nobody_asked_for_costs_nothing() -> None:
    """Who runs the demo does not wait for a new version of a benchmark's package."""
    found = Stamp(NOW.place, {**NOW.locks, "bench": "b0"}, NOW.project)
    assert steps_needed(found, NOW, "demo") == []


def test_another_python_or_a_copied_repository_starts_afresh() -> None:
    """The programs in .venv/bin name their Python by its full path."""
    assert steps_needed(installed("demo", place="cpython 3.12.1 here"), NOW, "demo") == EVERYTHING


def test_a_changed_project_file_reinstalls_the_project_only() -> None:
    """A new command in pyproject.toml must appear in .venv/bin, and needs none of the packages again."""
    found = installed("demo", "test", project="p0")
    steps = steps_needed(found, NOW, "demo")
    assert steps == ["project"]
    assert stamp_after(steps, found, NOW, "demo") == installed("demo", "test")


def test_the_stamp_tells_of_the_narrower_locks_too() -> None:
    """Installing for the tests brings what the demo needs, and not what the benchmark needs."""
    assert stamp_after(EVERYTHING, None, NOW, "test") == installed("demo", "test")


@pytest.mark.parametrize(("narrow", "wide"), [("run", "demo"), *pairwise(LOCKS)])
def test_each_lock_holds_the_one_before_in_the_same_versions(narrow: str, wide: str) -> None:
    """Else a .venv made for the tests would be something else than what the demo runs on."""
    assert requirements(narrow)
    assert requirements(narrow) <= requirements(wide)


@pytest.mark.parametrize("path", sorted(LOCK_DIR.glob("*.txt")), ids=lambda path: path.name)
def test_no_lock_says_where_packages_come_from(path: Path) -> None:
    """Each machine has its own index; the hashes say what is right, wherever it came from."""
    text = path.read_text()
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    assert text.count("--hash=sha256:") >= len(requirements(path.stem))
