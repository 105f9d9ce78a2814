"""Errors of the workers, by who must act."""

from __future__ import annotations

from schemas.errors import BrokenPromiseError, NotReadyError

__all__ = ["BrokenPromiseError", "ChangedTimesError", "NotReadyError", "WrongTopicsError"]


class WrongTopicsError(NotReadyError):
    """The topics on the broker are not as they must be; whoever runs it must act (`needtoknow topics apply`)."""


class ChangedTimesError(NotReadyError):
    """The registry says other times of a source than it was judged by; whoever wrote the registry must act."""
