"""Requestor and operator: two logins, two accesses, each judged by their own duties; told by both judges."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas.access import Access, document, finding_id
from schemas.codec import encode
from schemas.emit.fields import read_access
from schemas.errors import RejectedInputError
from schemas.fact import Fact
from schemas.finding import Finding
from schemas.publish import documents
from schemas.topics import CLEAN_LINES
from sinks.alerts.parties import Party, parties
from sinks.cli.outgoing import access_lines
from streams.sources import translate
from streams.sources.clean_file import read_file
from tests.harness.builders import account, assignment, coverage, make_access
from tests.harness.judging import APPENDED, PARTITION, judging, messages
from tests.harness.verdicts import verdict
from tests.unit.test_sources_clean import DAY, LATER

ASKED = make_access("oper7", "search", requested_for="jdoe12", sequence=41, event_id="ecms-7")
OPERATOR, REQUESTOR = account("oper7", "w090"), account("jdoe12", "w028")
DUTY = assignment("w028")
STANDS_IN = coverage("w090", "w028")


def both(*log: Fact) -> tuple[str, list[Finding]]:
    """Letters and findings of the one message that ASKED is; the brute-force judge must say the same of each party."""
    found = judging(OPERATOR, REQUESTOR, *log).batch(PARTITION, "ecms", messages(ASKED))
    accesses = translate("ecms", encode(ASKED), (), APPENDED).accesses
    brute = [verdict(one, OPERATOR, REQUESTOR, *log).outcome[0] for one in accesses]
    told = found.codes.decode()
    assert told == "".join(brute)
    return told, found.findings


def test_whoever_asked_is_judged_too() -> None:
    """The terminal is no hiding place: neither has a duty, and there is a finding for each."""
    letters, findings = both(assignment("w031"))
    assert letters == "uu"
    assert [(f.staff, f.access.actor, f.access.requested_for, f.access.operator) for f in findings] == [
        ("w090", "oper7", "jdoe12", None),
        ("w028", "jdoe12", None, "oper7"),
    ]
    assert len({f.finding_id for f in findings}) == 2
    assert {(f.access.event_id, f.message.offset) for f in findings} == {("ecms-7", 960)}


def test_a_duty_of_whoever_asked_is_none_of_the_operators() -> None:
    """Who operates a terminal for others stands in for them, and somebody has to have written that down."""
    letters, findings = both(DUTY)
    assert letters == "ue"
    assert [f.staff for f in findings] == ["w090"]


def test_an_operator_who_stands_in_for_whoever_asked_did_their_job() -> None:
    """One coverage fact for each whom they serve; both are explained."""
    assert both(DUTY, STANDS_IN) == ("ee", [])


def test_an_operator_with_a_duty_does_not_clear_whoever_asked() -> None:
    """They had somebody else look."""
    letters, findings = both(assignment("w090"))
    assert letters == "eu"
    assert [f.staff for f in findings] == ["w028"]


def test_the_sentences_name_the_other_party() -> None:
    """A supervisor must see that there were two, who did it, and that only they say who asked."""
    _, [operator, requestor] = both(assignment("w031"))
    assert operator.reason.startswith("w090 searched for case c0042 for login jdoe12 on 2026-01-05 at ")
    assert requestor.reason.startswith(
        "w028 was named by login oper7 as who asked for it when oper7 searched for case c0042 on 2026-01-05 at "
    )


def test_its_number_counts_once() -> None:
    """It is one message of its source: none is missing, none came twice."""
    found = judging(OPERATOR, REQUESTOR).batch(PARTITION, "ecms", messages(ASKED))
    assert found.sequences == [41]
    assert found.translated == 1


def test_the_operators_access_is_what_was_sent() -> None:
    """Byte for byte: their finding has the id that it had."""
    first, second = translate("ecms", encode(ASKED), (), APPENDED).accesses
    assert first == ASKED
    assert finding_id(first) != finding_id(second)


@pytest.mark.parametrize("asked_by", [None, "oper7"])
def test_who_asks_themselves_is_one_party(asked_by: str | None) -> None:
    """Nobody is accused twice of one look."""
    sent = make_access("oper7") if asked_by is None else make_access("oper7", requested_for=asked_by)
    assert translate("ecms", encode(sent), (), APPENDED).accesses == (sent,)


def test_nobody_may_send_an_access_as_if_somebody_else_had_done_it() -> None:
    """Whoever did it would be judged by nobody. Each way to publish says so, and no schema offers it."""
    sent = make_access("jdoe12", operator="oper7")
    fields = {name: value for name, value in document(sent).items() if name != "source"}
    refuse: list[Callable[[], object]] = [
        lambda: translate("ecms", encode(sent), (), APPENDED),
        lambda: list(access_lines([encode(sent)], "ecms")),
        lambda: read_access("ecms", sent, {}),
        lambda: read_access("ecms", None, fields),
    ]
    for ask in refuse:
        with pytest.raises(RejectedInputError, match="operator"):
            ask()
    assert "operator" not in documents()["access.v1.json"].decode().replace("`operator`", "")


def test_a_query_of_clean_has_both_parties() -> None:
    """RQR asked, OPR typed."""
    headers = (("content-type", CLEAN_LINES.encode()),)
    found = [translate("clean", m.value, headers, LATER).accesses for m in read_file(DAY).messages]
    asked: list[tuple[Access, ...]] = [accesses for accesses in found if len(accesses) == 2]
    assert asked
    for operator, requestor in asked:
        assert (operator.requested_for, requestor.operator) == (requestor.actor, operator.actor)
        assert (operator.record, operator.agency) == (requestor.record, requestor.agency)


def test_an_alert_is_kept_from_both() -> None:
    """Who operated may not read, nor dispose of, what is found of who asked, and the other way round."""
    for finding in both(assignment("w031"))[1]:
        assert {Party("login", "ecms oper7"), Party("login", "ecms jdoe12")} <= parties(finding)
