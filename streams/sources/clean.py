r"""CLEAN: one request of the message switch's log, and its response where one came, is one message. The layout is
synthetic; the real one is not public. Only the mnemonics of fields are those that are published.

A message is the request's line, and after a newline the response's. A line is printable ASCII: fields KEY=VALUE with
`|` between them, each key at most once; in a value `\p` is a `|`, `\b` a backslash and `\n` a newline.

    request   TYP=REQ  NUM  TIM  KEY message key  ORI agency  OPR operator  [RQR requestor]  [ATN attention]
              [PUR purpose code]  [JUS justification]  [TRM terminal], and
              for PERSON, DRIVER, VEHICLE, WANTED, HISTORY: criteria, at least one of NAM DOB SOC OLN LIC VIN
              for RECORD, PRINT, DISCLOSE: SID; for DISCLOSE also ATN
    response  TYP=RSP  NUM  REF the request's NUM  TIM  STA HIT, NOHIT, REJECT or ERROR, and
              for a HIT of criteria: CNT how many, [SID their identifiers, commas between them]

Requests are numbered densely over all files, responses in a series of their own. TIM is local, to hundredths.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final, TypedDict

from schemas.access import CANDIDATES_MAX, Access, Action, Purpose, Record, Result
from schemas.errors import RejectedInputError
from schemas.ids import SourceName
from schemas.topics import SOURCES

from .clean_criteria import CRITERIA, criteria_id
from .clean_lines import Line, read_line
from .codes import meaning, must_be_one_of
from .local_time import YEARS, readings, zone_of
from .people import people
from .translated import Translated

_ZONE: Final = zone_of("clean")
_PRECISION_MS: Final = SOURCES["clean"].precision_ms

_SEARCHES: Final = ("PERSON", "DRIVER", "VEHICLE", "WANTED", "HISTORY")
_ACTIONS: Final[Mapping[str, Action]] = {
    **dict.fromkeys(_SEARCHES, "search"),
    "RECORD": "view",
    "PRINT": "print",
    "DISCLOSE": "disclose",
}
_RESULTS: Final[Mapping[str, Result]] = {"HIT": "success", "NOHIT": "success", "REJECT": "denied", "ERROR": "failed"}

_REQUEST_KEYS: Final = ("TYP", "NUM", "TIM", "KEY", "ORI", "OPR", "RQR", "ATN", "PUR", "JUS", "TRM", *CRITERIA, "SID")
_RESPONSE_KEYS: Final = ("TYP", "NUM", "REF", "TIM", "STA", "CNT", "SID")

_NUMBER: Final = re.compile(r"[0-9]{10}")
_NUMBER_MUST: Final = "must be 10 digits, filled with zeros on the left"
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} (?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{2}")
_TIME_MUST: Final = "must be a local date and time that exist, YYYY-MM-DD HH:MM:SS.hh, years 1900 to 9998"
_LOGIN: Final = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,31}")
_LOGIN_MUST: Final = "must be a login: up to 32 capital letters, digits and . _ -, a letter or digit first"
_AGENCY: Final = re.compile(r"[A-Z0-9]{9}")
_AGENCY_MUST: Final = "must be an originating agency identifier: 9 capital letters and digits"
_ATTENTION: Final = re.compile(r"(?=.*[^ ]).{1,500}")
_ATTENTION_MUST: Final = "must say in 1 to 500 characters on one line to whom it goes"
_CODE: Final = re.compile(r"[A-Z]")
_REASON: Final = re.compile(r"(?s:.{1,2000})")
_TERMINAL: Final = re.compile(r"[A-Z0-9][A-Z0-9.-]{0,15}")
_PERSON: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{1,8}")
_PERSON_MUST: Final = "must be a state identifier: 2 capital letters, then up to 8 capital letters and digits"
_COUNT: Final = re.compile(r"[1-9][0-9]{0,8}")
_COUNT_MUST: Final = "must be the number of hits, 1 to 999999999 without leading zeros"


class _Answer(TypedDict, total=False):
    """What a response adds to an access."""

    result: Result
    candidates: tuple[Record, ...] | None
    object_count: int | None


def translate(source: SourceName, value: bytes) -> Translated:
    """The access that a request names, with what its response says.

    A request without a response counts as one that succeeded: nothing says that it was refused. Raises
    RejectedInputError naming the field and the line; whoever keeps the switch's log must act. A time is the
    hundredth that it names; in the hour that happens twice from the first such hundredth to the end of the other.
    """
    if not value.isascii():
        raise RejectedInputError("message", "must be ASCII")
    first, newline, second = value.decode("ascii").partition("\n")
    request = _typed(read_line("request", first, _REQUEST_KEYS), "REQ")
    number = request.value("NUM", _NUMBER, _NUMBER_MUST)
    key = _message_key(request)
    answer = _answer(_typed(read_line("response", second, _RESPONSE_KEYS), "RSP"), number, key) if newline else None
    access = _access(source, request, number, key, answer or {"result": "success"})
    return Translated(accesses=(access,), is_control=False)


def _access(source: SourceName, request: Line, number: str, key: str, answer: _Answer) -> Access:
    first, last = _instants(request)
    actor = request.value("OPR", _LOGIN, _LOGIN_MUST)
    asked_by = request.optional("RQR", _LOGIN, _LOGIN_MUST)
    return Access(
        event_id=f"clean-{number}",
        source=source,
        sequence=int(number),
        actor=actor,
        requested_for=None if asked_by == actor else asked_by,
        action=_ACTIONS[key],
        record=_record(request, key),
        recipient=_recipient(request, key),
        agency=request.value("ORI", _AGENCY, _AGENCY_MUST),
        purpose=_purpose(request),
        occurred_at=first,
        occurred_until=last,
        device=request.optional("TRM", _TERMINAL, "must be up to 16 capital letters, digits and . -"),
        **answer,
    )


def _typed(line: Line, kind: str) -> Line:
    if line.fields.get("TYP") != kind:
        raise line.reject("TYP", f"must be {kind} in the {line.name}'s line")
    return line


def _message_key(request: Line) -> str:
    if (key := request.fields.get("KEY", "")) not in _ACTIONS:
        raise request.reject("KEY", must_be_one_of(_ACTIONS))
    return key


def _record(request: Line, key: str) -> Record:
    """What was asked for: criteria, or the person that a state identifier names."""
    if key in _SEARCHES:
        _absent(request, ("SID",), "names a record, which a query by criteria does not")
        return Record(kind="criteria", id=criteria_id(request))
    _absent(request, CRITERIA, "is a criterion, and this message key names a record by SID")
    return Record(kind="person", id=request.value("SID", _PERSON, _PERSON_MUST))


def _recipient(request: Line, key: str) -> str | None:
    if key == "DISCLOSE":
        return request.value("ATN", _ATTENTION, _ATTENTION_MUST)
    return request.optional("ATN", _ATTENTION, _ATTENTION_MUST)


def _purpose(request: Line) -> Purpose | None:
    code = request.optional("PUR", _CODE, "must be one capital letter")
    text = request.optional("JUS", _REASON, "must have at most 2000 characters")
    return None if code is None and text is None else Purpose(code=code, text=text)


def _answer(response: Line, number: str, key: str) -> _Answer:
    response.value("NUM", _NUMBER, _NUMBER_MUST)
    if response.fields.get("REF") != number:
        raise response.reject("REF", "must be the number of the request that stands before it")
    _instants(response)
    status = response.fields.get("STA", "")
    result = meaning(_RESULTS, status, response.reject, "STA")
    if status == "HIT" and key in _SEARCHES:
        return {"result": result, **_hits(response)}
    _absent(response, ("CNT", "SID"), "belongs to a HIT of a query by criteria only")
    return {"result": result, "object_count": 0} if status == "NOHIT" else {"result": result}


def _hits(response: Line) -> _Answer:
    """How many there were; and who, where identifiers are listed and they are not too many to name anybody."""
    count = int(response.value("CNT", _COUNT, _COUNT_MUST))
    if "SID" not in response.fields:
        return {"object_count": count}
    listed = response.fields["SID"].split(",")
    if not all(map(_PERSON.fullmatch, listed)):
        raise response.reject("SID", f"with commas between them, each {_PERSON_MUST}")
    if len(listed) != count:
        raise response.reject("CNT", "must be the number of identifiers in SID")
    persons = dict.fromkeys(listed)  # one may be hit twice, by two warrants
    if len(persons) > CANDIDATES_MAX:
        return {"object_count": count}
    return {"object_count": count, "candidates": people(persons)}


def _absent(line: Line, keys: tuple[str, ...], reason: str) -> None:
    for key in keys:
        if key in line.fields:
            raise line.reject(key, reason)


def _instants(line: Line) -> tuple[int, int]:
    """The first and the last millisecond (UTC) at which the local date and time may have been."""
    text = line.value("TIM", _TIME, _TIME_MUST)
    try:
        found = _minute(text[:16])
    except ValueError:
        raise line.reject("TIM", _TIME_MUST) from None
    if found is None:
        raise line.reject("TIM", "does not exist on this date: the clocks went forward")
    within = int(text[17:19]) * 1000 + int(text[20:]) * 10
    return found[0] + within, found[1] + within + _PRECISION_MS - 1


@lru_cache(maxsize=4096)  # a request and its response mostly share one, and asking the zone is a fifth of all work
def _minute(text: str) -> tuple[int, int] | None:
    """The readings of a local minute; since 1900 no clock here was changed within one. ValueError: no such minute."""
    wall = datetime.fromisoformat(text)
    if wall.year not in YEARS:
        raise ValueError("year")
    return readings(wall, _ZONE)
