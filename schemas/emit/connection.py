"""How the broker is reached: what of aiokafka's producer is the host's to say."""

from __future__ import annotations

import ssl
from typing import Any, Literal, TypedDict

from aiokafka.abc import AbstractTokenProvider

from .errors import MisusedError


class Connection(TypedDict, total=False):
    """Passed to `aiokafka.AIOKafkaProducer` as it is. All else is fixed: it is what the promises rest on."""

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
    ssl_context: ssl.SSLContext
    sasl_mechanism: Literal["PLAIN", "GSSAPI", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]
    sasl_plain_username: str
    sasl_plain_password: str
    sasl_kerberos_service_name: str
    sasl_kerberos_domain_name: str
    sasl_oauth_token_provider: AbstractTokenProvider
    client_id: str
    compression_type: Literal["gzip", "snappy", "lz4", "zstd"]
    request_timeout_ms: int
    metadata_max_age_ms: int
    connections_max_idle_ms: int


def checked(connection: Connection | None) -> dict[str, Any]:
    """The settings. Raises MisusedError naming one that is not the host's to set, never its value."""
    given: dict[str, Any] = dict(connection or {})
    if unknown := sorted(set(given) - set(Connection.__annotations__)):
        raise MisusedError(
            f"connection: {', '.join(unknown)} cannot be set; one of {', '.join(Connection.__annotations__)}"
        )
    return given
