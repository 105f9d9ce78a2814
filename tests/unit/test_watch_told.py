"""What is told of the sources: by JSON to whoever asks, in columns to people, in words to the console's page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from orjson import dumps

from schemas.settings import Settings
from schemas.topics import SOURCES
from sinks.cli.source_lines import source_lines, span
from sinks.watch.asking import ask, read
from sinks.watch.files import ShortFile
from sinks.watch.numbers import Gap
from sinks.watch.report import Asked, SourceReport, report_of, spelled, troubles

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_767_600_000_000
BAD = SourceReport(
    name="ecms",
    heard_at=NOW - 12_000,
    compared_at=NOW - 2_000,
    missing=12_004,
    gaps=[Gap(4, 4, NOW - 90_000), Gap(9, 12_011, NOW - 80_000)],
    oldest_at=NOW - 90_000,
    short=4,
    files=(ShortFile("000411", None), ShortFile("000412", 1_003), ShortFile("000413", 2), ShortFile("000414", 1)),
    silent_ms=30_000,
    overdue_ms=7_200_000,
    clock_off_ms=-3_600_000,
    clock_allowed_ms=5_000,
)
WELL = SourceReport(name="irss", heard_at=NOW - 3_600_000, clock_off_ms=400, clock_allowed_ms=5_000)


def answer(*reports: SourceReport, **changed: object) -> bytes:
    """What a watch answers."""
    told = {"ledger": "ledger.v1", "not_ready": None, "sources": [one.document() for one in reports]}
    return dumps({**told, **changed})


def test_what_is_told_is_read_as_it_was() -> None:
    """By `status` and the console."""
    assert report_of(BAD.document()) == BAD
    assert read(answer(BAD, WELL), "ledger.v1") == Asked((BAD, report_of(WELL.document())))
    assert (BAD.is_good, WELL.is_good) == (False, True)


def test_people_see_what_is_wrong_and_nothing_else() -> None:
    """A line a source."""
    never = SourceReport(name="paper")
    assert source_lines(Asked((BAD, WELL, never)), NOW) == [
        "source  last heard  missing             " + "short files".ljust(67) + "  silent   overdue  clock",
        "ecms    12 s ago    12,004: 4, 9-12011  4: 000411 has no end, 000412 by 1,003, 000413 by 2 and 1 more files"
        "  by 30 s  by 2 h   1 h behind",
        "irss    1 h ago     -                   " + "-".ljust(67) + "  -        -        -",
        "paper   never       -                   " + "-".ljust(67) + "  -        -        -",
        "not well: 12,004 accesses of ecms are missing (deploy/runbooks/MissingAccess.md)",
        "not well: 4 files of ecms are short (deploy/runbooks/ShortFile.md)",
        "not well: ecms is silent past its promise (deploy/runbooks/SourceUnheard.md)",
        "not well: ecms is overdue (deploy/runbooks/SourceOverdue.md)",
        "not well: the clock of ecms is off (deploy/runbooks/SourceClockOff.md)",
    ]


def test_each_trouble_has_a_runbook() -> None:
    """Where whoever reads it is sent."""
    unseen = replace(BAD, is_seen=False)
    assert len(troubles(unseen)) == 6
    assert all((ROOT / "deploy" / "runbooks" / f"{page}.md").is_file() for _, page in troubles(unseen))


def test_a_source_that_cannot_be_seen_is_not_well() -> None:
    """Nothing is known of it: that is told, and read by who asks."""
    unseen = SourceReport(name="kiosk", is_seen=False, gaps=[])
    assert report_of(unseen.document()) == unseen
    assert not unseen.is_good
    assert source_lines(Asked((unseen,)), NOW)[1].startswith("kiosk   topic cannot be read  -")
    assert troubles(unseen) == (("the topic of kiosk cannot be read", "WatchBehind"),)


def test_the_console_says_it_in_words() -> None:
    """Each thing that is wrong."""
    assert troubles(WELL) == ()
    assert tuple(words for words, _ in troubles(BAD)) == (
        "12,004 accesses of ecms are missing",
        "4 files of ecms are short",
        "ecms is silent past its promise",
        "ecms is overdue",
        "the clock of ecms is off",
    )


@pytest.mark.parametrize(
    ("body", "why_not"),
    [
        (answer(BAD, ledger="t1-ledger.v1"), "what watches there watches t1-ledger.v1, not ledger.v1"),
        (answer(not_ready="the ledger is not read"), "what watches them is not ready: the ledger is not read"),
    ],
)
def test_what_cannot_be_believed_is_not(body: bytes, why_not: str) -> None:
    """Of another installation, or not up to date: nobody is told that all is well."""
    assert read(body, "ledger.v1") == Asked(why_not=why_not)
    assert source_lines(Asked(why_not=why_not), NOW) == [f"sources: not known, {why_not}"]


def test_a_watch_that_has_not_all_sources_is_not_believed() -> None:
    """It was started before one was registered: of that one nobody knows anything, and all others look well."""
    asked = read(answer(WELL), "ledger.v1", ["irss", "kiosk"])
    assert asked.why_not == "what watches there has not kiosk in its registry"
    assert (asked.is_good, asked.is_required, len(asked.reports)) == (None, True, 1)
    lines = source_lines(asked, NOW)
    assert (len(lines), lines[-1]) == (3, f"sources: not known, {asked.why_not}")
    assert read(answer(BAD), "ledger.v1", ["ecms", "kiosk"]).is_good is False
    assert read(answer(WELL, BAD), "ledger.v1", ["irss"]).why_not is None  # it knows more than who asks


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"{}", b"7", answer(sources=[{"source": "ecms"}]), answer(sources=7)]
)
def test_what_answers_something_else_is_no_watch(body: bytes) -> None:
    """A wrong address is said, not shown."""
    with pytest.raises(ValueError, match=r"."):
        read(body, "ledger.v1")


async def test_that_nobody_watches_is_an_answer() -> None:
    """`status` goes on without it."""
    asked = await ask(Settings(watch_url="http://127.0.0.1:1"))
    assert asked.why_not == "nothing watches them at http://127.0.0.1:1; start it: needtoknow watch"
    assert (asked.reports, asked.is_good, asked.is_required) == ((), None, True)


async def test_whoever_said_nothing_of_a_watch_need_not_have_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default address is a guess, by a variable or an argument it is somebody's word."""
    monkeypatch.delenv("NTK_WATCH_URL", raising=False)
    assert not (await ask(Settings())).is_required
    monkeypatch.setenv("NTK_WATCH_URL", "http://127.0.0.1:1")
    assert (await ask(Settings())).is_required


def test_many_ranges_are_cut_short() -> None:
    """The rest is in the log and in JSON."""
    gaps = [Gap(n, n, NOW) for n in range(1, 9, 2)]
    assert spelled(gaps, 2) == "1, 3 and 2 more ranges"


@pytest.mark.parametrize(("ms", "words"), [(0, "0 ms"), (999, "999 ms"), (61_000, "1 min"), (90_000_000, "1 d")])
def test_a_span_is_told_in_its_largest_unit(ms: int, words: str) -> None:
    """Nobody reads 90,000 s."""
    assert span(ms) == words


def test_no_source_is_left_out() -> None:
    """A line of a table that is not there looks like nothing wrong."""
    reports = tuple(SourceReport(name=name) for name in SOURCES)
    assert len(source_lines(Asked(reports), NOW)) == 1 + len(SOURCES)
