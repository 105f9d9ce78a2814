"""What was judged yesterday is judged again when today's fact changes what was true, also after a change of hands."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiokafka import AIOKafkaProducer

from schemas.codec import encode
from schemas.fact import Fact
from tests.faults.harness import Running, running, until
from tests.harness.broker import SharedBroker
from tests.harness.builders import account, assignment, registered, supervision
from tests.harness.outcome import compare
from tests.integration.tale import POLICY, Tale


def names(tale: Tale) -> list[str]:
    """The transitions of the story's findings, in order."""
    return [finding.transition for finding in tale.transitions()]


def test_a_duty_taken_back_reaches_an_access_that_was_explained(tale: Tale) -> None:
    """Nothing was said of it; now it is for review. Given back, that is withdrawn; taken back again, it stands."""
    worker, case = tale.hires("w"), tale.name("case:c")
    tale.learn(assignment(tale.hires("z"), case, **tale.fields()), assignment(worker, case, **tale.fields()))
    tale.pass_to(tale.at("14:00"))
    tale.see(worker, "export", case)
    tale.ends()
    assert tale.told() == []
    for revision in (2, 3, 4):
        is_void = revision != 3
        tale.learn(
            assignment(worker, case, **tale.fields(revision=revision, void=is_void, recorded_at=tale.at("23:30")))
        )
        assert [finding.outcome for finding in tale.told()] == (["revoked"] if is_void else [])
    assert names(tale) == ["raised", "withdrawn", "reinstated"]


def test_a_duty_that_comes_too_late_never_clears_a_final_finding(tale: Tale) -> None:
    """It stands, as late: justified only by what was written down afterwards."""
    worker, case = tale.hires("w"), tale.name("case:c")
    tale.learn(assignment(tale.hires("z"), case, **tale.fields()))
    tale.pass_to(tale.at("14:00"))
    tale.see(worker, "view", case)
    tale.ends()
    assert [(f.outcome, f.certainty) for f in tale.told()] == [("unexplained", "final")]
    tale.learn(assignment(worker, case, **tale.fields(recorded_at=tale.at("14:30"))))  # dated back: it breaks a mark
    assert [(f.outcome, f.certainty) for f in tale.told()] == [("late", "final")]
    assert names(tale) == ["raised", "revised"]


def test_a_login_that_was_somebody_elses_stops_accusing_the_first(tale: Tale) -> None:
    """The second has no duty either and is accused; the third has one, and nobody is."""
    first, second, third = tale.name("w1"), tale.name("w2"), tale.name("w3")
    case, login = tale.name("case:c"), tale.name("login")
    tale.learn(assignment(third, case, **tale.fields()), account(login, first, fact_id=login, **tale.fields()))
    tale.pass_to(tale.at("14:00"))
    tale.see(first, "view", case)
    tale.ends()
    assert [f.staff for f in tale.told()] == [first]
    tale.learn(account(login, second, fact_id=login, **tale.fields(revision=2, recorded_at=tale.at("23:30"))))
    assert [f.staff for f in tale.told()] == [second]
    tale.learn(account(login, third, fact_id=login, **tale.fields(revision=3, recorded_at=tale.at("23:40"))))
    assert tale.told() == []
    assert names(tale) == ["raised", "revised", "withdrawn"]


def test_a_supervisors_line_that_ended_reaches_what_it_explained(tale: Tale) -> None:
    """Found by who looked, since the fact names no record."""
    worker, chief, case = tale.hires("w"), tale.hires("s"), tale.name("case:c")
    line = supervision(chief, worker, **tale.fields())
    tale.learn(assignment(worker, case, **tale.fields()), line)
    tale.pass_to(tale.at("14:00"))
    tale.see(chief, "view", case)
    tale.see(worker, "view", case)
    tale.ends()
    assert tale.told() == []
    ended = tale.fields(revision=2, valid_to=tale.at("12:00"), recorded_at=tale.at("23:30"))
    tale.learn(supervision(chief, worker, **ended))
    assert [(f.staff, f.outcome) for f in tale.told()] == [(chief, "revoked")]


