"""Passwords of principals: made, kept in one file each that only its owner can read, and salted for the broker."""

from __future__ import annotations

import hashlib
import os
import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.kafka.plan import SCRAM_SHA_512
from schemas.errors import NotReadyError, RejectedInputError
from schemas.settings import Settings

PASSWORD_BYTES: Final = 32  # of chance: nobody types it, and nobody guesses it
GIVEN_MIN: Final = 24  # characters of a password that somebody made elsewhere
ITERATIONS: Final = (
    8_192  # Kafka takes 4,096 to 16,384; with 256 bits of chance none is needed, given ones may have less
)
SALT_BYTES: Final = 32


@dataclass(frozen=True)
class Keeper:
    """The directory of credentials: `NAME.toml` for each principal, which NTK_SETTINGS_FILE takes as it is."""

    directory: Path
    settings: Settings

    def file(self, name: str) -> Path:
        """Where the credential of a principal is, or will be."""
        return self.directory / f"{name}.toml"

    def password(self, name: str) -> str:
        """What its file says, or a new one, which is in its file before anybody else knows it."""
        file = self.file(name)
        if not file.exists():
            self._write(file, name, made := secrets.token_urlsafe(PASSWORD_BYTES))
            return made
        return self._given(file)

    def next_password(self, name: str) -> str:
        """A new one, beside the one in use; `replace` makes it the one in use once the broker has it."""
        self._next(name).unlink(missing_ok=True)  # of a rotation that never came to its end
        self._write(self._next(name), name, made := secrets.token_urlsafe(PASSWORD_BYTES))
        return made

    def replace(self, name: str) -> None:
        """The next password is the one in use."""
        self._next(name).replace(self.file(name))

    def _next(self, name: str) -> Path:
        return self.directory / f"{name}.toml.next"

    def _given(self, file: Path) -> str:
        try:
            found = tomllib.loads(file.read_text(encoding="utf-8")).get("kafka_password")
        except (OSError, ValueError) as error:  # neither's text may be told: it may quote the line
            raise NotReadyError(f"{file} cannot be read: {type(error).__name__}") from None
        if not isinstance(found, str) or len(found) < GIVEN_MIN or not (found.isascii() and found.isprintable()):
            raise RejectedInputError(
                str(file), f"must have kafka_password, {GIVEN_MIN} or more printable ASCII characters"
            )
        return found

    def _write(self, file: Path, name: str, password: str) -> None:
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Never open to others, not even for a moment, and never over what is there.
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(self._text(name, password))
                stream.flush()
                os.fsync(handle)
        except OSError as error:
            raise NotReadyError(f"{file} cannot be written: {error.strerror}") from None

    def _text(self, name: str, password: str) -> str:
        known = self.settings
        lines = {
            "broker": known.broker,
            "kafka_security": "SASL_SSL",
            "kafka_mechanism": "SCRAM-SHA-512",
            "kafka_username": name,
            "kafka_password": password,
            "kafka_ca_file": str(known.kafka_ca_file.resolve()) if known.kafka_ca_file else None,
            "topic_prefix": known.topic_prefix or None,
        }
        told = f"# Whoever has this is {name} to Kafka. For our own programs: NTK_SETTINGS_FILE={name}.toml\n"
        return told + "".join(f"{key} = {_quoted(value)}\n" for key, value in lines.items() if value is not None)


def _quoted(value: str) -> str:
    if any(c in value for c in '"\\') or not value.isprintable():
        raise RejectedInputError("settings", "a path or an address has a character that a settings file cannot hold")
    return f'"{value}"'


def salted(name: str, password: str) -> tuple[str, int, int, bytes, bytes]:
    """What the broker is sent of it (RFC 5802): what it proves passwords with, not the password."""
    salt = secrets.token_bytes(SALT_BYTES)
    proof = hashlib.pbkdf2_hmac("sha512", password.encode("ascii"), salt, ITERATIONS)
    return name, SCRAM_SHA_512, ITERATIONS, salt, proof
