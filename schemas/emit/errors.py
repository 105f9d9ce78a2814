"""What an emitter raises beside RejectedInputError, sorted by who must act."""

from __future__ import annotations

from ..errors import NeedToKnowError, NotReadyError


class MisusedError(NeedToKnowError):
    """The emitter is used as it cannot be: closed, of another process, or set up wrongly. The host's programmer must
    act."""


class SpoolInUseError(NotReadyError):
    """Another emitter holds this spool: each needs a directory of its own. Whoever set up the host must act."""
