"""What an emitter says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Stats:
    """Counts since this emitter was made, but what waits, which may be older. No field tells of a person.

    `emitted` = taken from the host; `invalid` and `refused` were not, and `refused` is what its caller was told there
    is no room for. `stored` by the broker; `waiting` for it, on the disk or about to be; `unwritten`, of these, are in
    memory only. `sequence` is the highest number given. `trouble` says what is wrong now, `retries` how often sending
    began anew. `set_aside` counts damaged spools that were kept beside the new one, `salvaged` what was read out of
    them. `was_killed`: the emitter before this one ended without being closed.
    """

    emitted: int
    stored: int
    waiting: int
    waiting_bytes: int
    unwritten: int
    refused: int
    invalid: int
    retries: int
    oldest_waiting_seconds: float
    sequence: int | None
    is_connected: bool
    was_killed: bool
    set_aside: int
    salvaged: int
    trouble: str | None

    def __str__(self) -> str:
        oldest = f" (oldest {self.oldest_waiting_seconds:.1f} s)" if self.waiting else ""
        counts = f"{self.emitted} emitted, {self.stored} stored, {self.waiting} waiting{oldest}"
        state = self.trouble or ("all is well" if self.is_connected else "connecting to the broker")
        return f"{counts}, {self.refused} refused, {self.invalid} invalid; {state}"
