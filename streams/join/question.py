"""What judging asks about an access."""

from __future__ import annotations

from typing import Final, NamedTuple

from schemas.access import Access, is_dated_ahead
from schemas.topics import CONSOLE

from .bodies import RecordKey, login_key, record_key


class Question(NamedTuple):
    """Who, which records, and the interval [start, end] in UTC milliseconds, both ends included."""

    login: str  # as login_key spells it
    targets: tuple[RecordKey, ...]
    start: int
    end: int

    @property
    def is_at_console(self) -> bool:
        """Whether somebody was shown the record of an alert. The login tells: the index holds no more of it."""
        return self.login.startswith(_AT_CONSOLE)


_AT_CONSOLE: Final = login_key(CONSOLE, "")


def question_of(access: Access, appended_at: int) -> Question:
    """The question an access asks: the same whenever it was appended, unless it is dated ahead (ADR 6, rule 1)."""
    start, end = access.occurred_at, access.occurred_at if access.occurred_until is None else access.occurred_until
    if is_dated_ahead(access, appended_at):
        start, end = min(start, appended_at), appended_at
    targets = dict.fromkeys(record_key(r) for r in (access.record, *(access.candidates or ())))
    return Question(login_key(access.login_source, access.actor), tuple(targets), start, end)
