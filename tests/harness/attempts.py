"""What a principal can really do: each attempt goes to the broker as it is, past a client that would not even try."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import (
    AlterConfigsRequest,
    CreatePartitionsRequest,
    CreateTopicsRequest,
    DeleteRecordsRequest,
    DeleteTopicsRequest,
    DescribeConfigsRequest,
)
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import JoinGroupRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from deploy.kafka.credentials import salted
from deploy.kafka.plan import PRODUCER_RATE, Acl
from deploy.kafka.wire import AlterQuotas, AlterUsers, CreateAcls
from schemas.settings import Settings
from streams.connect import at

WAIT_MS: Final = 30_000  # for a broker that is busy with others
PAUSE: Final = 0.1
NOT_YET: Final = {3, 5, 6}  # a topic that was just made has no leader, or not everybody knows it
DONE: Final = 0
TOPIC_DENIED, GROUP_DENIED, CLUSTER_DENIED, TRANSACTION_DENIED = 29, 30, 31, 53
IS_THERE: Final = 36  # whoever may not make a topic is not even told that it is there
NAME_YOURSELF: Final = 79  # a group that one may join gives a name first
TOPIC: Final = 2  # Kafka's number for this kind of resource

Codes = dict[str, int]
Ask = Callable[[Any], Awaitable[Any]]


async def _write(ask: Ask, topics: Sequence[str]) -> Codes:
    batch = _batch()
    answer = await ask(ProduceRequest(None, -1, WAIT_MS, [(topic, [(0, batch)]) for topic in topics]))
    return {topic: partitions[0][1] for topic, partitions in answer.topics}


def _batch(value: bytes = b"written by whoever could") -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, len(value) + 4096)
    assert builder.append(0, 1, b"key", value, [])
    return bytes(builder.build())


async def _read(ask: Ask, topics: Sequence[str]) -> Codes:
    answer = await ask(FetchRequest(0, 0, 1_000_000, 0, [(topic, [(0, 0, 10_000)]) for topic in topics]))
    return {topic: partitions[0][1] for topic, partitions in answer.topics}


async def _describe(ask: Ask, topics: Sequence[str]) -> Codes:
    answer = await ask(MetadataRequest(list(topics), False))
    return {topic["topic"]: topic["error_code"] for topic in answer.to_object()["topics"]}


async def _describe_configs(ask: Ask, topics: Sequence[str]) -> Codes:
    answer = await ask(DescribeConfigsRequest([(TOPIC, topic, None) for topic in topics]))
    return {resource[3]: resource[0] for resource in answer.resources}


async def _alter_configs(ask: Ask, topics: Sequence[str]) -> Codes:
    entries = [("retention.ms", "1")]
    answer = await ask(AlterConfigsRequest([(TOPIC, topic, entries) for topic in topics], validate_only=True))
    return {resource[3]: resource[0] for resource in answer.resources}


async def _create(ask: Ask, topics: Sequence[str]) -> Codes:
    answer = await ask(CreateTopicsRequest([(topic, 1, 1, [], []) for topic in topics], WAIT_MS, False))
    return {topic: code for topic, code, *_ in answer.topic_errors}


async def _alter(ask: Ask, topics: Sequence[str]) -> Codes:
    answer = await ask(CreatePartitionsRequest([(topic, (100, None)) for topic in topics], WAIT_MS, True))
    return {topic: code for topic, code, *_ in answer.topic_errors}


async def _delete(ask: Ask, topics: Sequence[str]) -> Codes:
    answer = await ask(DeleteTopicsRequest(list(topics), WAIT_MS))
    return {topic: code for topic, code, *_ in answer.topic_error_codes}


async def _delete_messages(ask: Ask, topics: Sequence[str]) -> Codes:
    answer = await ask(DeleteRecordsRequest([(topic, [(0, 1)]) for topic in topics], WAIT_MS))
    return {topic["name"]: topic["partitions"][0]["error_code"] for topic in answer.to_object()["topics"]}


ON_TOPICS: Final[Mapping[str, Callable[[Ask, Sequence[str]], Awaitable[Codes]]]] = {
    "write": _write,
    "read": _read,
    "describe": _describe,
    "describe_configs": _describe_configs,
    "alter_configs": _alter_configs,
    "create": _create,
    "alter": _alter,
    "delete": _delete,
    "delete_messages": _delete_messages,
}


def succeeded(attempt: str, code: int) -> bool:
    """Whether the broker let it happen. Any answer but yes and "not you" is a mistake in the attempt itself."""
    yes = IS_THERE if attempt == "create" else DONE
    assert code in (yes, TOPIC_DENIED), f"{attempt}: {code}"
    return code == yes


async def on_topics(settings: Settings, topics: Iterable[str]) -> dict[str, set[str]]:
    """Topic -> what this principal could do there."""
    names = list(topics)
    could: dict[str, set[str]] = {name: set() for name in names}
    async with _Asking(settings) as ask:
        for attempt, tried in ON_TOPICS.items():
            codes = await _answered(tried, ask, names)
            assert codes.keys() == could.keys(), attempt
            for name, code in codes.items():
                if succeeded(attempt, code):
                    could[name].add(attempt)
    return could


async def slowed_ms(settings: Settings, topic: str, size: int) -> int:
    """For how long the broker takes nothing more from this principal, after so many bytes."""
    async with _Asking(settings) as ask:
        answer = await ask(ProduceRequest(None, -1, WAIT_MS, [(topic, [(0, _batch(b"x" * size))])]))
    [(_, [(_, code, *_)])] = answer.topics
    assert code == DONE, code
    return int(answer.throttle_time_ms)


async def _answered(tried: Callable[[Ask, Sequence[str]], Awaitable[Codes]], ask: Ask, names: Sequence[str]) -> Codes:
    async with asyncio.timeout(WAIT_MS / 1000):
        while NOT_YET & set((codes := await tried(ask, names)).values()):  # noqa: ASYNC110 # Kafka has no event for it
            await asyncio.sleep(PAUSE)
    return codes


async def beside_topics(settings: Settings, group: str) -> set[str]:
    """What this principal could do with the group of the workers, with transactions, and to what protects topics."""
    async with _Asking(settings) as ask:
        acl = Acl(f"User:{settings.kafka_username}", TOPIC, "access.ecms.v1", 3, 2)
        grant = (acl.resource, acl.name, acl.pattern, acl.principal, acl.host, acl.operation, acl.permission)
        user = salted("source-ecms", "of somebody who would like to be")
        codes = {
            "join": (await ask(_joining(group))).error_code,
            "join another": (await ask(_joining(f"{group}-of-somebody"))).error_code,
            "see group": (await ask(OffsetFetchRequest(group, None))).error_code,
            "transaction": (await ask(InitProducerIdRequest("anything", WAIT_MS))).error_code,
            "grant": (await ask(CreateAcls([grant]))).creation_responses[0][0],
            "users": (await ask(AlterUsers([], [user]))).results[0][1],
            "quotas": (await ask(AlterQuotas([("source-ecms", PRODUCER_RATE, 1.0)]))).entries[0][0],
        }
    denied = (GROUP_DENIED, CLUSTER_DENIED, TRANSACTION_DENIED)
    assert all(code in (DONE, NAME_YOURSELF, *denied) for code in codes.values()), codes
    return {attempt for attempt, code in codes.items() if code not in denied}


def _joining(group: str) -> Any:
    nameless: Any = None
    return JoinGroupRequest(group, WAIT_MS, WAIT_MS, "", nameless, "consumer", [("range", b"")])


class _Asking:
    """One connection of this principal; `ask` sends a request to the broker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __aenter__(self) -> Ask:
        self._client = AIOKafkaAdminClient(**at(self._settings))
        try:
            await self._client.start()
        except BaseException:
            await self._client.close()
            raise
        return self._client._send_request

    async def __aexit__(self, *error: object) -> None:
        await self._client.close()
