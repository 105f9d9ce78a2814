"""ECMS accesses as syslog messages (a synthetic layout over RFC 5424), written without sharing code with the reader."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from schemas.access import Access

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HEADER = "app1.example ecms 812"


def syslog(
    access: Access, *, offset: timedelta = timedelta(), finer: str = "", before: str = "", text: str = ""
) -> bytes:
    """The ACCESS message that names this access.

    `offset` is that of TIMESTAMP, `finer` are up to three digits behind its milliseconds, `before` other elements, and
    `text` what follows the structured data.
    """
    values = "".join(f' {name}="{_escaped(value)}"' for name, value in _parameters(access).items())
    when = _timestamp(access.occurred_at, offset, finer)
    return f"<110>1 {when} {HEADER} ACCESS {before}[access@32473{values}]{text}".encode()


def _parameters(access: Access) -> dict[str, str]:
    until = None if access.occurred_until is None else _timestamp(access.occurred_until)
    purpose = access.purpose
    candidates = access.candidates
    found = {
        "id": access.event_id,
        "seq": access.sequence,
        "user": access.actor,
        "for": access.requested_for,
        "action": access.action,
        "kind": access.record.kind,
        "record": access.record.id,
        "result": access.result,
        "until": until,
        "session": access.session,
        "device": access.device,
        "batch": access.batch_id,
        "count": access.object_count,
        "recipient": access.recipient,
        "agency": access.agency,
        "purposeCode": purpose and purpose.code,
        "purposeText": purpose and purpose.text,
        "candidates": None if candidates is None else " ".join(f"{one.kind}:{one.id}" for one in candidates),
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def _escaped(value: str) -> str:
    return "".join(f"\\{character}" if character in '"\\]' else character for character in value)


def _timestamp(ms: int, offset: timedelta = timedelta(), finer: str = "") -> str:
    local = (EPOCH + timedelta(milliseconds=ms)).astimezone(timezone(offset))
    minutes = offset // timedelta(minutes=1)
    sign, (hour, minute) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    zone = f"{sign}{hour:02}:{minute:02}" if minutes else "Z"
    day = f"{local.year:04}-{local.month:02}-{local.day:02}"
    return f"{day}T{local.hour:02}:{local.minute:02}:{local.second:02}.{local.microsecond // 1000:03}{finer}{zone}"
