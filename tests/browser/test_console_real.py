"""The whole way in a real browser on the real stack: found, taken by two at once, closed, and open again by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.local.service import Worker
from schemas.topics import CONSOLE
from tests.faults.harness import Running, running
from tests.harness.broker import SharedBroker, new_namespace
from tests.harness.builders import account, assignment
from tests.integration.tale import Tale

T = TypeVar("T")

PATIENCE = 30_000.0  # ms, of what takes one


@pytest.fixture(scope="module")
def service(kafka: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A worker; the console comes when there are accounts."""
    with running(kafka.bootstrap, tmp_path_factory.mktemp("real"), new_namespace()) as one:
        one.service.start_workers(1)
        yield one


def entered(browser: Browser, console: Worker, login: str) -> Page:
    """Somebody signs in with a browser of their own."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"http://{console.address}/")
    page.get_by_role("button", name=re.compile(login)).click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return page


def apart(work: Callable[[], T]) -> T:
    """In a thread of its own: the browser's loop runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def test_from_a_finding_to_a_decision_and_back(service: Running, browser: Browser) -> None:
    """Late, so somebody lets it be; the duty is taken back, and it is open again by itself. Nothing was changed."""
    tale = Tale(1, service)
    worker, case = tale.hires("w"), tale.name("case:c")
    late = tale.fields(fact_id="late-1", recorded_at=tale.at("20:00"))
    tale.learn(assignment(tale.hires("z"), case, **tale.fields()))
    for login in ("ana", "ivo"):
        tale.learn(account(login, f"s-{login}", source=CONSOLE, **tale.fields()))
    tale.pass_to(tale.at("14:00"))
    tale.see(worker, "view", case)
    tale.learn(assignment(worker, case, **late))
    tale.ends()
    apart(tale.play)
    console = apart(lambda: service.service.start_console("ana:analyst,ivo:investigator"))
    ana, ivo = (entered(browser, console, login) for login in ("ana", "ivo"))

    row = ana.locator(".row", has_text=f"{worker} viewed case #")
    expect(row).to_contain_text("written down too late", timeout=PATIENCE)
    row.locator("a").click()
    expect(ana.get_by_text("assigned to case #")).to_be_visible()
    ivo.goto(ana.url)
    ana.get_by_role("button", name="Acknowledge").click()
    expect(ana.locator(".notice.good")).to_have_text("You took it.")
    ivo.get_by_role("button", name="Acknowledge").click()
    expect(ivo.locator("#refused")).to_have_text(
        re.compile(r"ana \(s-ana\) took it at \d\d:\d\d:\d\d, .* before you\.")
    )

    ana.locator("#do-close summary").click()
    ana.get_by_label("Justified").check()
    ana.locator("#close-why").fill("the unit has explained it")
    ana.get_by_role("button", name="Close it").click()
    expect(ana.locator(".notice.good")).to_contain_text("You closed it as justified")

    gone = {**late, "revision": 2, "void": True, "recorded_at": tale.at("22:00")}
    tale.learn(assignment(worker, case, **gone))
    apart(tale.play)
    ana.goto(f"http://{console.address}/")
    expect(row).to_contain_text("reopened", timeout=PATIENCE)
    row.locator("a").click()
    expect(ana.locator(".history")).to_contain_text("A finding of this alert says more than when it was closed")
    expect(ana.get_by_text("unchanged", exact=False).first).to_be_visible()
    code, out, _ = apart(lambda: service.command("alerts", "verify", "--json"))
    assert (code, json.loads(out)["differences"]) == (0, [])
