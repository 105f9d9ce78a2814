"""HTTP intake before the real broker: what is taken, where it lies, and that nothing of what is refused is stored."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import orjson
import pytest

from deploy.local.ports import HOST
from schemas.codec import encode
from schemas.receiving import BATCH, BODY_MAX, RECORDS_MAX
from schemas.topics import CANONICAL, FACTS_LINE, HEARTBEAT, JNET_XML, SIGNATURE_HEADER
from streams.intake.keys import Keys
from streams.intake.limits import Patience
from tests.contract.examples import ACCESS
from tests.faults.harness import Running, running
from tests.harness.broker import SharedBroker, new_namespace
from tests.harness.builders import make_access
from tests.harness.intake import KEYS, Receiving, eventually, receiving
from tests.harness.signatures import make_signer

GOLDEN: Final = Path(__file__).parents[1] / "unit" / "golden"
SECRET: Final = "JANE-ROE-1987"  # stands for somebody's data: no answer may repeat it


@pytest.fixture(scope="module")
def topics(kafka: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Topics for all tests of this module."""
    with running(kafka.bootstrap, tmp_path_factory.mktemp("receive"), new_namespace()) as one:
        yield one


@pytest.fixture
async def intake(topics: Running) -> AsyncIterator[Receiving]:
    """An intake as it comes."""
    async with receiving(topics.service.bootstrap, topics.service.prefix) as one:
        yield one


def accesses(count: int) -> list[bytes]:
    """So many different ones, of several records."""
    return [encode(make_access(event_id=f"e-{n}", name=f"case:c{n % 7}")) for n in range(count)]


async def test_one_access_is_stored_as_it_was_sent(intake: Receiving) -> None:
    """Byte by byte, where the answer says, under a key and an envelope that are the same when it is sent again."""
    first, second = await intake.post("ecms", ACCESS), await intake.post("ecms", ACCESS)
    ((place,), (again,)) = first.places, second.places
    messages = await intake.messages("ecms")
    message, repeat = messages[place], messages[again]
    assert message.value == repeat.value == ACCESS
    assert message.key == repeat.key == b"c0042"
    assert place[:2] == again[:2]
    headers = dict(message.headers)
    assert headers == dict(repeat.headers)
    assert headers["content-type"] == CANONICAL.encode()
    assert headers["ce_id"] == b"ecms-000123"
    assert headers["ce_source"] == b"/sources/ecms"


@pytest.mark.parametrize("kind", [BATCH, CANONICAL])
async def test_a_batch_is_answered_in_its_order(intake: Receiving, kind: str) -> None:
    """One place for each record, in the order in which they were sent, as lines or as an array."""
    sent = accesses(20)
    body = b"\n".join(sent) + b"\n\n" if kind == BATCH else b" [\n" + b" ,\r\n".join(sent) + b" ] "
    answer = await intake.post("ecms", body, f"{kind}; charset=utf-8")
    messages = await intake.messages("ecms")
    assert [messages[place].value for place in answer.places] == sent
    assert len({place[1] for place in answer.places}) > 1
    assert intake.counted("needtoknow_intake_messages_total", source="ecms") == len(sent)
    assert intake.counted("needtoknow_intake_requests_total", source="ecms", answer="stored") == 1


@pytest.mark.parametrize(
    ("source", "kind", "file"),
    [("jnet", JNET_XML, "jnet/photo-view.xml"), ("facts", FACTS_LINE, "facts/night.txt")],
)
async def test_native_messages_are_stored_byte_by_byte(intake: Receiving, source: str, kind: str, file: str) -> None:
    """Under their content type, so that a worker reads them as what they are."""
    raw = (GOLDEN / file).read_bytes()
    value = raw.split(b"\n")[1] if source == "facts" else raw
    (place,) = (await intake.post(source, value, kind)).places
    message = (await intake.messages(source))[place]
    assert message.value == value
    assert dict(message.headers)["content-type"] == kind.encode()


async def test_every_source_may_say_that_it_is_there(intake: Receiving) -> None:
    """A heartbeat names no access, and is stored like one."""
    body = b'{"source":"clean","at":"2026-01-05T14:14:03.120Z"}'
    (place,) = (await intake.post("clean", body, HEARTBEAT)).places
    message = (await intake.messages("clean"))[place]
    assert (message.value, message.key) == (body, b"clean")
    assert dict(message.headers)["content-type"] == HEARTBEAT.encode()


