"""The pages without a script: everything that can be done is a form, and says in words what came of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import pytest_asyncio
from hatchling.builders.wheel import WheelBuilder
from sqlalchemy import select, text, update

from sinks.console import screen
from sinks.console.health import FeedHealth, HealthNow, SourceHealth
from sinks.console.web import now_ms
from sinks.store.tables import ACTS
from sinks.watch.report import SourceReport
from tests.harness.builders import account, make_access
from tests.harness.console import KnownHealth, Scene, console
from tests.harness.findings import make_finding
from tests.harness.pages import Visitor

NAMES = ("low", "high", "open", "closed")
SECRET_ID = "c-4711-jane-roe"


@pytest_asyncio.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """A console whose sources are known."""
    now = now_ms()
    health = HealthNow(
        sources=(SourceHealth(name="ecms", heard_at=now - 3_000, lag_ms=90_000), SourceHealth(name="paper"))
    )
    async with console(tmp_path, health=KnownHealth(health)) as made:
        yield made


@pytest_asyncio.fixture
async def ivo(scene: Scene) -> AsyncIterator[Visitor]:
    """An investigator."""
    async with Visitor(scene.base) as visitor:
        await visitor.sign_in("ivo")
        yield visitor


@pytest_asyncio.fixture
async def leo(scene: Scene) -> AsyncIterator[Visitor]:
    """Of the Law Department."""
    async with Visitor(scene.base) as visitor:
        await visitor.sign_in("leo")
        yield visitor


def kinds(scene: Scene, alert_id: str) -> list[str]:
    """What was done to an alert."""
    with scene.store.reading() as reading:
        return [act.body.kind for act in reading.history(alert_id)]


# --- the main road


async def test_an_alert_is_taken_confirmed_and_settled_without_a_script(scene: Scene, leo: Visitor) -> None:
    """Every step by a form, and every page says what was done."""
    [alert_id] = scene.find(make_finding())
    listed = await leo.open("/")
    assert "w017 viewed case #" in listed.text
    page = await leo.open(f"/alerts/{alert_id}")
    assert page.steps == {"acknowledge", "note", "reveal", "export"}
    page = await leo.send(page.form("acknowledge"))
    assert ("You took it." in page.text, page.steps) == (True, {"close", "note", "reveal", "export", "release"})
    page = await leo.send(page.form("note"), text="asked the unit\r\nnobody knows")
    page = await leo.send(page.form("close"), disposition="confirmed", why="admitted", refer="on")
    assert page.steps == {"reopen", "note", "reveal", "export", "record"}
    page = await leo.send(page.form("record"), obligation="discipline", reference="HR-17")
    assert "recorded: HR-17" in page.text
    page = await leo.send(page.form("reopen"), why="the unit has called")
    page = await leo.send(page.form("acknowledge"))
    await leo.send(page.form("release"), why="my shift ends")
    assert kinds(scene, alert_id) == [
        "raised",
        "acknowledged",
        "noted",
        "closed",
        "recorded",
        "reopened",
        "acknowledged",
        "released",
    ]
    with scene.store.reading() as reading:
        [note] = [act.body for act in reading.history(alert_id) if act.body.kind == "noted"]
    assert note.text == "asked the unit\nnobody knows"


async def test_after_a_form_the_browser_is_at_a_page(scene: Scene, ivo: Visitor) -> None:
    """So a reload sends nothing, and what was chosen stays chosen."""
    [alert_id] = scene.find(make_finding())
    page = await ivo.open(f"/alerts/{alert_id}?severity=medium&q=w017")
    page = await ivo.send(page.form("acknowledge"))
    assert page.address == f"/alerts/{alert_id}?severity=medium&q=w017"


async def test_a_double_click_is_one_act(scene: Scene, ivo: Visitor) -> None:
    """Sent twice at once, and again later: the same act, and no complaint."""
    [alert_id] = scene.find(make_finding())
    form = (await ivo.open(f"/alerts/{alert_id}")).form("note")
    pages = await asyncio.gather(ivo.send(form, text="asked"), ivo.send(form, text="asked"))
    assert [page.status for page in (*pages, await ivo.send(form, text="asked"))] == [200, 200, 200]
    assert kinds(scene, alert_id) == ["raised", "noted"]
    other = await ivo.send(form, text="something else")
    assert (other.status, other.form("note").fields["text"]) == (422, "something else")
    assert (await ivo.send(other.form("note"))).status == 200
    assert kinds(scene, alert_id) == ["raised", "noted", "noted"]


async def test_of_two_at_once_one_wins_and_the_other_reads_who_and_when(
    scene: Scene, ivo: Visitor, leo: Visitor
) -> None:
    """In words, and in the history there is one."""
    [alert_id] = scene.find(make_finding())
    forms = [(await visitor.open(f"/alerts/{alert_id}")).form("acknowledge") for visitor in (ivo, leo)]
    pages = await asyncio.gather(ivo.send(forms[0]), leo.send(forms[1]))
    won, lost = sorted(pages, key=lambda page: page.status)
    assert (won.status, lost.status) == (200, 409)
    winner = r"ivo \(s22\)" if pages[0].status == 200 else r"leo \(s23\)"
    assert re.search(rf"{winner} took it at \d\d:\d\d:\d\d, .{{1,20}} before you\.", lost.text)
    assert kinds(scene, alert_id) == ["raised", "acknowledged"]


async def test_who_decides_on_what_they_have_not_seen_is_told_and_keeps_their_words(scene: Scene, ivo: Visitor) -> None:
    """A supplement came while they wrote."""
    [alert_id] = scene.find(make_finding("one"))
    page = await ivo.send((await ivo.open(f"/alerts/{alert_id}")).form("acknowledge"))
    scene.find(make_finding("two"))
    late = await ivo.send(page.form("close"), disposition="justified", why="it was their case")
    assert late.status == 412
    assert "Need to Know filed a supplement" in late.text
    form = late.form("close")
    assert (form.fields["disposition"], form.fields["why"]) == ("justified", "it was their case")
    assert (await ivo.send(form)).status == 200
    assert kinds(scene, alert_id)[-1] == "closed"


async def test_what_cannot_be_done_says_so_and_keeps_the_words(scene: Scene, ivo: Visitor) -> None:
    """Nothing chosen, nothing written, referred without being confirmed, too long; nothing is done."""
    [alert_id] = scene.find(make_finding())
    page = await ivo.send((await ivo.open(f"/alerts/{alert_id}")).form("acknowledge"))
    close = page.form("close")
    for typed, words in (
        ({"why": "x"}, "Choose what it was."),
        ({"disposition": "justified", "why": "  "}, "Say why, in a few words."),
        ({"disposition": "justified", "why": "x", "refer": "on"}, "Only a confirmed violation is referred."),
        ({"disposition": "justified", "why": "x" * 4001}, "4,000 characters at most"),
    ):
        refused = await ivo.send(close, **typed)
        assert (refused.status, words in refused.text) == (400, True)
        assert refused.form("close").fields["why"] == typed["why"].strip()
    assert kinds(scene, alert_id) == ["raised", "acknowledged"]


async def test_whose_record_it_was_is_shown_once_and_no_address_leads_there(scene: Scene, ivo: Visitor) -> None:
    """Written down first; the page that follows is masked again."""
    access = make_access(name=f"case:{SECRET_ID}", event_id="ecms-77")
    [alert_id] = scene.find(make_finding(access=access, reason=f"w017 viewed {SECRET_ID}"))
    page = await ivo.open(f"/alerts/{alert_id}")
    assert SECRET_ID.encode() not in page.raw
    shown = await ivo.send(page.form("reveal"), why="to ask the unit")
    assert (f"case {SECRET_ID}" in shown.text, f"w017 viewed {SECRET_ID}" in shown.text) == (True, True)
    assert kinds(scene, alert_id) == ["raised", "revealed"]
    assert SECRET_ID.encode() not in shown.raw[: shown.raw.index(b"</title>")]  # which browsers remember
    for path in ("/alerts", f"/alerts/{alert_id}"):
        assert SECRET_ID.encode() not in (await ivo.open(path)).raw


async def test_what_is_an_access_says_so_before(scene: Scene, ivo: Visitor) -> None:
    """A search, a reveal, a copy; and whether anything explains it. An auditor can never hold an alert."""
    [alert_id] = scene.find(make_finding())
    found = "You do not hold this alert: looking will be found, for auditors to see."
    page = await ivo.open(f"/alerts/{alert_id}")
    assert "To search for a record's or a person's id is an access of yours, and judged as one." in page.text
    assert page.text.count(found) == 2
    assert found not in (await ivo.send(page.form("acknowledge"))).text
    async with Visitor(scene.base) as aud, Visitor(scene.base) as vera:
        await aud.sign_in("aud")
        assert (await aud.open(f"/alerts/{alert_id}")).text.count(found) == 2
        await vera.sign_in("vera")
        seen = (await vera.open(f"/alerts/{alert_id}")).text
        assert (found in seen, "To search for" in seen) == (False, False)


async def test_a_copy_is_a_file_and_taking_it_is_written_down(scene: Scene, ivo: Visitor) -> None:
    """Nothing is masked in it, so no browser shows it; without a reason there is none."""
    [alert_id] = scene.find(make_finding(access=make_access(name=f"case:{SECRET_ID}")))
    page = await ivo.open(f"/alerts/{alert_id}")
    refused = await ivo.send(page.form("export"), why=" ")
    assert (refused.status, kinds(scene, alert_id)) == (400, ["raised"])
    copy = await ivo.send(page.form("export"), why="the court asks")
    assert copy.headers["Content-Disposition"] == f'attachment; filename="{alert_id}.json"'
    assert copy.headers["Cache-Control"] == "no-store"
    document = orjson.loads(copy.raw)
    assert document["findings"][0]["record"]["id"] == SECRET_ID
    assert [act["kind"] for act in document["history"]] == kinds(scene, alert_id) == ["raised", "exported"]


async def test_an_alert_names_what_the_policy_says(scene: Scene, ivo: Visitor) -> None:
    """The clause, and its words; of a clause that the policy no longer has its name."""
    ids = scene.find(make_finding(), make_finding("old", "w018", clause="of-an-old-policy"))
    assert "C3 Employees violate this policy when they search for" in (await ivo.open(f"/alerts/{ids[0]}")).text
    assert "Clause: of an old policy" in (await ivo.open(f"/alerts/{ids[1]}")).text


async def test_evidence_says_once_that_there_is_none(tmp_path: Path) -> None:
    """In a sentence, not in cells that are all alike; and by facts, not by a number inside of the service."""
    async with console(tmp_path, [account("jdoe12", "w017")]) as scene, Visitor(scene.base) as ana:
        [alert_id] = scene.find(make_finding())
        await ana.sign_in("ana")
        text = (await ana.open(f"/alerts/{alert_id}")).text
        assert "No recorded assignment, supervision or coverage of w017 leads to this record." in text
        assert "No duty explains it by all facts that were read" in text
        assert not any(words in text for words in ("leads there", "position"))


# --- what is chosen


async def test_what_can_be_chosen_says_how_many_and_leads_to_them(scene: Scene, ivo: Visitor) -> None:
    """By links; the counts are those of the list."""
    ids = scene.find(*(make_finding(f"n{n}", f"w{n}", severity="high" if n % 3 else "low") for n in range(6)))
    await ivo.send((await ivo.open(f"/alerts/{ids[0]}")).form("acknowledge"))
    page = await ivo.open("/alerts?severity=low")
    assert (page.raw.count(b'<li class="row"'), "To do 6" in page.text, "Mine 1" in page.text) == (3, True, True)
    assert (await ivo.open("/alerts?holder=me")).raw.count(b'<li class="row"') == 2
    assert b'href="/alerts?severity=low&amp;severity=high"' in page.raw
    older = await ivo.open("/alerts?limit=4")
    link = re.search(rb'href="([^"]+)" rel="next"', older.raw)
    assert link is not None
    assert (await ivo.open(link[1].decode().replace("&amp;", "&"))).raw.count(b'<li class="row"') == 3


async def test_each_choice_says_how_many_it_would_show(scene: Scene, ivo: Visitor) -> None:
    """Within what else is chosen; whose they are is not counted by kinds, and then the heading says so."""
    ids = scene.find(*(make_finding(f"n{n}", f"w{n}", severity="high" if n % 3 else "low") for n in range(6)))
    page = await ivo.send((await ivo.open(f"/alerts/{ids[0]}")).form("acknowledge"))
    await ivo.send(page.form("close"), disposition="justified", why="it was theirs")
    for chosen, counted in {
        "": ("low 2", "high 4", "open 5", "closed 1"),
        "status=open": ("low 1", "high 4", "open 5", "closed 1"),
        "status=open&severity=low": ("low 1", "high 4", "open 1", "closed 1"),
        "disposition=justified": ("low 1", "high 0", "open 0", "closed 1"),
    }.items():
        text = (await ivo.open(f"/alerts?{chosen}")).text
        assert [words for words in counted if words not in text] == [], chosen
        told = orjson.loads((await ivo.open(f"/alerts/counts?{chosen}")).raw)
        assert [f"{v} {told[n][v]}" for n, v in zip(("severity",) * 2 + ("status",) * 2, NAMES, strict=True)] == [
            *counted
        ]
        assert told["view"] == {"to do": 5, "mine": 0, "owed": 0, "all": 6}
    text = (await ivo.open("/alerts?holder=me&severity=low")).text
    assert ("Severity, of all" in text, "low 2" in text) == (True, True)


async def test_counts_are_for_who_is_signed_in(scene: Scene) -> None:
    """A script is told so, and not sent to a page."""
    async with Visitor(scene.base) as nobody:
        assert (await nobody.open("/alerts/counts")).status == 401


async def test_an_empty_list_says_what_is_watched(scene: Scene, ivo: Visitor) -> None:
    """Nothing to do is not the same as nobody looking."""
    page = await ivo.open("/")
    assert "Nothing is to be done." in page.text
    assert "Nothing is to be done." in (await ivo.open("/alerts?status=open&status=reopened&status=acknowledged")).text
    assert re.search(r"ecms last heard \d+ s ago", page.text)
    assert "paper never heard" in page.text


async def test_health_is_told_in_words_and_what_is_not_known_as_well(tmp_path: Path) -> None:
    """Each number may be missing."""
    now = now_ms()
    feeds = (FeedHealth(name="assignments", complete_through=now - 700_000), FeedHealth(name="staff"))
    known = KnownHealth(HealthNow(feeds=feeds, pending=7, outbox_age_ms=0, unread=3, position=99, cut_at=now - 5_000))
    async with console(tmp_path, health=known) as scene, Visitor(scene.base) as ana:
        await ana.sign_in("ana")
        text = (await ana.open("/health")).text
        for words in (
            "11 min ago late",
            "it has never said so",
            "wait for feeds 7",
            "none waits",
            r"\d s ago",
            "position 99",
        ):
            assert re.search(words, text)
        assert "Not all is well: assignments is late; staff has never said how far it is complete." in text
        known.value = HealthNow()
        text = (await ana.open("/health")).text
        assert (text.count("not known"), "Nothing seems amiss, but not everything can be seen." in text) == (5, True)
        well = (SourceReport(name="ecms"), SourceReport(name="paper"))
        sources = (
            SourceHealth(name="ecms", heard_at=now, lag_ms=9, watched=well[0]),
            SourceHealth(name="paper", lag_ms=0, watched=well[1]),
        )
        fresh = (FeedHealth(name="staff", complete_through=now),)
        known.value = HealthNow(sources=sources, feeds=fresh, pending=0, outbox_age_ms=0, unread=0)
        assert "All is well. Quiet for an hour or more: paper." in (await ana.open("/health")).text
        behind = (SourceHealth(name="ecms", heard_at=now, lag_ms=400_000),)
        known.value = HealthNow(sources=behind, feeds=fresh, pending=0, outbox_age_ms=400_000, unread=0)
        told = (await ana.open("/health")).text
        assert "Not all is well: ecms is judged late; acts wait for their topic." in told
        bad = replace(well[0], missing=3, overdue_ms=60_000)
        both = (replace(sources[0], watched=bad), SourceHealth(name="irss"))
        known.value = HealthNow(sources=both, feeds=fresh, pending=0, outbox_age_ms=0, unread=0)
        told = (await ana.open("/health")).text
        assert "Not all is well: 3 accesses of ecms are missing; ecms is overdue." in told
        known.value = replace(known.value, sources=(sources[0], SourceHealth(name="irss", heard_at=now)))
        assert "not everything can be seen" in (await ana.open("/health")).text  # nobody says what irss lacks


async def test_a_long_history_is_shown_from_its_end_and_checked(
    scene: Scene, ivo: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest acts, each with the digest it was written with; one that was changed is said aloud."""
    monkeypatch.setattr(screen, "HISTORY", 5)
    [alert_id, *_] = scene.find(*(make_finding(f"many-{n}") for n in range(8)))
    page = await ivo.send((await ivo.open(f"/alerts/{alert_id}")).form("acknowledge"))
    assert ("You took it." in page.text, "4 earlier acts" in page.text) == (True, True)
    assert ("✓ unchanged" in page.text, "8 findings" in page.text) == (True, True)
    with scene.store.changing() as connection:
        connection.execute(text("DROP TRIGGER acts_stay"))
        raw = connection.execute(select(ACTS.c.document).where(ACTS.c.version == 8)).scalar_one()
        connection.execute(update(ACTS).where(ACTS.c.version == 8).values(document=raw.replace(b"w017", b"w018")))
    assert "An act was changed or taken out" in (await ivo.open(f"/alerts/{alert_id}")).text


