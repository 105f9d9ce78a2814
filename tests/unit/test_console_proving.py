"""What the console proves of an access: the paths and the duties, without anybody's record."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.access import finding_id
from schemas.act import Act
from schemas.finding import Finding
from sinks.console.masks import Masks
from sinks.console.proof import Proof
from sinks.console.proving import Prover, heaviest
from streams.join.knowledge import knowing
from streams.policies import load_policy
from tests.harness.builders import account, assignment, at, make_access, membership, registered, supervision
from tests.harness.console import KnownFacts
from tests.harness.desk import Desk
from tests.harness.findings import make_finding

MASKS = Masks(b"of this test")
ENDED = assignment("w017", valid_from="2025-12-01", valid_to="2025-12-27", recorded_at="2025-12-01")


def proved(*facts: Any, finding: Any = None, is_loaded: bool = True) -> Proof | None:
    """What is proved of one finding, by these facts."""
    desk = Desk()
    acts: list[Act] = desk.hear(finding or make_finding())
    known = KnownFacts(knowing([registered(f) for f in (account("jdoe12", "w017"), *facts)], 3_600_000), is_loaded)
    return Prover(known, load_policy(), MASKS)(desk.only(), acts)


def test_it_says_which_path_failed_and_draws_the_duty_that_ended() -> None:
    """Nine days before; on record then and now."""
    found = proved(ENDED)
    assert found is not None
    assert (found.staff, found.then, found.now) == ("w017", "none", "none")
    [path] = [path for path in found.paths if path.path == "own-assignment"]
    assert path.why_not_now == "assignment ended 9 days before"
    [period] = found.periods
    assert (period.begin, period.end, period.known) == (at("2025-12-01"), at("2025-12-27"), "both")
    assert period.words.startswith("w017 is assigned to case #")


def test_where_nothing_is_on_record_is_said_once() -> None:
    """Not in a row for each path, twice in each. At the console reviews are sought, too."""
    nothing = proved(assignment("w099"))
    assert nothing is not None
    assert all(path.leads_nowhere for path in nothing.paths)
    assert nothing.nowhere == "assignment, supervision or coverage"
    some = proved(ENDED)
    assert some is not None
    assert ([path.path for path in some.paths if not path.leads_nowhere], some.nowhere) == (
        ["own-assignment"],
        "supervision or coverage",
    )
    access = make_access(source="console", actor="ana")
    there = proved(account("ana", "w017", source="console"), assignment("w099"), finding=make_finding(access=access))
    assert there is not None
    assert there.nowhere == "assignment, supervision, coverage or review"


def test_no_record_is_named() -> None:
    """Neither the one that was opened nor what it belongs to."""
    access = make_access(name="person:p-secret")
    found = proved(
        membership("person:p-secret", "case:c-secret"),
        assignment("w017", "case:c-secret", valid_to="2026-01-02"),
        supervision("s03", "w017"),
        finding=make_finding(access=access),
    )
    assert found is not None
    assert len(found.periods) >= 2
    assert "secret" not in repr(found)


def test_what_was_written_down_too_late_is_on_record_now_only() -> None:
    """Then: no. Now: yes. Both are shown."""
    late = assignment("w017", valid_from="2026-01-01", recorded_at="2026-01-09")
    found = proved(late, finding=make_finding(outcome="late"))
    assert found is not None
    assert (found.then, found.now) == ("none", "all")
    assert [period.known for period in found.periods] == ["now"]


def judged_as_of(appended: str) -> Finding:
    """About an access dated 14:00, a little ahead of when it was stored: no flag tells."""
    finding = make_finding()
    return finding.model_copy(update={"finding_id": finding_id(finding.access, at(appended))})


def test_what_is_imprecise_is_proved_over_all_of_its_time() -> None:
    """As it was judged, whenever it was stored; until 18:00 for a part of it."""
    access = make_access(until="20:00")
    ended = assignment("w017", valid_to="18:00")
    for appended in ("14:01", "20:01"):
        finding = make_finding(access=access).model_copy(update={"finding_id": finding_id(access, at(appended))})
        found = proved(ended, finding=finding)
        assert found is not None
        assert (found.then, found.now) == ("some", "some")


@pytest.mark.parametrize(
    "made",
    [
        {"finding": judged_as_of("13:59:58")},
        {"finding": make_finding(staff=None, access=make_access("nobody"))},
        {"finding": make_finding(outcome="explained")},
        {"is_loaded": False},
    ],
    ids=["dated ahead", "nobody's login", "nothing stands", "no facts yet"],
)
def test_where_nothing_can_be_proved_the_judges_words_stand(made: dict[str, Any]) -> None:
    """Better none than a wrong one."""
    assert proved(ENDED, **made) is None


def test_the_finding_that_weighs_most_is_proved() -> None:
    """A reader in a hurry sees one."""
    desk = Desk()
    acts = desk.hear(make_finding("look", severity="low")) + desk.hear(make_finding("export", severity="critical"))
    acts += desk.hear(make_finding("other", severity="medium"))
    best = heaviest(acts)
    assert best is not None
    assert best.severity == "critical"


def test_of_several_revisions_one_counted_then_and_one_counts_now() -> None:
    """What was corrected, or was known to be an error, within the grace never counted."""
    taken_back = assignment("w017", revision=2, void=True, recorded_at="2026-01-09")
    corrected = assignment("w017", revision=2, valid_to="2026-01-04", recorded_at="2026-01-03")
    error = assignment("w017", revision=2, void=True, recorded_at="2026-01-03")
    for facts, known in (
        ((assignment("w017"), taken_back), ["then"]),
        ((assignment("w017"), corrected), ["both"]),
        ((assignment("w017"), error), []),
    ):
        found = proved(*facts)
        assert found is not None
        assert [period.known for period in found.periods] == known
