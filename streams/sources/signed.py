"""Whether a message is what its source has signed (promise 16, ADR 36). Pure: it asks the append time, and no clock.

A source of which the registry has keys signs each of its messages from the moment on at which the first of them holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schemas.errors import TamperingError
from schemas.ids import EARLIEST_MS, LATEST_MS, Instant, parse_instant
from schemas.topics import SIGNATURE_HEADER, SourceKey

from .translated import Translated

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from schemas.signing import Statement

NOT_ITS_OWN: Final = "is of another sequence number than the message"


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A public key, and the append times (UTC ms) from and before which a message may be signed with it."""

    key: Ed25519PublicKey
    since: Instant
    until: Instant


class Signed:
    """What one source has to sign: all that is stored on `topic` since its first key holds."""

    def __init__(self, topic: str, keys: Iterable[SourceKey]) -> None:
        from schemas.signing import public_key  # an extra, which an installation without signatures does not have

        self._topic = topic
        self._keys: Mapping[str, HeldKey] = {
            key.id: HeldKey(public_key(key.x), _instant(key.since, EARLIEST_MS), _instant(key.until, LATEST_MS))
            for key in keys
        }
        self._since = min(held.since for held in self._keys.values())

    def check(
        self, value: bytes | None, headers: Iterable[tuple[str, bytes]], appended_at: Instant
    ) -> Statement | None:
        """What is stated of the message; None: it was stored before this source signed. Raises TamperingError."""
        from schemas.signing import read_signature

        if appended_at < self._since:
            return None
        found = [said for name, said in headers if name.lower() == SIGNATURE_HEADER]
        if len(found) != 1:
            raise _refused("is missing: this source signs its messages" if not found else "is given twice")
        signature = read_signature(found[0] or b"")
        statement = signature.statement
        held = self._keys.get(statement.key_id)
        if held is None:
            raise _refused("is by a key that this source does not have")
        if not held.since <= appended_at < held.until:
            raise _refused("is by a key that did not hold when the message was stored")
        if not signature.is_by(held.key, value or b""):
            raise _refused("is not of this message")
        if statement.topic != self._topic:
            raise _refused("is for another topic")
        return statement


def signed_number(translated: Translated) -> int | None:
    """The sequence number that a signature states: of the first access, or what a control message says was given."""
    return translated.accesses[0].sequence if translated.accesses else translated.given


def check_number(statement: Statement | None, translated: Translated) -> None:
    """Raises TamperingError when the message names another number than its signature."""
    if statement is not None and statement.sequence != signed_number(translated):
        raise _refused(NOT_ITS_OWN)


def _instant(text: str | None, otherwise: Instant) -> Instant:
    return otherwise if text is None else parse_instant(text)


def _refused(reason: str) -> TamperingError:
    return TamperingError(SIGNATURE_HEADER, reason)
