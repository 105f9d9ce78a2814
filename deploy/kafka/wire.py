"""Requests of Kafka's protocol that aiokafka's admin client lacks, declared with aiokafka's own types.

ACLs and the description of quotas it knows, one at a time; users and changed quotas it does not. Kafka's own programs
could do it, too: they need a Java wherever an operator works, and one start of it (2 s) for each of the users.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiokafka.protocol.admin import CreateAclsRequest_v1, DeleteAclsRequest_v1
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Array,
    Boolean,
    CompactArray,
    CompactBytes,
    CompactString,
    Float64,
    Int8,
    Int16,
    Int32,
    Schema,
    String,
    TaggedFields,
)

TEXT, SHORT = String("utf-8"), CompactString("utf-8")
NO_TAGS: dict[int, bytes] = {}


class DescribeUsersResponse(Response):
    """Kafka's DescribeUserScramCredentialsResponse."""

    API_KEY, API_VERSION = 50, 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("error_message", SHORT),
        (
            "results",
            CompactArray(
                ("user", SHORT),
                ("error_code", Int16),
                ("error_message", SHORT),
                ("credentials", CompactArray(("mechanism", Int8), ("iterations", Int32), ("tags", TaggedFields))),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class DescribeUsers_v0(RequestStruct):  # noqa: N801 # as aiokafka names them
    """Kafka's DescribeUserScramCredentialsRequest."""

    FLEXIBLE_VERSION = True
    API_KEY, API_VERSION, RESPONSE_TYPE = 50, 0, DescribeUsersResponse
    SCHEMA = Schema(("users", CompactArray(("name", SHORT), ("tags", TaggedFields))), ("tags", TaggedFields))


class AlterUsersResponse(Response):
    """Kafka's AlterUserScramCredentialsResponse."""

    API_KEY, API_VERSION = 51, 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(("user", SHORT), ("error_code", Int16), ("error_message", SHORT), ("tags", TaggedFields)),
        ),
        ("tags", TaggedFields),
    )


class AlterUsers_v0(RequestStruct):  # noqa: N801
    """Kafka's AlterUserScramCredentialsRequest."""

    FLEXIBLE_VERSION = True
    API_KEY, API_VERSION, RESPONSE_TYPE = 51, 0, AlterUsersResponse
    SCHEMA = Schema(
        ("deletions", CompactArray(("name", SHORT), ("mechanism", Int8), ("tags", TaggedFields))),
        (
            "upsertions",
            CompactArray(
                ("name", SHORT),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


_ENTITY = ("entity", Array(("entity_type", TEXT), ("entity_name", TEXT)))


class AlterQuotasResponse(Response):
    """Kafka's AlterClientQuotasResponse."""

    API_KEY, API_VERSION = 49, 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("entries", Array(("error_code", Int16), ("error_message", TEXT), _ENTITY)),
    )


class AlterQuotas_v0(RequestStruct):  # noqa: N801
    """Kafka's AlterClientQuotasRequest."""

    API_KEY, API_VERSION, RESPONSE_TYPE = 49, 0, AlterQuotasResponse
    SCHEMA = Schema(
        ("entries", Array(_ENTITY, ("ops", Array(("key", TEXT), ("value", Float64), ("remove", Boolean))))),
        ("validate_only", Boolean),
    )


class DescribeUsers(Request[DescribeUsers_v0]):
    """All users that have a password."""

    API_KEY = 50

    def build(self, request_struct_class: type[DescribeUsers_v0]) -> DescribeUsers_v0:
        """As sent."""
        return request_struct_class(None, NO_TAGS)


class AlterUsers(Request[AlterUsers_v0]):
    """Take passwords away: (name, mechanism); and give some: (name, mechanism, iterations, salt, salted password)."""

    API_KEY = 51

    def __init__(
        self, deletions: Sequence[tuple[str, int]], upsertions: Sequence[tuple[str, int, int, bytes, bytes]]
    ) -> None:
        self._deletions = [(*one, NO_TAGS) for one in deletions]
        self._upsertions = [(*one, NO_TAGS) for one in upsertions]

    def build(self, request_struct_class: type[AlterUsers_v0]) -> AlterUsers_v0:
        """As sent."""
        return request_struct_class(self._deletions, self._upsertions, NO_TAGS)


class AlterQuotas(Request[AlterQuotas_v0]):
    """Set a quota of users: (name, key, value), None to remove it."""

    API_KEY = 49

    def __init__(self, quotas: Sequence[tuple[str, str, float | None]]) -> None:
        self._entries = [([("user", name)], [(key, value or 0.0, value is None)]) for name, key, value in quotas]

    def build(self, request_struct_class: type[AlterQuotas_v0]) -> AlterQuotas_v0:
        """As sent."""
        return request_struct_class(self._entries, False)


class CreateAcls(Request[CreateAclsRequest_v1]):
    """Many at once; aiokafka's own class sends one."""

    API_KEY = 30

    def __init__(self, acls: Sequence[tuple[Any, ...]]) -> None:
        self._acls = list(acls)

    def build(self, request_struct_class: type[CreateAclsRequest_v1]) -> CreateAclsRequest_v1:
        """As sent."""
        return request_struct_class(self._acls)


class DeleteAcls(Request[DeleteAclsRequest_v1]):
    """The same, to take them away."""

    API_KEY = 31

    def __init__(self, acls: Sequence[tuple[Any, ...]]) -> None:
        self._acls = list(acls)

    def build(self, request_struct_class: type[DeleteAclsRequest_v1]) -> DeleteAclsRequest_v1:
        """As sent."""
        return request_struct_class(self._acls)
