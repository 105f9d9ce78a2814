"""Forms: that one was made for this session, that sent twice it is one act, and what a person has typed. Pure.

Browsers send forms in somebody's name from anywhere; the address they come from is checked first (`web.refuse_forged`),
and this token beside it, since either alone has had holes.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

import orjson

from schemas.codec import decode
from schemas.errors import RejectedInputError
from sinks.store.sessions import digest_of

from . import asked

FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "acknowledge": (),
    "release": ("why",),
    "close": ("disposition", "why", "refer"),
    "reopen": ("why",),
    "note": ("text",),
    "reveal": ("why",),
    "export": ("why",),
    "record": ("obligation", "reference"),
}
"""What each command's form has beside token, key and version."""
DECIDES: Final = frozenset({"close", "reopen", "release", "record"})
"""Not done when the alert has changed since they looked. Taking it, or writing something down, is right either way."""
_MISSING: Final = {
    "why": "say why, in a few words",
    "text": "write something first",
    "disposition": "choose what it was",
    "obligation": "choose which obligation was met",
    "reference": "name the record of it",
}
_TOO_LONG: Final = "is too long, or has characters that are not text: 4,000 characters at most, 500 for a reference"


class Forms:
    """The forms of one installation."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def token(self, session_token: str) -> str:
        """What every form of a session carries."""
        return self._sign("form", digest_of(session_token))

    def is_ours(self, session_token: str, sent: str) -> bool:
        """Whether a form was made for this session."""
        return hmac.compare_digest(self.token(session_token).encode(), sent.encode("utf-8", "replace"))

    def key(self, session_token: str, alert_id: str, version: int, command: str) -> str:
        """The key of a command on this version: a double click, a reload, a second tab are the same act."""
        return self._sign("key", digest_of(session_token), alert_id, str(version), command)[:32]

    def _sign(self, *parts: str) -> str:
        return hmac.new(self._secret, "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()


def typed(command: str, sent: Mapping[str, Any]) -> dict[str, str]:
    """What a person has typed, as text; files and unknown fields are not read."""
    found = {name: sent.get(name, "") for name in FIELDS[command]}
    return {name: _plain(value) for name, value in found.items() if isinstance(value, str)}


def command_of(command: str, words: Mapping[str, str]) -> asked.Command:
    """The command that a form asks for. Raises RejectedInputError in words for whoever filled it in."""
    document: dict[str, Any] = {name: words.get(name, "") for name in FIELDS[command]}
    for name, reason in _MISSING.items():
        if name in document and not document[name]:
            raise RejectedInputError(name, reason)
    if "refer" in document:
        document["refer"] = bool(document["refer"])
    try:
        found: asked.Command = decode(asked.COMMANDS[command], orjson.dumps(document))
        found.bodies()
    except RejectedInputError as error:
        if error.place in {"why", "text", "reference"}:
            raise RejectedInputError(error.place, _TOO_LONG) from None
        raise
    return found


def version_of(sent: Mapping[str, Any]) -> int | None:
    """The version that the form was made for. Raises RejectedInputError."""
    value = sent.get("version")
    return asked.number_of(value, "version") if isinstance(value, str) and value else None


def _plain(text: str) -> str:
    """Browsers send line ends as CR LF, whatever was typed."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
