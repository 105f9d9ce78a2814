"""Who Faust's own clients are to Kafka: the same as ours, said as Faust wants it."""

from __future__ import annotations

from faust.auth import Credentials, SASLCredentials, SSLCredentials

from schemas.security import Security


def credentials(security: Security) -> Credentials | None:
    """For `broker_credentials`; None: in the open. Raises NotReadyError as `Security.arguments` does."""
    match security.protocol:
        case "PLAINTEXT":
            return None
        case "SSL":
            return SSLCredentials(security.context())
        case "SASL_SSL":
            return SASLCredentials(
                username=security.username,
                password=security.secret(),
                mechanism=security.mechanism,
                ssl_context=security.context(),
            )
