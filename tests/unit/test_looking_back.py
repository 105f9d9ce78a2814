"""The look-back of a confirmed alert: every earlier access of that person to that record, and none other."""

from __future__ import annotations

from typing import TypedDict

import pytest
from typing_extensions import Unpack

from schemas.access import Access, finding_id
from schemas.act import LISTED_MAX, Act, EarlierAccess, LookedBack
from schemas.alert import Who
from schemas.codec import decode, encode
from schemas.fact import Fact
from schemas.finding import MessagePlace
from schemas.ids import LATEST_MS
from schemas.topics import (
    ACCURINT_BATCH,
    ACCURINT_ROW,
    CLEAN_LINES,
    ECMS_SYSLOG,
    FACTS2_CDC,
    FACTS_LINE,
    IRSS_ROW,
    JNET_XML,
    PAPER_SLIP,
)
from sinks.alerts import looking_back
from sinks.alerts.looking_back import LookBack, Sought, confirmed, sought_for, write_down
from streams.join.bodies import record_key
from streams.join.knowledge import knowing
from streams.sources import translate
from tests.harness.acts import TAKE, close
from tests.harness.builders import When, account, at, make_access, record, registered
from tests.harness.desk import Desk
from tests.harness.fake_log import Record
from tests.harness.findings import make_finding
from tests.harness.hostile import accurint, clean, ecms, facts2, irss, jnet, paper

JDOE = account("jdoe12", "w028")
STORED = at("20:00")


class Wanted(TypedDict, total=False):
    """What is sought, if not accesses of w028 to case c0042 before 14:00."""

    who: Who
    name: str
    before: When
    found: frozenset[str]


def sought(**wanted: Unpack[Wanted]) -> Sought:
    """As one alert asks."""
    return Sought(
        "a_" + "1" * 32,
        wanted.get("who", Who(staff="w028")),
        frozenset({record_key(record(wanted.get("name", "case:c0042")))}),
        at(wanted.get("before", "14:00")),
        wanted.get("found", frozenset()),
    )


def place(offset: int, partition: int = 2) -> MessagePlace:
    """Where a message lies."""
    return MessagePlace(topic="access.ecms.v1", partition=partition, offset=offset)


def listed(
    *accesses: Access, facts: tuple[Fact, ...] = (JDOE,), stored: When = STORED, **wanted: Unpack[Wanted]
) -> list[str]:
    """The event ids of what is listed, in order."""
    found = LookBack([sought(**wanted)])
    knowledge = knowing([registered(fact) for fact in facts], 0)
    for offset, access in enumerate(accesses):
        found.take(knowledge, access, at(stored), place(offset))
    [(_, bodies)] = found.bodies(since=7)
    return [one.event_id for body in bodies for one in body.accesses]


def test_only_what_happened_before_is_earlier() -> None:
    """The access that was found is no evidence of another, nor is what came after it."""
    looks = [make_access(event_id=f"e{n}", when=when) for n, when in enumerate(("14:00", "13:59:59.999", "09:00"))]
    assert listed(*looks) == ["e2", "e1"]


def test_of_an_imprecise_time_the_beginning_counts() -> None:
    """It may have happened before."""
    assert listed(make_access(event_id="e", when="13:00", until="15:00")) == ["e"]


def test_what_was_stored_before_has_happened_before() -> None:
    """Whatever the source's clock said; but what was found already is not listed once more."""
    ahead = make_access(event_id="ahead", when="14:30")
    assert listed(ahead, stored="13:30") == ["ahead"]
    assert listed(ahead, stored="13:30", found=frozenset({finding_id(ahead, at("13:30"))})) == []


def test_a_person_is_meant_by_any_login_at_any_source() -> None:
    """As the facts say at the access's own time."""
    facts = (
        JDOE,
        account("JDOE", "w028", source="facts"),
        account("jd", "w028", source="clean", valid_to="2026-01-03"),
        account("jd", "w031", source="clean", valid_from="2026-01-03", fact_id="next"),
    )
    looks = (
        make_access(event_id="a", when="08:00"),
        make_access("JDOE", event_id="b", source="facts", when="09:00"),
        make_access("jd", event_id="c", source="clean", when="2026-01-02"),
        make_access("jd", event_id="d", source="clean", when="2026-01-04"),
        make_access("JDOE", event_id="e", when="10:00"),
    )
    assert listed(*looks, facts=facts) == ["c", "a", "b"]


def test_a_login_learned_late_is_theirs_all_the_same() -> None:
    """As known now: what was recorded afterwards, and what was taken back."""
    late = account("jdoe12", "w028", recorded_at="2026-03-01")
    assert listed(make_access(event_id="e", when="08:00"), facts=(late,)) == ["e"]
    void = account("jdoe12", "w028", revision=2, void=True, recorded_at="2026-03-01")
    assert listed(make_access(event_id="e", when="08:00"), facts=(JDOE, void)) == []


