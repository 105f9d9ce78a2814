"""The nightly FACTS audit file (a synthetic layout): 96 columns, header, trailer with count and control hash.

Built from accesses, so that each line comes with what it must be read as.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from schemas.access import Access, Action, RecordKind
from tests.harness.builders import AccessFields, at, make_access
from tests.harness.department_people import Chance, People, make_people

WIDTH = 96
FUNCTIONS: dict[Action, str] = {"search": "INQ", "view": "VEW", "edit": "UPD", "print": "PRT", "export": "RPT"}
KINDS: dict[RecordKind, str] = {"person": "P", "case": "C", "intake": "I", "document": "D", "service": "S"}
RESULTS = {"success": "S", "denied": "D", "failed": "F"}
HOUR_MS, SECOND_MS = 3_600_000, 1_000
# Fixed offsets, not a zone database: the bytes must not depend on which edition a machine has.
EST, EDT = timezone(timedelta(hours=-5)), timezone(timedelta(hours=-4))


@dataclass(frozen=True)
class FactsFile:
    """`content` is the file; `accesses` what its D lines must be read as, in their order."""

    content: bytes
    accesses: tuple[Access, ...]

    @property
    def lines(self) -> list[bytes]:
        """Header, D lines and trailer without their line ends: one message each."""
        return self.content.splitlines()


def audit_access(number: int, access: Access) -> Access:
    """The access as FACTS numbers it, a dense audit number over all files, and as it tells time: in whole seconds."""
    last = (access.occurred_until or access.occurred_at) + SECOND_MS - 1
    named = {"event_id": f"facts-{number:010d}", "sequence": number, "source": "facts", "occurred_until": last}
    return access.model_copy(update=named)


def facts_file(business_date: str, file_number: int, accesses: Sequence[Access]) -> FactsFile:
    """The file of one night. `business_date` is YYYYMMDD; the accesses are numbered and in order."""
    details = [_detail(access) for access in accesses]
    control = hashlib.sha256(b"".join(details)).hexdigest()[:16]
    header = _line(f"HFACTSAUD02{business_date}{file_number:06d}")
    last = max((access.sequence or 0 for access in accesses), default=0)
    trailer = _line(f"T{len(details):010d}{control}{file_number:06d}{last:010d}")
    return FactsFile(b"".join((header, *details, trailer)), tuple(accesses))


def facts_file_for_dst_night(seed: int) -> FactsFile:
    """2025-11-02, when the hour from 01:00 happens twice: 40 lines from 00:30 to 03:30 local time."""
    chance, people = Chance(seed), make_people(60)
    seconds = sorted(chance.between(1800, 3 * 3600 + 1800) for _ in range(34))
    edges = [3599, 3600, 5400, 7199, 7200, 7201]  # around both ends of the hour, and its middle
    accesses = [
        audit_access(4_600_001 + i, _night_access(chance, people, second))
        for i, second in enumerate(sorted((*seconds, *edges)))
    ]
    return facts_file("20251102", 668, accesses)


def _night_access(chance: Chance, people: People, second: int) -> Access:
    local = at("2025-11-02") + second * 1000
    is_double = 3600 <= second < 7200
    is_summer = second < 7200
    when = local + (4 if is_summer else 5) * HOUR_MS
    extras = terminal(chance)
    if is_double:
        extras["until"] = when + HOUR_MS
    action, kind = chance.pick(list(FUNCTIONS)), chance.pick(list(KINDS))
    login = chance.pick(people.workers).logins["facts"]
    return make_access(login, action, f"{kind}:k{chance.below(900):04d}", when, **extras)


def terminal(chance: Chance) -> AccessFields:
    """Where FACTS was used; some sessions have no terminal."""
    return {"device": f"T{chance.below(9999):04d}"} if chance.happens(0.6) else {}


def _detail(access: Access) -> bytes:
    is_double = (access.occurred_until or access.occurred_at) - access.occurred_at >= HOUR_MS
    zone = EDT if is_double or access.occurred_at < at("2025-11-02T06:00:00Z") else EST
    local = datetime.fromtimestamp(access.occurred_at // 1000, UTC).astimezone(zone)
    assert access.sequence is not None
    return _line(
        f"D{access.sequence:010d}{local:%Y%m%d%H%M%S}{access.actor:<8}{FUNCTIONS[access.action]}"
        f"{KINDS[access.record.kind]}{access.record.id:<20}{access.device or '':<8}{RESULTS[access.result]}"
    )


def _line(text: str) -> bytes:
    line = f"{text:<{WIDTH}}\n".encode("ascii")
    assert len(line) == WIDTH + 1, "a field is too long for its columns"
    return line
