"""Duties and logins in the shape in which most accesses ask for them: two look-ups, and instants compared as texts.

RFC 3339 texts of one length in UTC compare as their instants do, so the instant of a message need not be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from schemas.access import Record
from schemas.ids import LATEST_MS, format_instant
from schemas.plain import plain_record

from .facts import RecordKey, Revision

Spans = tuple[str, ...]
"""When a duty explains what its holder does, as texts: from, to (half-open), from, to, and so on."""

Login = tuple[str, str, str]
"""Whose login it is, from when, to when (half-open), as texts."""

_PLAIN_JOINT: Final = '","id":"'  # between kind and id in a record as `plain_record` spells it
_AFTER_ALL: Final = "~"  # an open end: sorts behind every instant


class PlainDuties:
    """The highest revisions of the two kinds that explain most accesses.

    A duty explains an access from `valid_from` on, but not one that happened more than `grace_ms` before the duty was
    known: both are one instant here.
    """

    def __init__(self, grace_ms: int) -> None:
        self._grace = grace_ms
        self.logins: dict[str, dict[str, Login]] = {}  # source -> login -> its only account
        self.duties: dict[str, Spans] = {}  # record as `plain_record` spells it + staff -> own assignments

    def set_duties(self, record: Record, staff: str, held: Iterable[Revision]) -> None:
        """All own assignments of this staff member to this record."""
        key = plain_record(record) + staff
        spans = [t for r in held for t in (_text(max(r.valid_from, r.known_from - self._grace)), _end(r.valid_to))]
        if spans:
            self.duties[key] = tuple(spans)
        else:
            self.duties.pop(key, None)

    def set_login(self, source: str, login: str, staff: str, account: Revision) -> None:
        """This is the only account of the login."""
        self.logins.setdefault(source, {})[login] = staff, _text(account.valid_from), _end(account.valid_to)

    def drop_login(self, source: str, login: str) -> None:
        """The login is nobody's, or more than one person's."""
        self.logins.get(source, {}).pop(login, None)


def plain_key(record: RecordKey) -> str:
    """A record key as `plain_record` spells the record; one spelling for each, since kinds have no slash or quote."""
    kind, _, name = record.partition("/")
    return f'{kind}{_PLAIN_JOINT}{name}"'


def record_key_of(plain: str) -> RecordKey:
    """The way back."""
    kind, _, name = plain[:-1].partition(_PLAIN_JOINT)
    return f"{kind}/{name}"


def _end(ms: int) -> str:
    return _AFTER_ALL if ms > LATEST_MS else _text(ms)


@lru_cache(maxsize=8_192)
def _text(ms: int) -> str:
    """Kept, so that duties which begin on one day share one text: fewer cache lines to fetch."""
    return format_instant(min(ms, LATEST_MS))
