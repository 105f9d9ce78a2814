"""Messages that were refused, and that today's readers would take: what people have done about them since. Pure.

A ledger says of a message what its worker said; once a reader is mended, reading the message again says otherwise. That
is a difference, and a good one: somebody has to send the message again, or say that nobody needs it. Once they have,
the message stands as it was refused, and its copy is judged.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from functools import partial

from schemas.letter_act import Dropped, LetterAct, Replayed

from .logs import Place, Read


def settle_refused(messages: Mapping[Place, list[Read]], letters: Collection[str], acts: Iterable[LetterAct]) -> None:
    """Puts back as dead letters those messages that were dropped, or whose copy is there and says the same.

    `letters`: names of what has a dead letter; no act can make one where a worker wrote none. The last act counts.
    """
    ended = {act.letter: act.body for act in acts if isinstance(act.body, Replayed | Dropped)}
    for name, body in ended.items():
        topic, partition, offset = name.rsplit("/", 2)
        found = _at(messages, (topic, int(partition)), int(offset)) if name in letters else None
        if found is None or found[1].kind == "dead_letter":
            continue
        (log, place), refused = found
        if isinstance(body, Dropped) or _is_copy(messages, body, refused):
            log[place] = Read(refused.offset, refused.appended_at, (), "dead_letter", partial(_itself, refused))


def _itself(message: Read) -> Read:
    """How it reads today: asked where a cut says that somebody judged it."""
    return message


def _is_copy(messages: Mapping[Place, list[Read]], body: Replayed, refused: Read) -> bool:
    copy = _at(messages, (body.copy_at.topic, body.copy_at.partition), body.copy_at.offset)
    return copy is not None and copy[1].offset != refused.offset and copy[1].accesses == refused.accesses


def _at(messages: Mapping[Place, list[Read]], place: Place, offset: int) -> tuple[tuple[list[Read], int], Read] | None:
    log = messages.get(place, [])
    at = bisect_left(log, offset, key=lambda m: m.offset)
    return ((log, at), log[at]) if at < len(log) and log[at].offset == offset else None
