"""The main job on a real Kafka with real workers: accesses and duties in at one end, findings out at the other.

The stories share one service. Each has a day of its own, later than those before it, since a feed's promise cannot be
taken back, and people and records of its own.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from schemas.access import Action, finding_id
from schemas.codec import decode_registered
from schemas.fact import Waiver
from schemas.ledger import Cut
from schemas.topics import CONSOLE, Topics
from sinks.kafka import Message
from sinks.ledger.rejudge import joined
from tests.faults.harness import Running, check, play_sliced, running, sliced_day, until
from tests.harness.broker import SharedBroker
from tests.harness.builders import (
    DUTY_FEEDS,
    account,
    assignment,
    coverage,
    make_access,
    membership,
    supervision,
    unit_member,
)
from tests.harness.department_bad import bad_steps
from tests.harness.department_people import Chance
from tests.harness.facts_file import audit_access, facts_file
from tests.harness.outcome import compare
from tests.harness.steps import Step
from tests.integration.tale import POLICY, Tale

ERRORS = "needtoknow.errors."


def test_a_snooper_is_found_with_reason_and_near_miss(tale: Tale) -> None:
    """Who, what, when, why not, and what came closest."""
    snooper, case = tale.hires("w"), tale.name("case:c")
    tale.learn(assignment(snooper, case, **tale.fields(valid_to=tale.at("14:00", days=-9))))
    tale.pass_to(tale.at("14:00"))
    tale.see(snooper, "view", case)
    tale.ends()
    (finding,) = tale.told()
    assert (finding.outcome, finding.certainty, finding.severity) == ("unexplained", "final", "medium")
    assert (finding.staff, finding.access.actor) == (snooper, f"login.{snooper}")
    assert finding.reason == (
        f"{snooper} viewed case c-{tale.number} on {tale.at('14:00')[:10]} at 14:00:00 UTC: no assignment, supervision "
        "or coverage explains it; nearest: assignment ended 9 days before."
    )
    (near,) = finding.near_misses
    assert (near.path, near.why) == ("own-assignment", "assignment ended 9 days before")
    assert [(f.feed, f.fact_id) for f in near.facts] == [("assignments", f"as-{snooper}-case-c-{tale.number}")]


def test_nobody_doing_their_job_is_accused(tale: Tale) -> None:
    """Whichever way the duty comes: own, through a unit, of a member of the case, as a supervisor, as a stand-in."""
    worker, chief, other, colleague = (tale.hires(word) for word in ("w", "s", "x", "u"))
    case, person = tale.name("case:c"), tale.name("person:p")
    tale.learn(
        assignment(worker, case, **tale.fields()),
        assignment(None, case, unit=tale.name("unit"), role="support", **tale.fields()),
        unit_member(colleague, tale.name("unit"), **tale.fields()),
        membership(person, case, **tale.fields()),
        supervision(chief, worker, **tale.fields()),
        coverage(other, worker, **tale.fields(valid_to=tale.at("20:00"))),
    )
    tale.pass_to(tale.at("14:00"))
    for who in (worker, chief, other, colleague):
        tale.see(who, "view", case)
        tale.see(who, "print", person)
    tale.ends()
    assert tale.told() == []
    assert tale.transitions() == []


def test_a_duty_written_down_too_late_leaves_a_late_finding(tale: Tale) -> None:
    """More than the grace after it happened: justified, but only afterwards."""
    worker, case = tale.hires("w"), tale.name("case:c")
    tale.learn(assignment(worker, case, **tale.fields(recorded_at=tale.at("17:30"))))
    tale.pass_to(tale.at("18:00"))
    tale.see(worker, "view", case, at=tale.at("14:00"))
    tale.ends()
    (finding,) = tale.told()
    assert (finding.outcome, finding.severity) == ("late", "low")
    assert "only by what was recorded more than 3 hours afterwards" in finding.reason


def test_a_duty_withdrawn_since_leaves_a_revoked_finding(tale: Tale) -> None:
    """It was right by the record when it happened."""
    worker, case = tale.hires("w"), tale.name("case:c")
    tale.learn(assignment(worker, case, **tale.fields()))
    tale.learn(assignment(worker, case, **tale.fields(revision=2, void=True, recorded_at=tale.at("17:30"))))
    tale.pass_to(tale.at("18:00"))
    tale.see(worker, "export", case, at=tale.at("14:00"))
    tale.ends()
    (finding,) = tale.told()
    assert (finding.outcome, finding.severity) == ("revoked", "medium")


def test_what_no_fact_names_is_unresolved(tale: Tale) -> None:
    """A login of nobody and a record of no case are findings about data before they are about a person."""
    worker, case = tale.hires("w"), tale.name("case:c")
    tale.learn(assignment(worker, case, **tale.fields()))
    tale.pass_to(tale.at("14:00"))
    stranger = tale.see(tale.name("nobody"), "view", case)
    unknown = tale.see(worker, "view", tale.name("person:unheard"))
    tale.ends()
    found = {finding.access.event_id: finding for finding in tale.told()}
    assert {finding.outcome for finding in found.values()} == {"unresolved"}
    assert found[stranger.event_id].staff is None
    assert found[unknown.event_id].staff == worker


def test_accesses_wait_for_a_silent_feed_and_settle_without_another_access(tale: Tale) -> None:
    """A missing feed is not a flood; marks and facts alone end the wait on a topic where nothing more happens."""
    snooper, worker, case = tale.hires("x"), tale.hires("w"), tale.name("case:c")
    tale.learn(assignment(tale.hires("z"), case, **tale.fields()))
    tale.pass_to(tale.at("14:00"))
    tale.see(snooper, "view", case)
    tale.see(worker, "view", case)
    tale.mark("staff", tale.at("23:00"))
    tale.mark("cases", tale.at("23:00"))
    assert tale.told() == []
    assert tale.service.document("status")["pending"] == 2
    tale.learn(assignment(worker, case, **tale.fields(recorded_at=tale.at("14:10"))))
    tale.play()
    until(lambda: settled_by(tale) == 1, "the fact has not ended the wait of the access it explains")
    assert tale.transitions() == []
    tale.mark("assignments", tale.at("23:00"))
    (finding,) = tale.told()
    assert finding.staff == snooper
    assert tale.service.wait_idle()["pending"] == 0


def settled_by(tale: Tale) -> int:
    """How many of the story's accesses the ledger says ended their wait without a finding."""
    service = tale.service
    judged = {(f.topic, f.partition, f.offset) for f in places(tale)}
    cuts = [
        Cut.model_validate_json(m.value or b"", context={"wire": True}) for m in service.messages(service.topics.ledger)
    ]
    return sum((c.topic, c.partition, offset) in judged for c in cuts for offset, _ in c.settled or ())


