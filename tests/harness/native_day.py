"""Accesses as each system writes them (synthetic layouts), and what they must be read as; no code shared with readers.

A writer is asked for the accesses of one message, as somebody meant them, and answers with the message and with what is
left of them: systems keep neither all fields nor all digits of a time. None: this system has no way to say that.
The day is in January: New York is five hours behind UTC, and no hour happens twice.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.access import Access, Purpose, Record
from schemas.topics import ACCURINT_BATCH, ACCURINT_ROW, CLEAN_LINES, FACTS2_CDC, IRSS_ROW, JNET_XML, PAPER_SLIP

HOUR_MS: Final = 3_600_000
NEW_YORK_MS: Final = -5 * HOUR_MS
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
AGENCY: Final = "PA0510099"


@dataclass(frozen=True)
class Native:
    """A message, and the accesses that it must be read as, in order."""

    content_type: str
    value: bytes
    accesses: tuple[Access, ...]


Writer = Callable[[int, Sequence[Access]], Native | None]
"""The number of a message at its source, from 1 on, and the accesses that it is to name."""


def _facts2(number: int, accesses: Sequence[Access]) -> Native | None:
    [access] = accesses
    actions = {"search": "SRCH", "view": "VIEW", "edit": "UPDT", "print": "PRNT", "export": "RPRT"}
    kinds = {"person": "PERS", "case": "CASE", "intake": "INTK", "document": "DOCM", "service": "SERV"}
    if access.action not in actions or access.record.kind not in kinds or access.candidates or access.requested_for:
        return None
    text, count = _text(access), access.object_count if access.action == "search" else None
    terminal = access.device or "DHS04T17"
    after = {
        "AUDIT_ID": number,
        "USER_ID": access.actor,
        "ACTION_CD": actions[access.action],
        "OBJ_TYPE_CD": kinds[access.record.kind],
        "OBJ_ID": access.record.id,
        "TERMINAL_ID": terminal,
        "SESSION_ID": access.session,
        "RESULT_CD": {"success": "OK", "denied": "DENY", "failed": "FAIL"}[access.result],
        "REASON_TXT": text,
        "RESULT_CNT": count,
        "ACCESS_TS": access.occurred_at + NEW_YORK_MS,
    }
    source = {"table": "AUDIT_TRAIL", "txId": 7_000 + number, "snapshot": "false"}
    value = json.dumps({"op": "c", "before": None, "after": after, "source": source}, ensure_ascii=False).encode()
    changes = {"device": terminal, "purpose": _said(text), "object_count": count, "recipient": None}
    kept = _kept(access, f"facts2-{number}", sequence=number, **changes)
    return Native(FACTS2_CDC, value, (kept,))


def _irss(number: int, accesses: Sequence[Access]) -> Native | None:
    [access] = accesses
    functions = {"search": "Search", "view": "View", "edit": "Update", "print": "Print", "export": "Report"}
    kinds = ("person", "case", "intake", "document", "service")
    if access.action not in functions or access.record.kind not in kinds or access.candidates or access.requested_for:
        return None
    local, text = _local(access.occurred_at), _within(_text(access), "cp1252")
    function, minute = functions[access.action], f"{local:%Y-%m-%dT%H:%M}"
    cells = {
        "User ID": access.actor,
        "Function": function,
        "Record Type": access.record.kind.title(),
        "Record Number": access.record.id,
        "Date": f"{local:%m/%d/%Y}",
        "Time": f"{local:%I:%M %p}".lstrip("0"),
        "Status": access.result.title(),
        "Workstation": access.device or "",
        "Reason": text or "",
        "Log No": str(88_000 + number),
    }
    parts = (access.actor, function.lower(), access.record.kind, access.record.id, minute, access.result)
    name = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
    first = access.occurred_at - access.occurred_at % 60_000
    kept = _kept(
        access,
        f"irss-{name}",
        occurred_at=first,
        occurred_until=first + 59_999,
        session=None,
        purpose=_said(text),
        object_count=None,
        recipient=None,
    )
    return Native(IRSS_ROW, _csv(cells).encode("cp1252"), (kept,))


def _clean(number: int, accesses: Sequence[Access]) -> Native | None:
    access = accesses[0]
    keys = {"search": "PERSON", "view": "RECORD", "print": "PRINT", "disclose": "DISCLOSE"}
    found = [one.id for one in access.candidates or ()]
    if access.action not in keys or not all(one.startswith("PA") for one in found or [access.record.id]):
        return None
    first, name = access.occurred_at - access.occurred_at % 10, f"DOE,{found[0]}" if found else ""
    criteria = hashlib.sha256(f"NAM={name}".encode()).hexdigest()[:32]
    request = {
        "TYP": "REQ",
        "NUM": f"{number:010}",
        "TIM": _hundredths(first),
        "KEY": keys[access.action],
        "ORI": AGENCY,
        "OPR": access.actor,
        "RQR": access.requested_for,
        "ATN": access.recipient,
        "PUR": "C",
        "TRM": access.device,
        **({"NAM": name} if found else {"SID": access.record.id}),
    }
    response = {"TYP": "RSP", "NUM": f"{5_000 + number:010}", "REF": f"{number:010}", "TIM": _hundredths(first + 700)}
    response["STA"] = {"success": "HIT", "denied": "REJECT", "failed": "ERROR"}[access.result]
    is_hit = bool(found) and access.result == "success"
    if is_hit:
        response |= {"CNT": str(len(found)), "SID": ",".join(found)}
    kept = _kept(
        access,
        f"clean-{number:010}",
        sequence=number,
        occurred_at=first,
        occurred_until=first + 9,
        session=None,
        agency=AGENCY,
        purpose=Purpose(code="C"),
        record=Record(kind="criteria", id=f"NAM-{criteria}") if found else access.record,
        candidates=access.candidates if is_hit else None,
        object_count=len(found) if is_hit else None,
    )
    lines = ("|".join(f"{key}={value}" for key, value in line.items() if value) for line in (request, response))
    return Native(CLEAN_LINES, "\n".join(lines).encode("ascii"), _by_party(kept))


def _jnet(number: int, accesses: Sequence[Access]) -> Native | None:
    [access] = accesses
    found = [one.id for one in access.candidates or () if one.kind == "person"]
    activities = {"view": "PennDOTPhotoView", "print": "Print", "search": "OffenderQuery", "subscribe": "Subscribe"}
    is_search = access.action == "search"
    if access.action not in activities or len(found) != len(access.candidates or ()) or bool(found) != is_search:
        return None
    if not is_search and access.record.kind != "person":
        return None
    listed = "".join(f"<c:FoundPersonID>{one}</c:FoundPersonID>" for one in found)
    state_id, subscription = found[0] if found else "", f"SUB-{number}" if access.action == "subscribe" else None
    sought = f"<c:PersonID>{access.record.id}</c:PersonID>"
    if is_search:
        sought = f"<a:Criteria><c:StateID>{state_id}</c:StateID></a:Criteria>"
        sought += f"<a:FoundQuantity>{len(found)}</a:FoundQuantity>{listed}"
    if subscription:
        sought += f"<a:SubscriptionID>{subscription}</a:SubscriptionID>"
    device = f"<i:DeviceID>{access.device}</i:DeviceID>" if access.device else ""
    names = "".join(f' xmlns:{p}="urn:example:needtoknow:jnet:{n}:1"' for p, n in _NAMESPACES.items())
    value = f"""<?xml version="1.0" encoding="UTF-8"?>