def test_a_login_that_becomes_theirs_within_the_time_is_listed() -> None:
    """An imprecise time over which an account changed hands."""
    facts = (account("jdoe12", "w031", valid_to="12:00"), account("jdoe12", "w028", valid_from="12:00"))
    assert listed(make_access(event_id="e", when="11:00", until="13:00"), facts=facts) == ["e"]
    assert listed(make_access(event_id="e", when="11:00", until="11:59"), facts=facts) == []


def test_a_login_of_nobody_is_that_login_at_its_source() -> None:
    """Whoever else has one of that name somewhere else."""
    looks = (
        make_access(event_id="a", when="08:00"),
        make_access(event_id="b", when="09:00", source="clean"),
        make_access("other", event_id="c", when="10:00"),
    )
    assert listed(*looks, who=Who(source="ecms", login="jdoe12"), facts=()) == ["a"]


def test_the_record_may_be_one_of_many_that_a_search_showed() -> None:
    """As record or among candidates; of the same kind."""
    looks = (
        make_access(
            event_id="a", name="criteria:q1", action="search", candidates=["case:c1", "case:c0042"], when="08:00"
        ),
        make_access(event_id="b", name="person:c0042", when="09:00"),
        make_access(event_id="c", name="case:c00421", when="10:00"),
    )
    assert listed(*looks) == ["a"]


def test_an_access_that_was_sent_again_is_one() -> None:
    """Where it lay first; the same id with other content is another."""
    look = make_access(event_id="e", when="08:00")
    found, knowledge = LookBack([sought()]), knowing([registered(JDOE)], 0)
    for stored, partition in (("12:00", 0), ("11:00", 3), ("13:00", 1)):
        found.take(knowledge, look, at(stored), place(5, partition))
    found.take(knowledge, make_access(event_id="e", action="print", when="08:00"), at("13:00"), place(6))
    [(_, [body])] = found.bodies(since=7)
    assert [(one.action, one.message) for one in body.accesses] == [("view", place(5, 3)), ("print", place(6))]
    assert body.accesses[0] == EarlierAccess(
        event_id="e", source="ecms", action="view", result="success", occurred_at=at("08:00"), message=place(5, 3)
    )


def test_one_pass_serves_all_who_wait() -> None:
    """Each alert gets what is its own, also two about one record."""
    asked = [
        Sought("a_" + digit * 32, Who(staff=staff), frozenset({record_key(record(name))}), at("14:00"))
        for digit, staff, name in (("1", "w028", "case:c0042"), ("2", "w031", "case:c0042"), ("3", "w028", "case:c2"))
    ]
    found = LookBack(asked)
    knowledge = knowing([registered(JDOE), registered(account("other", "w031"))], 0)
    for offset, (actor, name) in enumerate((("jdoe12", "case:c0042"), ("other", "case:c0042"), ("jdoe12", "case:c3"))):
        found.take(knowledge, make_access(actor, name=name, event_id=f"e{offset}", when="08:00"), STORED, place(offset))
    told = {name[2]: (body.counted, [a.event_id for a in body.accesses]) for name, [body] in found.bodies(since=7)}
    assert told == {"1": (1, ["e0"]), "2": (1, ["e1"]), "3": (0, [])}
    assert found.counted() == 2


