"""The plain fast path and the close path are one judge: whatever the first lets through, the second explains."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.access import Access
from schemas.codec import encode
from schemas.fact import Fact, RegisteredFact, Waiver
from schemas.ids import format_instant
from schemas.topics import CANONICAL, FACTS_LINE, SOURCES, Topics
from streams.join.index import AccessIndex, Taking
from streams.join.reconcile import state_of
from streams.policy.judged import JudgedBatch
from streams.policy.judging import CLOSE_MAX, Judging
from streams.policy.plainly import Plainly, is_canonical, nothing_plain
from streams.policy.published import Published
from streams.sources import BUILT_IN, Translators
from tests.harness import chance
from tests.harness.builders import account, assignment, at, make_access, make_policy, registered, unit_member
from tests.harness.judging import PARTITION, Message, judging, messages
from tests.harness.verdicts import COMPLETE, JDOE

MINE = assignment("w028")


class Watched(Judging):
    """The judge; counts what went the close way."""

    closely = 0
    is_fast = True

    def plainly(self, source: str, messages: Sequence[Any]) -> Plainly:
        return super().plainly(source, messages) if self.is_fast else nothing_plain(messages)

    def _closely(self, out: JudgedBatch, source: str, messages: Sequence[Any], taking: Taking) -> list[bytearray]:
        self.closely += len(messages)
        return super()._closely(out, source, messages, taking)


def watched(judge: Judging, *, is_fast: bool = True, translators: Translators = BUILT_IN) -> Watched:
    """This judge, watched, with findings of its own."""
    twin = Watched(
        policy=judge.policy,
        knowledge=judge.knowledge,
        completeness=judge.completeness,
        published=Published(),
        index=AccessIndex(judge.knowledge.facts.people, judge.knowledge.facts.records),
        translators=translators,
    )
    twin.is_fast = is_fast
    return twin


def both(
    judge: Judging, batch: list[Message], source: str = "ecms", translators: Translators = BUILT_IN
) -> tuple[str, int]:
    """The codes, which must be the same both ways, and how many messages went the close way."""
    fast, close = (watched(judge, is_fast=is_fast, translators=translators) for is_fast in (True, False))
    first, second = fast.batch(PARTITION, source, batch), close.batch(PARTITION, source, batch)
    assert close.closely == len(batch)
    assert first.codes == second.codes
    assert (first.translated, sorted(first.sequences)) == (second.translated, sorted(second.sequences))
    assert first.findings == second.findings
    return first.codes.decode(), fast.closely


# --- what goes which way


def test_an_own_assignment_known_in_time_goes_the_fast_way() -> None:
    """Otherwise this file would test nothing."""
    assert both(judging(JDOE, MINE), messages(make_access())) == ("e", 0)


@pytest.mark.parametrize(
    ("facts", "access", "code"),
    [
        ((JDOE,), make_access(), "n"),
        ((MINE,), make_access(), "n"),
        ((JDOE, MINE), make_access(name="case:c0099"), "n"),
        ((JDOE, MINE), make_access("ghost7"), "n"),
        ((JDOE, MINE), make_access(until="15:00"), "e"),
        ((JDOE, MINE), make_access(action="search", candidates=["person:p7"]), "e"),
        ((JDOE, MINE), make_access(when="2026-01-06T00:00:00.001Z"), "e"),
        ((JDOE, MINE, account("jdoe12", "w031")), make_access(), "n"),
        ((account("jdoe12", "w028", valid_to="14:00"), MINE), make_access(), "n"),
        ((account("jdoe12", "w028", void=True), MINE), make_access(), "n"),
        ((JDOE, assignment("w028", valid_to="14:00")), make_access(), "u"),
        ((JDOE, assignment("w028", valid_from="14:00:00.001")), make_access(), "u"),
        ((JDOE, assignment("w028", void=True)), make_access(), "n"),
        ((JDOE, assignment("w028", recorded_at="15:00:00.001")), make_access(), "l"),
        ((JDOE, assignment(unit="u5"), unit_member("w028", "u5")), make_access(), "e"),
        ((JDOE, assignment(unit="u5"), unit_member("w028", "u5", fact_id="m"),
          unit_member("w028", "u6", fact_id="m", revision=2)), make_access(), "u"),
        ((JDOE, assignment(unit="u5"), unit_member("w028", "u5", fact_id="m"),
          unit_member("w031", "u5", fact_id="m", revision=2)), make_access(), "u"),
        ((JDOE, assignment("w028", fact_id="x7"), assignment("w031", fact_id="x7", revision=2)), make_access(), "u"),
        ((account("jdoe12", "w028", fact_id="a7"), account("jd", "w028", fact_id="a7", revision=2), MINE),
         make_access(), "n"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_plainly_is_looked_at_closely(facts: tuple[Fact, ...], access: Access, code: str) -> None:
    """Two logins, intervals, candidates, clocks, units, revisions, edges of validity: none of them is plain."""
    assert both(judging(*facts), messages(access)) == (code, 1)


@pytest.mark.parametrize(
    ("fact", "access"),
    [
        (assignment("w028", valid_from="14:00", recorded_at="13:00"), make_access()),
        (assignment("w028", valid_to="14:00:00.001"), make_access()),
        (assignment("w028", recorded_at="15:00"), make_access()),
        (MINE, make_access(when="2026-01-06")),
        (MINE, make_access(sequence=None)),
    ],
    ids=["begins now", "ends next", "known at the end of grace", "at its append time", "no sequence"],
)
def test_the_edges_of_plain_belong_to_it(fact: Fact, access: Access) -> None:
    """To the millisecond, and still the same answer as the close way."""
    assert both(judging(JDOE, fact), messages(access)) == ("e", 0)


def test_a_late_top_revision_is_looked_at_closely() -> None:
    """A lower revision may have explained it in time."""
    late = assignment("w028", revision=2, recorded_at="18:00", valid_to="2026-02-01")
    assert both(judging(JDOE, MINE, late), messages(make_access())) == ("e", 1)


def test_a_path_that_is_switched_off_clears_nobody_the_fast_way() -> None:
    """The policy decides, not the short cut."""
    assert both(judging(JDOE, MINE, policy=make_policy(own=False)), messages(make_access())) == ("u", 1)


def test_a_second_assignment_may_be_the_plain_one() -> None:
    """The first has ended, the other holds."""
    ended = assignment("w028", fact_id="x1", valid_to="12:00")
    assert both(judging(JDOE, ended, MINE), messages(make_access())) == ("e", 0)


def test_one_of_many_assignments_may_be_the_plain_one() -> None:
    """Whichever; and to none of them belongs what lies between."""
    spans = [("08:00", "09:00"), ("10:00", "11:00"), ("12:00", "13:00")]
    held = [assignment("w028", fact_id=f"x{n}", valid_from=f, valid_to=t) for n, (f, t) in enumerate(spans)]
    within = [make_access(when=when) for when in ("08:30", "10:00", "12:59")]
    assert both(judging(JDOE, *held), messages(*within)) == ("eee", 0)
    assert both(judging(JDOE, *held), messages(make_access(when="11:30"))) == ("u", 1)


def test_each_message_is_asked_about_its_own_append_time() -> None:
    """In a backlog of hours most happened after the first of their batch was appended; no clock is ahead."""
    first, second = messages(make_access(when="08:00"), make_access(when="14:00"))
    first.timestamp, second.timestamp = at("08:00"), at("14:00")
    assert both(judging(JDOE, MINE), [first, second]) == ("ee", 0)
    second.timestamp -= 1
    assert both(judging(JDOE, MINE), [first, second]) == ("ee", 1)
    first.timestamp = at("15:00")  # appended before it, by a broker whose clock was set back
    assert both(judging(JDOE, MINE), [first, second]) == ("ee", 1)


def test_what_a_clock_leaves_open_is_looked_at_closely() -> None:
    """A duty that begins within the time by which the clock may be off explains some of the instants, and not all."""
    off = Translators(Topics(sources={**SOURCES, "ecms": replace(SOURCES["ecms"], clock_error_ms=60_000)}))
    judge = judging(JDOE, assignment("w028", valid_from="14:00"))
    sent = messages(*(make_access(when=w) for w in ("13:58:59.999", "13:59", "14:00:59.999", "14:01")))
    assert both(judge, sent, translators=off) == ("uuue", 4)
    found = watched(judge, translators=off).batch(PARTITION, "ecms", sent).findings
    assert [one.flags for one in found] == [(), ("borderline",), ("borderline",)]


def test_a_source_cannot_speak_for_another_the_fast_way() -> None:
    """Promise 16: the topic says who it is."""
    elsewhere = account("jdoe12", "w028", source="irss")
    assert both(judging(JDOE, elsewhere, MINE), messages(make_access(source="irss"))) == ("d", 1)


def test_what_may_have_been_judged_before_is_looked_at_closely() -> None:
    """A standing finding must be withdrawn even if the access is plainly explained now."""
    published = Published()
    first = judging(JDOE, published=published).batch(PARTITION, "ecms", messages(make_access()))
    [raised] = first.findings
    state = published.state(raised.finding_id, PARTITION)
    assert state is not None
    published.read(raised.finding_id, state, PARTITION, raised.message.offset)
    again = judging(JDOE, MINE, published=published).batch(PARTITION, "ecms", messages(make_access()))
    assert again.codes.decode() == "e"
    assert [f.transition for f in again.findings] == ["withdrawn"]


# --- what the close way says


@pytest.mark.parametrize(("ahead", "flags"), [(300_000, ()), (300_001, ("clock-ahead",))])
def test_a_clock_is_ahead_from_five_minutes_on(ahead: int, flags: tuple[str, ...]) -> None:
    """By the broker's clock, to the millisecond; the verdict is that of the append time."""
    batch = messages(make_access(when=at("14:00") + ahead), appended_at="14:00")
    [finding] = judging(JDOE, assignment("w031")).batch(PARTITION, "ecms", batch).findings
    assert finding.flags == flags


