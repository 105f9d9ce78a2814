"""How grave an alert is, and why."""

from __future__ import annotations

import pytest

from schemas.finding import Finding
from tests.harness.acts import TAKE, close
from tests.harness.builders import make_access
from tests.harness.desk import Desk
from tests.harness.findings import make_finding


def raised(*findings: object) -> tuple[str, tuple[str, ...]]:
    """Severity and circumstances of the one alert that these findings make."""
    desk = Desk()
    for finding in findings:
        desk.hear(finding)
    return desk.only().severity, desk.only().circumstances


def test_it_is_as_grave_as_its_gravest_finding() -> None:
    """One export weighs more than many looks."""
    looks = [make_finding(f"look-{n}", severity="low") for n in range(3)]
    assert raised(*looks, make_finding("export", severity="high")) == ("high", ())


@pytest.mark.parametrize(
    ("finding", "named"),
    [
        (make_finding(access=make_access(name="staff:w031")), ("employee-record",)),
        (make_finding(access=make_access(name="staff:w017")), ("own-record", "employee-record")),
        (make_finding(access=make_access(action="print", object_count=100)), ("bulk",)),
    ],
)
def test_a_named_circumstance_raises_it_by_one(finding: object, named: tuple[str, ...]) -> None:
    """Once, however many there are: each is only a hint."""
    assert raised(finding) == ("high", named)


def test_a_case_more_or_less_is_no_bulk() -> None:
    """Below the bound nothing is said."""
    assert raised(make_finding(access=make_access(action="print", object_count=99))) == ("medium", ())


def test_who_is_denied_and_gets_in_after_all_is_told() -> None:
    """Trying another door is worth a look; being turned away alone is not worth more."""
    denied = make_finding("denied", access=make_access(event_id="d", result="denied"))
    assert raised(denied) == ("medium", ())
    assert raised(denied, make_finding("done")) == ("high", ("denied-and-done",))


def test_ten_accesses_are_many() -> None:
    """Nobody errs that often."""
    assert raised(*(make_finding(f"look-{n}") for n in range(9))) == ("medium", ())
    assert raised(*(make_finding(f"look-{n}") for n in range(10))) == ("high", ("many-accesses",))


def test_critical_is_the_most() -> None:
    """There is nothing above it."""
    assert raised(make_finding(severity="critical", access=make_access(object_count=5_000)))[0] == "critical"


def test_what_may_not_have_happened_within_the_time_is_never_above_medium() -> None:
    """Only while each is borderline (design section 5)."""
    many = [make_finding(f"look-{n}", flags=("borderline",)) for n in range(12)]
    assert raised(*many) == ("medium", ("many-accesses",))
    assert raised(*many, make_finding("certain")) == ("high", ("many-accesses",))


def claimed(name: str, severity: str = "critical") -> Finding:
    """A print by login snoop, which has typed in jdoe12 as who asked: jdoe12's owner is judged by that word."""
    return make_finding(name, severity=severity, access=make_access("jdoe12", "print", event_id=name, operator="snoop"))


def test_whoever_is_only_named_as_who_asked_is_never_above_medium() -> None:
    """Anybody can be typed in there, however often. What they do themselves counts as ever."""
    many = [claimed(f"c{n}") for n in range(12)]
    assert raised(claimed("c0")) == ("medium", ())
    assert raised(claimed("c0", "low")) == ("low", ())
    assert raised(*many) == ("medium", ("many-accesses",))
    assert raised(*many, make_finding("own")) == ("high", ("many-accesses",))
    assert raised(claimed("c0"), make_finding("own", severity="high", flags=("borderline",)))[0] == "medium"


def test_a_word_that_grows_graver_opens_nothing_again() -> None:
    """Somebody has let it be, and nothing more is known than that they were named."""
    desk = Desk()
    desk.hear(claimed("c0", "medium"))
    desk.act("w002", TAKE, close("justified"))
    desk.hear(claimed("c0", "critical").model_copy(update={"position": 319}))
    assert desk.kinds()[-1] == "supplemented"


def test_a_circumstance_of_what_is_withdrawn_is_gone() -> None:
    """The export was explained; the look was not."""
    export = make_finding("export", severity="critical", access=make_access(event_id="x", object_count=900))
    gone = export.model_copy(update={"position": 319, "outcome": "explained"})
    assert raised(make_finding("look"), export, gone) == ("medium", ())


def test_the_near_miss_shown_is_that_of_what_weighs_most() -> None:
    """A reader in a hurry reads one."""
    desk = Desk()
    desk.hear(make_finding("export", severity="high", near="assignment ended 2 days before"))
    desk.hear(make_finding("look", severity="low", near="coverage ended 1 hour before"))
    assert desk.only().why == "assignment ended 2 days before"