def places(tale: Tale) -> list[Message]:
    """The messages of the story's accesses."""
    ours = {step.value for step in tale.steps if step.topic[0] == "access"}
    topic = tale.service.topics.access("ecms")
    return [message for message in tale.service.messages(topic) if message.value in ours]


def test_a_provisional_finding_becomes_final_once_the_grace_is_over(tale: Tale) -> None:
    """One finding, told twice, and the second time only more certain."""
    snooper, case = tale.hires("w"), tale.name("case:c")
    tale.learn(assignment(tale.hires("z"), case, **tale.fields()))
    tale.pass_to(tale.at("14:00"))
    tale.see(snooper, "view", case)
    tale.promises("14:30")
    (early,) = tale.told()
    assert (early.certainty, early.waiting_for) == ("provisional", tuple(sorted(DUTY_FEEDS)))
    tale.promises("15:00")
    (finding,) = tale.told()
    assert (finding.certainty, finding.waiting_for) == ("final", ())
    assert [t.transition for t in tale.transitions()] == ["raised", "revised"]


def test_a_duty_known_in_time_withdraws_a_provisional_finding(tale: Tale) -> None:
    """It was written down within the grace and only its message was slow."""
    worker, case = tale.hires("w"), tale.name("case:c")
    tale.learn(assignment(tale.hires("z"), case, **tale.fields()))
    tale.pass_to(tale.at("14:00"))
    tale.see(worker, "view", case)
    tale.promises("14:10")
    assert [finding.certainty for finding in tale.told()] == ["provisional"]
    tale.learn(assignment(worker, case, **tale.fields(recorded_at=tale.at("14:40"))))
    tale.ends()
    assert tale.told() == []
    assert [t.transition for t in tale.transitions()] == ["raised", "withdrawn"]


