"""The synthetic department: the same bytes for the same seed, every outcome, and counts that add up."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from functools import cache
from typing import Any

import pytest

from schemas.access import Access, finding_id
from schemas.codec import MESSAGE_MAX, decode, decode_access
from schemas.errors import RejectedInputError
from schemas.fact import Fact, Mark, RegisteredFact
from schemas.ids import LATEST_MS, parse_instant
from schemas.topics import CANONICAL, FACTS_LINE
from streams.sources import translate
from tests.harness.builders import DUTY_FEEDS, FEED_OF, SYSTEMS, make_policy
from tests.harness.department import Day, make_day
from tests.harness.department_mail import UNNUMBERED
from tests.harness.facts_file import FUNCTIONS, KINDS, RESULTS, WIDTH, FactsFile, facts_file_for_dst_night
from tests.harness.steps import Expected, Step

SEEDS = range(1, 6)
# What anybody gets for seed 7, on any machine and Python. A change of the department changes these on purpose.
STEPS_OF_SEED_7 = "1ab3e189bc20d9e97ca6bbfa2f8e8f947fe0349f83d4a5ed498c6e30b8407520"
FILE_OF_SEED_7 = "37ed5139bd22e8dbfbb4780c0df5d18a1d9ad7eb50a489b8b4330c4297d9420d"
DST_FILE_OF_SEED_7 = "f54fbfd8d1a3f4b2719df1e468be73945cac73c62b9bba84a32e0c52f195ab89"


@cache
def day(seed: int) -> Day:
    """A day of the default size, made once."""
    return make_day(seed)


@cache
def truth(seed: int) -> Expected:
    """What must come of it."""
    return day(seed).expected(make_policy())


def small(seed: int) -> Day:
    """The smallest department."""
    return make_day(seed, staff=24, cases=40, accesses=300)


def dead(kind: str) -> list[Step]:
    """The bad messages on access or feed topics."""
    return [s for s in day(1).steps if s.means == "dead-letter" and s.topic[0] == kind]


def is_line(step: Step) -> bool:
    """Whether the message says that it is a line of FACTS."""
    return ("content-type", FACTS_LINE.encode()) in step.headers


def is_native(step: Step) -> bool:
    """Whether the message says that it is as its system writes it."""
    return any(name == "content-type" and value != CANONICAL.encode() for name, value in step.headers)


# --- the same bytes


def test_a_seed_gives_the_same_bytes_everywhere() -> None:
    """Compared with what was committed."""
    assert day(7).digest() == STEPS_OF_SEED_7
    assert hashlib.sha256(day(7).facts_file).hexdigest() == FILE_OF_SEED_7
    assert hashlib.sha256(facts_file_for_dst_night(7).content).hexdigest() == DST_FILE_OF_SEED_7


def test_making_a_day_twice_gives_it_twice() -> None:
    """Nothing is left over from the first time."""
    assert small(3) == small(3)


def test_other_seeds_give_other_bytes() -> None:
    """The steps as well as the file."""
    assert len({day(seed).digest() for seed in SEEDS}) == len(SEEDS)
    assert len({day(seed).facts_file for seed in SEEDS}) == len(SEEDS)


def test_the_digest_sees_every_part_of_a_step() -> None:
    """A digest that overlooked something could not promise anything."""
    step = day(1).steps[5000]
    fields = {name: getattr(step, name) for name in ("at_ms", "topic", "key", "value", "headers", "means")}
    changes: list[dict[str, Any]] = [
        {"at_ms": step.at_ms + 1},
        {"topic": ("access", "other")},
        {"key": None},
        {"value": b"other"},
        {"headers": (("a", b"b"),)},
        {"headers": (("ab", b""),)},
    ]
    digests = {Day((Step(**{**fields, **change}),), b"", ()).digest() for change in [{}, *changes]}
    assert len(digests) == 1 + len(changes)


@pytest.mark.parametrize("size", [{"staff": 23}, {"cases": 39}, {"accesses": 299}])
def test_a_department_too_small_for_its_stories_is_refused(size: dict[str, int]) -> None:
    """Rather than leaving out a kind of snooper quietly."""
    with pytest.raises(ValueError, match=r"24|40"):
        make_day(1, **size)


# --- the truth


@pytest.mark.parametrize("seed", SEEDS)
def test_every_outcome_occurs(seed: int) -> None:
    """And between three and six in a hundred are findings, all of them final."""
    expected = truth(seed)
    assert set(expected.accesses) == {"explained", "late", "revoked", "unexplained", "unresolved"}
    assert 0.03 <= len(expected.findings) / 3000 <= 0.06
    assert {v.certainty for v in expected.findings.values()} == {"final"}
    assert {v.severity for v in expected.findings.values()} == {"low", "medium", "high", "critical"}
    assert {flag for v in expected.findings.values() for flag in v.flags} == {"borderline", "shared-login"}


@pytest.mark.parametrize("make", [day, small], ids=["default", "smallest"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_judge_finds_what_the_author_of_each_story_meant(seed: int, make: Any) -> None:
    """Ground truth and intention are two people's work; here they meet, access by access."""
    played = make(seed)
    judged = played.expected(make_policy()).judged
    meant = {finding_id(access): intent for access, intent in played.intents}
    assert {key: verdict.outcome for key, (_, verdict) in judged.items()} == meant


