"""Files follow events: what an event sent on its way is moved or removed, at once or by the sweeper after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.blobs import BlobNotFoundError, BlobStore
from cutlog.db.holds import are_held
from cutlog.db.lead import lead_rounds
from cutlog.db.placing import placing
from cutlog.db.skipping import Skipping
from cutlog.db.standing import Standing
from services.gc.sql import statement

log = structlog.get_logger(__name__)

AT_ONCE: Final = 16
PAGE: Final = 500
SWEEP_SECONDS: Final = 5.0

_PENDING: Final = statement("moves_pending")
_WAITING: Final = statement("moves_waiting")
_NOT_SEEN: Final = statement("moves_not_seen")
_DONE: Final = statement("move_done")
_SEEN: Final = statement("move_seen")

Reached = Callable[[str], Awaitable[None]]
"""Told the name of each step as it begins: where tests stop the process."""


async def nothing(_: str) -> None:
    """Goes on."""


class Mover:
    """Carries out what the table `move` says, in the order of the events for each object. Twice is as good as once."""

    def __init__(self, engine: AsyncEngine, blobs: BlobStore, reached: Reached = nothing) -> None:
        self._engine, self._blobs, self._reached = engine, blobs, reached
        self._folding = asyncio.Lock()  # each takes a connection besides
        self.standing = Standing("gc.moves")
        self.skipping = Skipping("gc.moves")

    async def settle(self) -> int:
        """Carries out all that waits; how many. Raises OSError when the store fails; the rest waits for the next.

        A move that can't be carried out is passed over, and those of the same object after it wait. While somebody
        holds all files, as a backup does, nothing is carried out.
        """
        total, passed = 0, set[str]()
        while True:
            before = len(passed)
            done = await self._page(passed)
            total += done
            if not done and len(passed) == before:
                return total

    async def pending(self, connection: AsyncConnection, position: int) -> int:
        """How many moves of events up to a position are not carried out yet."""
        return int((await connection.execute(_PENDING, {"position": position})).scalar_one())

    async def waits(self) -> bool:
        """Whether somebody holds all files just now."""
        async with self._engine.begin() as connection:
            return await are_held(connection)

    async def sweep(self, stop: asyncio.Event) -> None:
        """Finishes what was left, now and every few seconds, until `stop` is set. One process at a time does."""

        async def once() -> None:
            if moved := await self.settle():
                log.info("gc.moves_resumed", moves=moved)

        await lead_rounds(self._engine, self.standing, stop, once, SWEEP_SECONDS)

    async def _page(self, passed: set[str]) -> int:
        """Whoever locks the first move of an object does it; others pass it over and those that follow it."""
        slots = asyncio.Semaphore(AT_ONCE)
        await self._look(slots, passed)

        async def one(row: Row[Any]) -> dict[str, Any] | None:
            async with slots:
                with self.skipping.row(row.intent):
                    freed, note = await self._carry_out(row)
                    return {"intent": row.intent, "freed": freed, "note": note}
            passed.add(row.intent)
            return None

        async with self._engine.begin() as connection:
            if await are_held(connection):
                return 0
            rows = (await connection.execute(_WAITING, {"passed": list(passed), "limit": PAGE})).all()
            if not rows:
                return 0
            outcomes = await _all([one(row) for row in rows])
            if outcomes:
                await connection.execute(_DONE, outcomes)
            await self._reached("moves recorded")
        return len(outcomes)

    async def _look(self, slots: asyncio.Semaphore, passed: set[str]) -> None:
        """Notes how much there is of what is about to be deleted, while it is there."""

        async def one(row: Row[Any]) -> dict[str, Any] | None:
            async with slots:
                with self.skipping.row(row.intent):
                    return {"intent": row.intent, "found": await self._bytes(row.source, row.folder)}
            passed.add(row.intent)
            return None

        async with self._engine.begin() as connection:
            rows = (await connection.execute(_NOT_SEEN, {"passed": list(passed), "limit": PAGE})).all()
            if rows:
                found = await _all([one(row) for row in rows])
                if found:
                    await connection.execute(_SEEN, found)

    async def _bytes(self, key: str, folder: str | None) -> int:
        head = await self._blobs.head(key)
        size = 0 if head is None else head.size
        if folder is not None:
            size += sum([each.size async for each in self._blobs.list(folder)])
        return size

    async def _carry_out(self, row: Row[Any]) -> tuple[int, str | None]:
        """Bytes that are gone from the store now, by looking; and what was not as expected."""
        await self._reached("file")
        match row.action:
            case "delete" if row.state is not None:
                outcome: tuple[int, str | None] = await self._fold(row.source, row.state)
            case "delete":
                await self._delete(row.source, row.folder)
                outcome = row.found - await self._bytes(row.source, row.folder), None
            case "move":
                outcome = 0, await self._move(row.source, row.target)
            case "settle":
                outcome = await self._settle(row.source, row.target)
            case other:
                raise ValueError(f"move {row.intent} asks for {other!r}")
        await self._reached("file done")
        return outcome

    async def _move(self, source: str, target: str) -> str | None:
        try:
            await self._blobs.rename(source, target)
        except BlobNotFoundError:
            if await self._blobs.head(target) is None:
                log.error("gc.file_missing", source=source, target=target)
                return "the file was missing"
        return None

    async def _delete(self, key: str, folder: str | None) -> None:
        await self._blobs.delete(key)
        if folder is not None:
            for each in [head.key async for head in self._blobs.list(folder)]:
                await self._blobs.delete(each)

    async def _fold(self, key: str, state: str) -> tuple[int, str | None]:
        """Deletes a proxy that is folded, but not one that was rendered since: who renders it waits meanwhile."""
        async with self._folding, placing(self._engine, key):
            head = await self._blobs.head(key)
            if head is None:
                return 0, None
            if head.state != state:
                return 0, "it was rendered again"
            await self._blobs.delete(key)
            return head.size, None

    async def _settle(self, source: str, target: str) -> tuple[int, str | None]:
        """A file that was rendered again while an older one lay in the archive; that one is not needed any more.

        Unless it was the new one that was archived, by an act that came too late: then it goes back.
        """
        if await self._blobs.head(target) is not None:
            before = await self._bytes(source, None)
            await self._delete(source, None)
            return before - await self._bytes(source, None), None
        return 0, await self._move(source, target)


async def _all(coming: Sequence[Awaitable[dict[str, Any] | None]]) -> list[dict[str, Any]]:
    """All that came to something; the first failure ends the others."""
    tasks = [asyncio.ensure_future(each) for each in coming]
    try:
        return [outcome for outcome in await asyncio.gather(*tasks) if outcome is not None]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
