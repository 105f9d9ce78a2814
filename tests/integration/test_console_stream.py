"""Live rows: to everybody who may see them, without a gap, and with an end when somebody signs out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio

from sinks.alerts.writing import hear
from sinks.console import live, stream
from sinks.console.web import now_ms
from tests.harness.builders import account, registered, supervision
from tests.harness.console import STAFF, Client, Scene, console
from tests.harness.findings import make_finding, place

PATIENCE = 30.0  # seconds, of what takes a fraction of one


@pytest_asyncio.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """A console; w001 is the analyst's chief."""
    async with console(tmp_path, [supervision("w001", "s21")]) as made:
        yield made


class Stream:
    """What a browser reads."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._lines = response.content
        self.other: list[str] = []

    async def event(self) -> dict[str, str] | None:
        """The next event, past comments; None at the end."""
        found: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            while line := (await self._lines.readline()).decode():
                if line == "\n" and "event" in found:
                    return found
                name, _, value = line.rstrip("\n").partition(": ")
                if name in {"id", "event", "data"}:
                    found[name] = value
                elif line not in {"\n", ": still here\n", ": one more\n"}:
                    self.other.append(line)
        return None

    async def rows(self, count: int) -> list[dict[str, Any]]:
        """The next alerts."""
        events = [await self.event() for _ in range(count)]
        return [orjson.loads(event["data"]) for event in events if event is not None]

    async def here(self) -> None:
        """Until the console says that it listens."""
        async with asyncio.timeout(PATIENCE):
            while (await self._lines.readline()) != b": here\n":
                pass


@asynccontextmanager
async def watching(client: Client, since: str | None = None) -> AsyncIterator[Stream]:
    """Somebody looks on."""
    headers = {"Authorization": f"Bearer {client.token}"} | ({"Last-Event-ID": since} if since else {})
    async with client.session.get(f"{client.base}/api/v1/stream", headers=headers) as response:
        assert response.content_type == "text/event-stream"
        found = Stream(response)
        await found.here()
        yield found


async def test_each_change_comes_in_order(scene: Scene) -> None:
    """Raised, added to, taken: what comes last is what it is."""
    ana = await scene.user("ana")
    async with watching(ana) as rows:
        [alert_id] = scene.find(make_finding("one"))
        [first] = await rows.rows(1)
        assert (first["alert_id"], first["version"], first["status"]) == (alert_id, 1, "open")
        scene.find(make_finding("two"))
        await ana.do(alert_id, "acknowledge")
        seen = [first]
        while seen[-1]["status"] != "acknowledged":
            seen += await rows.rows(1)
        assert [row["version"] for row in seen] == sorted({row["version"] for row in seen})
        assert (seen[-1]["version"], seen[-1]["findings"]) == (3, 2)


async def test_a_snooper_with_many_lookups_is_a_row_and_not_a_flood(scene: Scene) -> None:
    """What changed many times between two looks is told once."""
    ana = await scene.user("ana")
    async with watching(ana) as rows:
        scene.find(*(make_finding(f"look-{n}") for n in range(100)))
        seen = await rows.rows(1)
        while seen[-1]["findings"] < 100:
            seen += await rows.rows(1)
    assert len(seen) < 10


async def test_who_comes_back_has_missed_nothing(scene: Scene) -> None:
    """A browser says what it saw last."""
    ana = await scene.user("ana")
    async with watching(ana) as rows:
        scene.find(make_finding("one"))
        last = await rows.event()
    assert last is not None
    scene.find(*(make_finding(f"more-{n}", staff=f"w5{n}") for n in range(5)))
    async with watching(ana, last["id"]) as rows:
        scene.find(make_finding("last", staff="w600"))
        assert [r["who"]["staff"] for r in await rows.rows(6)] == [*(f"w5{n}" for n in range(5)), "w600"]


@pytest.mark.parametrize("cut_after", [1, 2, 3])
async def test_a_connection_cut_between_two_pieces_leaves_no_gap(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, cut_after: int
) -> None:
    """An alert that changes again in a later piece is not named as if all between had been told."""
    monkeypatch.setattr(live, "PIECE", 2)
    ana = await scene.user("ana")
    async with watching(ana) as rows:
        begin = now_ms()
        with scene.store.writing() as writing:
            for n, staff in enumerate(("w1", "w2", "w3", "w1")):
                hear(writing, make_finding(f"look-{n}", staff=staff), place(n), writing.moment(begin + n))
        events = [await rows.event() for _ in range(cut_after)]
    assert events[-1] is not None
    seen = {orjson.loads(event["data"])["who"]["staff"] for event in events if event is not None}
    async with watching(ana, events[-1]["id"]) as rows:
        scene.find(make_finding("last", staff="w600"))
        while "w600" not in seen:
            seen |= {row["who"]["staff"] for row in await rows.rows(1)}
    assert seen == {"w1", "w2", "w3", "w600"}


async def test_nobody_sees_what_is_kept_from_them(scene: Scene) -> None:
    """About themselves, about their chief; not even that something passed."""
    ana, ivo = await scene.user("ana"), await scene.user("ivo")
    async with watching(ana) as hers, watching(ivo) as his:
        scene.find(make_finding("self", "s21"), make_finding("chief", "w001"), make_finding("other", "w500"))
        assert [r["who"]["staff"] for r in await his.rows(3)] == ["s21", "w001", "w500"]
        [row] = await hers.rows(1)
        assert row["who"]["staff"] == "w500"


async def test_a_page_without_an_alert_misses_none(scene: Scene) -> None:
    """What is raised between its making and its listening comes, too; of what is kept from somebody nothing is told."""
    ana = await scene.user("ana")
    scene.find(make_finding("one"), make_finding("self", "s21"))
    async with watching(ana, live.BEGINNING) as rows:
        assert [row["who"]["staff"] for row in await rows.rows(1)] == ["w017"]


@pytest.mark.parametrize("kept", [True, False])
async def test_how_much_was_kept_from_somebody_is_not_told(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """After too much to be told one by one the page is read again; not where all of it was kept from them."""
    ana = await scene.user("ana")
    [alert_id] = scene.find(make_finding("one"))
    scene.find(*(make_finding(f"n{n}", "s21" if kept else f"w5{n}") for n in range(9)))
    monkeypatch.setattr(live, "MISSED_MAX", 5)
    async with watching(ana, f"{alert_id}.1") as rows:
        scene.find(make_finding("last", staff="w600"))
        event = await rows.event()
        assert event is not None
        assert event["event"] == ("alert" if kept else "missed")


@pytest.mark.parametrize("since", ["nonsense", "a_" + "0" * 32 + ".1", "a_" + "0" * 32 + ".999999999999", "."])
async def test_who_names_what_is_not_there_reads_the_page_again(scene: Scene, since: str) -> None:
    """Then nothing is missed, either."""
    ana = await scene.user("ana")
    async with watching(ana, since) as rows:
        event = await rows.event()
        assert event is not None
        assert event["event"] == "missed"


async def test_what_is_kept_from_somebody_cannot_be_named_either(scene: Scene) -> None:
    """Or it could be told that it is there."""
    ana = await scene.user("ana")
    [kept] = scene.find(make_finding("self", "s21"))
    async with watching(ana, f"{kept}.1") as rows:
        event = await rows.event()
        assert event is not None
        assert event["event"] == "missed"


async def test_a_slow_reader_is_told_to_read_the_page_again(scene: Scene) -> None:
    """Nobody else waits for them, and what they are told is whole up to there."""
    with scene.live.looking_on("w9", frozenset()) as slow:
        slow.room = 3
        ana = await scene.user("ana")
        async with watching(ana) as rows:
            scene.find(*(make_finding(f"look-{n}", staff=f"w{n}") for n in range(9)))
            assert len(await rows.rows(9)) == 9
        async with asyncio.timeout(PATIENCE):
            await slow.news()
        assert [b'"staff":"w%d"' % n in row.event for n, row in enumerate(slow.take())] == [True] * 3
        assert slow.missed == 6
        scene.find(make_finding("later", staff="w77"))
        async with asyncio.timeout(PATIENCE):
            await slow.news()
        assert (slow.take(), slow.missed) == ([], 7)


async def test_a_reader_without_room_gets_what_had_room_and_then_an_end(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With how many it has missed, so that the page can say so."""
    monkeypatch.setattr(live, "WAITING_MAX", 3)
    ana = await scene.user("ana")
    async with watching(ana) as rows:
        scene.find(*(make_finding(f"look-{n}", staff=f"w{n}") for n in range(60)))
        events: list[dict[str, str]] = []
        while event := await rows.event():
            events.append(event)
    assert [event["event"] for event in events] == ["alert"] * (len(events) - 1) + ["missed"]
    assert orjson.loads(events[-1]["data"]) == {"missed": 60 - (len(events) - 1)}


