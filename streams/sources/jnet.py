"""JNET: one XML document is one audit message. The layout is synthetic, in the manner of NIEM with the user attributes
of GFIPM; the real one is not public, and no name or namespace here is NIEM's own. Three namespaces, whatever their
prefixes, `a` the exchange, `c` what is common, `i` identity:

    a:AuditMessage
        c:MessageID, c:MessageSequenceNumber (dense over all accesses), c:ActivityDateTime (RFC 3339 with an offset)
        i:User          i:FederationId, and if known i:RoleCode, i:ApplicationName, i:SessionID, i:DeviceID
        i:Requestor     i:FederationId, where the user acts for somebody else
        an activity     a:PennDOTPhotoView, a:DriverLicenseQuery, a:DocketView, a:OffenderQuery, a:Print,
                        a:FacialRecognitionSearch, a:Subscribe, a:SubscriptionHit or a:Unsubscribe
        a:ResultCode    success, denied or failed

An activity names one c:PersonID, c:DocketID or a:Criteria; what criteria have found, a:FoundQuantity and as many
c:FoundPersonID; of which standing search it is, a:SubscriptionID. Elements may stand in any order, none but
c:FoundPersonID twice; `xsi:nil="true"` is the same as leaving out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn
from unicodedata import normalize

from schemas.access import CANDIDATES_MAX, Access, Action, Record, RecordKind, Result
from schemas.errors import RejectedInputError
from schemas.ids import EARLIEST_MS, ID_MAX, LATEST_MS, SourceName, quick_instant

from .codes import meaning
from .jnet_login import FORM, spelled
from .jnet_xml import Found, Part, read
from .people import people
from .translated import CONTROL, Translated

AUDIT: Final = "urn:example:needtoknow:jnet:audit:1"
COMMON: Final = "urn:example:needtoknow:jnet:common:1"
IDENTITY: Final = "urn:example:needtoknow:jnet:identity:1"

QUANTITY_MAX: Final = 1_000_000_000  # the contract's bound on object_count

_WORD = re.compile(rf"[\x21-\x7e]{{1,{ID_MAX}}}")
_NUMBER = re.compile(r"[0-9]{1,19}")
_RESULTS: Final[Mapping[str, Result]] = {"success": "success", "denied": "denied", "failed": "failed"}
_CRITERIA: Final = (
    "BirthDate",
    "DocketNumber",
    "DriverLicenseID",
    "GivenName",
    "ProbeImageDigest",
    "SSN",
    "StateID",
    "SurName",
    "VehiclePlateID",
)
"""In the order in which an id of criteria names them."""
CRITERION_MAX: Final = 500  # characters; the longest real one known is a name of about 100


@dataclass(frozen=True, slots=True)
class Activity:
    """What was done (None: no record was touched) and the elements of which one says to which record."""

    action: Action | None
    names: tuple[str, ...]
    is_standing: bool = False


_ACTIVITIES: Final[Mapping[str, Activity]] = {
    "PennDOTPhotoView": Activity("view", ("PersonID",)),
    "DriverLicenseQuery": Activity("search", ("Criteria",)),
    "DocketView": Activity("view", ("DocketID",)),
    "OffenderQuery": Activity("search", ("Criteria",)),
    "FacialRecognitionSearch": Activity("search", ("Criteria",)),
    "Print": Activity("print", ("PersonID", "DocketID")),
    "Subscribe": Activity("subscribe", ("PersonID", "Criteria"), is_standing=True),
    "SubscriptionHit": Activity("view", ("PersonID", "DocketID"), is_standing=True),
    "Unsubscribe": Activity(None, (), is_standing=True),
}
_KINDS: Final[Mapping[str, RecordKind]] = {"PersonID": "person", "DocketID": "document"}


def translate(source: SourceName, value: bytes) -> Translated:
    """The access that a message names; none for Unsubscribe, a control message: it ends accesses and is none itself.

    `value` is one XML document in UTF-8. Raises RejectedInputError naming the element; whoever runs the JNET export
    must act. A hit of a standing search is an access of its own, made when it was delivered, with the subscription as
    its batch: it is judged by the duties of that instant, however long ago it was subscribed to. Role and application
    say what somebody was entitled to, which explains nothing, and are not kept.
    """
    found = read(_DOCUMENT, value)
    name = _activity_name(found)
    activity = _ACTIVITIES[name]
    number = _sequence(found, activity)
    subscription = _word(found, "SubscriptionID", name) if activity.is_standing else None
    actor, at, result = _federated(found, "User"), _instant(found), _result(found)
    message_id = _word(found, "MessageID")
    requestor = _federated(found, "Requestor") if found.one.get("Requestor") else None
    session, device = _optional(found, "User/SessionID"), _optional(found, "User/DeviceID")
    if activity.action is None:
        return CONTROL
    record = _record(found, name, activity)
    candidates, quantity = _what_was_found(found, name, record)
    access = Access(
        event_id=message_id,
        source=source,
        sequence=number,
        actor=actor,
        requested_for=requestor,
        action=activity.action,
        record=record,
        candidates=candidates,
        result=result,
        occurred_at=at,
        session=session,
        device=device,
        batch_id=subscription,
        object_count=quantity,
    )
    return Translated(accesses=(access,), is_control=False)


# --- the layout


def _texts(namespace: str, inside: str, *names: str) -> dict[str, Part]:
    """Elements of text; inside another they are called and found by both names."""
    return {f"{{{namespace}}}{n}": Part(f"{inside}{n}", f"{inside}{n}") for n in names}


def _activity(name: str, activity: Activity) -> Part:
    parts: dict[str, Part] = {}
    for key in (*activity.names, *(("SubscriptionID",) if activity.is_standing else ())):
        namespace = COMMON if key in _KINDS else AUDIT
        parts[f"{{{namespace}}}{key}"] = Part(f"{name}/{key}", key)
    if "Criteria" in activity.names:
        criteria = _texts(COMMON, "Criteria/", *_CRITERIA)
        parts[f"{{{AUDIT}}}Criteria"] = Part(f"{name}/Criteria", "Criteria", criteria)
        parts[f"{{{AUDIT}}}FoundQuantity"] = Part(f"{name}/FoundQuantity", "FoundQuantity")
        parts[f"{{{COMMON}}}FoundPersonID"] = Part(f"{name}/FoundPersonID", "FoundPersonID", is_many=True)
    return Part(name, "activity", parts)


def _document() -> Part:
    user = _texts(IDENTITY, "User/", "FederationId", "RoleCode", "ApplicationName", "SessionID", "DeviceID")
    requestor = _texts(IDENTITY, "Requestor/", "FederationId")
    root = {
        **_texts(COMMON, "", "MessageID", "MessageSequenceNumber", "ActivityDateTime"),
        f"{{{IDENTITY}}}User": Part("User", "User", user),
        f"{{{IDENTITY}}}Requestor": Part("Requestor", "Requestor", requestor),
        **{f"{{{AUDIT}}}{name}": _activity(name, activity) for name, activity in _ACTIVITIES.items()},
        **_texts(AUDIT, "", "ResultCode"),
    }
    return Part("message", "message", {f"{{{AUDIT}}}AuditMessage": Part("AuditMessage", "AuditMessage", root)})


_DOCUMENT: Final = _document()

# --- what the elements hold


def _activity_name(found: Found) -> str:
    if (name := found.one.get("activity")) is None:
        raise RejectedInputError("AuditMessage", f"must have one activity, of {', '.join(_ACTIVITIES)}")
    return name


def _needed(found: Found, key: str, inside: str = "") -> str:
    if (text := found.one.get(key)) is None:
        raise _missing(key, inside)
    return text


def _word(found: Found, key: str, inside: str = "") -> str:
    if (text := found.one.get(key)) is None:
        raise _missing(key, inside)
    return text if _WORD.fullmatch(text) else _no_word(key, inside)


def _optional(found: Found, key: str) -> str | None:
    text = found.one.get(key)
    return text if text is None or _WORD.fullmatch(text) else _no_word(key)


def _missing(key: str, inside: str) -> RejectedInputError:
    return RejectedInputError(_place(key, inside), "is missing or nil")


def _no_word(key: str, inside: str = "") -> NoReturn:
    raise RejectedInputError(_place(key, inside), f"must be 1 to {ID_MAX} printable ASCII characters without spaces")


def _place(key: str, inside: str) -> str:
    return f"{inside}/{key}" if inside else key


def _federated(found: Found, who: str) -> str:
    """A federated id in the spelling that logins are compared in."""
    key = f"{who}/FederationId"
    if (login := spelled(_word(found, key))) is None:
        raise RejectedInputError(key, f"must be a federated id, {FORM}")
    return login


def _instant(found: Found) -> int:
    text = _needed(found, "ActivityDateTime")
    try:
        at = quick_instant(text)
    except ValueError as error:
        raise RejectedInputError("ActivityDateTime", str(error)) from None
    if not EARLIEST_MS <= at <= LATEST_MS:
        raise RejectedInputError("ActivityDateTime", "must lie between the years 1900 and 9999")
    return at


def _result(found: Found) -> Result:
    return meaning(_RESULTS, _needed(found, "ResultCode"), RejectedInputError, "ResultCode")


def _number(text: str, place: str, *, below: int) -> int:
    if not _NUMBER.fullmatch(text) or (number := int(text)) >= below:
        raise RejectedInputError(place, f"must be a whole number below {below}, in digits only")
    return number


def _sequence(found: Found, activity: Activity) -> int | None:
    """Numbers are of accesses: one on a control message would be missed among them, as a lost access is."""
    key = "MessageSequenceNumber"
    if activity.action is not None:
        return _number(_needed(found, key), key, below=2**63)
    if found.one.get(key) is not None:
        raise RejectedInputError(key, "must be left out of what is no access: its number would be missed among them")
    return None


def _record(found: Found, name: str, activity: Activity) -> Record:
    given = [key for key in activity.names if found.one.get(key) is not None]
    if len(given) != 1:
        raise RejectedInputError(name, f"must name a record by exactly one of {', '.join(activity.names)}")
    key = given[0]
    if key == "Criteria":
        return Record(kind="criteria", id=_criteria_id(found))
    return Record(kind=_KINDS[key], id=_word(found, key, name))


def _criteria_id(found: Found) -> str:
    """The same for the same criteria, in whichever activity: the fields, then 32 hexadecimal digits of SHA-256.

    It holds no criterion, but whoever guesses one can tell that it was this one: a digest is no secret.
    """
    texts = {name: text for name in _CRITERIA if (text := found.one.get(f"Criteria/{name}")) is not None}
    if not texts:
        raise RejectedInputError("Criteria", f"must hold at least one of {', '.join(_CRITERIA)}")
    written = "\x1f".join(f"{name}={_normal(text, name)}" for name, text in texts.items())
    return f"{'+'.join(texts)}-{hashlib.sha256(written.encode()).hexdigest()[:32]}"


def _normal(text: str, name: str) -> str:
    """Without what does not make it another question: case, compatible forms of a letter, and how it is spaced."""
    if len(text) > CRITERION_MAX:
        raise RejectedInputError(f"Criteria/{name}", f"must have at most {CRITERION_MAX} characters")
    normal = " ".join(normalize("NFKC", normalize("NFKC", text).casefold()).split())
    if not normal or not normal.isprintable():
        raise RejectedInputError(f"Criteria/{name}", "must be text without characters that cannot be seen")
    return normal


def _what_was_found(found: Found, name: str, record: Record) -> tuple[tuple[Record, ...] | None, int | None]:
    """The persons that criteria have found, each once, and how many hits there were.

    More persons than an access may name are nobody in particular. Subscribing need not say whom it finds today.
    """
    quantity, listed = found.one.get("FoundQuantity"), found.many.get("FoundPersonID", ())
    if quantity is None and not listed and (record.kind != "criteria" or name == "Subscribe"):
        return None, None
    if record.kind != "criteria":
        raise RejectedInputError(f"{name}/FoundQuantity", "belongs to Criteria, and FoundPersonID with it")
    number = _number(_needed(found, "FoundQuantity", name), f"{name}/FoundQuantity", below=QUANTITY_MAX + 1)
    if number != len(listed) and (listed or number <= CANDIDATES_MAX):
        raise RejectedInputError(
            f"{name}/FoundQuantity",
            f"must be the number of FoundPersonID; above {CANDIDATES_MAX} all of them may be left out",
        )
    persons = dict.fromkeys(listed)
    if not all(map(_WORD.fullmatch, persons)):
        _no_word("FoundPersonID", name)
    if not 0 < len(persons) <= CANDIDATES_MAX:
        return None, number
    return people(persons), number
