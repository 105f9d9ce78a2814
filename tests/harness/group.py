"""Who is in the workers' consumer group, and what each holds, as the broker knows it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from sinks.kafka import Broker, admin

WAIT_SECONDS: Final = 30.0
_ID, _ASSIGNMENT = 0, -1  # where these stand in a member's description
_STATE, _MEMBERS = 2, -1  # and in a group's
STABLE: Final = "Stable"


def members(bootstrap: str, group: str) -> Mapping[str, int]:
    """How many partitions each member holds, by member id; nobody while partitions are being handed over."""
    return asyncio.run(_members(bootstrap, group))


def roll(bootstrap: str, group: str) -> frozenset[str]:
    """The ids of all members, also while partitions are being handed over."""
    return frozenset(member[_ID] for member in asyncio.run(_describe(bootstrap, group))[_MEMBERS])


async def _members(bootstrap: str, group: str) -> Mapping[str, int]:
    described = await _describe(bootstrap, group)
    if described[_STATE] != STABLE:
        return {}
    return {member[_ID]: _held(member) for member in described[_MEMBERS]}


async def _describe(bootstrap: str, group: str) -> Any:
    async with admin(Broker(bootstrap, WAIT_SECONDS)) as client:
        [answer] = await client.describe_consumer_groups([group])
    [described] = answer.groups
    return described


def _held(member: Any) -> int:
    if not member[_ASSIGNMENT]:
        return 0
    assignment = ConsumerProtocolMemberAssignment.decode(member[_ASSIGNMENT])
    return sum(len(partitions) for _, partitions in assignment.assignment)
