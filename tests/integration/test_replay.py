"""`needtoknow replay` on a real Kafka: a day judged once more, as known then, as known now, by another policy."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from schemas.codec import encode
from schemas.finding import Finding
from schemas.ids import format_instant
from tests.faults.harness import Running, running
from tests.harness.broker import SharedBroker, new_namespace
from tests.harness.builders import assignment, supervision
from tests.integration.tale import Tale
from tests.integration.test_judged_again import write_fact


@dataclass(frozen=True)
class Told:
    """A service at rest after a day: one accused, one cleared by somebody they supervise, one whose duty came late."""

    service: Running
    tale: Tale
    snooper: str
    chief: str
    late: str
    case: str
    between: str  # an instant before any access was stored

    def published(self) -> list[Finding]:
        """Every transition; partitions are read in no order."""
        return sorted(self.service.findings(), key=lambda finding: (finding.finding_id, finding.position))

    def replay(self, *arguments: str) -> tuple[int, list[dict[str, Any]], dict[str, Any]]:
        """Exit code, differences, summary."""
        before = self.published()
        code, out, _ = self.service.command("replay", "--json", *arguments)
        *differences, summary = map(json.loads, out.splitlines())
        assert self.published() == before
        return code, differences, summary


@pytest.fixture(scope="module")
def told(kafka: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The day is judged, corrected, and the worker is gone."""
    with running(kafka.bootstrap, tmp_path_factory.mktemp("replay"), new_namespace()) as one:
        one.service.start_workers(1)
        tale = Tale(1, one)
        worker, snooper, chief, late = (tale.hires(word) for word in ("w", "x", "s", "l"))
        case = tale.name("case:c")
        tale.learn(assignment(worker, case, **tale.fields()), supervision(chief, worker, **tale.fields()))
        tale.play()
        one.wait_idle()
        between = format_instant(int(time.time() * 1000))
        tale.pass_to(tale.at("14:00"))
        for who in (worker, snooper, chief, late):  # no feed has spoken of that time: all but the explained wait
            tale.see(who, "view", case)
        tale.play()
        one.wait_idle()
        tale.ends()
        tale.told()
        tale.learn(assignment(late, case, **tale.fields(recorded_at=tale.at("23:30"))))
        tale.told()
        one.wait_idle()
        one.service.stop()
        yield Told(one, tale, snooper, chief, late, case, between)


@pytest.mark.parametrize("as_known", ["then", "now"])
def test_what_was_said_would_be_said_again(told: Told, as_known: str) -> None:
    """By the facts of then, and by those of now: a correction that was published is no difference to either."""
    code, differences, summary = told.replay("--from", "1h", "--as-known", as_known)
    assert (code, differences, summary["is_the_same"]) == (0, [], True)
    assert (summary["messages"], summary["accesses"], summary["unjudged"], summary["waiting"]) == (4, 4, 0, 0)
    code, page, _ = told.service.command("replay", "--from", "1h", "--as-known", as_known)
    assert (code, "no difference: what " in page.splitlines()[-1]) == (0, True)


@pytest.mark.parametrize("as_known", ["then", "now"])
def test_another_policy_shows_what_it_would_have_said(told: Told, tmp_path: Path, as_known: str) -> None:
    """Without supervision the chief would be a finding; the others would be as they are."""
    built_in = files("streams.policy").joinpath("default.toml").read_text(encoding="utf-8")
    stricter = tmp_path / "stricter.toml"
    stricter.write_text(built_in.replace("[paths.supervises]\nenabled = true", "[paths.supervises]\nenabled = false"))
    code, [one], summary = told.replay("--from", told.between, "--as-known", as_known, "--policy", str(stricter))
    assert (code, summary["differences"]["raised"]) == (1, 1)
    assert (one["change"], one["before"], one["after"]["staff"]) == ("raised", None, told.chief)
    assert one["after"]["outcome"] == "unexplained"


def test_only_messages_of_the_range_and_of_the_source_are_judged(told: Told) -> None:
    """By when the broker stored them."""
    for arguments in (("--from", "1h", "--to", told.between), ("--from", "1h", "--source", "jnet")):
        code, _, summary = told.replay(*arguments)
        assert (code, summary["messages"]) == (3, 0)
    code, _, complaint = told.service.command("replay", "--from", told.between, "--to", "1h")
    assert (code, "--from must be before --to" in complaint) == (2, True)
    code, _, complaint = told.service.command("replay", "--from", "yesterday")
    assert (code, "RFC 3339" in complaint) == (2, True)
    code, _, complaint = told.service.command("replay", "--from", "1h", "--policy", __file__)
    assert (code, "is not TOML" in complaint) == (2, True)