def test_a_verdict_is_explained_as_it_was_and_as_it_is(tale: Tale) -> None:
    """Each path tried, at the position of the first finding and now; one that nobody sent is not found."""
    worker, case = tale.hires("w"), tale.name("case:c")
    tale.learn(assignment(tale.hires("z"), case, **tale.fields()))
    tale.pass_to(tale.at("14:00"))
    event = tale.name("e")
    tale.see(worker, "view", case, event_id=event)
    tale.ends()
    [first] = tale.told()
    tale.learn(assignment(worker, case, **tale.fields(fact_id=tale.name("as"), recorded_at=tale.at("23:30"))))
    tale.told()
    told = tale.service.document("explain", "ecms", event, "--at-position", str(first.position))
    before, now = told["judged"]
    assert (before["position"], before["outcome"]) == (first.position, "unexplained")
    assert (now["outcome"], now["staff"]) == ("late", worker)
    own = {"feed": "assignments", "fact_id": tale.name("as"), "revision": 1}
    assert now["paths"][worker][0] == {"path": "own-assignment", "in_time": None, "now": [own], "closest": None}
    assert [(p["transition"], p["outcome"]) for p in told["published"]] == [
        ("raised", "unexplained"),
        ("revised", "late"),
    ]
    told = tale.service.document("explain", "ecms", event, "--at-position", str(now["position"]))
    assert told["judged"] == [now]  # where the facts end, then is now
    code, page, _ = tale.service.command("explain", "ecms", event)
    assert code == 0
    assert f"by now:  yes, by assignments/{tale.name('as')} revision 1" in page
    assert tale.service.command("explain", first.finding_id)[:2] == (0, page)
    code, _, complaint = tale.service.command("explain", "ecms", event, "--at-position", "99999999")
    assert (code, "facts end at position" in complaint) == (2, True)
    code, _, complaint = tale.service.command("explain", "f_" + "0" * 32)
    assert (code, "names no finding" in complaint) == (1, True)
    code, _, complaint = tale.service.command("explain", "ecms", tale.name("nobody-sent-it"))
    assert (code, "names no access on the topic of ecms" in complaint) == (1, True)


def test_the_ledger_verifies_and_no_story_has_changed(service: Running, tales: list[Tale]) -> None:
    """What was said before a correction follows from what was known before it."""
    service.wait_idle()
    report = service.verify()
    assert (report["differences"], report["unjudged"]) == ([], 0)
    for tale in tales:
        assert compare(tale.expected(POLICY), tale.transitions()).is_right, f"story {tale.number}"


def test_what_changed_while_nobody_held_the_partition_is_noticed_by_the_next(
    kafka: SharedBroker, namespace: str, tmp_path: Path
) -> None:
    """The fact is in the log before the worker starts, so only looking back can find whom it touches."""
    with running(kafka.bootstrap, tmp_path, namespace) as one:
        one.service.start_workers(1)
        tale = Tale(1, one)
        worker, snooper, case = tale.hires("w"), tale.hires("x"), tale.name("case:c")
        tale.learn(assignment(worker, case, **tale.fields()))
        tale.pass_to(tale.at("14:00"))
        tale.see(worker, "view", case)
        tale.see(snooper, "view", case)
        tale.ends()
        assert [f.staff for f in tale.told()] == [snooper]
        one.wait_idle()
        one.service.stop()
        changed = tale.fields(revision=2, void=True, recorded_at=tale.at("23:30"))
        late = tale.fields(recorded_at=tale.at("23:30"))
        write_fact(one, assignment(worker, case, **changed))
        write_fact(one, assignment(snooper, case, **late))
        one.service.start_workers(1)
        until(lambda: len(one.findings()) == 3, "what changed meanwhile was not noticed")
        one.wait_idle()
        assert {f.staff: f.outcome for f in one.findings()} == {snooper: "late", worker: "revoked"}
        assert one.verify()["differences"] == []


def write_fact(one: Running, fact: Fact) -> None:
    """Straight into `facts.v1`, as a worker that is gone by now would have."""

    async def write() -> None:
        async with AIOKafkaProducer(bootstrap_servers=one.service.bootstrap) as producer:
            await producer.send_and_wait(one.topics.facts, encode(registered(fact)))

    asyncio.run(write())