async def test_what_a_source_has_signed_goes_on_with_its_signature(topics: Running, tmp_path: Path) -> None:
    """Checked here as a worker does, so that nothing is taken which becomes a dead letter; one record a request."""
    signer, registry, topic = make_signer(), tmp_path / "sources.toml", topics.topics.access("ecms")
    registry.write_text(f'[[keys.ecms]]\nid = "{signer.key_id}"\nx = "{signer.x}"\n')
    signed = signer.sign(topic, make_access().sequence, encode(make_access()))
    ours, other = {"Needtoknow-Signature": signed.decode()}, encode(make_access(event_id="other"))
    async with receiving(topics.service.bootstrap, topics.service.prefix, sources_file=registry) as intake:
        (place,) = (await intake.post("ecms", encode(make_access()), **ours)).places
        assert dict((await intake.messages("ecms"))[place].headers)[SIGNATURE_HEADER] == signed
        for body, headers, fix in (
            (other, {}, "is missing: this source signs its messages"),
            (other, ours, "is not of this message"),
        ):
            answer = await intake.post("ecms", body, **headers)
            assert (answer.status, answer.document["faults"][0]["fix"]) == (422, fix)
        batch = await intake.post("ecms", b"\n".join(2 * [encode(make_access())]), BATCH, **ours)
        assert (batch.status, "one record a request" in batch.document["detail"]) == (400, True)


async def test_one_wrong_field_in_the_seventh_of_ten_stores_nothing(intake: Receiving) -> None:
    """The answer names the record, the field and how it must be; and every other one that is wrong."""
    sent = accesses(10)
    sent[6] = sent[6].replace(b'"view"', f'"{SECRET}"'.encode())
    sent[8] = sent[8].replace(b'"source":"ecms"', b'"source":"jnet"')
    before = await intake.messages("ecms")
    answer = await intake.post("ecms", b"\n".join(sent), BATCH)
    assert answer.status == 422
    seventh, ninth = answer.document["faults"]
    assert (seventh["record"], seventh["field"]) == (7, "action")
    assert "view" in seventh["fix"]
    assert (ninth["record"], ninth["field"]) == (9, "source")
    assert answer.document["faults_in_all"] == 2
    assert "record 7: action" in answer.document["detail"]
    assert SECRET not in str(answer.document)
    assert await intake.messages("ecms") == before


async def test_a_key_speaks_for_its_own_source_only(intake: Receiving) -> None:
    """Without one 401; with another's 403, which tells nothing, also of what there is not."""
    assert (await intake.post("ecms", ACCESS, key="")).status == 401
    assert (await intake.post("ecms", ACCESS, key="ntk_made-up")).status == 401
    assert (await intake.post("ecms", ACCESS, Authorization=f"Basic {KEYS['ecms']}")).status == 401
    others = [await intake.post(name, ACCESS, key=KEYS["jnet"]) for name in ("ecms", "facts", "nothing", "no%20such")]
    assert {(answer.status, str(answer.document)) for answer in others} == {(403, str(others[0].document))}
    assert KEYS["jnet"] not in str(others[0])
    wrong = await intake.post("jnet", ACCESS)  # its own key, and a body of another
    assert (wrong.status, wrong.document["faults"][0]["field"]) == (422, "source")
    intake.known.keys = Keys()
    assert (await intake.post("ecms", ACCESS)).status == 401


DEEP: Final = b"[" * 50_000
ODD_BODIES: Final = {
    "nothing": b"",
    "an empty array": b"[]",
    "no lines": b"\n \n",
    "an array without an end": b"[" + ACCESS + b",",
    "a comma too many": b"[" + ACCESS + b",]",
    "two arrays": b"[" + ACCESS + b"][" + ACCESS + b"]",
    "an array in an array": b"[[" + ACCESS + b"]]",
    "the wrong bracket": b"[" + ACCESS + b"}",
    "deep": DEEP,
    "deep in a record": b'{"a":' * 50_000,
    "deep in an array": b'[{"a":' + DEEP,
    "quotes without an end": b'["' + b'\\"' * 400_000,
    "brackets without an end": b"[" + b"{}" * 500_000,
    "many commas": b"[" + b"," * (RECORDS_MAX - 1) + b"]",
    "numbers": b"[1,2,3]",
    "a field twice": ACCESS[:-1] + b',"actor":"' + SECRET.encode() + b'"}',
    "not UTF-8": ACCESS.replace(b"jdoe", b"\xff\xfe"),
    "zeros": b"\0" * 1_000,
    "a field that nobody knows": ACCESS[:-1] + b',"' + SECRET.encode() + b'":1}',
    "large numbers": ACCESS.replace(b"123,", b"1" * 5_000 + b","),
    "far ahead": ACCESS.replace(b"2026-", b"2099-"),
    "a record too long": ACCESS[:-1] + b" " * 65_536 + b"}",
}


