"""What ops knows of access, in one place: keys, revocations and the audit, each change with its entry."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.auth.actor import Actor
from cutlog.auth.audit import Entry
from cutlog.auth.gate import Gate
from cutlog.auth.roles import Role
from cutlog.bus import Bus
from cutlog.db.skipping import repeat
from services.ops.access.audit import Audit
from services.ops.access.keys import ApiKey, ApiKeys
from services.ops.access.revoking import Revoking
from services.ops.access.sessions import Sessions
from services.ops.access.sql import statement

_UNSEEN: Final = statement("unseen_media")
FORGET_SECONDS: Final = 3600.0
KEY_REVOKED_SECONDS: Final = 3600.0
"""A deleted key is looked up in vain; its revocation ends what it opened."""


class AccessStore:
    """`audit_days`: how long entries are kept."""

    def __init__(
        self, engine: AsyncEngine, bus: Bus, gate: Gate, keys: ApiKeys, sessions: Sessions, audit_days: float
    ) -> None:
        self._engine, self._audit_days = engine, audit_days
        self._sessions = sessions
        self.audit, self.keys, self.revoking = Audit(engine), keys, Revoking(engine, bus, gate)

    async def create_key(
        self,
        actor: Actor,
        address: str,
        name: str,
        role: Role,
        projects: Sequence[str] | None,
        expires_at: datetime | None,
    ) -> tuple[ApiKey, str]:
        """A new API key and its secret."""
        async with self._engine.begin() as connection:
            made, secret = await self.keys.create(connection, actor, name, role, projects, expires_at)
            entry = Entry.of(actor, address, "key.created", made.id, name=name, role=role.value, projects=made.projects)
            await self.audit.add(connection, entry)
        return made, secret

    async def delete_key(self, actor: Actor, address: str, key_id: str) -> bool:
        """Deletes a key, and ends what it opened; whether the tenant had it."""
        async with self._engine.begin() as connection:
            if not await self.keys.delete(connection, actor.tenant, key_id):
                return False
            await self.revoking.add(connection, id=key_id, seconds=KEY_REVOKED_SECONDS)
            await self.audit.add(connection, Entry.of(actor, address, "key.deleted", key_id))
        await self.revoking.tell()
        return True

    async def revoke(self, by: Entry, *, id: str | None = None, subject: str | None = None) -> None:  # noqa: A002
        """Revokes a credential by its id, with the sessions that it made, or all of a subject that were issued until
        now; `by` says who does."""
        async with self._engine.begin() as connection:
            tenant = by.tenant if subject is not None else None
            await self.revoking.add(connection, id=id, tenant=tenant, subject=subject)
            for session in await self._sessions.end_of(connection, id) if id else ():
                await self.revoking.add(connection, id=session)
            await self.audit.add(connection, by)
        await self.revoking.tell()

    async def unseen(self, actor: Actor, media: Collection[str]) -> set[str]:
        """Which of these media the actor does not see: its key is for projects that do not use them."""
        if actor.projects is None or not media:
            return set()
        async with self._engine.connect() as connection:
            values = (list(media), list(actor.projects), actor.subject)
            return {row.media for row in await connection.exec_driver_sql(_UNSEEN, values)}

    async def forget(self) -> None:
        """Removes what is too old."""
        await self.revoking.forget()
        await self._sessions.forget()
        await self.audit.forget(self._audit_days * 86400)

    async def run(self, stop: asyncio.Event) -> None:
        """Follows revocations, and forgets what is old, until `stop` is set."""
        async with asyncio.TaskGroup() as work:
            work.create_task(self.revoking.run(stop))
            work.create_task(repeat("ops.access", self.forget, FORGET_SECONDS, stop))
