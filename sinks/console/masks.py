"""Whose record it was stays behind a mask until somebody says what they need it for. Pure.

A mask is the same wherever a record is the same, so that people see that two alerts are about one record without being
told which. It is made with a secret of the installation: without that, whoever knows all ids could try them all.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from schemas.access import Record

DIGITS: Final = 6  # of 16: two of 200,000 records share one about every thousandth time, and nobody decides by it


class Masks:
    """The masks of one installation."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def of(self, record: Record) -> str:
        """The mask of a record: `#` and six hexadecimal digits."""
        named = f"{record.kind}\x1f{record.id}".encode()
        return "#" + hmac.new(self._secret, named, hashlib.sha256).hexdigest()[:DIGITS]
