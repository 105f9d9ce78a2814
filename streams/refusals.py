"""Why a broker does not let us in. aiokafka tells only its log, and then says that nobody answers."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Final

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from schemas.errors import NotReadyError
from schemas.security import Security

ASK_MS: Final = 5_000  # one more connection, after one that failed: whoever answers does so at once
HOW: Final = "deploy/kafka/README.md says who may do what"

_WRONG_PROOF: Final = (SaslAuthenticationFailed, AuthenticationFailedError)
_WRONG_WAY: Final = (UnsupportedSaslMechanismError, IllegalSaslStateError)
_MAY_NOT: Final = {
    TopicAuthorizationFailedError: "with a topic",
    GroupAuthorizationFailedError: "with a group",
    ClusterAuthorizationFailedError: "with the cluster",
}


async def refusal(address: str, security: Security) -> NotReadyError | None:
    """Why the first of these addresses that answers does not let us in; None when it does, or none answers.

    For after a try that failed. Waiting would not help: whoever set up the user, the password or the certificates must
    act. The password is in no message.
    """
    if security.is_open:
        return None
    for host, port, _ in collect_hosts(address, randomize=False):
        try:
            connection = await create_conn(host, port, request_timeout_ms=ASK_MS, **security.arguments())
        except (OSError, KafkaError, TimeoutError, ValueError) as error:
            if why := _why(error, security):
                return NotReadyError(f"{why} at {host}:{port}")
            continue
        connection.close()
        return None
    return None


def _why(error: Exception, security: Security) -> str | None:
    """None: nothing that would not be over with a broker that is starting, or going down in the middle of a word."""
    match error:
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError() | ssl.SSLSyscallError():
            return None
        case ssl.SSLCertVerificationError():
            return f"the broker's certificate is not to be trusted ({error.verify_message}; NTK_KAFKA_CA_FILE)"
        case ssl.SSLError():
            return f"no TLS ({error.reason or 'it ended'}; NTK_KAFKA_SECURITY is {security.protocol})"
        case ValueError() if str(error).startswith("Server "):  # aiokafka's word for a proof that is wrong
            return f"the broker did not prove itself to {security.who}"
    if isinstance(error, _WRONG_PROOF):
        return f"authentication failed as {security.username} (user or password is wrong)"
    if isinstance(error, _WRONG_WAY):
        return f"authentication failed as {security.username} (not by {security.mechanism})"
    return None


def denied(error: BaseException, address: str, security: Security) -> NotReadyError | None:
    """What an answer of Kafka says when it lets us in and does not let us do it; None when it says something else."""
    what = next((words for kind, words in _MAY_NOT.items() if isinstance(error, kind)), None)
    if what is None:
        return None
    return NotReadyError(f"{security.who} may not do this {what} of Kafka at {address}; {HOW}")


def not_ours(topics: Iterable[str], address: str, security: Security) -> NotReadyError:
    """These topics are somebody else's, or are not there: to whoever may not know, Kafka says the same of both."""
    first, *others = sorted(topics)
    more = f" and {len(others)} more" if others else ""
    return NotReadyError(f"{security.who} may not use topic {first}{more} at {address}; {HOW}")
