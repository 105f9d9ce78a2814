"""What a request holds, and what becomes of it: the same judge of right and wrong that a worker asks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import MESSAGE_MAX, decode_access, encode
from schemas.errors import RejectedInputError
from schemas.ids import parse_instant
from schemas.receiving import BATCH, FAULTS_MAX, Fault
from schemas.topics import ACCURINT_BATCH, CANONICAL, HEARTBEAT, IRSS_ROW, SOURCES, Topics
from streams.intake.checking import CLOCK_MARGIN_MS, Checking, records_of
from streams.intake.limits import InFlight, Rates
from streams.intake.refusing import STATUS, RefusedError, wrong_records
from streams.sources import AHEAD_MAX_MS, translate
from tests.contract.examples import ACCESS
from tests.harness.builders import make_access

CHECKING = Checking(Topics())

GOLDEN = Path(__file__).parent / "golden"
NOW = parse_instant("2026-06-01T00:00:00Z")
CORPORA = ("accurint", "clean", "ecms", "facts2", "irss", "jnet", "paper")

plain = st.text(max_size=9) | st.integers(-9, 9) | st.none()
json_values = plain | st.dictionaries(st.text(max_size=5), st.lists(plain, max_size=2), max_size=2) | st.lists(plain)


def refusal(call: Callable[[], object]) -> str | None:
    """Where the fault is that it finds, if any."""
    try:
        call()
    except RejectedInputError as error:
        return error.place
    return None


@given(values=st.lists(json_values, min_size=1, max_size=9), indent=st.booleans())
def test_an_array_is_cut_where_its_elements_end(values: list[object], indent: bool) -> None:
    """Whatever they hold: brackets and commas in texts, escapes, arrays in arrays. Their bytes stay as they are."""
    whole = orjson.dumps(values, option=orjson.OPT_INDENT_2 if indent else 0)
    pieces = list(records_of(CANONICAL, whole))
    assert [orjson.loads(piece) for piece in pieces] == values
    assert all(piece in whole for piece in pieces)


@given(raw=st.binary(max_size=60) | st.text('[]{}," \\a1:', max_size=60).map(str.encode))
def test_no_bytes_are_cut_otherwise_than_json_reads_them(raw: bytes) -> None:
    """What is not an array of values is refused here or by whoever reads the pieces: nobody takes another array."""
    try:
        pieces = [orjson.loads(piece) for piece in records_of(CANONICAL, b"[" + raw)]
    except (RefusedError, orjson.JSONDecodeError):
        return
    assert pieces == orjson.loads(b"[" + raw)


@pytest.mark.parametrize("system", CORPORA)
def test_what_a_worker_would_set_aside_is_not_taken(system: str) -> None:
    """All hostile messages of a system, under each of its content types; and what a worker takes is taken."""
    corpus = import_module(f"tests.harness.hostile.{system}")
    for kind in (*SOURCES[system].content_types, CANONICAL, HEARTBEAT):
        due, found = {}, {}
        for name, value in (corpus.HOSTILE | corpus.HARMLESS).items():
            if 0 < len(value) <= MESSAGE_MAX:
                due[name] = refusal(partial(translate, system, value, (("content-type", kind.encode()),), NOW))
                found[name] = refusal(partial(CHECKING.message_of, system, kind, value, NOW + CLOCK_MARGIN_MS))
        assert found == due
        assert None not in {due[name] for name in corpus.HOSTILE if name in due}
        assert None in due.values() or kind != SOURCES[system].content_types[0]


def test_a_tombstone_is_nothing_that_a_system_sends() -> None:
    """A connector's word on Kafka; by HTTP it is an empty body, and somebody's mistake."""
    assert translate("facts2", b"", (), NOW).is_control
    with pytest.raises(RejectedInputError, match="is empty"):
        CHECKING.message_of("facts2", CANONICAL, b"", NOW)


def test_a_clock_before_the_brokers_takes_nothing_that_the_broker_would_date_too_far_ahead() -> None:
    """Whoever checks looks a minute back."""
    value = encode(make_access()).replace(b'"view"', b'"edit"')
    at = decode_access(value).occurred_at
    CHECKING.message_of("ecms", CANONICAL, value, at - AHEAD_MAX_MS + CLOCK_MARGIN_MS)
    with pytest.raises(RejectedInputError, match="24 hours"):
        CHECKING.message_of("ecms", CANONICAL, value, at - AHEAD_MAX_MS + CLOCK_MARGIN_MS - 1)


def test_content_types_are_those_of_the_source() -> None:
    """Spelled in any case, with the one charset that is read."""
    assert CHECKING.media_type("ecms", 'Application/JSON; charset="UTF-8"') == CANONICAL
    assert CHECKING.media_type("accurint", ACCURINT_BATCH) == ACCURINT_BATCH
    assert CHECKING.media_type("irss", f"{IRSS_ROW}; charset=windows-1252") == IRSS_ROW
    with pytest.raises(RefusedError):
        CHECKING.media_type("irss", f"{IRSS_ROW}; charset=utf-8")
    for odd in (None, "", "text/plain", ACCURINT_BATCH, f"{CANONICAL}; charset=latin-1", f"{CANONICAL};a=b"):
        with pytest.raises(RefusedError) as error:
            CHECKING.media_type("ecms", odd)
        assert error.value.status == 415


def test_a_batch_has_the_key_and_type_of_each_of_its_records() -> None:
    """As if each had come alone."""
    assert CHECKING.message_of("ecms", BATCH, ACCESS, NOW) == CHECKING.message_of("ecms", CANONICAL, ACCESS, NOW)


def test_of_very_many_faults_the_first_are_told_and_all_are_counted() -> None:
    """An answer stays small."""
    faults = [Fault(record=n, field="actor", fix="must be there") for n in range(1, 40)]
    told = wrong_records(faults, 39).document()
    assert (len(told.faults or ()), told.faults_in_all) == (FAULTS_MAX, 39)
    assert told.detail.startswith("record 1: actor: must be there")


def test_a_source_has_a_burst_and_then_its_rate() -> None:
    """A large request may take it into debt, which it pays off before it may come again; others are not asked to."""
    moment = 0.0
    rates = Rates(2, lambda: moment)
    rates.check("ecms")
    rates.take("ecms", 24)  # 20 at once
    with pytest.raises(RefusedError) as error:
        rates.check("ecms")
    assert (error.value.status, error.value.retry_after) == (429, 3)  # 4 in debt, and one to begin with, at 2 a second
    rates.check("jnet")
    moment = 2.4
    with pytest.raises(RefusedError):
        rates.check("ecms")
    moment = 2.5
    rates.check("ecms")
    moment = 1_000_000.0
    rates.take("ecms", 20)
    with pytest.raises(RefusedError):
        rates.check("ecms")


def test_one_source_leaves_room_for_others_and_all_together_have_an_end() -> None:
    """A quarter each; whoever ends, also by an error, makes room."""
    flight = InFlight(8)
    with ExitStack() as held:
        for source in ("ecms", "ecms", "jnet", "jnet", "clean", "clean", "irss"):
            held.enter_context(flight.slot(source))
        with pytest.raises(RefusedError) as error:
            held.enter_context(flight.slot("ecms"))
        assert (error.value.status, error.value.retry_after) == (503, 2)
        held.enter_context(flight.slot("paper"))
        with pytest.raises(RefusedError):
            held.enter_context(flight.slot("paper"))
        assert flight.count == 8
    with pytest.raises(ValueError, match="ours"), flight.slot("ecms"):
        raise ValueError("ours")
    assert flight.count == 0


def test_only_what_may_be_sent_again_says_when() -> None:
    """Whoever sent something wrong and comes again with the same gets the same answer."""
    later = {why for why in STATUS if RefusedError(why, "so").retry_after is not None}
    assert later == {"too_often", "busy", "not_stored"}
    assert {RefusedError(why, "so").answer for why in later} == {"later", "not_stored"}
