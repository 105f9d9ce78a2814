"""Before a worker starts: is the broker there, and are the topics as they must be?"""

from __future__ import annotations

import socket

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAuthorizationFailedError

from schemas.settings import Settings
from schemas.topics_check import Found, compare, refusals

from .connect import at, connected
from .errors import NotReadyError, WrongTopicsError
from .refusals import not_ours
from .times import refuse_other_times


async def wait_for_topics(settings: Settings) -> None:
    """Return once the broker answers, every topic is as it must be, and the registry says what was judged by.

    Raises NotReadyError naming the address when it does not answer within `broker_wait_seconds`, WrongTopicsError when
    a topic is missing or of the wrong shape; whoever runs the broker must act. ChangedTimesError: see there.
    """

    async def look() -> None:
        admin = AIOKafkaAdminClient(**at(settings))
        try:
            await admin.start()
            await _check(settings, admin)
            group = await admin.list_consumer_group_offsets(settings.group)
            refuse_other_times(settings.topics, {tp: getattr(one, "metadata", "") for tp, one in group.items()})
        finally:
            await admin.close()

    await connected(settings, look)


def check_admin_port(settings: Settings) -> None:
    """Raises NotReadyError when nothing can listen where /metrics is to be; whoever starts the worker must act."""
    try:
        socket.create_server((settings.admin_host, settings.admin_port)).close()
    except OSError as error:
        raise NotReadyError(
            f"cannot listen on {settings.admin_host}:{settings.admin_port} ({error.strerror}); set NTK_ADMIN_PORT: "
            "each worker needs a port of its own, 0 takes any that is free"
        ) from error


async def _hidden(admin: AIOKafkaAdminClient, missing: list[str]) -> list[str]:
    """Those of them that Kafka does not let us see. A broker that makes topics by itself asks first who may."""
    described = await admin.describe_topics(missing) if missing else []
    return [t["topic"] for t in described if t["error_code"] == TopicAuthorizationFailedError.errno]


async def _check(settings: Settings, admin: AIOKafkaAdminClient) -> None:
    wanted = {topic.name: topic for topic in settings.topics.all()}
    listed = set(await admin.list_topics())
    missing = sorted(set(wanted) - listed)
    if not settings.security.is_open and (hidden := await _hidden(admin, missing)):
        raise not_ours(hidden, settings.broker, settings.security)
    if missing:
        raise WrongTopicsError(f"{len(missing)} topics are missing, {missing[0]} first; run: needtoknow topics apply")
    described = await admin.describe_topics(list(wanted))
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted]
    configs: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for resource in response.resources:
            configs[resource[3]] = {entry[0]: entry[1] for entry in resource[4]}
    for topic in described:
        name = topic["topic"]
        partitions = topic["partitions"]
        found = Found(
            partitions=len(partitions),
            replication=min(len(p["replicas"]) for p in partitions),
            config=configs.get(name, {}),
        )
        if refused := refusals(compare(wanted[name], found)):
            raise WrongTopicsError(f"topic {name}: {refused[0]}")
