"""The one real PostgreSQL of a test run, and names of databases in it that no two tests share."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from deploy.local.jars import Say
from deploy.local.postgres import HOW_TO_GET, LocalPostgres, find_postgres
from tests.harness.parts import require_part

_NUMBERS = count(1)


@contextmanager
def a_postgres(directory: Path, say: Say, settings: Mapping[str, str] = {}) -> Iterator[LocalPostgres]:
    """Yields a running server, and leaves nothing of it but its log. Skips, or fails in CI, where there is none."""
    require_part("PostgreSQL", find_postgres(), HOW_TO_GET)
    server = LocalPostgres(directory, settings=settings, say=say)
    try:
        yield server.start()
    finally:
        server.discard()


def new_database_name() -> str:
    """Returns a name that no other test of this run has."""
    return f"test{next(_NUMBERS):03}"
