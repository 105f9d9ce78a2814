"""What an emitter gives as numbers after its spool was damaged, emptied or taken away: none twice, and a gap."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from schemas.emit import Emitter
from schemas.emit import numbers as numbers_module
from schemas.emit.mending import open_spool
from schemas.emit.numbers import AHEAD, Numbers
from schemas.emit.spool import FILE, Spool
from tests.harness.emitting import fields
from tests.unit.test_emit_spool import PAGE, killed_copy, read_all, several

NOBODY = "127.0.0.1:1"
GARBAGE = b"\xa5"


def counted(spool: Path, *, count: int = 3, number_from: int | None = 1) -> list[int | None]:
    """The numbers of so many accesses, which one emitter more puts on the disk there."""
    one = Emitter("ecms", NOBODY, spool, number_from=number_from)
    for number in range(count):
        assert one.emit(**{**fields(number), "event_id": f"e-{os.urandom(6).hex()}"})
    assert one.flush(60)
    one.close(0)
    opened = Spool(spool, "ecms")
    found = [entry.sequence for entry in read_all(opened)][-count:]
    opened.close()
    return found


@pytest.mark.parametrize("size", [100, PAGE])
@pytest.mark.parametrize("is_killed", [False, True])
def test_a_spool_with_a_damaged_head_is_read_all_the_same(tmp_path: Path, size: int, is_killed: bool) -> None:
    """Its first page says only what is the same in each of them: all that waits is sent, and the count goes on."""
    spool = Spool(tmp_path / "spool", "ecms")
    spool.commit(several(1, 400, text="p" * 300), 0, 1_400)
    spool.close()
    spool = Spool(tmp_path / "spool", "ecms")
    spool.commit(several(401, 3), 7, 1_405)
    copy = killed_copy(tmp_path / "spool", tmp_path / "copy")
    spool.close()
    damaged = copy if is_killed else tmp_path / "spool"
    with (damaged / FILE).open("r+b") as file:
        file.write(GARBAGE * size)
    opened = open_spool(damaged, "ecms")
    assert read_all(opened.spool) == [*several(8, 393, text="p" * 300), *several(401, 3)]
    assert (opened.spool.last, opened.spool.sequence, opened.spool.was_killed) == (403, 1_405, True)
    opened.spool.close()
    assert (opened.aside is None) == is_killed  # whose log has that page as well, and SQLite mends it by itself
    assert opened.aside is None or opened.aside.read_bytes().startswith(GARBAGE * size)
    assert {file.stat().st_mode & 0o077 for file in damaged.iterdir()} == {0}


@pytest.mark.parametrize("what", ["garbage", "emptied", "gone"])
def test_a_spool_that_tells_nothing_gives_no_number_twice(tmp_path: Path, what: str) -> None:
    """Not even where nothing of it is left; one number is left out, since something may be missing."""
    assert counted(tmp_path) == [1, 2, 3]
    file = tmp_path / FILE
    if what == "gone":
        file.unlink()
    else:
        file.write_bytes(GARBAGE * 20_000 if what == "garbage" else b"")
    assert counted(tmp_path) == [5, 6, 7]
    assert counted(tmp_path) == [8, 9, 10]


def test_after_a_crash_as_well_the_numbers_go_on_behind_all_that_were_given(tmp_path: Path) -> None:
    """How many there were nobody can say then, but that there were no more than this."""
    assert counted(tmp_path / "spool") == [1, 2, 3]
    one = Emitter("ecms", NOBODY, tmp_path / "spool", number_from=1)
    assert one.emit(**fields(7))
    assert one.flush(60)
    copy = Path(shutil.copytree(tmp_path / "spool", tmp_path / "copy"))
    one.close(0)
    for file in copy.glob(f"{FILE}*"):
        file.write_bytes(GARBAGE * 20_000)
    assert counted(copy) == [AHEAD + 6, AHEAD + 7, AHEAD + 8]


def test_an_emitter_that_gives_no_numbers_keeps_none(tmp_path: Path) -> None:
    """Its host counts, and may leap."""
    assert counted(tmp_path, number_from=None) == [None] * 3
    assert not (tmp_path / numbers_module.FILE).exists()


def test_the_file_is_written_once_in_a_thousand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs a sync of the disk."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    numbers = Numbers(tmp_path)
    for number in range(1, 3_000):
        numbers.cover(number)
        assert (Numbers(tmp_path).read() or 0) >= number
    assert len(synced) <= 2 * 3
    numbers.settle(2_999)
    assert Numbers(tmp_path).read() == 2_999


def test_what_is_taken_is_kept_also_where_that_file_cannot_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said, once; nobody is refused for it."""
    (tmp_path / f"{numbers_module.FILE}.new").mkdir()
    assert counted(tmp_path) == [1, 2, 3]
    assert [r.getMessage() for r in caplog.records if "how far was counted" in r.getMessage()] == [
        "how far was counted cannot be written beside the spool: IsADirectoryError"
    ]


@pytest.mark.parametrize("text", ["", "17", "17 00000000", "x y", "17 \xff"])
def test_a_file_that_is_damaged_itself_says_nothing(tmp_path: Path, text: str) -> None:
    """Rather than something wrong."""
    Numbers(tmp_path).cover(16)
    assert Numbers(tmp_path).read() == 16 + AHEAD
    (tmp_path / numbers_module.FILE).write_text(text, encoding="latin-1")
    assert Numbers(tmp_path).read() is None
