"""Lines for people: pure. Nothing that came from outside can move the cursor, change colours or turn text around."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import orjson

from schemas.finding import Finding, Transition
from schemas.ids import format_instant
from schemas.topics_check import Difference
from sinks.letters import DeadLetter

_SPOKEN: Final[Mapping[Transition, str]] = {
    "raised": "",
    "revised": "REVISED ",
    "withdrawn": "WITHDRAWN ",
    "reinstated": "REINSTATED ",
}


def safe(text: str) -> str:
    """The text with every character that is not plainly visible written as an escape, backslashes too."""
    return "".join(c if c.isprintable() and c != "\\" else _escape(c) for c in text)


def _escape(char: str) -> str:
    return "\\\\" if char == "\\" else char.encode("unicode_escape", "surrogatepass").decode("ascii")


def json_line(document: Any) -> str:
    """A document as one line of JSON, with every character that is not plainly visible as JSON's own escape.

    What a person has written may have characters that are commands to a terminal, or turn a line around.
    """
    text = orjson.dumps(document).decode()
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def safe_bytes(raw: bytes) -> str:
    """Bytes as text; what is not UTF-8 as \\x.. escapes."""
    return "".join(
        f"\\x{ord(c) - 0xDC00:02x}" if 0xDC80 <= ord(c) <= 0xDCFF else safe(c)
        for c in raw.decode("utf-8", "surrogateescape")
    )


def moment(ms: int) -> str:
    """UTC milliseconds as `2026-01-05 14:14:03Z`."""
    return f"{format_instant(ms)[:19].replace('T', ' ')}Z"


def finding_line(finding: Finding, spoken: Transition = "raised") -> str:
    """When, how grave, the outcome, and the reason, which says who did what to which record; `spoken`: what is new."""
    outcome = finding.outcome if finding.outcome == "explained" else f"{finding.outcome}, {finding.certainty}"
    flags = f" [{', '.join(finding.flags)}]" if finding.flags else ""
    return (
        f"{moment(finding.access.occurred_at)}  {finding.severity.upper():<8}  {_SPOKEN[spoken]}{outcome}{flags}: "
        f"{safe(finding.reason)}  {finding.finding_id}"
    )


def topic_line(name: str, before: tuple[Difference, ...], after: tuple[Difference, ...]) -> str:
    """What was found and what was done about one topic."""
    if after:
        return f"{name:<28} differs: {'; '.join(safe(str(d)) for d in after)}"
    if any(d.remedy == "create" for d in before):
        return f"{name:<28} created"
    if before:
        return f"{name:<28} put right: {'; '.join(f'{d.setting} was {safe(d.found)}' for d in before)}"
    return f"{name:<28} as it should be"


def letter_line(letter: DeadLetter) -> str:
    """One dead letter without its content: its number, when, where, at which stage, what was wrong."""
    times = f" (written {letter.times} times)" if letter.times > 1 else ""
    place = f"{letter.number:>7}  {moment(letter.stored_at)}  {safe(letter.name)}"
    return f"{place}  {safe(letter.stage)}  {safe(letter.message)}{times}"
