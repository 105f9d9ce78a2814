"""Promise 16 on a real broker with TLS, passwords and deny-by-default: a source can only be itself."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final

import pytest

from deploy.kafka.cluster import carry_out
from deploy.kafka.credentials import Keeper
from deploy.kafka.plan import EVERYTHING, LITERAL, OPERATIONS, RESOURCES, Acl, Plan
from deploy.local.service import Service
from schemas.codec import encode
from schemas.errors import NotReadyError
from schemas.principals import SOURCE_BYTES, principals
from schemas.topics import SOURCES, Topics
from sinks.kafka import Broker, Message, admin, producer, read_topic, run
from sinks.letter_rules import not_ours_to_write
from streams.ready import wait_for_topics
from tests.faults.harness import FAULTY, until
from tests.harness.attempts import ON_TOPICS, slowed_ms
from tests.harness.builders import assignment, make_access
from tests.harness.principals import (
    ADMIN,
    Said,
    call,
    expected,
    expected_beside,
    secure_topics,
    tried,
    tried_beside,
)
from tests.harness.secured import Secured, secured_broker

pytestmark = pytest.mark.timeout(400)  # whichever is first starts the broker, which takes a minute on a busy machine

TRIED: Final = "tried."  # an installation whose topics hold whatever could be written there
LIVE: Final = "live."
WAIT: Final = 150.0  # seconds for a whole service; a quiet machine needs two
SHARE: Final = 1_000  # bytes a second
TOO_MUCH: Final = 15 * SHARE
"""Kafka looks at ten seconds, so it is too much however slow we are; and soon over, since until then a connection does
not close."""
EXAMPLE: Final = Path("deploy/example")
DAY: Final = "2026-01-06T00:00:00Z"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """With two installations on it."""
    with secured_broker(tmp_path_factory.mktemp("secured"), print) as one:
        for prefix in (TRIED, LIVE):
            secure_topics(one, prefix)
        yield one


def live(broker: Secured, who: str, *arguments: str, **settings: str) -> Said:
    """`needtoknow` as this principal of the live installation."""
    ours = {"NTK_TOPIC_PREFIX": LIVE, "NTK_GROUP": f"{LIVE}needtoknow", **settings}
    return call(broker, f"{LIVE}{who}", "needtoknow", *arguments, **ours)


def apply(broker: Secured, *arguments: str, who: str = ADMIN, **settings: str) -> Said:
    """The command that secures, for the installation of attempts."""
    ours = {"NTK_TOPIC_PREFIX": TRIED, "NTK_GROUP": f"{TRIED}needtoknow", **settings}
    return call(broker, who, "deploy.kafka", "apply", "--credentials", str(broker.credentials), *arguments, **ours)


def test_only_the_listed_pairs_succeed(broker: Secured) -> None:
    """Every principal tries nine things on every topic; the broker lets happen what the table says, and no more."""
    found, due = tried(broker, TRIED), expected(TRIED)
    assert len(due) == len(principals(Topics(TRIED))) * len(Topics(TRIED).all())
    assert {pair: could for pair, could in found.items() if could != due[pair]} == {}
    assert found.keys() == due.keys()
    topics, sources = Topics(TRIED), [name for name in SOURCES if name != "console"]
    writers = {name: {t for (who, t), could in found.items() if who == name and "write" in could} for name, _ in found}
    assert {writers[f"{TRIED}source-{s}"] == {topics.access(s)} for s in sources} == {True}
    assert {attempt for could in found.values() for attempt in could} == {*ON_TOPICS} - {
        "alter",
        "delete",
        "delete_messages",
    }


def test_nobody_gets_at_groups_transactions_rules_or_users(broker: Secured) -> None:
    """What would let them at topics by another way. Workers join their own group, and no other."""
    assert tried_beside(broker, TRIED) == expected_beside(TRIED)


def test_an_access_goes_from_its_source_to_an_alert(broker: Secured, tmp_path: Path) -> None:
    """Each step by the principal whose it is; another source's is refused. What a stolen credential says of another
    is not judged, and its owner is told."""
    settings = {
        "NTK_SETTINGS_FILE": str(broker.file(f"{LIVE}worker")),
        "NTK_GROUP": f"{LIVE}needtoknow",
        **FAULTY,
    }
    service = Service(broker.kafka.bootstrap, tmp_path, prefix=LIVE, settings=settings)
    try:
        service.launch()
        console = service.start_console("ana:analyst", NTK_SETTINGS_FILE=str(broker.file(f"{LIVE}console")))
        for feed, file in (("staff", "staff.jsonl"), ("cases", "cases.jsonl"), ("assignments", "assignments.csv")):
            loading = ("load", str(EXAMPLE / file), "--feed", feed, "--complete-through", DAY)
            assert live(broker, f"feed-{feed}", *loading).code == 0
        sending = ("send", str(EXAMPLE / "accesses.jsonl"), "--source", "ecms")
        refused = live(broker, "source-irss", *sending)
        assert refused.code == 3
        assert f"{LIVE}source-irss may not use topic {LIVE}access.ecms.v1 at {broker.kafka.bootstrap}" in refused.err
        sent = live(broker, "source-ecms", *sending)
        assert (sent.code, sent.err) == (0, ""), sent
        until(lambda: status(broker)["idle"], "not idle", WAIT)
        assert status(broker)["findings"] == {"unexplained": 1}
        verified = live(broker, "operator", "verify", "--json")
        assert verified.code == 0, verified
        assert json.loads(verified.out)["differences"] == []
        forge(broker)
        until(lambda: told(service) == (1, 1), "not counted for the owners of both topics", WAIT)
        assert classes(broker) == ["SpeaksForAnotherError", "SpeaksForAnotherError"]
        until(lambda: 'unclosed_alerts{severity="medium",status="open"} 1.0' in console.metrics(), "no alert", WAIT)
        for process in (*service.workers, console):
            assert "uthoriz" not in process.log_file.read_text()
    finally:
        service.stop()


def forge(broker: Secured) -> None:
    """Whoever has got a credential says with it what only another may say: on ecms' topic, and on the staff feed's."""
    access = {**json.loads((EXAMPLE / "accesses.jsonl").read_text().splitlines()[0]), "source": "jnet"}
    fact = {
        "fact_id": "forged",
        "revision": 1,
        "valid_from": "2026-01-05T00:00:00.000Z",
        "valid_to": None,
        "recorded_at": "2026-01-05T08:00:00.000Z",
        "void": False,
        "body": {
            "kind": "assignment",
            "staff": "w017",
            "record": {"kind": "case", "id": "c0042"},
            "role": "management",
        },
    }
    topics = Topics(LIVE)
    for who, topic, value in (
        ("source-ecms", topics.access("ecms"), access),
        ("feed-staff", topics.feed("staff"), fact),
    ):
        kafka = Broker(broker.kafka.bootstrap, 30, broker.settings(f"{LIVE}{who}").security)
        run(_stored(kafka, topic, json.dumps(value).encode()), kafka)


async def _stored(kafka: Broker, topic: str, value: bytes) -> None:
    async with producer(kafka) as client:
        await client.send_and_wait(topic, value, key=b"forged")


def classes(broker: Secured) -> list[str]:
    """What the dead letters of the live installation are, as its operator reads them."""
    kafka = Broker(broker.kafka.bootstrap, 30, broker.settings(f"{LIVE}operator").security)

    async def read() -> list[Message]:
        async with aclosing(read_topic(kafka, Topics(LIVE).dead_letters)) as messages:
            return [message async for message in messages]

    return [dict(letter.headers)["needtoknow.errors.class"].decode() for letter in run(read(), kafka)]


def told(service: Service) -> tuple[float, float]:
    """How often it was counted that somebody spoke for another on these two topics, and nothing on any other."""
    counted = re.findall(
        r"^needtoknow_(?:feed_)?spoke_for_another_total(.*) ([^0].*)$", service.workers[0].metrics(), re.M
    )
    found = {labels: float(number) for labels, number in counted if float(number)}
    assert found.keys() <= {'{source="ecms"}', '{feed="staff"}'}
    return found.get('{source="ecms"}', 0), found.get('{feed="staff"}', 0)


def status(broker: Secured) -> dict[str, Any]:
    """As the operator sees the live installation."""
    found: dict[str, Any] = json.loads(live(broker, "operator", "status", "--json").out)
    return found


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"NTK_KAFKA_PASSWORD": "somebody-elses"},
            "authentication failed as {who} (user or password is wrong) at {where}",
        ),
        ({"NTK_KAFKA_USERNAME": "nobody"}, "authentication failed as nobody (user or password is wrong) at {where}"),
        ({"NTK_KAFKA_MECHANISM": "SCRAM-SHA-256"}, "authentication failed as {who} (not by SCRAM-SHA-256) at {where}"),
        ({"NTK_KAFKA_CA_FILE": "{broker}"}, "the broker's certificate is not to be trusted"),
        ({"NTK_KAFKA_CA_FILE": "{nowhere}"}, "NTK_KAFKA_CA_FILE: {nowhere}: No such file or directory"),
    ],
)
def test_who_is_not_let_in_is_told_why_and_at_once(
    broker: Secured, settings: dict[str, str], said: str, tmp_path: Path
) -> None:
    """Exit code 3 and one line, without the password; nobody waits a minute for what waiting cannot mend."""
    # A certificate of its own, and so of another authority.
    words = {"broker": str(broker.ca.parent / "broker.crt"), "nowhere": str(tmp_path / "nowhere")}
    given = {name: value.format(**words) for name, value in settings.items()}
    told = live(broker, "source-ecms", "send", str(EXAMPLE / "accesses.jsonl"), "--source", "ecms", **given)
    expected_words = said.format(who=f"{LIVE}source-ecms", where=broker.kafka.bootstrap, **words)
    assert (told.code, told.out) == (3, "")
    assert told.err.strip().startswith(f"needtoknow: {expected_words}")
    assert "somebody-elses" not in told.err
    assert len(told.err.splitlines()) == 1


def test_a_source_may_ask_which_kafka_it_follows_its_log_to(broker: Secured, tmp_path: Path) -> None:
    """The cluster's id and the ends of its own topic: it needs no right but to write there."""
    sending = ("send", "--follow", "--once", str(EXAMPLE / "accesses.jsonl"), "--source", "ecms", "--json")
    counts = []
    for _ in range(2):
        told = live(broker, "source-ecms", *sending, NTK_DATA_DIR=str(tmp_path))
        assert told.code == 0, told.err
        counts.append(json.loads(told.out)["out"])
    assert (counts[0] != 0, counts[1]) == (True, 0)


