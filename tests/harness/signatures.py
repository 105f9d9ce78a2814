"""Signatures made by another hand: PyJWT, whose code is not ours."""

from __future__ import annotations

from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.signing import Signer
from schemas.topics import SIGNATURE_HEADER, SourceKey

KEY_ID: Final = "ecms-2026"


def make_signer(key_id: str = KEY_ID, number: int = 1) -> Signer:
    """The same key for the same number."""
    return Signer(key_id, Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


def source_key(signer: Signer, since: str | None = None, until: str | None = None) -> SourceKey:
    """What the registry has of it."""
    return SourceKey(id=signer.key_id, x=signer.x, since=since, until=until)


def by_pyjwt(private_key: Ed25519PrivateKey, value: bytes, said: dict[str, Any]) -> bytes:
    """A detached JWS as a program in the field would make it; `said` is kid, topic and seq."""
    jws = jwt.PyJWS()
    token = jws.encode(value, private_key, algorithm="EdDSA", headers=said, is_payload_detached=True)
    return token.encode("ascii")


def read_by_pyjwt(signature: bytes, signer_x: str, value: bytes) -> dict[str, Any]:
    """The protected header, once PyJWT has checked the signature."""
    key = jwt.PyJWK.from_dict({"kty": "OKP", "crv": "Ed25519", "x": signer_x}).key
    found = jwt.PyJWS().decode_complete(signature.decode(), key, algorithms=["EdDSA"], detached_payload=value)
    header: dict[str, Any] = found["header"]
    return header


def header_of(signature: bytes) -> tuple[tuple[str, bytes], ...]:
    """As it stands on a message."""
    return ((SIGNATURE_HEADER, signature),)
