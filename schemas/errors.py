"""Errors, sorted by who must act (conventions, section 3)."""

from __future__ import annotations

from typing import Literal


class NeedToKnowError(Exception):
    """Every error of this project."""


class RejectedInputError(NeedToKnowError):
    """This input is wrong for ever; whoever sent it must act. It becomes a dead letter.

    `place` names the field ("record.kind") or the spot ("byte 12"); neither it nor the reason ever carries the
    value, which may be somebody's data (promise 15).
    """

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


class SpeaksForAnotherError(RejectedInputError):
    """A source or feed said what only another may say (promise 16): a mistake in its set-up, or somebody forging."""


class TamperingError(RejectedInputError):
    """A message is not what its source has signed, or is not signed though its source signs (promise 16). Its owner
    must act: a mistake in their set-up, or somebody else has written it."""


Harm = Literal["kills", "raises", "unpacks"]


class QuarantinedError(RejectedInputError):
    """Looking at this message ends a worker: it is set aside unread. The project must act, and whoever sent it.

    `harm`: it killed the processes that looked at it; makes code of ours raise what it must not; or lies in a
    compressed batch that unpacks to more than memory has room for, or to nothing.
    """

    def __init__(self, harm: Harm, reason: str) -> None:
        super().__init__("message", reason)
        self.harm: Harm = harm


class NotReadyError(NeedToKnowError):
    """The same call may succeed later: the broker is away, a feed is silent. Operations must act if it lasts."""


class BrokenPromiseError(NeedToKnowError):
    """We are wrong: something that cannot happen did. The worker stops; the project must act."""