def test_a_worker_that_may_not_see_its_topics_does_not_start(broker: Secured) -> None:
    """It says whose they are not, and no longer that they are missing."""
    settings = broker.settings(f"{LIVE}source-ecms")
    with pytest.raises(NotReadyError, match=r"live\.source-ecms may not use topic live\.access.* and 18 more at"):
        asyncio.run(wait_for_topics(settings))


def test_what_is_as_it_should_be_stays_and_what_is_not_is_put_right(broker: Secured) -> None:
    """A dry run does nothing and says what there is to do; no run prints a password."""
    assert apply(broker).out == f"{len(principals(Topics(TRIED)))} principals are as they should be\n"
    dry = apply(broker, "--dry-run", "--rotate", f"{TRIED}source-jnet")
    assert (dry.code, dry.out) == (1, f"rotate  user {TRIED}source-jnet\n")
    assert apply(broker, "--dry-run").code == 0
    other = apply(broker, "--dry-run", NTK_TOPIC_PREFIX="other.", NTK_GROUP="other")
    assert other.code == 1
    assert f"set     quota other.source-ecms sends {SOURCE_BYTES:,} bytes/s" in other.out.splitlines()
    assert "add     User:other.worker may read group other" in other.out.splitlines()
    assert "remove" not in other.out
    assert not broker.file("other.worker").exists()


