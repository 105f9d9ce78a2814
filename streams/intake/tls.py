"""TLS of the intake: what it shows, whose certificates it takes, and what a client's certificate names."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, Final

from schemas.errors import NotReadyError
from schemas.settings import Settings

HANDSHAKE_SECONDS: Final = 10.0  # some round trips of a slow line; until then nobody has said who they are


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address. A name is not looked up: it may change."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def server_context(settings: Settings) -> ssl.SSLContext | None:
    """TLS as the settings have it; None: without. Raises NotReadyError naming what to set; whoever runs it must act."""
    cert, key, authority = settings.receive_tls_cert, settings.receive_tls_key, settings.receive_tls_client_ca
    if cert is None or key is None:
        if cert or key or authority:
            raise NotReadyError("TLS needs both NTK_RECEIVE_TLS_CERT and NTK_RECEIVE_TLS_KEY")
        if not is_loopback(settings.receive_host) and not settings.receive_without_tls:
            raise NotReadyError(
                "keys would be sent in the clear: set NTK_RECEIVE_TLS_CERT and NTK_RECEIVE_TLS_KEY, or listen on "
                "loopback; where a proxy before it speaks TLS, say so with NTK_RECEIVE_WITHOUT_TLS=true"
            )
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    load(context, settings)
    if authority is not None:
        try:
            context.load_verify_locations(authority)
        except OSError as error:
            raise _unusable(error) from None
        context.verify_mode = ssl.CERT_OPTIONAL  # systems with keys have none
    return context


def load(context: ssl.SSLContext, settings: Settings) -> None:
    """Read our certificate, for connections from now on: it is renewed. Raises NotReadyError.

    Not who signs clients': an authority could be added so, but never taken out; that takes a new start.
    """
    assert settings.receive_tls_cert is not None
    try:
        context.load_cert_chain(settings.receive_tls_cert, settings.receive_tls_key)
    except OSError as error:  # of ssl, too
        raise _unusable(error) from None


def _unusable(error: OSError) -> NotReadyError:
    return NotReadyError(f"TLS: certificate, key or authority cannot be used: {error.strerror or error}")


def names_of(certificate: Mapping[str, Any] | None) -> Iterator[str]:
    """What a verified certificate names, as the file of keys spells it. None: there is no certificate."""
    if not certificate:
        return
    for part in certificate.get("subject", ()):
        yield from (f"CN={value}" for name, value in part if name == "commonName")
    yield from (f"URI={value}" for kind, value in certificate.get("subjectAltName", ()) if kind == "URI")