@pytest.mark.parametrize("seed", SEEDS)
def test_counts_add_up(seed: int) -> None:
    """Every message is an access, control or a dead letter; every access is explained or found."""
    steps, expected = day(seed).steps, truth(seed)
    messages = sum(isinstance(s.means, Access) for s in steps)
    facts_and_marks = sum(isinstance(s.means, Fact | Mark) for s in steps)
    assert sum(expected.accesses.values()) == sum(len(s.accesses) for s in steps)
    assert messages + facts_and_marks + expected.control + expected.dead_letters == len(steps)
    assert sum(expected.messages.values()) == len(steps)
    assert len(expected.judged) == len(day(seed).intents) == 3000
    assert expected.explained == expected.accesses["explained"] > 2800
    assert (expected.control, expected.conflicts) == (2, 2)


def test_without_grace_more_is_late() -> None:
    """The day tells policies apart."""
    strict = day(1).expected(make_policy(grace_seconds=0))
    assert strict.accesses["late"] > truth(1).accesses["late"]
    assert {v.certainty for v in strict.findings.values()} == {"final"}


# --- the steps


def test_steps_are_in_the_order_of_time() -> None:
    """Those of one instant in the order in which they were planned."""
    times = [s.at_ms for s in day(1).steps]
    assert times == sorted(times)


def test_a_repeat_is_the_same_message_again() -> None:
    """Same key, value and headers, later."""
    sent: dict[str, Step] = {}
    repeats = 0
    for step in day(1).steps:
        if isinstance(step.means, Access):
            first = sent.setdefault(finding_id(step.means), step)
            repeats += first is not step
            assert (first.key, first.value, first.headers, first.topic) == (
                step.key,
                step.value,
                step.headers,
                step.topic,
            )
    assert repeats >= 20
    assert repeats <= sum(truth(1).accesses.values()) - 3000


def test_sequences_are_dense_in_each_source() -> None:
    """A gap would mean a missing message; event ids and keys are there too."""
    by_source: dict[str, list[int]] = {}
    for access, _ in day(1).intents:
        if access.sequence is not None:
            by_source.setdefault(access.source, []).append(access.sequence)
    assert {access.source for access, _ in day(1).intents} == set(SYSTEMS)
    assert set(by_source) == set(SYSTEMS) - UNNUMBERED
    for numbers in by_source.values():
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_messages_mean_what_they_say() -> None:
    """Every canonical message reads as the access, fact or mark that it stands for."""
    native = set()
    for step in day(1).steps:
        match step.means:
            case Access() if is_native(step):
                assert translate(step.topic[1], step.value, step.headers, LATEST_MS).accesses == step.accesses
                native.add(step.topic[1])
            case Access():
                assert decode_access(step.value) == step.means
                assert step.topic == ("access", step.means.source)
            case Fact():
                assert decode(Fact, step.value) == step.means
                assert step.topic == ("feed", FEED_OF[step.means.body.kind])
            case Mark():
                assert decode(Mark, step.value) == step.means
                assert step.topic == ("feed", step.means.feed)
    assert native == set(SYSTEMS)


