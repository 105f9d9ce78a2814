"""How a client of ours tells Kafka who it is, and knows whom it talks to: the one place that says so to aiokafka."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import SecretStr

from .errors import NotReadyError

Protocol = Literal["PLAINTEXT", "SSL", "SASL_SSL"]
"""Not SASL_PLAINTEXT: a password without TLS proves who sends, and shows every access to whoever listens."""

Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256"]
"""Of both the broker keeps no password, and is sent none."""

NONE: Final = SecretStr("")
PASSWORD_FILE_MAX: Final = 4_096  # characters: a longer one is some other file


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """What `NTK_KAFKA_*` say. Files are read when a connection is made, so a new one takes a new password."""

    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str = ""
    password: SecretStr = NONE
    password_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is nothing to prove and nothing to check."""
        return self.protocol == "PLAINTEXT"

    @property
    def who(self) -> str:
        """Whom the broker takes us for, as a message to people says it."""
        if self.username:
            return self.username
        return f"the certificate in {self.certificate_file}" if self.certificate_file else "nobody in particular"

    def arguments(self) -> dict[str, Any]:
        """What every client of aiokafka is given beside its address.

        Raises NotReadyError naming the file that cannot be used; whoever set it up must act.
        """
        if self.is_open:
            return {}
        arguments: dict[str, Any] = {"security_protocol": self.protocol, "ssl_context": self.context()}
        if self.protocol == "SASL_SSL":
            arguments["sasl_mechanism"] = self.mechanism
            arguments["sasl_plain_username"] = self.username
            arguments["sasl_plain_password"] = self.secret()
        return arguments

    def context(self) -> ssl.SSLContext:
        """TLS that checks the broker's certificate and name, always: there is no setting that leaves that out."""
        with _Naming("NTK_KAFKA_CA_FILE", self.ca_file):
            context = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        if self.certificate_file is not None:
            with _Naming("NTK_KAFKA_CERTIFICATE_FILE or NTK_KAFKA_KEY_FILE", self.certificate_file):
                context.load_cert_chain(self.certificate_file, self.key_file)
        return context

    def secret(self) -> str:
        """The password, from its file if there is one; a line break at the end is not part of it."""
        if self.password_file is None:
            return self.password.get_secret_value()
        with _Naming("NTK_KAFKA_PASSWORD_FILE", self.password_file):
            text = self.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        if not 0 < len(text) <= PASSWORD_FILE_MAX or "\n" in text:
            raise NotReadyError(f"NTK_KAFKA_PASSWORD_FILE: {self.password_file} must hold one line, the password")
        return text


OPEN: Final = Security()


class _Naming:
    """Makes what goes wrong with a file an error that names the setting, and nothing of what is in the file."""

    def __init__(self, setting: str, file: Path | None) -> None:
        self._setting, self._file = setting, file

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, at: object) -> None:
        if isinstance(error, OSError | ValueError):  # those of ssl and of decoding are among them
            why = getattr(error, "strerror", None) or "it cannot be read"
            raise NotReadyError(f"{self._setting}: {self._file}: {why}") from None
