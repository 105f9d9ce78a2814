"""One afternoon in a department, as two workers would expose it: mostly quiet, one feed silent, some letters unread."""

from __future__ import annotations

from typing import Final

from tests.harness.exporter import Labels, Observations, Values

# (explained, pending, unexplained, late, revoked, unresolved) accesses that one worker judged, by source
JUDGED: Final = {
    "ecms": (18_204, 391, 31, 12, 3, 2),
    "facts": (6_120, 118, 9, 4, 0, 7),
    "facts2": (2_377, 40, 2, 1, 0, 0),
    "irss": (911, 12, 0, 0, 1, 0),
    "clean": (388, 21, 5, 0, 0, 1),
    "jnet": (1_204, 30, 3, 2, 0, 0),
    "accurint": (97, 6, 2, 0, 0, 0),
    "paper": (41, 0, 0, 0, 0, 0),
}
TRANSITIONS: Final = ("raised", "revised", "withdrawn", "reinstated")
_OUTCOMES: Final = ("explained", "pending", "unexplained", "late", "revoked", "unresolved")
_RAISED: Final = {
    ("unexplained", "critical", "raised"): 2,
    ("unexplained", "high", "raised"): 11,
    ("unexplained", "medium", "raised"): 37,
    ("unexplained", "low", "raised"): 4,
    ("late", "medium", "raised"): 14,
    ("late", "low", "raised"): 9,
    ("revoked", "medium", "raised"): 4,
    ("unresolved", "low", "raised"): 12,
    ("explained", "medium", "withdrawn"): 6,
    ("unexplained", "high", "revised"): 3,
    ("late", "medium", "reinstated"): 1,
}


def growth() -> Values:
    """What the counters of one worker grew by."""
    accesses: dict[Labels, float] = {
        (source, outcome): float(count)
        for source, counts in JUDGED.items()
        for outcome, count in zip(_OUTCOMES, counts, strict=True)
    }
    messages: dict[Labels, float] = {(source, "translated"): float(sum(counts)) for source, counts in JUDGED.items()}
    return {
        "needtoknow_accesses_total": accesses,
        "needtoknow_messages_total": messages | {("facts", "control"): 2, ("clean", "dead_letter"): 7},
        "needtoknow_settled_total": {("ecms", "explained"): 340, ("ecms", "unexplained"): 8, ("facts", "late"): 5},
        "needtoknow_findings_total": {labels: float(count) for labels, count in _RAISED.items()},
        "needtoknow_dead_letters_total": {("translate", "field"): 5, ("translate", "unreadable"): 2},
        "needtoknow_ledger_cuts_total": {("batch",): 4_120, ("settlement",): 212},
        "needtoknow_broken_marks_total": {("staff",): 2},
        "needtoknow_waivers_total": {("cases",): 1},
        "needtoknow_facts_total": {("assignments", "assignment"): 5_210, ("cases", "membership"): 1_980},
        "needtoknow_repeats_total": {(): 45},
        "needtoknow_index_accesses": {(): 71_884},
        "needtoknow_corrections_total": {("ecms",): 602},
    }


def gauges(position: int) -> Values:
    """Where one worker stands now; `position` tells the two apart."""
    return {
        "needtoknow_pending_accesses": {(): 67},
        "needtoknow_oldest_pending_seconds": {(): 412},
        "needtoknow_open_accesses": {(): 1_830},
        "needtoknow_lag_messages": {("ecms",): 14, ("facts",): 3},
        "needtoknow_lag_seconds": {("ecms",): 0.21, ("facts",): 0.08, ("clean",): 74},
        "needtoknow_mark_age_seconds": {("assignments",): 1.4, ("staff",): 95, ("cases",): 640},
        "needtoknow_mark_silence_seconds": {("assignments",): 0.8, ("staff",): 1.1, ("cases",): 610},
        "needtoknow_facts_position": {(): position},
        "needtoknow_facts_held": {(): 7_190},
    }


def seen() -> Observations:
    """Seconds from an access to its finding, and sizes of batches."""
    waits = [0.004] * 5 + [0.02] * 40 + [0.08] * 30 + [0.2] * 20 + [0.35] * 6 + [0.7] * 3
    return {
        "needtoknow_access_to_finding_seconds": {("provisional",): waits},
        "needtoknow_batch_messages": {(): [3, 40, 700]},
        "needtoknow_judge_seconds": {(): [0.002, 0.01]},
    }


def alerts() -> Values:
    """What every console shows of the alerts, since they share a store: one waits too long, and seven of ten stand."""
    return {
        "needtoknow_unclosed_alerts": {
            ("open", "critical"): 1,
            ("acknowledged", "critical"): 2,
            ("open", "high"): 6,
            ("reopened", "high"): 1,
            ("acknowledged", "high"): 4,
            ("open", "medium"): 31,
        },
        "needtoknow_oldest_unacknowledged_seconds": {("critical",): 1_260, ("high",): 3_720, ("medium",): 70_000},
        "needtoknow_closed_alerts": {
            ("search-without-duty", "confirmed"): 7,
            ("search-without-duty", "justified"): 2,
            ("search-without-duty", "data_error"): 1,
            ("search-without-duty", "policy_unclear"): 3,
            ("search-without-duty", "withdrawn"): 7,
            ("use-without-duty", "justified"): 3,
        },
        "needtoknow_open_obligations": {("discipline",): 3, ("referral",): 1},
        "needtoknow_oldest_obligation_seconds": {("discipline",): 900_000, ("referral",): 90_000},
        "needtoknow_reveals_total": {(): 14},
        "needtoknow_exports_total": {(): 2},
        "needtoknow_unmirrored_acts": {(): 3},
        "needtoknow_oldest_unmirrored_seconds": {(): 2},
        "needtoknow_chain_checked_seconds": {(): 540},
    }


def watched() -> Values:
    """What a watch shows: two numbers of CLEAN never came, a file of FACTS came short and the next is overdue, JNET's
    clock is ahead."""
    return {
        "needtoknow_heard_seconds": {("clean",): 4, ("facts",): 93_600, ("jnet",): 2, ("paper",): float("inf")},
        "needtoknow_missing_accesses": {("clean",): 2},
        "needtoknow_oldest_missing_seconds": {("clean",): 125},
        "needtoknow_short_files": {("facts",): 1},
        "needtoknow_overdue_seconds": {("facts",): 7_200},
        "needtoknow_clock_off_seconds": {("jnet",): 95, ("clean",): -1},
        "needtoknow_clock_allowed_seconds": {(source,): 5.0 for source in JUDGED},
    }


def taken() -> Observations:
    """Seconds until somebody took an alert and until it was closed; of ten, five within a quarter of an hour."""
    return {
        "needtoknow_acknowledge_seconds": {("high",): [400] * 5 + [2_000] * 5},
        "needtoknow_close_seconds": {("high",): [7_000] * 4},
    }
