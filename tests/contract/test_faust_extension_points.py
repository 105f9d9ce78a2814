"""What streams/transport.py needs of faust-streaming: the methods it overrides or relies on, exactly as they were read.

Faust promises nothing about them. When this fails after an upgrade: read what changed upstream in the methods named
(`git diff` between the two tags), decide for each whether our transport still does what it must, run tests/faults, and
only then write the new version and digests here. Until then stay on the version that is pinned.
"""

from __future__ import annotations

import hashlib
import inspect
import tomllib
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, codec
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import Assignment, Subscription, SubscriptionState, TopicPartitionState
from faust.app.base import App
from faust.tables.recovery import Recovery
from faust.transport import consumer as base
from faust.transport.drivers import aiokafka as driver
from mode.threads import QueueServiceThread

from schemas.settings import Settings
from streams.app import build_app
from streams.committing import Committing
from streams.connect import GATHER_MS, GATHERED
from streams.consumer_thread import ConsumerThread
from streams.transport import Consumer, Transport

READ = "0.15.3"  # the version whose source was read

OVERRIDDEN: dict[Any, dict[str, str]] = {
    base.Consumer: {
        "on_partitions_revoked": "68d4633f57b6",
        "perform_seek": "cdb1c23be724",
        "commit_and_end_transactions": "d3516b967b0d",
        "force_commit": "8c8ca8a74af5",
        "_filter_tps_with_pending_acks": "10bf18d3ecf4",
        "_new_offset": "8940e523e789",
        "_should_commit": "6e33c36d1ac2",
        "_drain_messages": "d8199efd69ca",
    },
    driver.Consumer: {"_new_consumer_thread": "cd26d06ef170"},
    driver.AIOKafkaConsumerThread: {
        "on_start": "5152fc5a1124",
        "on_thread_stop": "2d8e3acdc599",
        "_create_worker_consumer": "efdbd971bf6b",
        "_commit": "ddc1eb3a1c7c",
        "_fetch_records": "75048a2cb7da",
    },
}
RELIED_ON: dict[Any, dict[str, str]] = {
    base.Consumer: {
        "__init__": "2a3139d63bfd",
        "commit": "1b59af7b535a",
        "_commit_tps": "29f57a650f6f",
        "_filter_committable_offsets": "6d06ab3bb071",
        "_commit_offsets": "392a2d988fc0",
        "on_partitions_assigned": "db4ffa25c222",
        "_wait_next_records": "5a6e77d1a513",
        "_get_active_partitions": "3f26755bc091",
        "pause_partitions": "fd10d1832162",
        "resume_partitions": "561da4a47c59",
        "stop_flow": "e8a58a4e8a74",
        "resume_flow": "a987c626ffe3",
        "on_stop": "36b1f6913b80",
    },
    base.ThreadDelegateConsumer: {
        "seek_to_committed": "d9a0f7c75bce",
        "seek_wait": "53fd82bf846a",
        "earliest_offsets": "897d07d19ba6",
        "assignment": "878476ea7478",
        "highwater": "ced6f7159d51",
        "_getmany": "4d54988be08f",
        "_commit": "f4b72c7892d6",
    },
    driver.AIOKafkaConsumerThread: {
        "getmany": "bd6bde7000c4",
        "_seek_wait": "bddabbcd0a74",
        "_ensure_consumer": "cedc7201f502",
        "commit": "a049bf8ac941",
    },
    FetchResult: {
        "getall": "1b448682c740",
        "check_assignment": "effeb0b3ad3e",
        "_update_position": "af3f36c558ba",
        "has_more": "8aa3b874bdc9",
    },
    PartitionRecords: {"__init__": "b14dc963da28", "_unpack_records": "dfc0cfd88579"},
    Fetcher: {"fetched_records": "4fd3bcb0e960", "close": "54b96d1963e8"},
    QueueServiceThread: {"on_thread_stop": "bcfcefb9826a"},
    GroupCoordinator: {"fetch_committed_offsets": "b68d499776ca"},
    SubscriptionState: {"subscription": "91d1d401b27d"},
    Subscription: {"assignment": "5a0edc50f232"},
    Assignment: {"tps": "53349cf48323", "state_value": "37c879c7f277"},
    TopicPartitionState: {"has_valid_position": "c93602a3d5bc", "position": "1a0594bc0886"},
    codec: {"_detect_xerial_stream": "872bbf7b7adf"},
    Recovery: {"_resume_streams": "9f724c9270bd"},
    App: {"_on_partitions_revoked": "657af3f1842a", "_on_partitions_assigned": "d36793676fd1"},
}

WHAT_TO_DO = (
    "faust-streaming {now} (or its aiokafka) has another {name} than {read}, which was read. Read what changed "
    "upstream, decide whether streams/transport.py still does what it must, run tests/faults; then write {digest} here."
)
ALL = [
    (owner, name, digest)
    for table in (OVERRIDDEN, RELIED_ON)
    for owner, names in table.items()
    for name, digest in names.items()
]


