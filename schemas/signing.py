"""Signatures of messages: a detached JWS in a header, by Ed25519, over topic, key id, sequence and bytes (ADR 36).

Compact serialization (RFC 7515) with the payload left out of it and unencoded (RFC 7797), algorithm EdDSA (RFC 8037):
`BASE64URL(protected header)..BASE64URL(signature)`; what is signed is the first part, a dot, and the message's bytes.
The protected header has exactly

    {"alg": "EdDSA", "b64": false, "crit": ["b64"], "kid": "ecms-2026", "topic": "access.ecms.v1", "seq": 4711}

`seq` is the sequence number of the first access that the message names, or of a control message the highest number that
it says its source has given; left out where there is none. Needs the extra `signatures`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from .access import Sequence
from .base64url import decoded, encoded
from .errors import RejectedInputError, TamperingError
from .topics import SIGNATURE_HEADER, SIGNATURE_MAX

_FIXED: Final[dict[str, object]] = {"alg": "EdDSA", "b64": False, "crit": ["b64"]}
_FIXED_BYTES: Final = orjson.dumps(_FIXED)  # as bytes: to Python 0 is False
_KNOWN: Final = frozenset({*_FIXED, "kid", "topic", "seq", "typ"})  # typ: libraries put it there, and it says nothing
_KEY_FILE: Final = "signing key"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a signature states beside the message's bytes: by which key, for which topic, under which number."""

    key_id: str
    topic: str
    sequence: Sequence | None


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as it was read, before anybody has checked it."""

    statement: Statement
    protected: bytes
    signature: bytes

    def is_by(self, key: Ed25519PublicKey, value: bytes) -> bool:
        """Whether this key has signed these bytes, and all that the statement says."""
        try:
            key.verify(self.signature, self.protected + b"." + value)
        except InvalidSignature:
            return False
        return True


def read_signature(header: bytes) -> Signature:
    """What stands in the header of a message. Raises TamperingError, never with what it says."""
    protected, dot, rest = header.partition(b".")
    payload, second, signature = rest.partition(b".")
    if len(header) > SIGNATURE_MAX or not (dot and second) or payload or b"." in signature:
        raise _refused(f"must be a detached JWS of at most {SIGNATURE_MAX} bytes: header..signature")
    try:
        said = orjson.loads(decoded(protected))
        found = decoded(signature)
    except ValueError:
        raise _refused("must have a JSON object and a signature, both as base64url without padding") from None
    return Signature(_statement(said), protected, found)


def _statement(said: Any) -> Statement:
    if not isinstance(said, dict) or orjson.dumps({name: said.get(name) for name in _FIXED}) != _FIXED_BYTES:
        raise _refused('must say alg "EdDSA", b64 false and crit ["b64"]')
    key_id, topic, sequence = said.get("kid"), said.get("topic"), said.get("seq")
    if not (isinstance(key_id, str) and isinstance(topic, str)) or said.keys() - _KNOWN:
        raise _refused("must say kid and topic, seq where the message has a number, and nothing else but typ")
    if "seq" in said and not (type(sequence) is int and 0 <= sequence < 2**63):
        raise _refused("must have a whole number from 0 as seq, or none")
    return Statement(key_id, topic, sequence)


def _refused(reason: str) -> TamperingError:
    return TamperingError(SIGNATURE_HEADER, reason)


# --- keys


def public_key(x: str) -> Ed25519PublicKey:
    """The key that is written as `x` of an OKP key (RFC 8037): 32 bytes as base64url. Raises ValueError."""
    return Ed25519PublicKey.from_public_bytes(decoded(x.encode("ascii")))


class Signer:
    """Signs the messages of one source with one private key. The same message gets the same signature."""

    def __init__(self, key_id: str, private_key: Ed25519PrivateKey) -> None:
        self.key_id = key_id
        self._private_key = private_key

    @classmethod
    def from_file(cls, key_id: str, path: str | Path) -> Signer:
        """Of a PEM file without passphrase, as `needtoknow signing-key` and `openssl genpkey -algorithm ed25519` make.

        Raises RejectedInputError when it holds no such key, OSError when it cannot be read; whoever runs the source
        must act.
        """
        try:
            key = load_pem_private_key(Path(path).read_bytes(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise RejectedInputError(_KEY_FILE, "must be a private key in PEM, without a passphrase") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise RejectedInputError(_KEY_FILE, "must be an Ed25519 key: openssl genpkey -algorithm ed25519")
        return cls(key_id, key)

    def sign(self, topic: str, sequence: int | None, value: bytes) -> bytes:
        """What goes into the header `needtoknow.signature`; `sequence` as the message names it."""
        said = {**_FIXED, "kid": self.key_id, "topic": topic, **({} if sequence is None else {"seq": sequence})}
        protected = encoded(orjson.dumps(said))
        return protected + b".." + encoded(self._private_key.sign(protected + b"." + value))

    @property
    def x(self) -> str:
        """The public key, as the registry has it."""
        return encoded(self._private_key.public_key().public_bytes_raw()).decode("ascii")


def new_key() -> tuple[bytes, Ed25519PrivateKey]:
    """A private key that nobody else has, and the file of it (PEM)."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), key
