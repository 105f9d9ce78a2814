"""A detached JWS by Ed25519: what others sign is read, what we sign others read, and nothing else is taken."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import RejectedInputError, TamperingError
from schemas.signing import Signer, Statement, new_key, public_key, read_signature
from schemas.topics import SIGNATURE_MAX
from tests.harness.signatures import KEY_ID, by_pyjwt, make_signer, read_by_pyjwt

TOPIC = "access.ecms.v1"
VALUE = b'{"event_id":"ecms-1"}'
SIGNER = make_signer()
KEY = public_key(SIGNER.x)
# RFC 8037, appendix A.1 and A.2: a private key, and the x of its public one.
RFC_PRIVATE = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
RFC_X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
# RFC 8037, appendix A.4: the protected header, the payload and the signature of an example.
RFC_PROTECTED, RFC_PAYLOAD = b"eyJhbGciOiJFZERTQSJ9", b"RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
RFC_SIGNATURE = b"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"


def raw(text: str | bytes) -> bytes:
    """Base64url without padding, decoded."""
    found = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64decode(found + b"=" * (-len(found) % 4))


def spelled(document: Any) -> bytes:
    """A protected header, whatever it says."""
    return base64.urlsafe_b64encode(orjson.dumps(document)).rstrip(b"=")


def protected(**changes: Any) -> bytes:
    """A good one but for these; None leaves a field out."""
    said = {"alg": "EdDSA", "b64": False, "crit": ["b64"], "kid": KEY_ID, "topic": TOPIC, "seq": 7} | changes
    return spelled({name: value for name, value in said.items() if value is not None})


def test_the_keys_of_the_standards_example_are_read_and_written() -> None:
    """RFC 8037, A.1 to A.4: the same public key, and its signature of the example."""
    signer = Signer("rfc", Ed25519PrivateKey.from_private_bytes(raw(RFC_PRIVATE)))
    assert signer.x == RFC_X
    public_key(RFC_X).verify(raw(RFC_SIGNATURE), RFC_PROTECTED + b"." + RFC_PAYLOAD)


@pytest.mark.parametrize("sequence", [0, 7, 2**63 - 1])
def test_what_another_library_has_signed_is_read(sequence: int) -> None:
    """And it is by that key, of those bytes."""
    signature = read_signature(
        by_pyjwt(
            Ed25519PrivateKey.from_private_bytes(b"\1" * 32),
            VALUE,
            {"kid": KEY_ID, "topic": TOPIC, "seq": sequence},
        )
    )
    assert signature.statement == Statement(KEY_ID, TOPIC, sequence)
    assert signature.is_by(KEY, VALUE)


@pytest.mark.parametrize("sequence", [None, 0, 7])
@pytest.mark.parametrize("value", [VALUE, b"", bytes(range(256))])
def test_what_we_sign_another_library_takes(sequence: int | None, value: bytes) -> None:
    """A number that there is none of is left out. The same message has the same signature, whenever it is sent."""
    signed = SIGNER.sign(TOPIC, sequence, value)
    header = read_by_pyjwt(signed, SIGNER.x, value)
    assert (header["kid"], header["topic"], header.get("seq")) == (KEY_ID, TOPIC, sequence)
    assert signed == SIGNER.sign(TOPIC, sequence, value)
    assert read_signature(signed).is_by(KEY, value)


@given(st.binary(max_size=200), st.binary(max_size=200), st.integers(0, 3))
def test_it_is_of_these_bytes_by_this_key_and_of_nothing_else(value: bytes, other: bytes, number: int) -> None:
    """Neither of other bytes nor by another key."""
    signature = read_signature(SIGNER.sign(TOPIC, 7, value))
    assert signature.is_by(KEY, other) == (value == other)
    assert signature.is_by(public_key(make_signer(number=number + 1).x), value) == (number == 0)


@pytest.mark.parametrize("name", ["topic", "seq", "kid"])
def test_what_it_states_is_signed_too(name: str) -> None:
    """Changed by somebody without the key, all of it is worth nothing."""
    _, signature = SIGNER.sign(TOPIC, 7, VALUE).split(b"..")
    changed = protected(**{name: 8 if name == "seq" else "other"})
    assert not read_signature(changed + b".." + signature).is_by(KEY, VALUE)


GOOD = base64.urlsafe_b64encode(bytes(64)).rstrip(b"=")
REFUSED = {
    "empty": b"",
    "no JWS": b"signed",
    "one dot": protected() + b"." + GOOD,
    "with its payload": protected() + b"." + spelled({}) + b"." + GOOD,
    "a fourth part": protected() + b".." + GOOD + b"." + GOOD,
    "too long": protected(kid="k" * SIGNATURE_MAX) + b".." + GOOD,
    "no base64": b"{}" + b".." + GOOD,
    "a signature of no base64": protected() + b"..=",
    "padded": protected() + b".." + GOOD + b"==",
    "another alphabet": protected() + b".." + GOOD[:-2] + b"+/",
    "bits that are cut off": protected() + b".." + GOOD[:-1] + b"B",
    "no JSON": base64.urlsafe_b64encode(b"{").rstrip(b"=") + b".." + GOOD,
    "a list": spelled([1]) + b".." + GOOD,
    "no algorithm": protected(alg="none") + b".." + GOOD,
    "a shared secret": protected(alg="HS256") + b".." + GOOD,
    "an encoded payload": protected(b64=True) + b".." + GOOD,
    "a number for a truth": protected(b64=0) + b".." + GOOD,
    "nothing critical": protected(crit=None) + b".." + GOOD,
    "more critical": protected(crit=["b64", "exp"]) + b".." + GOOD,
    "a key of its own": protected(jwk={"kty": "OKP"}) + b".." + GOOD,
    "no key id": protected(kid=None) + b".." + GOOD,
    "no topic": protected(topic=None) + b".." + GOOD,
    "a key id that is none": protected(kid=7) + b".." + GOOD,
    "a negative number": protected(seq=-1) + b".." + GOOD,
    "a truth for a number": protected(seq=True) + b".." + GOOD,
    "a fraction": protected(seq=7.0) + b".." + GOOD,
    "too large a number": protected(seq=2**63) + b".." + GOOD,
    "a number as text": protected(seq="7") + b".." + GOOD,
    "null for no number": spelled({**orjson.loads(raw(protected())), "seq": None}) + b".." + GOOD,
}


@pytest.mark.parametrize("header", REFUSED.values(), ids=REFUSED.keys())
def test_whatever_else_is_refused_without_repeating_it(header: bytes) -> None:
    """It names the header, and not what is in it."""
    with pytest.raises(TamperingError) as refused:
        read_signature(header)
    assert refused.value.place == "needtoknow.signature"
    assert KEY_ID not in str(refused.value)
    assert TOPIC not in str(refused.value)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(header: bytes) -> None:
    """Nothing else is raised."""
    with pytest.raises(TamperingError):
        read_signature(header)


def test_a_signature_of_a_wrong_length_is_by_nobody() -> None:
    """The library says so, and raises nothing else."""
    assert not read_signature(protected() + b".." + base64.urlsafe_b64encode(b"short").rstrip(b"=")).is_by(KEY, VALUE)


def test_a_key_file_is_read_as_it_was_made(tmp_path: Path) -> None:
    """The new key is another one each time."""
    (pem, key), (other, _) = new_key(), new_key()
    file = tmp_path / "ecms.pem"
    file.write_bytes(pem)
    signer = Signer.from_file("a", file)
    assert signer.x == Signer("a", key).x
    assert pem != other
    assert public_key(signer.x) == key.public_key()


def private_pem(key: Any, password: bytes | None = None) -> bytes:
    """In PKCS 8."""
    how = BestAvailableEncryption(password) if password else NoEncryption()
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)
    return pem


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "in PEM, without a passphrase"),
        (b"not a key", "in PEM, without a passphrase"),
        (private_pem(Ed25519PrivateKey.generate(), b"secret"), "in PEM, without a passphrase"),
        (private_pem(ec.generate_private_key(ec.SECP256R1())), "must be an Ed25519 key"),
    ],
    ids=["empty", "text", "passphrase", "another kind"],
)
def test_another_key_file_is_refused_with_what_to_do(tmp_path: Path, content: bytes, why: str) -> None:
    """By whoever would sign with it, before anything is sent."""
    file = tmp_path / "key.pem"
    file.write_bytes(content)
    with pytest.raises(RejectedInputError, match=why):
        Signer.from_file("a", file)


@pytest.mark.parametrize("x", ["", "short", RFC_X + "=", RFC_X[:-1] + "p", RFC_X.replace("_", "/"), "ä" * 43])
def test_a_public_key_has_one_spelling(x: str) -> None:
    """Another spelling of the same would be two keys to whoever compares them."""
    with pytest.raises(ValueError, match=r".*"):
        public_key(x)
