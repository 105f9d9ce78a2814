"""What a code of a system stands for, by a table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from schemas.errors import RejectedInputError

T = TypeVar("T")


def meaning(codes: Mapping[str, T], code: str, reject: Callable[..., RejectedInputError], *place: str) -> T:
    """What the code stands for. Raises what `reject` makes of the place and of a reason that names all codes."""
    if (found := codes.get(code)) is None:
        raise reject(*place, must_be_one_of(codes))
    return found


def must_be_one_of(codes: Mapping[str, object]) -> str:
    """The reason why another code is refused."""
    return f"must be one of {', '.join(codes)}"
