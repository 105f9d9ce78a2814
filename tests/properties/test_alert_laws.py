"""Laws of alerts, over stories that chance makes: whatever findings come in whatever order, whoever acts in between."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from schemas.act import Body, OfFinding
from schemas.alert import Alert
from schemas.codec import decode, encode
from schemas.errors import NeedToKnowError
from schemas.finding import Finding
from sinks.alerts.chain import breaks
from sinks.alerts.folding import is_standing
from sinks.alerts.writing import project
from sinks.joined import State, join
from tests.harness.acts import GIVE_BACK, NOTE, REOPEN, REVEAL, TAKE, close, record_of
from tests.harness.builders import make_access
from tests.harness.desk import Desk, MemoryWriting
from tests.harness.findings import make_finding

NAMES = {"one": "e1", "two": "e1", "three": "e3"}
"""Two findings tell of one access."""
STAFF = ("w017", "w018", None)
HUMAN: list[Body] = [
    TAKE,
    GIVE_BACK,
    NOTE,
    REVEAL,
    REOPEN,
    close("justified"),
    close("confirmed", refer=True),
    close("data_error"),
    record_of("discipline"),
]

Step = Finding | tuple[str, Body, int]


@st.composite
def transitions(draw: st.DrawFn) -> Finding:
    """One transition of one of three findings, at a position of its own."""
    name = draw(st.sampled_from([*NAMES]))
    return make_finding(
        name,
        draw(st.sampled_from(STAFF)),
        draw(st.integers(1, 12)),
        outcome=draw(st.sampled_from(["explained", "late", "revoked", "unexplained", "unresolved"])),
        certainty=draw(st.sampled_from(["incomplete", "provisional", "final"])),
        severity=draw(st.sampled_from(["low", "medium", "high", "critical"])),
        flags=draw(st.sampled_from([(), ("borderline",)])),
        access=make_access(
            event_id=NAMES[name],
            result=draw(st.sampled_from(["success", "denied"])),
            when=draw(st.sampled_from(["14:00", "15:00"])),
        ),
    )


STEPS = st.lists(
    transitions() | st.tuples(st.sampled_from(["w002", "w003"]), st.sampled_from(HUMAN), st.integers(0, 5)), max_size=25
)


def told(steps: list[Step]) -> Desk:
    """A desk after these steps; what the alerts do not allow is refused and leaves nothing."""
    desk = Desk()
    for step in steps:
        if isinstance(step, Finding):
            desk.hear(step)
        elif desk.alerts:
            who, body, index = step
            with suppress(NeedToKnowError):
                desk.act(who, body, alert=desk.alerts[index % len(desk.alerts)])
    return desk


def heard(steps: list[Step]) -> dict[str, State]:
    """The joined state of each finding, by the law and not by the code under test."""
    states: dict[str, State] = {}
    for finding in (s for s in steps if isinstance(s, Finding)):
        alone = State(finding, finding.certainty)
        before = states.get(finding.finding_id)
        states[finding.finding_id] = alone if before is None else join(before, alone)
    return states


@given(STEPS)
def test_every_finding_that_stands_is_in_exactly_one_alert_about_its_person(steps: list[Step]) -> None:
    """No finding is lost, none counted twice, and none held against somebody whom it no longer names."""
    desk = told(steps)
    states = heard(steps)
    due: Counter[str] = Counter()
    for name, state in states.items():
        if state.newest.outcome != "explained":
            alert_id, body = desk.store.state.findings[name]
            assert (body.finding, body.certainty) == (state.newest, state.certainty)
            assert desk.store.state.alerts[alert_id].who.staff == state.newest.staff
            due[alert_id] += 1
    assert Counter({a.alert_id: a.standing for a in desk.alerts if a.standing}) == due


@given(STEPS)
def test_the_service_closes_only_what_nobody_has_touched_and_nothing_stands_in(steps: list[Step]) -> None:
    """Nothing closes under somebody's eyes, and no snooper is let go of unseen."""
    desk = told(steps)
    touched: set[str] = set()
    for act in desk.acts:
        if act.by is not None:
            touched.add(act.alert_id)
        assert act.body.kind != "withdrawn" or act.alert_id not in touched
    for alert in desk.alerts:
        if alert.standing and alert.status == "closed":
            assert alert.disposition is not None


@given(STEPS)
def test_reading_everything_again_writes_nothing(steps: list[Step]) -> None:
    """After a crash messages come again, the oldest first."""
    desk = told(steps)
    before = len(desk.acts)
    assert [desk.hear(s) for s in steps if isinstance(s, Finding)] == [[] for s in steps if isinstance(s, Finding)]
    assert len(desk.acts) == before


@given(STEPS)
def test_the_acts_make_the_same_alerts_again(steps: list[Step]) -> None:
    """Rows are a projection: made anew from the acts as they are stored, they are the same to the byte."""
    desk = told(steps)
    stored = [decode(type(act), encode(act)) for act in desk.acts]
    assert list(breaks(stored)) == []
    again = MemoryWriting()
    for act in stored:
        project(again, act, again.alert(act.alert_id))
    assert {k: encode(v) for k, v in again.alerts.items()} == {a.alert_id: encode(a) for a in desk.alerts}
    assert again.findings == desk.store.state.findings


@given(STEPS)
def test_what_an_alert_says_is_what_its_findings_say(steps: list[Step]) -> None:
    """The tallies are kept step by step; counted from the start they are the same: each access once."""
    desk = told(steps)
    accesses: dict[tuple[str, str], list[OfFinding]] = {}
    for alert_id, body in desk.store.state.findings.values():
        if is_standing(body):
            accesses.setdefault((alert_id, body.finding.access.event_id), []).append(body)
    counted: dict[str, Counter[tuple[object, ...]]] = {a.alert_id: Counter() for a in desk.alerts}
    for (alert_id, _), bodies in accesses.items():
        body = max(bodies, key=_weight)
        f = body.finding
        counted[alert_id][f.outcome, body.certainty, f.severity, f.access.result, f.flags] += 1
    for alert in desk.alerts:
        kept: Counter[tuple[object, ...]] = Counter()
        for t in alert.tallies:
            kept[t.outcome, t.certainty, t.severity, t.result, t.flags] += t.count
        assert kept == counted[alert.alert_id]
        assert _is_grave_enough(alert)


def _weight(body: OfFinding) -> tuple[int | bool, ...]:
    f = body.finding
    return (
        ["low", "medium", "high", "critical"].index(f.severity),
        "borderline" not in f.flags,
        ["late", "revoked", "unresolved", "unexplained"].index(f.outcome),
        ["incomplete", "provisional", "final"].index(body.certainty),
        f.access.result == "denied",
    )


def _is_grave_enough(alert: Alert) -> bool:
    order = ["low", "medium", "high", "critical"]
    worst = max((order.index(t.severity) for t in alert.tallies), default=0)
    if alert.tallies and all("borderline" in t.flags for t in alert.tallies):
        return order.index(alert.severity) <= 1
    return worst <= order.index(alert.severity) <= worst + 1