def test_the_nightly_verify_looks_at_what_was_stored_since(told: Told) -> None:
    """Nothing of before is read again, and what is there is held to as much."""
    whole, day = told.service.document("verify"), told.service.document("verify", "--since", told.between)
    assert (whole["verified"], whole["since"], day["verified"], day["since"]) == (True, None, True, told.between)
    assert (day["messages"], day["cuts"], day["past"], day["unjudged"]) == (4, whole["cuts"], 0, 0)
    assert day["findings"] == whole["findings"] > 0
    code, page, _ = told.service.command("verify", "--since", told.between)
    assert (code, page.splitlines()[0]) == (0, f"what was stored since {told.between}, and nothing of before")


def test_where_there_is_nothing_to_look_at_nothing_is_verified_and_nothing_the_same(told: Told) -> None:
    """A night in which nothing came, the wrong Kafka, the dates of accesses in place of those of messages."""
    nightly = ("verify", "--since", format_instant(int(time.time() * 1000)))
    code, page, _ = told.service.command(*nightly)
    assert (code, page.splitlines()[-1].startswith("NOT verified: there was nothing to look at")) == (3, True)
    now = told.service.document(*nightly)
    assert (now["verified"], now["differences"], now["messages"], now["cuts"]) == (False, [], 0, 0)
    code, _, complaint = told.service.command("verify", "--since", "2999-01-01T00:00:00Z")
    assert (code, "is still to come" in complaint) == (2, True)
    happened = ("replay", "--from", "2026-01-05T00:00:00Z", "--to", "2026-01-06T00:00:00Z")
    code, page, _ = told.service.command(*happened)
    assert (code, "no message was stored in that range" in page) == (3, True)
    code, page, _ = told.service.command(*happened, "--json")
    assert (code, json.loads(page)["is_the_same"]) == (3, False)


def test_what_nobody_has_said_yet_differs_as_known_now_and_not_as_known_then(told: Told) -> None:
    """No worker runs: the fact clears the snooper in time to be known late, and takes the first duty back."""
    tale = told.tale
    write_fact(told.service, assignment(told.snooper, told.case, **tale.fields(recorded_at=tale.at("23:40"))))
    code, [one], _ = told.replay("--from", "1h")
    assert (code, one["change"], one["before"]["outcome"]) == (1, "revised", "unexplained")
    assert (one["after"]["outcome"], one["after"]["staff"]) == ("late", told.snooper)
    code, page, _ = told.service.command("replay", "--from", "1h")
    assert (code, "WOULD BE REVISED (outcome from unexplained to late, severity" in page) == (1, True)
    code, differences, _ = told.replay("--from", "1h", "--as-known", "then")
    assert (code, differences) == (0, [])


def test_the_nightly_verify_says_no_when_a_finding_was_forged(told: Told) -> None:
    """Somebody with the worker's password turns an accusation into something milder."""
    standing = next(f for f in told.service.findings() if f.staff == told.snooper)
    forged = standing.model_copy(update={"position": standing.position + 1, "outcome": "revoked"})

    write(told, told.service.topics.violations, encode(forged))
    code, page, _ = told.service.command("verify", "--since", told.between)
    assert code == 1
    assert f"finding {standing.finding_id}: another verdict follows from its message" in page


@pytest.mark.parametrize("as_known", ["then", "now"])
def test_what_was_set_aside_is_not_looked_at_again(told: Told, as_known: str) -> None:
    """It would end the command as it ended the workers; how much was left out is told."""
    standing = next(f for f in told.service.findings() if f.staff == told.snooper)
    at = standing.message
    place = f"{at.topic}/{at.partition}/{at.offset}"
    headers = {"topic": at.topic, "partition": str(at.partition), "offset": str(at.offset), "stage": "quarantine"}
    said = [(f"needtoknow.errors.{name}", text.encode()) for name, text in headers.items()]
    write(told, told.service.topics.dead_letters, None, place, said)
    _, differences, summary = told.replay("--from", told.between, "--as-known", as_known)
    assert (summary["messages"], summary["accesses"], summary["quarantined"]) == (4, 3, 1)
    assert place not in [one["message"] for one in differences]


def write(
    told: Told, topic: str, value: bytes | None, key: str | None = None, headers: Sequence[tuple[str, bytes]] = ()
) -> None:
    """Somebody with the worker's password writes what they like."""

    async def send() -> None:
        async with AIOKafkaProducer(bootstrap_servers=told.service.service.bootstrap) as producer:
            named = None if key is None else key.encode()
            await producer.send_and_wait(topic, value, named, headers=list(headers))

    asyncio.run(send())
