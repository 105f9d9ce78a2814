"""The keeper: from the hand to the disk, through a disk that is full or damaged."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from schemas.emit.core import wait
from schemas.emit.hand import Hand
from schemas.emit.keeper import Keeper
from schemas.emit.limits import Limits
from schemas.emit.mending import Opened, open_spool
from schemas.emit.message import Waiting
from schemas.emit.sender import pause
from schemas.emit.settings import Settings
from schemas.emit.spool import FILE, Spool
from tests.faults.harness import until
from tests.unit.test_emit_fields import fields
from tests.unit.test_emit_spool import PAGE, several

SECONDS = 30.0


@dataclass
class Kept:
    """A keeper and its hand."""

    keeper: Keeper
    hand: Hand

    def emit(self, count: int) -> int:
        """So many, of which so many were taken."""
        taken = sum(self.hand.put(None, fields(event_id=f"e-{n}", purpose={"text": "p" * 300})) for n in range(count))
        self.keeper.wake()
        return taken

    def is_written(self, seconds: float = SECONDS) -> bool:
        """Whether all that was emitted is on the disk."""
        return wait(self.keeper.promise(self.hand.last, is_stored=False), seconds)

    def window(self) -> list[Waiting]:
        """What would be sent next."""
        return self.keeper.read()


def keep(directory: Path, *, limits: Limits | None = None, opened: Opened | None = None) -> Kept:
    """One that gives numbers from 1."""
    settings = Settings(
        source="ecms", bootstrap="127.0.0.1:1", spool=directory, number_from=1, limits=limits or Limits()
    )
    opened = opened or open_spool(directory, "ecms")
    hand = Hand("ecms", settings.limits, opened.spool.last, opened.spool.sequence, settings.number_from)
    keeper = Keeper(settings, opened, hand)
    keeper.start()
    return Kept(keeper, hand)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """A keeper of a new spool."""
    one = keep(tmp_path)
    yield one
    one.keeper.end(SECONDS)


def test_a_full_disk_loses_nothing(kept: Kept) -> None:
    """What cannot be written stays in memory, bounded; it is said, tried again, and written when there is room."""
    kept.emit(5)
    assert kept.is_written()
    database = kept.keeper.spool.handle
    [(pages,)] = database.execute("PRAGMA page_count").fetchall()
    database.execute(f"PRAGMA max_page_count = {pages + 2}").fetchall()
    assert kept.emit(100) == 100
    until(lambda: kept.keeper.trouble, "no word of a full disk")
    assert kept.keeper.trouble == "the spool cannot be written: SQLITE_FULL"
    assert kept.hand.held()[0] == 100
    assert [entry.event_id for entry in kept.window()] == [f"e-{n}" for n in range(5)]
    database.execute("PRAGMA max_page_count = 1000000").fetchall()
    assert kept.is_written()
    until(lambda: kept.keeper.trouble is None, "trouble that is over")
    assert [entry.sequence for entry in kept.window()] == list(range(1, 106))


def test_damage_that_is_found_while_it_runs_is_mended(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody has to restart a host for it: what can be read is sent, what is emitted meanwhile is kept."""
    spool = Spool(tmp_path, "ecms")
    spool.commit(several(1, 400, text="p" * 300), 0, 1_400)
    spool.close()
    whole = bytearray((tmp_path / FILE).read_bytes())
    middle = len(whole) // 2 // PAGE * PAGE
    whole[middle : middle + PAGE] = b"\xa5" * PAGE
    (tmp_path / FILE).write_bytes(whole)
    kept = keep(tmp_path)
    sent: list[Waiting] = []

    def send() -> bool:
        try:
            while window := kept.window():
                sent.extend(window)
                kept.keeper.took(window)
        except Exception:
            return False  # tried again, as the sender does
        return True

    kept.emit(3)
    until(send, "the spool cannot be read")
    assert kept.is_written()
    until(send, "the spool cannot be read")
    kept.keeper.end(SECONDS)
    assert (kept.keeper.set_aside, kept.keeper.salvaged) == (1, len(sent) - 3)
    assert 380 <= kept.keeper.salvaged < 400
    assert [entry.event_id for entry in sent[-3:]] == ["e-0", "e-1", "e-2"]
    assert [entry.number for entry in sent] == sorted({entry.number for entry in sent})
    assert sent[-3].sequence == 1_401
    assert kept.hand.sequence == 1_404  # one left out, where something is missing
    assert kept.hand.on_disk == (0, 0)
    assert "was damaged" in caplog.text


