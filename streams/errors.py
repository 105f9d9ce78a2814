"""Errors of the workers, by who must act."""

from __future__ import annotations

from schemas.errors import BrokenPromiseError, NotReadyError

__all__ = ["BrokenPromiseError", "NotReadyError", "WrongTopicsError"]


class WrongTopicsError(NotReadyError):
    """The topics on the broker are not as they must be; whoever runs it must act (`needtoknow topics apply`)."""
