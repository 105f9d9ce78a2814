"""Accurint: one row of the usage export is one message. The layout is synthetic; the real one is not public.

    transaction_id  date_time  user_id  session_id  search_type  dppa  glba  reference_code  name  ssn  address  phone
    lexid  results

A message has two or three lines, separated by a newline and with none at its end, in UTF-8: the header line of the
export, the *stating row*, and the row itself. A user chooses purposes before a search and the choice holds for the
session, so later rows leave them empty: the stating row is the one of the same user and session that last stated them.
It is there only where the row states none and an earlier one did; where none did, the access claims no purpose.

`date_time` is local (America/New_York), YYYY-MM-DD HH:MM:SS. A search has criteria and no LexID; a report has a LexID.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from schemas.access import Access, Action, Record
from schemas.errors import RejectedInputError
from schemas.ids import SourceName

from . import accurint_row
from .accurint_row import Columns, Row
from .codes import meaning
from .translated import Translated

COLUMNS: Final = Columns.of(
    "transaction_id",
    "date_time",
    "user_id",
    "session_id",
    "search_type",
    "dppa",
    "glba",
    "reference_code",
    "name",
    "ssn",
    "address",
    "phone",
    "lexid",
    "results",
)
HEADER: Final = ",".join(COLUMNS.names)

TRANSACTION: Final = re.compile(r"[0-9A-Za-z]{1,40}")  # no hyphen: `accurint-<job>-<line>` is a person of a batch job

_SEARCH_TYPES: Final[Mapping[str, Action]] = {
    "PERSON": "search",
    "ADDRESS": "search",
    "PHONE": "search",
    "RELATIVES": "search",
    "ASSET": "search",
    "COMPREHENSIVE_REPORT": "view",
    "REPORT_DOWNLOAD": "export",
}


def translate(source: SourceName, value: bytes) -> Translated:
    """The access that a row of the usage export names.

    `value` is the header line, the stating row where there is one, and the row. Raises RejectedInputError naming the
    field; whoever exports from Accurint must act. A local time that happened twice becomes an interval.
    """
    header, *rows = accurint_row.text_lines(value)
    if header != HEADER:
        raise RejectedInputError("header", f"must be the header line of a usage export: {HEADER}")
    match rows:
        case [line]:
            stating = None
        case [first, line]:
            # What else is in it has its own message.
            stating = accurint_row.fields_of(first, COLUMNS, " of the stating row")
        case _:
            raise RejectedInputError("message", f"must be a header and one or two rows, not {len(rows)}")
    return Translated(accesses=(_access(source, accurint_row.read_row(line, COLUMNS, ""), stating),), is_control=False)


def _access(source: SourceName, row: Row, stating: Row | None) -> Access:
    transaction = row.matching("transaction_id", TRANSACTION, "1 to 40 letters and digits")
    first, last = accurint_row.instants(row, "date_time")
    action = _action(row)
    return Access(
        event_id=f"accurint-{transaction}",
        source=source,
        actor=accurint_row.user_of(row),
        action=action,
        record=_searched(row) if action == "search" else accurint_row.lexid_of(row),
        purpose=accurint_row.purpose_of(row, accurint_row.purpose_code(_stating(row, last, stating))),
        result="success",
        occurred_at=first,
        occurred_until=last,
        session=accurint_row.session_of(row),
        object_count=accurint_row.count_of(row, "results"),
    )


def _action(row: Row) -> Action:
    return meaning(_SEARCH_TYPES, row.of("search_type"), row.reject, "search_type")


def _searched(row: Row) -> Record:
    if row.of("lexid"):
        raise row.reject("lexid", "must be empty on a search: only a report names a person")
    if (record := accurint_row.criteria_of(row)) is None:
        raise row.reject("name", "must be given, or ssn, address or phone: a search has criteria")
    return record


def _stating(row: Row, until: int, stating: Row | None) -> Row:
    """The row whose purposes hold for this one, which is over at `until` (UTC ms)."""
    if stating is None:
        return row
    if accurint_row.states_purposes(row):
        raise RejectedInputError("stating row", "must be left out: the row states purposes itself")
    if not accurint_row.states_purposes(stating):
        raise RejectedInputError("stating row", "must state a purpose, or be left out")
    for name in ("user_id", "session_id"):
        if stating.of(name) != row.of(name):
            raise stating.reject(name, "must be that of the row: a choice holds for one session of one user")
    if accurint_row.instants(stating, "date_time")[0] > until:
        raise stating.reject("date_time", "must not be later than that of the row; export oldest first")
    return stating
