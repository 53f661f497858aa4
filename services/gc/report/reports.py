"""Answers an admin's questions: what may go, and why this object stays. Removes nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Final, Protocol

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.blobs import BlobStore
from cutlog.contract.answers.collection import Candidate, Class, Policy, Verdict
from cutlog.contract.base import Strict
from cutlog.contract.commands import Command, RecordPlan
from cutlog.contract.events import PlanCalculated
from cutlog.contract.ids import new_id
from services.gc.errors import GcError
from services.gc.projection import snapshot
from services.gc.report import audit, plans, policies
from services.gc.report.judging import explained, judged
from services.gc.report.plans import KeyedBehalf, Totals
from services.gc.report.reading import Blocked, ObjectUnreadableError
from services.gc.rules.plan import Basis, PlanHash
from services.gc.sql import statement

ERASABLE: Final = r"^(\*|[a-z0-9][a-z0-9_-]{0,63})$"


PATIENCE: Final = 5.0
"""Seconds in which the projection may come to the end of the log before a question is answered 503."""
LOOK_SECONDS: Final = 0.02
READ_FROM_STORE: Final[frozenset[Class]] = frozenset({"segment", "preview", "leftover"})
"""Classes whose objects are found by reading the store."""
_NOW: Final = statement("now")


class ProjectionBehindError(GcError):
    """The garbage collector has not read the whole log yet, so it does not know what is in use."""


class Calculate(Strict):
    """What to calculate: by another policy than the tenant's; for another date than now, as a simulation; of which
    classes. `erase` names deleted projects whose files may go at once, whatever the policy says; `*` is all of them."""

    policy: Policy | None = None
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    classes: Annotated[tuple[Class, ...], msgspec.Meta(min_length=1)] = ("export",)
    erase: Annotated[tuple[Annotated[str, msgspec.Meta(pattern=ERASABLE)], ...], msgspec.Meta(max_length=1000)] = ()


class Log(Protocol):
    """The log itself, not what was derived from it."""

    async def head(self) -> int: ...


class CommandSink(Protocol):
    """Takes a command in the caller's transaction and delivers it until ops has it: the outbox."""

    async def add(self, connection: AsyncConnection, command: Command) -> None: ...

    def wake(self) -> None: ...


