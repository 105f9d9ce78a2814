"""The codec against hostile input: what two readers could read differently is refused, and nothing of it repeated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

from schemas import codec
from schemas.access import Access
from schemas.codec import (
    DEPTH_MAX,
    MESSAGE_MAX,
    decode,
    decode_access,
    decode_registered,
    decode_thin,
    encode,
    is_waiver,
    read_json,
)
from schemas.errors import RejectedInputError
from schemas.fact import Fact, Mark, Waiver
from schemas.finding import Finding
from schemas.ids import ID_MAX
from schemas.ledger import Cut
from tests.contract.examples import ACCESS, CUT, FACT, FINDING, FULL_ACCESS, MARK, TEXT, WAIVER
from tests.harness.builders import registered

SECRET = "jane-roe-1987"  # stands for somebody's data: no error may repeat it
EXAMPLES: list[tuple[type[BaseModel], bytes]] = [
    (Access, FULL_ACCESS),
    (Fact, FACT),
    (Mark, MARK),
    (Finding, FINDING),
    (Cut, CUT),
]


def refused(raw: bytes | None, model: type[BaseModel] = Access) -> RejectedInputError:
    """The error that `raw` gets; the fast way must not let it through either."""
    with pytest.raises(RejectedInputError) as caught:
        decode(model, raw)
    assert SECRET not in str(caught.value)
    assert caught.value.place
    if model is Access and raw is not None:
        thin = decode_thin(raw)
        # The thin shape leaves `occurred_at` as text: whoever uses it reads the instant and falls back when it is none.
        assert thin is None or caught.value.place == "occurred_at"
    return caught.value


def access_with(**changes: Any) -> bytes:
    """The example access with fields replaced."""
    return orjson.dumps(orjson.loads(FULL_ACCESS) | changes)


HOSTILE = {
    "nothing": b"",
    "only spaces": b"  \n",
    "null": b"null",
    "array at the top": b"[" + ACCESS + b"]",
    "text at the top": f'"{SECRET}"'.encode(),
    "trailing garbage": ACCESS + b"x",
    "two objects": ACCESS + ACCESS,
    "cut off": ACCESS[:-1],
    "comment": ACCESS.replace(b",", b"/* */,", 1),
    "trailing comma": ACCESS[:-1] + b",}",
    "single quotes": ACCESS.replace(b'"', b"'"),
    "byte order mark": b"\xef\xbb\xbf" + ACCESS,
    "UTF-16": ACCESS.decode().encode("utf-16"),
    "UTF-16 without mark": ACCESS.decode().encode("utf-16-le"),
    "UTF-32": ACCESS.decode().encode("utf-32"),
    "Latin-1": (TEXT % '"recipient":"Müller",').encode("latin-1"),
    "overlong UTF-8": ACCESS.replace(b"jdoe", b"jd\xc0\xaf"),
    "surrogate as UTF-8": (TEXT % '"recipient":"@",').encode().replace(b"@", b"\xed\xa0\x80"),
    "UTF-8 past the end": (TEXT % '"recipient":"@",').encode().replace(b"@", b"\xf5\x80\x80\x80"),
    "lone high surrogate": (TEXT % r'"recipient":"\ud800",').encode(),
    "lone low surrogate": (TEXT % r'"recipient":"\udc00",').encode(),
    "bare control character": (TEXT % '"recipient":"a\x01b",').encode(),
    "bare newline in text": (TEXT % '"recipient":"a\nb",').encode(),
    "bad escape": (TEXT % r'"recipient":"\x41",').encode(),
    "NUL after the object": ACCESS + b"\0",
    "NaN": (TEXT % '"sequence":NaN,').encode(),
    "Infinity": (TEXT % '"sequence":Infinity,').encode(),
    "minus Infinity": (TEXT % '"sequence":-Infinity,').encode(),
    "2^64": (TEXT % f'"sequence":{2**64},').encode(),
    "2^63": (TEXT % f'"sequence":{2**63},').encode(),
    "1e400": (TEXT % '"sequence":1e400,').encode(),
    "5,000 digits": (TEXT % f'"sequence":{"9" * 5000},').encode(),
    "leading zero": (TEXT % '"sequence":007,').encode(),
    "hexadecimal": (TEXT % '"sequence":0x10,').encode(),
    "plus sign": (TEXT % '"sequence":+1,').encode(),
    "exponent": (TEXT % '"sequence":1e2,').encode(),
    "fraction": (TEXT % '"sequence":12.0,').encode(),
    "minus one": (TEXT % '"sequence":-1,').encode(),
    "number as text": (TEXT % '"sequence":"12",').encode(),
    "true as number": (TEXT % '"sequence":true,').encode(),
    "1,000 levels of objects": b'{"a":' * 1000 + b"1" + b"}" * 1000,
    "1,000 levels of lists": (TEXT % f'"recipient":{"[" * 1000}{"]" * 1000},').encode(),
    "1,000 open brackets": (TEXT % f'"recipient":{"[" * 1000}').encode(),
    "too large": (TEXT % f'"recipient":"{"x" * MESSAGE_MAX}",').encode(),
    "too large by spaces": ACCESS + b" " * MESSAGE_MAX,
    "too many candidates": access_with(candidates=[{"kind": "person", "id": SECRET}] * 201),
    "long free text": access_with(purpose={"text": SECRET * 200}),
    "inverted interval": access_with(occurred_until="2026-01-05T14:14:03.119Z"),
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bytes_are_refused(raw: bytes) -> None:
    """Each is refused by the exact and by the fast way, with a place and without its content."""
    refused(raw)


def test_nothing_at_all_is_refused() -> None:
    """A Kafka message without a value (a tombstone) is no access."""
    assert refused(None).place == "message"


DUPLICATES = {
    "plain": b'{"actor":"%s",' % SECRET.encode() + ACCESS[1:],
    "equal values": b'{"actor":"jdoe",' + ACCESS[1:],
    "with a space": ACCESS[:-1] + b', "actor" : "%s"}' % SECRET.encode(),
    "escaped name": ACCESS[:-1] + b',"\\u0061ctor":"%s"}' % SECRET.encode(),
    "escaped capitals": ACCESS[:-1] + b',"\\u0061\\u0063tor":"%s"}' % SECRET.encode(),
    "nested": ACCESS.replace(b'"id":"c0042"', b'"id":"%s","id":"c0042"' % SECRET.encode()),
    "nested, escaped": ACCESS.replace(b'"id":"c0042"', b'"id":"c0042","i\\u0064":"%s"' % SECRET.encode()),
    "number": ACCESS.replace(b'"sequence":123', b'"sequence":7,"sequence":123'),
    "null first": ACCESS.replace(b'"sequence":123', b'"sequence":null,"sequence":123'),
    "whole record": ACCESS.replace(b'"record":', b'"record":{"kind":"case","id":"%s"},"record":' % SECRET.encode()),
    "in a candidate": FULL_ACCESS.replace(b'"candidates":[{', b'"candidates":[{"kind":"staff",'),
    "beside an escape that is fine": (TEXT % rf'"recipient":"a\"b","recipient":"{SECRET}",').encode(),
}


@pytest.mark.parametrize("raw", DUPLICATES.values(), ids=DUPLICATES.keys())
def test_a_field_named_twice_is_refused(raw: bytes) -> None:
    """Two readers could believe different halves of the message."""
    assert refused(raw).reason == "names a field twice"


def test_a_quote_inside_a_text_is_no_duplicate() -> None:
    """The quick count of quotes must not refuse what is right."""
    text = 'says "hello" \\ and goes'
    assert decode_access(access_with(recipient=text)).recipient == text


_texts = st.text(st.sampled_from('a"\\\n\u00fc{}[]:,'), max_size=6)
_pairs = st.lists(st.tuples(_texts, _texts | st.lists(_texts, max_size=2)), min_size=1, max_size=4)


@given(_pairs, st.booleans(), st.booleans())
def test_a_key_is_found_twice_whatever_stands_in_the_texts(pairs: Any, is_ascii: bool, is_nested: bool) -> None:
    """Quotes and backslashes in any order, inside an object or at its top: as Python's own reader counts them."""
    written = ",".join(
        f"{json.dumps(k, ensure_ascii=is_ascii)}:{json.dumps(v, ensure_ascii=is_ascii)}" for k, v in pairs
    )
    raw = f'{{"\\u0022":{{{written}}}}}' if is_nested else f"{{{written}}}"
    is_twice = len(dict(pairs)) != len(pairs)
    if is_twice:
        with pytest.raises(RejectedInputError, match="names a field twice"):
            read_json(raw.encode())
    else:
        assert read_json(raw.encode()) == ({'"': dict(pairs)} if is_nested else dict(pairs))


