"""The API of the console: what people ask, do, and are refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
import pytest_asyncio

from schemas.codec import decode_access
from schemas.finding import Severity
from sinks.alerts import front_desk, grouping
from sinks.alerts.grouping import group_of
from sinks.console.api import ROUTES
from sinks.console.signing_in import DemoUsers
from sinks.store import lookups
from sinks.store.sessions import digest_of
from sinks.store.tables import SESSIONS
from tests.harness.builders import make_access
from tests.harness.console import USERS, Client, Reply, Scene, console
from tests.harness.findings import make_finding

CLOSE = {"disposition": "justified", "why": "the unit has explained it"}
SECRET_ID = "c-4711-jane-roe"


@pytest_asyncio.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """A console with its users."""
    async with console(tmp_path) as made:
        yield made


@pytest_asyncio.fixture
async def ana(scene: Scene) -> Client:
    """An analyst."""
    return await scene.user("ana")


# --- the main road


async def test_an_alert_is_listed_taken_and_closed(scene: Scene, ana: Client) -> None:
    """In a minute, and every step is in its history."""
    [alert_id] = scene.find(make_finding())
    [listed] = (await ana.get("/alerts")).document["alerts"]
    assert listed["sentence"] == f"w017 viewed case {listed['record']['mask']}"
    assert listed["because"] == "no recorded duty explains it: assignment ended 9 days before"
    assert (await ana.do(alert_id, "acknowledge")).document["alert"]["holder"] == "s21"
    done = await ana.do(alert_id, "close", **CLOSE)
    assert (done.status, done.document["alert"]["status"], done.document["act"]["version"]) == (200, "closed", 3)
    history = (await ana.get(f"/alerts/{alert_id}/history")).document["acts"]
    assert [act["kind"] for act in history] == ["raised", "acknowledged", "closed"]
    assert history[2]["by"] == {"staff": "s21", "login": "ana", "role": "analyst"}


@pytest.mark.parametrize("order", ["change", "severity"])
async def test_pages_follow_each_other_without_a_gap_or_a_repeat(scene: Scene, ana: Client, order: str) -> None:
    """By the address that an answer gives, which holds for its order only."""
    severities: list[Severity] = ["low", "critical", "medium", "high"]
    scene.find(*(make_finding(f"look-{n}", f"w{n:02}", severity=severities[n % 4]) for n in range(12)))
    seen: list[tuple[str, str]] = []
    after = ""
    while True:
        page = (await ana.get(f"/alerts?limit=5&order={order}{after}")).document
        seen += [(alert["who"]["staff"], alert["severity"]) for alert in page["alerts"]]
        if "next" not in page:
            break
        after = f"&after={page['next']}"
        other = "severity" if order == "change" else "change"
        assert (await ana.get(f"/alerts?order={other}{after}")).status == 400
    latest = [(f"w{n:02}", severities[n % 4]) for n in reversed(range(12))]
    gravest = sorted(latest, key=lambda one: ["critical", "high", "medium", "low"].index(one[1]))
    assert seen == (latest if order == "change" else gravest)


async def test_findings_say_why_and_wait_behind_masks(scene: Scene, ana: Client) -> None:
    """Each with the paths that failed; nothing of the record itself."""
    access = make_access(name=f"case:{SECRET_ID}", event_id=f"ecms-{SECRET_ID}")
    [alert_id] = scene.find(make_finding(access=access, reason=f"w017 viewed {SECRET_ID}"))
    replies = [await ana.get(path) for path in ("/alerts", f"/alerts/{alert_id}", f"/alerts/{alert_id}/history")]
    replies.append(await ana.get(f"/alerts/{alert_id}/findings"))
    assert all(reply.status == 200 and SECRET_ID.encode() not in reply.raw for reply in replies)
    [finding] = replies[-1].document["findings"]
    assert finding["near_misses"] == [{"path": "own-assignment", "why": "assignment ended 9 days before"}]


async def test_who_says_what_for_is_shown_the_record_and_written_down(scene: Scene, ana: Client) -> None:
    """Before the answer."""
    access = make_access(name=f"case:{SECRET_ID}")
    [alert_id] = scene.find(make_finding(access=access, reason=f"w017 viewed {SECRET_ID}"))
    shown = (await ana.do(alert_id, "reveal", why="to ask the unit")).document
    assert shown["done"]["alert"]["record"]["id"] == SECRET_ID
    assert shown["findings"][0]["reason"] == f"w017 viewed {SECRET_ID}"
    assert [a["kind"] for a in (await ana.get(f"/alerts/{alert_id}/history")).document["acts"]] == [
        "raised",
        "revealed",
    ]
    assert SECRET_ID.encode() not in (await ana.get(f"/alerts/{alert_id}")).raw


async def test_nothing_masked_can_be_computed_from_what_is_shown(scene: Scene, ana: Client) -> None:
    """Ids are digests: whoever tries all records there are must not find the one that fits."""
    [alert_id] = scene.find(finding := make_finding(access=make_access(name="case:c0042")))
    shown = [await ana.get(path) for path in (f"/alerts/{alert_id}", f"/alerts/{alert_id}/findings")]
    assert all(finding.finding_id.encode() not in reply.raw for reply in shown)
    with scene.store.writing() as writing:
        assert grouping.alert_id(writing.secret(), group_of(finding), finding.finding_id) == alert_id
    assert grouping.alert_id(b"", group_of(finding), finding.finding_id) != alert_id


async def look_with(client: Client, alert_id: str, what: str, key: str) -> Reply:
    """A look that may be sent again."""
    return await client.ask("POST", f"/api/v1/alerts/{alert_id}/{what}", {"why": "to ask"}, Idempotency_Key=key)


@pytest.mark.parametrize("what", ["reveal", "export"])
async def test_a_look_that_is_sent_again_is_no_second_look(scene: Scene, ana: Client, what: str) -> None:
    """Its answer may have been lost; after anything else, or a minute, it would be an access that nobody judges."""
    ivo = await scene.user("ivo")
    [alert_id] = scene.find(make_finding())
    for _ in range(2):
        assert (await look_with(ivo, alert_id, what, "k1")).status == 200
    await ana.do(alert_id, "note", text="meanwhile")
    again = await look_with(ivo, alert_id, what, "k1")
    assert (again.status, b"c0042" in again.raw) == (422, False)
    assert (await look_with(ivo, alert_id, what, "k2")).status == 200


async def test_a_look_that_is_sent_again_much_later_is_refused(
    scene: Scene, ana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nothing else has happened."""
    [alert_id] = scene.find(make_finding())
    assert (await look_with(ana, alert_id, "reveal", "k1")).status == 200
    monkeypatch.setattr(front_desk, "AGAIN_MS", -1)
    assert (await look_with(ana, alert_id, "reveal", "k1")).status == 422


