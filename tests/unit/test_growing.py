"""A log that grows and rotates: every line is given at least once, whatever is done to the files and when it ends."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.codec import MESSAGE_MAX
from sinks.cli.growing import PIECE, QUIET_SECONDS, Growing, Place

LONG_AGO = 1_000_000_000


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the log is written."""
    return tmp_path / "access.jsonl"


def write(path: Path, *lines: str, end: str = "\n") -> None:
    """As a program that logs: at the end, and the file is made when it is not there."""
    with path.open("ab") as file:
        file.write(("\n".join(lines) + end).encode())


def read(growing: Growing) -> list[str]:
    """All lines that there are to be read now, each stored."""
    growing.look()
    found = []
    while (batch := growing.next_batch()) is not None:
        found += [line.value.decode() for line in batch.lines]
        growing.stored(batch)
    return found


def again(growing: Growing) -> Growing:
    """Another process, which knows what the first wrote down."""
    places = growing.remembered()
    growing.close()
    return Growing(growing.path, [Place(**place._asdict()) for place in places])


@pytest.fixture
def growing(log: Path) -> Iterator[Growing]:
    """A log with two lines that were read."""
    write(log, "one", "two")
    found = Growing(log, [])
    assert read(found) == ["one", "two"]
    yield found
    found.close()


def test_only_what_is_new_is_given(growing: Growing, log: Path) -> None:
    """In this process and in the next."""
    write(log, "three")
    assert read(growing) == ["three"]
    write(log, "four")
    growing = again(growing)
    assert (read(growing), read(growing)) == (["four"], [])


def test_what_is_held_before_anybody_knows_how_far_it_was_read_goes_on_there(growing: Growing, log: Path) -> None:
    """Files are held while Kafka is away, and only then it is known what it has of them; another has nothing."""
    places = growing.remembered()
    growing.close()
    write(log, "three")
    other = Growing(log, [])
    log.unlink()
    other.look()
    other.resume(places)
    assert (read(other), other.lost) == (["three"], [])
    other.resume([])
    assert read(other) == ["one", "two", "three"]
    other.close()


def test_what_was_let_go_is_read_again_for_another_kafka(growing: Growing, log: Path) -> None:
    """An older file that was read to its end and closed."""
    old = log.parent / "access.jsonl.1"
    log.rename(old)
    os.utime(old, (LONG_AGO, LONG_AGO))
    write(log, "three")
    assert read(growing) == ["three"]
    growing.look()
    assert len(growing.done) == 1
    growing.resume([])
    assert read(growing) == ["one", "two", "three"]


def test_a_half_written_line_waits_for_its_end(growing: Growing, log: Path) -> None:
    """However often somebody looks."""
    write(log, "thr", end="")
    assert (read(growing), growing.unread()) == ([], 3)
    growing = again(growing)
    write(log, "ee", "four")
    assert read(growing) == ["three", "four"]


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize("name", ["access.jsonl.1", "access.jsonl-20260105", "access-20260105.jsonl"])
def test_a_renamed_file_is_read_to_its_end_and_then_the_new_one(
    growing: Growing, log: Path, name: str, is_restarted: bool
) -> None:
    """Also what its writer still writes to it, before it opens the new one."""
    write(log, "three")
    log.rename(log.parent / name)
    write(log, "five")
    write(log.parent / name, "four")
    growing = again(growing) if is_restarted else growing
    assert read(growing) == ["three", "four", "five"]
    write(log.parent / name, "late")
    assert read(again(growing)) == ["late"]


def test_several_rotations_while_nobody_looked_are_caught_up_oldest_first(growing: Growing, log: Path) -> None:
    """By inode for the one that was begun; the others are new."""
    for number, old in enumerate(("three", "four", "five")):
        write(log, old)
        for age in range(number, 0, -1):
            (log.parent / f"access.jsonl.{age}").rename(log.parent / f"access.jsonl.{age + 1}")
        log.rename(log.parent / "access.jsonl.1")
        os.utime(log.parent / "access.jsonl.1", (LONG_AGO + number, LONG_AGO + number))
    write(log, "six")
    growing = again(growing)
    assert read(growing) == ["three", "four", "five", "six"]
    growing.look()
    assert (len(growing.logs), len(growing.done)) == (1, 3)  # those that are quiet are not held open
    assert read(again(growing)) == []


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_copy_goes_on_where_its_original_was(growing: Growing, log: Path, is_restarted: bool) -> None:
    """copytruncate: what was written before the copy is not lost, nor is everything given again."""
    write(log, "three")
    shutil.copy(log, log.parent / "access.jsonl.1")
    os.truncate(log, 0)
    write(log, "four")
    growing = again(growing) if is_restarted else growing
    assert read(growing) == ["three", "four"]