def _called(owner: Any) -> str:
    return str(owner.__name__) if inspect.ismodule(owner) else f"{owner.__module__}.{owner.__name__}"


def digest_of(owner: Any, name: str) -> str:
    """The first digits of SHA-256 over the source of a method, white space at line ends and indentation aside."""
    found = inspect.getattr_static(owner, name)
    source = inspect.getsource(found.fget if isinstance(found, property) else getattr(owner, name))
    lines = [line.strip() for line in source.splitlines() if line.strip()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def names_of(ours: type, upstream: type) -> set[str]:
    """The methods we define that upstream defines too."""
    return {name for name, method in vars(ours).items() if inspect.isfunction(method) and hasattr(upstream, name)}


def names_of_consumer() -> set[str]:
    """Of our consumer, in both its parts."""
    return (names_of(Consumer, driver.Consumer) | names_of(Committing, driver.Consumer)) - {"__init__"}


@pytest.mark.parametrize(("owner", "name", "digest"), ALL, ids=[f"{_called(o)}.{n}" for o, n, _ in ALL])
def test_upstream_has_not_changed_what_the_transport_rests_on(owner: Any, name: str, digest: str) -> None:
    """An upgrade that changes one of these methods is read by somebody before it is used."""
    found = digest_of(owner, name)
    now = version("faust-streaming")
    assert found == digest, WHAT_TO_DO.format(now=now, read=READ, name=f"{owner.__name__}.{name}", digest=found)


def test_every_method_we_override_is_listed() -> None:
    """A new override without a digest would be found out by users."""
    listed = {name for names in OVERRIDDEN.values() for name in names}
    ours = names_of_consumer() | (names_of(ConsumerThread, driver.AIOKafkaConsumerThread) - {"__init__"})
    assert ours == listed


@pytest.mark.parametrize(
    ("ours", "upstream", "name"),
    [
        *((Consumer, driver.Consumer, name) for name in sorted(names_of_consumer())),
        (ConsumerThread, driver.AIOKafkaConsumerThread, "_commit"),
    ],
)
def test_our_methods_take_what_upstream_hands_them(ours: type, upstream: type, name: str) -> None:
    """The same parameters under the same names."""
    mine, theirs = (list(inspect.signature(getattr(owner, name)).parameters) for owner in (ours, upstream))
    assert mine == theirs


def test_the_pin_begins_at_the_version_that_was_read() -> None:
    """Older ones lack fixes that the transport needs, and nobody has read them."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [d for d in project["dependencies"] if d.startswith("faust-streaming")] == [f"faust-streaming>={READ},<0.16"]


async def test_what_the_transport_asks_of_the_app_and_the_consumer_is_there(tmp_path: Path) -> None:
    """Attributes have no source to compare; a renamed one would be an AttributeError in the middle of a rebalance."""
    app = build_app(Settings(data_dir=tmp_path))
    assert isinstance(app.transport, Transport)
    consumer = app.transport.create_consumer(
        app.on_start, on_partitions_revoked=app.on_start, on_partitions_assigned=app.on_start
    )
    of_app = (
        "add_runtime_dependency",
        "consumer",
        "consumer_generation_id",
        "crash",
        "create_event",
        "rebalancing",
        "rebalancing_count",
        "should_stop",
    )
    of_consumer = (
        "_committed_offset",
        "_read_offset",
        "_stopped",
        "app",
        "beacon",
        "callback",
        "can_resume_flow",
        "consumer_stopped_errors",
        "flow_active",
        "log",
        "loop",
        "should_stop",
        "sleep",
        "suspend_flow",
        "transport",
        "wait_first",
    )
    missing = [
        name for owner, names in ((app, of_app), (consumer, of_consumer)) for name in names if not hasattr(owner, name)
    ]
    assert missing == []
    assert isinstance(consumer._thread, ConsumerThread)


async def test_what_is_asked_of_the_client_beneath_is_there() -> None:
    """The same, of aiokafka's own consumer, which the thread that fetches asks."""
    client = AIOKafkaConsumer(bootstrap_servers="127.0.0.1:1")
    asked = ("_coordinator", "_subscription", "_fetcher", "_client", "_fetch_min_bytes", "_fetch_max_wait_ms")
    assert [name for name in asked if not hasattr(client, name)] == []
    assert isinstance(client._subscription, SubscriptionState)
    await client.stop()


def test_the_broker_gathers_for_the_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust has no setting for it, so what it has made is told before it connects."""
    made = SimpleNamespace(_fetch_min_bytes=1, _fetch_max_wait_ms=1500)
    monkeypatch.setattr(driver.AIOKafkaConsumerThread, "_create_worker_consumer", lambda *_: made)
    assert ConsumerThread._create_worker_consumer(object.__new__(ConsumerThread), None) is made
    assert (made._fetch_min_bytes, made._fetch_max_wait_ms) == (GATHERED, GATHER_MS)
