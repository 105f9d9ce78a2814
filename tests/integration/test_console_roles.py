"""Every role by endpoint by relation, over HTTP: what is kept from somebody is, to the byte, not there."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from schemas.access import Access
from schemas.codec import decode_access
from sinks.alerts.publishing import access_of
from sinks.console.api import ROUTES
from sinks.console.pages import PAGE_ROUTES
from sinks.store import lookups
from tests.harness.builders import account, make_access, supervision
from tests.harness.console import STAFF, USERS, Client, Reply, Scene, console
from tests.harness.findings import make_finding
from tests.harness.pages import Form, Shown, Visitor
from tests.unit.test_alert_authorizer import MATRIX

ROLES: Final = {login: USERS[login] for login in STAFF}
KEPT: Final = (
    "actor",
    "login",
    "data_subject",
    "candidate",
    "requested_for",
    "operator",
    "chief",
    "chief_of_chief",
    "chiefs_login",
)
RELATIONS: Final = ("none", "subordinate", "subordinates_login", *KEPT)
READS: Final = ("", "/history", "/findings")
COMMANDS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "acknowledge": ("acknowledge", {}),
    "release": ("release", {"why": "my shift ends"}),
    "close": ("close", {"disposition": "data_error", "why": "a wrong row"}),
    "confirm": ("close", {"disposition": "confirmed", "why": "admitted", "refer": True}),
    "reopen": ("reopen", {"why": "once more"}),
    "note": ("note", {"text": "asked the unit"}),
    "record": ("record", {"obligation": "discipline", "reference": "HR-1"}),
    "reveal": ("reveal", {"why": "to ask the unit"}),
    "export": ("export", {"why": "for the Law Department"}),
}
"""By deed: the endpoint and what it takes."""
NOT_THERE: Final = "a_" + "0" * 32


def about(login: str, relation: str) -> Any:
    """A finding that stands so to whoever signs in as `login`."""
    staff, name = STAFF[login], f"{login}-{relation}"
    access, who = make_access(f"x-{name}", event_id=name, name="case:c7"), f"w-{name}"
    match relation:
        case "actor":
            who = staff
        case "login":
            access, who = make_access(f"{login}-ecms", event_id=name, name="case:c7"), None
        case "data_subject":
            access = make_access(f"x-{name}", event_id=name, name=f"staff:{staff}")
        case "candidate":
            candidates = ["person:p9", f"staff:{staff}"]
            access = make_access(f"x-{name}", event_id=name, name="criteria:q", candidates=candidates)
        case "requested_for":
            access = make_access(f"x-{name}", event_id=name, requested_for=f"{login}-ecms")
        case "operator":
            access = make_access(f"x-{name}", event_id=name, operator=f"{login}-ecms")
        case "chief":
            who = f"chief-{staff}"
        case "chief_of_chief":
            who = f"head-{staff}"
        case "chiefs_login":
            access, who = make_access(f"chief-{login}-ecms", event_id=name, name="case:c7"), None
        case "subordinate":
            who = f"below-{staff}"
        case "subordinates_login":
            access, who = make_access(f"below-{login}-ecms", event_id=name, name="case:c7"), None
    return make_finding(name, who, access=access, outcome="unexplained" if who else "unresolved")


def directory() -> list[Any]:
    """Everybody has a chief, who has one, and somebody below them; and logins at ECMS."""
    facts: list[Any] = []
    for login, staff in STAFF.items():
        facts += [
            account(f"{login}-ecms", staff),
            account(f"chief-{login}-ecms", f"chief-{staff}"),
            account(f"below-{login}-ecms", f"below-{staff}"),
            supervision(f"chief-{staff}", staff),
            supervision(f"head-{staff}", f"chief-{staff}"),
            supervision(staff, f"below-{staff}"),
        ]
    return facts


@pytest_asyncio.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """A console, and a directory in which everybody stands to somebody."""
    async with console(tmp_path, directory()) as made:
        yield made


def told(reply: Reply) -> tuple[int, bytes, dict[str, str]]:
    """All that a reply tells, but for when it was sent."""
    return reply.status, reply.raw, {name: value for name, value in reply.headers.items() if name != "Date"}


async def everything(client: Client, words: str) -> list[tuple[int, bytes, dict[str, str]]]:
    """What somebody sees without naming an alert."""
    paths = ("/alerts", "/facets", f"/alerts?q={words}", "/alerts?status=open&severity=medium", "/alerts?limit=1")
    return [told(await client.get(path)) for path in paths]


@pytest.mark.parametrize("login", ROLES)
async def test_what_is_kept_from_somebody_is_as_if_it_were_not_there(scene: Scene, login: str) -> None:
    """Lists, counts, search, and every endpoint with its id, to the byte."""
    client = await scene.user(login)
    scene.find(make_finding("other", "w500"), make_finding("another", "w501", severity="high"))
    before = await everything(client, "w500")
    for relation in KEPT:
        [alert_id] = scene.find(about(login, relation))
        assert await everything(client, "w500") == before, relation
        assert alert_id.encode() not in b"".join(raw for _, raw, _ in await everything(client, f"w-{login}"))
        for read in READS:
            kept = told(await client.get(f"/alerts/{alert_id}{read}"))
            assert kept == told(await client.get(f"/alerts/{NOT_THERE}{read}")), (relation, read)
        for command, body in COMMANDS.values():
            kept = told(await client.do(alert_id, command, **body))
            assert kept == told(await client.do(NOT_THERE, command, **body)), (relation, command)
        with scene.store.reading() as reading:
            assert len(reading.history(alert_id)) == 1


def looks(scene: Scene) -> list[Access]:
    """The accesses that acts are."""
    with scene.store.reading() as reading:
        pairs = [(act, reading.alert(act.alert_id)) for act in reading.acts()]
    return [found for act, alert in pairs if alert and (found := access_of(act, alert)) is not None]


@pytest.mark.parametrize("how", ["reveal", "export", "search"])
async def test_who_looked_at_an_alert_is_kept_from_whom_the_alert_is_kept(scene: Scene, how: str) -> None:
    """What is found of an investigator's look tells that there is an alert, about whom, and about which record."""
    vera, leo, ivo = [await scene.user(login) for login in ("vera", "leo", "ivo")]
    about_vera = make_finding("a", STAFF["vera"], access=make_access("v-ecms", event_id="a", name="case:c7"))
    about_chief = make_finding("b", f"chief-{STAFF['vera']}", access=make_access("w", event_id="b", name="case:c7"))
    scene.find(about_vera, about_chief)
    before = await everything(vera, "c7")
    ids = [alert["alert_id"] for alert in (await leo.get("/alerts")).document["alerts"]]
    if how == "search":
        await leo.get("/alerts?q=c7")
        accesses = [decode_access(one.document) for one in lookups.waiting(scene.store, 10)]
    else:
        for alert_id in ids:
            assert (await leo.do(alert_id, how, why="to look")).status == 200
        accesses = looks(scene)
    found = scene.find(*(make_finding(a.event_id, STAFF["leo"], access=a) for a in accesses))
    assert len(found) == len(accesses) == (1 if how == "search" else 2)
    assert await everything(vera, "c7") == before
    for alert_id in found:
        assert told(await vera.get(f"/alerts/{alert_id}")) == told(await vera.get(f"/alerts/{NOT_THERE}"))
        assert (await ivo.get(f"/alerts/{alert_id}")).status == 200