@pytest.mark.parametrize("lines", [["x"], ["a whole new file", "that is longer than before"], ["on", "two"]])
def test_a_truncated_file_begins_anew(growing: Growing, log: Path, lines: list[str]) -> None:
    """Whether it is shorter now, longer, or as long as it was."""
    os.truncate(log, 0)
    write(log, *lines)
    os.utime(log, (LONG_AGO, LONG_AGO))
    assert read(growing) == lines
    write(log, "and more")
    assert read(growing) == ["and more"]


def test_an_inode_that_was_given_to_another_file_says_nothing(growing: Growing, log: Path) -> None:
    """A restart finds the inode it knows, with other content."""
    (place,) = growing.remembered()
    growing.close()
    other = log.parent / "other"
    write(other, "another file", "altogether")
    other.replace(log)
    assert read(Growing(log, [place._replace(inode=log.stat().st_ino)])) == ["another file", "altogether"]


def test_a_file_that_is_deleted_while_it_is_read_is_read_to_its_end(growing: Growing, log: Path) -> None:
    """It is held open; only then it is let go of."""
    write(log, "three")
    log.unlink()
    write(log, "four")
    assert read(growing) == ["three", "four"]
    (gone,) = [held for held in growing.logs.values() if not held.is_current]
    os.utime(gone.descriptor, (LONG_AGO, LONG_AGO))
    assert read(growing) == []
    growing.look()
    assert [held.is_current for held in growing.logs.values()] == [True]


def test_what_was_deleted_while_nobody_held_it_is_said(growing: Growing, log: Path) -> None:
    """Nobody knows what stood in it; whoever compressed it does."""
    places = growing.remembered()
    growing.close()
    log.unlink()
    write(log, "new")
    growing = Growing(log, places)
    assert (["send it by itself" in words for words in growing.lost], read(growing)) == ([True], ["new"])


def test_what_was_unread_in_a_file_that_is_deleted_is_said_after_a_restart(growing: Growing, log: Path) -> None:
    """Held open it would have been read; a kill lets go of it."""
    write(log, "three")
    log.rename(log.parent / "access.jsonl.1")
    write(log, "four")
    growing.look()
    (log.parent / "access.jsonl.1").unlink()
    places = growing.remembered()
    growing.close()
    growing = Growing(log, places)
    assert (len(growing.lost), read(growing)) == (1, ["four"])