@pytest.mark.parametrize("name", ODD_BODIES)
@pytest.mark.parametrize("kind", [CANONICAL, BATCH])
async def test_what_is_odd_is_refused_and_the_next_is_taken(intake: Receiving, name: str, kind: str) -> None:
    """With a word on what to do, without a word of what it was; an intake goes on as if nothing had been."""
    answer = await intake.post("ecms", ODD_BODIES[name], kind)
    assert answer.status in {400, 413, 422}
    assert answer.document["detail"]
    assert SECRET not in str(answer.document)
    assert (await intake.post("ecms", ACCESS)).status == 202
    assert intake.counted("needtoknow_intake_refusals_total", refusal="ours") == 0


async def test_what_is_packed_or_of_another_type_is_refused_unread(intake: Receiving) -> None:
    """A few bytes can unpack to gigabytes; and no other reader may take it for something else."""
    bomb = gzip.compress(b" " * 50_000_000)
    for encoding in ("gzip", "deflate", "br", "zstd", "gzip, gzip"):
        answer = await intake.post("ecms", bomb, Content_Encoding=encoding)
        assert (answer.status, "compressed" in answer.document["detail"]) == (415, True)
    for kind in (None, "text/plain", "application/json; charset=latin-1", JNET_XML, "application/json, text/csv"):
        answer = await intake.post("ecms", ACCESS, kind)
        assert (answer.status, CANONICAL in answer.document["detail"]) == (415, True)


