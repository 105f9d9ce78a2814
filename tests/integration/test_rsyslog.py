"""From ECMS's syslog to its topic by the real rsyslogd: each line, byte for byte, whatever goes away."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

from schemas.codec import MESSAGE_MAX
from schemas.topics import ECMS_SYSLOG
from sinks.kafka import Message
from streams.sources import translate
from streams.sources.ecms_file import read_file
from tests.faults.harness import Running, running, until
from tests.harness.broker import Expendable, new_namespace
from tests.harness.builders import make_access
from tests.harness.ecms_syslog import syslog
from tests.harness.hostile.ecms import HOSTILE
from tests.harness.rsyslog import PUBLISHING, PYTHON, Rsyslog, a_rsyslog, require_client

PATIENCE: Final = 60.0  # seconds; what is waited for takes one or two on a quiet machine
TIMED_OUT: Final = "not stored: _MSG_TIMED_OUT"
HEADERS: Final = (("content-type", ECMS_SYSLOG.encode()),)

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def service(one_expendable: Expendable, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Topics, and nobody who reads them but the test."""
    with running(one_expendable.kafka.bootstrap, tmp_path_factory.mktemp("rsyslog"), new_namespace()) as one:
        yield one


@pytest.fixture(scope="module")
def rsyslog(
    service: Running, one_expendable: Expendable, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rsyslog]:
    """Its line to the broker can be cut."""
    directory = tmp_path_factory.mktemp("rsyslogd")
    with a_rsyslog(directory, one_expendable.proxies[0].address, service.topics) as one:
        yield one


def stored(service: Running) -> list[Message]:
    """All on the topic."""
    return service.messages(service.topics.access("ecms"))


def wait_for(service: Running, rsyslog: Rsyslog, wanted: Iterable[bytes]) -> None:
    """Until these are on the topic."""
    expected = set(wanted)

    def are_there() -> bool:
        return expected <= {message.value for message in stored(service)}

    until(are_there, f"not all {len(expected)} are on the topic: {rsyslog.complaints()}", PATIENCE)


def line(name: str, text: str = "") -> bytes:
    """A good message of this id."""
    return syslog(make_access(event_id=name), text=text)


RICH: Final = (
    make_access(event_id="r-0"),
    make_access(event_id='r"]\\1', name='person:"]\\}', actor="d';DROP"),
    make_access(event_id="r-2", purpose={"text": "Żółć 🙈 \t\n\r\x01\x1f\x7f\u2028 #011 %msg% $! \\"}, recipient="*"),
    make_access(event_id="r-3", action="search", candidates=tuple(f"case:{n:0>195}" for n in range(200))),
)
LONGEST: Final = line("longest", text=" " + "x" * (MESSAGE_MAX - len(line("longest")) - 1))


def test_each_line_arrives_as_it_was_whichever_way_it_came(service: Running, rsyslog: Rsyslog) -> None:
    """By TCP and from a file; also what nobody should send."""
    accesses = [syslog(one) for one in RICH]
    # A line break behind a message is how syslog ends it, and no part of it; a zero byte ends it for rsyslog.
    hostile = {m.removesuffix(b"\n") for m in HOSTILE.values()} | {
        b"\xff\xfe\x80 not UTF-8",
        b"BEGIN TRANSACTION",
        b'"',
    }
    hostile = {m for m in hostile if m and b"\0" not in m and not m.endswith(b"\n")}
    assert len(LONGEST) == MESSAGE_MAX
    assert len(hostile) > 90
    assert max(map(len, hostile)) > MESSAGE_MAX  # it arrives whole, and becomes a dead letter that says why
    by_tcp = [*accesses, *hostile, LONGEST]
    by_file = [m.replace(b"ecms 812", b"ecms file") for m in by_tcp if b"\n" not in m]
    rsyslog.send(by_tcp)
    rsyslog.log(by_file)
    wait_for(service, rsyslog, [*by_tcp, *by_file])
    found = stored(service)
    assert {message.value for message in found} == {*by_tcp, *by_file}
    assert {message.headers for message in found} == {HEADERS}