def test_an_older_file_that_cannot_be_opened_stops_nothing(
    growing: Growing, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said once, and sent when it can be."""
    write(log.parent / "access.jsonl.7", "old")
    write(log, "three")

    def refuse(path: str, *rest: int) -> int:
        if path.endswith(".7"):
            raise PermissionError(13, "Permission denied")
        return there(path, *rest)

    there = os.open
    monkeypatch.setattr(os, "open", refuse)
    assert (read(growing), read(growing)) == (["three"], [])
    assert [words.partition(": ")[2][:17] for words in growing.lost] == ["Permission denied"]
    monkeypatch.undo()
    assert read(growing) == ["old"]


def test_a_file_that_is_renamed_while_somebody_looks_is_not_read_again(
    growing: Growing, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listed under a name that it has not any more: it is nowhere for a moment."""
    older = log.parent / "access.jsonl.1"
    log.rename(older)
    os.utime(older, (LONG_AGO, LONG_AGO))
    assert read(growing) == []
    growing.look()
    assert len(growing.done) == 1
    monkeypatch.setattr(os, "listdir", lambda _: ["access.jsonl.9"])
    growing.look()
    monkeypatch.undo()
    assert growing.done == {}
    assert read(growing) == []


def test_the_last_line_of_a_file_that_nobody_writes_to_is_given_without_an_end(growing: Growing, log: Path) -> None:
    """A writer that was killed will not end it. The file that is being written to waits, however long."""
    write(log, "thr", end="")
    os.utime(log, (LONG_AGO, LONG_AGO))
    assert read(growing) == []
    log.rename(log.parent / "access.jsonl.1")
    assert read(growing) == ["thr"]
    assert QUIET_SECONDS > 0


@pytest.mark.parametrize("size", [MESSAGE_MAX + 5, PIECE * 3 + 7])
def test_a_line_that_is_too_long_is_cut_and_the_next_is_the_next(growing: Growing, log: Path, size: int) -> None:
    """Its beginning is refused by the judge for its size; its rest is no line, also after a restart inside it."""
    write(log, "x" * size, "three")
    growing.look()
    batch = growing.next_batch()
    assert batch is not None
    assert len(batch.lines[0].value) == MESSAGE_MAX + 1
    growing.stored(batch)
    rest = [line.value.decode() for line in batch.lines[1:]]
    assert rest + read(again(growing)) == ["three"]


def test_a_hole_before_the_lines_is_no_line(growing: Growing, log: Path) -> None:
    """What a writer leaves that was truncated and goes on where it was. A hole at the end may be filled yet."""
    with log.open("r+b") as file:
        file.truncate(0)
        file.seek(PIECE * 2 + 5)
        file.write(b"three\n")
        file.truncate(PIECE * 5)
    assert read(growing) == ["three"]
    with log.open("r+b") as file:
        file.seek(PIECE * 2 + 11)
        file.write(b"four\n")
    assert read(growing) == ["four"]


def test_other_files_beside_it_are_left_alone(growing: Growing, log: Path) -> None:
    """Compressed ones, copies of editors, and other logs."""
    for name in ("access.jsonl.1.gz", "access.jsonl.bak", "access.jsonl~", "other.jsonl", "access.jsonl.swp", "x.1"):
        write(log.parent / name, "not ours")
    (log.parent / "access.jsonl.2").mkdir()
    assert read(growing) == []


ACTS = st.lists(
    st.sampled_from(["write", "half", "rename", "copytruncate", "look", "take", "remember", "kill"]), max_size=60
)


@settings(max_examples=150)
@given(ACTS)
@example(["write", "take", "copytruncate", "write", "rename", "write"])  # truncated, and as long again
def test_every_line_is_given_at_least_once_and_in_order(acts: list[str]) -> None:
    """Any order of writing, rotating, reading, remembering and dying; nothing that was not written is given."""
    with TemporaryDirectory() as directory:
        log = Path(directory) / "access.jsonl"
        written, given_out, rotations = list[str](), list[str](), 0
        kept: list[Place] = []
        growing = Growing(log, kept)
        for act in [*acts, "finish", "kill", "drain"]:
            if act in ("write", "half"):
                written.append(f"line {len(written)}")
                write(log, written[-1][:4], end="") if act == "half" else None
                write(log, written[-1][4:] if act == "half" else written[-1])
            elif act == "rename" and log.exists():
                rotations += 1
                log.rename(log.parent / f"access.jsonl.{rotations}")
                os.utime(log.parent / f"access.jsonl.{rotations}", (LONG_AGO + rotations, LONG_AGO + rotations))
            elif act == "copytruncate" and log.exists():
                rotations += 1
                shutil.copy(log, log.parent / f"access.jsonl.{rotations}")
                os.utime(log.parent / f"access.jsonl.{rotations}", (LONG_AGO + rotations, LONG_AGO + rotations))
                os.truncate(log, 0)
            elif act == "look":
                growing.look()
            elif act in ("take", "finish", "drain"):
                given_out += read(growing)
            elif act == "remember":
                kept = growing.remembered()
            elif act == "kill":
                growing.close()
                growing = Growing(log, kept)
        growing.close()
    assert set(given_out) == set(written)
    firsts = list(dict.fromkeys(given_out))
    assert firsts == written, acts
