"""Revocations: rows that every process reads, and a word on NATS that there are new ones."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from nats.aio.msg import Msg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.auth.gate import Gate
from cutlog.auth.revocations import Revocation
from cutlog.auth.tokens import MAX_TTL
from cutlog.bus import Bus
from cutlog.bus.errors import BusUnavailable
from cutlog.contract.subjects import ACCESS_CHANGED
from cutlog.db.skipping import repeat
from services.ops.access.sql import statement

_REVOKE: Final = statement("revoke")
_SINCE: Final = statement("revocations")
_FORGET: Final = statement("forget_revocations")
LOOK_SECONDS: Final = 5.0
"""What another process of ops revoked is heard of over NATS at once, and without it after so long."""


class Revoking:
    """Revokes, and follows what other processes revoke. `gate` is this process's own."""

    def __init__(self, engine: AsyncEngine, bus: Bus, gate: Gate) -> None:
        self._engine, self._bus, self._gate = engine, bus, gate

    async def add(
        self,
        connection: AsyncConnection,
        *,
        id: str | None = None,  # noqa: A002 - that of the credential
        tenant: str | None = None,
        subject: str | None = None,
        seconds: float = MAX_TTL + 86400,
    ) -> None:
        """Revokes in the caller's transaction; call `tell` after it."""
        await connection.exec_driver_sql(_REVOKE, (id, tenant, subject, seconds))

    async def tell(self) -> None:
        """Makes new revocations known, here and elsewhere."""
        await self.look()
        with suppress(BusUnavailable):
            await self._bus.publish(ACCESS_CHANGED, b"")

    async def look(self) -> None:
        """Takes in what is new."""
        self._gate.revoke(await self.since(self._gate.revocations.position))

    async def since(self, position: int) -> list[Revocation]:
        """Revocations after a position."""
        async with self._engine.connect() as connection:
            rows = await connection.exec_driver_sql(_SINCE, (position,))
            return [Revocation(**{**row._mapping, "before": row.before or 0.0}) for row in rows]

    async def forget(self) -> int:
        """Removes those that cover nothing any more; how many."""
        async with self._engine.begin() as connection:
            return (await connection.exec_driver_sql(_FORGET)).rowcount

    async def heard(self, _: Msg) -> None:
        """Another process says that there are new ones."""
        await self.look()

    async def run(self, stop: asyncio.Event) -> None:
        """Looks now and then until `stop` is set."""
        await repeat("ops.revocations", self.look, LOOK_SECONDS, stop)
