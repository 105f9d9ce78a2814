"""Which pages hide which, asked of a real Alertmanager with the committed rules; deploy/alertmanager says why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from deploy.local.alertmanager import HOW_TO_GET, LocalAlertmanager, find_alertmanager
from tests.harness.parts import require_part
from tests.harness.promql import rules

NOBODY: Final = "http://127.0.0.1:1"  # no notification is sent before the test is over
# Told last, so whatever was told before has been looked at once this one is hidden.
SENTINEL: Final = ("StoreRetries instance=sentinel", "PartitionsPaused instance=sentinel")
SEVERITY: Final = {rule["alert"]: rule["labels"]["severity"] for rule in rules() if "alert" in rule}
EVERY_PAGE: Final = tuple(f"{name} instance=a source=x feed=f obligation=o" for name in SEVERITY)


def labels(page: str) -> Mapping[str, str]:
    """Of a page written as `Name label=value label=value`."""
    name, *pairs = page.split()
    return {"alertname": name, "severity": SEVERITY[name], **dict(pair.split("=") for pair in pairs)}


def hidden(alertmanager: LocalAlertmanager, pages: tuple[str, ...]) -> set[str]:
    """Which of these are hidden when they fire together."""
    written = {tuple(sorted(labels(page).items())): page for page in (*pages, *SENTINEL)}
    alertmanager.tell(map(labels, (*pages, *SENTINEL)))
    found: set[str] = set()

    def is_over() -> bool:
        told = alertmanager.pages()
        found.clear()
        found.update(written[tuple(sorted(p["labels"].items()))] for p in told if p["status"]["inhibitedBy"])
        return len(told) == len(written) and SENTINEL[1] in found

    alertmanager.wait_until("answer about the last page told", is_over)
    return found - {SENTINEL[1]}


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        pytest.param(
            ("JudgeBehind source=x", "BacklogGrowing source=x", "BacklogGrowing source=y", "SourceSilent source=x"),
            {"BacklogGrowing source=x", "SourceSilent source=x"},
            id="a source that is late grows and is not silent",
        ),
        pytest.param(
            (
                "WorkerStuck instance=a",
                "JudgeBehind source=x",
                "FactsDiverging instance=a",
                "FactsDiverging instance=b",
            ),
            {"JudgeBehind source=x", "FactsDiverging instance=a"},
            id="a stuck worker makes sources late and is itself behind",
        ),
        pytest.param(
            ("FeedSilent feed=f", "PendingTooLong", "PartitionsPaused instance=a", "WaiverUsed feed=f"),
            {"PendingTooLong"},
            id="accesses wait for a silent feed",
        ),
        pytest.param(
            ("NoAccesses", "SourceSilent source=x", "SourceUnheard source=y", "DeadLetterFlood source=x"),
            {"SourceSilent source=x"},
            id="the silence of all is the silence of each",
        ),
        pytest.param(
            ("StoreRetries instance=a", "PartitionsPaused instance=a", "PartitionsPaused instance=b"),
            {"PartitionsPaused instance=a"},
            id="a worker that cannot store holds back",
        ),
        pytest.param(
            ("NoConsole", "ConsoleDown instance=a", "ConsoleDown instance=b", "OutboxBehind", "ChainBroken"),
            {"ConsoleDown instance=a", "ConsoleDown instance=b"},
            id="without a console each is down",
        ),
        pytest.param(
            ("StoreAway instance=a", "FindingsUnread", "OutboxBehind", "ChainBroken", "CriticalAlertWaiting"),
            {"FindingsUnread"},
            id="findings are read into the store that is away",
        ),
        pytest.param(
            ("SourceUnheard source=x", "SourceSilent source=x", "SourceSilent source=y", "MissingAccess source=x"),
            {"SourceSilent source=x"},
            id="a source that is silent by its promise is silent",
        ),
        pytest.param(
            ("PartitionRefused instance=a", "JudgeBehind source=x", "SourceSilent source=y", "WorkerDown instance=a"),
            set(),
            id="what may stand for days hides nothing",
        ),
    ],
)
def test_a_page_hides_what_it_explains_and_nothing_else(
    pages: tuple[str, ...], expected: set[str], tmp_path: Path
) -> None:
    """Of the same worker or source where a page is about one."""
    require_part("Alertmanager", find_alertmanager(), HOW_TO_GET)
    with LocalAlertmanager(NOBODY, tmp_path, wait_seconds=600) as alertmanager:
        assert hidden(alertmanager, pages) == expected


def test_when_everything_is_wrong_causes_and_evidence_are_told(tmp_path: Path) -> None:
    """All pages at once: what is left says what to repair, and all that could be tampering or touches the proof."""
    require_part("Alertmanager", find_alertmanager(), HOW_TO_GET)
    with LocalAlertmanager(NOBODY, tmp_path, wait_seconds=600) as alertmanager:
        left = set(EVERY_PAGE) - hidden(alertmanager, EVERY_PAGE)
    assert {page.split()[0] for page in left} == {
        "NoWorker",
        "WorkerStuck",
        "StoreRetries",
        "PolicyDiverging",
        "RegistryDiverging",
        "SourceUnregistered",
        "PartitionRefused",
        "LedgerStopped",
        "WaiverUsed",
        "BrokenMarks",
        "DeadLetters",
        "DeadLetterFlood",
        "SpokeForAnother",
        "Tampering",
        "FactsRefused",
        "IdConflict",
        "NoConsole",
        "StoreAway",
        "CriticalAlertWaiting",
        "OutboxBehind",
        "ChainBroken",
        "ChainUnchecked",
        "ObligationOverdue",
        "ClockWrong",
        "IntakeAway",
        "IntakeRefuses",
        "IntakeKeysUnread",
        "FindingsUnreadable",
        "MissingAccess",
        "MoreMissing",
        "ShortFile",
        "SourceOverdue",
        "SourceUnheard",
        "SourceClockOff",
        "NumbersAgain",
        "GapsForgotten",
        "NoWatch",
    }
