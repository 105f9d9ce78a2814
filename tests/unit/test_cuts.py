"""From a judged batch to its cut: every message and every access in exactly one count (promise 3)."""

from __future__ import annotations

import pytest

from schemas.codec import encode
from schemas.fact import Fact
from schemas.heartbeat import Heartbeat
from schemas.ledger import Cut, MessageCounts, verdict_digest
from schemas.topics import FACTS_LINE, HEARTBEAT
from streams.agents.cuts import cut_of, ranges, settlement_cut
from streams.join.open import OpenAccess, Partition
from streams.join.question import question_of
from streams.policy.judged import JudgedBatch
from streams.sources import Translated
from tests.harness.builders import account, assignment, at, make_access, membership
from tests.harness.facts_file import audit_access, facts_file
from tests.harness.judging import APPENDED, PARTITION, Message, judging, messages
from tests.harness.verdicts import COMPLETE, JDOE

BEAT = (("content-type", HEARTBEAT.encode()),)
MINE = assignment("w028")
OTHERS = assignment("w031", "case:c0099")
LATE = assignment("w028", "case:c0077", recorded_at="18:00")


def cut(*values: object, facts: tuple[Fact, ...] = (JDOE, MINE, OTHERS, LATE), marks: dict[str, int] = COMPLETE) -> Cut:
    """The cut of one batch of these messages, from offset 960 on."""
    judged = judging(*facts, marks=marks).batch(PARTITION, "ecms", messages(*values))  # type: ignore[arg-type] # bytes or accesses
    return cut_of(judged, reconciled=300, source="ecms", policy_hash="hash7", run="run-1")


def test_a_cut_counts_every_message_and_every_access_once() -> None:
    """Explained, late, unexplained, unresolved and a dead letter, each in its place."""
    found = cut(
        make_access(event_id="e1", sequence=1),
        make_access(event_id="e2", sequence=2, name="case:c0077"),
        b"{nonsense",
        make_access(event_id="e3", sequence=3, name="case:c0099"),
        make_access(event_id="e4", sequence=4, actor="ghost7"),
        make_access(event_id="e5", sequence=5),
    )
    assert found.messages == MessageCounts(translated=5, control=0, dead_letters=1)
    assert found.accesses == {"explained": 2, "late": 1, "unexplained": 1, "unresolved": 1}
    assert found.digest == verdict_digest("eldune")
    assert found.sequences == {"ecms": [(1, 5)]}


def test_a_cut_says_where_and_on_what_it_was_judged() -> None:
    """Offsets, position, marks, policy and run, so that anybody can derive it again."""
    found = cut(make_access(), make_access(event_id="e2"))
    assert (found.topic, found.partition, found.first_offset, found.next_offset) == ("access.ecms.v1", 2, 960, 962)
    assert (found.position, found.marks, found.policy, found.run) == (4, COMPLETE, "hash7", "run-1")
    assert (found.previous, found.settled, found.reconciled) == (None, None, 300)


def test_a_cut_says_what_its_source_says_it_has_given() -> None:
    """The highest number of the heartbeats in it, so that the last message before a silence can be missed."""
    beats = [
        Message(960 + n, encode(Heartbeat(source="ecms", at=APPENDED, sequence=given)), headers=BEAT)
        for n, given in enumerate((41, 43, None, 42))
    ]
    judged = judging(JDOE, MINE).batch(PARTITION, "ecms", beats)
    found = cut_of(judged, reconciled=300, source="ecms", policy_hash="hash7", run="run-1")
    assert found.given == {"ecms": 43}
    assert (found.messages.control, found.sequences) == (4, {})
    assert cut(make_access()).given is None


def test_a_cut_says_which_files_began_and_ended() -> None:
    """Once each, however often they were sent, so that a file is missed that came short."""
    night = facts_file("20260105", 7, [audit_access(n, make_access("JDOE")) for n in (501, 502)])
    kind = (("content-type", FACTS_LINE.encode()),)
    lines = [night.lines[-1], *night.lines, night.lines[0]]
    sent = [Message(960 + n, line, APPENDED, headers=kind) for n, line in enumerate(lines)]
    judged = judging(JDOE).batch(Partition("access.facts.v1", 2), "facts", sent)
    found = cut_of(judged, reconciled=300, source="facts", policy_hash="hash7", run="run-1")
    assert found.files == {"facts": [("000007", None, None), ("000007", 501, 502)]}
    assert (found.given, found.messages.control) == ({"facts": 502}, 4)
    assert cut(make_access()).files is None


def test_a_silent_feed_makes_accesses_pending_in_the_cut() -> None:
    """Also a pending access is counted."""
    found = cut(make_access(), make_access(event_id="e2", name="case:c0099"), marks={"staff": at("2026-01-09")})
    assert found.accesses == {"explained": 1, "pending": 1}
    assert found.digest == verdict_digest("ep")