<a:AuditMessage{names}>
  <c:MessageID>JNET-2026-{number:07}</c:MessageID><c:MessageSequenceNumber>{number}</c:MessageSequenceNumber>
  <c:ActivityDateTime>{_local(access.occurred_at).isoformat(timespec="milliseconds")}-05:00</c:ActivityDateTime>
  <i:User><i:FederationId>{access.actor}</i:FederationId><i:RoleCode>NON-CJ</i:RoleCode>
    <i:SessionID>{access.session}</i:SessionID>{device}</i:User>
  <a:{activities[access.action]}>{sought}</a:{activities[access.action]}>
  <a:ResultCode>{access.result}</a:ResultCode>
</a:AuditMessage>"""
    criteria = hashlib.sha256(f"StateID={state_id.casefold()}".encode()).hexdigest()[:32]
    kept = _kept(
        access,
        f"JNET-2026-{number:07}",
        sequence=number,
        purpose=None,
        record=Record(kind="criteria", id=f"StateID-{criteria}") if is_search else access.record,
        object_count=len(found) if is_search else None,
        batch_id=subscription,
    )
    return Native(JNET_XML, value.encode(), (kept,))


_NAMESPACES: Final = {"a": "audit", "c": "common", "i": "identity"}


def _accurint(number: int, accesses: Sequence[Access]) -> Native | None:
    access = accesses[0]
    if access.batch_id is not None:
        return _job(accesses)
    types = {"view": "COMPREHENSIVE_REPORT", "export": "REPORT_DOWNLOAD"}
    if access.action not in types or not access.record.id.isdecimal() or access.result != "success":
        return None
    columns = "transaction_id,date_time,user_id,session_id,search_type,dppa,glba,reference_code,name,ssn,address,phone"
    first = access.occurred_at - access.occurred_at % 1_000
    cells = dict.fromkeys([*columns.split(","), "lexid", "results"], "") | {
        "transaction_id": f"T{number}",
        "date_time": f"{_local(first):%Y-%m-%d %H:%M:%S}",
        "user_id": access.actor,
        "session_id": str(access.session),
        "search_type": types[access.action],
        "dppa": "3",
        "glba": "5",
        "lexid": access.record.id,
    }
    kept = _kept(
        access,
        f"accurint-T{number}",
        occurred_at=first,
        occurred_until=first + 999,
        device=None,
        purpose=Purpose(code="DPPA3/GLBA5"),
        object_count=None,
        recipient=None,
    )
    return Native(ACCURINT_ROW, _csv(cells).encode(), (kept,))


def _job(accesses: Sequence[Access]) -> Native:
    first, one = accesses[0].occurred_at - accesses[0].occurred_at % 1_000, accesses[0]
    head = f"JOB,1,{one.batch_id},{one.actor},{one.session},{_local(first):%Y-%m-%d %H:%M:%S},3,5,,{len(accesses)}"
    lines = [head, f"PART,1,{len(accesses)}", *(f"{n},,,,,{a.record.id}" for n, a in enumerate(accesses, start=1))]
    kept = tuple(
        _kept(
            access,
            f"accurint-{one.batch_id}-{n}",
            occurred_at=first,
            occurred_until=first + 999,
            purpose=Purpose(code="DPPA3/GLBA5"),
            object_count=len(accesses),
            batch_id=one.batch_id,
        )
        for n, access in enumerate(accesses, start=1)
    )
    return Native(ACCURINT_BATCH, "\n".join(lines).encode(), kept)


def _paper(number: int, accesses: Sequence[Access]) -> Native | None:
    access = accesses[0]
    if [one.action for one in accesses] not in (["check_out"], ["check_out", "return"]):
        return None
    day = f"{_local(access.occurred_at):%m/%d/%Y}"
    cells = {
        "Slip Number": f"B12-{number:04}",
        "Date Out": day,
        "Time Out": "",
        "Date Returned": day if len(accesses) > 1 else "",
        "Record Type": access.record.kind.title(),
        "Record Number": access.record.id,
        "Signed By": access.actor,
        "Requested For": "",
        "Purpose": "home visit, as the family asked",
        "Copies": "",
        "Given To": "",
        "Result": "given",
        "Typed By": "00311",
        "Typed On": "2026-01-08",
    }
    said = Purpose(text="home visit, as the family asked")
    names = {"check_out": "out", "return": "return"}
    kept = tuple(_kept(one, f"paper-B12-{number:04}-{names[one.action]}", purpose=said) for one in accesses)
    return Native(PAPER_SLIP, _csv(cells).encode(), kept)


WRITERS: Final[Mapping[str, Writer]] = {
    "facts2": _facts2,
    "irss": _irss,
    "clean": _clean,
    "jnet": _jnet,
    "accurint": _accurint,
    "paper": _paper,
}
"""FACTS has a file of its own (facts_file.py), and ECMS writes canonical JSON."""


def asked(access: Access) -> Access:
    """The access of whoever asked for this one."""
    changes = {"actor": access.requested_for, "operator": access.actor, "requested_for": None, "sequence": None}
    return access.model_copy(update=changes)


def _by_party(access: Access) -> tuple[Access, ...]:
    return (access,) if access.requested_for is None else (access, asked(access))


def _kept(access: Access, event_id: str, **changes: Any) -> Access:
    return access.model_copy(update={"event_id": event_id, "sequence": None, **changes})


def _text(access: Access) -> str | None:
    return access.purpose.text if access.purpose else None


def _said(text: str | None) -> Purpose | None:
    return Purpose(text=text) if text else None


def _within(text: str | None, charset: str) -> str | None:
    """What can be typed there at all."""
    return None if text is None else text.encode(charset, "ignore").decode(charset).strip()


def _local(ms: int) -> datetime:
    """The wall clock in New York, without zone."""
    return (EPOCH + timedelta(milliseconds=ms + NEW_YORK_MS)).replace(tzinfo=None)


def _hundredths(ms: int) -> str:
    return f"{_local(ms):%Y-%m-%d %H:%M:%S.%f}"[:-4]


def _csv(cells: Mapping[str, str]) -> str:
    """A header line and a row."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows((cells.keys(), cells.values()))
    return written.getvalue().removesuffix("\n")