def test_an_access_sent_again_is_one_finding_and_one_transition_for_each_change() -> None:
    """Both places are open; whichever is judged first says it, the other has nothing to add."""
    judge = judging(JDOE, assignment("w031"), marks={feed: at("14:30") for feed in COMPLETE})
    batch = judge.batch(PARTITION, "ecms", messages(make_access(), make_access()))
    assert [f.transition for f in batch.findings] == ["raised"]
    judge.knowledge.learn(2, registered(MINE))
    again = judge.again(batch.opened)
    assert [(finding.transition, entry.offset) for finding, entry in again.findings] == [("withdrawn", 960)]
    assert (again.kept, again.closed, again.explained, again.waited) == (batch.opened, [], [], [])


def test_who_waited_for_a_feed_ends_the_wait_once() -> None:
    """With the outcome, which is counted; explained, a settlement has to say it."""
    marks = {feed: at("13:30") for feed in COMPLETE}
    judge = judging(JDOE, assignment("w031"), marks=marks)
    [entry] = judge.batch(PARTITION, "ecms", messages(make_access())).opened
    entry.is_counted = True
    assert judge.again([entry]).waited == []
    judge.knowledge.learn(2, registered(MINE))
    again = judge.again([entry])
    assert (again.waited, again.explained, again.findings) == ([(entry, "explained")], [entry], [])


