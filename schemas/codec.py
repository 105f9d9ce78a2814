"""Bytes in, values out, and back: the only place where JSON is read or written.

orjson and pydantic both keep the last of two equal keys silently, which would let one message say two things to two
readers. So a duplicate is looked for: each key and text has exactly two quotes that no backslash escapes, and a key
that was dropped leaves fewer of them in the value read than in the message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from itertools import accumulate
from typing import Any, Final, TypeVar, get_args

import orjson
from pydantic import BaseModel, ValidationError

from . import finding, ledger, policy  # noqa: F401 - their models' names must be known before an error names one
from .access import CANDIDATES_SPAN_MAX_MS, SEEKING, THIN_ACCESS, Access, ThinAccess
from .act import Act
from .alert import Alert
from .errors import RejectedInputError
from .fact import FactKind, RegisteredFact, Waiver
from .finding import Finding
from .ledger import Cut
from .model import Strict
from .wording import words_for

MESSAGE_MAX: Final = 65_536  # bytes; a page of text is 3,000, and a queue of 8 batches of 5,000 must fit in memory
# What we write ourselves holds what others sent, and says more. Were it not read again, whoever sends the largest
# access that is taken would be judged and nobody told of it: so each has room for the largest of what it is made of.
FINDING_MAX: Final = 2 * MESSAGE_MAX  # an access, and 20 KB around it: 30 facts and a reason whose ids are all escapes
ACT_MAX: Final = FINDING_MAX + 4_096  # a finding; number, digests, who, and where it lies take 2 KB at the most
ALERT_MAX: Final = 320 * MESSAGE_MAX  # all tallies that there can be: 51,840 of 320 bytes
CUT_MAX: Final = 16 * MESSAGE_MAX  # all that its topic takes; 5,000 numbers of 19 digits without neighbours are 0.2 MB
DEPTH_MAX: Final = 16  # the deepest record of the contract has 4 levels

_read_thin: Final = THIN_ACCESS.validator.validate_json  # past the adapter's own wrapper: 5 % of a canonical access

_LARGEST: Final[Mapping[type[BaseModel], int]] = {
    Finding: FINDING_MAX,
    Act: ACT_MAX,
    Alert: ALERT_MAX,
    Cut: CUT_MAX,
}

T = TypeVar("T", bound=BaseModel)


def decode(model: type[T], raw: bytes | None) -> T:
    """The value in `raw`, checked strictly. Raises RejectedInputError naming the field, never its content."""
    document = read_json(raw, largest_of(model))
    try:
        return model.model_validate(document, context={"wire": True})
    except ValidationError as error:
        raise rejected_by(error) from None


def largest_of(model: type[BaseModel]) -> int:
    """How many bytes a value of this kind may have."""
    return _LARGEST.get(model, MESSAGE_MAX)


def encode(value: BaseModel) -> bytes:
    """Compact JSON in the order of the model's fields."""
    if isinstance(value, Finding):  # the one that is written thousands of times a second
        return orjson.dumps(finding.document(value))
    if isinstance(value, Cut):  # names up to 5,000 sequence ranges
        return orjson.dumps(ledger.document(value))
    return orjson.dumps(value.model_dump(mode="json"))


def decode_thin(raw: bytes | None) -> ThinAccess | None:
    """The fast way for an access of one record at one instant; None when only the exact way can tell.

    For emitters who order or space their fields in their own way; those who do as we do are read by schemas.plain.
    """
    if raw is None:
        return None
    try:
        thin: ThinAccess = _read_thin(raw)
    except ValidationError:
        return None
    if len(raw) > MESSAGE_MAX or b"\\" in raw or raw.count(b'"') != orjson.dumps(thin).count(b'"'):
        return None
    return thin


def is_waiver(raw: bytes | None) -> bool:
    """Whether a value of `facts.v1` is a waiver of register, which spells it this way, and not a fact."""
    return (raw or b"").startswith(b'{"kind":"waiver"')


def decode_registered(raw: bytes | None) -> RegisteredFact | Waiver:
    """A value of `facts.v1`, the exact way. Raises as `decode` does."""
    return decode(Waiver, raw) if is_waiver(raw) else decode(RegisteredFact, raw)


def decode_access(raw: bytes | None) -> Access:
    """An access, the exact way."""
    return decode(Access, raw)


