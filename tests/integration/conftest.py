"""A service for the stories of one module, and the stories that were told there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.harness import Running, running
from tests.harness.broker import SharedBroker, new_namespace
from tests.integration.tale import Tale


@pytest.fixture(scope="module")
def service(kafka: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Two workers for all stories."""
    with running(kafka.bootstrap, tmp_path_factory.mktemp("stories"), new_namespace()) as one:
        one.service.start_workers(2)
        yield one


@pytest.fixture(scope="module")
def tales() -> list[Tale]:
    """All that were told."""
    return []


@pytest.fixture
def tale(service: Running, tales: list[Tale]) -> Tale:
    """A story to be told, later than all before."""
    tales.append(Tale(1 + len(tales), service))
    return tales[-1]
