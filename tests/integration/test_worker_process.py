"""A worker as a process: how it starts, how it refuses to, how it ends, and what it says of itself."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Final
from urllib.request import ProxyHandler, build_opener

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from deploy.local.ports import HOST, free_port
from deploy.local.service import Service, Worker
from schemas.access import Access
from schemas.fact import Fact
from schemas.ledger import Cut
from schemas.metrics import CATALOGUE
from tests.faults.harness import Running, running, until
from tests.faults.poison import poison
from tests.harness.broker import SharedBroker, new_namespace
from tests.harness.builders import account, assignment
from tests.harness.department import make_day
from tests.harness.group import members
from tests.harness.proxy import Proxy
from tests.harness.steps import Step
from tests.harness.timeline import Story

STOP_SECONDS: Final = 10.0  # what a worker promises after SIGTERM
SESSION_SECONDS: Final = 20
LONG_SESSION: Final = {"NTK_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS)}
"""A worker that went without leaving the group would be missed only after so long."""
TAKEN_OVER_SECONDS: Final = 15.0  # design section 13
ROOT_CAUSE: Final = "Traceback"
PAUSES: Final = """
            import pathlib, time
            here = pathlib.Path(__file__).parent
            (here / "looked").touch()
            while not (here / "go").exists():
                time.sleep(0.05)
"""
"""For `poison`: says that it has come here, and goes on when it is told."""


def test_a_worker_without_a_broker_says_where_it_looked(tmp_path: Path) -> None:
    """After trying for as long as it was told to; code 3 says that the world is not ready."""
    address = f"{HOST}:{free_port()}"
    began = time.monotonic()
    done = Service(address, tmp_path).command("worker", "--timeout", "2")
    assert done.returncode == 3
    assert address in done.stderr.splitlines()[-1]
    assert ROOT_CAUSE not in done.stderr
    assert 2 <= time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("module", "function"),
    [
        ("app", "build_app"),
        ("broadcast", "Broadcast.on_start"),
        ("agents.corrections", "Corrections.on_start"),
        ("consumer_thread", "ConsumerThread.on_start"),
    ],
)
def test_a_broker_that_goes_away_between_first_look_and_start_is_waited_for(
    kafka: SharedBroker, namespace: str, tmp_path: Path, module: str, function: str
) -> None:
    """Whatever connects first without it, saying so; once it is back the worker works."""
    with leaving(kafka, namespace, tmp_path, module, function) as (one, worker, proxy):
        until(lambda: "waiting for Kafka" in worker.log_file.read_text(), "it does not say that it waits")
        proxy.mend()
        one.service.wait_ready(worker)


@pytest.mark.parametrize(("module", "function"), [("app", "build_app"), ("consumer_thread", "ConsumerThread.on_start")])
def test_a_broker_that_goes_away_before_the_start_and_stays_away_is_not_there(
    kafka: SharedBroker, namespace: str, tmp_path: Path, module: str, function: str
) -> None:
    """As at the first look: the world is not ready, and in one line why."""
    with leaving(kafka, namespace, tmp_path, module, function, NTK_BROKER_WAIT_SECONDS="3") as (_, worker, proxy):
        assert worker.process.wait(30) == 3
        last = worker.log_file.read_text().splitlines()[-1]
        assert last.startswith(f"needtoknow: no Kafka broker answers at {proxy.address} (")


@contextmanager
def leaving(
    kafka: SharedBroker, namespace: str, directory: Path, module: str, function: str, **settings: str
) -> Iterator[tuple[Running, Worker, Proxy]]:
    """A worker whose broker went away when it came to this function. The first connection of each client goes through
    the proxy; then the broker says where it is itself."""
    here = directory / "pause"
    upstream = int(kafka.bootstrap.rpartition(":")[2])
    with Proxy(upstream) as proxy, running(kafka.bootstrap, directory, namespace) as one:
        path = poison(here, "", PAUSES, module=module, function=function)
        worker = one.service.launch(NTK_BROKER=proxy.address, PYTHONPATH=path, **settings)
        until((here / "looked").exists, "it has not come there")
        proxy.cut()
        (here / "go").touch()
        yield one, worker, proxy


def test_a_second_worker_on_the_same_port_is_told_what_to_set(tmp_path: Path) -> None:
    """One line; it has not even asked for the broker."""
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        done = Service(f"{HOST}:1", tmp_path, settings={"NTK_ADMIN_PORT": str(port)}).command("worker")
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith(f"needtoknow: cannot listen on 127.0.0.1:{port} (")
    assert "NTK_ADMIN_PORT" in done.stderr
    assert ROOT_CAUSE not in done.stderr


def test_a_worker_refuses_to_start_without_its_topics(kafka: SharedBroker, namespace: str, tmp_path: Path) -> None:
    """It names the command that makes them."""
    done = Service(kafka.bootstrap, tmp_path, prefix=namespace).command("worker", "--timeout", "10")
    assert done.returncode == 3
    assert "needtoknow topics apply" in done.stderr
    assert ROOT_CAUSE not in done.stderr


def test_a_worker_refuses_a_log_of_facts_in_two_parts(kafka: SharedBroker, namespace: str, tmp_path: Path) -> None:
    """Two partitions have no one order, and what was known when would be anybody's guess."""
    with running(kafka.bootstrap, tmp_path, namespace) as one:
        asyncio.run(split_in_two(kafka.bootstrap, one.topics.facts))
        done = one.service.command("worker", "--timeout", "10")
    assert done.returncode == 3
    assert f"topic {one.topics.facts}: " in done.stderr
    assert "partition" in done.stderr
    assert ROOT_CAUSE not in done.stderr


