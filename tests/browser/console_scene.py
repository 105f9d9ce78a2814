"""A console in a thread of its own, so that a browser may look at it from this one; and what is found there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Page, expect

from schemas.act import LookedBack
from schemas.fact import Fact
from schemas.finding import Finding
from sinks.alerts.looking_back import write_down
from sinks.console.health import FeedHealth, HealthNow, SourceHealth
from sinks.console.web import now_ms
from sinks.watch.numbers import Gap
from sinks.watch.report import SourceReport
from tests.harness.builders import account, assignment, coverage, make_access, supervision
from tests.harness.console import KnownHealth, Scene, console
from tests.harness.findings import make_finding

T = TypeVar("T")
Enter = Callable[..., Page]


def directory() -> list[Fact]:
    """What is known of w017, who is jdoe12: a duty that ended, a line written down a day late, and one taken back."""
    return [
        account("jdoe12", "w017"),
        assignment("w017", valid_from="2025-12-01", valid_to="2025-12-27", recorded_at="2025-12-01"),
        assignment("w020", valid_from="2025-12-10"),
        supervision("w017", "w020", valid_from="2026-01-06", recorded_at="2026-01-07"),
        assignment("w031", valid_from="2025-12-15"),
        coverage("w017", "w031", valid_from="2025-12-20", valid_to="2026-01-03"),
        coverage("w017", "w031", valid_from="2025-12-20", revision=2, void=True, recorded_at="2026-01-06"),
    ]


def health() -> KnownHealth:
    """Two sources that were heard, one that never was; a feed that is late."""
    now = now_ms()
    missing = SourceReport(name="clean", missing=3, gaps=(Gap(17, 19, now - 90_000),))
    return KnownHealth(
        HealthNow(
            sources=(
                SourceHealth(name="ecms", heard_at=now - 3_000, lag_ms=200),
                SourceHealth(name="clean", heard_at=now - 2 * 3_600_000, lag_ms=74_000, watched=missing),
                SourceHealth(name="paper"),
            ),
            feeds=(
                FeedHealth(name="assignments", complete_through=now - 1_000),
                FeedHealth(name="staff", complete_through=now - 600_000),
                FeedHealth(name="cases"),
            ),
            pending=12,
            cut_at=now - 2_000,
            outbox_age_ms=0,
            position=81_344,
            unread=0,
        )
    )


class Running:
    """The console, and how to do something in its own thread."""

    def __init__(self, scene: Scene, loop: asyncio.AbstractEventLoop) -> None:
        self.scene, self._loop = scene, loop

    def find(self, *findings: Finding) -> list[str]:
        """These are found; the alerts they changed."""

        async def found() -> list[str]:
            return self.scene.find(*findings)

        return self.run(found())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of something that is done there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def do(self, login: str, alert_id: str, command: str, **body: Any) -> None:
        """Somebody does something from elsewhere."""

        async def done() -> int:
            return (await (await self.scene.user(login)).do(alert_id, command, **body)).status

        assert self.run(done()) == 200

    def look_back(self, alert_id: str) -> None:
        """The service looks back from an alert, and finds nothing."""
        nothing = LookedBack(kind="looked_back", part=1, parts=1, counted=0, since=0, accesses=())

        async def done() -> None:
            with self.scene.store.writing() as writing:
                write_down(writing, alert_id, [nothing], writing.moment(now_ms()))
            self.scene.live.news()

        self.run(done())


@contextmanager
def running_console(place: Path) -> Iterator[Running]:
    """It runs until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    context = console(place, directory(), health=health())
    try:
        scene = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(30)
        yield Running(scene, loop)
        asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def a_day(running: Running) -> list[str]:
    """What a day brings: of each severity and outcome, one taken, one closed, one of many findings."""
    many = [
        make_finding(
            f"many-{n}",
            "w031",
            access=make_access("mroe", "view", "person:p77", f"13:0{n}", event_id=f"m{n}"),
            severity="high",
        )
        for n in range(4)
    ]
    found = [
        make_finding(
            "late",
            "w044",
            outcome="late",
            severity="low",
            certainty="final",
            near="assignment recorded 3 hours after",
            access=make_access("lee4", "edit", "case:c0017", event_id="late"),
        ),
        make_finding(
            "own",
            "w052",
            severity="high",
            access=make_access("rkim", "print", "staff:w052", event_id="own"),
            near="nobody is assigned to it",
        ),
        make_finding(
            "nobody",
            None,
            outcome="unresolved",
            access=make_access("temp9", "export", "intake:i9", event_id="nobody", object_count=240),
            near="no account fact names this login",
        ),
        make_finding(
            "gone",
            "w061",
            outcome="revoked",
            severity="low",
            clause="use-without-duty",
            access=make_access("hga", "disclose", "document:d4", event_id="gone"),
            near="assignment taken back 2 days after",
        ),
        make_finding(
            "staff",
            "w008",
            severity="critical",
            clause="employee-record",
            access=make_access("obrien", "view", "staff:w099", event_id="staff"),
            near="supervision ended 40 days before",
        ),
        *many,
        make_finding(),
    ]
    ids = list(dict.fromkeys(running.find(*found)))
    running.do("ivo", ids[0], "acknowledge")
    running.do("ivo", ids[3], "acknowledge")
    running.do("ivo", ids[3], "close", disposition="policy_unclear", why="nobody says whether minutes count")
    return ids


def row(page: Page, alert_id: str) -> Any:
    """The row of an alert."""
    return page.locator(f'[data-id="{alert_id}"].row')


def is_live(page: Page) -> Page:
    """Once its rows live."""
    expect(page.locator("#said")).to_have_text("Live")
    return page
