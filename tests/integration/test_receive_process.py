"""`needtoknow receive` as people run it: keys that change, certificates, a stop, a broker away, a worker behind it."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from deploy.local.ports import HOST, free_port
from deploy.local.service import PROGRAM
from schemas.topics import CANONICAL, SOURCES
from tests.contract.examples import ACCESS
from tests.faults.harness import Running, running, until
from tests.harness.broker import Expendable, SharedBroker, new_namespace
from tests.harness.intake import KEYS, keys_file, receiver
from tests.harness.parts import require_part

ROOT: Final = Path(__file__).parents[2]
EXAMPLE: Final = ROOT / "deploy" / "example"
JNET: Final = ACCESS.replace(b'"source":"ecms"', b'"source":"jnet"')


@pytest.fixture(scope="module")
def topics(kafka: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Topics for all tests of this module."""
    with running(kafka.bootstrap, tmp_path_factory.mktemp("receive"), new_namespace()) as one:
        yield one


def post(port: int, source: str, body: bytes, kind: str = CANONICAL, context: ssl.SSLContext | None = None) -> Any:
    """Status and document that come back."""
    connection: http.client.HTTPConnection = (
        http.client.HTTPConnection(HOST, port, timeout=60)
        if context is None
        else http.client.HTTPSConnection(HOST, port, timeout=60, context=context)
    )
    key = {"Authorization": f"Bearer {KEYS[source]}"} if context is None else {}
    try:
        connection.request("POST", f"/v1/access/{source}", body, {"Content-Type": kind, **key})
        answer = connection.getresponse()
        return answer.status, orjson.loads(answer.read())
    finally:
        connection.close()


def test_a_key_that_is_put_in_is_good_and_one_that_is_taken_out_is_not(topics: Running, tmp_path: Path) -> None:
    """Without a new start: on SIGHUP, and by itself. A file that is spoiled changes nothing, and is told of."""
    file = keys_file(tmp_path / "keys.toml", "ecms")
    with receiver(topics.service, file) as (process, port):
        assert [post(port, name, body)[0] for name, body in (("ecms", ACCESS), ("jnet", JNET))] == [202, 401]
        keys_file(file, "ecms", "jnet")
        process.send(signal.SIGHUP)
        until(lambda: post(port, "jnet", JNET)[0] == 202, "the new key is not known")
        file.write_text("[ecms")
        until(
            lambda: "needtoknow_intake_keys_read 0.0" in process.metrics(), "nobody has seen that the file is spoiled"
        )
        assert post(port, "ecms", ACCESS)[0] == 202
        keys_file(file, "jnet")
        until(lambda: post(port, "ecms", ACCESS)[0] == 401, "the old key is still good")
        assert post(port, "jnet", JNET)[0] == 202
        told = process.log_file.read_text()
    assert "the keys stay as they were: keys: the file is not TOML" in told
    assert [key for key in KEYS.values() if key in told] == []


def begin(port: int, body: bytes, sent: int) -> socket.socket:
    """A request of which so many bytes of the body have been sent."""
    connection = socket.create_connection((HOST, port), timeout=60)
    lines = ["POST /v1/access/ecms HTTP/1.1", "Host: here", f"Authorization: Bearer {KEYS['ecms']}"]
    head = "\r\n".join([*lines, f"Content-Type: {CANONICAL}", f"Content-Length: {len(body)}", "", ""])
    connection.sendall(head.encode() + body[:sent])
    return connection


def test_a_stop_answers_what_is_under_way(topics: Running, tmp_path: Path) -> None:
    """Requests that had begun are stored and answered; no new one is taken; it ends with 0, in good time."""
    patient = {"NTK_RECEIVE_STORE_SECONDS": "30"}  # how long a stop waits goes with it
    with receiver(topics.service, keys_file(tmp_path / "keys.toml", "ecms"), **patient) as (process, port):
        held = [begin(port, ACCESS, 20) for _ in range(5)]
        until(lambda: "needtoknow_intake_in_flight 5.0" in process.metrics(), "they are not under way")
        process.send(signal.SIGTERM)
        until(lambda: "stopping" in process.log_file.read_text(), "it was not heard")
        until(lambda: is_closed(port), "it still takes connections")
        for connection in held:
            connection.sendall(ACCESS[20:])
        answers = [connection.makefile("rb").read() for connection in held]
        assert process.process.wait(30) == 0
    stored = {(m.partition, m.offset) for m in topics.messages(topics.topics.access("ecms"))}
    for answer in answers:
        assert answer.startswith(b"HTTP/1.1 202 ")
        [place] = orjson.loads(answer.partition(b"\r\n\r\n")[2])["stored"]
        assert (place["partition"], place["offset"]) in stored