def test_one_access_has_more_than_one_spelling() -> None:
    """Other zones, nulls and spaces: a finding's id must not depend on them."""
    values = [s.value or b"" for s in day(1).steps if isinstance(s.means, Access) and not is_native(s)]
    assert sum(b"-05:00" in v for v in values) > 20
    assert sum(b": null" in v for v in values) > 20
    assert sum(v.startswith(b"{\n") for v in values) > 20


def test_bad_accesses_are_refused_by_the_contract() -> None:
    """All but two, which only their surroundings refute: another source's, and one dated 2099."""
    readable = []
    for step in dead("access"):
        if not is_line(step):
            try:
                readable.append(decode_access(step.value))
            except RejectedInputError:
                continue
    assert len(dead("access")) > 50
    assert sorted((a.source, a.occurred_at > parse_instant("2090-01-01T00:00:00Z")) for a in readable) == [
        ("ecms", True),
        ("irss", False),
    ]


def test_bad_facts_are_refused_by_the_contract_or_by_what_the_feed_may_state() -> None:
    """Three facts of another feed's kind and one mark of another feed."""
    strangers = 0
    for step in dead("feed"):
        if (feed := stated_by(step)) is not None:
            strangers += 1
            assert feed != step.topic[1]
    assert (strangers, len(dead("feed"))) == (4, 14)


def test_something_oversized_and_something_empty_is_among_the_bad() -> None:
    """More than 64 KiB, no bytes, and no value at all."""
    values = [s.value for s in dead("access")]
    assert any(v is not None and len(v) > MESSAGE_MAX for v in values)
    assert b"" in values
    assert None in values


def stated_by(step: Step) -> str | None:
    """The feed that this fact or mark should have come from, if it can be read at all."""
    try:
        return FEED_OF[decode(Fact, step.value).body.kind]
    except RejectedInputError:
        pass
    try:
        return decode(Mark, step.value).feed
    except RejectedInputError:
        return None


# --- the feeds


def test_feeds_promise_every_minute_and_in_the_end_everything() -> None:
    """Each feed's last mark lies two days beyond the last access."""
    last = max(max(a.occurred_at, a.occurred_until or 0) for a, _ in day(1).intents)
    marks = day(1).final_marks()
    assert set(marks) == set(DUTY_FEEDS)
    assert all(through > last + 48 * 3_600_000 for through in marks.values())
    sent = Counter(s.means.feed for s in day(1).steps if isinstance(s.means, Mark))
    assert all(count > 27 * 60 for count in sent.values())


def test_marks_can_be_sent_less_often() -> None:
    """The interval is a setting; what is sent beside them stays the same."""
    often, seldom = small(2), make_day(2, staff=24, cases=40, accesses=300, mark_every_seconds=600)
    assert sum(isinstance(s.means, Mark) for s in seldom.steps) * 9 < sum(
        isinstance(s.means, Mark) for s in often.steps
    )
    assert [s for s in seldom.steps if not isinstance(s.means, Mark)] == [
        s for s in often.steps if not isinstance(s.means, Mark)
    ]


def test_a_fact_that_breaks_its_feeds_mark_is_known_from_that_mark() -> None:
    """Recorded at 09:30:01, sent at 13:00:05 when 12:59:50 had been declared complete."""
    log = [m for m in day(1).registered_log() if isinstance(m, RegisteredFact)]
    broken = {m.known_from for m in log if m.recorded_at == parse_instant("2026-01-05T09:30:01-05:00")}
    assert broken == {
        parse_instant("2026-01-05T12:59:50.001-05:00"),
        parse_instant("2026-01-05T12:09:50.001-05:00"),
    }
    assert all(m.known_from >= m.recorded_at for m in log)


# --- the FACTS file