def test_a_revoked_access_is_counted_as_such() -> None:
    """Justified when it happened, withdrawn since."""
    void = assignment("w028", revision=2, void=True, recorded_at="18:00")
    assert cut(make_access(), facts=(JDOE, MINE, void)).accesses == {"revoked": 1}


def test_a_message_of_many_accesses_and_one_of_none_are_one_message_each() -> None:
    """A native line may name several records, a header none; accesses and messages are counted apart."""
    judge = judging(JDOE, MINE, membership("person:p7"))

    def translate(source: str, value: bytes | None, headers: object, appended_at: int) -> Translated:
        if value == b"header":
            return Translated(accesses=(), is_control=True)
        names = ("case:c0099", "case:c0042", "person:p7")
        return Translated(tuple(make_access(name=n, event_id=f"e-{n}", sequence=None) for n in names), False)

    judge.translate = translate
    native = (("content-type", b"text/vnd.needtoknow.facts.v1"),)
    batch = [Message(960, b"header", headers=native), Message(961, b"three", headers=native)]
    judged = judge.batch(PARTITION, "ecms", batch)
    found = cut_of(judged, reconciled=300, source="ecms", policy_hash="hash7", run="run-1")
    assert found.messages == MessageCounts(translated=1, control=1, dead_letters=0)
    assert found.accesses == {"explained": 2, "unresolved": 1}
    assert found.digest == verdict_digest("cnee")
    assert found.sequences == {}


def test_a_cut_of_nothing_but_dead_letters_has_no_accesses() -> None:
    """Zero is left out."""
    found = cut(b"x", None)
    assert (found.accesses, found.sequences) == ({}, {})
    assert found.messages.dead_letters == 2


def test_the_marks_of_a_cut_are_those_of_its_position() -> None:
    """Not those that came while it was being written: they are copied when it is judged."""
    judge = judging(JDOE, MINE)
    judged = judge.batch(PARTITION, "ecms", messages(make_access()))
    judge.completeness.through["cases"] = at("2026-02-01")
    assert cut_of(judged, reconciled=300, source="ecms", policy_hash="hash7", run="run-1").marks == COMPLETE


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([], []),
        ([7], [(7, 7)]),
        ([1, 2, 3], [(1, 3)]),
        ([3, 1, 2], [(1, 3)]),
        ([1, 3], [(1, 1), (3, 3)]),
        ([5, 5, 5], [(5, 5)]),
        ([1, 2, 2, 3, 9, 10, 8], [(1, 3), (8, 10)]),
        ([0, 2, 4], [(0, 0), (2, 2), (4, 4)]),
    ],
)
def test_sequences_are_kept_as_ranges_so_that_a_gap_shows(numbers: list[int], expected: list[tuple[int, int]]) -> None:
    """Sorted and merged; repeats count once."""
    assert ranges(numbers) == expected


def entry(offset: int, index: int = 0) -> OpenAccess:
    """A pending access at this place."""
    access = make_access()
    return OpenAccess(
        partition=PARTITION,
        offset=offset,
        index=index,
        appended_at=APPENDED,
        access=access,
        question=question_of(access, APPENDED),
        finding_id=f"f_{offset:032x}",
        published=None,
    )


def test_a_settlement_lists_what_ended_without_a_finding() -> None:
    """In order of place; it judges no new message, so its range is empty."""
    found = settlement_cut(
        PARTITION,
        [entry(970, 1), entry(965), entry(970, 0)],
        position=441,
        reconciled=300,
        marks={"cases": at("15:00")},
        policy_hash="hash7",
        run="run-1",
    )
    assert found.settled == [(965, 0), (970, 0), (970, 1)]
    assert (found.first_offset, found.next_offset) == (965, 965)
    assert (found.messages, found.accesses) == (MessageCounts(translated=0, control=0, dead_letters=0), {})
    assert (found.digest, found.position, found.marks) == (verdict_digest("eee"), 441, {"cases": at("15:00")})
    assert Partition(found.topic, found.partition) == PARTITION
    assert (found.policy, found.run, found.reconciled) == ("hash7", "run-1", 300)


def test_a_repeat_is_judged_and_counted_like_any_other() -> None:
    """The same access sent twice is two accesses in the ledger and one finding."""
    judge = judging(JDOE, OTHERS)
    judged: JudgedBatch = judge.batch(
        PARTITION, "ecms", messages(make_access(name="case:c0099"), make_access(name="case:c0099"))
    )
    found = cut_of(judged, reconciled=300, source="ecms", policy_hash="hash7", run="run-1")
    assert found.accesses == {"unexplained": 2}
    assert (len(judged.findings), judged.repeats) == (1, 1)
    assert found.sequences == {"ecms": [(11, 11)]}


def test_a_login_of_another_source_is_another_login() -> None:
    """Counted as unresolved, not as the person of the same name elsewhere."""
    elsewhere = account("jdoe12", "w028", source="irss")
    assert cut(make_access(), facts=(elsewhere, MINE)).accesses == {"unresolved": 1}