def is_closed(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as one:
        return one.connect_ex((HOST, port)) != 0


def openssl(directory: Path, *arguments: str) -> None:
    """One call of the program."""
    program = shutil.which("openssl")
    require_part("openssl", program, "apt-get install openssl")
    subprocess.run([str(program), *arguments], cwd=directory, check=True, capture_output=True, timeout=60)


def authority(directory: Path) -> None:
    """Somebody who signs certificates: ca.pem, ca.key."""
    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    openssl(directory, "req", "-x509", *ec, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority")


def certificate(directory: Path, name: str, common_name: str, names: str) -> None:
    """One that the authority has signed: name.pem, name.key."""
    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(directory, "req", *ec, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={common_name}")
    (directory / "names").write_text(f"subjectAltName={names}\n")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    openssl(directory, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signed)


def coming_as(directory: Path, name: str | None, signer: Path | None = None) -> ssl.SSLContext:
    """A client that trusts the authority, and shows this certificate."""
    context = ssl.create_default_context(cafile=directory / "ca.pem")
    if name:
        context.load_cert_chain((signer or directory) / f"{name}.pem", (signer or directory) / f"{name}.key")
    return context


def shows_one_of(port: int, directory: Path) -> bool:
    """Whether it shows a certificate of this authority."""
    try:
        return bool(post(port, "ecms", ACCESS, context=coming_as(directory, None))[0] == 401)
    except ssl.SSLError:
        return False


def test_a_certificate_speaks_for_whom_the_file_says(topics: Running, tmp_path: Path) -> None:
    """By common name or URI, of our authority only; another source is 403, whom nobody knows 401."""
    other = tmp_path / "other"
    other.mkdir()
    for directory in (tmp_path, other):
        authority(directory)
    certificate(tmp_path, "server", "here", f"IP:{HOST}")
    certificate(tmp_path, "ecms", "ecms.example.org", "DNS:whatever")
    certificate(tmp_path, "jnet", "whoever", "URI:spiffe://example.org/jnet")
    certificate(tmp_path, "stranger", "stranger.example.org", "DNS:ecms.example.org")
    certificate(other, "ecms", "ecms.example.org", "DNS:whatever")
    more = '[ecms]\ncertificates=["CN=ecms.example.org"]\n[jnet]\ncertificates=["URI=spiffe://example.org/jnet"]\n'
    tls = {f"NTK_RECEIVE_TLS_{n}": str(tmp_path / f) for n, f in (("CERT", "server.pem"), ("KEY", "server.key"))}
    tls["NTK_RECEIVE_TLS_CLIENT_CA"] = str(tmp_path / "ca.pem")
    with receiver(topics.service, keys_file(tmp_path / "keys.toml", "clean", more=more), **tls) as (process, port):
        assert post(port, "ecms", ACCESS, context=coming_as(tmp_path, "ecms"))[0] == 202
        assert post(port, "jnet", JNET, context=coming_as(tmp_path, "jnet"))[0] == 202
        assert post(port, "ecms", ACCESS, context=coming_as(tmp_path, "jnet"))[0] == 403
        assert post(port, "ecms", ACCESS, context=coming_as(tmp_path, "stranger"))[0] == 401
        assert post(port, "ecms", ACCESS, context=coming_as(tmp_path, None))[0] == 401
        for context in (coming_as(tmp_path, "ecms", other), None):
            with pytest.raises((ssl.SSLError, http.client.HTTPException, OSError)):
                post(port, "ecms", ACCESS, context=context)
        certificate(other, "server", "here", f"IP:{HOST}")
        for file in ("server.pem", "server.key"):
            shutil.copy(other / file, tmp_path / file)
        process.send(signal.SIGHUP)
        until(lambda: shows_one_of(port, other), "it does not show its new certificate")


def test_what_is_set_wrongly_is_said_before_anything_begins(topics: Running, tmp_path: Path) -> None:
    """One line that says what to do, and 3: without keys, in the clear, and where something listens already."""
    file = keys_file(tmp_path / "keys.toml", "ecms")
    with socket.create_server((HOST, 0)) as taken:
        for settings, words in (
            ({}, "NTK_RECEIVE_KEYS_FILE"),
            ({"NTK_RECEIVE_KEYS_FILE": str(file), "NTK_RECEIVE_HOST": "0.0.0.0"}, "NTK_RECEIVE_WITHOUT_TLS"),
            ({"NTK_RECEIVE_KEYS_FILE": str(file), "NTK_RECEIVE_PORT": str(taken.getsockname()[1])}, "NTK_RECEIVE_PORT"),
        ):
            ours = replace(topics.service, settings={"NTK_ADMIN_PORT": "0", **settings})
            code, _, complaint = Running(ours).command("receive")
            assert (code, words in complaint.splitlines()[-1], "Traceback" in complaint) == (3, True, False), complaint


@pytest.mark.timeout(240)
def test_what_was_sent_again_while_the_broker_was_away_is_found_once(expendable: Expendable, tmp_path: Path) -> None:
    """503, then the same again: a worker behind it judges all of it, and nobody is accused twice."""
    body = (EXAMPLE / "accesses.jsonl").read_bytes()
    with running(expendable.kafka.bootstrap, tmp_path, new_namespace()) as one:
        until_2026 = ("--complete-through", "2026-01-06T00:00:00Z")
        for name, feed in (("staff.jsonl", "staff"), ("cases.jsonl", "cases"), ("assignments.csv", "assignments")):
            code, _, complaint = one.command("load", str(EXAMPLE / name), "--feed", feed, *until_2026)
            assert code == 0, complaint
        one.service.start_workers(1)
        proxy = expendable.proxies[0]
        through = {"NTK_BROKER": proxy.address, "NTK_RECEIVE_STORE_SECONDS": "1.5"}
        with receiver(one.service, keys_file(tmp_path / "keys.toml", "ecms"), **through) as (process, port):
            proxy.cut()
            status, told = post(port, "ecms", body, "application/x-ndjson")
            assert (status, "send the same again" in told["detail"]) == (503, True)
            until(lambda: not process.is_ready(), "it says that it is ready without a broker")
            proxy.mend()
            until(process.is_ready, "it does not find the broker again")
            until(lambda: post(port, "ecms", body, "application/x-ndjson")[0] == 202, "it does not store again")
            until(
                lambda: post(port, "ecms", body, "application/x-ndjson")[0] == 202, "nor again"
            )  # an answer was lost, say
        one.wait_idle()
        findings, letters = one.findings(), one.letters()
    assert {finding.access.event_id for finding in findings} == {"ecms-000123"}
    assert len({finding.finding_id for finding in findings}) == 1
    assert letters == {}


def test_the_page_is_run_as_it_stands(topics: Running, tmp_path: Path) -> None:
    """Whoever has one afternoon types its commands."""
    require_part("curl", shutil.which("curl"), "apt-get install curl")
    page = (ROOT / "deploy" / "publishing" / "http.md").read_text(encoding="utf-8")
    assert len(page.splitlines()) <= 60
    port = free_port()
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL)).replace(":6068", f":{port}")
    script = f"set -euo pipefail\ntrap 'kill $(jobs -p); wait' EXIT\n{commands}"
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    environment = topics.service.environment(NTK_ADMIN_PORT="0", NTK_RECEIVE_PORT=str(port))
    environment["PATH"] = f"{Path(PROGRAM).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    receipts = [orjson.loads(text) for text in re.findall(r'\{"stored":.*?\]\}', done.stdout)]
    assert [len(receipt["stored"]) for receipt in receipts] == [1, 2]
    assert [name for name in SOURCES if name not in page.lower() and name != "console"] == []
