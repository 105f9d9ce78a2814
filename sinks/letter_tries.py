"""Would it be read today? What this version's readers say of a dead letter, without sending it. Pure."""

from __future__ import annotations

from schemas.errors import QuarantinedError, RejectedInputError
from schemas.fact import Mark
from schemas.topics import Topics
from streams.agents.reading import read_one
from streams.policy.aside import fault
from streams.sources import Translators

from .letter_rules import MARK, origin_of
from .letters import DeadLetter


class MarkError(RejectedInputError):
    """It would be read, and must not be sent again all the same."""


def fault_now(letter: DeadLetter, topics: Topics, translators: Translators, now: int) -> RejectedInputError | None:
    """What today's reader would say of this message if it were stored at `now` (UTC ms); None: it would be read.

    Not to be asked of what was quarantined: looking at it may end whoever does.
    """
    origin = origin_of(letter, topics)
    try:
        if origin.kind == "source":
            translators.translate(origin.name, letter.value, letter.headers, now)
        elif isinstance(read_one(origin.name, letter.value, now), Mark):
            return MarkError("message", MARK)
    except RejectedInputError as error:
        return error
    except MemoryError:
        raise
    except Exception as error:
        return QuarantinedError("raises", f"makes its reader fail: {fault(error)}")
    return None
