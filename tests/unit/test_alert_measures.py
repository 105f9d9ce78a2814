"""What a console shows of its alerts: the whole catalogue, nothing old, and nobody's data."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from schemas.metrics import CATALOGUE
from sinks.alerts import measures as measures_module
from sinks.alerts.measures import Measures
from sinks.store.clock import Clock
from sinks.store.engine import StoreNotReadyError, sqlite_url
from sinks.store.measuring import Measured
from sinks.store.store import Store
from sinks.telemetry import ConsoleTelemetry, clauses_of
from streams.policies import load_policy
from streams.telemetry import Telemetry
from tests.harness.acts import REVEAL, TAKE, close
from tests.harness.findings import make_finding
from tests.harness.office import HOUR, Office, read_page

CLAUSES = clauses_of(load_policy())
KEPT = {name for name, metric in CATALOGUE.items() if metric.is_kept}


@dataclass
class Tasks:
    """How far a console's two tasks are."""

    behind: int = 0
    read_until: int = 0
    holds: bool = True
    checked_at: int = 0


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An empty store on SQLite."""
    store = Store(sqlite_url(tmp_path))
    store.upgrade()
    yield Office(store)
    store.close()


def console(store: object, tasks: Tasks | None = None) -> tuple[Measures, ConsoleTelemetry]:
    """What one console shows, and what brings that up to date."""
    telemetry, tasks = ConsoleTelemetry(CLAUSES), tasks or Tasks()
    return Measures(store, telemetry, tasks, tasks), telemetry  # type: ignore[arg-type]


async def looked(store: object, now: int, tasks: Tasks | None = None) -> dict[str, float]:
    """What a console that has just started shows."""
    measures, telemetry = console(store, tasks)
    await measures.look(now)
    return read_page(telemetry.page())


async def test_a_console_shows_every_metric_that_the_catalogue_has_for_it(office: Office) -> None:
    """From the start, each series at zero, and none of a worker's; a worker shows none of a console's."""
    measures, telemetry = console(office.store)
    page = await measures.page()
    shown = {line.split()[2] for line in page.decode().splitlines() if line.startswith("# TYPE")}
    assert shown == {name for name, metric in CATALOGUE.items() if metric.process == "console"}
    series = read_page(page)
    assert series['needtoknow_closed_alerts{clause="other",disposition="withdrawn"}'] == 0
    assert series['needtoknow_acknowledge_seconds_bucket{le="+Inf",severity="critical"}'] == 0
    assert series["needtoknow_store_answers"] == 1
    with pytest.raises(KeyError):
        Telemetry().set("needtoknow_chain_holds", 1)
    with pytest.raises(KeyError):
        telemetry.count("needtoknow_waivers_total")


async def test_an_alerts_life_is_measured(office: Office) -> None:
    """Half an hour until somebody takes it, three hours until it is decided; the next console shows the same."""
    alert = office.find(make_finding(severity="high"))[0].alert_id
    assert office.act(alert, TAKE, hours=0.5)
    assert office.act(alert, REVEAL, close("confirmed", refer=True), hours=2.5)
    office.find(make_finding("next", staff="w018", severity="low"), hours=1)
    page = await looked(office.store, office.now + HOUR)
    assert page == await looked(office.store, office.now + HOUR)
    nonzero = {series: value for series, value in page.items() if value and "_bucket" not in series}
    assert nonzero == {
        'needtoknow_unclosed_alerts{severity="low",status="open"}': 1,
        'needtoknow_oldest_unacknowledged_seconds{severity="low"}': 3600,
        'needtoknow_acknowledge_seconds_count{severity="high"}': 1,
        'needtoknow_acknowledge_seconds_sum{severity="high"}': 1800,
        'needtoknow_close_seconds_count{severity="high"}': 1,
        'needtoknow_close_seconds_sum{severity="high"}': 10800,
        'needtoknow_closed_alerts{clause="search-without-duty",disposition="confirmed"}': 1,
        "needtoknow_reveals_total": 1,
        'needtoknow_open_obligations{obligation="discipline"}': 1,
        'needtoknow_open_obligations{obligation="referral"}': 1,
        'needtoknow_oldest_obligation_seconds{obligation="discipline"}': 7200,
        'needtoknow_oldest_obligation_seconds{obligation="referral"}': 7200,
        "needtoknow_unmirrored_acts": 5,
        "needtoknow_oldest_unmirrored_seconds": 18000,
        "needtoknow_unread_findings_seconds": (office.now + HOUR) / 1000,
        "needtoknow_chain_checked_seconds": (office.now + HOUR) / 1000,
        "needtoknow_chain_holds": 1,
        "needtoknow_store_answers": 1,
    }
    buckets = [
        page[f'needtoknow_acknowledge_seconds_bucket{{le="{le}",severity="high"}}'] for le in ("900.0", "3600.0")
    ]
    assert buckets == [0, 1]


async def test_a_consoles_tasks_are_measured(office: Office) -> None:
    """How far findings are read and whether the chain holds, as of now and not as of the last event."""
    tasks = Tasks(behind=7, read_until=office.now - 90_000, holds=False, checked_at=office.now - 600_000)
    page = await looked(office.store, office.now, tasks)
    assert page["needtoknow_unread_findings"] == 7
    assert page["needtoknow_unread_findings_seconds"] == 90
    assert page["needtoknow_chain_holds"] == 0
    assert page["needtoknow_chain_checked_seconds"] == 600


async def test_a_clause_of_an_earlier_policy_is_no_new_label(office: Office) -> None:
    """Whatever a finding says: what a label may say is known at the start."""
    alert = office.find(make_finding(clause="of-an-earlier-policy"))[0].alert_id
    office.act(alert, TAKE, close("data_error"))
    page = await looked(office.store, office.now)
    assert page['needtoknow_closed_alerts{clause="other",disposition="data_error"}'] == 1
    assert not any("earlier" in series for series in page)


async def test_no_person_and_no_record_is_in_a_consoles_metrics(office: Office) -> None:
    """Promise 15, for what the store has been told."""
    office.month(3, steps=40)
    page = (await console(office.store)[0].page()).decode()
    names = {"w017", "w018", "w002", "jdoe", "look-", ":c", *(act.alert_id for act in office.acts())}
    assert not {name for name in names if name in page}


class Away:
    """A store that does not answer; one that never does, until it is let go."""

    def __init__(self, held: threading.Event | None = None) -> None:
        self.clock = Clock()
        self.held = held
        self.asked = 0

    @contextmanager
    def reading(self) -> Iterator[SimpleNamespace]:
        """As a store."""
        self.asked += 1
        if self.held is None:
            raise StoreNotReadyError("the store did not answer: connection refused")
        assert self.held.wait(30)
        yield SimpleNamespace(measured=lambda mirrored: Measured())


async def test_what_the_store_keeps_is_not_shown_while_it_is_away(office: Office) -> None:
    """An old number would look like one of now; zero would look like peace."""
    measures, telemetry = console(office.store)
    await measures.look(office.now)
    assert any(s.startswith("needtoknow_unclosed") for s in read_page(telemetry.page()))
    measures._store = Away()  # type: ignore[assignment]
    await measures.look(office.now)
    page = read_page(telemetry.page())
    assert page["needtoknow_store_answers"] == 0
    assert "needtoknow_chain_holds" in page
    assert not any(series.startswith(tuple(KEPT)) for series in page)


async def test_a_store_that_hangs_holds_up_nobody_and_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus gives up after five seconds, and would then know nothing at all."""
    monkeypatch.setattr(measures_module, "ANSWER_SECONDS", 0.01)
    store = Away(threading.Event())
    measures, telemetry = console(store)
    for _ in range(3):
        await measures.look(1)
        assert read_page(telemetry.page())["needtoknow_store_answers"] == 0
    assert store.asked == 1
    assert store.held is not None
    store.held.set()
    monkeypatch.setattr(measures_module, "ANSWER_SECONDS", 30)
    await measures.look(1)
    assert read_page(telemetry.page())["needtoknow_store_answers"] == 1
