"""The violations dashboard in a real browser on a real Prometheus: what it shows is what was exposed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from deploy.local.prometheus import LocalPrometheus
from tests.browser import scene
from tests.browser.conftest import POSITIONS, Watched
from tests.harness.promql import rules

PICTURES: Final = Path(__file__).resolve().parents[2] / ".ntk" / "screenshots"
WORKERS: Final = len(POSITIONS)
SEVERITIES: Final = ("critical", "high", "medium", "low")
OUTCOMES: Final = ("unexplained", "late", "revoked", "unresolved")
NONE: Final = "\N{EN DASH}"
MOVES: Final = ("per_second", "ALERTS")  # these change while one looks


@dataclass
class Seen:
    """A page, and what its browser had to say about it."""

    page: Page
    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, prometheus: LocalPrometheus) -> Page:
        """The dashboard, once its lines are drawn."""
        self.page.on("request", self._asked)
        self.page.on("requestfailed", lambda r: self.complaints.append(f"failed: {r.url}"))
        self.page.on("pageerror", lambda e: self.complaints.append(f"error: {e}"))
        self.page.on("console", lambda m: self.complaints.append(f"console: {m.type} {m.text}"))
        self.page.goto(prometheus.console_url)
        self.page.wait_for_function("document.documentElement.dataset.drawn === 'yes'")
        return self.page

    def _asked(self, request: Request) -> None:
        self.requests.append(request)


@pytest.fixture(scope="module")
def page(browser: Browser, watched: Watched) -> Iterator[Page]:
    """The dashboard of the scene, looked at by many tests; it goes on fetching itself meanwhile."""
    with browser.new_context(viewport={"width": 1360, "height": 900}) as context:
        yield Seen(context.new_page()).open(watched.prometheus)


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _raised(outcome: str, severity: str) -> int:
    growth = scene.growth()["needtoknow_findings_total"]
    return WORKERS * int(growth.get((outcome, severity, "raised"), 0))


def test_findings_by_outcome_and_severity_are_those_exposed(page: Page) -> None:
    """Sixteen numbers of the table: totals of both workers, and the same in the last hour, since all was new."""
    rows = page.locator("[data-panel=findings-by-outcome] tbody tr")
    expect(rows).to_have_count(len(OUTCOMES))
    # At one moment: the page puts new rows in the place of these while it fetches itself.
    texts = rows.evaluate_all("rows => rows.map(row => [...row.querySelectorAll('td')].map(cell => cell.innerText))")
    for outcome, cells in zip(OUTCOMES, texts, strict=True):
        for severity, text in zip(SEVERITIES, cells, strict=True):
            raised = _raised(outcome, severity)
            assert text.split() == ([f"{raised}", f"+{raised}"] if raised else ["0"]), (outcome, severity)


def test_the_last_hours_findings_are_added_up(page: Page) -> None:
    """The largest number on the page, and the four below it."""
    tile = page.locator("[data-panel=findings-last-hour]")
    by_severity = {s: sum(_raised(o, s) for o in OUTCOMES) for s in SEVERITIES}
    assert _number(tile.locator(".big").inner_text()) == sum(by_severity.values())
    for severity, count in by_severity.items():
        expect(tile.locator(f".chips .{severity} b")).to_have_text(f"{count}")


def test_what_stands_is_what_was_raised_and_not_withdrawn(page: Page) -> None:
    """Raised and reinstated less withdrawn."""
    growth = scene.growth()["needtoknow_findings_total"]
    by = {t: WORKERS * int(sum(n for (_, _, name), n in growth.items() if name == t)) for t in scene.TRANSITIONS}
    stand = by["raised"] + by["reinstated"] - by["withdrawn"]
    wanted = f"{stand} stand · {by['withdrawn']} withdrawn · {by['revised']} revised · {by['reinstated']} reinstated"
    expect(page.locator("[data-panel=findings-by-outcome] > small")).to_have_text(wanted)


@pytest.mark.parametrize("source", sorted(scene.JUDGED))
def test_a_source_shows_its_accesses_and_how_they_ended(page: Page, source: str) -> None:
    """All accesses; what was found, also after waiting; what still waits; its bar; its lag."""
    growth = scene.growth()
    accesses = {o: n for (s, o), n in growth["needtoknow_accesses_total"].items() if s == source}
    settled = {o: n for (s, o), n in growth["needtoknow_settled_total"].items() if s == source}
    found = sum((accesses | {"pending": 0, "explained": 0}).values()) + sum((settled | {"explained": 0}).values())
    waiting = accesses["pending"] - sum(settled.values())
    row = page.locator(f"tr[data-source={source}]")
    cells = row.locator("td")
    assert _number(cells.nth(0).inner_text()) == WORKERS * sum(accesses.values())
    assert _number(cells.nth(2).inner_text()) == WORKERS * found
    assert _number(cells.nth(3).inner_text()) == WORKERS * waiting
    widths = [float(i.evaluate("e => parseFloat(e.style.width)")) for i in row.locator(".ended i").all()]
    share = 100 / sum(accesses.values())
    assert widths == pytest.approx([100 - share * (found + waiting), share * waiting, share * found], abs=0.02)
    unread = scene.gauges(0)["needtoknow_lag_messages"].get((source,), 0)
    assert _number(cells.nth(6).inner_text()) == WORKERS * unread


def test_a_lag_above_the_limit_of_its_page_has_a_colour(page: Page) -> None:
    """74 s on CLEAN is red and readable; 0.21 s on ECMS is ink."""
    clean, ecms = (page.locator(f"tr[data-source={s}] td").nth(5) for s in ("clean", "ecms"))
    expect(clean).to_have_text("1m 14s")
    expect(clean.locator(".bad")).to_have_count(1)
    expect(ecms).to_have_text("210ms")
    expect(ecms.locator(".bad")).to_have_count(0)


def test_what_is_missing_overdue_or_off_has_a_colour(page: Page) -> None:
    """Two numbers of CLEAN, the files of FACTS, the clock of JNET; and of paper nothing was ever heard."""
    rows = {s: page.locator(f"[data-panel=missing] tr[data-source-watched={s}]") for s in (*scene.JUDGED, "console")}
    texts = {s: [cell.inner_text().strip() for cell in row.locator("td").all()] for s, row in rows.items()}
    assert texts["clean"] == ["4s", "2", "2m 5s", "0", "0s", "0s", "-1s"]
    assert texts["facts"] == ["1d 2h 0m 0s", "0", "0s", "1", "0s", "2h 0m 0s", "0s"]
    assert texts["jnet"] == ["2s", "0", "0s", "0", "0s", "0s", "1m 35s"]
    assert texts["paper"][0] == "never"
    bad = {s: [cell.inner_text() for cell in row.locator(".bad").all()] for s, row in rows.items()}
    assert {s: found for s, found in bad.items() if found} == {
        "clean": ["2"],
        "facts": ["1", "2h 0m 0s"],
        "jnet": ["1m 35s"],
    }


def test_the_explained_share_is_rounded_down(page: Page) -> None:
    """It says 100 only when it is."""
    growth = scene.growth()
    explained = sum(n for (_, o), n in growth["needtoknow_accesses_total"].items() if o == "explained")
    explained += sum(n for (_, o), n in growth["needtoknow_settled_total"].items() if o == "explained")
    share = 1000 * explained // sum(growth["needtoknow_accesses_total"].values()) / 10
    assert page.locator("[data-panel=explained-share] .big").inner_text().replace("\n", "") == f"{share}%"


@pytest.mark.parametrize(
    ("feed", "state", "age"),
    [("assignments", "up to date", "1.4s"), ("staff", "behind", "1m 35s"), ("cases", "silent", "10m 40s")],
)
def test_a_feed_has_a_word_for_its_state(page: Page, feed: str, state: str, age: str) -> None:
    """A word, not only a colour; and how old what it declared complete is."""
    box = page.locator(f"[data-feed={feed}].feed")
    expect(box.locator(".pill")).to_have_text(state)
    expect(box.locator("small").first).to_contain_text(f"complete until {age} ago")


def test_broken_marks_and_waivers_stand_beside_their_feed(page: Page) -> None:
    """Both make findings weaker, so they are not hidden in a graph."""
    expect(page.locator("[data-feed=staff].feed .bad").last).to_have_text("4 facts came after their mark")
    expect(page.locator("[data-feed=cases].feed .bad").last).to_have_text("judged without it: 2 waivers")


def test_waiting_accesses_are_added_and_the_oldest_is_the_oldest_of_all(page: Page) -> None:
    """Counts add up over workers, ages do not."""
    tile = page.locator("[data-panel=pending]")
    expect(tile.locator(".big")).to_have_text("134")
    expect(tile.locator(".note")).to_have_text("oldest 6m 52s")


def test_half_and_nearly_all_findings_came_within_the_time_shown(page: Page) -> None:
    """Of 104: the 52nd lies in the bucket up to 0.1 s, 45 before and 30 in it; the 103rd in the last, 101 before."""
    tile = page.locator("[data-panel=access-to-finding]")
    expect(tile.locator(".big")).to_have_text(f"{1000 * (0.5 + 0.5 * (0.99 * 104 - 101) / 3):.0f}ms")
    expect(tile.locator(".note")).to_have_text(f"half within {1000 * (0.05 + 0.05 * (52 - 45) / 30):.0f}ms, 1 h")


def test_dead_letters_and_cuts_are_those_exposed(page: Page) -> None:
    """By stage and reason; only what there is."""
    expect(page.locator("[data-letters]")).to_have_count(2)
    for place, total in (("translate/field", "10"), ("translate/unreadable", "4")):
        assert page.locator(f"[data-letters='{place}'] .num").all_inner_texts() == [total, total]
    assert page.locator("[data-panel=ledger] dd").all_inner_texts() == [
        "8,240",
        "424",
        "143,768",
        "1,204",
        "90",
        "0",
        "7,190",
    ]


def test_alerts_are_those_that_each_console_shows(page: Page) -> None:
    """Not added up, since consoles share a store; whoever waits longer than the time for its severity has a colour."""
    rows = {s: page.locator(f"[data-panel=alerts-waiting] tr[data-severity={s}]") for s in SEVERITIES}
    shown = {s: row.locator("td").all_inner_texts() for s, row in rows.items()}
    assert shown == {
        "critical": ["1", "2", "21m 0s", NONE, NONE],
        "high": ["7", "4", "1h 2m 0s", "15m 0s", "2h 30m 0s"],
        "medium": ["31", "0", "19h 26m 40s", NONE, NONE],
        "low": ["0", "0", NONE, NONE, NONE],
    }
    assert [s for s, row in rows.items() if row.locator(".bad").count()] == ["critical"]


def test_precision_stands_with_its_interval(page: Page) -> None:
    """Seven of ten is anything from two fifths to nine tenths; of a clause that nobody has decided nothing is said."""
    panel = page.locator("[data-panel=precision]")
    rows = {c: panel.locator(f"[data-clause={c}] td") for c in ("search-without-duty", "use-without-duty", "other")}
    words = {clause: " ".join(row.all_inner_texts()).split() for clause, row in rows.items()}
    assert words["search-without-duty"] == ["7", "of", "10", "70.0", "%", "39.7", "to", "89.2"]
    assert words["use-without-duty"] == ["0", "of", "3", "0.0", "%", "0.0", "to", "56.2"]
    assert words["other"] == ["0", "of", "0", NONE]
    expect(panel.locator("> small")).to_contain_text("30.4 % of closed alerts were withdrawn")
    bar = panel.locator("tr[data-clause=search-without-duty] + tr .interval")
    assert bar.locator("i").get_attribute("style") == "left:39.68%;width:49.54%"
    assert bar.locator("b").get_attribute("style") == "left:70.00%"


def test_what_people_did_is_told_to_be_safe(page: Page) -> None:
    """The chain, the outbox, and what is owed."""
    panel = page.locator("[data-panel=acts]")
    expect(panel.locator(".pill")).to_have_text(["chain holds"])
    assert [text.replace("\n", " ") for text in panel.locator("dd").all_inner_texts()] == [
        *("2 of 2", "9m 0s", "0s", "0", "0", "3", "2s"),
        *("3 since 10d 10h 0m 0s", "1 since 1d 1h 0m 0s", "14", "2"),
    ]


def test_each_worker_shows_its_state_version_and_position(page: Page, watched: Watched) -> None:
    """Also how far it is behind the other one."""
    for worker, position in zip(watched.workers, POSITIONS, strict=True):
        row = page.locator(f"tr[data-worker='{worker.address}']")
        expect(row.locator(".pill")).to_have_text("ready")
        expect(row).to_contain_text("0.1.0")
        expect(row).to_contain_text("5f0c9a2e")
        expect(row).to_contain_text(f"{position:,}")
    expect(row).to_contain_text("11 behind")


def test_every_number_is_what_its_expression_gives(page: Page, watched: Watched) -> None:
    """All numbers on the page, asked again of the same Prometheus through its API."""
    numbers = page.locator("[data-q]:not([data-as=duration])").evaluate_all(
        "all => all.map(e => [e.dataset.q, e.dataset.as || 'count', e.textContent])"
    )
    assert len(numbers) > 60
    for expression, form, text in numbers:
        if not any(word in expression for word in MOVES):
            ((_, value),) = watched.prometheus.query(expression)
            assert text.replace(",", "") == (f"{value:.1f}" if form == "tenths" else f"{value:.0f}"), expression


def test_firing_pages_are_listed_with_their_sentences(page: Page, watched: Watched) -> None:
    """Critical ones first, each with its summary, description and runbook."""
    items = page.locator("[data-page]")
    shown = [(i.get_attribute("data-page"), i.get_attribute("class"), i.locator("p").inner_text()) for i in items.all()]
    firing = {labels["alertname"] for labels, _ in watched.prometheus.query('ALERTS{alertstate="firing"}')}
    assert {"WaiverUsed", "BrokenMarks", "DeadLetters"} <= {name for name, _, _ in shown} <= firing
    severities = [severity or "" for _, severity, _ in shown]
    assert severities == sorted(severities)  # critical, then warning
    said = {(rule["alert"], rule["annotations"]["description"]) for rule in rules() if "alert" in rule}
    for name, _, text in shown:
        if name in {"WaiverUsed", "BrokenMarks", "DeadLetters"}:
            assert any(alert == name and description in text for alert, description in said)
    assert page.locator(".state b").inner_text().endswith(("critical page fires", "critical pages fire"))


def test_lines_and_bars_are_drawn(page: Page) -> None:
    """Bars of the four severities are as high as what was raised."""
    heights = {
        severity: sum(
            page.locator(f".chart rect.{severity}").evaluate_all("r => r.map(e => +e.getAttribute('height'))")
        )
        for severity in SEVERITIES
    }
    raised = {severity: sum(_raised(o, severity) for o in OUTCOMES) for severity in SEVERITIES}
    assert heights["medium"] > 0
    for severity in SEVERITIES:
        assert heights[severity] / heights["medium"] == pytest.approx(raised[severity] / raised["medium"], rel=0.05)


def test_no_request_leaves_the_machine_and_nothing_complains(browser: Browser, watched: Watched) -> None:
    """Every address asked for is this Prometheus; the browser's own log is empty."""
    with browser.new_context() as context:
        seen = Seen(context.new_page())
        page = seen.open(watched.prometheus)
        with page.expect_response(lambda r: "/consoles/" in r.url, timeout=15_000):
            pass  # it has fetched itself again, so the live part has run too
    assert {urlsplit(r.url).netloc for r in seen.requests} - {""} == {urlsplit(watched.prometheus.url).netloc}
    assert {urlsplit(r.url).scheme for r in seen.requests} <= {"http", "data"}
    assert seen.complaints == []


def test_numbers_are_there_without_a_script(browser: Browser, watched: Watched) -> None:
    """Scripts may be forbidden where this is read; then the lines are missing, not the findings."""
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(watched.prometheus.console_url)
        wanted = sum(_raised(o, s) for o in OUTCOMES for s in SEVERITIES)
        expect(page.locator("[data-panel=findings-last-hour] .big")).to_have_text(f"{wanted}")


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [("dashboard", 1360, "light"), ("dashboard-dark", 1360, "dark"), ("dashboard-phone", 390, "dark")],
)
def test_it_fits_the_screen_and_has_its_picture_taken(
    browser: Browser, watched: Watched, name: str, width: int, scheme: str
) -> None:
    """No sideways scrolling at any width; the pictures are in .ntk/screenshots."""
    ratio = 2 if width < 600 else 1
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=ratio,
    )
    with context:
        page = Seen(context.new_page()).open(watched.prometheus)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == ("rgb(13, 16, 20)" if scheme == "dark" else "rgb(246, 247, 248)")
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
