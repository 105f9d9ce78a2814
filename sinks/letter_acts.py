"""What people did about dead letters: read, joined by letter, and written. All but `states_in` and the rest at the end
is pure."""

from __future__ import annotations

import getpass
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final, Literal

import click

from schemas.cloud_event import Header, cloud_event
from schemas.codec import decode, encode
from schemas.errors import RejectedInputError
from schemas.ids import format_instant
from schemas.letter_act import LetterAct
from schemas.topics import CANONICAL

from .kafka import Broker, Message, read_topic

State = Literal["open", "replayed", "dropped"]

_STATES: Final[dict[str, State]] = {"replayed": "replayed", "dropped": "dropped"}


class Places:
    """Places by topic and partition, each with a word: some 100 bytes each, so that a million can be held."""

    def __init__(self) -> None:
        self._known: defaultdict[tuple[str, str], dict[int | str, str]] = defaultdict(dict)

    def __len__(self) -> int:
        return sum(map(len, self._known.values()))

    def put(self, name: str, word: str = "") -> bool:
        """Keeps the word of this place; whether the place is new."""
        log, offset = _split(name)
        known = self._known[log]
        is_new = offset not in known
        known[offset] = word
        return is_new

    def get(self, name: str) -> str | None:
        """The word of this place; None when it is not known."""
        log, offset = _split(name)
        return self._known[log].get(offset) if log in self._known else None


def _split(name: str) -> tuple[tuple[str, str], int | str]:
    """Topic and partition, and the offset as a number where it is one: that takes half the room."""
    log, _, offset = name.rpartition("/")
    topic, _, partition = log.rpartition("/")
    return (topic, partition), int(offset) if offset.isascii() and offset.isdigit() and len(offset) < 20 else offset


class States:
    """What became of the letters: the last act decides, and whoever only looked changed nothing."""

    def __init__(self) -> None:
        self._places = Places()

    def add(self, act: LetterAct) -> None:
        """One more."""
        if act.body.kind in _STATES:
            self._places.put(act.letter, act.body.kind)

    def of(self, name: str) -> State:
        """Of the letter of this name."""
        return _STATES.get(self._places.get(name) or "", "open")


def act_of(message: Message) -> LetterAct | None:
    """The act in a message; None when it is none of ours: its key must be its letter."""
    try:
        act = decode(LetterAct, message.value)
    except RejectedInputError:
        return None
    return act if (message.key or b"") == act.letter.encode() else None


def act_message(act: LetterAct) -> tuple[bytes, bytes, tuple[Header, ...]]:
    """Key, value and headers of an act."""
    at = format_instant(act.at)
    headers = cloud_event(f"{act.letter}/{at}", "/needtoknow", "needtoknow.letter-act.v1", CANONICAL, at)
    return act.letter.encode(), encode(act), headers


def who() -> str:
    """The name that the operating system has for whoever runs this; with no space, as all ids."""
    try:
        return getpass.getuser().replace(" ", "_")
    except (KeyError, OSError):  # a container whose user has no name
        return "unknown"


async def read_acts(broker: Broker, topic: str) -> AsyncGenerator[LetterAct, None]:
    """All of them, in order; what is none of ours is passed over, with a word. Raises as `read_topic` does."""
    async with aclosing(read_topic(broker, topic)) as messages:
        async for message in messages:
            if (act := act_of(message)) is not None:
                yield act
            else:
                place = f"{message.topic}/{message.partition}/{message.offset}"
                click.echo(f"needtoknow: {place} is no act on a dead letter, and is passed over", err=True)


async def states_in(broker: Broker, topic: str) -> States:
    """What became of all letters."""
    states = States()
    async with aclosing(read_acts(broker, topic)) as acts:
        async for act in acts:
            states.add(act)
    return states
