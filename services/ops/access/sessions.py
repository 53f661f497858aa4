"""Sessions of browsers and one-time login codes: secrets that are shown once, of which only the hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.auth.actor import Actor, CredentialExpired, CredentialRefused, check_names
from cutlog.auth.audit import Entry
from cutlog.auth.rings import encode64
from cutlog.auth.roles import Role
from cutlog.auth.sessions import LONGEST, PREFIX
from cutlog.contract.base import Wire
from cutlog.contract.ids import new_id
from services.ops.access.audit import Audit
from services.ops.access.revoking import Revoking
from services.ops.access.sql import statement
from services.ops.errors import OpsError

_ADD: Final = statement("session_add")
_FIND: Final = statement("session_find")
_END: Final = statement("session_end")
_OF: Final = statement("sessions_of")
_FORGET: Final = statement("forget_sessions")
_ADD_CODE: Final = statement("login_code_add")
_USE_CODE: Final = statement("login_code_use")
_FORGET_CODES: Final = statement("forget_login_codes")
REVOKED_SECONDS: Final = LONGEST
"""How long an ended session stays revoked: what it opened may last as long."""


class LoginLinkError(OpsError):
    """The login link is not valid."""


class Begun(Wire):
    """A session that has begun, and the secret that its cookie holds."""

    id: str
    subject: str
    tenant: str
    role: Role
    secret: str
    expires_at: datetime


class Sessions:
    """The tables `session` and `login_code`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def resolve(self, secret: str) -> Actor:
        """Whose a session is, which is noted as used. Raises CredentialRefused, CredentialExpired."""
        async with self._engine.begin() as connection:
            row = (await connection.exec_driver_sql(_FIND, (_hash(secret),))).one_or_none()
        if row is None:
            raise CredentialRefused("The session is not valid, or has ended. Log in again.")
        if row.ended:
            raise CredentialExpired("The session has ended. Log in again.")
        return Actor(
            row.subject, row.tenant, Role(row.role), None, "session", row.id, row.created_at.timestamp(),
            row.expires_at.timestamp(),
        )  # fmt: skip

    async def begin(self, connection: AsyncConnection, subject: str, tenant: str, role: Role, origin: str) -> Begun:
        """A new session. `origin` is the id of the credential that makes it."""
        session_id, secret = new_id("s"), PREFIX + encode64(secrets.token_bytes(32))
        values = (session_id, _hash(secret), tenant, subject, role.value, origin)
        row = (await connection.exec_driver_sql(_ADD, values)).one()
        return Begun(id=session_id, subject=subject, tenant=tenant, role=role, secret=secret, expires_at=row.expires_at)

    async def end(self, connection: AsyncConnection, session_id: str) -> None:
        """Ends one."""
        await connection.exec_driver_sql(_END, (session_id,))

    async def end_of(self, connection: AsyncConnection, origin: str) -> list[str]:
        """Ends those that a credential has made; their ids."""
        return [str(each.id) for each in await connection.exec_driver_sql(_OF, (origin,))]

    async def new_code(
        self, connection: AsyncConnection, subject: str, tenant: str, role: Role
    ) -> tuple[str, datetime]:
        """A code that logs in once, and until when. Raises ValueError for names that nobody can have."""
        check_names(subject, tenant)
        code = encode64(secrets.token_bytes(32))
        row = (await connection.exec_driver_sql(_ADD_CODE, (_hash(code), tenant, subject, role.value))).one()
        return code, row.expires_at

    async def use_code(self, connection: AsyncConnection, code: str) -> tuple[str, str, Role]:
        """Subject, tenant and role that a code logs in; it is used up. Raises LoginLinkError."""
        row = (await connection.exec_driver_sql(_USE_CODE, (_hash(code),))).one_or_none()
        if row is None or not row.valid:
            raise LoginLinkError("A login link works once, within ten minutes. Get another one with `cutlog login`.")
        return row.subject, row.tenant, Role(row.role)

    async def forget(self) -> None:
        """Removes what has ended."""
        async with self._engine.begin() as connection:
            await connection.exec_driver_sql(_FORGET)
            await connection.exec_driver_sql(_FORGET_CODES)


class Logins:
    """Begins and ends sessions, each with its entry in the audit log."""

    def __init__(self, engine: AsyncEngine, sessions: Sessions, revoking: Revoking, audit: Audit) -> None:
        self._engine, self._sessions, self._revoking, self._audit = engine, sessions, revoking, audit

    async def begin(self, actor: Actor, address: str) -> Begun:
        """A session for whoever presented a token."""
        async with self._engine.begin() as connection:
            begun = await self._sessions.begin(connection, actor.subject, actor.tenant, actor.role, actor.id)
            await self._audit.add(connection, Entry.of(actor, address, "session.began", begun.id))
        return begun

    async def login(self, code: str, address: str) -> Begun:
        """A session for whoever has a code. Raises LoginLinkError."""
        async with self._engine.begin() as connection:
            subject, tenant, role = await self._sessions.use_code(connection, code)
            begun = await self._sessions.begin(connection, subject, tenant, role, "")
            actor = Actor(subject, tenant, role, None, "session", begun.id)
            await self._audit.add(connection, Entry.of(actor, address, "session.began", begun.id, by="code"))
        return begun

    async def end(self, actor: Actor, address: str) -> None:
        """Ends the session of an actor, and what it opened."""
        async with self._engine.begin() as connection:
            await self._sessions.end(connection, actor.id)
            await self._revoking.add(connection, id=actor.id, seconds=REVOKED_SECONDS)
            await self._audit.add(connection, Entry.of(actor, address, "session.ended", actor.id))
        await self._revoking.tell()

    async def new_code(self, by: Entry, subject: str, role: Role) -> tuple[str, datetime]:
        """A code for a subject of the entry's tenant. Raises ValueError."""
        async with self._engine.begin() as connection:
            made = await self._sessions.new_code(connection, subject, by.tenant, role)
            await self._audit.add(connection, by)
        return made


def _hash(secret: str) -> bytes:
    # 256 random bits need no slow hash.
    return hashlib.sha256(secret.encode()).digest()