Told = tuple[int, bytes, dict[str, str]]


def look(page: Shown) -> Told:
    """All that a page tells, but for when it was: how old each alert is."""
    kept = {name: value for name, value in page.headers.items() if name not in {"Date", "Content-Length"}}
    return page.status, re.sub(rb">[^<]*</time>", b">", page.raw), kept


FORMS: Final = tuple(COMMANDS)


async def answers(visitor: Visitor, alert_id: str, token: str, deeds: Sequence[str]) -> list[Told]:
    """The page of an alert, and what its forms for these deeds would be answered."""
    found = [look(await visitor.open(f"/alerts/{alert_id}"))]
    for command, body in (COMMANDS[deed] for deed in deeds):
        typed = {name: "on" if value is True else value for name, value in body.items()}
        form = Form("post", f"/alerts/{alert_id}/{command}", {"token": token, "key": "k", "version": "1"})
        found.append(look(await visitor.send(form, **typed)))
    return found


@pytest.mark.parametrize("login", ROLES)
async def test_its_pages_are_those_of_what_is_not_there(scene: Scene, login: str) -> None:
    """The list before and after, the page of its id, and a form, to the byte; which form is another for each relation.

    All come to the desk on one way, and the API's commands are asked above for each relation.
    """
    scene.find(make_finding("other", "w500"))
    async with Visitor(scene.base) as visitor:
        token = (await visitor.sign_in(login)).form("sign-out").fields["token"]
        lists = ("/alerts", "/alerts?status=open&severity=medium", "/alerts?limit=1")
        before = [look(await visitor.open(path)) for path in lists]
        page, *forms = await answers(visitor, NOT_THERE, token, FORMS)
        assert {status for status, _, _ in (page, *forms)} == {404}
        for number, relation in enumerate(KEPT):
            which = number % len(FORMS)
            [alert_id] = scene.find(about(login, relation))
            assert [look(await visitor.open(path)) for path in lists] == before, relation
            assert await answers(visitor, alert_id, token, FORMS[which : which + 1]) == [page, forms[which]], relation
            with scene.store.reading() as reading:
                assert len(reading.history(alert_id)) == 1