def test_what_was_done_by_hand_is_undone_and_what_is_gone_is_taken_away(broker: Secured) -> None:
    """Of a stranger who was let in, and of a system that is in the table no more; once, and not again."""
    where = broker.settings(ADMIN)
    kafka = Broker(where.broker, 30, where.security)
    retired, topic = f"{TRIED}source-oldsys", f"{TRIED}access.ecms.v1"
    stranger = Acl("User:mallory", RESOURCES["topic"], topic, LITERAL, OPERATIONS["write"])
    wide = Acl("User:backup", RESOURCES["topic"], EVERYTHING, LITERAL, OPERATIONS["read"])
    by_hand = Plan(new_users=(retired,), quotas=((retired, 7.0),), new_acls=(stranger, wide))
    run(_carried_out(kafka, by_hand, Keeper(broker.credentials / "old", where)), kafka)
    until(lambda: apply(broker, "--dry-run").out.count("\n") == 4, "not seen by the broker")
    undone = apply(broker)
    assert (undone.code, undone.out.splitlines()) == (
        1,
        [
            f"remove  user {retired}",
            f"remove  quota of {retired}",
            f"remove  User:mallory may write topic {topic}",
            "strange User:backup may read topic *",
        ],
    )
    assert apply(broker).out == "strange User:backup may read topic *\n"
    run(_carried_out(kafka, Plan(gone_acls=(wide,)), Keeper(broker.credentials, where)), kafka)
    until(lambda: apply(broker, "--dry-run").code == 0, "still something to do")


