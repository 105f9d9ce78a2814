"""What was in a message, without what it says: letters become x, digits 9, and all else stands as it is. Pure.

So lengths, quotes, delimiters and what must not be there can be seen, byte for byte where they are. Names of fields are
shown where a name of a field stands and it is one that we know: any other may be data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from schemas.codec import known_names
from schemas.topics import (
    ACCURINT_BATCH,
    ACCURINT_ROW,
    CANONICAL,
    CLEAN_LINES,
    ECMS_SYSLOG,
    FACTS2_CDC,
    FACTS_LINE,
    HEARTBEAT,
    IRSS_ROW,
    JNET_XML,
    PAPER_SLIP,
)

from .letter_json import Name, parts
from .letter_place import Span

_MASK: Final = bytes(
    ord("9") if byte in b"0123456789" else ord("x") if chr(byte).isalpha() or byte > 0x7F else byte
    for byte in range(256)
)


def _names(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


_FACTS2: Final = _names(
    "schema payload op before after source table ts_ms ts_us ts_ns AUDIT_ID USER_ID ACTION_CD OBJ_TYPE_CD OBJ_ID",
    "TERMINAL_ID SESSION_ID RESULT_CD REASON_TXT RESULT_CNT ACCESS_TS",
)
_CLEAN: Final = _names("TYP NUM TIM KEY ORI OPR RQR ATN PUR JUS TRM SID REF STA CNT NAM DOB SOC OLN LIC VIN")
_ECMS: Final = _names(
    "id seq user for action kind record result until session device batch count recipient agency purposeCode",
    "purposeText candidates",
)
_JNET: Final = _names(
    "AuditMessage MessageID MessageSequenceNumber ActivityDateTime User Requestor FederationId SessionID DeviceID",
    "RoleCode ApplicationName Criteria PersonID DocketID FoundPersonID FoundQuantity SubscriptionID ResultCode Print",
    "Subscribe Unsubscribe SubscriptionHit PennDOTPhotoView DriverLicenseQuery DocketView OffenderQuery",
    "FacialRecognitionSearch BirthDate DocketNumber DriverLicenseID GivenName ProbeImageDigest SSN StateID SurName",
    "VehiclePlateID",
)
# Of tables, without spaces and capitals: IRSS and paper, then Accurint.
_TABLES: Final = _names(
    "user userid login loginid function action activity recordtype rectype recordnumber recordno recordid recno date",
    "accessdate logdate time accesstime logtime dateandtime datetime timestamp status accessstatus outcome workstation",
    "workstationid terminal terminalid reason reasonforaccess accessreason results resultcount hits lognumber logno",
    "logid slipnumber dateout timeout datereturned signedby requestedfor purpose copies givento result typedby typedon",
    "transactionid sessionid searchtype dppa glba referencecode name ssn address phone lexid",
)


def masked(content_type: str, value: bytes) -> bytes:
    """As many bytes as `value` has, each in the place of its own."""
    shown = bytearray(value.translate(_MASK))
    for first, last in _SHOWN.get(content_type, _none)(value):
        shown[first:last] = value[first:last]
    return bytes(shown)


def _none(value: bytes) -> Iterable[Span]:
    return ()


def _json(value: bytes) -> Iterable[Span]:
    known = known_names() | _FACTS2
    return [Span(one.first, one.last) for one in parts(value) if isinstance(one, Name) and one.path[-1] in known]


def _found(pattern: str) -> Callable[[bytes], Iterable[Span]]:
    """What the first group of a pattern matches."""
    compiled = re.compile(pattern.encode(), re.MULTILINE)
    return lambda value: [Span(*match.span(1)) for match in compiled.finditer(value)]


def _header(value: bytes) -> Iterable[Span]:
    """The known names in the first line of a table; a second line begins the data."""
    end = value.find(b"\n")
    cells = re.compile(rb'[^,;\t"\r\n]+').finditer(value, 0, max(end, 0))
    fold = re.compile(rb"[ _/.#]")
    return [Span(*c.span()) for c in cells if fold.sub(b"", c[0]).decode("latin-1").lower() in _TABLES]


_SHOWN: Final[Mapping[str, Callable[[bytes], Iterable[Span]]]] = {
    CANONICAL: _json,
    HEARTBEAT: _json,
    FACTS2_CDC: _json,
    FACTS_LINE: _found(r"\A([HDT])"),
    IRSS_ROW: _header,
    PAPER_SLIP: _header,
    ACCURINT_ROW: _header,
    ACCURINT_BATCH: _found(r"^(JOB|PART)(?=,)"),
    CLEAN_LINES: _found(rf"(?:^|\|)({'|'.join(sorted(_CLEAN))})(?==)"),
    ECMS_SYSLOG: _found(rf'(?<= )({"|".join(sorted(_ECMS))})(?==")'),
    JNET_XML: _found(rf"</?(?:[\w.-]+:)?({'|'.join(sorted(_JNET))})(?=[\s/>])"),
}
