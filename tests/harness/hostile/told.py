"""Findings about whatever may come in and means harm to those who read of it: on a page, a terminal, a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from schemas.access import Access
from schemas.errors import RejectedInputError
from schemas.finding import Finding
from schemas.ids import LATEST_MS
from streams.join.question import question_of
from streams.policy.decide import decide
from streams.policy.explain import tell
from streams.sources import translate
from tests.harness.builders import account, make_access, make_policy
from tests.harness.findings import make_finding
from tests.harness.judging import knowing

from . import CORPORA, Corpus, damaged

MOST: Final = 30  # accesses of a corpus: each is an alert, and a page of it takes a while
DAMAGED: Final = 10  # copies of each corpus that are tried; most are rejected, and nobody is shown those

PAYLOADS: Final = (
    "<script>alert(1)</script>",
    "<img/src=x/onerror=alert(1)>",
    "</title></textarea><svg/onload=alert(1)>",
    "'\"><iframe/srcdoc=x>",
    "javascript:alert(1)",
    "{{7*7}}{%raw%}",
    "=cmd|'/C_calc'!A0",
    "+1+1",
    "@SUM(1)",
    "-2",
    "%0d%0aSet-Cookie:x",
    "&lt;b&gt;&#0;",
    "\\x1b[2J",
)
"""Each is an id, too: 0x21 to 0x7E, and nothing else is asked of one."""
TEXTS: Final = (
    "\x1b[2J\x1b]0;owned\x07",
    "\u202etxt.exe\u2066",
    "a\u0301\u0301\u0301\u0301\u0301",
    "\u0085\u2028\u200b\ufeff\U000e0041",
    "\ud800".encode("utf-8", "replace").decode(),
    "\t=1+1",
    "\r\n=1+1",
)
"""A recipient may be any text."""


def findings() -> Iterator[Finding]:
    """As the judge tells them that knows nobody, one for each access that any corpus makes, and for each payload."""
    for number, access in enumerate(_accesses()):
        question, knowledge, policy = question_of(access, LATEST_MS), knowing(_facts(access, number)), make_policy()
        verdict = decide(knowledge, policy, question, access)
        told = tell(knowledge, policy, question, access, verdict)
        yield make_finding(
            f"hostile-{number}",
            verdict.staff,
            access=access,
            outcome=verdict.outcome,
            severity=verdict.severity,
            clause=verdict.clause,
            flags=verdict.flags,
            reason=told.reason,
        )


def _facts(access: Access, number: int) -> list[Any]:
    """Of every other one the login is somebody's, whose id is the same."""
    return [account(access.actor, access.actor, source=access.source, fact_id="ac-1")] if number % 2 else []


def _accesses() -> Iterator[Access]:
    for corpus in CORPORA:
        yield from islice(_of(corpus), MOST)
    for number, one in enumerate(PAYLOADS):
        text = f"{one}{TEXTS[number % len(TEXTS)]}"
        yield make_access(
            one, "print", f"case:{one}", event_id=f"{one}-{number}", operator=one, recipient=text, agency=one
        )
        found = [f"person:{one}", f"person:{one}2"]
        yield make_access(f"{one}2", "search", f"criteria:{one}", event_id=one, candidates=found, requested_for=one)
    for number, text in enumerate(TEXTS):
        yield make_access("jdoe12", "disclose", f"case:c{number}", event_id=f"t-{number}", recipient=text)


def _of(corpus: Corpus) -> Iterator[Access]:
    headers = (("content-type", corpus.content_type.encode()),)
    for value in (*corpus.harmless.values(), *damaged(corpus, 7, DAMAGED)):
        try:
            yield from translate(corpus.source, value, headers, LATEST_MS).accesses
        except RejectedInputError:
            continue
