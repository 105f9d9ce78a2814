"""What is written by hand for speed is what the models would have written."""

from __future__ import annotations

from random import Random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import access as access_module
from schemas import finding as finding_module
from schemas.access import Purpose
from schemas.codec import decode, decode_access, decode_thin, encode
from schemas.finding import Finding
from schemas.ids import format_instant, parse_instant, quick_instant
from schemas.ledger import Cut
from tests.contract.examples import ACCESS, CUT, FINDING, FULL_ACCESS
from tests.harness import chance
from tests.harness.builders import make_access

FULL = make_access(
    candidates=["person:p1", "person:p2"],
    until="14:30",
    requested_for="boss1",
    operator="op1",
    accounts="jnet",
    recipient="a court",
    agency="ag1",
    purpose=Purpose(code="C", text="said so"),
    session="se1",
    device="de1",
    batch_id="ba1",
    object_count=3,
)


def test_an_access_with_every_field_is_written_as_the_model_would() -> None:
    """No field is forgotten, and a new one makes this fail."""
    assert set(access_module.document(FULL)) == set(type(FULL).model_fields)
    assert access_module.document(FULL) == FULL.model_dump(mode="json")


@given(seed=st.integers(0, 2**32))
def test_any_access_is_written_as_the_model_would(seed: int) -> None:
    """With and without its optional fields."""
    one = chance.access(Random(seed), 7)
    assert access_module.document(one) == one.model_dump(mode="json")


@pytest.mark.parametrize(
    ("raw", "known"),
    [
        (ACCESS, "f_9dc08bb3cae0e63feff4b708ce9e3c42"),
        (FULL_ACCESS.replace(b'"agency":"PA0510099",', b""), "f_0842cdfcd1f590162ce18666808f0cd2"),
    ],
)
def test_an_access_of_before_there_were_agencies_is_still_the_same(raw: bytes, known: str) -> None:
    """Its bytes and the id of its finding, or whatever was raised would be raised a second time."""
    access = decode_access(raw)
    assert encode(access) == raw
    assert access_module.finding_id(access) == known


@pytest.mark.parametrize("staff", ["w017", None])
def test_a_finding_is_written_as_the_model_would(staff: str | None) -> None:
    """With every part that a finding can have."""
    found = decode(Finding, FINDING).model_copy(update={"staff": staff, "access": FULL})
    written = finding_module.document(found)
    assert set(written) == set(Finding.model_fields)
    assert decode(Finding, encode(found)) == found
    assert {k: _lists(v) for k, v in written.items()} == found.model_dump(mode="json")


@pytest.mark.parametrize("settled", [None, [(3, 0), (7, 2)]])
@pytest.mark.parametrize("previous", [None, "d1"])
@pytest.mark.parametrize("highest", [None, {"ecms": 140}])
@pytest.mark.parametrize("files", [None, {"facts": [("000412", None, None), ("000412", 9, 12)]}])
def test_a_cut_is_written_as_the_model_would(
    settled: list[tuple[int, int]] | None,
    previous: str | None,
    highest: dict[str, int] | None,
    files: dict[str, list[tuple[str, int | None, int | None]]] | None,
) -> None:
    """A batch's cut and a settlement's, the first of a run and a later one, with a heartbeat, a file, or neither."""
    changed = {"settled": settled, "previous": previous, "given": highest, "files": files}
    cut = decode(Cut, CUT).model_copy(update=changed)
    assert orjson.loads(encode(cut)) == orjson.loads(orjson.dumps(cut.model_dump(mode="json")))
    assert decode(Cut, encode(cut)) == cut


def _lists(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


_SPELLINGS = st.one_of(
    st.integers(-2_208_988_800_000, 253_402_300_799_999).map(format_instant),
    st.text("0123456789-:.TZW+ ", min_size=20, max_size=26),
    st.sampled_from(
        [
            "2026-W01-1T14:14:03.120Z",
            "2026-01-05T24:00:00.000Z",
            "2026-01-05T14:14:60.000Z",
            "2026-01-05 14:14:03.120Z",
            "2026-01-05T14:14:03,120Z",
            "2026-01-05T14:14:03.12\u0663Z",
            "2026-02-29T14:14:03.120Z",
            "2026-01-05t14:14:03.120z",
            "2026-01-05T14:14:03.120+",
        ]
    ),
)


@given(text=_SPELLINGS)
def test_the_quick_reading_of_an_instant_is_the_exact_one(text: str) -> None:
    """The same answer for every spelling, refusals included."""

    def outcome(read: object) -> object:
        try:
            return read(text)  # type: ignore[operator] # one of the two readers
        except ValueError:
            return "refused"

    assert outcome(quick_instant) == outcome(parse_instant)


PLAIN = encode(make_access())


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN.replace(b'"view"', b'"stare"'),
        PLAIN.replace(b'"jdoe12"', b'""'),
        PLAIN.replace(b'"jdoe12"', b'"%s"' % (b"x" * 201)),
        PLAIN.replace(b'"jdoe12"', b"12"),
        PLAIN.replace(b'"sequence":11', b'"sequence":11.0'),
        PLAIN.replace(b'"sequence":11', b'"sequence":-1'),
        PLAIN.replace(b'"sequence":11', b'"sequence":9223372036854775808'),
        PLAIN.replace(b'"sequence":11', b'"colour":11'),
        PLAIN.replace(b'"sequence":11', b'"sequence":11,"sequence":12'),
        PLAIN.replace(b'"jdoe12"', b'"jdoe12","actor":"asmith3"'),
        PLAIN.replace(b'"id":"c0042"', b'"id":"c0042","id":"c0043"'),
        PLAIN.replace(b'"id":"c0042"', b'"id":"c0042","x":"y"'),
        PLAIN.replace(b'{"kind":"case","id":"c0042"}', b'"case"'),
        PLAIN.replace(b'"ecms"', b'"nowhere\x7f"'),
        PLAIN + b"{}",
    ],
)
def test_what_the_model_refuses_the_plain_reading_refuses(raw: bytes) -> None:
    """Each of these differs from a good access in one thing only."""
    assert raw != PLAIN
    assert decode_thin(raw) is None


def test_a_plain_access_is_read_whole() -> None:
    """And it is this access."""
    thin = decode_thin(PLAIN)
    assert thin is not None
    assert (thin["actor"], thin["record"], thin.get("sequence")) == ("jdoe12", {"kind": "case", "id": "c0042"}, 11)
