"""Commands that must reach ops: stored with what they report, sent again and again until ops has answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from nats.errors import Error as NatsError
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.bus.connection import Bus
from cutlog.bus.errors import BusError
from cutlog.bus.tables import outbox
from cutlog.contract.commands import Command, CommandReply, CommandSource, decode_command, encode_command
from cutlog.db.lead import lead
from cutlog.db.leases import Lease
from cutlog.db.skipping import Skipping
from cutlog.db.standing import Standing

log = structlog.get_logger(__name__)

OnReply = Callable[[AsyncConnection, Command, CommandReply], Awaitable[None]]
"""Told ops's answer, in the transaction that takes the command out of the outbox."""

PAGE: Final = 100
AGAIN: Final = 60.0
"""Seconds after which a command that was passed over is tried once more."""


async def waiting(connection: AsyncConnection, limit: int | None = None) -> list[Command]:
    """Commands that ops has not answered yet, in the order they were added, at most `limit`."""
    stored = await connection.scalars(select(outbox.c.command).order_by(outbox.c.number).limit(limit))
    return [decode_command(each) for each in stored]


class Outbox:
    """The table `outbox` of a service. Commands leave it in the order they were added, one at a time; one that can't be
    read, or whose answer can't be taken in, is passed over."""

    def __init__(self, engine: AsyncEngine, source: CommandSource, *, on_reply: OnReply | None = None) -> None:
        self._engine, self._source, self._on_reply = engine, source, on_reply
        self._wake = asyncio.Event()
        self.standing = Standing(f"outbox {source}")
        self.skipping = Skipping(f"{source}.outbox", outages=(BusError, NatsError))
        self._passed: dict[int, float] = {}

    @staticmethod
    async def add(connection: AsyncConnection, command: Command) -> None:
        """Stores a command in the caller's transaction; one whose key is there already is left as it is.

        Call `wake()` after the commit, or it leaves within a second.
        """
        await connection.execute(
            insert(outbox).values(key=command.key, command=encode_command(command)).on_conflict_do_nothing()
        )

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    async def run(self, bus: Bus, stop: asyncio.Event) -> None:
        """Sends until `stop` is set. One process at a time does."""

        async def work(lease: Lease) -> None:
            while not stop.is_set():
                if not await self._send(lease, bus, stop):
                    await self._rest(stop)

        await lead(self._engine, self.standing.name, stop, work, standing=self.standing, expected=(BusError, NatsError))

    async def _rest(self, stop: asyncio.Event) -> None:
        stopping, waking = asyncio.create_task(stop.wait()), asyncio.create_task(self._wake.wait())
        try:
            await asyncio.wait((stopping, waking), timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            waking.cancel()
            self._wake.clear()

    async def _send(self, lease: Lease, bus: Bus, stop: asyncio.Event) -> int:
        """Sends what is stored, a page at most; how many left."""
        since = time.monotonic() - AGAIN
        self._passed = {number: at for number, at in self._passed.items() if at > since}
        query = select(outbox.c.number, outbox.c.key, outbox.c.command).where(
            outbox.c.number.not_in(list(self._passed))
        )
        query = query.order_by(outbox.c.number).limit(PAGE)
        async with self._engine.connect() as connection:
            await lease.confirm(connection)
            rows = (await connection.execute(query)).all()
        lease.completed()
        for number, key, stored in rows:
            if stop.is_set():
                break
            lease.check()
            with self.skipping.row(key):
                await self._send_one(number, stored, bus, stop)
                continue
            self._passed[number] = time.monotonic()
        return len(rows)

    async def _send_one(self, number: int, stored: bytes, bus: Bus, stop: asyncio.Event) -> None:
        command = decode_command(stored)
        try:
            reply = await self._ask(bus, command, stop)
        except BusError:
            async with self._engine.begin() as connection:
                row = outbox.c.number == number
                await connection.execute(update(outbox).where(row).values(attempts=outbox.c.attempts + 1))
            raise
        if reply is None:
            return
        if reply.refused is not None:
            log.warning("outbox.refused", key=command.key, code=reply.refused.code, detail=reply.refused.detail)
        async with self._engine.begin() as connection:
            if self._on_reply is not None:
                await self._on_reply(connection, command, reply)
            await connection.execute(delete(outbox).where(outbox.c.number == number))

    async def _ask(self, bus: Bus, command: Command, stop: asyncio.Event) -> CommandReply | None:
        """What ops answers, or None when told to stop first: the command is stored, and sent at the next start."""
        asking = asyncio.create_task(bus.command(self._source, command))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((asking, stopping), return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else None
        finally:
            asking.cancel()
            stopping.cancel()