async def test_one_record_has_one_mask_and_another_has_another(scene: Scene, ana: Client) -> None:
    """So that people see two alerts about one record without being told which."""
    scene.find(
        make_finding("one"),
        make_finding("two", staff="w018"),
        make_finding("three", access=make_access(name="case:c0043", event_id="three")),
    )
    masks = {
        a["who"]["staff"] + a["alert_id"]: a["record"]["mask"] for a in (await ana.get("/alerts")).document["alerts"]
    }
    assert len(masks) == 3
    assert len(set(masks.values())) == 2


async def test_facets_count_and_filters_choose(scene: Scene, ana: Client) -> None:
    """What is counted is what is listed when it is chosen."""
    scene.find(*(make_finding(f"look-{n}", staff=f"w{n}", severity="high" if n % 3 else "low") for n in range(9)))
    counts = (await ana.get("/facets")).document
    assert counts["severity"] == {"high": 6, "low": 3}
    assert len((await ana.get("/alerts?severity=low")).document["alerts"]) == counts["severity"]["low"]
    assert len((await ana.get("/alerts?severity=low&severity=high&status=open")).document["alerts"]) == 9
    assert [a["who"]["staff"] for a in (await ana.get("/alerts?q=w4")).document["alerts"]] == ["w4"]


# --- at once, and again


async def test_of_two_at_once_one_wins_and_the_other_learns_who_and_when(scene: Scene, ana: Client) -> None:
    """As people, not as an error."""
    [alert_id] = scene.find(make_finding())
    ivo = await scene.user("ivo")
    one, other = await asyncio.gather(ana.do(alert_id, "acknowledge"), ivo.do(alert_id, "acknowledge"))
    won, lost = (one, other) if one.status == 200 else (other, one)
    assert (won.status, lost.status) == (200, 409)
    assert lost.document["by"] == won.document["alert"]["holder"]
    assert lost.document["at"] == won.document["act"]["at"]


async def test_who_has_seen_an_older_version_is_told(scene: Scene, ana: Client) -> None:
    """A supplement came while they read."""
    [alert_id] = scene.find(make_finding("one"))
    await ana.do(alert_id, "acknowledge")
    tag = (await ana.get(f"/alerts/{alert_id}")).headers["ETag"]
    scene.find(make_finding("two"))
    path = f"/api/v1/alerts/{alert_id}/close"
    late = await ana.ask("POST", path, CLOSE, If_Match=tag)
    assert (late.status, late.document["title"]) == (412, "somebody was faster")
    tag = (await ana.get(f"/alerts/{alert_id}")).headers["ETag"]
    assert (await ana.ask("POST", path, CLOSE, If_Match=tag)).status == 200