def test_the_translator_reads_what_arrived(service: Running, rsyslog: Rsyslog) -> None:
    """Each access as it is. Its key is the one that `send` gives it, so that both ways lead to one partition."""
    rsyslog.send(syslog(one) for one in RICH)
    wait_for(service, rsyslog, map(syslog, RICH))
    by_value = {message.value: message for message in stored(service)}
    for one in RICH:
        message = by_value[syslog(one)]
        assert translate("ecms", message.value, message.headers, message.timestamp).accesses == (one,)
        if b"\n" not in syslog(one):  # else no file could hold it
            [alone] = read_file(syslog(one) + b"\n")
            assert message.key == alone.key


def test_nothing_is_lost_while_the_broker_is_away_and_rsyslogd_is_killed(
    service: Running, rsyslog: Rsyslog, expendable: Expendable
) -> None:
    """What is in the queue on disk is there after SIGKILL; what ECMS writes meanwhile waits in its file."""
    proxy = expendable.proxies[0]
    proxy.cut()
    away = [line(f"away-{n}") for n in range(200)]
    rsyslog.send(away[:100])
    rsyslog.log(away[100:])
    until(lambda: all(one in rsyslog.queued() for one in (away[99], away[199])), "not in the queue", PATIENCE)
    until(lambda: TIMED_OUT in rsyslog.complaints(), "nobody says that the broker is away", PATIENCE)
    rsyslog.stop()
    rsyslog.start()
    tried = rsyslog.complaints().count(TIMED_OUT)
    until(lambda: rsyslog.complaints().count(TIMED_OUT) > tried, "nobody tries again", PATIENCE)
    rsyslog.kill()
    meanwhile = [line(f"meanwhile-{n}") for n in range(100)]
    rsyslog.log(meanwhile)
    rsyslog.start()
    until(lambda: meanwhile[99] in rsyslog.queued(), "not read from the file", PATIENCE)
    assert not {message.value for message in stored(service)} & {*away, *meanwhile}
    proxy.mend()
    wait_for(service, rsyslog, [*away, *meanwhile])
    found = [message.value for message in stored(service)]
    of_file = list(dict.fromkeys(value for value in found if value in {*away[100:], *meanwhile}))
    assert of_file == [*away[100:], *meanwhile]  # one record's, so one partition's, in the order of the file
    assert "c0042" not in rsyslog.complaints()


def test_a_log_that_rotates_while_it_runs_is_read_on(service: Running, rsyslog: Rsyslog) -> None:
    """Truncated, and renamed with a new file made: also what is written to the old one just before."""
    before, truncated, renamed = ([line(f"rotated-{part}-{n}") for n in range(20)] for part in range(3))
    rsyslog.log(before)
    wait_for(service, rsyslog, before)
    shutil.copy(rsyslog.file, rsyslog.file.with_suffix(".copy"))  # copytruncate
    os.truncate(rsyslog.file, 0)
    rsyslog.log(truncated)
    wait_for(service, rsyslog, truncated)
    rsyslog.log(renamed[:10])
    rsyslog.file.rename(rsyslog.file.with_suffix(".log.1"))
    rsyslog.log(renamed[10:])
    rsyslog.hang_up()
    wait_for(service, rsyslog, renamed)


@pytest.mark.parametrize("wrong", ["acks=1", "bootstrap.servers", "no.such.setting=1"])
def test_wrong_settings_are_told_at_the_start(tmp_path: Path, wrong: str) -> None:
    """Before anything is taken from the queue; a setting that would lose messages is refused."""
    require_client()
    settings = tmp_path / "kafka.properties"
    settings.write_text(f"# ours\nbootstrap.servers=127.0.0.1:1\n{wrong}\n")
    program = [PYTHON, str(PUBLISHING / "rsyslog_to_kafka.py"), "--topic", "t", "--content-type", "c"]
    ended = subprocess.run(
        [*program, "--settings", str(settings)], input='"a"\n', capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "line 3" in ended.stderr or "no.such.setting" in ended.stderr
