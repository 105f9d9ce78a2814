"""A small file put in place of another, so that after a loss of power there is the old one or the new one, whole."""

from __future__ import annotations

import os
from pathlib import Path


def put(path: Path, content: bytes, beside: Path) -> None:
    """Writes `content` at `beside`, in the same directory, and then in place of `path`. Durable when it returns; only
    its owner may read it. Raises OSError; the old one is there then."""
    beside.unlink(missing_ok=True)  # what a crash left there keeps its mode
    handle = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with open(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _sync_names(path.parent)


def _sync_names(directory: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):  # Windows, where a directory cannot be opened
        return
    handle = os.open(directory, os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
