"""Lines for people about dead letters: pure. Nothing that came from outside can move the cursor or change colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.letter_act import Dropped, LetterAct, Replayed, Revealed
from schemas.topics import CANONICAL, HEARTBEAT, SOURCES
from sinks.letter_acts import State
from sinks.letter_mask import masked
from sinks.letter_place import Span, span_of, words
from sinks.letter_replay import REPLAYED, Outcome
from sinks.letter_rules import Origin, content_type, is_name
from sinks.letters import DeadLetter

from .lines import moment, safe, safe_bytes

FAULTS_SHOWN: Final = 20
HEADERS_SHOWN: Final = 50
SHOWN_MAX: Final = 4_000  # bytes of content: a screen, with the fault in its middle
CONTENT_TYPES: Final = frozenset({CANONICAL, HEARTBEAT, *(t for s in SOURCES.values() for t in s.content_types)})
KNOWN_HEADERS: Final = frozenset(
    {"content-type", "ce_id", "ce_source", "ce_type", "ce_time", "ce_specversion", REPLAYED}
)

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


def content_lines(letter: DeadLetter, *, reveal: bool) -> Iterator[str]:
    """What was in the message, or what its shape is; and where in it the fault lies."""
    if letter.value is None:
        yield "content   none"
        return
    kind, raw = content_type(letter), letter.value
    span = span_of(kind, letter.message.partition(": ")[0], raw)
    shown = raw if reveal else masked(kind, raw)
    if span is not None:
        yield f"place     {words(span, raw)}, between >>> and <<< below"
    yield f"content   {_marked(shown, span)}"
    if not reveal:
        yield f"          {len(raw)} bytes, hidden: x is a letter, 9 a digit (--reveal --reason TEXT shows them)"


def _marked(shown: bytes, span: Span | None) -> str:
    """The bytes around the fault, or the first of them."""
    if span is None:
        return safe_bytes(shown[:SHOWN_MAX]) + _left_out(len(shown) - SHOWN_MAX)
    first, last = max(0, span.first - SHOWN_MAX // 2), min(span.last, span.first + SHOWN_MAX)
    end = last + SHOWN_MAX // 2
    pieces = [_left_out(first), safe_bytes(shown[first : span.first]), " >>> ", safe_bytes(shown[span.first : last])]
    return "".join(
        [*pieces, _left_out(span.last - last), " <<< ", safe_bytes(shown[last:end]), _left_out(len(shown) - end)]
    )


def _left_out(count: int) -> str:
    return f" ... {count} bytes (--json has all) ... " if count > 0 else ""


def _headers(letter: DeadLetter, *, reveal: bool) -> Iterator[str]:
    """A name came with the message too, so it may be data as well."""
    for name, value in letter.headers[:HEADERS_SHOWN]:
        is_known = name.lower() in KNOWN_HEADERS
        told = name if reveal or is_known else masked("", name.encode("utf-8", "surrogateescape")).decode("latin-1")
        yield f"header    {safe(told)}: {_header(name, value, reveal=reveal)}"
    if (more := len(letter.headers) - HEADERS_SHOWN) > 0:
        yield f"          and {more} more headers"


def _header(name: str, value: bytes | None, *, reveal: bool) -> str:
    """Which kind of content it is said to be is no data where we know that kind."""
    if value is None:
        return "none"
    text = value.decode("latin-1")
    is_known = text in CONTENT_TYPES if name.lower() == "content-type" else name == REPLAYED and is_name(text)
    if reveal or is_known:
        return safe_bytes(value)
    return f"{len(value)} bytes, hidden"


def _hidden(value: bytes | None, *, reveal: bool) -> str:
    if value is None:
        return "none"
    return safe_bytes(value) if reveal else f"{len(value)} bytes, hidden"


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
    for fault, number in outcome.failing.most_common(FAULTS_SHOWN):
        yield f"{number:>10,}  {safe(fault)}"
    if (more := len(outcome.failing) - FAULTS_SHOWN) > 0:
        yield f"            and {more:,} other reasons"
