"""Ways to sign in. There is one place where another is put: an identity provider is a SignIn, too."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol, get_args

from schemas.act import Role
from schemas.errors import NotReadyError


class SignIn(Protocol):
    """Decides whether somebody is who they say, and in which role they come."""

    def role_of(self, login: str) -> Role | None:
        """The role of whoever this is; None: they may not come in."""

    def offered(self) -> Mapping[str, Role]:
        """Whom the page offers to sign in as; nobody where they must say it elsewhere."""


class DemoUsers:
    """Named users without a password, for trying out: whoever reaches the address may be anybody.

    Raises NotReadyError unless the address is loopback.
    """

    def __init__(self, users: Mapping[str, Role], host: str) -> None:
        if users and not is_loopback(host):
            raise NotReadyError("NTK_CONSOLE_DEMO_USERS have no password, so NTK_CONSOLE_HOST must be loopback")
        self.users = MappingProxyType(dict(users))

    def role_of(self, login: str) -> Role | None:
        """As SignIn says."""
        return self.users.get(login)

    def offered(self) -> Mapping[str, Role]:
        """As SignIn says."""
        return self.users


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address. A name is not looked up: it may change."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def demo_users(text: str) -> dict[str, Role]:
    """ "ana:analyst,leo:law" as roles by login. Raises NotReadyError naming what is wrong."""
    users: dict[str, Role] = {}
    for pair in filter(None, text.split(",")):
        login, _, role = pair.strip().partition(":")
        found = next((one for one in get_args(Role) if one == role), None)
        if not login or found is None:
            raise NotReadyError(
                f"NTK_CONSOLE_DEMO_USERS must be login:role,..., with roles of {', '.join(get_args(Role))}"
            )
        users[login] = found
    return users
