"""The fast way of reading an access against the exact way: whatever the first lets through, the second reads alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas import plain
from schemas.access import Access
from schemas.codec import decode_access, decode_thin, encode
from schemas.errors import RejectedInputError
from schemas.ids import format_instant, parse_instant, quick_instant
from schemas.plain import NOT_PLAIN, plain_record, read_plain
from tests.contract.examples import ACCESS, TEXT
from tests.harness.builders import make_access

NUMBERS = ("sequence", "object_count")

_ids = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=12)
_maybe_ids = st.one_of(_ids, st.text(max_size=4))
_records = st.fixed_dictionaries({"kind": st.sampled_from(["case", "person", "staff", "other"]), "id": _maybe_ids})
_instants = st.sampled_from(
    ["2026-01-05T14:14:03.120Z", "2026-01-05T14:14:03+01:00", "1700-01-01T00:00:00.000Z", "2026-13-05T14:14:03Z", "x"]
)
_accesses = st.fixed_dictionaries(
    {
        "event_id": _maybe_ids,
        "source": st.sampled_from(["ecms", "facts", "ECMS", "e\n"]),
        "actor": _maybe_ids,
        "action": st.sampled_from(["view", "search", "hack"]),
        "record": _records,
        "result": st.sampled_from(["success", "denied", "ok"]),
        "occurred_at": _instants,
    },
    optional={
        "sequence": st.one_of(st.none(), st.integers(-1, 2**65), st.floats(), st.booleans()),
        "requested_for": st.one_of(st.none(), _maybe_ids),
        "candidates": st.one_of(st.none(), st.lists(_records, max_size=2)),
        "recipient": st.one_of(st.none(), st.text(max_size=6)),
        "agency": st.one_of(st.none(), _maybe_ids),
        "purpose": st.one_of(st.none(), st.dictionaries(st.sampled_from(["code", "text", "x"]), _maybe_ids)),
        "occurred_until": st.one_of(st.none(), _instants),
        "object_count": st.one_of(st.none(), st.integers(-1, 2**31)),
        "extra": st.none(),
    },
)


DAMAGE = [b"", b'"', b"\\", b",", b'"actor":"x",', b"\xff", b"\0", b"-"]


@st.composite
def _spelled(draw: st.DrawFn) -> bytes:
    """An access in some spelling, right or damaged by one small edit."""
    spell: dict[str, Any] = draw(st.sampled_from([{}, {"ensure_ascii": False}, {"indent": 1}]))
    raw = json.dumps(draw(_accesses), **spell).encode("utf-8", "surrogatepass")
    if draw(st.booleans()):
        return raw
    place = draw(st.integers(0, len(raw)))
    insert = draw(st.one_of(st.sampled_from(DAMAGE), st.binary(max_size=2)))
    return raw[:place] + insert + raw[place + draw(st.integers(0, 2)) :]


@st.composite
def _encoded(draw: st.DrawFn) -> bytes:
    """An access as the codec spells it, or with one byte changed."""
    some = {
        "requested_for": draw(_maybe_ids),
        "agency": draw(_maybe_ids),
        "sequence": draw(st.integers(0, 2**63 - 1)),
        "device": draw(_ids),
    }
    chosen = {name: value for name, value in some.items() if draw(st.booleans())}
    raw = orjson.dumps({**orjson.loads(ACCESS), **chosen})
    if draw(st.booleans()):
        return raw
    place = draw(st.integers(0, len(raw) - 1))
    return raw[:place] + draw(st.binary(min_size=1, max_size=1)) + raw[place + 1 :]


def exact_or_place(raw: bytes) -> Access | str:
    """What the exact way reads, or the place where it refuses."""
    try:
        return decode_access(raw)
    except RejectedInputError as error:
        return error.place


def instant_or_none(text: str) -> int | None:
    """How a user of the thin shape reads its instant."""
    try:
        return quick_instant(text)
    except ValueError:
        return None


@settings(max_examples=600)
@given(st.one_of(_spelled(), st.binary(max_size=60)))
@example(ACCESS)
@example((TEXT % '"sequence":-0,').encode())
@example((TEXT % '"sequence":null,').encode())
def test_the_fast_way_says_nothing_that_the_exact_way_does_not(raw: bytes) -> None:
    """What the fast way reads the exact way reads with equal content; what that refuses the fast way refuses."""
    thin = decode_thin(raw)
    exact = exact_or_place(raw)
    if thin is None:
        return
    if isinstance(exact, str):
        assert (
            exact == "occurred_at"
        )  # the thin shape leaves it as text: whoever uses it reads the instant and falls back
        return
    given_fields = {name: value for name, value in dict(thin).items() if value is not None}
    given_fields["occurred_at"] = instant_or_none(thin["occurred_at"])
    assert given_fields == {**_plain(exact), "occurred_at": exact.occurred_at}


@settings(max_examples=400)
@given(st.lists(st.one_of(_spelled(), _encoded(), st.binary(max_size=60), st.none()), min_size=1, max_size=6))
@example([b"x\n" + ACCESS, b"{nonsense"])
@example([ACCESS + b"\n" + ACCESS, b"{nonsense", ACCESS])
@example([b"", ACCESS, None, b"\n"])
@example([ACCESS.replace(b'"2026-01-05T', b'"2026-02-30T')])
@example([ACCESS.replace(b'"2026-01-05T', b'"2026-02-29T')])
@example([ACCESS.replace(b'"2026-01-05T', b'"2028-02-29T')])
def test_what_is_plain_is_what_the_exact_way_reads(values: list[bytes | None]) -> None:
    """Message by message, whatever lies before and behind it: no message can pass for another's line."""
    rows = read_plain("ecms", values)
    assert len(rows) == len(values)
    for value, row in zip(values, rows, strict=True):
        if row == NOT_PLAIN:
            continue
        exact = decode_access(value)
        sequence = "" if exact.sequence is None else str(exact.sequence)
        instant = format_instant(exact.occurred_at)
        assert exact.source == "ecms"
        assert row == (sequence, exact.actor, plain_record(exact.record), instant)
        assert exact.candidates is None
        assert exact.occurred_until is None


