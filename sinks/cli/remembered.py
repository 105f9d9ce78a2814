"""`needtoknow send --follow`: how far a log was read, on disk, for each Kafka that it was sent to."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import orjson

from schemas.durable import put
from schemas.errors import NotReadyError
from schemas.settings import Settings

from .growing import Place


@dataclass(slots=True)
class Memory:
    """The file in NTK_DATA_DIR that says how far a log was read, and how many messages that were."""

    path: Path
    stored: int = 0

    def read(self) -> list[Place]:
        """The places; none, aloud, when it cannot be understood: repeats do no harm."""
        try:
            document = orjson.loads(self.path.read_bytes())
            places, self.stored = [Place(**place) for place in document["places"]], int(document["stored"])
        except FileNotFoundError:
            return []
        except (ValueError, TypeError, KeyError):
            click.echo(f"{self.path} cannot be understood: the whole log is sent again, which does no harm", err=True)
            return []
        return places

    def write(self, places: list[Place]) -> None:
        """Durable when it returns. Raises OSError; the old one is there then."""
        content = orjson.dumps({"places": [place._asdict() for place in places], "stored": self.stored})
        put(self.path, content, self.path.with_suffix(".new"))


@dataclass(frozen=True, slots=True)
class Memories:
    """Of one log on its way to one topic. What was sent to one Kafka says nothing about another."""

    directory: Path
    log: Path
    topic: str

    def of(self, cluster: str) -> Memory:
        """What was sent to the cluster of this id."""
        return Memory(self.directory / f"{self._name(cluster)}.json")

    def lock(self) -> int:
        """The descriptor of the locked file. Raises OSError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        return os.open(self.directory / f"{self._name()}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _name(self, *more: str) -> str:
        return hashlib.sha256("\0".join((str(self.log), self.topic, *more)).encode()).hexdigest()[:32]


@contextmanager
def memories(settings: Settings, path: Path, topic: str) -> Iterator[Memories]:
    """Of this log and topic, for one process only. Raises NotReadyError when another has it, or it cannot be kept."""
    found = Memories(settings.data_dir / "follow", path, topic)
    try:
        lock = found.lock()
    except OSError as error:
        raise NotReadyError(f"{found.directory} (NTK_DATA_DIR) cannot be used: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield found
    except BlockingIOError:
        raise NotReadyError(f"{path} is followed already, by another process on this machine") from None
    finally:
        os.close(lock)
