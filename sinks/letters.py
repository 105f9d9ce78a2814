"""Dead letters: read from messages, and joined by the place of what they are about. All but `told_in` is pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from sinks.kafka import Broker, Message, Start, read_topic

PREFIX: Final = "needtoknow.errors."
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """A message that could not be read: why, and its own `key`, `headers` and `value`.

    `number` is where it lies on its own topic, and short enough to type; `size` the bytes of the value that it holds,
    also when the value itself was let go. `truncated` is the original length in bytes when only the beginning of the
    value was kept, `left_out` the number of headers that were not kept; `through` the last offset when it is about a
    batch of messages that was never unpacked; `times` how often it was written.
    """

    topic: str
    partition: str
    offset: str
    stage: str
    error: str
    message: str
    stored_at: int
    key: bytes | None
    truncated: str | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None
    through: str | None = None
    times: int = 1
    number: int = 0
    reason: str = UNKNOWN
    size: int | None = None
    left_out: str | None = None

    @property
    def name(self) -> str:
        """What it is about: topic/partition/offset, which is also its key."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    def without_content(self) -> DeadLetter:
        """All of it but what was in the message: what a long list keeps of each."""
        return replace(self, key=None, headers=(), value=None)

    def document(self) -> dict[str, Any]:
        """For programs: everything but what was in the message; null where the letter does not say."""
        return {
            "number": self.number,
            "topic": self.topic,
            "partition": _number(self.partition),
            "offset": _number(self.offset),
            "stage": self.stage,
            "class": self.error,
            "reason": self.reason,
            "message": self.message,
            "stored_at": self.stored_at,
            "times": self.times,
            "bytes": self.size,
            "truncated": _number(self.truncated),
            "through": _number(self.through),
        }


def _number(text: str | None) -> int | None:
    """A number as programs want it; None where a letter that others wrote has none."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def read_letter(message: Message) -> DeadLetter:
    """A dead letter as it was stored. One whose headers are missing is still shown, under its key."""
    ours = _ours(message.headers)
    why = {name: message.headers[at][1].decode("utf-8", "replace") for name, at in ours.items()}
    place = (message.key or b"").decode("utf-8", "replace").rsplit("/", 2)
    topic, partition, offset = place if len(place) == 3 else (UNKNOWN, UNKNOWN, UNKNOWN)
    return DeadLetter(
        topic=why.get("topic", topic),
        partition=why.get("partition", partition),
        offset=why.get("offset", offset),
        stage=why.get("stage", UNKNOWN),
        error=why.get("class", UNKNOWN),
        message=why.get("message", UNKNOWN),
        stored_at=message.timestamp,
        key=message.headers[ours["key"]][1] if "key" in ours else None,
        truncated=why.get("truncated"),
        through=why.get("through"),
        number=message.offset,
        reason=why.get("reason") or _reason(why),
        size=None if message.value is None else len(message.value),
        left_out=why.get("headers_left_out"),
        headers=tuple(header for at, header in enumerate(message.headers) if at not in ours.values()),
        value=message.value,
    )


def _reason(why: Mapping[str, str]) -> str:
    """The kind of reason, of letters that were written before they said it; as `reason_class` of the writers."""
    if why.get("stage") == "conflict":
        return "conflict"
    if why.get("class") != "RejectedInputError":
        return _BY_CLASS.get(why.get("class", ""), UNKNOWN)
    place = why.get("message", "").partition(": ")[0]
    outermost = place.partition(".")[0]
    if outermost == "message" or outermost.startswith("byte "):
        return "unreadable"
    if outermost == "content-type":
        return "content_type"
    return "native" if " (" in place else "field"


_BY_CLASS: Final = {"SpeaksForAnotherError": "forbidden", "TamperingError": "tampering"}


def _ours(headers: tuple[tuple[str, bytes], ...]) -> dict[str, int]:
    """Which header says what about the fault. Ours stand behind all that the message brought, the topic first."""
    begin = max((at for at, (name, _) in enumerate(headers) if name == f"{PREFIX}topic"), default=len(headers))
    return {name.removeprefix(PREFIX): at for at, (name, _) in enumerate(headers) if at >= begin}


def joined(letters: Iterable[DeadLetter]) -> list[DeadLetter]:
    """One of each place, in the order of their first writing: writing one twice is harmless."""
    by_name: dict[str, DeadLetter] = {}
    for letter in letters:
        seen = by_name.get(letter.name)
        by_name[letter.name] = letter if seen is None else replace(letter, times=seen.times + 1)
    return list(by_name.values())


class Aside(NamedTuple):
    """Messages that were quarantined: their offsets, and the letter (topic/partition/offset) that says so, and why."""

    offsets: range
    letter: str
    why: str


@dataclass
class Told:
    """What all dead letters together are about: their keys, and the messages that were quarantined."""

    keys: set[str] = field(default_factory=set)
    _aside: defaultdict[tuple[str, int], list[Aside]] = field(default_factory=lambda: defaultdict(list))

    def add(self, message: Message) -> None:
        """One more."""
        key, letter = (message.key or b"").decode("utf-8", "replace"), read_letter(message)
        self.keys.add(key)
        topic, _, place = key.partition("/")
        partition, _, first = place.partition("/")
        through = letter.through or first
        if letter.stage == "quarantine" and partition.isdecimal() and first.isdecimal() and through.isdecimal():
            offsets = range(int(first), int(through) + 1)
            self._aside[topic, int(partition)].append(Aside(offsets, key, letter.message))

    def aside(self, topic: str, partition: int, offset: int) -> Aside | None:
        """The letter that says that nobody is to look at this message; None: there is none."""
        return next((one for one in self._aside.get((topic, partition), ()) if offset in one.offsets), None)


async def told_in(broker: Broker, topic: str, start: Start = "first") -> Told:
    """What the dead letters of this topic are about. Raises as `read_topic` does."""
    told = Told()
    async with aclosing(read_topic(broker, topic, start=start)) as messages:
        async for message in messages:
            told.add(message)
    return told