# --- signing in and out


async def test_everybody_is_offered_with_what_they_may_do(scene: Scene) -> None:
    """No password; a name that is not offered is refused in words."""
    async with Visitor(scene.base) as nobody:
        page = await nobody.open("/alerts?severity=low")
        assert page.address == "/sign-in?next=/alerts?severity%3Dlow"
        assert "vera viewer may see alerts" in page.text
        assert (await nobody.send(page.form("sign-in"), login="mallory")).status == 401
        assert (await nobody.send(page.form("sign-in"), login="vera")).address == "/alerts?severity=low"


async def test_signing_in_leads_nowhere_else(scene: Scene) -> None:
    """Whatever the address asks for."""
    async with Visitor(scene.base) as nobody:
        form = (await nobody.open("/sign-in")).form("sign-in")
        for elsewhere in ("//elsewhere.example", "https://elsewhere.example", "/alerts\\..", "/sign-out", ""):
            page = await nobody.send(form, login="ana", next=elsewhere)
            assert (page.status, page.address.partition("?")[0]) == (200, "/alerts"), elsewhere


async def test_who_is_signed_out_keeps_what_they_wrote(scene: Scene, ivo: Visitor) -> None:
    """Nothing is done, and nothing they typed is lost."""
    [alert_id] = scene.find(make_finding())
    page = await ivo.open(f"/alerts/{alert_id}")
    assert "Sign in" in (await ivo.send(page.form("sign-out"))).text
    late = await ivo.send(page.form("note"), text="a long thought")
    assert (late.status, "a long thought" in late.text) == (401, True)
    assert kinds(scene, alert_id) == ["raised"]


