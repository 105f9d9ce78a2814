"""A small file put in place of another: the old one or the new one, whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from schemas.durable import put


def test_content_is_synced_before_it_takes_the_place_and_the_names_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In any other order a loss of power could leave an empty file, or the old one although we said it was written."""
    done: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(handle: int) -> None:
        done.append("directory" if stat.S_ISDIR(os.fstat(handle).st_mode) else "content")
        sync(handle)

    def replaced(path: Path, target: Path) -> Path:
        done.append("in place")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    put(tmp_path / "kept", b"new", tmp_path / "kept.new")
    assert done == ["content", "in place", "directory"]
    assert (tmp_path / "kept").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_the_old_one_stays_where_the_new_one_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is said, and loses nothing that was there."""
    (tmp_path / "kept").write_bytes(b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        put(tmp_path / "kept", b"new", tmp_path / "kept.new")
    assert (tmp_path / "kept").read_bytes() == b"old"


def test_what_a_crash_left_beside_it_is_written_over(tmp_path: Path) -> None:
    """All of it."""
    (tmp_path / "kept.new").write_bytes(b"left over, and longer")
    (tmp_path / "kept.new").chmod(0o644)
    put(tmp_path / "kept", b"new", tmp_path / "kept.new")
    assert (tmp_path / "kept").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o600
