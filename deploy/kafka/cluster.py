"""The broker as it is, and as a plan makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from aiokafka.protocol.admin import DescribeAclsRequest, DescribeClientQuotasRequest

from deploy.kafka.credentials import Keeper, salted
from deploy.kafka.plan import PRODUCER_RATE, SCRAM_SHA_512, Acl, Found, Plan
from deploy.kafka.wire import AlterQuotas, AlterUsers, CreateAcls, DeleteAcls, DescribeUsers
from schemas.errors import NotReadyError

ANY: Final = 1  # Kafka's number for every resource, pattern, operation and permission
EXACTLY, WHATEVER = 0, 2  # Kafka's ways to match an entity
NO_SUCH_USER: Final = 91
SECURITY_DISABLED: Final = 54
AT_ONCE: Final = 500  # entries in a request: 40 KB


async def find(client: AIOKafkaAdminClient) -> Found:
    """What the broker knows of anybody. Raises NotReadyError when it does not say."""
    return Found(
        acls=frozenset(await _acls(client)),
        users=frozenset(await _users(client)),
        quotas=await _quotas(client),
    )


async def _acls(client: AIOKafkaAdminClient) -> list[Acl]:
    answer = await _ask(client, DescribeAclsRequest(ANY, None, ANY, None, None, ANY, ANY))  # type: ignore[arg-type]
    if answer.error_code == SECURITY_DISABLED:
        raise NotReadyError("this broker has no authorizer: it lets everybody do everything (server.properties)")
    _check(answer.error_code, "what anybody may do cannot be asked")
    return [
        Acl(principal, kind, name, pattern, operation, permission, host)
        for kind, name, pattern, entries in answer.resources
        for principal, host, operation, permission in entries
    ]


async def _users(client: AIOKafkaAdminClient) -> list[str]:
    answer = await _ask(client, DescribeUsers())
    _check(answer.error_code, "users cannot be asked for")
    return [
        user
        for user, code, _, credentials, _ in answer.results
        if code == 0 and any(mechanism == SCRAM_SHA_512 for mechanism, _, _ in credentials)
    ]


async def _quotas(client: AIOKafkaAdminClient) -> dict[str, float]:
    """Of users by name only: not of a user with a client id, nor of all others."""
    answer = await _ask(client, DescribeClientQuotasRequest([("user", WHATEVER, None)], True))  # type: ignore[list-item]
    _check(answer.error_code, "quotas cannot be asked for")
    return {
        entity[0][1]: dict(values)[PRODUCER_RATE]
        for entity, values in answer.entries or ()
        if len(entity) == 1 and entity[0][1] is not None and PRODUCER_RATE in dict(values)
    }


async def carry_out(client: AIOKafkaAdminClient, plan: Plan, keeper: Keeper) -> None:
    """Users first, since they may do nothing yet; what is taken away last. Raises NotReadyError naming what failed."""
    passwords = {name: keeper.password(name) for name in plan.new_users}
    passwords |= {name: keeper.next_password(name) for name in plan.rotated}
    if passwords:
        await _alter_users(client, [], [salted(*one) for one in passwords.items()])
    for name in plan.rotated:
        keeper.replace(name)
    if plan.quotas:
        quotas = [(name, PRODUCER_RATE, rate) for name, rate in plan.quotas]
        for code, message, entity in (await _ask(client, AlterQuotas(quotas))).entries:
            _check(code, f"the quota of {entity[0][1]} cannot be set", message)
    await _alter_acls(client, plan.new_acls, CreateAcls)
    await _alter_acls(client, plan.gone_acls, DeleteAcls)
    if plan.gone_users:
        await _alter_users(client, [(name, SCRAM_SHA_512) for name in plan.gone_users], [])


async def _alter_users(
    client: AIOKafkaAdminClient, gone: Sequence[tuple[str, int]], new: Sequence[tuple[str, int, int, bytes, bytes]]
) -> None:
    for user, code, message, _ in (await _ask(client, AlterUsers(gone, new))).results:
        if code != NO_SUCH_USER:
            _check(code, f"user {user} cannot be altered", message)


async def _alter_acls(
    client: AIOKafkaAdminClient, acls: Sequence[Acl], request: Callable[[Sequence[tuple[Any, ...]]], Any]
) -> None:
    for some in _slices(acls):
        answer = await _ask(client, request([_entry(acl) for acl in some]))
        results: Iterable[Any] = answer.to_object().popitem()[1]
        for acl, result in zip(some, results, strict=True):
            _check(result["error_code"], f"not changed: {acl}", result["error_message"])


def _slices(acls: Sequence[Acl]) -> Iterable[Sequence[Acl]]:
    return (acls[start : start + AT_ONCE] for start in range(0, len(acls), AT_ONCE))


def _entry(acl: Acl) -> tuple[Any, ...]:
    return acl.resource, acl.name, acl.pattern, acl.principal, acl.host, acl.operation, acl.permission


async def _ask(client: AIOKafkaAdminClient, request: Any) -> Any:
    return await client._send_to_controller(request)  # a broker passes it on to the real one


def _check(code: int, what: str, message: str | None = None) -> None:
    if code:
        raise NotReadyError(f"{what}: {for_code(code).__name__}{f': {message}' if message else ''}")