def test_brackets_inside_a_text_are_no_depth() -> None:
    """Depth is counted outside of texts, also behind escaped quotes."""
    text = '"[{' * 100
    assert decode_access(access_with(recipient=text)).recipient == text


def test_the_largest_message_is_read() -> None:
    """The limit itself is allowed, one byte more is not."""
    raw = ACCESS + b" " * (MESSAGE_MAX - len(ACCESS))
    assert decode_access(raw) == decode_access(ACCESS)
    assert refused(raw + b" ").place == "message"


def test_the_deepest_message_is_told_from_the_one_below() -> None:
    """Depth is refused before anything is read, in its own words."""
    deep = b'{"a":' * (DEPTH_MAX + 1) + b"1" + b"}" * (DEPTH_MAX + 1)
    assert "nested deeper" in refused(deep).reason
    assert "nested deeper" not in refused(deep[5:-1]).reason


@given(st.lists(st.sampled_from(list(b'{}[]"\\a\n')), max_size=60).map(bytes), st.integers(0, 4))
@example(b'{"\\"[[[[', 1)
@example(b'[[["\\', 2)
def test_depth_is_that_of_a_walk_byte_by_byte(raw: bytes, limit: int) -> None:
    """Whatever is in texts, also where one has no end."""
    depth = deepest = 0
    inside = escaped = False
    for byte in raw:
        if inside:
            inside = escaped or byte != 0x22
            escaped = not escaped and byte == 0x5C
        elif byte == 0x22:
            inside = True
        else:
            depth += (byte in b"{[") - (byte in b"}]")
            deepest = max(deepest, depth)
    is_counted = raw.count(b"{") + raw.count(b"[") > limit
    assert codec._depth_exceeds(raw, limit) == (is_counted and deepest > limit)


