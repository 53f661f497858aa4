"""What tenants used, counted and reported to the log each hour."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.bus.outbox import Outbox
from cutlog.contract.amounts import UsedAmount
from cutlog.contract.commands import Command, CommandSource, RecordUsage
from cutlog.contract.events import UsageRecorded
from cutlog.contract.ids import random_bytes
from cutlog.db import usage
from cutlog.db.lead import lead_rounds
from cutlog.db.skipping import Skipping
from cutlog.db.standing import Standing

#: Seconds between rounds.
EVERY: Final = 60.0
#: Amounts in one event: it must fit into a message.
PART: Final = 5000


class Reporter:
    """Counts slices that a killed process had stored, and reports each hour, once: it is marked in the transaction that
    stores the command. One process of a service does. `stored` says whether the object of a key is there."""

    def __init__(
        self, engine: AsyncEngine, outbox: Outbox, source: CommandSource, stored: Callable[[str], Awaitable[bool]]
    ) -> None:
        self._engine, self._outbox, self._source, self._stored = engine, outbox, source, stored
        self.standing = Standing(f"{source}.usage")
        self.skipping = Skipping(f"{source}.usage")

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        await lead_rounds(self._engine, self.standing, stop, self.once, EVERY)

    async def once(self, seconds: float = usage.LEFT) -> None:
        """One round; slices that were begun at least so many `seconds` ago are settled."""
        await usage.settle(self._engine, self._stored, seconds)
        async with self._engine.connect() as connection:
            due = await usage.unreported(connection)
        for tenant, hour in due:
            with self.skipping.row(f"{tenant} {hour.isoformat()}"):
                await self._report(tenant, hour)
        if due:
            self._outbox.wake()

    async def _report(self, tenant: str, hour: datetime) -> None:
        async with self._engine.begin() as connection:
            used = [
                UsedAmount(budget=budget, project_id=project_id, amount=amount)
                for budget, project_id, amount in await usage.reported(connection, tenant, hour)
            ]
            await report(connection, self._outbox, self._source, tenant, hour, used)


async def report(
    connection: AsyncConnection, outbox: Outbox, source: CommandSource, tenant: str, hour: datetime,
    used: Sequence[UsedAmount],
) -> None:  # fmt: skip
    """Stores the commands that tell the log what a tenant used in an hour; once, in the caller's transaction."""
    hour = hour.astimezone(UTC)
    for start in range(0, len(used), PART):
        event = UsageRecorded(service=source, hour=hour, used=tuple(used[start : start + PART]))
        key = f"{source}/usage/{tenant}/{hour:%Y-%m-%dT%H}/{start // PART}"
        trace = f"00-{random_bytes(16).hex()}-{random_bytes(8).hex()}-01"
        command = Command(key=key, tenant=tenant, actor=source, trace=trace, body=RecordUsage(event=event))
        await outbox.add(connection, command)
