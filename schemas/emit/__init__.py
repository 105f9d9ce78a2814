"""The emitter: what a source system installs to publish its accesses, and to lose none when the broker is away."""

from __future__ import annotations

from ..access import Access, Purpose, Record
from ..errors import NeedToKnowError, NotReadyError, RejectedInputError
from .asynchronous import AsyncEmitter
from .connection import Connection
from .emitter import Emitter
from .errors import MisusedError, SpoolInUseError
from .limits import Limits
from .stats import Stats

__all__ = [
    "Access",
    "AsyncEmitter",
    "Connection",
    "Emitter",
    "Limits",
    "MisusedError",
    "NeedToKnowError",
    "NotReadyError",
    "Purpose",
    "Record",
    "RejectedInputError",
    "SpoolInUseError",
    "Stats",
]
