"""The life of an alert, told as stories: what findings do to it, what people do, and who is told what."""

from __future__ import annotations

from typing import get_args

import pytest

from schemas.act import ActKind
from schemas.alert import Alert
from sinks.alerts.commanding import NotHeldError, TooLateError
from sinks.alerts.counting import waits
from sinks.alerts.life import LIFE, NotNowError
from sinks.alerts.receiving import BACK, LIGHTER, WORSE
from sinks.alerts.writing import KeyReusedError, NoSuchAlertError
from tests.harness.acts import GIVE_BACK, NOTE, REOPEN, REVEAL, TAKE, close, record_of
from tests.harness.builders import make_access
from tests.harness.desk import Desk
from tests.harness.findings import make_finding


@pytest.fixture
def desk() -> Desk:
    """A desk without anything on it."""
    return Desk()


# --- what findings do


def test_one_snooper_with_many_lookups_of_one_person_is_one_alert(desk: Desk) -> None:
    """1,700 lookups are one thing to look at."""
    for n in range(1_700):
        desk.hear(make_finding(f"lookup-{n}"))
    alert = desk.only()
    assert (alert.findings, alert.standing, alert.status) == (1_700, 1_700, "open")
    assert alert.circumstances == ("many-accesses",)


@pytest.mark.parametrize(
    "other",
    [
        make_finding("two", staff="w018"),
        make_finding("two", clause="use-without-duty"),
        make_finding("two", access=make_access(name="case:c0043", event_id="two")),
        make_finding("two", staff=None, outcome="unresolved"),
    ],
    ids=["staff", "clause", "record", "nobody"],
)
def test_another_person_record_or_clause_is_another_alert(desk: Desk, other: object) -> None:
    """Each is a question of its own."""
    desk.hear(make_finding("one"))
    desk.hear(other)
    assert len({a.alert_id for a in desk.alerts}) == 2


def test_a_login_of_nobody_is_not_the_same_login_at_another_source(desk: Desk) -> None:
    """Two systems may give one login to two people."""
    for source in ("ecms", "jnet"):
        access = make_access(source=source, event_id=f"{source}-1")
        desk.hear(make_finding(source, staff=None, outcome="unresolved", access=access))
    assert [(a.who.source, a.who.login) for a in desk.alerts] == [("ecms", "jdoe12"), ("jnet", "jdoe12")]


def test_a_message_read_again_changes_nothing(desk: Desk) -> None:
    """Whatever was read since: at least once is enough."""
    first, second = make_finding(position=1), make_finding(position=2, outcome="late", severity="low")
    desk.hear(first)
    desk.hear(second)
    before = list(desk.acts)
    assert [desk.hear(f) for f in (first, second, first)] == [[], [], []]
    assert desk.acts == before


def test_a_withdrawn_finding_closes_what_nobody_has_touched(desk: Desk) -> None:
    """The duty was recorded after all."""
    desk.hear(make_finding())
    desk.hear(make_finding(position=319, outcome="explained"))
    alert = desk.only()
    assert (alert.status, alert.closed_by, alert.disposition, alert.standing) == ("closed", None, None, 0)
    assert desk.kinds() == ["raised", "revised", "withdrawn"]


def test_it_stays_open_while_another_finding_stands(desk: Desk) -> None:
    """One of two lookups was explained."""
    desk.hear(make_finding("one"))
    desk.hear(make_finding("two"))
    desk.hear(make_finding("one", position=319, outcome="explained"))
    assert (desk.only().status, desk.only().standing, desk.only().findings) == ("open", 1, 2)


@pytest.mark.parametrize("body", [NOTE, TAKE, REVEAL], ids=["noted", "taken", "revealed"])
def test_what_somebody_has_touched_gets_a_supplement_instead(desk: Desk, body: object) -> None:
    """Nothing closes under somebody's eyes."""
    desk.hear(make_finding())
    desk.act("w002", body)
    desk.hear(make_finding(position=319, outcome="explained"))
    alert = desk.only()
    assert alert.status != "closed"
    assert (desk.kinds()[-1], alert.supplements, alert.standing, alert.outcome) == ("supplemented", 1, 0, "explained")


def test_a_supplement_counts_until_somebody_acts(desk: Desk) -> None:
    """Then they have seen it."""
    desk.hear(make_finding("one"))
    desk.act("w002", TAKE)
    desk.hear(make_finding("two"))
    assert desk.only().supplements == 1
    assert desk.act("w002", NOTE).supplements == 0