async def test_a_command_sent_again_with_its_key_is_the_same_act(scene: Scene, ana: Client) -> None:
    """The connection broke before the answer came."""
    [alert_id] = scene.find(make_finding())
    path = f"/api/v1/alerts/{alert_id}/note"
    first = await ana.ask("POST", path, {"text": "asked the unit"}, Idempotency_Key="k-1")
    again = await ana.ask("POST", path, {"text": "asked the unit"}, Idempotency_Key="k-1")
    other = await ana.ask("POST", path, {"text": "something else"}, Idempotency_Key="k-1")
    assert first.document["act"] == again.document["act"]
    assert (again.status, other.status) == (200, 422)
    assert len((await ana.get(f"/alerts/{alert_id}/history")).document["acts"]) == 2


# --- signing in


async def test_nobody_sees_anything_without_signing_in(scene: Scene) -> None:
    """Nor with a token that was made up."""
    nobody = scene.nobody()
    assert (await nobody.get("/alerts")).status == 401
    nobody.token = "made-up"
    assert (await nobody.get("/alerts")).status == 401
    assert (await nobody.ask("POST", "/api/v1/sessions", {"login": "stranger"})).status == 401


async def test_whom_no_fact_knows_sees_nothing(scene: Scene) -> None:
    """Whoever they are, it might be about them."""
    scene.find(make_finding())
    ghost = await scene.user("ghost")
    assert "staff" not in (await ghost.get("/sessions/current")).document
    for path in ("/alerts", "/facets", "/stream"):
        assert (await ghost.get(path)).status == 403


async def test_signed_out_is_signed_out(scene: Scene, ana: Client) -> None:
    """Everywhere, at once."""
    assert (await ana.ask("DELETE", "/api/v1/sessions/current")).status == 204
    assert (await ana.get("/alerts")).status == 401


async def test_a_token_is_kept_nowhere(scene: Scene, ana: Client) -> None:
    """Who reads the store cannot sign in with what is there."""
    with scene.store.looking() as connection:
        [row] = connection.execute(SESSIONS.select()).all()
    assert row.digest == digest_of(ana.token)
    assert ana.token not in map(str, row)


async def test_until_the_facts_are_read_nobody_is_let_in(scene: Scene, ana: Client) -> None:
    """It is not known yet from whom what must be kept."""
    scene.facts.is_loaded = False
    reply = await ana.get("/alerts")
    assert (reply.status, reply.document["title"]) == (503, "not ready")


async def test_only_who_may_confirm_takes_a_confirmation_back(scene: Scene, ana: Client) -> None:
    """Nor does anybody else let go of what is owed on it, whoever opened it again."""
    [alert_id] = scene.find(make_finding())
    ivo = await scene.user("ivo")
    await ivo.do(alert_id, "acknowledge")
    assert (await ivo.do(alert_id, "close", disposition="confirmed", why="admitted", refer=True)).status == 200
    assert (await ana.do(alert_id, "reopen", why="no")).status == 403
    assert (await ivo.do(alert_id, "reopen", why="the unit has called")).status == 200
    assert (await ana.do(alert_id, "acknowledge")).status == 200
    assert (await ana.do(alert_id, "close", disposition="justified", why="no", refer=False)).status == 403
    alert = (await ana.get(f"/alerts/{alert_id}")).document["alert"]
    assert (alert["status"], len(alert["owed"])) == ("acknowledged", 2)


# --- browsers


async def cookie_of(scene: Scene, login: str, origin: str = "") -> str:
    """What a browser would send."""
    reply = await scene.nobody().ask("POST", "/api/v1/sessions", {"login": login}, Origin=origin or scene.base)
    header = reply.headers["Set-Cookie"]
    assert header.startswith("__Host-") == ("Secure" in header)
    assert all(part in header for part in ("HttpOnly", "SameSite=Strict", "Path=/"))
    return header.partition(";")[0]


