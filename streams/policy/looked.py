"""What a close look at messages works with: each access on its way to a verdict, and one letter for each in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from schemas.access import Access, finding_id
from schemas.ledger import CODES
from streams.join.open import OpenAccess, Partition
from streams.join.question import Question

from .decide import Verdict
from .plainly import Message

CODE: Final = {name: ord(letter) for name, letter in CODES.items()}
EXPLAINED_LETTER: Final = bytes((CODE["explained"],))


class Looked:
    """One access on its way from question to verdict."""

    __slots__ = ("access", "index", "letters", "message", "question", "verdict")
    verdict: Verdict

    def __init__(self, message: Message, index: int, access: Access, question: Question, letters: bytearray) -> None:
        self.message = message
        self.index = index  # among the accesses of its message
        self.access = access
        self.question = question
        self.letters = letters  # of its message


def opened(
    partition: Partition,
    message: Message,
    index: int,
    access: Access,
    question: Question,
    *,
    is_reopened: bool = False,
) -> OpenAccess:
    """An access of a message (the `index`-th) as it is kept while it is open."""
    return OpenAccess(
        partition=partition,
        offset=message.offset,
        index=index,
        appended_at=message.timestamp,
        access=access,
        question=question,
        finding_id=finding_id(access, message.timestamp),
        published=None,
        is_reopened=is_reopened,
    )


def in_order(total: int, places: Sequence[int], letters: Sequence[bytearray]) -> bytearray:
    """The letters of a batch: those looked at closely at their places, all between them explained."""
    codes, done = bytearray(), 0
    for place, found in zip(places, letters, strict=True):
        codes += EXPLAINED_LETTER * (place - done)
        codes += found
        done = place + 1
    codes += EXPLAINED_LETTER * (total - done)
    return codes
