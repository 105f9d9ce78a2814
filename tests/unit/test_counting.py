"""What is counted of findings: an unresolved one by what could not be resolved."""

from __future__ import annotations

import re

import pytest

from schemas.access import Access
from schemas.fact import Fact
from streams.agents.counting import told
from streams.telemetry import Telemetry
from tests.harness.builders import account, assignment, make_access
from tests.harness.judging import PARTITION, judging, messages
from tests.harness.verdicts import JDOE

SERIES = re.compile(r'^needtoknow_unresolved_total\{cause="(\w+)",source="(\w+)"\} ([1-9]\S*)$', re.MULTILINE)
OTHERS = assignment("w031")
AT_JNET = account("jdoe12", "w028", source="jnet")


def counted(access: Access, *facts: Fact, times: int = 1) -> list[tuple[str, ...]]:
    """Causes, sources and numbers of what is raised about an access that is sent so often."""
    telemetry, judge = Telemetry(), judging(*facts)
    for number in range(times):
        for finding in judge.batch(PARTITION, access.source, messages(access, first=number)).findings:
            told(telemetry, finding, 1.0)
    return SERIES.findall(telemetry.page().decode())


@pytest.mark.parametrize(
    ("access", "facts", "cause"),
    [
        (make_access(), (OTHERS, AT_JNET), "unknown_login"),
        (make_access(action="search", name="criteria:q1"), (OTHERS,), "unknown_login"),
        (make_access(), (OTHERS, JDOE, account("jdoe12", "w029", fact_id="again")), "shared_login"),
        (make_access(action="search", name="criteria:q1"), (OTHERS, JDOE), "no_record"),
        (make_access(action="search", name="criteria:q1", candidates=["person:p9"]), (OTHERS, JDOE), "unknown_record"),
        (make_access(name="case:c9"), (OTHERS, JDOE), "unknown_record"),
    ],
)
def test_an_unresolved_finding_is_counted_by_its_cause(access: Access, facts: tuple[Fact, ...], cause: str) -> None:
    """Of its source, once, however often it is sent."""
    assert counted(access, *facts, times=3) == [(cause, "ecms", "1.0")]


def test_what_is_resolved_is_not_counted() -> None:
    """A stranger to a record that is known is no fault of the data."""
    assert counted(make_access(), OTHERS, JDOE) == []