async def test_over_https_the_cookie_is_this_hosts_alone(tmp_path: Path) -> None:
    """A browser then takes no cookie of that name that another host of the domain, or plain HTTP, has set."""
    async with console(tmp_path, is_https=True) as scene:
        [alert_id] = scene.find(make_finding())
        origin = scene.base.replace("http:", "https:")
        cookie = await cookie_of(scene, "ana", origin)
        assert cookie.startswith("__Host-")
        for sent, status in ((scene.base, 403), (origin, 200)):
            path = f"/api/v1/alerts/{alert_id}/acknowledge"
            assert (await scene.nobody().ask("POST", path, {}, Cookie=cookie, Origin=sent)).status == status
        reply = await scene.nobody().ask("DELETE", "/api/v1/sessions/current", Cookie=cookie, Origin=origin)
        dropped = reply.headers["Set-Cookie"]
        assert dropped.startswith("__Host-")
        assert "Secure" in dropped
        assert (await scene.nobody().ask("GET", "/api/v1/alerts", Cookie=cookie)).status == 401


@pytest.mark.parametrize("host", ["elsewhere.example:{port}", "127.0.0.1.elsewhere.example", "0.0.0.0:{port}", "a b"])
async def test_a_name_that_another_site_points_at_this_machine_is_not_ours(scene: Scene, host: str) -> None:
    """A script of that site could sign in as anybody, since nobody has a password, and read all."""
    asked = host.format(port=scene.base.rpartition(":")[2])
    reply = await scene.nobody().ask(
        "POST", "/api/v1/sessions", {"login": "ana"}, Host=asked, Origin=f"http://{asked}", Sec_Fetch_Site="same-origin"
    )
    assert reply.status in {400, 403}
    assert "Set-Cookie" not in reply.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "{base}", "Sec_Fetch_Site": "cross-site"}, 403),
        ({"Origin": "{base}", "Sec_Fetch_Site": "same-site"}, 403),
        ({"Origin": "{base}"}, 200),
        ({"Origin": "{base}", "Sec_Fetch_Site": "same-origin"}, 200),
    ],
)
async def test_no_other_site_acts_in_somebodys_name(scene: Scene, headers: dict[str, str], status: int) -> None:
    """A cookie alone changes nothing."""
    [alert_id] = scene.find(make_finding())
    cookie = await cookie_of(scene, "ana")
    sent = {name: value.format(base=scene.base) for name, value in headers.items()}
    reply = await scene.nobody().ask("POST", f"/api/v1/alerts/{alert_id}/acknowledge", {}, Cookie=cookie, **sent)
    assert reply.status == status
    assert (await scene.nobody().ask("GET", f"/api/v1/alerts/{alert_id}", Cookie=cookie)).document["alert"][
        "version"
    ] == (2 if status == 200 else 1)


async def test_no_answer_may_be_kept_framed_or_guessed_at(scene: Scene, ana: Client) -> None:
    """Errors, too."""
    for reply in (await ana.get("/alerts"), await ana.get("/nothing"), await scene.nobody().get("/alerts")):
        policy = reply.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "http" not in policy
        assert "require-trusted-types-for 'script'" in policy
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


async def test_who_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    """A loop gone wild must not take the screen from others."""
    async with console(tmp_path, rate=3) as scene:
        ana = await scene.user("ana")
        replies = [await ana.get("/facets") for _ in range(8)]
        assert {reply.status for reply in replies} == {200, 429}
        refused = next(reply for reply in replies if reply.status == 429)
        assert int(refused.headers["Retry-After"]) >= 1
        ivo = await scene.user("ivo")
        assert (await ivo.get("/facets")).status == 200


async def test_made_up_sessions_have_no_share_of_their_own(tmp_path: Path) -> None:
    """Or everybody could ask without a limit; who watches the console is heard all the same, and who is signed in."""
    async with console(tmp_path, rate=10) as scene:
        ana = await scene.user("ana")
        assert (await ana.get("/facets")).status == 200
        strangers = [Client(scene.base, ana.session, f"made-up-{n}") for n in range(30)]
        replies = [await stranger.get("/facets") for stranger in strangers]
        assert {reply.status for reply in replies} == {401, 429}
        assert (await ana.get("/facets")).status == 200
        assert {(await scene.nobody().ask("GET", path)).status for path in ("/live", "/ready")} == {200}


