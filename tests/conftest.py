"""What every test may ask for: the real broker of this run and a name space in it, and a database of its own."""

import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from deploy.local.postgres import LocalPostgres
from tests.harness.broker import Expendable, SharedBroker, new_namespace, proxied_broker, shared_broker
from tests.harness.parts import count_missing
from tests.harness.postgres import a_postgres, new_database_name

settings.register_profile("ours", deadline=None)  # how long an example takes is the machine's affair, and a flaky test
settings.load_profile("ours")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedBroker]:
    """The real broker, started by the first test that asks for it; `NTK_TEST_BROKER` names one that runs already."""
    with shared_broker(tmp_path_factory.mktemp("kafka"), print) as broker:
        yield broker


@pytest.fixture(scope="session")
def one_expendable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Expendable]:
    """For `expendable`, which mends it after each test."""
    with proxied_broker(tmp_path_factory.mktemp("expendable"), print) as broker:
        yield broker


@pytest.fixture
def expendable(one_expendable: Expendable) -> Iterator[Expendable]:
    """A real broker that a test may harm, started by the first that asks; never the one `NTK_TEST_BROKER` names."""
    yield one_expendable
    one_expendable.mend()


@pytest.fixture
def namespace() -> str:
    """A topic prefix of this test alone, for the service's setting NTK_TOPIC_PREFIX."""
    return new_namespace()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPostgres]:
    """The real PostgreSQL, started by the first test that asks for it. A test that may harm one starts its own."""
    with a_postgres(tmp_path_factory.mktemp("postgres"), print) as server:
        yield server


@pytest.fixture
def database(postgres: LocalPostgres) -> str:
    """The address, for SQLAlchemy, of an empty database of this test alone. It goes with the server."""
    return postgres.create_database(new_database_name())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what uses the broker, so that `-m "not kafka"` leaves it out and nobody has to remember the mark."""
    for item in items:
        if {"kafka", "expendable"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("kafka")


@pytest.hookimpl(wrapper=True, tryfirst=True)  # the outermost: what it writes comes after everybody's summary
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
    """Says, just above pytest's closing line, what that line does not tell."""
    yield
    missing = count_missing(terminalreporter.stats.get("skipped", []))
    for part, tests in missing.items():
        terminalreporter.write_line(f"real part missing, {tests} skipped: {part}", red=True, bold=True)
    if missing:
        terminalreporter.write_line(f"real parts missing: {len(missing)}, tests skipped: {missing.total()}", red=True)
    if steps := os.environ.get("NTK_FAILED_STEPS"):  # from tests/run: the steps before pytest
        terminalreporter.write_line(f"FAILED before the tests, see above: {steps}", red=True, bold=True)
