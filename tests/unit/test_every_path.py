"""Every path tried, and the page that shows them: what a lawyer checks a verdict by."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.access import finding_id
from schemas.codec import decode
from schemas.fact import Fact, RegisteredFact
from schemas.finding import FactRef, Finding
from schemas.policy import Policy
from sinks.cli.explain import Found, judge
from sinks.cli.explanation import Page, Said, aside_page, explanation_page, named_facts
from sinks.letters import Aside
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
    return {t.path: (_ids(t.then), _ids(t.now), t.closest and t.closest.why) for t in judged.paths[staff]}


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


def page_of(
    *facts: Fact | RegisteredFact, said: Sequence[Said] = (), ends: Sequence[int] = (), policy: Policy = POLICY
) -> list[str]:
    """The page about the access, at these positions and now."""
    log = [fact if isinstance(fact, RegisteredFact) else registered(fact) for fact in facts]
    judged = [judge(policy, log[:end], FOUND) for end in (*ends, len(log))]
    page = Page(FOUND.place, FOUND.finding_id, policy, judged, named_facts(judged, log), said)
    return explanation_page(page).splitlines()


def test_the_page_tells_it_in_order() -> None:
    """Where it lies, then and now, each path with its facts, those facts, and what was published."""
    own = assignment("w028", fact_id="own", recorded_by="w003")
    void = assignment("w028", fact_id="own", revision=2, void=True, recorded_at="18:00")
    other = assignment("w031", fact_id="x")
    page = page_of(JDOE, other, own, void, said=[(decode(Finding, FINDING), at("18:01"))], ends=[3])
    assert page == [
        f"message access.ecms.v1/2/991, finding {FOUND.finding_id}",
        f"policy {POLICY.name} version {POLICY.version} ({POLICY.hash()[:12]})",
        "",
        "at position 3 (then): explained",
        "  w028 viewed case c0042 on 2026-01-05 at 14:00:00 UTC: a recorded duty explains it.",
        "  w028, by what was recorded within 1 hour of the access (in time), and by what is recorded by now:",
        "    own-assignment",
        "      in time: yes, by assignments/own revision 1",
        "      by now:  yes, by assignments/own revision 1",
        "    supervises",
        "      in time: no",
        "      by now:  no",
        "    covers",
        "      in time: no",
        "      by now:  no",
        "",
        "at position 4 (now): revoked, low, clause C3 (search-without-duty)",
        "  w028 viewed case c0042 on 2026-01-05 at 14:00:00 UTC: a duty explained it when it happened, and was "
        "withdrawn or corrected since: for review.",
        "  w028, by what was recorded within 1 hour of the access (in time), and by what is recorded by now:",
        "    own-assignment",
        "      in time: yes, by assignments/own revision 1",
        "      by now:  no; closest: assignment was entered in error, by assignments/own revision 2",
        "    supervises",
        "      in time: no",
        "      by now:  no",
        "    covers",
        "      in time: no",
        "      by now:  no",
        "",
        "the facts that are named, with all that was recorded of them:",
        "  assignments/own, assignment",
        "    revision 1: holds from 2026-01-01T00:00:00.000Z without an end; recorded 2026-01-02T00:00:00.000Z by w003",
        "    revision 2: entered in error; recorded 2026-01-05T18:00:00.000Z by s03",
        "",
        "published 2026-01-05T18:01:00.000Z, at position 318: raised as unexplained, provisional",
    ]


def test_of_a_fact_its_end_and_when_it_was_known_are_told() -> None:
    """Known later than recorded, when it came behind its feed's mark."""
    own = registered(assignment("w028", fact_id="own", valid_to="18:00", recorded_at="10:00"), known_from="19:00")
    told = next(line for line in page_of(JDOE, own) if line.startswith("    revision 1: holds"))
    assert told == (
        "    revision 1: holds from 2026-01-01T00:00:00.000Z to 2026-01-05T18:00:00.000Z; "
        "recorded 2026-01-05T10:00:00.000Z by s03, known from 2026-01-05T19:00:00.000Z"
    )


def test_a_policy_without_grace_says_so() -> None:
    """Only what was recorded by then counts."""
    page = page_of(JDOE, policy=make_policy(grace_seconds=0))
    assert any("by what was recorded at once (in time)" in line for line in page)


def test_nobodys_login_and_silence_are_said() -> None:
    """In words."""
    page = page_of()
    assert page[5] == "  no recorded account makes that login anybody's then"
    assert page[-1] == "nothing was published about it"


def test_of_what_is_set_aside_its_letter_is_named() -> None:
    """Why nobody looks at it, where to see more, and what was published before."""
    aside = Aside(range(990, 993), "access.ecms.v1/2/990", "message: unpacks to \x1b too much")
    finding = decode(Finding, FINDING)
    page = aside_page(FOUND.place, aside, [(finding, at("18:01"))]).splitlines()
    assert page[0].startswith("message access.ecms.v1/2/991: ")
    assert "set aside" in page[0]
    assert page[1] == "  dead letter access.ecms.v1/2/990: message: unpacks to \\x1b too much"
    assert page[2] == "  see it: needtoknow dead-letters show access.ecms.v1/2/990"
    assert "deploy/runbooks/DeadLetters.md" in page[3]
    assert page[-1] == "published 2026-01-05T18:01:00.000Z, at position 318: raised as unexplained, provisional"
    assert aside_page(FOUND.place, aside, []).splitlines()[-1] == "nothing was published about it"
