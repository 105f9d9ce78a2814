"""Who is signed in: in the store, so that signing out holds for every console that shares it."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final, NamedTuple, cast

from sqlalchemy import delete, insert, select

from schemas.act import Role

from .secrets import kept, secret_of
from .store import Store
from .tables import SESSIONS

TOKEN_BYTES: Final = 32


class Session(NamedTuple):
    """A sign-in that holds from `since` to `until` (UTC ms)."""

    login: str
    role: Role
    since: int
    until: int


def digest_of(token: str) -> str:
    """Under which a token is kept."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()  # headers may hold any bytes


class Sessions:
    """Signing in and out. Every method may raise StoreNotReadyError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def sign_in(self, session: Session) -> str:
        """Begins a session, and lets go of those that are over; its token, which is kept nowhere here."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        with self._store.changing() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.until <= session.since))
            connection.execute(insert(SESSIONS).values(digest=digest_of(token), **session._asdict()))
        return token

    def find(self, token: str, now: int) -> Session | None:
        """The session of this token; None when there is none, or none any more."""
        columns = [SESSIONS.c.login, SESSIONS.c.role, SESSIONS.c.since, SESSIONS.c.until]
        wanted = select(*columns).where(SESSIONS.c.digest == digest_of(token), SESSIONS.c.until > now)
        with self._store.looking() as connection:
            row = connection.execute(wanted).one_or_none()
        return None if row is None else Session(row.login, cast(Role, row.role), row.since, row.until)

    def sign_out(self, token: str) -> None:
        """Ends a session, whether there is one or not."""
        with self._store.changing() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == digest_of(token)))

    def secret(self, name: str) -> bytes:
        """Random bytes under this name, made when they are first asked for, and the same ever after."""
        with self._store.looking() as connection:
            if (found := kept(connection, name)) is not None:
                return found
        with self._store.changing() as connection:
            return secret_of(connection, name)
