"""What an act says to the rest of the service."""

from __future__ import annotations

import pytest

from schemas.access import Access
from schemas.act import Act, Exported
from schemas.codec import decode
from schemas.fact import Fact, Mark, Review
from schemas.topics import Topics
from sinks.alerts.publishing import mark_message, messages
from tests.harness.acts import GIVE_BACK, NOTE, REVEAL, TAKE, close
from tests.harness.desk import Desk
from tests.harness.findings import make_finding

TOPICS = Topics("p-")
EXPORT = Exported(kind="exported", why="for the Law Department")


def said(desk: Desk, act: Act) -> dict[str, bytes]:
    """The messages of an act, by topic."""
    before = [a for a in desk.acts if a.alert_id == act.alert_id and a.version < act.version]
    taken = next((a for a in reversed(before) if a.body.kind == "acknowledged"), None)
    return {m.topic: m.value for m in messages(TOPICS, act, desk.only(), taken)}


@pytest.fixture
def desk() -> Desk:
    """One alert."""
    made = Desk()
    made.hear(make_finding())
    return made


def test_every_act_is_mirrored_and_most_say_nothing_else(desk: Desk) -> None:
    """To the byte as it is stored."""
    desk.act("w002", NOTE)
    for act in desk.acts:
        assert set(said(desk, act)) == {"p-alert-events.v1"}
        assert decode(Act, said(desk, act)["p-alert-events.v1"]) == act


@pytest.mark.parametrize("end", [GIVE_BACK, close("justified")], ids=["given back", "closed"])
def test_an_alert_is_held_from_when_it_is_taken_until_it_is_let_go(desk: Desk, end: object) -> None:
    """By whoever took it, about its record: one fact in two revisions."""
    desk.act("w002", TAKE)
    desk.act("w002", end)
    first, second = (decode(Fact, said(desk, act)["p-feed.console.v1"]) for act in desk.acts[1:])
    assert (first.fact_id, first.revision, first.valid_from, first.valid_to) == (
        second.fact_id,
        1,
        desk.acts[1].at,
        None,
    )
    assert (second.revision, second.valid_from, second.valid_to) == (2, first.valid_from, desk.acts[2].at)
    body = Review(kind="review", staff="w002", record=desk.only().record, alert=desk.only().alert_id)
    assert first.body == second.body == body


def test_what_an_admin_gives_back_ends_the_holders_review(desk: Desk) -> None:
    """Not one of the admin's, who never held it."""
    desk.act("w002", TAKE)
    desk.act("w009", GIVE_BACK, role="admin")
    fact = decode(Fact, said(desk, desk.acts[2])["p-feed.console.v1"])
    assert (fact.body.staff, fact.recorded_by, fact.valid_to) == ("w002", "w009", desk.acts[2].at)


def test_taken_again_is_another_review(desk: Desk) -> None:
    """Between the two nobody held it."""
    desk.act("w002", TAKE)
    desk.act("w002", GIVE_BACK)
    desk.act("w002", TAKE)
    first, last = (decode(Fact, said(desk, desk.acts[n])["p-feed.console.v1"]) for n in (1, 3))
    assert first.fact_id != last.fact_id
    assert last.revision == 1


@pytest.mark.parametrize(("body", "action"), [(REVEAL, "view"), (EXPORT, "export")])
def test_who_is_shown_a_record_has_opened_it(desk: Desk, body: object, action: str) -> None:
    """By their sign-in at the console, when they did it, with what they said it was for."""
    desk.act("w002", body, role="investigator")
    access = decode(Access, said(desk, desk.acts[1])["p-access.console.v1"])
    assert (access.source, access.actor, access.action) == ("console", "w002-login", action)
    assert (access.record, access.occurred_at) == (desk.only().record, desk.acts[1].at)
    assert access.purpose is not None
    assert access.purpose.text == body.why


def test_an_act_is_the_last_of_its_messages(desk: Desk) -> None:
    """Where it is, all that it says is."""
    desk.act("w002", TAKE)
    assert [m.topic for m in messages(TOPICS, desk.acts[1], desk.only(), None)] == [
        "p-feed.console.v1",
        "p-alert-events.v1",
    ]


def test_a_mark_is_one_of_the_console(desk: Desk) -> None:
    """Its number rises with time."""
    message = mark_message(TOPICS, 1_767_600_000_000)
    mark = decode(Mark, message.value)
    assert (message.topic, mark.feed, mark.complete_through) == ("p-feed.console.v1", "console", 1_767_600_000_000)