def test_every_day_that_exists_is_plain_and_no_other() -> None:
    """Half a century, the 32nd of a month and the 13th month: nobody reads these numbers after the expression."""
    days = [f"{y}-{m:02}-{d:02}" for y in range(2000, 2050) for m in range(14) for d in range(33)]
    rows = read_plain("ecms", [ACCESS.replace(b"2026-01-05", day.encode()) for day in days])
    for day, row in zip(days, rows, strict=True):
        try:
            date.fromisoformat(day)
        except ValueError:
            assert row == NOT_PLAIN, day
        else:
            assert row[3].startswith(day)


SMALL_FIELDS = ["sequence", "agency", "session", "device", "batch_id", "object_count", None]


@pytest.mark.parametrize("name", SMALL_FIELDS)
def test_what_the_codec_writes_is_plain_with_one_look(name: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The contract's own spelling never needs the model, whichever of the small fields it has."""
    monkeypatch.setattr(plain, "decode_thin", lambda value: pytest.fail("read by the model"))
    fields = {} if name is None else {name: 17 if name in NUMBERS else "x7"}
    access = make_access(**{"sequence": None, **fields})
    [row] = read_plain("ecms", [encode(access)])
    assert row[1] == access.actor
    assert row[0] == ("17" if name == "sequence" else "")


def test_what_somebody_asked_for_is_not_plain() -> None:
    """It is two accesses; what somebody asked for themselves is one."""
    other, own = make_access(requested_for="boss1"), make_access("jdoe12", requested_for="jdoe12")
    assert read_plain("ecms", [encode(other), encode(own)])[0] == NOT_PLAIN
    assert read_plain("ecms", [encode(own)])[0][1] == "jdoe12"


def _plain(access: Access) -> dict[str, Any]:
    return {name: value for name, value in access.model_dump(mode="json").items() if value is not None}


def outcome(read: Callable[[str], int], text: str) -> int | str:
    """The instant, or the words of the refusal: they must not repeat the text, which may be data (promise 15)."""
    try:
        return read(text)
    except ValueError as error:
        return str(error)


@given(st.one_of(st.datetimes().map(lambda d: d.isoformat(timespec="milliseconds") + "Z"), st.text(max_size=26)))
@example("2026-01-05T14:14:60.000Z")
@example("JANE-DOE-1T555-0123.999Z")
@example("2026-01-05T14:14:0٣.000Z")
@example("2026-01-05T14:14:03.12٣Z")
@example("2026-01-05t14:14:03.120Z")
def test_the_quick_instant_is_the_exact_one(text: str) -> None:
    """The fast reader of instants gives the same answer, or the same refusal."""
    assert outcome(quick_instant, text) == outcome(parse_instant, text)


@given(_accesses)
def test_one_value_has_one_spelling(document: dict[str, Any]) -> None:
    """What is read and written again is read the same, and written the same."""
    try:
        access = decode_access(orjson.dumps(document))
    except (RejectedInputError, TypeError, orjson.JSONEncodeError):
        return
    again = decode_access(encode(access))
    assert again == access
    assert encode(again) == encode(access)