def test_what_may_not_be_replayed_keeps_nothing_else_from_it(broker: Secured) -> None:
    """Refused facts stay for their system; every access beside them goes back, is recorded, and is not sent again."""
    topics, worker = Topics(TRIED), broker.settings(f"{TRIED}worker")
    access, fact = encode(make_access()), encode(assignment(staff="w028"))
    letters = [(topics.access("ecms"), offset, "translate", access) for offset in (9_001, 9_002, 9_003)]
    letters.insert(1, (topics.feed("assignments"), 9_004, "register", fact))

    async def set_aside() -> None:
        async with producer(Broker(worker.broker, 30, worker.security)) as client:
            for topic, offset, stage, value in letters:
                words = {"topic": topic, "partition": "0", "offset": str(offset), "stage": stage}
                headers = [(f"needtoknow.errors.{name}", text.encode()) for name, text in words.items()]
                await client.send_and_wait(topics.dead_letters, value, headers=headers)

    asyncio.run(set_aside())
    command = ("dead-letters", "replay", *(f"{topic}/0/{offset}" for topic, offset, *_ in letters), "--json")
    first, again = (call(broker, f"{TRIED}replayer", "needtoknow", *command, NTK_TOPIC_PREFIX=TRIED) for _ in range(2))
    assert (first.code, again.code) == (1, 1), (first, again)
    said = [json.loads(each.out) for each in (first, again)]
    assert [(each["replayed"], each["passed_over"]) for each in said] == [(3, {}), (0, {"replayed": 3})]
    assert [each["not_for_replay"] for each in said] == [{not_ours_to_write(topics.feed("assignments")): 1}] * 2


def test_who_sends_more_than_their_share_is_slowed_down(broker: Secured) -> None:
    """By the principal, whatever it sends to; here with a share that is soon used up. `apply` puts it back."""
    name, topic = f"{TRIED}source-accurint", f"{TRIED}access.accurint.v1"
    where = broker.settings(ADMIN)
    kafka = Broker(where.broker, 30, where.security)
    assert asyncio.run(slowed_ms(broker.settings(name), topic, SHARE)) == 0
    run(_carried_out(kafka, Plan(quotas=((name, float(SHARE)),)), Keeper(broker.credentials, where)), kafka)
    until(lambda: asyncio.run(slowed_ms(broker.settings(name), topic, TOO_MUCH)), "not slowed down")
    assert asyncio.run(slowed_ms(broker.settings(f"{TRIED}receive"), topic, TOO_MUCH)) == 0
    until(lambda: apply(broker, "--dry-run").code == 1, "not seen by the broker")
    assert apply(broker).out == f"set     quota {name} sends {SOURCE_BYTES:,} bytes/s\n"


async def _carried_out(kafka: Broker, todo: Plan, keeper: Keeper) -> None:
    async with admin(kafka) as client:
        await carry_out(client, todo, keeper)


def test_a_rotated_password_is_the_only_one(broker: Secured) -> None:
    """The old one is no longer let in, the new one is."""
    name, old = f"{TRIED}source-paper", broker.settings(f"{TRIED}source-paper").kafka_password.get_secret_value()
    rotated = apply(broker, "--rotate", name)
    assert (rotated.code, rotated.out) == (0, f"rotate  user {name}\n"), rotated
    new = broker.settings(name).kafka_password.get_secret_value()
    assert new not in rotated.out + rotated.err
    looking, prefix = ("status", "--json"), {"NTK_TOPIC_PREFIX": TRIED}
    refused = call(broker, name, "needtoknow", *looking, **prefix, NTK_KAFKA_PASSWORD=old)
    assert (refused.code, "authentication failed" in refused.err) == (3, True)
    let_in = call(broker, name, "needtoknow", *looking, **prefix)  # and not let at what is not its own
    assert (let_in.code, "may not use topic" in let_in.err) == (3, True)


def test_the_command_refuses_what_it_could_not_keep_secret(broker: Secured) -> None:
    """In the open, by somebody who may not, or for somebody who is not in the table."""
    settings = {"NTK_SETTINGS_FILE": str(Path("/dev/null"))}
    in_the_open = apply(broker, "--broker", broker.kafka.bootstrap, **settings)
    assert (in_the_open.code, "without TLS anybody could read along" in in_the_open.err) == (2, True)
    by_another = apply(broker, who=f"{TRIED}operator")
    assert by_another.code == 3
    assert "ClusterAuthorizationFailedError" in by_another.err
    assert apply(broker, "--rotate", "mallory").code == 2
