"""What both faces of an emitter have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, overload

from ..access import Access
from ..errors import RejectedInputError
from .connection import Connection, checked
from .core import Core
from .errors import MisusedError
from .fields import Fields
from .limits import Limits
from .settings import Settings
from .stats import Stats

if TYPE_CHECKING:  # its library is an extra
    from ..signing import Signer


class Face:
    """Hands accesses to the library's own threads, and returns at once.

    `spool`: a directory of this emitter alone, on a local disk; what waits in it outlives the process.
    `number_from`: give dense sequence numbers, beginning with this one where the spool remembers none. Only for the
    one emitter of its source: two would give the same numbers.
    `heartbeat_seconds`: tell so often that the source is there.
    `signer`: sign each message with this key, `Signer.from_file(key id, file)` of `signing`; needs the extra
    `signatures`.
    `on_invalid`: is called with the error, in the caller's thread, where otherwise `emit` raises it.

    Raises MisusedError, SpoolInUseError, OSError or sqlite3.Error when it cannot begin. The broker need not be there.
    """

    _begins_at_once = False

    def __init__(
        self,
        source: str,
        bootstrap: str,
        spool: str | Path,
        *,
        topic_prefix: str = "",
        connection: Connection | None = None,
        number_from: int | None = None,
        heartbeat_seconds: float | None = None,
        on_invalid: Callable[[RejectedInputError], object] | None = None,
        limits: Limits | None = None,
        signer: Signer | None = None,
    ) -> None:
        self._settings = Settings(
            source=source,
            bootstrap=bootstrap,
            spool=Path(spool),
            topic_prefix=topic_prefix,
            connection=checked(connection),
            number_from=number_from,
            heartbeat_seconds=heartbeat_seconds,
            on_invalid=on_invalid,
            limits=limits or Limits(),
            signer=signer,
        )
        self._core = Core(self._settings) if self._begins_at_once else None

    @overload
    def emit(self, access: Access, /) -> bool: ...

    @overload
    def emit(self, /, **fields: Unpack[Fields]) -> bool: ...

    def emit(self, access: Access | None = None, /, **fields: Any) -> bool:
        """Whether it is taken: in memory now, on the disk within `Limits.gather_seconds`, at the broker some day.

        False: the spool is full, or the disk hangs; it was counted as refused and is not sent. The caller decides
        whether to go on. Raises RejectedInputError naming the field when it is no access of this source.
        """
        return self._begun.emit(access, fields)

    def stats(self) -> Stats:
        """What has become of the accesses; its text is one line."""
        return self._begun.stats()

    @property
    def _begun(self) -> Core:
        if self._core is None:
            raise MisusedError("the emitter has not begun; use it in `async with`")
        return self._core
