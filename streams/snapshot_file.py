"""A snapshot as a file: one JSON document, then columns one after the other, then a checksum over all of it.

Written beside its name and moved there when it is whole and on the disk: a crash leaves the one before.
"""

from __future__ import annotations

import hashlib
import os
import sys
from array import array
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from streams.join.columns import Columns, Document

_MAGIC: Final = b"needtoknow snapshot 1 " + sys.byteorder.encode() + b"\n"
_DIGEST: Final = hashlib.blake2b
_LENGTH: Final = 8
_CHUNK: Final = 4 * 1_048_576


class SnapshotError(Exception):
    """A snapshot cannot be used; why, in words. Nobody need act: it is thrown away."""


def write_snapshot(path: Path, document: Document, columns: Columns) -> int:
    """Write one; how many bytes it has. OSError when the disk is full or refuses: the one before is still there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.with_suffix(".begun")
    try:
        with begun.open("wb") as file:
            size = _write(file, document, columns)
            file.flush()
            os.fsync(file.fileno())
        begun.replace(path)
    except OSError:
        with suppress(OSError):
            begun.unlink(missing_ok=True)
        raise
    return size


def read_snapshot(path: Path) -> tuple[Document, Columns]:
    """Read one. Raises FileNotFoundError when there is none, SnapshotError when it is not what was written."""
    with path.open("rb") as file:
        _check(file)
        file.seek(len(_MAGIC))
        document = orjson.loads(_exactly(file, int.from_bytes(_exactly(file, _LENGTH), "big")))
        columns: Columns = {}
        for name, typecode, length in document.pop("columns"):
            column: array[Any] = array(typecode)
            column.fromfile(file, length)
            columns[name] = column
    return document, columns


def _write(file: BinaryIO, document: Document, columns: Columns) -> int:
    names = [[name, column.typecode, len(column)] for name, column in columns.items()]
    head = orjson.dumps({**document, "columns": names})
    parts: list[Any] = [_MAGIC, len(head).to_bytes(_LENGTH, "big"), head]  # buffers of any kind
    parts += [memoryview(column).cast("B") for column in columns.values() if column]
    digest, size = _DIGEST(), 0
    for part in parts:
        digest.update(part)
        size += file.write(part)
    return size + file.write(digest.digest())


def _check(file: BinaryIO) -> None:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise SnapshotError("it is of another version or machine")
    digest = _DIGEST(_MAGIC)
    left = os.fstat(file.fileno()).st_size - len(_MAGIC) - digest.digest_size
    while left > 0:
        chunk = _exactly(file, min(left, _CHUNK))
        digest.update(chunk)
        left -= len(chunk)
    if file.read() != digest.digest():
        raise SnapshotError("its checksum is wrong")


def _exactly(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) != length:
        raise SnapshotError("it is cut short")
    return data
