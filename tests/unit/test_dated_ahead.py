"""An access dated past its append time: sent again later it asks something else, under an id of its own (ADR 17)."""

from __future__ import annotations

import hashlib

import pytest

from schemas.access import canonical, finding_id
from schemas.codec import encode
from schemas.finding import Finding
from schemas.ids import format_instant
from schemas.registry import entries_in
from schemas.topics import SOURCES, Topics
from sinks.ledger.audit import audit
from sinks.ledger.rejudge import Rejudge, joined
from sinks.ledger.report import Report
from streams.join.open import Partition
from streams.sources import Translators
from tests.harness.builders import DUTY_FEEDS, account, assignment, at, make_access, make_policy
from tests.harness.judging import Message, judging, messages
from tests.harness.verdicts import JDOE
from tests.harness.worker import Stored, Worker

HERE = Partition("access.ecms.v1", 2)
POLICY = make_policy()
AHEAD = make_access(when="14:00")


@pytest.mark.parametrize(
    ("until", "appended", "is_ahead"),
    [
        (None, "13:59:59.999", True),
        (None, "14:00", False),
        (None, "20:00", False),
        ("15:00", "13:59:59.999", True),
        ("15:00", "14:00", False),
        ("15:00", "14:30", False),
        ("15:00", "15:00", False),
        ("2026-01-07T14:30:00.000Z", "14:30", False),
        ("2026-01-07T14:30:00.001Z", "14:30", True),
    ],
)
def test_the_append_time_is_part_of_the_id_of_what_is_dated_past_it(
    until: str | None, appended: str, is_ahead: bool
) -> None:
    """Not when only its end is, but for one that no clock explains; all others have one id, whenever appended."""
    access = make_access(when="14:00", until=until)
    parts = [b"ecms", b"ecms-000123", canonical(access)]
    if is_ahead:
        parts.append(format_instant(at(appended)).encode())
    due = "f_" + hashlib.sha256(b"\x1f".join(parts)).hexdigest()[:32]
    assert finding_id(access, at(appended)) == due
    assert (finding_id(access) == due) is not is_ahead


def judged(*appended: str, duty_ends: str) -> Stored:
    """The access dated 14:00 appended at these times, by somebody whose duty ends at another; all is judged."""
    stored = Stored()
    stored.state(JDOE, "staff")
    stored.state(assignment("w028", valid_to=at(duty_ends)), "assignments")
    stored.state(assignment("w031"), "assignments")
    for feed in ("assignments", "staff", "cases"):
        stored.promise(feed, at("2026-01-09"))
    worker = Worker(stored, POLICY, run="run-1")
    for when in appended:
        stored.send(HERE, encode(AHEAD), at(when))
        worker.take(HERE, 1)
        worker.store()
        worker.hear()
    worker.store()
    return stored


def verified(stored: Stored) -> Report:
    """The audit's last word."""
    *_, report = audit(stored.logs(), Rejudge(POLICY, stored.facts), POLICY.hash())
    return report


@pytest.mark.parametrize("appended", [("13:00", "14:30"), ("14:30", "13:00")])
def test_a_repeat_that_is_explained_takes_back_nothing(appended: tuple[str, str]) -> None:
    """As of 13:00 a duty explains it, as of 14:00 none does: found once, whichever is judged first."""
    stored = judged(*appended, duty_ends="13:30")
    assert [(f.transition, f.message.offset) for f in stored.findings] == [("raised", appended.index("14:30"))]
    assert verified(stored).differences == []


def test_what_is_found_twice_is_two_findings() -> None:
    """As of 13:00 and as of 13:10; sent again at the same time it is the same one."""
    stored = judged("13:00", "13:10", "13:10", duty_ends="12:00")
    assert [f.message.offset for f in stored.findings] == [0, 1]
    assert [f.outcome for f in joined(stored.findings).values()] == ["unexplained", "unexplained"]
    report = verified(stored)
    assert (report.findings, report.differences) == (2, [])


# --- one that is imprecise is not dated ahead


KIOSK = "[sources.kiosk]\ntitle = 't'\n"
HELD = account("jdoe12", "w028", source="kiosk")
WIDENED = ("clock_error_ms = 2000", "precision_ms = 1000", "precision_ms = 86400000\nclock_error_ms = 3600000")


def resent(entry: str, seconds: range) -> tuple[list[Finding], bytearray]:
    """What an access dated 14:00 gives that is stored so many seconds later, again and again, by its source's entry."""
    sources = {**SOURCES, **entries_in((KIOSK + entry).encode())}
    judge = judging(HELD, assignment("w031"), translators=Translators(Topics(sources=sources)))
    value, place = encode(make_access(source="kiosk", when="14:00")), Partition("access.kiosk.v1", 0)
    findings, codes = list[Finding](), bytearray()
    for number, second in enumerate(seconds):
        batch = judge.batch(place, "kiosk", [Message(number, value, at("14:00") + 1000 * second)])
        findings += batch.findings
        codes += batch.codes
    return findings, codes


@pytest.mark.parametrize("entry", WIDENED)
@pytest.mark.parametrize("seconds", [range(10), range(-1, 9), range(9, -1, -1)], ids=["later", "ahead", "backwards"])
def test_what_its_source_leaves_open_makes_no_second_finding(entry: str, seconds: range) -> None:
    """Sent ten times by a window, a retry or a replay: one access, found once. A clock may be ahead as declared."""
    if "clock_error" not in entry:
        seconds = range(10)  # whose clock is never ahead
    findings, codes = resent(entry, seconds)
    assert (len(findings), codes) == (1, b"u" * 10)


def test_a_clock_that_is_further_ahead_than_declared_is_dated_ahead() -> None:
    """Three seconds, where two may be."""
    findings, _ = resent("clock_error_ms = 2000", range(-3, 1))
    assert len({f.finding_id for f in findings}) == 2
    assert [f.access.occurred_at for f in findings] == [at("13:59:58")] * 2


def test_what_is_imprecise_waits_for_all_of_its_time() -> None:
    """Whenever it was stored: two appends would not agree on when somebody may be accused."""
    day = make_access(when="2026-01-05", until="2026-01-05T23:59:59.999Z")
    for through, codes in (("2026-01-05T23:59:59.998Z", b"pp"), ("2026-01-05T23:59:59.999Z", b"uu")):
        judge = judging(JDOE, assignment("w031"), marks=dict.fromkeys(DUTY_FEEDS, at(through)))
        early = judge.batch(HERE, "ecms", messages(day, appended_at="10:00"))
        late = judge.batch(HERE, "ecms", messages(day, first=961, appended_at="2026-01-06"))
        assert early.codes + late.codes == codes
        assert [f.certainty for f in early.findings + late.findings] == ["provisional"] * (codes == b"uu")
