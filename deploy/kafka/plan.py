"""What must change on a broker so that it lets each principal do what the table says, and nobody else. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from schemas.principals import Names, Permission, permissions, principals
from schemas.topics import Topics

SCRAM_SHA_512: Final = 2  # Kafka's number
PRODUCER_RATE: Final = "producer_byte_rate"

# Kafka's numbers.
ALLOW: Final = 3
LITERAL, PREFIXED = 3, 4
RESOURCES: Final = MappingProxyType(
    {"topic": 2, "group": 3, "cluster": 4, "transactional id": 5, "token": 6, "user": 7}
)
PATTERNS: Final = MappingProxyType({"literal": LITERAL, "prefixed": PREFIXED})
OPERATIONS: Final = MappingProxyType(
    {
        "all": 2,
        "read": 3,
        "write": 4,
        "create": 5,
        "delete": 6,
        "alter": 7,
        "describe": 8,
        "cluster_action": 9,
        "describe_configs": 10,
        "alter_configs": 11,
        "idempotent_write": 12,
    }
)
EVERYTHING: Final = "*"  # as a literal name: every resource of its kind


@dataclass(frozen=True, order=True)
class Acl:
    """One entry of the broker's list, in its own numbers; `principal` as `User:name`."""

    principal: str
    resource: int
    name: str
    pattern: int
    operation: int
    permission: int = ALLOW
    host: str = "*"

    def __str__(self) -> str:
        verb = _name(OPERATIONS, self.operation)
        named = f"{self.name}*" if self.pattern == PREFIXED else self.name
        may = "may" if self.permission == ALLOW else "may not"
        where = "" if self.host == "*" else f" from {self.host}"
        return f"{self.principal} {may} {verb} {_name(RESOURCES, self.resource)} {named}{where}"


def _name(numbers: Mapping[str, int], number: int) -> str:
    return next((name for name, known in numbers.items() if known == number), str(number))


def acl_of(permission: Permission) -> Acl:
    """The entry that gives it."""
    return Acl(
        principal=f"User:{permission.principal}",
        resource=RESOURCES[permission.resource],
        name=permission.name,
        pattern=PATTERNS[permission.pattern],
        operation=OPERATIONS[permission.operation],
    )


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the broker knows: its list; users with a password of the kind we make; what each user may send (bytes/s)."""

    acls: frozenset[Acl]
    users: frozenset[str]
    quotas: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be done, sorted. `strange`: entries that let somebody at what is ours and are not ours to remove."""

    new_users: tuple[str, ...] = ()
    rotated: tuple[str, ...] = ()
    gone_users: tuple[str, ...] = ()
    quotas: tuple[tuple[str, float | None], ...] = ()
    new_acls: tuple[Acl, ...] = ()
    gone_acls: tuple[Acl, ...] = ()
    strange: tuple[Acl, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be done."""
        return not any((self.new_users, self.rotated, self.gone_users, self.quotas, self.new_acls, self.gone_acls))

    def lines(self) -> Iterator[str]:
        """As people read it."""
        yield from (f"add     user {name}" for name in self.new_users)
        yield from (f"rotate  user {name}" for name in self.rotated)
        yield from (f"remove  user {name}" for name in self.gone_users)
        for name, rate in self.quotas:
            yield f"remove  quota of {name}" if rate is None else f"set     quota {name} sends {rate:,.0f} bytes/s"
        yield from (f"add     {acl}" for acl in self.new_acls)
        yield from (f"remove  {acl}" for acl in self.gone_acls)
        yield from (f"strange {acl}" for acl in self.strange)


def plan(topics: Topics, group: str, found: Found, rotate: Collection[str] = ()) -> Plan:
    """The least that makes the broker as the table says."""
    names = Names(topics.prefix)
    known = {p.name: p for p in principals(topics)}
    wanted = frozenset(acl_of(p) for p in permissions(topics, group))
    retired = {name for name in (*found.users, *found.quotas) if names.is_ours(name) and name not in known}
    quotas: dict[str, float | None] = {
        p.name: float(p.bytes_per_second)
        for p in known.values()
        if p.bytes_per_second is not None and found.quotas.get(p.name) != p.bytes_per_second
    }
    quotas |= dict.fromkeys(retired & found.quotas.keys())
    others = [acl for acl in found.acls - wanted if acl.permission == ALLOW]  # who denies more is not contradicted
    gone = {acl for acl in others if _is_ours(acl, topics, group)}
    return Plan(
        new_users=tuple(sorted(known.keys() - found.users)),
        rotated=tuple(sorted(set(rotate) & known.keys() & found.users)),
        gone_users=tuple(sorted(retired & found.users)),
        quotas=tuple(sorted(quotas.items())),
        new_acls=tuple(sorted(wanted - found.acls)),
        gone_acls=tuple(sorted(gone)),
        strange=tuple(sorted(acl for acl in others if acl not in gone and _reaches(acl, topics, group))),
    )


def _is_ours(acl: Acl, topics: Topics, group: str) -> bool:
    """Whether an entry is about a principal of ours, or about nothing but topics or the group of ours."""
    if Names(topics.prefix).is_ours(acl.principal.removeprefix("User:")):
        return True
    if acl.resource == RESOURCES["group"]:
        return acl.pattern == LITERAL and acl.name == group
    families = (f"{topics.prefix}access.", f"{topics.prefix}feed.")
    is_named = acl.pattern == LITERAL and acl.name in {topic.name for topic in topics.all()}
    return acl.resource == RESOURCES["topic"] and (is_named or acl.name.startswith(families))


def _reaches(acl: Acl, topics: Topics, group: str) -> bool:
    """Whether an entry about more than what is ours includes some of that."""
    if acl.resource == RESOURCES["topic"]:
        ours = {topic.name for topic in topics.all()}
    elif acl.resource == RESOURCES["group"]:
        ours = {group}
    else:
        return False
    is_wide = acl.pattern == LITERAL and acl.name == EVERYTHING
    return is_wide or (acl.pattern == PREFIXED and any(name.startswith(acl.name) for name in ours))
