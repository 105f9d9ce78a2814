"""JNET: the one spelling in which federated ids are compared, for messages and for what the staff feed states."""

from __future__ import annotations

import re
from typing import Final

FORM: Final = "{Federation}:[TIB:{TIB}:]IDP:{IDP}:USER:{id}"
_FEDERATED: Final = re.compile(
    r"([A-Z0-9-]+:(?:TIB:[A-Z0-9-]+:)?IDP:[A-Z0-9-]+:USER:)([\x21-\x39\x3b-\x7e]+)", re.ASCII | re.IGNORECASE
)


def spelled(text: str) -> str | None:
    """The federated id as a login; None when it is none.

    Federation, broker and provider are names of a registry and the words between them fixed, so all of that is upper
    case. The user's id is the provider's own, in no common format, and stays as it is: taking two of its users for one
    would accuse the wrong person, taking one for two is a login that nobody knows, and seen.
    """
    parts = _FEDERATED.fullmatch(text)
    return None if parts is None else parts[1].upper() + parts[2]
