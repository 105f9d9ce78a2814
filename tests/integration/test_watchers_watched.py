"""The whole road with real workers and a real console: found, taken, looked into, and who looks without holding it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import orjson
import pytest

from deploy.local.service import Worker
from schemas.codec import decode_access
from schemas.topics import CONSOLE
from tests.faults.harness import Running, running, until
from tests.harness.broker import SharedBroker, new_namespace
from tests.harness.builders import account, assignment, supervision
from tests.harness.office import read_page
from tests.harness.timeline import DUTY_FEEDS
from tests.integration.tale import Tale

USERS = "ana:analyst,ivo:investigator,aud:auditor"
_OPENER = build_opener(ProxyHandler({}))  # everything asked here is on this machine
AHEAD_MS = 60_000  # a promise of the duty feeds about the next minute, in which the console's accesses happen


class User:
    """Somebody who is signed in, as a program."""

    def __init__(self, console: Worker, login: str) -> None:
        self._base = f"http://{console.address}/api/v1"
        self._headers = {"Content-Type": "application/json"}
        status, document = self._ask("POST", "/sessions", {"login": login})
        assert status == 201, document
        self._headers["Authorization"] = f"Bearer {document['token']}"

    def alerts(self) -> list[dict[str, Any]]:
        """What is listed for them."""
        found: list[dict[str, Any]] = self._ask("GET", "/alerts")[1]["alerts"]
        return found

    def search(self, words: str) -> list[str]:
        """The alerts that a search finds for them."""
        return [alert["alert_id"] for alert in self._ask("GET", f"/alerts?q={words}")[1]["alerts"]]

    def do(self, alert_id: str, command: str, **body: Any) -> tuple[int, Any]:
        """Does something to an alert."""
        return self._ask("POST", f"/alerts/{alert_id}/{command}", body)

    def _ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        raw = None if body is None else orjson.dumps(body)
        request = Request(self._base + path, data=raw, headers=self._headers, method=method)
        try:
            with _OPENER.open(request, timeout=10) as answer:
                return answer.status, orjson.loads(answer.read())
        except HTTPError as error:
            return error.code, orjson.loads(error.read())


@pytest.fixture(scope="module")
def service(kafka: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A worker and a console."""
    with running(kafka.bootstrap, tmp_path_factory.mktemp("watched"), new_namespace()) as one:
        one.service.start_workers(1)
        yield one


def test_who_looks_at_an_alert_without_holding_it_is_found(service: Running) -> None:
    """Whoever took it is explained by that; whoever did not is a finding for auditors, which is kept from them."""
    tale = Tale(1, service)
    snooper, case = tale.hires("w"), tale.name("case:c")
    tale.learn(assignment(tale.hires("z"), case, **tale.fields()))
    for login in ("ana", "ivo", "aud"):
        tale.learn(account(login, f"s-{login}", source=CONSOLE, **tale.fields()))
    tale.learn(supervision("s-chief", "s-ivo", **tale.fields()))
    tale.pass_to(tale.at("14:00"))
    tale.see(snooper, "view", case)
    tale.ends()
    tale.play()
    console = service.service.start_console(USERS)
    ana, ivo, aud = (User(console, login) for login in ("ana", "ivo", "aud"))
    until(ana.alerts, "no alert came", seconds=20)
    [alert] = ana.alerts()
    assert case.partition(":")[2] not in orjson.dumps(alert).decode()
    assert ana.do(alert["alert_id"], "acknowledge")[0] == 200
    shown = ana.do(alert["alert_id"], "reveal", why="to ask the unit")[1]
    assert shown["done"]["alert"]["record"]["id"] == case.partition(":")[2]
    assert ivo.do(alert["alert_id"], "reveal", why="curious")[0] == 200
    assert ana.search(snooper) == [alert["alert_id"]]
    # The duty feeds have to say that nothing about this moment is still to come; the console says so by itself.
    through = int(time.time() * 1000) + AHEAD_MS
    for feed in DUTY_FEEDS:
        tale.mark(feed, through)
    tale.play()
    until(lambda: len(aud.alerts()) == 2, "nobody was found at the console", seconds=30)
    [found] = [one for one in aud.alerts() if one["sources"] == [CONSOLE]]
    assert (found["who"]["staff"], found["record"]["mask"]) == ("s-ivo", alert["record"]["mask"])
    assert found["sentence"].startswith("s-ivo viewed case #")
    assert [one["alert_id"] for one in ivo.alerts()] == [alert["alert_id"]]
    assert ivo.do(found["alert_id"], "note", text="it was me")[0] == 404
    assert [f.staff for f in service.findings() if f.access.source == CONSOLE] == ["s-ivo"]
    made = [decode_access(message.value) for message in service.messages(service.topics.access(CONSOLE))]
    assert sorted((access.actor, access.action) for access in made) == [
        ("ana", "search"),
        ("ana", "view"),
        ("ivo", "view"),
    ]
    assert service.verify()["differences"] == []
    page = read_page(console.metrics().encode())
    assert page["needtoknow_reveals_total"] == 2
    assert page['needtoknow_unclosed_alerts{severity="medium",status="acknowledged"}'] == 1
    assert (page["needtoknow_store_answers"], page["needtoknow_chain_holds"]) == (1, 1)
    assert not {name for name in ("s-ivo", "ana", snooper, case.partition(":")[2]) if name in console.metrics()}
