"""The spool on the disk: what it keeps, through crashes and damage."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from schemas.emit.errors import MisusedError, SpoolInUseError
from schemas.emit.fields import read_access, spell
from schemas.emit.limits import WINDOW_BYTES
from schemas.emit.mending import MENDED, is_damage, mend, open_spool
from schemas.emit.message import Waiting
from schemas.emit.spool import FILE, KEPT_PAGES, Spool
from tests.unit.test_emit_fields import fields

PAGE = 4_096


def waiting(number: int, *, text: str = "asked by the unit") -> Waiting:
    """The access with this place, counted from 1,000 up."""
    access = read_access("ecms", None, fields(event_id=f"ecms-{number}", purpose={"text": text}))
    sequence = 1_000 + number
    value = spell(access, sequence)
    return Waiting(number, access.event_id, access.record.id, access.occurred_at, access.occurred_at, sequence, value)


def several(first: int, count: int, **rest: str) -> list[Waiting]:
    """One after the other."""
    return [waiting(number, **rest) for number in range(first, first + count)]


def killed_copy(spool: Path, copy: Path) -> Path:
    """What a machine would find of an open spool that was just cut off: its files as they lie on the disk."""
    return Path(shutil.copytree(spool, copy))


def read_all(spool: Spool) -> list[Waiting]:
    """All that waits, window by window."""
    found: list[Waiting] = []
    while more := spool.read(found[-1].number if found else -1, 100):
        found += more
    return found


def test_what_was_committed_is_there_after_a_crash(tmp_path: Path) -> None:
    """The same bytes, ids and places, and how far was counted."""
    spool = Spool(tmp_path / "spool", "ecms")
    spool.commit(several(1, 30), 0, 1_030)
    spool.commit(several(31, 5), 12, 1_040)
    after = Spool(killed_copy(tmp_path / "spool", tmp_path / "copy"), "ecms")
    assert read_all(after) == several(13, 23)
    assert (after.was_killed, after.last, after.sequence, after.messages) == (True, 35, 1_040, 23)
    assert after.bytes == sum(entry.size for entry in several(13, 23))
    spool.close()
    after.close()


def test_a_spool_that_was_closed_says_so(tmp_path: Path) -> None:
    """And remembers what it counted although nothing waits."""
    spool = Spool(tmp_path, "ecms")
    spool.commit(several(1, 3), 0, 1_003)
    spool.commit([], 3, 1_003)
    spool.close()
    again = Spool(tmp_path, "ecms")
    assert (again.was_killed, again.messages, again.bytes, again.last, again.sequence) == (False, 0, 0, 3, 1_003)
    again.close()


@pytest.mark.parametrize("torn", [1, 700, 5_000])
def test_a_torn_tail_is_what_never_happened(tmp_path: Path, torn: int) -> None:
    """A machine that loses power in the midst of a write loses that write, and nothing before it."""
    spool = Spool(tmp_path / "spool", "ecms")
    for first in range(1, 41, 4):
        spool.commit(several(first, 4), 0, 999 + first + 4)
    copy = killed_copy(tmp_path / "spool", tmp_path / "copy")
    spool.close()
    log = copy / f"{FILE}-wal"
    log.write_bytes(log.read_bytes()[:-torn])
    opened = open_spool(copy, "ecms")
    found = read_all(opened.spool)
    assert 0 < len(found) < 40
    assert len(found) % 4 == 0
    assert found == several(1, len(found))
    assert opened.spool.sequence == 1_000 + len(found)
    assert opened.aside is None
    opened.spool.close()


def test_a_tail_of_garbage_is_what_never_happened(tmp_path: Path) -> None:
    """Also where the disk wrote something else."""
    spool = Spool(tmp_path / "spool", "ecms")
    spool.commit(several(1, 4), 0, None)
    spool.commit(several(5, 4), 0, None)
    copy = killed_copy(tmp_path / "spool", tmp_path / "copy")
    spool.close()
    log = copy / f"{FILE}-wal"
    whole = log.read_bytes()
    log.write_bytes(whole[:-2_000] + bytes(2_000))
    again = Spool(copy, "ecms")
    assert read_all(again) == several(1, 4)
    again.close()


def test_a_damaged_spool_is_kept_and_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    """A page in its midst is overwritten: what lies before and behind goes on, and the file stays for a person."""
    spool = Spool(tmp_path, "ecms")
    spool.commit(several(1, 400, text="p" * 300), 0, 1_400)
    spool.close()
    file = tmp_path / FILE
    whole = bytearray(file.read_bytes())
    middle = len(whole) // 2 // PAGE * PAGE
    whole[middle : middle + PAGE] = b"\xa5" * PAGE
    file.write_bytes(whole)
    opened = open_spool(tmp_path, "ecms")  # a page is looked at when it is read
    with pytest.raises(sqlite3.DatabaseError) as found_out:
        read_all(opened.spool)
    assert is_damage(found_out.value)
    opened.spool.abandon()
    opened = mend(tmp_path, "ecms")
    found = read_all(opened.spool)
    numbers = [entry.number for entry in found]
    assert 380 <= opened.salvaged == len(found) < 400
    assert (numbers[0], numbers[-1], numbers) == (1, 400, sorted(numbers))
    assert set(found) <= set(several(1, 400, text="p" * 300))
    assert (opened.spool.last, opened.spool.sequence, opened.spool.was_killed) == (400, 1_400, True)
    assert opened.aside is not None
    assert opened.aside.read_bytes()[middle : middle + PAGE] == b"\xa5" * PAGE
    opened.spool.close()


def test_a_spool_of_garbage_is_kept_too(tmp_path: Path) -> None:
    """Nothing of it can be read; the emitter begins, and somebody may still look."""
    (tmp_path / FILE).write_bytes(b"\xa5" * 20_000)
    opened = open_spool(tmp_path, "ecms")
    assert (opened.salvaged, opened.spool.last) == (0, 0)
    assert opened.aside is not None
    assert opened.aside.read_bytes() == b"\xa5" * 20_000
    opened.spool.commit(several(1, 2), 0, None)
    opened.spool.close()


def test_mending_that_was_broken_off_begins_again(tmp_path: Path) -> None:
    """Half of a mended spool is thrown away; a whole one, before it took its place, is taken."""
    half = Spool(tmp_path, "ecms", MENDED)
    half.commit(several(1, 2), 0, None)
    half.close()
    (tmp_path / FILE).write_bytes(b"\xa5" * 20_000)
    opened = open_spool(tmp_path, "ecms")
    assert opened.spool.messages == 0
    opened.spool.close()
    (tmp_path / FILE).unlink()
    whole = Spool(tmp_path, "ecms", MENDED)
    whole.commit(several(1, 2), 0, None)
    whole.close()
    assert read_all(open_spool(tmp_path, "ecms").spool) == several(1, 2)


def test_two_emitters_never_share_a_spool(tmp_path: Path) -> None:
    """Each would send what the other counts."""
    spool = Spool(tmp_path, "ecms")
    with pytest.raises(SpoolInUseError, match="a directory of its own"):
        Spool(tmp_path, "ecms")
    spool.close()
    Spool(tmp_path, "ecms").close()


def test_a_spool_belongs_to_one_source(tmp_path: Path) -> None:
    """What waits would go to a topic where it is nobody's."""
    Spool(tmp_path, "ecms").close()
    with pytest.raises(MisusedError, match="of the source ecms"):
        Spool(tmp_path, "jnet")
    Spool(tmp_path, "ecms").close()


