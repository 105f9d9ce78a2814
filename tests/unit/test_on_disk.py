"""A file on disk, gone through twice: flat memory, and what is sent is what was checked."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from schemas.codec import MESSAGE_MAX
from schemas.errors import RejectedInputError
from sinks.cli.layouts import HELD_MAX, LAYOUTS, native_messages
from sinks.cli.on_disk import in_turn, on_disk
from sinks.cli.outgoing import access_lines
from sinks.cli.send import is_native
from streams.sources.clean_file import WAITING_BYTES_MAX, Told, cut_file
from streams.sources.clean_lines import LINE_MAX
from tests.contract.examples import ACCESS

GOLDEN = Path(__file__).parent / "golden"


def test_every_pass_gives_the_same_lines(tmp_path: Path) -> None:
    """Also when the file was renamed and another has its name."""
    (tmp_path / "log").write_bytes(b"a\nbc\n\nd")
    with on_disk(str(tmp_path / "log")) as held:
        first = list(held.lines())
        (tmp_path / "log").rename(tmp_path / "log.1")
        (tmp_path / "log").write_bytes(b"other\n")
        assert list(held.lines()) == first == [b"a\n", b"bc\n", b"\n", b"d"]
        assert (held.done, held.size) == (7, 7)


def test_what_is_appended_meanwhile_is_not_sent_unchecked(tmp_path: Path) -> None:
    """It is for the next time."""
    (tmp_path / "log").write_bytes(b"a\n")
    with on_disk(str(tmp_path / "log")) as held:
        assert list(held.lines()) == [b"a\n"]
        with (tmp_path / "log").open("ab") as more:
            more.write(b"b\n")
        assert list(held.lines()) == [b"a\n"]


@pytest.mark.parametrize(
    "change", [lambda path: path.write_bytes(b"a\nX\n"), lambda path: os.truncate(path, 2)], ids=["written", "cut"]
)
def test_a_file_that_is_changed_between_the_passes_is_said_to_be(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    """Whoever counts on the check must know that it is void."""
    (tmp_path / "log").write_bytes(b"a\nb\n")
    with on_disk(str(tmp_path / "log")) as held:
        list(held.lines())
        change(tmp_path / "log")
        with pytest.raises(RejectedInputError, match="changed while it was being sent"):
            list(held.lines())


def test_standard_input_can_be_gone_through_twice_too() -> None:
    """A pipe gives its bytes once."""
    program = (
        "from sinks.cli.on_disk import in_turn, on_disk\n"
        "with on_disk('-') as held: print([list(held.lines()) for _ in range(2)])"
    )
    done = subprocess.run([sys.executable, "-c", program], input=b"a\nb", capture_output=True, timeout=60, check=True)
    assert done.stdout.decode().strip() == str([[b"a\n", b"b"]] * 2)


def test_files_in_turn_are_one_and_each_line_is_named_by_its_file(tmp_path: Path) -> None:
    """Twice, as whoever sends them goes through them."""
    paths = [str(tmp_path / name) for name in ("a", "b", "c")]
    for path, raw in zip(paths, (b"1\n2\n", b"", b"3\n4\n"), strict=True):
        Path(path).write_bytes(raw)
    with in_turn(paths) as held:
        assert (held.size, held.done) == (8, 0)
        for _ in range(2):
            found = []
            for number, line in enumerate(held.lines(), start=1):
                fault = held.named(RejectedInputError(f"line {number}: NUM", "is wrong"))
                found.append((line, fault.place))
            assert found == [
                (b"1\n", f"{paths[0]}, line 1: NUM"),
                (b"2\n", f"{paths[0]}, line 2: NUM"),
                (b"3\n", f"{paths[2]}, line 1: NUM"),
                (b"4\n", f"{paths[2]}, line 2: NUM"),
            ]
            assert held.named(RejectedInputError("line 2", "is wrong")).place == f"{paths[0]}, line 2"
        assert held.done == 8
        assert held.named(RejectedInputError("file", "is empty")).place == "file"
        Path(paths[1]).write_bytes(b"9\n")
        assert [line for line in held.lines() if line == b"9\n"] == []  # it was not there when it was checked
    with in_turn(paths[:1]) as held:
        assert list(held.lines())
        assert held.named(RejectedInputError("line 2", "is wrong")).place == "line 2"


def test_a_line_without_end_fills_no_memory(tmp_path: Path) -> None:
    """Of what is longer than any message only the beginning is looked at, and the next line is the next."""
    (tmp_path / "log").write_bytes(b"x" * 9_000_000 + b"\n" + ACCESS)
    with on_disk(str(tmp_path / "log")) as held:
        long, line = held.lines()
    assert (MESSAGE_MAX < len(long) < MESSAGE_MAX + 9, line) == (True, ACCESS)


def many(source: str, megabytes: int, path: Path) -> None:
    """A file of a system that is about so large."""
    facts = (GOLDEN / "facts" / "night.txt").read_bytes().splitlines(keepends=True)
    row = {
        "facts": lambda _: facts[1],
        "clean": lambda n: b"TYP=REQ|NUM=%010d|TIM=2026-01-05 08:14:03.12|OPR=J%s\n" % (n, b"X" * 900),
        "ecms": lambda n: b"<110>1 2026-01-05T14:14:03.120Z a b c ACCESS - %d %s\n" % (n, b"x" * 900),
        "jnet": lambda n: ACCESS.replace(b"000123", b"%06d" % n).replace(b'"ecms"', b'"jnet"') + b" " * 700 + b"\n",
    }[source]
    with path.open("wb") as file:
        file.write(facts[0] if source == "facts" else b"")
        for number in range((10_000 if source == "facts" else 1_000) * megabytes):
            file.write(row(number))


@pytest.mark.parametrize("source", ["facts", "clean", "ecms", "jnet"])
def test_a_large_file_takes_no_more_memory_than_a_small_one(tmp_path: Path, source: str) -> None:
    """Canonical JSON, and what systems write in lines."""
    many(source, 16 if source == "clean" else 4, tmp_path / "large.log")
    cut = native_messages if is_native("large.log", source) else access_lines
    with on_disk(str(tmp_path / "large.log")) as held:
        tracemalloc.start()
        try:
            with suppress(RejectedInputError):  # at the end: the night of FACTS has no trailer
                deque(cut(held.lines(), source), maxlen=0)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert held.done == held.size
    size = (tmp_path / "large.log").stat().st_size
    waiting = 10_000 * 1_300 if source == "clean" else 0  # requests that wait for responses, which never come
    assert peak - waiting < 2_500_000 < size, (peak, size)


def test_requests_that_wait_take_no_more_than_their_bytes() -> None:
    """Ten thousand of the longest would be 640 MB: those that wait longest go alone before."""
    long = b"x" * (LINE_MAX - 30)
    lines = (b"TYP=REQ|NUM=%010d|%s\n" % (n, long) for n in range(WAITING_BYTES_MAX // LINE_MAX + 99))
    sent = cut_file(lines, Told(lambda _: None))
    assert next(sent).message_id == "clean-0000000000"
    assert len(list(lines)) > 80  # it was not read to its end before


@pytest.mark.parametrize("source", ["irss", "paper"])
def test_a_file_whose_rows_go_over_lines_is_small_enough_to_be_held(source: str) -> None:
    """Or refused, before it fills memory."""
    lines = iter([b"x" * 65_000 + b"\n"] * (HELD_MAX // 65_000 + 99))
    with pytest.raises(RejectedInputError, match="export fewer days"):
        list(native_messages(lines, source))
    assert len(list(lines)) > 90
    assert source in LAYOUTS