def test_a_withdrawn_finding_is_kept_until_it_is_final() -> None:
    """Also when its message is read again after a crash: a fact may accuse anew, and that must be said."""
    published = Published()
    marks = {feed: at("14:30") for feed in COMPLETE}
    before = judging(JDOE, assignment("w031"), marks=marks, published=published)
    [raised] = before.batch(PARTITION, "ecms", messages(make_access())).findings
    published.read(raised.finding_id, state_of(raised), PARTITION, raised.message.offset)
    after = judging(JDOE, assignment("w031"), MINE, marks=marks, published=published)
    batch = after.batch(PARTITION, "ecms", messages(make_access()))
    assert [f.transition for f in batch.findings] == ["withdrawn"]
    [entry] = batch.opened
    after.knowledge.learn(3, registered(assignment("w028", revision=2, void=True)))
    [(finding, _)] = after.again([entry]).findings
    assert (finding.outcome, finding.transition) == ("unexplained", "reinstated")


@pytest.mark.parametrize(("position", "is_kept"), [(2, False), (3, True)])
def test_an_access_is_kept_while_somebody_who_knew_more_has_spoken_of_it(position: int, is_kept: bool) -> None:
    """Final or not: it is reconciled once this worker knows as much."""
    judge = judging(JDOE, assignment("w031"))
    [raised] = judging(JDOE, assignment("w031")).batch(PARTITION, "ecms", messages(make_access())).findings
    theirs = state_of(raised)._replace(position=position, certainty="provisional")
    judge.published.read(raised.finding_id, theirs, PARTITION, raised.message.offset)
    batch = judge.batch(PARTITION, "ecms", messages(make_access()))
    assert bool(batch.opened) is is_kept
    assert [f.certainty for f in batch.findings] == ([] if is_kept else ["final"])