def assert_layout(file: FactsFile, business_date: str) -> None:
    """Every column as the layout says."""
    assert file.content.isascii()
    assert file.content.endswith(b"\n")
    lines = [line.decode() for line in file.lines]
    assert {len(line) for line in lines} == {WIDTH}
    head, details, tail = lines[0], lines[1:-1], lines[-1]
    assert head[:19] == f"HFACTSAUD02{business_date}"
    assert head[19:25].isdigit()
    assert not head[25:].strip()
    control = hashlib.sha256("".join(f"{line}\n" for line in details).encode()).hexdigest()[:16]
    assert tail == f"T{len(details):010d}{control}{head[19:25]}{details[-1][1:11]}".ljust(WIDTH)
    first = int(details[0][1:11])
    for i, (line, access) in enumerate(zip(details, file.accesses, strict=True)):
        assert (line[0], int(line[1:11])) == ("D", first + i)
        assert (access.event_id, access.sequence) == (f"facts-{line[1:11]}", first + i)
        assert (line[25:33].strip(), line[33:36]) == (access.actor, FUNCTIONS[access.action])
        assert (line[36], line[37:57].strip()) == (KINDS[access.record.kind], access.record.id)
        assert (line[57:65].strip() or None, line[65]) == (access.device, RESULTS[access.result])
        assert not line[66:].strip()


def test_the_nightly_file_follows_its_layout() -> None:
    """And its local times are five hours behind UTC, all on the day."""
    file = FactsFile(day(1).facts_file, tuple(a for a, _ in day(1).intents if a.source == "facts"))
    assert_layout(file, "20260105")
    for line, access in zip(file.lines[1:-1], file.accesses, strict=True):
        assert access.occurred_at == local_time(line) + 5 * 3_600_000
        assert access.occurred_until == access.occurred_at + 999


def test_the_lines_of_the_file_are_sent_at_three_in_the_night() -> None:
    """In their order, one message each, with the key that the layout names; two of them once more."""
    lines = [s for s in day(1).steps if is_line(s) and s.means != "dead-letter"]
    assert b"".join(s.value + b"\n" for s in lines[:-2] if s.value) == day(1).facts_file
    assert lines[0].at_ms == parse_instant("2026-01-06T03:00:00-05:00")
    assert lines[0].key == lines[-3].key == b"000731"
    assert [s.value for s in lines[-2:]] == [s.value for s in lines[1:3]]
    for step in lines[1:-3]:
        assert isinstance(step.means, Access)
        assert step.key == step.means.actor.encode()


def test_two_people_share_a_login_in_facts_only() -> None:
    """Truncated to eight characters, upper case."""
    accounts = [json.loads(s.value or b"") for s in day(1).steps if isinstance(s.means, Fact) and not s.means.void]
    logins: dict[tuple[str, str], set[str]] = {}
    for fact in accounts:
        body = fact["body"]
        if body["kind"] == "account":
            logins.setdefault((body["source"], body["login"]), set()).add(body["staff"])
    shared = {key: staff for key, staff in logins.items() if len(staff) > 1}
    assert set(shared) == {("facts", "MONTGOME"), ("ecms", "temp01")}
    assert all(len(login) == 8 and login == login.upper() for source, login in logins if source == "facts")


def test_the_hour_that_happens_twice_is_an_interval() -> None:
    """Between one and two o'clock on the second of November nobody can say which of the two it was."""
    file = facts_file_for_dst_night(1)
    assert_layout(file, "20251102")
    seen = set()
    for line, access in zip(file.lines[1:-1], file.accesses, strict=True):
        local, hour = local_time(line), int(line[19:21])
        summer, winter = local + 4 * 3_600_000, local + 5 * 3_600_000
        is_double = hour == 1
        assert access.occurred_at == (summer if hour < 2 else winter)
        assert access.occurred_until == (winter if is_double else access.occurred_at) + 999
        seen.add(hour)
    assert seen == {0, 1, 2, 3}


def local_time(line: bytes) -> int:
    """The time of a D line, read as if it were UTC."""
    t = line[11:25].decode()
    return parse_instant(f"{t[:4]}-{t[4:6]}-{t[6:8]}T{t[8:10]}:{t[10:12]}:{t[12:]}Z")
