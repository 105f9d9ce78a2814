"""What verifying found, for people: pure."""

from __future__ import annotations

from typing import Final

from schemas.ids import format_instant
from sinks.ledger.report import Partly, Report

_ASIDE: Final = "quarantined, or were refused and then replayed or dropped: nobody has judged them there"


def lines(report: Report, since: int | None) -> str:
    """What was looked at, how far, and what differs; `since` (UTC ms): what is older was not read."""
    found = [
        *([] if since is None else [f"what was stored since {format_instant(since)}, and nothing of before"]),
        f"messages: {report.messages}, accesses: {report.accesses}",
        f"cuts: {report.cuts}, settlements: {report.settlements}",
        f"findings that stand: {report.findings}, accesses pending: {report.pending}",
        *([f"{report.past} cuts are of messages {_why_past(since)}: not derived again"] if report.past else []),
        *([f"{report.quarantined} messages are {_ASIDE}"] if report.quarantined else []),
        *([f"cuts stored more than once: {report.repeated}"] if report.repeated else []),
        *(f"{place}: {_how_far(partly)}" for place, partly in report.partly.items()),
        *report.differences,
        *([f"messages that nobody has judged yet: {report.unjudged}; is a worker running?"] if report.unjudged else []),
        _verdict(report),
    ]
    return "\n".join(found)


def _how_far(partly: Partly) -> str:
    more = f", messages held to none: {partly.unclaimed}" if partly.unclaimed else ""
    return f"held to position {partly.position} of {partly.of}{more}"


def _why_past(since: int | None) -> str:
    return "past their retention" if since is None else "of before"


def _verdict(report: Report) -> str:
    if not report.is_good:
        return f"NOT verified: {len(report.differences)} differences"
    if report.is_empty:
        return "NOT verified: there was nothing to look at; is it the right Kafka, and has anything been sent?"
    if report.unjudged:
        return "verified as far as it is judged: nothing differs"
    return f"verified{' as far as somebody claims' if report.partly else ''}: nothing differs"