@pytest.mark.parametrize(("policy", "is_kept"), [(None, False), ("of another installation", True)])
def test_an_access_is_kept_while_another_policy_has_spoken_of_it_at_this_position(
    policy: str | None, is_kept: bool
) -> None:
    """The word of the later policy stands until there are more facts (ADR 19)."""
    judge = judging(JDOE, assignment("w031"))
    [entry] = judging(JDOE, assignment("w031"), marks={}).batch(PARTITION, "ecms", messages(make_access())).opened
    [raised] = judge.batch(PARTITION, "ecms", messages(make_access())).findings
    entry.published = state_of(raised)._replace(policy=policy or judge.policy_hash)
    assert judge.may_change(entry, "unexplained") is is_kept
    assert judge.may_change(entry, "explained") is is_kept
    entry.published = entry.published._replace(outcome="explained")
    assert not judge.may_change(entry, "explained")


def test_it_is_let_go_once_this_worker_knows_as_much() -> None:
    """Also when it is final already: until then its place is held, so that no crash forgets to reconcile it."""
    judge = judging(JDOE, assignment("w031"))
    [raised] = judging(JDOE, assignment("w031")).batch(PARTITION, "ecms", messages(make_access())).findings
    theirs = state_of(raised)._replace(position=3, severity="critical")
    judge.published.read(raised.finding_id, theirs, PARTITION, raised.message.offset)
    [entry] = judge.batch(PARTITION, "ecms", messages(make_access())).opened
    before = judge.again([entry])
    assert (before.kept, before.closed, before.findings) == ([entry], [], [])
    judge.knowledge.learn(2, registered(assignment("w044")))
    after = judge.again([entry])
    assert (after.kept, after.closed) == ([], [entry])
    assert [(f.transition, f.severity) for f, _ in after.findings] == [("revised", raised.severity)]


# --- many that are looked at closely


def test_a_batch_of_several_slices_is_one_batch() -> None:
    """In order and whole; a repeat in a later slice has nothing to add."""
    pairs = [(make_access("ghost7", event_id=f"e{n}"), make_access(until="15:00")) for n in range(CLOSE_MAX)]
    many = [access for pair in pairs for access in pair]
    judged = judging(JDOE, MINE).batch(PARTITION, "ecms", messages(*many, many[0], b"?"))
    assert judged.codes.decode() == "ne" * CLOSE_MAX + "nd"
    assert [f.message.offset - 960 for f in judged.findings] == list(range(0, 2 * CLOSE_MAX, 2))
    assert judged.repeats == 1


