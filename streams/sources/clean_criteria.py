"""CLEAN: what was asked for, as an id that is the same for the same criteria and does not hold them."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from schemas.errors import RejectedInputError

from .clean_lines import Line

CRITERIA: Final = ("NAM", "DOB", "SOC", "OLN", "LIC", "VIN")
"""The mnemonics that a query may have, in the order in which an id names them."""

# Loose on purpose: whoever mistypes a number has asked all the same, and that access must not become a dead letter.
_TYPED: Final = re.compile(r"(?=.*[A-Za-z0-9]).{1,100}")
_MUST: Final = "must have 1 to 100 characters on one line, at least one of them a letter or digit"
_MARKS: Final = re.compile(r"[^A-Z0-9]+")


def criteria_id(request: Line) -> str:
    """The mnemonics used and 32 hexadecimal digits of SHA-256 over them and their normal values: `NAM+DOB-1f...`.

    Raises RejectedInputError when there are none, or one has not its form.
    """
    used = [key for key in CRITERIA if key in request.fields]
    if not used:
        raise RejectedInputError(request.name, f"must have criteria: at least one of {', '.join(CRITERIA)}")
    text = "\x1f".join(f"{key}={_normal(key, request.value(key, _TYPED, _MUST))}" for key in used)
    return f"{'+'.join(used)}-{hashlib.sha256(text.encode('ascii')).hexdigest()[:32]}"


def _normal(key: str, typed: str) -> str:
    """Upper case; a name with single spaces and none beside a comma, anything else letters and digits only."""
    upper = typed.upper()
    if key == "NAM":
        return ",".join(" ".join(part.split()) for part in upper.split(","))
    return _MARKS.sub("", upper)