def check_sent(access: Access) -> Access:
    """An access that a source sends. Raises RejectedInputError for what would be judged as something else (ADR 27).

    Accounts: by the duties of whoever has that login elsewhere, which is for the registry to say. An operator: of
    whoever asked, and nobody as whoever did it. Candidates of another action than looking for somebody: a record of
    one's own among them would explain that one read, printed or gave away another. Candidates over a long time: they
    are what one search led to, and whoever checks a verdict by hand asks for each at each instant.
    """
    if access.operator is not None:
        raise RejectedInputError("operator", "must be left out; name who did it as actor, who asked as requested_for")
    if access.accounts is not None:
        raise RejectedInputError("accounts", "must be left out; the registry says whose logins those of a source are")
    if access.candidates:
        if access.action not in SEEKING:
            raise RejectedInputError(
                "candidates", f"must be left out unless the action is {' or '.join(SEEKING)}; send an access for each"
            )
        if (access.occurred_until or access.occurred_at) - access.occurred_at > CANDIDATES_SPAN_MAX_MS:
            raise RejectedInputError("occurred_until", "must be at most 48 hours after occurred_at with candidates")
    return access


def read_json(raw: bytes | None, largest: int = MESSAGE_MAX) -> Any:
    """A JSON object from bytes. Raises RejectedInputError for all that two readers could read differently."""
    if raw is None or not raw:
        raise RejectedInputError("message", "is empty; send one JSON object")
    if len(raw) > largest:
        raise RejectedInputError("message", f"is larger than {largest} bytes; split or shorten it")
    if _depth_exceeds(raw, DEPTH_MAX):
        raise RejectedInputError("message", f"is nested deeper than {DEPTH_MAX} levels")
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RejectedInputError(
            f"byte {_byte(raw, error.pos)}", "is not JSON in UTF-8 without a byte order mark"
        ) from None
    if not isinstance(document, dict):
        raise RejectedInputError("message", "must be one JSON object")
    read = orjson.dumps(document)
    is_simple = b"\\" not in raw  # then neither has an escape, and all quotes count
    if raw.count(b'"') != read.count(b'"') if is_simple else _quotes(raw) != _quotes(read):
        _refuse_duplicate_keys(raw)
    return document


def _quotes(raw: bytes) -> int:
    """How many quotes of this JSON begin or end a text. A backslash escapes what follows, from the left: another one,
    or a quote."""
    return raw.replace(b"\\\\", b"").replace(b'\\"', b"").count(b'"')


def _byte(raw: bytes, character: int) -> int:
    """Where a character stands: orjson counts those, and says 0 of what is not UTF-8."""
    return len(raw.decode("utf-8", "replace")[:character].encode())


def _depth_exceeds(raw: bytes, limit: int) -> bool:
    """Whether brackets nest deeper; counts those inside texts too, but only once there are more than the limit."""
    if raw.count(b"{") + raw.count(b"[") <= limit:
        return False
    brackets = _TEXTS.sub(b"", raw).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > limit


_TEXTS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+', re.DOTALL)
"""Nothing is tried twice: a place to come back to for each escape would take 57 bytes of memory a byte."""
_STEPS: Final = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in _STEPS)


def _refuse_duplicate_keys(raw: bytes) -> None:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = dict(pairs)
        if len(names) != len(pairs):
            raise RejectedInputError("message", "names a field twice")
        return names

    json.loads(raw, object_pairs_hook=unique)


def rejected_by(error: ValidationError) -> RejectedInputError:
    """What a model of the contract says against a value, with the contract's name of the field and never its content.

    For translators too, which read other names than the contract's and put theirs into `place`.
    """
    first = error.errors(include_input=False, include_url=False)[0]
    place = _place(first["loc"])
    if first["type"] == "extra_forbidden":
        return RejectedInputError(_place(first["loc"][:-1]), "has a field that the contract does not know")
    if first["type"] == "union_tag_invalid":  # pydantic would repeat the value
        return RejectedInputError(f"{place}.kind", "is no kind that the contract knows")
    return RejectedInputError(place, words_for(first["type"], first["msg"], first.get("ctx", {})))


def _place(loc: tuple[int | str, ...]) -> str:
    """Where the fault is, in names of the contract only: any other name came with the message and may be data."""
    known = known_names()
    return ".".join(str(p) if isinstance(p, int) or p in known else "*" for p in loc) or "message"


@cache
def known_names() -> frozenset[str]:
    """The names of fields and kinds that the contract has: all others may be data."""
    found: set[str] = set()
    models: list[type[BaseModel]] = [Strict]
    while models:
        model = models.pop()
        models += model.__subclasses__()
        found |= set(model.model_fields)
    return frozenset(found) | frozenset(get_args(FactKind))