def test_what_stands_again_is_open_again(desk: Desk) -> None:
    """The service had closed it; a person must look now."""
    desk.hear(make_finding())
    desk.hear(make_finding(position=319, outcome="explained"))
    acts = desk.hear(make_finding(position=320))
    assert [a.body.kind for a in acts] == ["revised", "reopened"]
    assert acts[1].body.why == BACK
    assert (desk.only().status, desk.only().standing, desk.only().closed_at) == ("reopened", 1, None)


def test_one_first_heard_of_when_withdrawn_bothers_nobody(desk: Desk) -> None:
    """And an older word that comes later accuses nobody."""
    desk.hear(make_finding(position=319, outcome="explained"))
    assert desk.only().status == "closed"
    assert desk.hear(make_finding(position=318)) == []


def test_a_new_finding_after_the_close_is_a_new_alert(desk: Desk) -> None:
    """What was decided was decided about what was known."""
    desk.hear(make_finding("one"))
    closed = desk.act("w002", TAKE, close())
    desk.hear(make_finding("two"))
    assert [a.status for a in desk.alerts] == ["closed", "open"]
    assert desk.again(closed) == closed


def test_of_two_that_are_open_the_newer_gets_what_is_new(desk: Desk) -> None:
    """The older was reopened, to look at once more what it was about."""
    desk.hear(make_finding("one"))
    older = desk.act("w002", TAKE, close())
    desk.hear(make_finding("two"))
    desk.act("w002", REOPEN, alert=older)
    desk.hear(make_finding("three"))
    assert [a.findings for a in desk.alerts] == [1, 2]


def test_a_finding_that_names_somebody_else_leaves(desk: Desk) -> None:
    """The login was another person's: the first must not stand accused."""
    desk.hear(make_finding(staff="w017"))
    desk.hear(make_finding(staff="w018", position=319))
    first, second = desk.alerts
    assert (first.who.staff, first.status, first.findings, first.standing) == ("w017", "closed", 0, 0)
    assert (second.who.staff, second.status, second.findings, second.standing) == ("w018", "open", 1, 1)


def test_a_finding_that_comes_back_finds_its_alert(desk: Desk) -> None:
    """One access is never two alerts about one person."""
    for position, staff in ((318, "w017"), (319, "w018"), (320, "w017")):
        desk.hear(make_finding(staff=staff, position=position))
    first, second = desk.alerts
    assert (first.status, first.standing, first.findings) == ("reopened", 1, 1)
    assert (second.status, second.standing, second.findings) == ("closed", 0, 0)


@pytest.mark.parametrize(
    ("disposition", "after", "why"),
    [
        ("justified", make_finding(position=319, severity="critical"), WORSE),
        ("justified", make_finding(position=319, severity="low", outcome="late"), None),
        ("justified", make_finding(position=319, outcome="late"), None),
        ("justified", make_finding(position=319, outcome="explained"), None),
        ("data_error", make_finding(position=319, certainty="final"), None),
        ("policy_unclear", make_finding(position=319, severity="high"), WORSE),
        ("confirmed", make_finding(position=319, outcome="explained"), LIGHTER),
        ("confirmed", make_finding(position=319, severity="low", outcome="late"), LIGHTER),
        ("confirmed", make_finding(position=319, outcome="late"), LIGHTER),
        ("confirmed", make_finding(position=319, severity="critical"), None),
        ("confirmed", make_finding(staff="w018", position=319), LIGHTER),
    ],
)
def test_a_supplement_reopens_what_was_decided_otherwise(
    desk: Desk, disposition: object, after: object, why: str | None
) -> None:
    """More than was known when it was let be, or less than was known when somebody was confirmed; never silently."""
    desk.hear(make_finding())
    alert = desk.act("w002", TAKE, close(disposition))
    acts = [a for a in desk.hear(after) if a.alert_id == alert.alert_id]
    reasons = [a.body.why for a in acts if a.body.kind == "reopened"]
    assert reasons == ([why] if why else [])
    assert desk.again(alert).status == ("reopened" if why else "closed")
    assert desk.again(alert).supplements == 1


