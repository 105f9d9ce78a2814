"""Who may do what: every role, every relation, every deed; and who stands how to whom."""

from __future__ import annotations

from typing import get_args

import pytest

from schemas.act import ROLES
from sinks.alerts.authorizer import Deed, Standing, may, standing
from sinks.alerts.directory import REMEMBERED_MS, person, staff_of
from sinks.alerts.parties import Party, parties
from streams.join.knowledge import Knowledge, knowing
from tests.harness.builders import account, at, make_access, registered, supervision
from tests.harness.findings import make_finding

NOW = at("15:00")

# Written out by hand, so that a change of the table has to be made twice.
MATRIX = {
    "viewer": "see",
    "analyst": "see search note acknowledge release close reopen reveal",
    "investigator": "see search note acknowledge release close confirm reopen reveal export",
    "law": "see search note acknowledge release close confirm reopen record reveal export",
    "auditor": "see search note reveal export",
    "admin": "see note release record",
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("stands", get_args(Standing))
@pytest.mark.parametrize("deed", get_args(Deed))
def test_every_role_relation_and_deed(role: object, stands: object, deed: object) -> None:
    """What is about somebody does not exist for them; the actor's superiors see and comment, whoever they are."""
    expected = {
        "none": deed in MATRIX[role].split(),
        "about_them": False,
        "superior_of_actor": deed in {"see", "note"},
    }[stands]
    assert may(role, stands, deed) is expected


@pytest.fixture
def knowledge() -> Knowledge:
    """w017, whose chief is s03, whose chief is s01; w018 beside w017; s09 was w017's chief two years ago."""
    facts = [
        account("jdoe12", "w017"),
        account("jdoe", "w017", source="jnet"),
        account("kroe", "w018"),
        account("chief", "s03"),
        account("ana", "w017", source="console"),
        supervision("s03", "w017"),
        supervision("s03", "w018"),
        supervision("s01", "s03"),
        supervision("s09", "w017", valid_from="2020-01-01", valid_to="2022-01-01"),
        supervision("s08", "w017", valid_from="2020-01-01", valid_to=NOW - REMEMBERED_MS + 1),
        supervision("s07", "w017", void=True),
    ]
    return knowing([registered(fact) for fact in facts], 0)


def test_a_sign_in_is_a_staff_member_by_the_facts(knowledge: Knowledge) -> None:
    """Of the source `console`; a login of another system opens nothing here."""
    assert staff_of(knowledge, "ana", NOW) == "w017"
    assert staff_of(knowledge, "jdoe12", NOW) is None
    assert staff_of(knowledge, "ana", at("2025-12-31")) is None


def test_a_login_of_two_people_is_nobody(knowledge: Knowledge) -> None:
    """Nobody acts under a name that may be somebody else's."""
    knowledge.learn(20, registered(account("ana", "w018", source="console", fact_id="other")))
    assert staff_of(knowledge, "ana", NOW) is None


def test_who_answers_for_whom_goes_all_the_way(knowledge: Knowledge) -> None:
    """Directly or not, now or within a year; what was entered in error, or ended long ago, does not count."""
    w017 = person(knowledge, "w017", "analyst", NOW)
    assert w017.above == {"s03", "s01", "s08"}
    assert w017.below == frozenset()
    assert person(knowledge, "s01", "viewer", NOW).below == {"s03", "w017", "w018"}


def test_a_circle_of_supervision_ends(knowledge: Knowledge) -> None:
    """Real directories have them."""
    knowledge.learn(20, registered(supervision("w017", "s01", fact_id="loop")))
    assert person(knowledge, "w017", "analyst", NOW).above == {"s03", "s01", "s08"}


def about(**access: object) -> frozenset[Party]:
    """The parties of a finding about w018 that reads so."""
    return parties(make_finding(staff="w018", access=make_access("kroe", **access)))


@pytest.mark.parametrize(
    ("who", "of", "stands"),
    [
        ("w018", about(), "about_them"),
        ("w017", about(), "none"),
        ("s03", about(), "superior_of_actor"),
        ("s01", about(), "superior_of_actor"),
        ("s09", about(), "none"),
        ("w017", about(name="staff:w017"), "about_them"),
        ("w017", about(name="criteria:q1", candidates=["person:p1", "staff:w017"]), "about_them"),
        ("w017", about(requested_for="jdoe12"), "about_them"),
        ("s03", about(name="staff:s03"), "about_them"),
    ],
)
def test_how_somebody_stands_to_an_alert(knowledge: Knowledge, who: str, of: frozenset[Party], stands: str) -> None:
    """The actor, whose record it was, for whom it was looked up; hiding goes before seeing."""
    assert standing(person(knowledge, who, "investigator", NOW), of) == stands


def test_nobody_looks_on_at_an_alert_about_their_chief(knowledge: Knowledge) -> None:
    """Nor at one about the chief's login while that is not yet resolved."""
    w017 = person(knowledge, "w017", "investigator", NOW)
    chief = make_finding(staff="s03", access=make_access("chief"))
    unresolved = make_finding(staff=None, access=make_access("chief"))
    assert standing(w017, parties(chief)) == "about_them"
    assert standing(w017, parties(unresolved)) == "about_them"
    assert standing(w017, parties(make_finding(staff=None, access=make_access("jdoe12")))) == "about_them"


def test_a_login_of_another_system_is_another(knowledge: Knowledge) -> None:
    """jdoe12 is w017 at ECMS; at JNET it may be anybody."""
    w017 = person(knowledge, "w017", "analyst", NOW)
    assert standing(w017, parties(make_finding(staff=None, access=make_access("jdoe12", source="jnet")))) == "none"
    assert standing(w017, parties(make_finding(staff=None, access=make_access("jdoe", source="jnet")))) == "about_them"
