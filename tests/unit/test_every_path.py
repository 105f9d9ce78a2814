"""Every path tried, and the page that shows them: what a lawyer checks a verdict by."""

from __future__ import annotations

from schemas.access import finding_id
from schemas.codec import decode
from schemas.fact import Fact
from schemas.finding import FactRef, Finding
from sinks.cli.explain import Found, judge
from sinks.cli.explanation import aside_page, explanation_page
from sinks.cli.letters import Aside
from streams.join.question import question_of
from tests.contract.examples import FINDING
from tests.harness.builders import account, assignment, at, coverage, make_access, make_policy, registered, supervision
from tests.harness.verdicts import JDOE

ACCESS = make_access()
FOUND = Found("access.ecms.v1/2/991", ACCESS, question_of(ACCESS, at("20:00")), finding_id(ACCESS))
POLICY = make_policy()


def paths(*facts: Fact, staff: str = "w028") -> dict[str, tuple[list[str] | None, list[str] | None, str | None]]:
    """By path: fact ids that clear it in time, and now, and what came closest."""
    judged = judge(POLICY, [registered(fact) for fact in facts], FOUND)
    return {t.path: (_ids(t.then), _ids(t.now), t.why) for t in judged.paths[staff]}


def _ids(facts: tuple[FactRef, ...] | None) -> list[str] | None:
    return None if facts is None else [fact.fact_id for fact in facts]


def test_in_time_is_what_was_recorded_within_the_grace() -> None:
    """An hour after the access, and not a millisecond more."""
    for recorded_at, then in (("15:00", ["own"]), ("15:00:00.001", None)):
        found = paths(JDOE, assignment("w028", fact_id="own", recorded_at=recorded_at))
        assert found["own-assignment"] == (then, ["own"], None)


def test_all_paths_that_clear_are_listed() -> None:
    """Judging stops at the first; whoever asks sees all, with the facts each rests on."""
    found = paths(
        JDOE,
        assignment("w028", fact_id="own"),
        assignment("w031", fact_id="theirs"),
        supervision("w028", "w031", fact_id="line"),
        coverage("w028", "w031", fact_id="cover"),
    )
    assert found == {
        "own-assignment": (["own"], ["own"], None),
        "supervises": (["line", "theirs"], ["line", "theirs"], None),
        "covers": (["cover", "theirs"], ["cover", "theirs"], None),
    }


def test_what_was_known_in_time_and_what_is_known_now_are_apart() -> None:
    """Recorded too late, and taken back since; a path that clears nothing says what came closest."""
    late = assignment("w028", fact_id="own", recorded_at="15:00:00.001")
    assert paths(JDOE, late)["own-assignment"] == (None, ["own"], None)
    void = assignment("w028", fact_id="own", revision=2, void=True, recorded_at="18:00")
    then, now, why = paths(JDOE, assignment("w028", fact_id="own"), void)["own-assignment"]
    assert (then, now, why) == (["own"], None, "assignment was entered in error")
    assert paths(JDOE)["supervises"] == (None, None, None)


def test_everybody_whose_login_it_was_is_shown() -> None:
    """Two people by one login, or nobody."""
    shared = judge(POLICY, [registered(f) for f in (JDOE, account("jdoe12", "w031", fact_id="b"))], FOUND)
    assert sorted(shared.paths) == ["w028", "w031"]
    assert judge(POLICY, [], FOUND).paths == {}


def test_the_page_tells_it_in_order() -> None:
    """Where it lies, then and now, each path with its facts, and what was published."""
    own = registered(assignment("w028", fact_id="own"))
    void = registered(assignment("w028", fact_id="own", revision=2, void=True, recorded_at="18:00"))
    facts = [registered(JDOE), registered(assignment("w031", fact_id="x")), own, void]
    judged = [judge(POLICY, facts[:3], FOUND), judge(POLICY, facts, FOUND)]
    finding = decode(Finding, FINDING)
    page = explanation_page(FOUND.place, judged, [finding]).splitlines()
    assert page[:5] == [
        "message access.ecms.v1/2/991",
        "",
        "at position 3 (then): explained",
        "  w028 viewed case c0042 on 2026-01-05 at 14:00:00 UTC: a recorded duty explains it.",
        "  w028, known in time / known now:",
    ]
    assert page[5] == "    own-assignment  yes, by assignments/own revision 1 / yes, by assignments/own revision 1"
    assert page[6] == "    supervises      no / no"
    assert page[9] == "at position 4 (now): revoked, low, clause search-without-duty"
    assert page[12] == (
        "    own-assignment  yes, by assignments/own revision 1 / no; closest: assignment was entered in error"
    )
    assert page[-1] == f"published at position {finding.position}: raised as unexplained, provisional"


def test_nobodys_login_and_silence_are_said() -> None:
    """In words."""
    page = explanation_page(FOUND.place, [judge(POLICY, [], FOUND)], []).splitlines()
    assert page[4] == "  no recorded account makes that login anybody's then"
    assert page[-1] == "nothing was published about it"


def test_of_what_is_set_aside_its_letter_is_named() -> None:
    """Why nobody looks at it, where to see more, and what was published before."""
    aside = Aside(range(990, 993), "access.ecms.v1/2/990", "message: unpacks to \x1b too much")
    finding = decode(Finding, FINDING)
    page = aside_page(FOUND.place, aside, [finding]).splitlines()
    assert page[0].startswith("message access.ecms.v1/2/991: ")
    assert "set aside" in page[0]
    assert page[1] == "  dead letter access.ecms.v1/2/990: message: unpacks to \\x1b too much"
    assert page[2] == "  see it: needtoknow dead-letters show access.ecms.v1/2/990"
    assert "deploy/runbooks/DeadLetters.md" in page[3]
    assert page[-1] == f"published at position {finding.position}: raised as unexplained, provisional"
    assert aside_page(FOUND.place, aside, []).splitlines()[-1] == "nothing was published about it"
