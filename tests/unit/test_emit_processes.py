"""Host programs that end as they should not, fork, or emit for hours with no broker there."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from deploy.local.leash import leashed
from schemas.emit import Emitter, SpoolInUseError
from schemas.emit.spool import Spool
from tests.harness.emitting import FEW, FLUSHED, MANY
from tests.unit.test_emit_spool import read_all

NOBODY: Final = "127.0.0.1:1"  # where no broker is
SECONDS: Final = 90.0
GROWTH_KB: Final = 4_000  # 20,000 accesses take 5.5 MB as bytes alone, and three times that as objects


@contextmanager
def host(what: str, spool: Path, bootstrap: str = NOBODY, prefix: str = "") -> Iterator[subprocess.Popen[str]]:
    """It runs."""
    command = leashed([sys.executable, "-m", "tests.harness.emitting", what, bootstrap, str(spool), prefix])
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(what: str, spool: Path, code: int = 0) -> list[str]:
    """The lines of one that comes to its end, with this exit code."""
    with host(what, spool) as process:
        out, complaints = process.communicate(timeout=SECONDS)
    assert process.returncode == code, complaints
    assert "Traceback" not in complaints, complaints
    return out.splitlines()


def kill_after(process: subprocess.Popen[str], flushed: int) -> int:
    """Kill it in the midst of emitting, once it has said that so many are flushed; how many it had said at last."""
    assert process.stdout is not None
    for line in process.stdout:
        if int(line.split()[1]) >= flushed:
            process.kill()
            break
    rest = [int(line.split()[1]) for line in process.stdout]
    return rest[-1] if rest else flushed


def ids(spool: Path) -> list[str]:
    """Of what waits in a spool nobody holds."""
    opened = Spool(spool, "ecms")
    found = [entry.event_id for entry in read_all(opened)]
    opened.close()
    return found


def test_what_was_flushed_survives_that_its_host_is_killed(tmp_path: Path) -> None:
    """All of it, in order, and behind it what happened to be written."""
    with host("for-ever", tmp_path) as process:
        flushed = kill_after(process, 5 * FLUSHED)
    found = ids(tmp_path)
    assert len(found) >= flushed >= 5 * FLUSHED
    assert found == [f"ecms-{number}" for number in range(1, len(found) + 1)]


def test_a_host_that_just_ends_loses_nothing(tmp_path: Path) -> None:
    """Nobody closed the emitter; it closes itself, and does not hold up the end."""
    assert ended("without-close", tmp_path) == ["ends"]
    assert ids(tmp_path) == [f"ecms-{number}" for number in range(1, 51)]
    spool = Spool(tmp_path, "ecms")
    assert not spool.was_killed
    spool.close()


def test_what_is_closed_at_once_is_kept_whole(tmp_path: Path) -> None:
    """However little time the broker gets, the disk gets what it needs."""
    [said] = ended("closing-at-once", tmp_path)
    taken, is_stored = said.split()
    assert (len(ids(tmp_path)), is_stored) == (int(taken), "False")
    assert int(taken) > 5_000


def test_a_close_that_is_broken_off_is_brought_to_its_end(tmp_path: Path) -> None:
    """A handler that ends the program while it waits for the broker: nothing is lost by it, and nothing said to be."""
    assert ended("closing-broken-off", tmp_path) == []
    spool = Spool(tmp_path, "ecms")
    assert (spool.messages, spool.was_killed) == (1, False)
    spool.close()


def test_what_a_full_disk_never_took_is_told_at_the_end(tmp_path: Path) -> None:
    """How many are lost, in the log; and the next emitter leaves a number out, which the service misses."""
    with host("full-disk", tmp_path) as process:
        out, complaints = process.communicate(timeout=SECONDS)
    assert (process.returncode, out.split()) == (0, ["flushed", "False", "5"])
    assert "5 accesses that were taken are lost" in complaints
    with Emitter("ecms", NOBODY, tmp_path, number_from=1) as after:
        stats = after.stats()
        after.close(0)
    assert (stats.waiting, stats.sequence, stats.was_killed) == (10, 11, True)


def test_a_forked_child_does_no_harm_to_its_parents_spool(tmp_path: Path) -> None:
    """It is told what to do, its end closes nothing, and the parent writes on."""
    lines = ended("forking", tmp_path, -signal.SIGKILL)
    assert lines[0].startswith("child: the emitter belongs to the process that made it")
    assert lines[1:] == ["child: False", "child ended with 0", "flushed True"]
    assert ids(tmp_path) == ["ecms-1", *(f"ecms-{number}" for number in range(3, 501))]


def test_an_emitter_that_is_refused_takes_no_lock_away(tmp_path: Path) -> None:
    """Not even one of the same process, whose handles share their locks: another process is still kept out."""
    spool = Spool(tmp_path, "ecms")
    with pytest.raises(SpoolInUseError):
        Spool(tmp_path, "ecms")
    with host("without-close", tmp_path) as other:
        _, complaints = other.communicate(timeout=SECONDS)
    spool.close()
    assert "SpoolInUseError" in complaints
    assert (other.returncode, ids(tmp_path)) == (1, [])


def test_memory_stays_while_the_broker_is_away(tmp_path: Path) -> None:
    """What waits lies on the disk."""
    few, many, last = ended("memory", tmp_path)
    assert int(many.split()[1]) - int(few.split()[1]) < GROWTH_KB
    assert last == f"waiting {FEW + MANY} refused 0"
