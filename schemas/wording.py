"""What a model has against a value, in words for people who never heard of it: what is wrong, and so how to mend it.

Of what the model says itself only its own bounds are taken over, never what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from .act import TEXT_PATTERN
from .ids import ID_PATTERN

Bounds = Mapping[str, Any]

_WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "string_type": "must be text, in quotes",
    "int_type": "must be a whole number, without quotes",
    "int_from_float": "must be a whole number, without a decimal point",
    "int_parsing_size": "is too large a number",
    "float_type": "must be a number, without quotes",
    "finite_number": "must be a number",
    "bool_type": "must be true or false, without quotes",
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have at most {max_length} characters; shorten it",
    "string_unicode": "must be text in UTF-8",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must have {min_length} or more entries",
    "too_long": "must have at most {max_length} entries; split it",
    "list_type": "must be a list, in square brackets",
    "tuple_type": "must be a list, in square brackets",
    "dict_type": "must be an object, in braces",
    "model_type": "must be an object, in braces",
    "model_attributes_type": "must be an object, in braces",
    "union_tag_not_found": "must say its kind",
}
_PATTERNS: Final[Mapping[str, str]] = {
    ID_PATTERN: "must be printable ASCII characters without spaces",
    TEXT_PATTERN: "must hold no control characters but tab and line ends",
    r"^[a-z][a-z0-9_]{0,31}\z": "must be a name of at most 32 small letters, digits and underscores, a letter first",
}


def words_for(kind: str, told: str, bounds: Bounds) -> str:
    """The reason for people: `kind` and `bounds` are pydantic's type of error and its context, `told` what it says."""
    if make := _MADE.get(kind):
        return make(told, bounds)
    if (words := _WORDS.get(kind)) is None:
        return told
    return words.format_map(bounds)


def _one_of(told: str, bounds: Bounds) -> str:
    """'search', 'view' or 'edit' as it would be typed."""
    names = str(bounds["expected"]).replace(" or ", ", ").replace("'", "")
    return f"must be {names}" if ", " not in names else f"must be one of {names}"


def _form(told: str, bounds: Bounds) -> str:
    return _PATTERNS.get(str(bounds["pattern"]), f"must have the form {bounds['pattern']}")


def _ours(told: str, bounds: Bounds) -> str:
    """Said by the contract itself."""
    return told.removeprefix("Value error, ")


_MADE: Final[Mapping[str, Callable[[str, Bounds], str]]] = {
    "literal_error": _one_of,
    "string_pattern_mismatch": _form,
    "value_error": _ours,
}