def test_only_its_owner_may_read_a_spool(tmp_path: Path) -> None:
    """It tells who opened what."""
    spool = Spool(tmp_path / "made", "ecms")
    spool.commit(several(1, 1), 0, None)
    rights = {path.name: path.stat().st_mode & 0o777 for path in [tmp_path / "made", *(tmp_path / "made").iterdir()]}
    spool.close()
    assert rights.pop("made") == 0o700
    assert set(rights) >= {FILE, f"{FILE}-wal"}
    assert set(rights.values()) == {0o600}


def test_a_window_is_bounded_in_bytes(tmp_path: Path) -> None:
    """Five hundred of the largest would be 32 MB."""
    spool = Spool(tmp_path, "ecms")
    large = [entry._replace(value=bytes(60_000)) for entry in several(1, 40)]
    spool.commit(large, 0, None)
    window = spool.read(-1, 500)
    assert WINDOW_BYTES <= sum(entry.size for entry in window) < WINDOW_BYTES + 61_000
    assert window == large[: len(window)]
    spool.close()


def test_what_an_outage_took_of_the_disk_is_given_back(tmp_path: Path) -> None:
    """Otherwise a host's disk stays full for good."""
    spool = Spool(tmp_path, "ecms")
    entries = [entry._replace(value=bytes(60_000)) for entry in several(1, 100)]
    for again in range(6):
        spool.commit([entry._replace(number=entry.number + 100 * again) for entry in entries], 0, None)
    spool.commit([], 600, None)
    before = _pages(tmp_path)
    spool.shrink()
    spool.close()
    assert _pages(tmp_path) < 100 < KEPT_PAGES < before


def _pages(directory: Path) -> int:
    return (directory / FILE).stat().st_size // PAGE