async def split_in_two(bootstrap: str, topic: str) -> None:
    """Gives the topic a second partition."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_partitions({topic: NewPartitions(2)})
    finally:
        await admin.close()


def at_work(login: str, staff: str) -> Story:
    """Somebody with a duty, every feed complete for long after."""
    story = Story("08:00")
    story.learn(account(login, staff), assignment(staff))
    story.mark_all("2026-01-09")
    story.pass_to("14:00")
    return story


def test_sigterm_in_the_middle_of_the_work_leaves_nothing_undone(
    kafka: SharedBroker, namespace: str, tmp_path: Path
) -> None:
    """It ends well in time; what it judged is committed, so whoever is next judges nothing twice and all the rest."""
    with running(kafka.bootstrap, tmp_path, namespace, **LONG_SESSION, NTK_BATCH_MESSAGES="50") as one:
        one.service.start_workers(1)
        (first,) = one.service.workers
        story = at_work("jdoe12", "w028")
        one.play(story.steps)
        one.wait_idle()
        with played_on(one, story) as accesses:
            until(lambda: cuts(one), "the worker has not begun")
            first.send(signal.SIGTERM)
            began = time.monotonic()
            assert first.process.wait(STOP_SECONDS + 5) == 0
            assert time.monotonic() - began < STOP_SECONDS
        reached = {c.partition: c.next_offset for c in sorted(cuts(one), key=lambda c: c.next_offset)}
        assert asyncio.run(committed(one)) == reached
        assert 0 < sum(reached.values()) < len(accesses)
        one.service.start_workers(1)
        one.wait_idle()
        assert sum(c.messages.translated for c in cuts(one)) == len(accesses)
        assert one.verify()["differences"] == []


@contextmanager
def played_on(one: Running, story: Story) -> Iterator[list[Access]]:
    """Accesses that go on coming, however fast they are judged, and some after all is over: what has been sent."""
    over, sent = Event(), list[Access]()

    def play_on() -> None:
        while True:
            is_last, known = over.is_set(), len(story.steps)
            sent.extend(story.see("w028", "view") for _ in range(250))
            one.play(story.steps[known:])
            if is_last:
                return

    with ThreadPoolExecutor(1) as pool:
        playing = pool.submit(play_on)
        try:
            yield sent
        finally:
            over.set()
        playing.result()


def cuts(one: Running) -> list[Cut]:
    """The ledger so far."""
    messages = one.messages(one.topics.ledger)
    return [Cut.model_validate_json(m.value or b"", context={"wire": True}) for m in messages]


async def committed(one: Running) -> dict[int, int]:
    """What the group has committed of the accesses of ECMS, by partition."""
    admin = AIOKafkaAdminClient(bootstrap_servers=one.service.bootstrap)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(one.service.environment()["NTK_GROUP"])
    finally:
        await admin.close()
    topic = one.topics.access("ecms")
    return {p.partition: o.offset for p, o in offsets.items() if isinstance(p, TopicPartition) and p.topic == topic}


def test_who_leaves_says_so_and_the_other_takes_over_at_once(
    kafka: SharedBroker, namespace: str, tmp_path: Path
) -> None:
    """Long before a worker that died would have been missed."""
    with running(kafka.bootstrap, tmp_path, namespace, **LONG_SESSION) as one:
        one.service.start_workers(2)
        story = at_work("jdoe12", "w028")
        one.play(story.steps)
        leaving = one.service.workers[0]
        leaving.send(signal.SIGTERM)
        assert leaving.process.wait(STOP_SECONDS) == 0
        due = [one_access(story, number) for number in range(16)]  # on every partition
        one.play(due)
        until(lambda: len(one.findings()) == len(due), "the other does not judge", seconds=SESSION_SECONDS - 2)


def test_who_is_killed_is_taken_over_within_15_seconds(kafka: SharedBroker, namespace: str, tmp_path: Path) -> None:
    """As a user starts it: from SIGKILL to the last finding of what comes on all partitions from then on."""
    with running(kafka.bootstrap, tmp_path, namespace) as one:
        one.service.start_workers(2)
        story = at_work("jdoe12", "w028")
        one.play(story.steps)
        group = one.service.environment()["NTK_GROUP"]
        until(lambda: sum(map(bool, members(kafka.bootstrap, group).values())) == 2, "they do not share the partitions")
        due = [one_access(story, number) for number in range(16)]  # on every partition
        one.service.workers[0].send(signal.SIGKILL)
        began = time.monotonic()
        one.play(due)
        left = TAKEN_OVER_SECONDS - (time.monotonic() - began)
        until(lambda: len(one.findings()) == len(due), "the other does not judge", seconds=left)


def one_access(story: Story, number: int) -> Step:
    """A stranger opens a case; keyed so that many of them lie on all partitions."""
    story.see(f"stranger{number}", "view")
    return story.steps[-1]


@pytest.fixture(scope="module")
def day() -> tuple[Step, ...]:
    """A small day, bad messages included."""
    return make_day(5, accesses=300).steps


@pytest.fixture(scope="module")
def service(kafka: SharedBroker, day: tuple[Step, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Two workers behind which a day lies, and messages on their own topics that are not theirs."""
    with running(kafka.bootstrap, tmp_path_factory.mktemp("worker"), new_namespace()) as one:
        one.service.start_workers(2)
        one.play(day)
        one.wait_idle()
        asyncio.run(meddle(one))
        until(lambda: all(has_passed_over(worker, 3) for worker in one.service.workers), "it was not noticed")
        yield one


