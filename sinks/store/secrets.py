"""Random bytes that an installation keeps: made when they are first asked for, and the same ever after."""

from __future__ import annotations

import secrets
from typing import Final

from sqlalchemy import Connection, insert, select

from .tables import SECRETS

BYTES: Final = 32
ALERT_IDS: Final = "alerts"
"""The name of what ids of alerts are made with."""


def secret_of(connection: Connection, name: str) -> bytes:
    """The bytes under this name, in a transaction that writes."""
    found = kept(connection, name)
    if found is None:
        found = secrets.token_bytes(BYTES)
        connection.execute(insert(SECRETS).values(name=name, value=found))
    return found


def kept(connection: Connection, name: str) -> bytes | None:
    """The same where there are any."""
    found = connection.execute(select(SECRETS.c.value).where(SECRETS.c.name == name)).scalar_one_or_none()
    return None if found is None else bytes(found)
