"""Who we are to Kafka: settings that contradict each other are refused, and no message has a password in it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiokafka.conn import ScramAuthenticator
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    TopicAuthorizationFailedError,
)
from click import UsageError
from pydantic import SecretStr

from schemas.errors import NotReadyError
from schemas.security import OPEN, Security
from schemas.settings import Settings
from sinks.cli.options import settings as known_settings
from sinks.kafka import Broker, complaint
from streams import refusals
from streams.credentials import credentials
from streams.refusals import refusal

PASSWORD = "correct-horse-battery"
PROVEN: Mapping[str, Any] = {
    "kafka_security": "SASL_SSL",
    "kafka_username": "source-ecms",
    "kafka_password": SecretStr(PASSWORD),
}


def with_file(file: Path) -> Security:
    """Whoever has their password in this file."""
    return Security(protocol="SASL_SSL", username="worker", password_file=file)


def test_nothing_is_proven_to_a_kafka_in_the_open() -> None:
    """Today's default, and not a word more for any client."""
    assert Settings().security == OPEN
    assert OPEN.arguments() == {}
    assert credentials(OPEN) is None


def test_faust_proves_the_same_as_every_other_client_of_ours() -> None:
    """Over TLS that checks the broker's certificate and its name."""
    security = Settings(**PROVEN).security
    ours, theirs = security.arguments(), credentials(security)
    context = ours.pop("ssl_context")
    assert ours == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "source-ecms",
        "sasl_plain_password": PASSWORD,
    }
    assert context.check_hostname
    assert theirs is not None
    assert (theirs.protocol.value, theirs.mechanism.value) == ("SASL_SSL", "SCRAM-SHA-512")
    assert (theirs.username, theirs.password) == ("source-ecms", PASSWORD)
    assert theirs.ssl_context.check_hostname


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kafka_username": "worker"}, "need NTK_KAFKA_SECURITY=SASL_SSL"),
        ({"kafka_security": "SSL", "kafka_password": SecretStr(PASSWORD)}, "need NTK_KAFKA_SECURITY=SASL_SSL"),
        ({"kafka_ca_file": Path("ca.pem")}, "certificates need"),
        ({**PROVEN, "kafka_username": ""}, "needs NTK_KAFKA_USERNAME"),
        ({**PROVEN, "kafka_password": SecretStr("")}, "needs NTK_KAFKA_USERNAME, and NTK_KAFKA_PASSWORD or"),
        ({**PROVEN, "kafka_password_file": Path("password")}, "NTK_KAFKA_PASSWORD or NTK_KAFKA_PASSWORD_FILE"),
        ({**PROVEN, "kafka_key_file": Path("key.pem")}, "needs NTK_KAFKA_CERTIFICATE_FILE"),
        ({**PROVEN, "kafka_security": "SASL_PLAINTEXT"}, "NTK_KAFKA_SECURITY: Input should be"),
        ({**PROVEN, "kafka_username": "two words"}, "NTK_KAFKA_USERNAME: String should match"),
    ],
)
def test_what_would_protect_nobody_is_refused(given: dict[str, Any], said: str) -> None:
    """As wrong use, which names settings and no value."""
    with pytest.raises(UsageError) as refused:
        known_settings(**given)
    assert said in refused.value.message
    assert PASSWORD not in refused.value.message


def test_a_password_is_read_from_its_file_at_each_connection(tmp_path: Path) -> None:
    """So a connection after a rotation has the new one, without a restart."""
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    security = with_file(file)
    assert security.arguments()["sasl_plain_password"] == PASSWORD
    file.write_text("another-one\r\n")
    assert security.arguments()["sasl_plain_password"] == "another-one"


@pytest.mark.parametrize("content", [None, b"", b"\n", b"one\ntwo\n", b"\xff\xfe", b"x" * 5_000], ids=str)
def test_a_file_that_holds_no_password_is_named_and_not_quoted(content: bytes | None, tmp_path: Path) -> None:
    """Whoever set it up must act; a message never repeats what may be half a secret."""
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(NotReadyError, match=f"NTK_KAFKA_PASSWORD_FILE: {file}") as refused:
        with_file(file).arguments()
    assert "one" not in str(refused.value).replace("one line", "")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_used_are_named(content: str | None, tmp_path: Path) -> None:
    """Not there, or not PEM."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(NotReadyError, match=f"NTK_KAFKA_CA_FILE: {file}"):
        Security(protocol="SSL", ca_file=file).arguments()
    with pytest.raises(NotReadyError, match=f"NTK_KAFKA_CERTIFICATE_FILE or NTK_KAFKA_KEY_FILE: {file}"):
        Security(protocol="SSL", certificate_file=file).arguments()


def test_nothing_that_is_shown_of_us_has_the_password() -> None:
    """Neither of the value nor of the settings it comes from."""
    settings = Settings(**PROVEN)
    assert PASSWORD not in f"{settings!r} {settings.security!r} {Broker('h:1', 1, settings.security)!r}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (b"", None),
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "no TLS (WRONG_VERSION_NUMBER; NTK_KAFKA_SECURITY is SASL_SSL) at 127.0.0.1:",
        ),
    ],
)
async def test_a_broker_that_hangs_up_is_waited_for_and_one_without_tls_is_not(words: bytes, said: str | None) -> None:
    """One that goes down in the middle of a handshake comes back; another port must be set by somebody."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(words)
        await writer.drain()
        writer.close()

    security = Settings(**PROVEN).security
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        found = await refusal(address, security)
    assert (found is None) == (said is None)
    assert found is None or str(found).startswith(str(said))
    assert await refusal(address, security) is None  # nobody is there any more
    assert await refusal(address, OPEN) is None


def test_a_broker_that_does_not_know_the_password_itself_is_not_trusted() -> None:
    """SCRAM proves both; aiokafka says it with these words, and other mistakes of its own with others."""
    security = Settings(**PROVEN).security
    for words in ("Server sent wrong signature!", "Server nonce, did not start with client nonce!"):
        assert inspect.getsource(ScramAuthenticator).count(words) == 1
        assert refusals._why(ValueError(words), security) == "the broker did not prove itself to source-ecms"
    assert refusals._why(ValueError("Buffer underrun"), security) is None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TopicAuthorizationFailedError(), "source-ecms may not do this with a topic of Kafka at h:1"),
        (GroupAuthorizationFailedError(), "source-ecms may not do this with a group of Kafka at h:1"),
        (KafkaConnectionError(), "Kafka at h:1 does not answer as it should: KafkaConnectionError"),
    ],
)
def test_a_refusal_says_who_may_not_and_everything_else_what_it_was(error: KafkaError, said: str) -> None:
    """An operator must know whether to look at the network or at the table."""
    assert str(complaint(error, Broker("h:1", 1, Settings(**PROVEN).security))).startswith(said)
