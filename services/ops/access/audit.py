"""The audit log: who did what with credentials and with what can't be undone, when and from where."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.auth.audit import Entry
from cutlog.contract.base import Wire
from services.ops.access.sql import statement

_ADD: Final = statement("audit_add")
_LIST: Final = statement("audit_list")
_FORGET: Final = statement("forget_audit")


class AuditEntry(Wire):
    """One line of the audit log."""

    position: int
    at: datetime
    subject: str
    credential: str
    """The kind and the id of the credential, such as `token t_…`."""
    address: str
    action: str
    target: str
    detail: dict[str, Any]


class Audit:
    """The table `audit`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def note(self, entry: Entry, key: str | None = None) -> None:
        """Adds an entry; once per key."""
        async with self._engine.begin() as connection:
            await self.add(connection, entry, key)

    async def add(self, connection: AsyncConnection, entry: Entry, key: str | None = None) -> None:
        """Adds an entry in the caller's transaction."""
        detail = msgspec.json.encode(entry.detail).decode().replace("\\u0000", "\\ufffd")  # which jsonb can't hold
        values = (entry.tenant, entry.subject, entry.credential, entry.address, entry.action, entry.target, detail)
        await connection.exec_driver_sql(_ADD, (key, entry.at, *values))

    async def entries(
        self,
        tenant: str,
        before: int | None,
        subject: str | None,
        action: str | None,
        since: datetime | None,
        until: datetime | None,
        limit: int,
    ) -> list[AuditEntry]:
        """Entries of a tenant, the newest first. An action is that of an entry, or the first part of it."""
        async with self._engine.connect() as connection:
            rows = await connection.exec_driver_sql(_LIST, (tenant, before, subject, action, since, until, limit))
            return [AuditEntry(**{**row._mapping, "detail": _detail(row.detail)}) for row in rows]

    async def forget(self, seconds: float) -> int:
        """Removes entries that are older; how many."""
        async with self._engine.begin() as connection:
            return (await connection.exec_driver_sql(_FORGET, (seconds,))).rowcount


def _detail(stored: Any) -> Any:
    return msgspec.json.decode(stored) if isinstance(stored, str | bytes) else stored
