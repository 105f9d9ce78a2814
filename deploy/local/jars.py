"""Brings the jars of Apache Kafka into a cache, each checked against the lock; later starts need no network.

`deploy/locks/kafka-jars.sha256` lists them by their Maven path, so a start resolves nothing: it fetches what is listed
or refuses. `python -m deploy.local.jars` fills the cache; `--lock`, called by `deploy/locks/update`, writes the lists.
Kafka Connect and Debezium, which only tests need, have lists of their own: `--sets connect debezium` fetches them.
"""

import argparse
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jgo.maven import MavenContext

KAFKA_VERSION = "4.1.1"
DEBEZIUM_VERSION = "3.6.1.Final"
LOG4J = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3+org.apache.logging.log4j:log4j-core:2.24.3"
LOCKS = Path(__file__).resolve().parents[1] / "locks"
DOWNLOADS_AT_ONCE = 4  # the jars are small: one at a time waits mostly for answers, more than a few is rude
ATTEMPTS = 3  # for one jar; a network that fails three times in a row is reported, not waited out

Say = Callable[[str], None]


class JarError(RuntimeError):
    """A jar is not to be had or not the one that was locked; whoever runs this must act, and the message says how."""


@dataclass(frozen=True)
class JarSet:
    """Jars that are used together, without the Maven groups in `given`, which whoever loads them brings."""

    title: str
    endpoints: tuple[str, ...]
    lock: Path
    given: frozenset[str] = frozenset()


# Two questions, not one: asked together, the logging pair's parent pulls kafka-clients down to 3.8 and the broker dies
# of NoSuchMethodError.
KAFKA = JarSet(
    f"Kafka {KAFKA_VERSION}", (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", LOG4J), LOCKS / "kafka-jars.sha256"
)
CONNECT = JarSet(
    f"Kafka Connect {KAFKA_VERSION}",
    (f"org.apache.kafka:connect-runtime:{KAFKA_VERSION}", LOG4J),
    LOCKS / "connect-jars.sha256",
)
DEBEZIUM = JarSet(
    f"Debezium {DEBEZIUM_VERSION}",
    (f"io.debezium:debezium-connector-postgres:{DEBEZIUM_VERSION}",),
    LOCKS / "debezium-jars.sha256",
    # Connect loads a plug-in apart from itself, but for these.
    given=frozenset({"org.apache.kafka", "org.slf4j", "com.github.luben", "at.yawk.lz4", "org.xerial.snappy"}),
)
SETS = {"kafka": KAFKA, "connect": CONNECT, "debezium": DEBEZIUM}


@dataclass(frozen=True)
class LockedJar:
    """One line of the lock: where Maven keeps the jar, and what it must hash to."""

    path: PurePosixPath
    sha256: str

    @property
    def file(self) -> Path:
        return cache_dir() / "jars" / self.path


def cache_dir() -> Path:
    """Returns where downloads are kept between runs: `NTK_CACHE_DIR`, else ~/.cache/needtoknow."""
    return Path(os.environ.get("NTK_CACHE_DIR") or Path.home() / ".cache" / "needtoknow").resolve()


def ensure_jars(say: Say, wanted: JarSet = KAFKA) -> list[Path]:
    """Returns these jars, fetching those that are missing; `say` is told at most once a second.

    Raises JarError for a jar that cannot be fetched, and for one that differs from the lock, which it deletes.
    """
    jars = _read_lock(wanted.lock)
    missing = [jar for jar in jars if not jar.file.exists()]
    if missing:
        _fetch(wanted.title, missing, say)
    for jar in jars:
        _check(jar, wanted.lock)
    return [jar.file for jar in jars]


def _read_lock(lock: Path) -> list[LockedJar]:
    lines = (line.split(maxsplit=1) for line in lock.read_text().splitlines())
    return [LockedJar(PurePosixPath(path), sha256) for sha256, path in lines]


def _check(jar: LockedJar, lock: Path) -> None:
    found = _sha256(jar.file)
    if found != jar.sha256:
        jar.file.unlink()
        raise JarError(
            f"{jar.path.name} is not the jar that was locked and has been deleted: "
            f"sha256 {found}, {lock.name} says {jar.sha256}. Start again to fetch it anew"
        )


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _fetch(title: str, missing: list[LockedJar], say: Say) -> None:
    """Downloads beside the cache and moves each jar in when it is whole: a killed run leaves no half jar behind."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    say(f"{title}: fetching {len(missing)} jars, once")
    started = shown = time.monotonic()
    pool = ThreadPoolExecutor(DOWNLOADS_AT_ONCE)
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=cache_dir()) as scratch:
        try:
            for done, _ in enumerate(pool.map(partial(_download, _maven(Path(scratch))), missing), start=1):
                if time.monotonic() - shown >= 1:
                    shown = time.monotonic()
                    say(f"{title}: {done} of {len(missing)} jars, {shown - started:.0f} s")
        finally:
            pool.shutdown(cancel_futures=True)  # after one failure the rest would only fail more slowly
    say(f"{title}: jars fetched in {time.monotonic() - started:.1f} s")


def _maven(repository: Path) -> "MavenContext":
    from jgo.config import GlobalSettings  # here, not above: later starts neither need jgo nor wait for its import
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    # Repositories from the user's own jgo settings come first, so that a company's mirror is asked before the world.
    remote = {**GlobalSettings.load().repositories, "central": MAVEN_CENTRAL_URL}
    return MavenContext(repo_cache=repository, remote_repos=remote)


def _download(maven: "MavenContext", jar: LockedJar) -> None:
    import stamina

    *group, artifact, version, _ = jar.path.parts
    wanted = maven.project(".".join(group), artifact).at_version(version).artifact()
    half = maven.repo_cache / jar.path
    try:
        # jgo tells a missing file by RuntimeError and network trouble by subclasses of OSError.
        for attempt in stamina.retry_context(on=(OSError, RuntimeError), attempts=ATTEMPTS, timeout=60):
            with attempt:
                half.unlink(missing_ok=True)  # jgo takes any file that exists for a whole one
                whole = wanted.resolve()
    except (OSError, RuntimeError) as trouble:
        raise JarError(
            f"{jar.path.name} cannot be fetched, and the first start needs a network: {trouble}"
        ) from trouble
    jar.file.parent.mkdir(parents=True, exist_ok=True)
    whole.replace(jar.file)


def write_lock(wanted: JarSet) -> None:
    """Resolves the jars anew and writes the lock: the one place where a download is trusted as it comes."""
    import jgo

    with tempfile.TemporaryDirectory() as scratch:
        maven = _maven(Path(scratch))
        resolved = (artifact for endpoint in wanted.endpoints for artifact in jgo.resolve(endpoint))
        found = {(artifact.groupId, artifact.artifactId, artifact.version) for artifact in resolved}
        kept = [one for one in found if one[0] not in wanted.given]
        jars = (maven.project(group, name).at_version(version).artifact() for group, name, version in kept)
        files = sorted(jar.resolve() for jar in jars)
        lines = (f"{_sha256(file)}  {file.relative_to(maven.repo_cache).as_posix()}\n" for file in files)
        wanted.lock.write_text("".join(lines))


def main() -> int:
    """Fills the cache, or writes the lock; exits with 1 and one line when a jar is refused or not to be had."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.jars", description=main.__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["kafka"], help="which; those of Kafka by default")
    parser.add_argument("--lock", action="store_true", help="resolve all anew and write the locks instead")
    arguments = parser.parse_args()
    try:
        for name in SETS if arguments.lock else arguments.sets:
            write_lock(SETS[name]) if arguments.lock else ensure_jars(print, SETS[name])
    except JarError as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