BAD_IDS = {
    "empty": "",
    "space": f"{SECRET} x",
    "space before": f" {SECRET}",
    "newline after": f"{SECRET}\n",
    "newline": f"a\n{SECRET}",
    "tab": f"{SECRET}\t",
    "NUL": f"{SECRET}\0",
    "delete": f"{SECRET}\x7f",
    "non-ASCII": f"{SECRET}é",
    "look-alike": f"{SECRET}\u0430",  # a Cyrillic a
    "no-break space": f"{SECRET}\u00a0",
    "right-to-left mark": f"{SECRET}\u202e",
    "201 characters": SECRET + "x" * (ID_MAX + 1 - len(SECRET)),
}
ID_FIELDS = ("event_id", "actor", "requested_for", "agency", "session", "device", "batch_id")


@pytest.mark.parametrize("field", ID_FIELDS)
@pytest.mark.parametrize("bad", BAD_IDS.values(), ids=BAD_IDS.keys())
def test_ids_are_printable_ascii_without_spaces(field: str, bad: str) -> None:
    """Ids are compared as they are, so nothing that looks like another id may pass."""
    assert refused(access_with(**{field: bad})).place == field


@pytest.mark.parametrize("bad", BAD_IDS.values(), ids=BAD_IDS.keys())
def test_record_ids_are_held_to_the_same(bad: str) -> None:
    """Also inside the record, where the place names both."""
    assert refused(access_with(record={"kind": "case", "id": bad})).place == "record.id"


def test_an_id_of_200_characters_is_read() -> None:
    """The limit itself is allowed."""
    assert decode_access(access_with(actor="x" * ID_MAX)).actor == "x" * ID_MAX


BAD_INSTANTS = {
    "no zone": "2026-01-05T14:14:03.120",
    "date only": "2026-01-05",
    "space": "2026-01-05 14:14:03Z",
    "no such day": "2026-02-30T14:14:03Z",
    "no such hour": "2026-01-05T24:14:03Z",
    "leap second": "2026-12-31T23:59:60Z",
    "week date": "2026-W01-1T14:14:03Z",
    "newline after": "2026-01-05T14:14:03Z\n",
    "other digits": "٢٠٢٦-01-05T14:14:03Z",
    "far offset": "2026-01-05T14:14:03+99:00",
    "before 1900": "0001-01-01T00:00:00Z",
    "before everything": "0001-01-01T00:00:00+14:00",
    "words": SECRET,
    "milliseconds": 1767622443120,
    "float": 1767622443.12,
}


@pytest.mark.parametrize("bad", BAD_INSTANTS.values(), ids=BAD_INSTANTS.keys())
def test_instants_are_rfc_3339_with_an_offset(bad: str | float) -> None:
    """A time that two readers could place differently is no time."""
    assert refused(access_with(occurred_at=bad)).place == "occurred_at"