SECRET: Final = "jane-roe-1987"


async def meddle(one: Running) -> None:
    """Puts on the workers' own topics what only somebody else could."""
    value = b'{"finding_id":"%b","kind":"%b","actor":"%b"}' % ((SECRET.encode(),) * 3)
    own = (one.topics.facts, one.topics.marks, one.topics.violations)
    producer = AIOKafkaProducer(bootstrap_servers=one.service.bootstrap)
    await producer.start()
    try:
        for topic in own:
            await producer.send_and_wait(topic, value, key=SECRET.encode())
    finally:
        await producer.stop()


def has_passed_over(worker: Worker, count: int) -> bool:
    """Whether the worker has counted so many messages on its own topics that it cannot read."""
    numbers = re.findall(r'^needtoknow_dead_letters_total\{.*stage="broadcast".*\} (\S+)$', worker.metrics(), re.M)
    return sum(map(float, numbers)) >= count


def ask(worker: Worker, path: str) -> tuple[int, str]:
    """Status and text of one of its pages."""
    with build_opener(ProxyHandler({})).open(f"http://{worker.address}{path}", timeout=5) as answer:
        return answer.status, answer.read().decode()


def test_a_worker_says_that_it_lives_and_is_ready(service: Running) -> None:
    """To whoever starts and stops it."""
    for worker in service.service.workers:
        assert ask(worker, "/live") == (200, "live\n")
        assert ask(worker, "/ready") == (200, "ready\n")


def test_a_worker_shows_every_metric_that_the_catalogue_has_for_it(service: Running) -> None:
    """And none that is not in it, or is a console's."""
    wanted = {name for name, metric in CATALOGUE.items() if metric.process == "worker"}
    for worker in service.service.workers:
        shown = set(re.findall(r"^# TYPE (needtoknow_\S+) ", worker.metrics(), re.M))
        assert {name for name in shown if not name.endswith("_created")} == wanted


def test_no_person_and_no_record_is_in_a_log_line_or_a_metric(service: Running, day: tuple[Step, ...]) -> None:
    """Logs and metrics go to people who need not know, also when what was sent was bad."""
    told = {worker.log_file.name: worker.log_file.read_text() for worker in service.service.workers}
    told |= {worker.address: worker.metrics() for worker in service.service.workers}
    names = personal(day) | {SECRET}
    assert len(names) > 500
    words = re.compile(r"[\x21-\x7E]+")
    for where, text in told.items():
        pieces = {piece for word in words.findall(text) for piece in re.split(r"[\"'=:,;(){}\[\]/]", word)}
        assert not pieces & names, where
        assert SECRET not in text, where


def personal(day: tuple[Step, ...]) -> set[str]:
    """Everything in a day that names a person, a login, a record or one access."""
    found: set[str] = set()
    for step in day:
        match step.means:
            case Access() as access:
                found |= {access.actor, access.event_id, access.record.id}
            case Fact() as fact:
                found |= {fact.fact_id, *ids(fact.body.model_dump())}
    return found


IDS: Final = ("id", "staff", "unit", "login", "supervisor", "covering", "covered")


def ids(document: Mapping[str, object]) -> Iterator[str]:
    """What names somebody or something in the body of a fact."""
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from ids(value)
        elif name in IDS and isinstance(value, str):
            yield value