def test_a_repeat_is_the_same_finding_and_says_nothing_new(tale: Tale) -> None:
    """Whether it comes at once or when all is over."""
    snooper, case = tale.hires("w"), tale.name("case:c")
    tale.learn(assignment(tale.hires("z"), case, **tale.fields()))
    tale.pass_to(tale.at("14:00"))
    access = tale.see(snooper, "view", case)
    tale.send(access)
    tale.ends()
    tale.told()
    tale.send(access)
    assert [finding.finding_id for finding in tale.told()] == [finding_id(access)]
    tale.service.wait_idle()
    assert [t.transition for t in tale.transitions()] == ["raised"]


def test_facts_that_contradict_an_earlier_one_are_set_aside(tale: Tale) -> None:
    """The same revision with other content, the same fact as another kind: the first stands, and both are told."""
    worker, snooper, case = tale.hires("w"), tale.hires("x"), tale.name("case:c")
    other = assignment(worker, case, **tale.fields(fact_id=tale.name("as")))
    tale.learn(other, assignment(snooper, case, **tale.fields(fact_id=tale.name("as"))))
    tale.learn(supervision(snooper, worker, **tale.fields(fact_id=f"ac-ecms-login.{worker}-{worker}")))
    tale.pass_to(tale.at("14:00"))
    tale.see(snooper, "view", case)
    tale.see(worker, "view", case)
    tale.ends()
    assert [finding.staff for finding in tale.told()] == [snooper]
    assert tale.expected(POLICY).conflicts == 2
    until(lambda: len(conflicts(tale.service)) == 2, "the conflicts were not told")
    facts = {m.offset: m for m in tale.service.messages(tale.service.topics.facts)}
    for letter in conflicts(tale.service):
        fact = facts[int(said(letter, "offset"))]
        assert letter.key == f"{tale.service.topics.facts}/0/{fact.offset}".encode()
        assert letter.value == fact.value


def conflicts(service: Running) -> list[Message]:
    """The dead letters about facts that contradict others."""
    return [letter for letter in service.letters().values() if said(letter, "stage") == "conflict"]


def said(letter: Message, name: str) -> str:
    """What a dead letter says about itself."""
    return dict(letter.headers)[f"{ERRORS}{name}"].decode()


BAD = tuple(bad_steps(Chance(1)))


def test_bad_messages_stop_nothing_and_are_kept_as_they_came(tale: Tale) -> None:
    """Each of every kind becomes one dead letter, and the access behind it is judged within a second."""
    snooper, case = tale.hires("w"), tale.name("case:c")
    tale.learn(assignment(tale.hires("z"), case, **tale.fields()))
    tale.ends()
    tale.told()
    before = set(tale.service.letters())
    good = [tale.see(snooper, "view", case, at=tale.at("14:00")) for step in BAD if step.topic[0] == "access"]
    steps = interleaved(tale, good)
    tale.service.play(steps)
    until(lambda: len(tale.transitions()) == len(good), "not every good access has been found")
    assert slowest(tale) < 1.0
    tale.service.wait_idle()
    letters = {key: letter for key, letter in tale.service.letters().items() if key not in before}
    assert len(letters) == len(BAD)
    came = {f"{m.topic}/{m.partition}/{m.offset}": m for m in sent_to(tale.service)}
    for key, letter in letters.items():
        assert_kept_as_it_came(tale.service.topics, came[key], letter)


def interleaved(tale: Tale, good: list[Any]) -> list[Step]:
    """Every bad message, and behind each that lies on an access topic a good one in the same partition."""
    told = iter(tale.steps[-len(good) :])
    steps: list[Step] = []
    for bad in BAD:
        steps.append(replace(bad, key=b"same"))
        if bad.topic[0] == "access":
            steps.append(replace(next(told), key=b"same"))
    return steps