def test_what_seemed_late_and_is_unexplained_needs_a_person_again(desk: Desk) -> None:
    """As grave as before, and yet it says more."""
    desk.hear(make_finding(outcome="late"))
    alert = desk.act("w002", TAKE, close("justified"))
    desk.hear(make_finding(position=319, outcome="unexplained"))
    assert desk.again(alert).status == "reopened"


# --- what people do


def test_two_people_at_once_one_wins_and_the_other_learns_who_and_when(desk: Desk) -> None:
    """Nobody works on it twice."""
    desk.hear(make_finding())
    taken = desk.act("w002", TAKE, expected=1)
    with pytest.raises(TooLateError) as told:
        desk.act("w003", TAKE, expected=1)
    assert (told.value.by, told.value.at) == ("w002", taken.last_at)
    assert desk.only().holder == "w002"


def test_who_comes_late_learns_who_holds_it_whatever_was_done_since(desk: Desk) -> None:
    """Not who has written a note, nor that the service has filed something."""
    desk.hear(make_finding())
    taken = desk.act("w002", TAKE)
    desk.act("w004", NOTE)
    desk.hear(make_finding("two"))
    with pytest.raises(TooLateError) as told:
        desk.act("w003", TAKE)
    assert (told.value.by, told.value.at) == ("w002", taken.last_at)
    desk.act("w002", GIVE_BACK)
    again = desk.act("w003", TAKE)
    with pytest.raises(TooLateError) as told:
        desk.act("w002", TAKE)
    assert (told.value.by, told.value.at) == ("w003", again.last_at)


def test_a_command_sent_again_is_done_once(desk: Desk) -> None:
    """The answer was lost on the way, and the alert has moved on since."""
    desk.hear(make_finding())
    desk.act("w002", TAKE, key="k1")
    desk.act("w002", GIVE_BACK)
    desk.act("w002", TAKE, key="k1")
    assert desk.kinds() == ["raised", "acknowledged", "released"]


def test_a_key_is_for_one_command_of_one_person(desk: Desk) -> None:
    """The same key of somebody else is another key; for something else it is a mistake of the client."""
    desk.hear(make_finding())
    desk.act("w002", NOTE, key="k1")
    desk.act("w003", NOTE, key="k1")
    with pytest.raises(KeyReusedError):
        desk.act("w002", TAKE, key="k1")
    assert desk.kinds() == ["raised", "noted", "noted"]


def test_who_has_not_seen_what_it_is_now_does_not_decide(desk: Desk) -> None:
    """A supplement came between the reading and the decision."""
    desk.hear(make_finding("one"))
    seen = desk.act("w002", TAKE)
    desk.hear(make_finding("two"))
    with pytest.raises(TooLateError) as told:
        desk.act("w002", close(), expected=seen.version)
    assert told.value.by is None
    assert desk.only().status == "acknowledged"


def test_only_the_holder_closes(desk: Desk) -> None:
    """Whoever decides has taken it first."""
    desk.hear(make_finding())
    desk.act("w002", TAKE)
    with pytest.raises(NotHeldError):
        desk.act("w003", close())
    assert desk.act("w002", close()).closed_by == "w002"


def test_the_holder_gives_back_or_an_admin_for_them(desk: Desk) -> None:
    """Nobody else: they would take it away from under somebody."""
    desk.hear(make_finding())
    desk.act("w002", TAKE)
    with pytest.raises(NotHeldError):
        desk.act("w003", GIVE_BACK)
    assert desk.act("w009", GIVE_BACK, role="admin").holder is None
    assert desk.act("w003", TAKE).holder == "w003"


def test_what_must_be_done_first_is_said_where_there_is_something() -> None:
    """Of an alert that nobody holds: to decide it one takes it, and to give it back one need do nothing."""
    told = {str(NotNowError(status, kind)) for status in LIFE for kind in get_args(ActKind)}
    assert {words for words in told if "first" in words} == {
        f"an alert that is {status} cannot be closed: acknowledge it first" for status in ("open", "reopened")
    }


def test_a_step_of_several_acts_is_done_whole_or_not_at_all(desk: Desk) -> None:
    """Taken and closed in one go, or neither."""
    desk.hear(make_finding())
    with pytest.raises(NotNowError):
        desk.act("w002", TAKE, REOPEN)
    assert desk.kinds() == ["raised"]


