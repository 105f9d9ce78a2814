"""Exit codes of every command."""

from __future__ import annotations

from typing import Final

GOOD: Final = 0
NO: Final = 1  # the answer is no
WRONG_USE: Final = 2
NOT_READY: Final = 3  # the world is not ready
INTERRUPTED: Final = 130  # as a shell says it of a program that Ctrl-C ended