def slowest(tale: Tale) -> float:
    """The longest time in seconds, by the broker's clock, from an access to its finding."""
    service = tale.service
    appended = {(m.partition, m.offset): m.timestamp for m in service.messages(service.topics.access("ecms"))}
    stored = {m.key: m for m in service.messages(service.topics.violations)}
    return max(
        (stored[f.finding_id.encode()].timestamp - appended[f.message.partition, f.message.offset]) / 1000
        for f in tale.transitions()
    )


def sent_to(service: Running) -> list[Message]:
    """Everything that lies on the topics that others write to."""
    topics = [*service.topics.accesses(), *service.topics.feeds()]
    return [message for topic in topics for message in service.messages(topic)]


def assert_kept_as_it_came(topics: Topics, came: Message, letter: Message) -> None:
    """The dead letter has the bytes, key and headers of the message it is about, and says where that lies and why."""
    place = said(letter, "topic"), int(said(letter, "partition")), int(said(letter, "offset"))
    assert place == (came.topic, came.partition, came.offset)
    assert letter.value == came.value
    assert tuple(h for h in letter.headers if not h[0].startswith(ERRORS)) == came.headers
    assert dict(letter.headers)[f"{ERRORS}key"] == came.key
    assert said(letter, "stage") == ("translate" if came.topic in topics.accesses() else "register")
    assert said(letter, "class") in ("RejectedInputError", "SpeaksForAnotherError")
    assert said(letter, "message")


def test_a_night_of_facts_is_sent_as_the_file_it_is(tale: Tale, tmp_path: Path) -> None:
    """In its own fixed-width lines, with header and trailer, by the command that operations use."""
    snooper, worker, case = tale.name("w"), tale.name("x"), tale.name("case:C")
    logins = f"SNOOP{tale.number:03d}", f"DUTY{tale.number:04d}"  # eight characters, as FACTS cuts them
    tale.learn(
        account(logins[0], snooper, source="facts", **tale.fields()),
        account(logins[1], worker, source="facts", **tale.fields()),
        assignment(worker, case, **tale.fields()),
    )
    did: list[tuple[str, Action]] = [(logins[0], "view"), (logins[1], "view"), (logins[0], "print")]
    lines = [
        audit_access(n, make_access(who, action, case, tale.at("14:00")))
        for n, (who, action) in enumerate(did, start=1)
    ]
    tale.ends()
    tale.told()
    file = facts_file(tale.at("23:00")[:10].replace("-", ""), tale.number, lines)
    (tmp_path / "night.txt").write_bytes(file.content)
    code, out, err = tale.service.command("send", str(tmp_path / "night.txt"), "--source", "facts")
    assert code == 0, err
    assert "5 messages in, 5 stored" in out
    for access in file.accesses:
        tale.send(access)
    tale.was_played_otherwise()
    found = {finding.access.action: finding for finding in tale.told()}
    assert {action: (f.staff, f.outcome) for action, f in found.items()} == {
        "view": (snooper, "unexplained"),
        "print": (snooper, "unexplained"),
    }


def test_the_ledger_tells_all_of_it_and_no_story_has_changed(service: Running, tales: list[Tale]) -> None:
    """Every message of every story is in a cut, and each verdict follows again from what was known."""
    service.wait_idle()
    assert service.verify()["differences"] == []
    transitions = service.findings()
    for tale in tales:
        due = tale.expected(POLICY)
        ours = [finding for finding in transitions if finding.finding_id in due.judged]
        assert compare(due, ours).is_right, f"story {tale.number}"