def paths(document: Any, here: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where each object of a document lies, the document first."""
    if isinstance(document, dict):
        yield here
        for key, value in document.items():
            yield from paths(value, (*here, key))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from paths(value, (*here, index))


def at(document: Any, path: tuple[str | int, ...]) -> Any:
    """What lies at a path."""
    for step in path:
        document = document[step]
    return document


OPEN_ENDED = {"marks", "accesses", "sequences"}  # dictionaries whose names are data of their own
LEVELS = [
    pytest.param(model, raw, path, id=f"{model.__name__}:{'.'.join(map(str, path))}")
    for model, raw in EXAMPLES
    for path in paths(orjson.loads(raw))
    if not OPEN_ENDED & set(path)
]


@pytest.mark.parametrize(("model", "raw", "path"), LEVELS)
def test_an_unknown_field_is_refused_at_every_level(
    model: type[BaseModel], raw: bytes, path: tuple[str | int, ...]
) -> None:
    """A field that we do not know could change what the others mean."""
    document = orjson.loads(raw)
    at(document, path)[SECRET] = SECRET
    error = refused(orjson.dumps(document), model)
    assert error.reason == "has a field that the contract does not know"


WRONG: tuple[Any, ...] = (None, True, 12.5, -7, 2**64, SECRET + " ", [SECRET], {SECRET: SECRET}, [[[SECRET]]])


def leaves(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every field of a model, those of nested models too, with its annotation."""
    for name, info in model.model_fields.items():
        yield (*path, name), info.annotation
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from leaves(info.annotation, (*path, name))


def allows(annotation: Any, kind: type) -> bool:
    """Whether an annotation takes any value of this JSON type."""
    options = get_args(annotation) if get_origin(annotation) in (Union, type(int | str)) else (annotation,)
    return any(option is kind or get_origin(option) is kind for option in options)


FREE_TEXT = {"recipient", "text", "reason", "clause", "topic", "policy", "digest", "previous", "run", "name", "hash"}
FREE_TEXT |= {"cites"}


def wrong_values(path: tuple[str, ...], annotation: Any) -> Iterator[Any]:
    """Values that this field must refuse."""
    for value in WRONG:
        is_absent_allowed = value is None and allows(annotation, type(None))
        is_flag = value is True and allows(annotation, bool)
        is_free_text = isinstance(value, str) and path[-1] in FREE_TEXT
        if not (is_absent_allowed or is_flag or is_free_text):
            yield value


FIELDS = [
    pytest.param(model, raw, path, value, id=f"{model.__name__}:{'.'.join(path)}:{number}")
    for model, raw in EXAMPLES
    for path, annotation in leaves(model)
    for number, value in enumerate(wrong_values(path, annotation))
]


@pytest.mark.parametrize(("model", "raw", "path", "value"), FIELDS)
def test_a_wrong_type_is_refused_in_every_field(
    model: type[BaseModel], raw: bytes, path: tuple[str, ...], value: Any
) -> None:
    """Nothing is converted, and the error says where."""
    document = orjson.loads(raw)
    at(document, path[:-1])[path[-1]] = value
    error = refused(json.dumps(document).encode(), model)  # json, because orjson cannot write 2^64
    assert error.place.split(".")[0] in (path[0], "message")


@pytest.mark.parametrize("kind", [SECRET, "Assignment", "", None, 7, ["assignment"]])
def test_an_unknown_kind_of_fact_is_refused_without_being_repeated(kind: Any) -> None:
    """pydantic would quote the tag it did not find."""
    document = orjson.loads(FACT)
    document["body"]["kind"] = kind
    assert refused(orjson.dumps(document), Fact).place.startswith("body")


@pytest.mark.parametrize("field", ["marks", "sequences", "accesses"])
def test_a_name_that_is_data_is_not_repeated_either(field: str) -> None:
    """The names in these dictionaries come from outside as well."""
    document = orjson.loads(CUT)
    document[field] = {f"{SECRET} ": 1}
    assert refused(orjson.dumps(document), Cut).place.split(".")[0] == field


# --- facts and waivers share a log


def test_a_value_of_the_facts_log_is_read_as_what_it_is() -> None:
    """As register spells each; a waiver of another spelling is no fact either, and is refused."""
    waiver, fact = decode(Waiver, WAIVER), registered(decode(Fact, FACT))
    assert (decode_registered(encode(waiver)), is_waiver(encode(waiver))) == (waiver, True)
    assert (decode_registered(encode(fact)), is_waiver(encode(fact))) == (fact, False)
    for raw in (b'{"feed":"staff","kind":"waiver","through":"2026-01-04T08:01:30.000Z"}', b"", None):
        assert not is_waiver(raw)
        with pytest.raises(RejectedInputError):
            decode_registered(raw)