def test_long_lists_come_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is too much to be listed is counted."""
    monkeypatch.setattr(looking_back, "KEPT_MAX", LISTED_MAX + 3)
    found, knowledge = LookBack([sought()]), knowing([registered(JDOE)], 0)
    for n in range(LISTED_MAX + 5):
        found.take(knowledge, make_access(event_id=f"e{n}", when=at("08:00") + n), STORED, place(n))
    [(_, bodies)] = found.bodies(since=7)
    assert [(b.part, b.parts, b.counted, b.since, len(b.accesses)) for b in bodies] == [
        (1, 2, LISTED_MAX + 5, 7, LISTED_MAX),
        (2, 2, LISTED_MAX + 5, 7, 3),
    ]


def test_no_part_is_longer_than_a_message_may_be() -> None:
    """Whoever reads the act again would refuse it, and all that follows."""
    desk, knowledge = Desk(), knowing([registered(account("jdoe12", "w017"))], 0)
    desk.hear(make_finding())
    desk.act("w002", TAKE, close("confirmed"))
    found = LookBack([sought_for(desk.only(), [])])
    for n in range(LISTED_MAX):
        found.take(knowledge, make_access(event_id=f"{n:0200}", when="08:00"), STORED, place(n))
    [(name, bodies)] = found.bodies(since=7)
    with desk.store.writing() as writing:
        acts = write_down(writing, name, bodies, desk.now)
    assert [decode(Act, encode(act)) for act in acts] == acts
    assert sum(len(body.accesses) for body in bodies) == LISTED_MAX
    assert [(body.part, body.parts) for body in bodies] == [(1, 2), (2, 2)]


# --- what is worth reading


def line_of(name: str) -> bytes:
    """A line of the nightly FACTS file about a case."""
    detail = f"D000000004220260104120000{'JDOE':<8}VEWC{name:<20}{'':<8}S"
    return f"{detail:<96}".encode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("c0042", encode(make_access())),
        ("c0042", encode(make_access()).replace(b'":', b'" : ')),
        ("c0042", b"\n" + encode(make_access())),
        ("c0042", encode(make_access()).replace(b"c0042", b"\\u0063\\u003004\\u0032")),
        ("c0042", encode(make_access()).replace(b'"id"', b'"\\u0069d"')),
        ("c/42", encode(make_access(name="case:c/42")).replace(b"/", b"\\/")),
        ('c"42', encode(make_access(name='case:c"42'))),
        ("c\\42", encode(make_access(name="case:c\\42"))),
        ("c0042", encode(make_access(action="search", name="criteria:q", candidates=["case:c1", "case:c0042"]))),
    ],
)
def test_whatever_names_the_record_is_read(name: str, value: bytes) -> None:
    """However it is spelled: JSON knows many ways."""
    [access] = translate("ecms", value, (), STORED).accesses
    assert record(f"case:{name}") in (access.record, *(access.candidates or ()))
    message = Record("access.ecms.v1", 0, 1, STORED, value)
    assert LookBack([sought(name=f"case:{name}")]).near([message]) == [message]


NATIVE = {
    ACCURINT_ROW: ("accurint", {k: v for k, v in accurint.HARMLESS.items() if not v.startswith(b"JOB,")}),
    ACCURINT_BATCH: ("accurint", {k: v for k, v in accurint.HARMLESS.items() if v.startswith(b"JOB,")}),
    FACTS_LINE: ("facts", {"short": line_of("c0042"), "long": line_of("c" * 20)}),
    FACTS2_CDC: ("facts2", facts2.HARMLESS),
    CLEAN_LINES: ("clean", clean.HARMLESS),
    ECMS_SYSLOG: ("ecms", ecms.HARMLESS),
    IRSS_ROW: ("irss", irss.HARMLESS),
    JNET_XML: ("jnet", jnet.HARMLESS),
    PAPER_SLIP: ("paper", paper.HARMLESS),
}


@pytest.mark.parametrize("content_type", NATIVE)
def test_whatever_names_the_record_in_a_native_message_is_read(content_type: str) -> None:
    """Of every source, however strange: the look-back for a record that a message names meets it."""
    source, harmless = NATIVE[content_type]
    headers, seen = (("content-type", content_type.encode()),), 0
    for value in harmless.values():
        message = Record(f"access.{source}.v1", 0, 1, STORED, value, headers=headers)
        for access in translate(source, value, headers, LATEST_MS).accesses:
            assert LookBack([sought(name=f"{access.record.kind}:{access.record.id}")]).near([message]) == [message]
            seen += 1
    assert seen > 1


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        encode(make_access(name="case:c00421")),
        encode(make_access("c0042", name="case:c1", session="c0042")),
        encode(make_access(name="case:c1", recipient='"quoted"')),
    ],
)
def test_nearly_everything_else_is_passed_over(value: bytes | None) -> None:
    """Reading all that closely would take ten times as long."""
    assert LookBack([sought()]).near([Record("access.ecms.v1", 0, 1, STORED, value)]) == []


def test_a_native_message_without_the_name_is_passed_over() -> None:
    """But where it is made of what the message says: then all must be read."""
    native = (("content-type", FACTS_LINE.encode()),)
    message = Record("access.facts.v1", 0, 1, STORED, line_of("c0041"), headers=native)
    assert LookBack([sought()]).near([message]) == []
    assert LookBack([sought(name="criteria:NAM-0123")]).near([message]) == [message]


# --- what is written


def looked_back(desk: Desk) -> int:
    """Somebody has looked back from the only alert; how many acts they wrote."""
    bodies = [LookedBack(kind="looked_back", part=1, parts=1, counted=0, since=7, accesses=())]
    with desk.store.writing() as writing:
        return len(write_down(writing, desk.only().alert_id, bodies, desk.now))


def test_it_is_written_once_and_by_nobody() -> None:
    """Of several consoles the first; also when the alert was opened and confirmed once more."""
    desk = Desk()
    desk.hear(make_finding())
    desk.act("w002", TAKE, close("confirmed"))
    assert confirmed(desk.acts) == [desk.only().alert_id]
    assert (looked_back(desk), looked_back(desk)) == (1, 0)
    assert (desk.only().looked_back, desk.only().status, desk.only().last_by) == (0, "closed", None)


def test_what_is_sought_is_what_the_alert_says() -> None:
    """Before the first access of all its findings; what is not confirmed calls for nothing."""
    desk = Desk()
    desk.hear(make_finding("one", access=make_access(event_id="one", when="15:00")))
    desk.hear(make_finding("two", access=make_access(event_id="two", when="13:00")))
    desk.act("w002", TAKE, close("justified"))
    alert = desk.only()
    one, two = (make_finding(name, access=make_access(event_id=name)) for name in ("one", "two"))
    found = frozenset({one.finding_id, two.finding_id})
    asked = Sought(alert.alert_id, Who(staff="w017"), frozenset({"case/c0042"}), at("13:00"), found)
    assert sought_for(alert, [one, two]) == asked
    assert confirmed(desk.acts) == []
