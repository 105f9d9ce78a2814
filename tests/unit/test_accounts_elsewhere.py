"""A registered system where people sign in as at another one: its entry says at which."""

from __future__ import annotations

import orjson
import pytest

from schemas.codec import encode
from schemas.errors import RejectedInputError
from schemas.ids import LATEST_MS
from schemas.ledger import Times, said
from schemas.registry import entries_in, registry_hash, times_in
from schemas.topics import FEEDS, SOURCES, Topics
from sinks.alerts.parties import Party, parties
from sinks.ledger.rejudge import Rejudge
from streams.join.question import question_of
from streams.policy.decide import decide
from streams.sources import Translators
from tests.harness.builders import account, assignment, at, make_access, make_policy, registered
from tests.harness.findings import make_finding
from tests.harness.judging import knowing

LATER = at("2026-01-09")
KIOSK = "[sources.gate]\ntitle = 'g'\n[sources.kiosk]\ntitle = 't'\n"


def translators(whose: str | None) -> Translators:
    """Of an installation with this entry."""
    entry = KIOSK if whose is None else f"{KIOSK}accounts = '{whose}'"
    return Translators(Topics(sources={**SOURCES, **entries_in(entry.encode())}))


@pytest.mark.parametrize("whose", ["ecms", "gate"])
def test_account_facts_of_the_other_system_say_whose_a_login_is(whose: str) -> None:
    """To the judge and to the brute-force one; facts of its own name nobody, and what is found says where to look."""
    [access] = translators(whose).translate("kiosk", encode(make_access(source="kiosk")), (), LATER).accesses
    assert (access.source, access.accounts, access.login_source) == ("kiosk", whose, whose)
    facts = [account(access.actor, "w017", source=whose), assignment("w017", access.record)]
    known = [registered(fact) for fact in (*facts, account(access.actor, "w028", source="kiosk"))]
    verdict = decide(knowing(known), make_policy(), question_of(access, LATER), access)
    assert (verdict.outcome, verdict.staff) == ("explained", "w017")
    marks = dict.fromkeys(FEEDS, LATEST_MS)
    again = Rejudge(make_policy(), known).judge(access, LATER, position=len(known), marks=marks)
    assert (again.outcome, again.staff) == ("explained", "w017")
    assert Party("login", f"{whose} {access.actor}") in parties(make_finding(access=access))


def test_without_a_word_of_it_its_logins_are_its_own() -> None:
    """As of every source."""
    [access] = translators(None).translate("kiosk", encode(make_access(source="kiosk")), (), LATER).accesses
    assert (access.accounts, access.login_source) == (None, "kiosk")
    assert translators(None).reads_in_bulk("kiosk")
    assert not translators("ecms").reads_in_bulk("kiosk")


def test_no_source_can_claim_it_of_its_own() -> None:
    """It would be judged by the duties of whoever has that login elsewhere."""
    value = orjson.dumps(orjson.loads(encode(make_access(source="kiosk"))) | {"accounts": "ecms"})
    with pytest.raises(RejectedInputError, match="accounts: must be left out"):
        translators("ecms").translate("kiosk", value, (), LATER)


def test_it_is_for_good_like_the_times() -> None:
    """Written beside whatever is judged, so that a worker with another word does not start; in the hash, too."""
    entries = [entries_in(f"{KIOSK}{more}".encode()) for more in ("", "accounts = 'ecms'", "accounts = 'gate'")]
    assert len({registry_hash({**SOURCES, **found}) for found in entries}) == 3
    assert times_in(entries[1]["kiosk"]) == Times(precision_ms=1, clock_error_ms=0, accounts="ecms")
    assert said(times_in(entries[1]["kiosk"])).endswith('and accounts = "ecms"')
    assert encode(times_in(entries[0]["kiosk"])) == b'{"precision_ms":1,"clock_error_ms":0}'
