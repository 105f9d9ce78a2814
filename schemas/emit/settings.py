"""What an emitter is told when it is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import RejectedInputError
from ..topics import SIGNATURE_HEADER, Topics
from .errors import MisusedError
from .limits import Limits
from .message import Outgoing

if TYPE_CHECKING:  # its library is an extra
    from ..signing import Signer

_SOURCE: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")  # as schemas.ids has it


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Checked when it is made: raises MisusedError naming what is wrong."""

    source: str
    bootstrap: str
    spool: Path
    topic_prefix: str = ""
    connection: Mapping[str, Any] = field(default_factory=dict, repr=False)
    number_from: int | None = None
    heartbeat_seconds: float | None = None
    on_invalid: Callable[[RejectedInputError], object] | None = None
    limits: Limits = field(default_factory=Limits)
    signer: Signer | None = None

    def __post_init__(self) -> None:
        if not _SOURCE.fullmatch(self.source):
            raise MisusedError("source: must be 1 to 32 of a-z, 0-9 and _, and begin with a letter")
        if not self.bootstrap:
            raise MisusedError("bootstrap: must be the broker's host:port, several separated by commas")
        if self.number_from is not None and not 0 <= self.number_from < 2**62:
            raise MisusedError("number_from: must be 0 or more")
        if self.heartbeat_seconds is not None and not 0.1 <= self.heartbeat_seconds <= 3600:
            raise MisusedError("heartbeat_seconds: must be 0.1 to 3600")

    @property
    def topic(self) -> str:
        """Where its accesses go."""
        return Topics(self.topic_prefix).access(self.source)

    def signed(self, message: Outgoing, sequence: int | None) -> Outgoing:
        """The message as it is sent, which names this number."""
        if self.signer is None:
            return message
        signature = self.signer.sign(self.topic, sequence, message.value)
        return message._replace(headers=[*message.headers, (SIGNATURE_HEADER, signature)])