def test_memory_for_looking_closely_does_not_grow_with_the_batch() -> None:
    """A search of many candidates is 20 times its message while it is judged, and a batch may hold thousands."""
    search = encode(make_access(action="search", candidates=[f"person:p{n}" for n in range(200)]))

    def peak(slices: int) -> int:
        judge, batch = judging(JDOE, MINE), messages(*[search] * (slices * CLOSE_MAX))
        tracemalloc.start()
        judged = judge.batch(PARTITION, "ecms", batch)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert judged.codes.decode() == "e" * len(batch)
        return found

    assert peak(4) < 1.5 * peak(1)


# --- how it is spelt

PLAIN = encode(make_access())


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b" \n" + PLAIN.replace(b",", b" ,\t").replace(b":{", b" : {") + b"\r\n", "e"),
        (orjson.dumps(dict(sorted(orjson.loads(PLAIN).items()))), "e"),
        (orjson.dumps(dict(reversed(orjson.loads(PLAIN).items()))), "e"),
        (PLAIN.replace(b'"jdoe12"', b'"jdoe\\u0031\\u0032"'), "e"),
        (PLAIN.replace(b'"view"', b'"vi\\u0065w"'), "e"),
        (PLAIN.replace(b'"actor"', b'"act\\u006fr"'), "e"),
        (PLAIN.replace(b'"actor"', b'"actor":"ghost7","actor"'), "d"),
        (PLAIN.replace(b'"sequence"', b'"sequence":7,"sequence"'), "d"),
        (PLAIN.replace(b'"actor"', b'"act\\u006fr":"ghost7","actor"'), "d"),
        (PLAIN.replace(b'"id"', b'"id":"c0099","id"'), "d"),
        (PLAIN.replace(b'"sequence":11', b'"sequence":null'), "e"),
        (PLAIN.replace(b'"sequence":11', b'"sequence":11.0'), "d"),
        (PLAIN.replace(b'"sequence":11', b'"sequence":"11"'), "d"),
        (PLAIN.replace(b'"sequence":11', b'"sequence":true'), "d"),
        (PLAIN.replace(b'"sequence":11', b'"candidates":null,"sequence":11'), "e"),
        (PLAIN.replace(b'"sequence":11', b'"device":"term\xc34"'), "d"),
        (PLAIN.replace(b'"sequence":11', b'"recipient":"Caf\xc3\xa9"'), "e"),
        (PLAIN.replace(b"14:00:00.000Z", b"14:00:00Z"), "e"),
        (PLAIN.replace(b"14:00:00.000Z", b"15:00:00.000+01:00"), "e"),
        (PLAIN.replace(b"14:00:00.000Z", b"14:00:60.000Z"), "d"),
        (PLAIN.replace(b"14:00:00.000Z", b"14:00:00.000"), "d"),
        (b"\xef\xbb\xbf" + PLAIN, "d"),
        (PLAIN + b"{}", "d"),
        (PLAIN + b" " * 70_000, "d"),
        (b"[" + PLAIN + b"]", "d"),
        (b"", "d"),
        (None, "d"),
    ],
)  # fmt: skip
def test_every_spelling_is_read_the_same_both_ways(raw: bytes | None, code: str) -> None:
    """White space, order of keys, escapes, keys given twice, numbers and instants spelt otherwise."""
    assert both(judging(JDOE, MINE), messages(raw))[0] == code


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ((), "e"),
        ((("content-type", CANONICAL.encode()),), "e"),
        ((("Content-Type", CANONICAL.encode()),), "e"),
        ((("content-type", CANONICAL.encode()), ("content-type", CANONICAL.encode())), "e"),
        ((("content-type", b"application/json; charset=utf-8"),), "e"),
        ((("ce_id", b"x"),), "e"),
        ((("content-type", b"application/xml"),), "d"),
        ((("Content-Type", b"application/xml"),), "d"),
        ((("CONTENT-TYPE", FACTS_LINE.encode()),), "d"),
        ((("content-type", CANONICAL.encode()), ("content-type", b"application/xml")), "d"),
        ((("content-type", CANONICAL.encode()), ("Content-Type", FACTS_LINE.encode())), "d"),
    ],
)
def test_a_message_is_what_its_headers_say_both_ways(headers: tuple[tuple[str, bytes], ...], code: str) -> None:
    """However the header is spelt: a message must not be two things to two readers."""
    [message] = messages(make_access())
    message.headers = headers
    assert both(judging(JDOE, MINE), [message])[0] == code


