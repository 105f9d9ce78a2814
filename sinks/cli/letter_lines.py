"""Lines for people about dead letters: pure. Nothing that came from outside can move the cursor or change colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.letter_act import Dropped, LetterAct, Replayed, Revealed
from sinks.letter_acts import State
from sinks.letter_replay import Outcome
from sinks.letter_rules import Origin
from sinks.letters import DeadLetter

from .lines import moment, safe, safe_bytes

FAULTS_SHOWN: Final = 20

Row = tuple[tuple[Origin, str, str, State], int]


@dataclass(frozen=True)
class Shown:
    """All about one letter. `history`: what people did about it, in order."""

    letter: DeadLetter
    state: State
    origin: Origin
    advice: str
    page: str
    history: Sequence[LetterAct]


def page(shown: Shown, *, reveal: bool) -> str:
    """All about one dead letter; its content masked unless it is to be revealed."""
    letter = shown.letter
    through = letter.through
    lines = [
        f"letter    {letter.number}, {shown.state}",
        f"message   {safe(letter.name)} ({shown.origin.kind} {safe(shown.origin.name)})",
        *([] if through is None else [f"through   offset {safe(through)}: all of them, still on their topic"]),
        f"stored    {moment(letter.stored_at)}" + (f", written {letter.times} times" if letter.times > 1 else ""),
        f"stage     {safe(letter.stage)}",
        f"class     {safe(letter.error)} ({safe(letter.reason)})",
        f"reason    {safe(letter.message)}",
        f"to do     {shown.advice}",
        f"page      {shown.page}",
        *(f"act       {act_line(act)}" for act in shown.history),
        f"key       {_hidden(letter.key, reveal=reveal)}",
        *_headers(letter, reveal=reveal),
        *content_lines(letter, reveal=reveal),
    ]
    if letter.truncated is not None:
        lines.append(f"          cut off: the message had {safe(letter.truncated)} bytes, and is still on its topic")
    return "\n".join(lines)


def act_line(act: LetterAct) -> str:
    """Who did what, when and why."""
    start = f"{moment(act.at)}  {safe(act.by)} "
    match act.body:
        case Replayed(copy_at=copy, tried=tried):
            forced = "" if tried else ", forced"
            return f"{start}replayed it to {safe(copy.topic)}/{copy.partition}/{copy.offset}{forced}"
        case Dropped(reason=why):
            return f"{start}dropped it: {safe(why)}"
        case Revealed(reason=why):
            return f"{start}looked at its content: {safe(why)}"


def content_lines(letter: DeadLetter, *, reveal: bool) -> list[str]:
    """What was in the message."""
    return [f"content   {_hidden(letter.value, reveal=reveal)}"]


def _headers(letter: DeadLetter, *, reveal: bool) -> list[str]:
    """A name came with the message too, so it may be data as well."""
    if not reveal:
        return [f"headers   {len(letter.headers)}, hidden (--reveal shows them)"]
    return [f"header    {safe(name)}: {_hidden(value, reveal=True)}" for name, value in letter.headers]


def _hidden(value: bytes | None, *, reveal: bool) -> str:
    if value is None:
        return "none"
    return safe_bytes(value) if reveal else f"{len(value)} bytes, hidden (--reveal shows them)"


def tally_lines(rows: Sequence[Row]) -> Iterator[str]:
    """Counts, the largest first, and their sum."""
    for (origin, stage, kind, state), number in rows:
        yield f"{number:>10,}  {origin.kind} {safe(origin.name):<14}  {safe(stage):<10}  {safe(kind):<12}  {state}"
    yield f"{sum(number for _, number in rows):>10,}  altogether"


def outcome_lines(outcome: Outcome, *, dry_run: bool) -> Iterator[str]:
    """What a replay came to, or would."""
    yield f"{outcome.replayed:,} would be read now, and sent" if dry_run else f"{outcome.replayed:,} replayed"
    for state, number in outcome.done.items():
        yield f"{number:,} passed over: {state} before (--again sends them all the same)"
    for why, number in outcome.held.most_common():
        yield f"{number:,} not for replay: {safe(why)}"
    if failing := sum(outcome.failing.values()):
        yield f"{failing:,} would fail again, and stay (--force sends them all the same):"
    for words, number in outcome.failing.most_common(FAULTS_SHOWN):
        yield f"{number:>10,}  {safe(words)}"
    if (more := len(outcome.failing) - FAULTS_SHOWN) > 0:
        yield f"            and {more:,} other reasons"
