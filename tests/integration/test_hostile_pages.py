"""Whatever any source can send and a finding can say: on a page, a terminal and in a spreadsheet it is text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

from schemas.act import OfFinding
from schemas.finding import Finding
from sinks import console as package
from sinks.cli.alert_lines import act_line, alert_line, alert_page, finding_line, findings_csv
from sinks.cli.lines import finding_line as judged_line
from sinks.console.documents import FindingDocument
from sinks.console.masks import Masks
from sinks.console.rendering import shown
from sinks.console.showing import Showing
from tests.harness.console import console
from tests.harness.desk import Desk
from tests.harness.hostile.told import PAYLOADS, findings
from tests.harness.pages import Visitor

TEMPLATES = "".join(path.read_text() for path in (Path(package.__file__).parent / "templates").iterdir())
TAGS = {*re.findall(r"<([a-z][a-z0-9]*)", TEMPLATES)}
NAMES = {name.lower() for name in re.findall(r"[\s\"]([a-zA-Z][a-zA-Z0-9-]*)(?==)", TEMPLATES)}
INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
ODD = {"reversed", "checked", "required", "hidden", "disabled", "autofocus", "selected", "defer", "open", "novalidate"}
"""Attributes without a value."""


@cache
def hostile() -> tuple[Finding, ...]:
    """All of them; enough that no corpus is left out."""
    found = tuple(findings())
    assert len({(f.access.source, f.access.action) for f in found}) > 15
    assert len(found) > 150
    return found


class Markup(HTMLParser):
    """What of a page is no text."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.text: list[str] = []
        self._is_script = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Only what a template has."""
        self._is_script = tag == "script"
        if tag not in TAGS:
            self.wrong.append(f"<{tag}>")
        for name, value in attributes:
            if name not in NAMES | ODD or name.startswith("on"):
                self.wrong.append(f"<{tag} {name}>")
            if name in {"href", "src", "action"} and value and not value.startswith(("/", "#", "?")):
                self.wrong.append(f"{name}={value}")

    def handle_data(self, data: str) -> None:
        """No script has any."""
        if self._is_script and data.strip():
            self.wrong.append(data)
        self.text.append(data)

    def handle_endtag(self, tag: str) -> None:
        """It is over."""
        self._is_script = False


def wrong_in(raw: bytes) -> list[str]:
    """What a page has that no template of ours has written."""
    page = Markup()
    page.feed(raw.decode())
    return [*page.wrong, *(f"U+{ord(found):04X}" for found in INVISIBLE.findall(raw.decode()))]


async def test_no_page_has_markup_of_a_source(tmp_path: Path) -> None:
    """Each alert behind its masks, and each with all that is known of it; the lists, and their search."""
    async with console(tmp_path) as scene, Visitor(scene.base) as ivo:
        await ivo.sign_in("ivo")
        names = dict.fromkeys(scene.find(*hostile()))
        text = ""
        for alert_id in names:
            page = await ivo.open(f"/alerts/{alert_id}")
            assert (page.status, wrong_in(page.raw)) == (200, [])
            page = await ivo.send(page.form("reveal"), why="</textarea><script>alert(1)</script>\u202e")
            assert (page.status, wrong_in(page.raw)) == (200, [])
            text += page.text
        for address in ("/alerts", "/alerts?q=%3Cscript%3E%22", "/alerts?limit=200"):
            page = await ivo.open(address)
            assert wrong_in(page.raw) == [], address
        assert all(shown(one) in text for one in PAYLOADS), "they were shown, and as they are"


def told(found: Iterable[Finding]) -> Desk:
    """A desk that has heard them."""
    desk = Desk()
    for finding in found:
        desk.hear(finding)
    return desk


def revealed(desk: Desk, showing: Showing) -> list[FindingDocument]:
    """What its acts carry."""
    return [showing.finding(act, is_revealed=True) for act in desk.acts if isinstance(act.body, OfFinding)]


def test_no_line_on_a_terminal_moves_anything() -> None:
    """Whatever is not plainly visible is an escape, also in what was revealed."""
    desk, showing = told(hostile()), Showing(Masks(b"k"))
    acts = [showing.act(act).model_dump(mode="json", exclude_none=True) for act in desk.acts]
    carried = [one.model_dump(mode="json", exclude_none=True) for one in revealed(desk, showing)]
    alerts = [showing.alert(a, is_revealed=True).model_dump(mode="json", exclude_none=True) for a in desk.alerts]
    lines = [judged_line(finding) for finding in hostile()]
    lines += [alert_line(alert, desk.now) for alert in alerts]
    lines += [line for alert in alerts for line in alert_page(alert, "look", carried[:1], acts[:1]).split("\n")]
    lines += [*map(finding_line, carried), *map(act_line, acts)]
    assert [line for line in lines if not line.isprintable()] == []
    assert len(lines) > 5 * len(alerts)


def test_no_cell_of_a_spreadsheet_is_a_formula() -> None:
    """Each is text, in its own row and column."""
    carried = revealed(told(hostile()), Showing(Masks(b"k")))
    copy = findings_csv(one.model_dump(mode="json", exclude_none=True) for one in carried)
    head, *rows = csv.reader(io.StringIO(copy, newline=""))
    assert (len(rows), {len(row) for row in rows}) == (len(carried), {len(head)})
    cells = [cell for row in rows for cell in row]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "|", "%"))] == []
    assert [cell for cell in cells if not cell.isprintable()] == []
    assert any(cell.startswith("'=cmd") for cell in cells)