def test_a_feed_that_stands_still_for_too_long_is_judged_without(
    kafka: SharedBroker, namespace: str, tmp_path: Path
) -> None:
    """Also one that has never said anything. The finding is incomplete and names the feed; it is completed later."""
    settings = {"NTK_DECIDE_WITHOUT_FEED_AFTER_SECONDS": "2"}
    with running(kafka.bootstrap, tmp_path, namespace, **settings) as one:
        one.service.start_workers(1)
        tale = Tale(1, one)
        snooper, case = tale.hires("w"), tale.name("case:c")
        tale.learn(assignment(tale.hires("z"), case, **tale.fields()))
        tale.pass_to(tale.at("14:00"))
        tale.see(snooper, "view", case)
        tale.mark("staff", tale.at("23:00"))
        tale.mark("assignments", tale.at("23:00"))
        tale.play()
        until(lambda: judged(tale) == {("unexplained", ("cases",))}, "nothing was decided without the feed", seconds=20)
        tale.mark("cases", tale.at("23:00"))
        tale.play()
        until(lambda: joined_certainty(tale) == ["final"], "the finding was not completed", seconds=20)
        assert "cases" in waived(one)  # and others, where their marks took longer than those two seconds
        assert CONSOLE not in waived(one), "the console was given up, and nobody waited for it"
        tale.learn(account(f"console.{snooper}", snooper, source=CONSOLE, **tale.fields()))
        tale.see(snooper, "view", case, source=CONSOLE)
        tale.play()
        both = {("unexplained", ()), ("unexplained", ("console",))}
        until(lambda: judged(tale) == both, "nothing was decided without the console", seconds=20)
        assert one.verify()["differences"] == []


def waived(one: Running) -> set[str]:
    """The feeds that were judged without."""
    facts = (decode_registered(message.value) for message in one.messages(one.topics.facts))
    return {said.feed for said in facts if isinstance(said, Waiver)}


def test_a_feed_that_was_silent_before_a_restart_is_noticed_after_it(
    kafka: SharedBroker, namespace: str, tmp_path: Path
) -> None:
    """A worker that has never heard a feed must not wait for it for ever."""
    settings = {"NTK_DECIDE_WITHOUT_FEED_AFTER_SECONDS": "2"}
    now = int(time.time() * 1000)
    with running(kafka.bootstrap, tmp_path, namespace, **settings) as one:
        one.service.start_workers(1)
        tale = Tale(1, one)
        snooper = tale.hires("w")
        tale.mark("cases", now)
        tale.play()
        one.wait_idle()
        one.service.stop()
        one.service.start_workers(1)
        tale.pass_to(now + 1000)
        tale.see(snooper, "view", tale.name("case:c"))
        tale.mark("staff", now + 86_400_000)
        tale.mark("assignments", now + 86_400_000)
        tale.play()
        until(lambda: joined_certainty(tale) == ["incomplete"], "nothing was decided without the feed", seconds=20)


def judged(tale: Tale) -> set[tuple[str, tuple[str, ...]]]:
    """Each of the story's findings as it stands: its outcome, and the feeds that it was judged without."""
    return {(finding.outcome, finding.waiting_for) for finding in joined(tale.transitions()).values()}


def joined_certainty(tale: Tale) -> list[str]:
    """The certainty of each of the story's findings as it stands."""
    return [finding.certainty for finding in joined(tale.transitions()).values()]


def test_a_small_day_gives_exactly_the_findings_that_are_due(
    kafka: SharedBroker, namespace: str, tmp_path: Path
) -> None:
    """Snoopers, corrections, repeats, bad messages and conflicts, through two workers; a restart changes nothing."""
    day = sliced_day(7, accesses=500)
    with running(kafka.bootstrap, tmp_path, namespace) as one:
        one.service.start_workers(2)
        play_sliced(one, day, seconds=0.3)
        checked = check(one, day.expected)
        assert checked.faults() == []
        assert checked.repeats == 0
        written = sizes(one)
        one.service.stop()
        one.service.start_workers(2)
        one.wait_idle()
        assert sizes(one) == written
        assert check(one, day.expected).faults() == []


def sizes(one: Running) -> dict[str, int]:
    """How many messages each topic that our workers write to holds."""
    topics = one.topics
    ours = (topics.violations, topics.ledger, topics.dead_letters, topics.facts, topics.marks)
    return {topic: len(one.messages(topic)) for topic in ours}