# --- forged


FORGED: tuple[tuple[dict[str, str], str | None], ...] = (
    ({}, None),
    ({"Origin": "http://elsewhere.example"}, None),
    ({"Origin": "null"}, None),
    ({"Origin": "{base}", "Sec-Fetch-Site": "cross-site"}, None),
    ({"Origin": "{base}", "Sec-Fetch-Site": "same-site"}, None),
    ({"Origin": "{base}"}, "0" * 64),
    ({"Origin": "{base}"}, "é"),
)


async def test_no_other_site_sends_our_forms(scene: Scene, ivo: Visitor) -> None:
    """Where it comes from and what it carries must both be right."""
    [alert_id] = scene.find(make_finding())
    form = (await ivo.open(f"/alerts/{alert_id}")).form("acknowledge")
    for headers, token in FORGED:
        typed = {} if token is None else {"token": token}
        sent = {name: value.format(base=scene.base) for name, value in headers.items()}
        assert (await ivo.send(form, headers=sent, **typed)).status == 403, (headers, token)
    assert kinds(scene, alert_id) == ["raised"]
    assert (await ivo.send(form)).status == 200


async def test_a_form_of_another_person_is_not_ours(scene: Scene, ivo: Visitor, leo: Visitor) -> None:
    """The token is of the session."""
    [alert_id] = scene.find(make_finding())
    form = (await leo.open(f"/alerts/{alert_id}")).form("note")
    kept = await ivo.send(form, text="kept words")
    assert (kept.status, kept.form("note").fields["text"]) == (403, "kept words")


