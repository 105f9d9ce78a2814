"""What people are told about a wrong value: plain words that say how to mend it, and nothing of what was sent."""

from __future__ import annotations

import orjson
import pytest
from pydantic import ValidationError

from schemas.access import Access
from schemas.codec import decode, decode_access
from schemas.errors import RejectedInputError
from schemas.fact import Fact
from schemas.wording import words_for
from tests.contract.examples import ACCESS, FACT, TEXT

SECRET = "jane-roe-1987"
ONE = {"kind": "case", "id": "c1"}


def told(change: dict[str, object], example: bytes = ACCESS) -> str:
    """What is said of the example with something else in it; `...` takes a field away."""
    document = {name: value for name, value in (orjson.loads(example) | change).items() if value is not ...}
    with pytest.raises(RejectedInputError) as refused:
        (decode_access if example is ACCESS else lambda raw: decode(Fact, raw))(orjson.dumps(document))
    assert SECRET not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"actor": ...}, "actor: is missing"),
        ({"actor": 7}, "actor: must be text, in quotes"),
        ({"actor": ""}, "actor: must have 1 or more characters"),
        ({"actor": SECRET * 20}, "actor: must have at most 200 characters; shorten it"),
        ({"actor": f"{SECRET} {SECRET}"}, "actor: must be printable ASCII characters without spaces"),
        ({"sequence": SECRET}, "sequence: must be a whole number, without quotes"),
        ({"sequence": 1.5}, "sequence: must be a whole number, without quotes"),
        ({"sequence": -1}, "sequence: must be at least 0"),
        ({"object_count": 10**10}, "object_count: must be at most 1000000000"),
        ({"result": SECRET}, "result: must be one of success, denied, failed"),
        ({"record": SECRET}, "record: must be an object, in braces"),
        ({"record": {"id": SECRET}}, "record.kind: is missing"),
        ({"candidates": SECRET}, "candidates: must be a list, in square brackets"),
        ({"candidates": [ONE] * 201}, "candidates: must have at most 200 entries; split it"),
        ({"candidates": [ONE, SECRET]}, "candidates.1: must be an object, in braces"),
        ({"occurred_until": "2026-01-05T14:14:03.119Z"}, "message: occurred_until must not be before occurred_at"),
        ({SECRET: 1}, "message: has a field that the contract does not know"),
    ],
)
def test_a_wrong_access_is_told_in_plain_words(change: dict[str, object], words: str) -> None:
    """By its field, with what to do."""
    assert told(change) == words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"void": SECRET}, "void: must be true or false, without quotes"),
        ({"revision": 0}, "revision: must be at least 1"),
        ({"body": {"staff": SECRET}}, "body: must say its kind"),
        ({"body": {"kind": SECRET}}, "body.kind: is no kind that the contract knows"),
    ],
)
def test_a_wrong_fact_too(change: dict[str, object], words: str) -> None:
    """Feeds are run by people as well."""
    assert told(change, FACT) == words


def test_what_has_no_words_yet_is_told_as_pydantic_tells_it() -> None:
    """Better than nothing; it repeats no input as we have it configured."""
    assert words_for("brand_new", "Something is wrong", {}) == "Something is wrong"


def test_of_thousands_of_wrong_candidates_one_is_told() -> None:
    """The first ends it: of 25,000 each would be put into words, and all but one thrown away."""
    raw = (TEXT % f'"candidates":[{",".join(["1"] * 25_000)}],').encode()
    with pytest.raises(ValidationError) as refused:
        Access.model_validate(orjson.loads(raw), context={"wire": True})
    assert refused.value.error_count() == 1
    with pytest.raises(RejectedInputError, match=r"candidates\.0: must be an object"):
        decode_access(raw)
