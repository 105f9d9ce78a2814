"""Base64url without padding, in its one spelling (RFC 7515, section 2), as signatures and keys are written. Pure."""

from __future__ import annotations

import base64
import binascii


def encoded(raw: bytes) -> bytes:
    """As it is written."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def decoded(text: bytes) -> bytes:
    """What it stands for. Raises ValueError, also for what decodes to the same in another spelling: that would be
    another signature of the same, or another key that is one."""
    try:
        found = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if encoded(found) != text:
        raise ValueError("another spelling")
    return found