async def test_nothing_changes_by_looking(scene: Scene, ivo: Visitor) -> None:
    """GET on every form's address."""
    [alert_id] = scene.find(make_finding())
    page = await ivo.open(f"/alerts/{alert_id}")
    for form in page.forms:
        if form.method == "post" and form.action:
            page = await ivo.open(form.action)
            assert page.status == 405 or page.address == f"/alerts/{alert_id}"
    assert kinds(scene, alert_id) == ["raised"]
    assert (await ivo.open("/alerts")).status == 200


async def test_what_is_no_form_is_refused(scene: Scene, ivo: Visitor) -> None:
    """Before it is read."""
    [alert_id] = scene.find(make_finding())
    form = (await ivo.open(f"/alerts/{alert_id}")).form("acknowledge")
    usual = "application/x-www-form-urlencoded"
    for kind in ("text/plain", "multipart/form-data; boundary=x", f"{usual}; charset=nobody"):
        assert (await ivo.send(form, headers={"Origin": scene.base, "Content-Type": kind})).status == 400, kind
    assert kinds(scene, alert_id) == ["raised"]


# --- text from anywhere


async def test_hostile_text_is_text(scene: Scene, ivo: Visitor) -> None:
    """Of a source, of the judge, of a person: shown as it is, moving nothing, and no markup."""
    near, clause = "ended\u202e \x1b[2J<b>9</b>", "<i>clause</i>\u2066"
    [alert_id] = scene.find(make_finding(staff="<u>w017</u>", near=near, clause=clause))
    page = await ivo.open(f"/alerts/{alert_id}")
    page = await ivo.send(page.form("note"), text="<script>x</script>\u202e'\"")
    for raw in (page.raw, (await ivo.open("/alerts")).raw):
        text = raw.decode()
        assert not re.search(r"<(script|u|i|img)>|<b>9", text)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
        assert "&lt;u&gt;w017&lt;/u&gt;" in text
        assert "ended⟨U+202E⟩ ⟨U+001B⟩[2J&lt;b&gt;9&lt;/b&gt;" in text
    assert "&lt;script&gt;x&lt;/script&gt;⟨U+202E⟩&#39;&#34;" in page.raw.decode()


def test_the_wheel_carries_what_the_pages_are_made_of() -> None:
    """An installation has no source tree."""
    root = Path(__file__).parents[2]
    carried = {file.distribution_path for file in WheelBuilder(str(root)).recurse_included_files()}
    made_of = {f for name in ("templates", "static") for f in (root / "sinks" / "console" / name).iterdir()}
    assert len(made_of) >= 14
    assert {str(file.relative_to(root)) for file in made_of} <= carried


async def test_a_page_says_the_same_whenever_it_is_asked(scene: Scene, ivo: Visitor) -> None:
    """No random part: what differs between two looks has changed."""
    scene.find(make_finding())
    looks = [re.sub(rb">[^<]*</time>", b">", (await ivo.open("/alerts")).raw) for _ in range(2)]
    assert looks[0] == looks[1]
