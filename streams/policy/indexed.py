"""Accesses that were judged before: which of them a change of facts, or a new holder, must judge again. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.errors import RejectedInputError
from streams.join.index import Place
from streams.join.open import OpenAccess, Partition
from streams.join.question import Question, question_of

from .judging import Judging, opened
from .plainly import Message


def look_back(judging: Judging, partition: Partition, source: str, messages: Sequence[Message]) -> list[OpenAccess]:
    """Index messages that were judged before this worker held the partition; which of their accesses to judge again.

    Those that nothing explains now, and those of whose message something has been said.
    """
    plainly = judging.plainly(source, messages)
    judging.index.add_plain(partition, plainly.explained, messages[-1].timestamp)
    others = set(plainly.others)
    said = {n for n, message in enumerate(messages) if judging.published.speaks_of(partition, message.offset)}
    found: list[OpenAccess] = []
    for place in sorted(said | others):
        for entry in accesses_of(judging, partition, source, messages[place]):
            if place in others:
                at = Place(entry.offset, entry.index)
                judging.index.add(partition, at, entry.question, entry.appended_at)
            if place in said or not judging.is_explained(entry.question):
                found.append(entry)
    return found


def in_doubt(judging: Judging, partition: Partition, found: Mapping[Place, Question]) -> list[Place]:
    """Which of these indexed accesses must be read and judged again; of most their question is enough to tell."""
    return [
        place
        for place, question in found.items()
        if judging.published.speaks_of(partition, place.offset) or not judging.is_explained(question)
    ]


def accesses_of(judging: Judging, partition: Partition, source: str, message: Message) -> list[OpenAccess]:
    """The accesses of a message that has been judged before; none when it was a dead letter."""
    try:
        accesses = judging.translate(source, message.value, message.headers, message.timestamp).accesses
    except RejectedInputError:
        return []
    return [
        opened(partition, message, index, access, question_of(access, message.timestamp))
        for index, access in enumerate(accesses)
    ]