def test_closed_may_reopen_and_be_decided_otherwise(desk: Desk) -> None:
    """A decision is a person's, and people learn."""
    desk.hear(make_finding())
    desk.act("w002", TAKE, close("justified"))
    assert desk.act("w003", REOPEN).disposition is None
    alert = desk.act("w003", TAKE, close("confirmed"))
    assert (alert.disposition, alert.closed_by) == ("confirmed", "w003")


def test_what_does_not_exist_cannot_be_acted_on(desk: Desk) -> None:
    """Nor is it told apart from what one must not know of."""
    alert = make_finding()
    desk.hear(alert)
    unknown = desk.only().model_copy(update={"alert_id": "a_" + "0" * 32})
    with pytest.raises(NoSuchAlertError):
        desk.act("w002", NOTE, alert=unknown)


# --- what is owed


def test_a_confirmed_violation_is_owed_its_record(desk: Desk) -> None:
    """Without exception: it stays open until somebody names the record of it."""
    desk.hear(make_finding())
    alert = desk.act("w002", TAKE, close("confirmed", refer=True))
    assert [(o.obligation, o.reference) for o in alert.owed] == [("discipline", None), ("referral", None)]
    alert = desk.act("w005", record_of("discipline"), role="law")
    assert [(o.obligation, o.reference) for o in alert.owed] == [("discipline", "HR-2026-17"), ("referral", None)]


@pytest.mark.parametrize("disposition", ["justified", "policy_unclear", "data_error"])
def test_nothing_is_owed_on_anything_else(desk: Desk, disposition: object) -> None:
    """Only a confirmed violation calls for discipline."""
    desk.hear(make_finding())
    assert desk.act("w002", TAKE, close(disposition)).owed == ()
    with pytest.raises(NotHeldError):
        desk.act("w005", record_of())


def test_what_is_recorded_stays_recorded(desk: Desk) -> None:
    """Also when it is reopened and confirmed once more; and nobody records it twice."""
    desk.hear(make_finding())
    desk.act("w002", TAKE, close("confirmed"))
    desk.act("w005", record_of())
    with pytest.raises(TooLateError):
        desk.act("w006", record_of())
    desk.act("w002", REOPEN)
    alert = desk.act("w002", TAKE, close("confirmed", refer=True))
    assert [(o.obligation, o.reference) for o in alert.owed] == [("discipline", "HR-2026-17"), ("referral", None)]


def test_what_is_owed_is_owed_since_it_was_first_and_while_it_is_open_again(desk: Desk) -> None:
    """Or a reopening would be a way out of it; it can be recorded meanwhile."""
    desk.hear(make_finding())
    first = desk.act("w002", TAKE, close("confirmed", refer=True))
    assert desk.act("w002", REOPEN).owed == first.owed
    desk.act("w005", record_of())
    alert = desk.act("w002", TAKE, close("confirmed"))
    assert [(o.obligation, o.since) for o in alert.owed] == [(o.obligation, o.since) for o in first.owed]
    desk.act("w002", REOPEN)
    assert [o.obligation for o in desk.act("w002", TAKE, close("justified")).owed] == ["discipline"]  # recorded


def test_an_obligation_waits_on_until_it_is_recorded_or_decided_otherwise(desk: Desk) -> None:
    """So ObligationOverdue comes whatever else is done to the alert."""
    desk.hear(make_finding())
    changes: list[tuple[str, str]] = []

    def note(before: Alert, after: Alert) -> Alert:
        found = waits(before, desk.acts[-1], after)
        changes.extend((type(change).__name__, change.what) for change in found if change.what != "taking")
        return after

    alert = note(desk.only(), desk.act("w002", TAKE, close("confirmed", refer=True)))
    alert = note(alert, desk.act("w002", REOPEN))
    alert = note(alert, desk.act("w005", record_of()))
    taken = note(alert, desk.act("w002", TAKE))
    note(taken, desk.act("w002", close("justified")))
    assert changes == [("Begun", "discipline"), ("Begun", "referral"), ("Over", "discipline"), ("Over", "referral")]


def test_the_table_closes_nothing_for_good() -> None:
    """From each status there is a way to a person's decision, and from a decision a way back."""
    for status, leads in LIFE.items():
        reached, new = {status}, set(leads.values())
        while new - reached:
            reached |= new
            new = {to for at in reached if at is not None for to in LIFE[at].values()}
        assert {"acknowledged", "closed", "reopened"} <= reached