def test_a_refusal_is_told_once_a_while(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With their number, and not a line each: a full disk must not be filled further."""
    caplog.set_level(logging.ERROR, "needtoknow.emit")
    kept = keep(tmp_path, limits=Limits(spool_messages=10))
    assert kept.emit(50) == 10
    until(lambda: caplog.records, "no word of it")
    kept.emit(50)
    assert kept.is_written()
    kept.keeper.end(SECONDS)
    [record] = [record for record in caplog.records if "refused" in record.getMessage()]
    assert record.getMessage().startswith("no room: 40 accesses were refused")


def test_a_heartbeat_calls_nothing_missing_that_still_waits(kept: Kept) -> None:
    """It counts up to the first that waits, or to the last number given: also one of which nothing came."""
    assert kept.keeper.counted_through() is None
    kept.emit(4)
    assert kept.is_written()
    assert kept.keeper.counted_through() is None
    window = kept.window()
    kept.keeper.took(window[:2])
    assert kept.keeper.counted_through() == 2
    kept.hand.skip_one()
    kept.keeper.took(window[2:])
    assert kept.keeper.counted_through() == 5


def test_numbers_of_what_was_never_taken_are_remembered(tmp_path: Path) -> None:
    """Also when nothing else is written: the next emitter must not give them again."""
    kept = keep(tmp_path, limits=Limits(spool_messages=1))
    kept.emit(3)
    assert kept.is_written()
    kept.keeper.end(SECONDS)
    spool = Spool(tmp_path, "ecms")
    assert (spool.sequence, spool.messages, spool.was_killed) == (3, 1, False)
    spool.close()


def test_what_is_emitted_just_before_the_end_is_written(tmp_path: Path) -> None:
    """The keeper ends behind it, however it is woken."""
    for _ in range(10):
        kept = keep(tmp_path)
        before = kept.keeper.spool.messages
        kept.emit(7)
        kept.keeper.end(SECONDS)
        spool = Spool(tmp_path, "ecms")
        assert (spool.messages, spool.was_killed) == (before + 7, False)
        spool.close()


def test_a_disk_that_hangs_does_not_hang_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said what is left; and once the disk goes on, all is written and closed after all."""
    goes_on, commit = threading.Event(), Spool.commit

    def hang(spool: Spool, entries: Sequence[Waiting], through: int, sequence: int | None) -> None:
        goes_on.wait(SECONDS)
        commit(spool, entries, through, sequence)

    monkeypatch.setattr(Spool, "commit", hang)
    kept = keep(tmp_path)
    kept.emit(7)
    kept.keeper.end(0.1)
    assert not kept.keeper.has_ended
    assert "the disk hangs: 7 accesses" in caplog.text
    goes_on.set()
    kept.keeper.end(SECONDS)
    assert kept.keeper.has_ended
    spool = Spool(tmp_path, "ecms")
    assert (spool.messages, spool.was_killed) == (7, False)
    spool.close()


def test_pauses_grow_and_are_bounded() -> None:
    """Seconds at first, half a minute at the most, and not all emitters at once."""
    assert [pause(n, 1.0) for n in (1, 2, 3)] == [0.2, 0.4, 0.8]
    assert pause(10_000, 1.0) == 30.0
    assert pause(10_000, 0.0) == 15.0