async def test_what_is_too_large_is_refused_before_it_is_read(intake: Receiving) -> None:
    """By the length that it states, or as soon as it is passed; and more records than a batch may have."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(BODY_MAX // 65_536 + 2):
            yield b" " * 65_536

    stated = await intake.post("ecms", b" " * (BODY_MAX + 1))
    chunked = await intake.post("ecms", endless())
    many = await intake.post("ecms", b"\n".join(accesses(RECORDS_MAX + 1)), BATCH)
    assert [answer.status for answer in (stated, chunked, many)] == [413, 413, 413]
    assert intake.counted("needtoknow_intake_refusals_total", refusal="too_large") == 3
    assert len((await intake.post("ecms", b"\n".join(accesses(RECORDS_MAX)), BATCH)).places) == RECORDS_MAX


async def test_a_source_that_sends_too_much_waits_and_no_other_does(topics: Running) -> None:
    """It is told for how long, and that the same may be sent again."""
    async with receiving(topics.service.bootstrap, topics.service.prefix, receive_rate=1) as intake:
        first = await intake.post("ecms", b"\n".join(accesses(40)), BATCH)
        second = await intake.post("ecms", ACCESS)
        other = await intake.post("jnet", ACCESS.replace(b'"source":"ecms"', b'"source":"jnet"'))
    assert [first.status, second.status, other.status] == [202, 429, 202]
    assert 1 <= int(second.headers["Retry-After"]) <= 31  # 10 at once, 30 in debt
    assert intake.counted("needtoknow_intake_requests_total", source="ecms", answer="later") == 1


async def speak(intake: Receiving, *parts: bytes) -> bytes:
    """What comes back on a connection of its own, to these bytes, until the other side ends it."""
    reader, writer = await asyncio.open_connection(HOST, int(intake.base.rpartition(":")[2]))
    try:
        for part in parts:
            writer.write(part)
        await writer.drain()
        async with asyncio.timeout(20):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


def head(length: int | None, *more: str, key: str = KEYS["ecms"]) -> bytes:
    """The headers of a request, of a body of this length."""
    lines = ["POST /v1/access/ecms HTTP/1.1", "Host: here", f"Authorization: Bearer {key}"]
    lines += ["Content-Type: application/json", *([] if length is None else [f"Content-Length: {length}"]), *more]
    return "\r\n".join([*lines, "", ""]).encode()


async def test_whoever_is_slow_is_not_waited_for(topics: Running) -> None:
    """A connection that says nothing, or half of its headers, ends; half a body is answered, and then ends."""
    patience = Patience(headers_seconds=2, body_seconds=0.5)
    async with receiving(topics.service.bootstrap, topics.service.prefix, patience) as intake:
        silent, half, slow = await asyncio.gather(
            speak(intake), speak(intake, head(10)[:60]), speak(intake, head(len(ACCESS)), ACCESS[:20])
        )
    assert (silent, half) == (b"", b"")
    assert slow.startswith(b"HTTP/1.1 408 ")
    assert intake.counted("needtoknow_intake_refusals_total", refusal="too_slow") == 1


async def test_there_is_an_end_to_what_may_be_under_way(topics: Running) -> None:
    """A source that holds its share is told to come again, others have theirs; connections have an end, too."""
    patience = Patience(body_seconds=20, connections=3)
    async with receiving(topics.service.bootstrap, topics.service.prefix, patience, receive_in_flight=4) as intake:
        held = asyncio.create_task(speak(intake, head(len(ACCESS)), ACCESS[:20]))
        await eventually(lambda: intake.in_flight.count == 1, "the request is not under way")
        answer = await intake.post("ecms", ACCESS)
        other = await intake.post("jnet", ACCESS.replace(b'"source":"ecms"', b'"source":"jnet"'))
        silent = [asyncio.create_task(speak(intake)) for _ in range(3)]
        done, _ = await asyncio.wait(silent, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        turned_away = intake.counted("needtoknow_intake_turned_away_total")
        for task in (held, *silent):
            task.cancel()
    assert (answer.status, answer.headers["Retry-After"], answer.document["title"]) == (503, "2", "busy")
    assert other.status == 202
    assert {task.result() for task in done} == {b""}
    assert turned_away >= 1


ODD_REQUESTS: Final = {
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
    "a header without an end": b"POST /v1/access/ecms HTTP/1.1\r\nX: " + b"x" * 200_000,
    "many headers": head(2, *(f"X-{n}: 1" for n in range(5_000))) + b"{}",
    "a chunk that is none": head(None, "Transfer-Encoding: chunked") + b"zz\r\n{}\r\n0\r\n\r\n",
    "two lengths": head(2, "Content-Length: 3") + b"{}",
    "a length and chunks": head(2, "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "a negative length": head(-1) + b"{}",
    "a key that is no text": head(2, key="\x01") + b"{}",
    "a key that is not UTF-8": head(2, "Connection: close", key="K").replace(b"Bearer K", b"Bearer \xff\xfe") + b"{}",
    "a long path": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("name", ODD_REQUESTS)
async def test_what_is_hardly_a_request_is_refused_without_a_trace(
    intake: Receiving, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A client's error, never one of ours, and its bytes are in no log: a key may be among them."""
    answer = await speak(intake, ODD_REQUESTS[name])
    assert answer[:10] in {b"", b"HTTP/1.1 4", b"HTTP/1.0 4"}
    assert (await intake.post("ecms", ACCESS)).status == 202
    assert intake.counted("needtoknow_intake_refusals_total", refusal="ours") == 0
    assert KEYS["ecms"] not in caplog.text


async def test_whoever_asks_first_is_answered_before_the_body(intake: Receiving) -> None:
    """`Expect: 100-continue`: the body of whom we refuse anyway need not be sent."""
    wanted, key = "Expect: 100-continue", "ntk_made-up"
    refused = await speak(intake, head(len(ACCESS), wanted, "Connection: close", key=key))
    assert refused.startswith(b"HTTP/1.1 401 ")
    taken = await speak(intake, head(len(ACCESS), wanted, "Connection: close"), ACCESS)
    assert taken.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 ")


async def test_a_connection_to_kafka_that_takes_nothing_more_is_made_anew(intake: Receiving) -> None:
    """Until then 503, and the same may be sent again; nobody has to start it anew."""
    assert (await intake.post("ecms", ACCESS)).status == 202
    producer = intake.store._producer
    assert producer is not None
    await producer.stop()
    assert (await intake.post("ecms", ACCESS)).status == 503
    task = asyncio.create_task(intake.store.run())
    await eventually(lambda: intake.store._producer is not None, "there is no new connection")
    assert (await intake.post("ecms", ACCESS)).status == 202
    task.cancel()


async def test_the_document_is_the_one_that_is_published(intake: Receiving) -> None:
    """Whoever has no key may read how to send."""
    async with intake.session.get(f"{intake.base}/v1/openapi.json") as response:
        served = orjson.loads(await response.read())
    published = Path(__file__).parents[2] / "schemas" / "published" / "receive.openapi.json"
    assert served == orjson.loads(published.read_bytes())