@pytest.mark.parametrize("login", ROLES)
async def test_a_page_offers_what_its_reader_may_do_now(scene: Scene, login: str) -> None:
    """Of one that nobody holds; superiors see and comment only."""
    deeds = set(MATRIX[ROLES[login]].split())
    async with Visitor(scene.base) as visitor:
        await visitor.sign_in(login)
        for relation in RELATIONS[:3]:
            [alert_id] = scene.find(about(login, relation))
            allowed = deeds if relation == "none" else {"see", "note"}
            offered = {"acknowledge", "note", "reveal", "export"}
            assert (await visitor.open(f"/alerts/{alert_id}")).steps == offered & allowed


@pytest.mark.parametrize("login", ROLES)
async def test_every_role_may_what_the_table_says(scene: Scene, login: str) -> None:
    """403 or not; whether the alert's status allows it, too, is another question. Superiors see and comment only."""
    client, deeds = await scene.user(login), MATRIX[ROLES[login]].split()
    for relation, (deed, (command, body)) in itertools.product(RELATIONS[:3], COMMANDS.items()):
        [alert_id] = scene.find(about(login, relation))[:1] or [_known(scene, about(login, relation))]
        allowed = deed in deeds if relation == "none" else deed == "note"
        status = (await client.do(alert_id, command, **body)).status
        assert (status != 403) is allowed, (relation, deed, status)
        for read in READS:
            assert (await client.get(f"/alerts/{alert_id}{read}")).status == 200
        detail = (await client.get(f"/alerts/{alert_id}")).document
        expected = deeds if relation == "none" else ["see", "note"]
        assert sorted(detail["deeds"]) == sorted(expected)
    searched = await client.get("/alerts?q=w500")
    assert (searched.status == 200) is ("search" in deeds)


def _known(scene: Scene, finding: Any) -> str:
    with scene.store.writing() as writing:
        known = writing.known(finding.finding_id)
    assert known is not None
    return known.alert.alert_id


async def test_the_matrix_is_as_large_as_it_should_be() -> None:
    """Roles by endpoints by relations: nobody forgets to add a new one here."""
    on_alerts = {route.path.rpartition("}")[2].lstrip("/") for route in ROUTES if "{alert_id" in route.path}
    assert on_alerts == {read.lstrip("/") for read in READS} | {command for command, _ in COMMANDS.values()}
    assert len(ROLES) * len(RELATIONS) * (len(READS) + len(COMMANDS)) == 864
    forms = {route.path.rpartition(":")[2].rstrip("}") for route in PAGE_ROUTES if "{command" in route.path}
    assert forms == {COMMANDS[deed][0] for deed in FORMS}