async def test_whoever_may_sign_in_no_longer_is_out(scene: Scene, ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their session is older than that; or was in another role."""
    for now in ({}, {**USERS, "ana": "viewer"}):
        monkeypatch.setattr(DemoUsers, "role_of", lambda _, login, now=now: now.get(login))
        assert (await ana.get("/alerts")).status == 401
        monkeypatch.undo()
        assert (await ana.get("/alerts")).status == 200


@pytest.mark.parametrize(
    ("token", "sent", "status"),
    [("", "", 403), ("", "Bearer ", 403), ("t0", "", 403), ("t0", "Bearer t", 403), ("t0", "Bearer t0", 200)],
)
async def test_counts_of_all_alerts_are_for_prometheus_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str, sent: str, status: int
) -> None:
    """They tell that there is an alert that is kept from whoever asks; demo users may be anybody anyway."""
    async with console(tmp_path, metrics_token=token) as scene:
        assert (await scene.nobody().ask("GET", "/metrics")).status == 200
        monkeypatch.setattr(DemoUsers, "offered", lambda _: {})
        assert (await scene.nobody().ask("GET", "/metrics", Authorization=sent)).status == status


# --- what cannot be read


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/alerts?severity=awful", None),
        ("GET", "/alerts?status=open&nonsense=1", None),
        ("GET", "/alerts?limit=0", None),
        ("GET", "/alerts?limit=99999999999", None),
        ("GET", "/alerts?after=AAAA", None),
        ("GET", "/alerts?after=%FF", None),
        ("GET", "/alerts?order=age", None),
        ("GET", "/alerts?order=severity&order=severity", None),
        ("GET", "/alerts?holder=a%20b", None),
        ("GET", "/alerts?owed=perhaps", None),
        ("GET", f"/alerts?q={'x' * 201}", None),
        ("GET", "/alerts?q=a&q=b", None),
        ("POST", "/alerts/{id}/close", {"disposition": "guilty", "why": "x"}),
        ("POST", "/alerts/{id}/close", {"disposition": "justified", "why": "x", "refer": True}),
        ("POST", "/alerts/{id}/close", {"disposition": "justified", "why": ""}),
        ("POST", "/alerts/{id}/note", {"text": "a\u0000b"}),
        ("POST", "/alerts/{id}/note", {"text": "x" * 4001}),
        ("POST", "/alerts/{id}/acknowledge", {"extra": 1}),
        ("POST", "/alerts/{id}/acknowledge", None),
    ],
)
async def test_what_cannot_be_read_is_said_and_changes_nothing(
    scene: Scene, ana: Client, method: str, path: str, body: object
) -> None:
    """With the place, never with what was there."""
    [alert_id] = scene.find(make_finding())
    reply = await ana.ask(method, "/api/v1" + path.format(id=alert_id), body)
    assert reply.status == 400
    assert reply.document["title"] == "this cannot be read"
    assert "guilty" not in reply.document["detail"]
    assert (await ana.get(f"/alerts/{alert_id}")).document["alert"]["version"] == 1


async def test_a_request_that_is_too_large_is_refused(scene: Scene, ana: Client) -> None:
    """Before it is read."""
    [alert_id] = scene.find(make_finding())
    assert (await ana.do(alert_id, "note", text="x" * 40_000)).status == 413


async def test_the_openapi_document_is_one(scene: Scene) -> None:
    """Every route of the API is in it."""
    document = orjson.loads((await scene.nobody().ask("GET", "/api/v1/openapi.json")).raw)
    operations = [(path, method) for path, methods in document["paths"].items() for method in methods]
    assert len(operations) == len(ROUTES)
    assert document["paths"]["/api/v1/alerts/{alert_id}/close"]["post"]["requestBody"]["required"] is True
    ids = [document["paths"][path][method]["operationId"] for path, method in operations]
    assert len(set(ids)) == len(ids)


async def test_searches_in_a_store_that_is_made_anew_are_others(tmp_path: Path) -> None:
    """Two accesses of one name would be a repeat of one, and the second would be judged by nobody."""
    ids: list[str] = []
    for number in range(2):
        async with console(tmp_path / str(number)) as scene:
            scene.find(make_finding("one", access=make_access(name="case:c-known")))
            await (await scene.user("ana")).get("/alerts?q=c-known")
            ids += [decode_access(one.document).event_id for one in lookups.waiting(scene.store, 10)]
    assert len(set(ids)) == 2


async def test_a_search_for_somebody_is_kept_before_it_is_answered(scene: Scene, ana: Client) -> None:
    """By the record's id or the person's; a search for words, or for what is kept from them, is for nobody."""
    scene.find(make_finding("one", access=make_access(name="case:c-known")), make_finding("two", "s21"))
    for words, kept in (("ended", 0), ("c-known", 1), ("w017", 2), ("s21", 2)):
        assert (await ana.get(f"/alerts?q={words}")).status == 200
        assert len(lookups.waiting(scene.store, 10)) == kept
    first, second = (decode_access(one.document) for one in lookups.waiting(scene.store, 10))
    assert (first.actor, first.action, first.record.kind) == ("ana", "search", "criteria")
    assert first.event_id != second.event_id
    assert [record.id for record in first.candidates or ()] == ["c-known"]
    lookups.told(scene.store, 1)
    await ana.get("/alerts?q=c-known")
    assert [one.number for one in lookups.waiting(scene.store, 10)] == [2, 3]