@pytest.mark.parametrize(
    ("headers", "is_so"),
    [
        ((), True),
        ((("trace", b"x"),), True),
        ((("Content-Type", CANONICAL.encode()),), True),
        ((("content-type", FACTS_LINE.encode()),), False),
        ((("trace", b"x"), ("content-type", b"")), False),
    ],
)
def test_headers_send_a_message_the_close_way_when_they_name_another_type(
    headers: tuple[tuple[str, bytes], ...], is_so: bool
) -> None:
    """Whatever else they say."""
    [message] = messages(make_access())
    message.headers = headers
    assert is_canonical(message) is is_so


def test_one_message_may_have_headers_and_its_neighbours_none() -> None:
    """Each is read by its own."""
    batch = messages(make_access(event_id="a"), make_access(event_id="b"), make_access(event_id="c"))
    batch[1].headers = (("content-type", b"application/xml"),)
    assert both(judging(JDOE, MINE), batch)[0] == "ede"


def test_sequences_are_seen_on_both_ways() -> None:
    """A gap is a missing message, whichever way its neighbours went."""
    batch = messages(make_access(sequence=7), make_access("ghost7", sequence=8), make_access(sequence=None))
    assert sorted(watched(judging(JDOE, MINE)).batch(PARTITION, "ecms", batch).sequences) == [7, 8]


# --- by chance


def log(rng: Random, length: int) -> list[RegisteredFact | Waiver]:
    """Any log, and some duties that hold all day, so that something is plain."""
    duties = [
        registered(assignment(staff, record, valid_from=chance.START, recorded_at=chance.START))
        for staff in chance.STAFF
        for record in chance.RECORDS[:4]
        if rng.random() < 0.5
    ]
    return [*duties, *chance.log(rng, length)]


def spelt(rng: Random, access: Access) -> bytes:
    """The access in some spelling, seldom a wrong one."""
    document = orjson.loads(encode(access))
    if rng.random() < 0.3:
        document = dict(sorted(document.items(), key=lambda _: rng.random()))
    if rng.random() < 0.1:
        document["occurred_at"] = format_instant(access.occurred_at).replace("Z", "+00:00")
    raw = orjson.dumps(document, option=orjson.OPT_INDENT_2 if rng.random() < 0.3 else 0)
    if rng.random() < 0.1:
        raw = raw.replace(b'"ecms"', b'"\\u0065cms"')
    if rng.random() < 0.05:
        raw = raw.replace(b'"actor"', b'"actor":"la","actor"')
    if rng.random() < 0.05:
        raw = raw[: rng.randrange(len(raw))]
    return raw


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32), length=st.integers(0, 40), grace=st.sampled_from((0, 600, 3600)))
def test_the_fast_way_never_changes_the_answer(seed: int, length: int, grace: int) -> None:
    """Any log, any marks, any accesses in any spelling, appended at any time."""
    rng = Random(seed)
    judge = judging(*log(rng, length), policy=make_policy(grace_seconds=grace), marks=chance.marks(rng))
    raw = [spelt(rng, chance.access(rng, n)) for n in range(12)]
    both(judge, messages(*raw, appended_at=chance.START + rng.randrange(2 * chance.STEPS) * chance.STEP))


def test_chance_goes_the_fast_way_often_enough() -> None:
    """A property over worlds in which nothing is plain would hold for any fast path."""
    plain = 0
    for seed in range(40):
        rng = Random(seed)
        judge = watched(judging(*log(rng, 30), marks=chance.marks(rng)))
        judge.batch(PARTITION, "ecms", messages(*(chance.access(rng, n) for n in range(12)), appended_at=at("18:00")))
        plain += 12 - judge.closely
    assert plain > 40
