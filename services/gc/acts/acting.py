"""What an admin does by hand: archive, restore, delete. Each object is decided again as it goes.

The event lands first; the file follows (`moves`). One act at a time per tenant. An act that was cut short goes on when
it is asked for again under the same key; what it had begun with a file, the sweeper ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, Protocol

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.contract.base import Wire
from cutlog.contract.commands import Command, CommandBody, CommandReply, CommandSource
from cutlog.contract.ids import new_id
from cutlog.db.lead import held
from cutlog.db.leases import Lease, LeaseLost
from services.gc.acts.moves import Mover, Reached, nothing
from services.gc.errors import GcError
from services.gc.projection import snapshot
from services.gc.report import audit
from services.gc.report.audit import Action, Item
from services.gc.report.plans import KeyedBehalf
from services.gc.report.reports import Reports, caught_up
from services.gc.sql import statement

CHUNK: Final = 500
AT_ONCE: Final = 64
PATIENCE: Final = 30.0
"""Seconds that an answer waits for files to follow their events."""
_MOVE: Final = statement("move_add")


class ActUnderWayError(GcError):
    """Another archive, restore or delete of this tenant is in progress."""


class Skipped(Wire):
    """An object that stays as it was, and why."""

    id: str
    reason: str


class Outcome(Wire):
    """What an act came to. `bytesFreed` were seen to be gone from the store; `pending` files follow yet."""

    run_id: str
    done: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    bytes_freed: int
    pending: int


class Ops(Protocol):
    """The only writer of the log."""

    async def command(self, source: CommandSource, command: Command) -> CommandReply: ...


class Removal(NamedTuple):
    """An object of the store that no event speaks of goes: `class_` and key."""

    class_: str
    key: str


Decided = CommandBody | Removal | str
"""The command for an object, or its removal, or why it stays."""


class Judge(Protocol):
    """Decides on some objects, in a snapshot of the newest facts: a command for each, or why it stays."""

    async def __call__(self, connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Decided]: ...


class Acts:
    """Carries out acts, one per tenant at a time."""

    def __init__(
        self, engine: AsyncEngine, reports: Reports, ops: Ops, mover: Mover, reached: Reached = nothing
    ) -> None:
        self._engine, self._reports, self._ops, self._mover = engine, reports, ops, mover
        self._reached = reached

    @asynccontextmanager
    async def turn(self, tenant: str) -> AsyncIterator[Lease]:
        """The tenant's lease; it ends soon after this process at the latest. Raises ActUnderWayError, ProjectionBehind.

        It keeps admins from working against each other. That nothing goes wrongly does not rest on it: ops decides.
        """
        async with held(self._engine, f"gc.act {tenant}") as lease:
            if lease is None:
                raise ActUnderWayError(str(ActUnderWayError.__doc__))
            try:
                yield lease
            except LeaseLost as error:
                raise ActUnderWayError(str(ActUnderWayError.__doc__)) from error

    async def done_before(self, behalf: KeyedBehalf) -> Outcome | None:
        """The outcome of the same request, if it came to its end before. Raises KeyReusedError."""
        async with self._engine.connect() as connection:
            begun = await audit.begun_by(connection, behalf)
            if begun is None or not begun[1]:
                return None
            return await self._outcome(connection, begun[0], 0)

    async def carry_out(
        self, lease: Lease, behalf: KeyedBehalf, action: Action, plan_id: str | None, ids: Sequence[str], size: int,
        judge: Judge,
    ) -> Outcome:  # fmt: skip
        """Decides and acts on objects, some at a time. Raises BusError when ops does not answer: ask again."""
        run_id = await self._begin(behalf, action, plan_id, len(ids), size)
        last = 0
        for chunk in _chunks(list(dict.fromkeys(ids))):
            async with self._engine.connect() as connection:
                await lease.confirm(connection)  # one that was lost ends the act here
            last = max(last, await self._chunk(behalf, run_id, chunk, judge))
        pending = await self._files_follow(last)
        await self._reached("act ends")
        async with self._engine.begin() as connection:
            await audit.end(connection, run_id)
            return await self._outcome(connection, run_id, pending)

    async def _begin(self, behalf: KeyedBehalf, action: Action, plan_id: str | None, objects: int, size: int) -> str:
        """The id of the act: that of the one which the same request began before, or a new one."""
        async with self._engine.begin() as connection:
            begun = await audit.begun_by(connection, behalf)
            if begun is not None:
                return begun[0]
            run_id = new_id("run")
            try:
                async with connection.begin_nested():
                    await audit.begin(connection, run_id, behalf, action, plan_id, objects, size, keyed=True)
            except IntegrityError:
                raise ActUnderWayError(str(ActUnderWayError.__doc__)) from None
        await self._reached("act begun")
        return run_id

    async def _chunk(self, behalf: KeyedBehalf, run_id: str, ids: Sequence[str], judge: Judge) -> int:
        """The position of the last event that the objects led to, 0 if none."""
        async with self._engine.connect() as connection:
            before = await audit.landed(connection, run_id, ids)
            decided = await judge(connection, ids)
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(object_id: str) -> Item:
            if object_id in before:
                return Item(id=object_id, outcome="done", position=before[object_id])
            match decided.get(object_id, "it is unknown"):
                case str(reason):
                    return Item(id=object_id, outcome="skipped", reason=reason)
                case Removal() as removal:
                    await self._remove(behalf, run_id, removal)
                    return Item(id=object_id, outcome="done")
                case body:
                    async with slots:
                        await self._reached("command")
                        reply = await self._ops.command("gc", _command(behalf, run_id, object_id, body))
                        await self._reached("event")
                    if reply.refused is not None:
                        return Item(id=object_id, outcome="skipped", reason=reply.refused.detail)
                    assert reply.accepted is not None
                    return Item(id=object_id, outcome="done", position=reply.accepted.position)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(object_id)) for object_id in ids]
        items = [task.result() for task in tasks]
        async with self._engine.begin() as connection:
            await audit.note(connection, run_id, items)
        await self._reached("items noted")
        return max((item.position or 0 for item in items), default=0)

    async def _remove(self, behalf: KeyedBehalf, run_id: str, removal: Removal) -> None:
        """Notes what is to go, before it does."""
        async with self._engine.begin() as connection:
            values = {
                "intent": f"{run_id} {removal.key}", "position": await snapshot.position(connection),
                "class": removal.class_, "key": removal.key, "tenant": behalf.tenant, "actor": behalf.actor,
            }  # fmt: skip
            await connection.execute(_MOVE, values)

    async def _files_follow(self, position: int) -> int:
        """Waits until the projection knows of all events and their files have followed; how many moves are left."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while loop.time() < deadline:
            async with self._engine.connect() as connection:
                known = await snapshot.position(connection)
            if known >= position:
                await self._mover.settle()
                async with self._engine.connect() as connection:
                    left = await self._mover.pending(connection, position)
                if left == 0 or await self._mover.waits():
                    return left
            await asyncio.sleep(0.01)
        async with self._engine.connect() as connection:
            return max(1, await self._mover.pending(connection, position))

    async def _outcome(self, connection: AsyncConnection, run_id: str, pending: int) -> Outcome:
        items = await audit.all_items(connection, run_id)
        return Outcome(
            run_id=run_id,
            done=tuple(item.id for item in items if item.outcome == "done"),
            skipped=tuple(Skipped(id=item.id, reason=item.reason or "") for item in items if item.outcome == "skipped"),
            bytes_freed=await audit.freed_by(connection, run_id),
            pending=pending,
        )

    @asynccontextmanager
    async def newest(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees every event until now. Raises ProjectionBehind."""
        least = await self._reports.least()
        async with self._engine.connect() as connection:
            await caught_up(connection, least)
            yield connection


def _command(behalf: KeyedBehalf, run_id: str, object_id: str, body: CommandBody) -> Command:
    """Sent again for the same object of the same act, it is the same command."""
    key = f"gc/{run_id}/{object_id}"
    return Command(key=key, tenant=behalf.tenant, actor=behalf.actor, trace=behalf.trace, body=body)


def _chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
