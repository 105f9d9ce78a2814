"""LetterAct: one thing that a person did about a dead letter: sent it back, gave it up, or looked at its content.

Kept for ever on a topic of its own, under the key of the letter: letters go after 400 days, and who gave an access up
must still be known then.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from .act import TEXT_PATTERN
from .finding import MessagePlace
from .ids import Id, Instant
from .model import Strict

REASON_MAX: Final = 500  # characters: two sentences, and no place to put a whole message

NAME_PATTERN: Final = r"^[a-zA-Z0-9._-]{1,249}/[0-9]{1,10}/[0-9]{1,19}\z"
LetterName = Annotated[str, StringConstraints(max_length=280, pattern=NAME_PATTERN)]
"""What the letter is about: topic/partition/offset."""
Reason = Annotated[str, StringConstraints(min_length=1, max_length=REASON_MAX, pattern=TEXT_PATTERN)]


class Replayed(Strict):
    """The message was stored again, at `copy_at`. `tried`: the reader of then took it; else it was forced."""

    kind: Literal["replayed"]
    copy_at: MessagePlace
    tried: bool


class Dropped(Strict):
    """Somebody decided that nobody needs this message."""

    kind: Literal["dropped"]
    reason: Reason


class Revealed(Strict):
    """Somebody was shown the content, which may be about a person."""

    kind: Literal["revealed"]
    reason: Reason


class LetterAct(Strict):
    """Who did what about which dead letter, and when.

    `by` is what the operating system, or the person, said: nobody signs in on this path. Who may write this topic is
    for the broker to say.
    """

    letter: LetterName
    at: Instant
    by: Id
    body: Annotated[Replayed | Dropped | Revealed, Field(discriminator="kind")]