class Reports:
    """Reads the projection in one snapshot per question, for which it waits `patience` seconds; "now" is the
    database's."""

    def __init__(
        self, engine: AsyncEngine, outbox: CommandSink, log: Log, blobs: BlobStore, blocked: Blocked,
        patience: float = PATIENCE,
    ) -> None:  # fmt: skip
        self._patience = patience
        self._blocked = blocked
        self._engine = engine
        self._blobs = blobs
        self._outbox = outbox
        self._log = log

    async def calculate(self, behalf: KeyedBehalf, wish: Calculate, action: audit.Action = "calculate") -> str:
        """Makes, freezes and, unless it is a simulation, announces a plan; its id. The same key again: the same plan.

        Raises ProjectionBehindError, KeyReusedError, ObjectUnreadableError: then there is no plan.
        """
        least = await self.least()
        try:
            async with self._snapshot() as seen, self._engine.begin() as connection:
                made = await plans.made_by(seen, behalf) or await self._make(
                    seen, connection, behalf, wish, least, action
                )
        except IntegrityError:
            # The same key at the same moment: the other one's plan is the answer.
            async with self._engine.connect() as connection:
                known = await plans.made_by(connection, behalf)
            if known is None:
                raise
            return known
        except ObjectUnreadableError as error:
            self._blocked.by(behalf.tenant, error)
            raise
        self._outbox.wake()
        return made

    async def explain(self, tenant: str, object_id: str, plan_id: str | None = None) -> Verdict:
        """The verdict on one object: now, by the tenant's policy, or at the date and by the policy of a plan.

        Either way it speaks of the object as it is now, with its pins of now. Raises ObjectUnknown, PlanUnknown,
        ProjectionBehindError, ObjectUnreadableError.
        """
        least = await self.least()
        async with self._snapshot() as connection:
            await caught_up(connection, least)
            if plan_id is None:
                policy, at, erase = await policies.current(connection, tenant), await now(connection), None
            else:
                plan = await plans.find(connection, tenant, plan_id)
                policy, at, erase = msgspec.convert(plan.policy, Policy), plan.at, plan.erase
            basis = Basis(tenant=tenant, position=0, policy=policy, at=at)
            return await explained(connection, self._blobs, basis, object_id, frozenset(erase or ()))

    async def _make(
        self, seen: AsyncConnection, connection: AsyncConnection, behalf: KeyedBehalf, wish: Calculate, least: int,
        action: audit.Action,
    ) -> str:  # fmt: skip
        """`seen` is the snapshot that is judged, `connection` the transaction that stores what comes of it: the one
        reads while the other writes."""
        position = await caught_up(seen, least)
        policy = wish.policy or await policies.current(seen, behalf.tenant)
        basis = Basis(tenant=behalf.tenant, position=position, policy=policy, at=wish.at or await now(seen))
        plan_id, run_id = new_id("plan"), new_id("run")
        erase = frozenset(wish.erase)
        lines = judged(seen, self._blobs, basis, wish.classes, erase)
        totals = await _freeze(connection, plan_id, basis, lines)
        await plans.add_plan(connection, plan_id, behalf, basis, totals, simulated=wish.at is not None, erase=erase)
        done = action if wish.at is None else "simulate"
        await audit.begin(connection, run_id, behalf, done, plan_id, totals.candidates, totals.bytes)
        if wish.at is None:
            await self._announce(connection, behalf, run_id, plan_id, position, totals)
        if set(wish.classes) >= READ_FROM_STORE:
            self._blocked.no_more(behalf.tenant)
        return plan_id

    async def _announce(
        self, connection: AsyncConnection, behalf: KeyedBehalf, run_id: str, plan_id: str, position: int, totals: Totals
    ) -> None:
        event = PlanCalculated(
            plan_id=plan_id,
            plan_hash=totals.plan_hash,
            position=position,
            candidates=totals.candidates,
            bytes=totals.bytes,
        )
        body = RecordPlan(run_id=run_id, event=event)
        command = Command(key=run_id, tenant=behalf.tenant, actor=behalf.actor, trace=behalf.trace, body=body)
        await self._outbox.add(connection, command)

    async def least(self) -> int:
        """The position that a snapshot must have reached to know of every event until now, as soon as one would.

        Raises ProjectionBehindError when that takes longer than its patience.
        """
        head = await self._log.head()
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            end = time.monotonic() + self._patience
            while (position := await snapshot.position(connection)) < head:
                if time.monotonic() > end:
                    raise ProjectionBehindError(f"It has read {position} of {head} events.")
                await asyncio.sleep(LOOK_SECONDS)
        return head

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees the database as it was at its first statement."""
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            async with connection.begin():
                yield connection


async def _freeze(
    connection: AsyncConnection, plan_id: str, basis: Basis, found: AsyncIterator[Candidate | int]
) -> Totals:
    """Stores what was judged to go, line by line as it comes."""
    hasher = PlanHash(basis)
    stored = kept = size = 0

    async def lines() -> AsyncIterator[tuple[bytes, Candidate]]:
        nonlocal stored, kept, size
        async for line in found:
            if isinstance(line, int):
                kept += line
                continue
            stored += 1
            size += line.size
            yield hasher.add(line), line

    await plans.add_candidates(connection, plan_id, lines())
    return Totals(candidates=stored, kept=kept, bytes=size, plan_hash=hasher.hexdigest())


async def caught_up(connection: AsyncConnection, least: int) -> int:
    """The position of the snapshot. Raises ProjectionBehindError when a replay has just begun."""
    position = await snapshot.position(connection)
    if position < least:
        raise ProjectionBehindError(f"It is replaying events and has reached event {position}.")
    return position


async def now(connection: AsyncConnection) -> datetime:
    """The time of the database, which is the only one that counts."""
    at: datetime = (await connection.execute(_NOW)).scalar_one()
    return at
