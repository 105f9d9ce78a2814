"""Accesses that were judged before: which of them a change of facts, or a new holder, must judge again. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext

from schemas.errors import RejectedInputError
from streams.join.index import Gap
from streams.join.open import OpenAccess, Partition
from streams.join.question import Question, question_of
from streams.join.stretch import Place

from .judging import Judging
from .looked import opened
from .plainly import Message


def look_back(
    judging: Judging, partition: Partition, source: str, messages: Sequence[Message], gap: Gap | None = None
) -> list[OpenAccess]:
    """Which accesses of messages that were judged before must be judged again; with a gap, they fill it in the index.

    Those that nothing explains now, and those of whose message something has been said.
    """
    appended = messages[0].timestamp, messages[-1].timestamp
    if partition in judging.aside:
        messages = [m for m in messages if not judging.is_aside(partition, m.offset)]
    plainly = judging.plainly(source, messages)
    others = set(plainly.others)
    said = {n for n, message in enumerate(messages) if judging.published.speaks_of(partition, message.offset)}
    found: list[OpenAccess] = []
    with judging.index.taking(partition, gap, appended) if gap is not None else nullcontext() as taking:
        if taking is not None:
            taking.add_plain(plainly.explained)
        for place in sorted(said | others):
            for entry in accesses_of(judging, partition, source, messages[place]):
                if taking is not None and place in others:
                    taking.add(Place(entry.offset, entry.index), entry.question)
                if place in said or not judging.is_explained(entry.question):
                    found.append(entry)
    return found


def in_doubt(judging: Judging, partition: Partition, found: Mapping[Place, Question]) -> list[Place]:
    """Which of these indexed accesses must be read and judged again; of most their question is enough to tell."""
    return [
        place
        for place, question in found.items()
        if not judging.is_aside(partition, place.offset)
        and (judging.published.speaks_of(partition, place.offset) or not judging.is_explained(question))
    ]


def accesses_of(judging: Judging, partition: Partition, source: str, message: Message) -> list[OpenAccess]:
    """The accesses of a message that has been judged before; none when it was a dead letter."""
    if judging.is_aside(partition, message.offset):
        return []
    try:
        accesses = judging.read(source, message).accesses
    except RejectedInputError:
        return []
    return [
        opened(partition, message, index, access, question_of(access, message.timestamp), is_reopened=True)
        for index, access in enumerate(accesses)
    ]
