"""The console in a real browser: people at work, keys, and nothing for which one must see colours."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.console_scene import Enter, Running, is_live, row
from tests.harness.builders import make_access
from tests.harness.findings import make_finding

PICTURES: Final = Path(__file__).resolve().parents[2] / ".ntk" / "screenshots"
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
AXE_RUN: Final = "rules => axe.run({resultTypes: ['violations'], runOnly: {type: 'tag', values: rules}})"


# --- first, while there is nothing but an ordinary day


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [("console", 1440, "light"), ("console-dark", 1440, "dark"), ("console-phone", 320, "light")],
)
def test_it_has_its_picture_taken(enter: Enter, day: list[str], name: str, width: int, scheme: str) -> None:
    """The list, and an alert beside it; the pictures are in .ntk/screenshots, and README shows one of them."""
    size = {"viewport": {"width": width, "height": 900}, "device_scale_factor": 2 if width < 600 else 1}
    page = is_live(enter("ivo", color_scheme=scheme, **size))
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}-list.png")
    page.goto(page.url.replace("/alerts", f"/alerts/{day[0]}"))
    page.screenshot(path=PICTURES / f"{name}-detail.png", full_page=width < 600)
    page.locator("#do-close summary").click()
    page.screenshot(path=PICTURES / f"{name}-close.png", full_page=width < 600)


# --- people at work


def test_an_alert_is_read_taken_and_closed_with_the_keys_alone(running: Running, enter: Enter) -> None:
    """From the list to a decision, and the list is where it was."""
    [alert_id] = running.find(make_finding("keys", "w101"))
    page = is_live(enter("ivo"))
    row(page, alert_id).locator("a").focus()
    page.keyboard.press("a")
    expect(page.locator(".notice.good")).to_have_text("You took it.")
    expect(page).to_have_url(re.compile(f"/alerts/{alert_id}\\?status=open"))
    page.keyboard.press("c")
    expect(page.get_by_label("Justified")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("c is only a letter here")
    for key in ("Tab", "Tab", "Enter"):
        page.keyboard.press(key)
    expect(page.locator(".notice.good")).to_have_text("You closed it as justified: c is only a letter here.")
    assert page.evaluate("document.activeElement.id") == "detail"


def test_the_address_is_all_there_is(running: Running, enter: Enter, day: list[str]) -> None:
    """What is chosen, what is open: back and forward lead through both."""
    page = enter("ana")
    page.locator(".facets").get_by_role("link", name="critical").click()
    expect(page).to_have_url(re.compile("severity=critical"))
    expect(row(page, day[-1])).to_have_count(0)
    page.locator(".row a").first.click()
    expect(page.locator("#detail-title")).to_be_visible()
    expect(page.locator(".row [aria-current]")).to_have_count(1)
    page.go_back()
    expect(page.locator("#detail-title")).to_have_count(0)
    page.go_back()
    expect(row(page, day[-1])).to_have_count(1)


def test_of_two_who_take_it_at_once_one_is_told_by_whom_and_when(running: Running, enter: Enter) -> None:
    """And what they see from then on is how it is."""
    [alert_id] = running.find(make_finding("two", "w102"))
    pages = [enter(login, f"/alerts/{alert_id}", may_fail="409") for login in ("ana", "ivo")]
    buttons = [page.get_by_role("button", name="Acknowledge") for page in pages]
    for button in buttons:
        button.click()
    expect(pages[0].locator(".notice.good")).to_have_text("You took it.")
    expect(pages[1].locator("#refused")).to_have_text(
        re.compile(r"ana \(s21\) took it at \d\d:\d\d:\d\d, .* before you\.")
    )
    expect(pages[1].locator(".kicker .status")).to_have_text("held by ana (s21)")
    expect(pages[1].locator("#do-close")).to_have_count(0)


def test_who_reads_is_told_that_it_has_changed(running: Running, enter: Enter) -> None:
    """Nothing is taken from under the hands of somebody who writes."""
    [alert_id] = running.find(make_finding("reading", "w103"))
    page = is_live(enter("ana", f"/alerts/{alert_id}"))
    page.keyboard.press("n")
    page.keyboard.type("half a thought")
    running.do("ivo", alert_id, "acknowledge")
    expect(page.locator("#changed p")).to_have_text("ivo (s22) did something here since you looked.")
    expect(page.locator("#note-text")).to_have_value("half a thought")
    page.get_by_role("button", name="Write it down").click()
    expect(page.locator(".history")).to_contain_text("wrote: half a thought")


def test_a_look_back_that_found_nothing_disturbs_nobody(running: Running, enter: Enter) -> None:
    """A second after they have confirmed it; and what they do next is not refused as if they had missed something."""
    [alert_id] = running.find(make_finding("back", "w112"))
    running.do("ivo", alert_id, "acknowledge")
    running.do("ivo", alert_id, "close", disposition="confirmed", why="admitted")
    page = is_live(enter("ivo", f"/alerts/{alert_id}"))
    running.look_back(alert_id)
    expect(page.locator('#detail[data-looked-back="0"]')).to_be_visible()
    expect(page.locator("#changed")).to_be_hidden()
    page.keyboard.press("o")
    page.keyboard.type("the unit has called")
    page.get_by_role("button", name="Open it again").click()
    expect(page.locator(".notice.good")).to_have_text("You opened it again: the unit has called.")
    expect(page.locator(".history")).to_contain_text("looked back: no earlier access of that record")


def test_everything_can_be_done_without_a_script(running: Running, enter: Enter) -> None:
    """Sign in, look, take, reveal, close, sign out."""
    [alert_id] = running.find(make_finding("plain", "w104"))
    page = enter("leo", "/sign-in", java_script_enabled=False)
    page.get_by_role("button", name="ivo").click()
    row(page, alert_id).locator("a").click()
    page.get_by_role("button", name="Acknowledge").click()
    page.locator("#do-reveal summary").click()
    page.locator("#reveal-why").fill("to ask the unit")
    page.get_by_role("button", name="Show me").click()
    expect(page.locator(".notice .mono")).to_have_text("case c0042")
    page.locator("#do-close summary").click()
    page.get_by_label("Data error").check()
    page.locator("#close-why").fill("a wrong row")
    page.get_by_role("button", name="Close it").click()
    expect(page.locator(".kicker .status")).to_have_text("closed: an error in the data")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


# --- keys


def test_keys_work_where_they_should_and_nowhere_else(running: Running, enter: Enter, day: list[str]) -> None:
    """Rows by j, k and arrows; never in a text field; a map; and they can be turned off for good."""
    page = is_live(enter("ana", "/alerts"))
    rows = page.locator(".row a")
    expect(rows.first).to_be_focused()  # at once, and nothing has moved
    assert page.locator(".list").evaluate("e => e.scrollTop") == 0
    page.locator("#pause").focus()
    page.keyboard.press("j")
    expect(page.locator("#pause")).to_be_focused()
    rows.first.focus()
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.type("ja?")
    expect(page.locator("#q")).to_have_value("ja?")
    rows.first.focus()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.locator("#keys-on").uncheck()
    page.get_by_role("button", name="Done").click()
    page.reload()
    rows.first.focus()
    page.keyboard.press("?")
    page.keyboard.press("j")
    expect(page.locator("#keys")).to_be_hidden()
    expect(rows.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#detail")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".row [aria-current]")).to_be_focused()


def test_rows_come_while_nobody_has_touched_the_list(running: Running, enter: Enter) -> None:
    """Though its first row has the focus; it keeps that, so that a key means what it meant. Then they wait."""
    [first] = running.find(make_finding("resting", "w114"))
    page = is_live(enter("ana", "/alerts?status=open"))
    expect(row(page, first).locator("a")).to_be_focused()
    [second] = running.find(make_finding("come", "w115"))
    expect(row(page, second)).to_be_visible()
    expect(row(page, first).locator("a")).to_be_focused()
    page.keyboard.press("k")
    expect(row(page, second).locator("a")).to_be_focused()
    running.find(make_finding("waits", "w116"))
    expect(page.locator("#said")).to_have_text("1 new")


def test_a_form_that_is_open_has_the_focus(running: Running, enter: Enter) -> None:
    """Whoever was refused goes on where they were."""
    [alert_id] = running.find(make_finding("refused", "w117"))
    page = enter("ana", f"/alerts/{alert_id}", may_fail="400")
    page.keyboard.press("n")
    page.keyboard.type("   ")
    page.get_by_role("button", name="Write it down").click()
    expect(page.locator("#refused")).to_be_visible()
    expect(page.locator("#note-text")).to_be_focused()


def test_the_focus_begins_with_a_way_past_everything(enter: Enter, day: list[str]) -> None:
    """Skip links first, and what has the focus can be seen."""
    page = enter("ana", f"/alerts/{day[-1]}", java_script_enabled=False)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the alert")
    expect(skip).to_be_in_viewport()
    assert float(skip.evaluate("e => parseFloat(getComputedStyle(e).outlineWidth)")) >= 2
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#do-acknowledge")).to_be_focused()


# --- for everybody


@pytest.mark.parametrize("name", ["sign-in", "list", "detail", "health", "not-there"])
def test_axe_finds_nothing(browser: Browser, running: Running, day: list[str], name: str) -> None:
    """WCAG 2.2 AA, as far as a machine can tell: light and dark, at 320 and 1280 pixels."""
    few = "severity=critical&severity=low&limit=6"
    lists = {"list": f"/alerts?{few}", "detail": f"/alerts/{day[0]}?{few}"}
    paths = {**lists, "health": "/health", "not-there": "/nothing"}
    axe = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    with browser.new_context(bypass_csp=True) as context:
        page = context.new_page()
        page.goto(f"{running.scene.base}/sign-in")
        if name in paths:
            page.get_by_role("button", name="ivo").click()
            page.goto(running.scene.base + paths[name])
        for step in page.locator("details.step").all()[:1]:
            step.locator("summary").click()
        page.evaluate(axe)
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 800})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                found = page.evaluate(AXE_RUN, list(RULES))
                broken = [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in found["violations"]]
                assert broken == [], (width, scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        if name == "list":
            page.set_viewport_size({"width": 1280, "height": 800})
            page.locator("#keys-button").click()
            assert page.evaluate(AXE_RUN, list(RULES))["violations"] == []


def test_no_word_is_broken_on_a_phone(enter: Enter) -> None:
    """A table that is too wide scrolls by itself; the page does not."""
    page = enter("ivo", "/health", viewport={"width": 320, "height": 800})
    broken = r"""() => [...document.querySelectorAll("main :is(th, td, dt, dd, .verdict)")].flatMap((e) => {
        const walk = document.createTreeWalker(e, NodeFilter.SHOW_TEXT), found = [];
        while (walk.nextNode()) for (const one of walk.currentNode.data.matchAll(/[^\s-]+/g)) {
            const range = document.createRange();
            range.setStart(walk.currentNode, one.index);
            range.setEnd(walk.currentNode, one.index + one[0].length);
            if (range.getClientRects().length > 1) found.push(one[0]);
        } return found; })"""
    assert page.evaluate(broken) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / "console-phone-health.png", full_page=True)


def test_hostile_text_breaks_no_layout(running: Running, enter: Enter) -> None:
    """Long words, characters that turn or stack, markup: at 320 pixels, too."""
    long, stacked = "W" * 200, "Z" + "\u0301" * 60
    access = make_access("x" * 200, event_id="hostile", name=f"case:{'c' * 190}")
    finding = make_finding("hostile", long, access=access, near=f"{stacked} \u202e{long} <script>alert(1)</script>")
    [alert_id] = running.find(finding)
    for width in (320, 1280):
        page = enter("leo", f"/alerts/{alert_id}", viewport={"width": width, "height": 800})
        page.keyboard.press("n")
        page.locator("#note-text").fill(f"\u202e{'=1+1' * 200}\u2066 <img src=x onerror=alert(1)>")
        page.get_by_role("button", name="Write it down").click()
        expect(page.locator(".history")).to_contain_text("⟨U+202E⟩=1+1")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        wide = "e => [...e.querySelectorAll('*')].filter(x => x.getBoundingClientRect().right > innerWidth + 1).length"
        assert page.locator("#detail").evaluate(wide) == 0
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b]", page.locator("body").inner_text())