async def test_who_takes_nothing_is_let_go_of(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that nobody reads from must not be held for ever."""
    monkeypatch.setattr(stream, "TAKE_SECONDS", 0.2)
    monkeypatch.setattr(stream, "_piece", lambda rows: b": %s\n" % (b"much" * 1_000) * 10_000)
    ana = await scene.user("ana")
    async with watching(ana) as rows:
        assert scene.live.readers == 1
        scene.find(make_finding("one"))
        async with asyncio.timeout(PATIENCE):
            while scene.live.readers:  # noqa: ASYNC110 - it happens in the console
                await asyncio.sleep(0.01)
            with pytest.raises(aiohttp.ClientError):
                await rows.event()


async def test_signed_out_is_the_end_of_the_stream(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a beat, which is a quarter of a minute."""
    assert stream.BEAT_SECONDS <= 30
    monkeypatch.setattr(stream, "BEAT_SECONDS", 0.05)
    ana = await scene.user("ana")
    async with watching(ana) as rows:
        await ana.ask("DELETE", "/api/v1/sessions/current")
        assert await rows.event() is None


async def test_nobody_takes_the_places_of_all(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """One person's windows are counted; another's open all the same."""
    monkeypatch.setattr(stream, "OWN_MAX", 2)
    ana, ivo = await scene.user("ana"), await scene.user("ivo")
    async with watching(ana), watching(ana):
        refused = await ana.get("/stream")
        assert (refused.status, "Retry-After" in refused.headers) == (429, True)
        async with watching(ivo):
            assert scene.live.readers == 3
    async with watching(ana):
        pass


async def test_who_is_nobody_any_more_hears_no_more(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their account has ended; the stream ends in good order, and is no second answer in the first."""
    monkeypatch.setattr(stream, "BEAT_SECONDS", 0.05)
    ana = await scene.user("ana")
    async with watching(ana) as rows:
        ended = account("ana", STAFF["ana"], source="console", revision=2, valid_to="2026-01-01")
        scene.facts.knowledge.learn(99, registered(ended))
        assert await rows.event() is None
        assert rows.other == []


async def test_who_takes_rows_slowly_is_asked_for_their_sign_in_all_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is always one more for them, so they never wait for one."""
    monkeypatch.setattr(stream, "BEAT_SECONDS", 0.05)
    told, tell = 0, stream._tell

    async def one_more(response: Any, words: bytes) -> None:
        nonlocal told
        told += 1
        await tell(response, words)
        for reader in scene.live._readers:
            reader.put([live.Row("a", told, b": one more\n", frozenset())])
        await asyncio.sleep(0)

    monkeypatch.setattr(stream, "_tell", one_more)
    ana = await scene.user("ana")
    async with watching(ana) as rows:
        scene.find(make_finding("one"))
        await rows.rows(1)
        await ana.ask("DELETE", "/api/v1/sessions/current")
        assert await rows.event() is None


async def test_who_comes_to_stand_otherwise_begins_anew(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new chief must be kept from them from now on."""
    monkeypatch.setattr(stream, "BEAT_SECONDS", 0.05)
    ana = await scene.user("ana")
    async with watching(ana) as rows:
        scene.facts.knowledge.learn(99, registered(supervision("w002", "s21")))
        assert await rows.event() is None
