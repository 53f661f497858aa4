"""One process at a time does a certain work: the one that holds the lease of its name, which it has to renew.

A lease is a row in the service's own schema, and only the database's clock decides when it ends. A process that
vanishes, freezes or can't reach the database stops renewing; another one takes over when the lease has expired, or at
once where it can prove that the holder is dead. The holder counts the same seconds from before each renewal and stops
in time. No clock can rule out that a process acts an instant too late, so whoever leads is fenced by other means as
well: the relay by the stream's last sequence, a projection by its checkpoint, a job by its attempt.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.db import leases
from cutlog.db.failures import DATABASE_ERRORS, is_away
from cutlog.db.leases import TERMS, Lease, LeaseLost, Terms
from cutlog.db.standing import Standing, now
from cutlog.process.readiness import CannotServe
from cutlog.process.stopping import stops_within

log = structlog.get_logger(__name__)

SOONEST: Final = 0.25
SLOWEST: Final = 5.0
"""Seconds between two attempts at work that fails, at first and in the long run."""

Work = Callable[[Lease], Awaitable[None]]


async def lead(
    engine: AsyncEngine,
    name: str,
    stop: asyncio.Event,
    work: Work,
    *,
    standing: Standing | None = None,
    expected: Sequence[type[Exception]] = (),
    terms: Terms = TERMS,
) -> None:
    """Does `work` whenever this process is the one that leads at `name`, until `stop` is set or the work returns.

    The work is cancelled when the lease is lost. When it fails, for whatever reason, the lease is given up and all
    begins anew after a pause that grows; `expected` errors go to the log without a traceback. Raises only CannotServe.
    """
    standing = standing or Standing(name)
    pause = SOONEST
    while not stop.is_set():
        began = now()
        try:
            if (lease := await _elected(engine, name, stop, standing, terms)) is None:
                return
            began = now()
            standing.begins()
            try:
                await _reign(engine, lease, work, terms)
                return
            finally:
                standing.ends()
        except CannotServe:
            raise
        except LeaseLost as error:
            log.warning("lease.lost", name=name, why=str(error))
        except Exception as error:
            standing.failed(error)
            if is_away(error) or isinstance(error, tuple(expected)):
                log.warning("lead.waiting", name=name, why=repr(error))
            else:
                log.exception("lead.failed", name=name)
        pause = SOONEST if now() - began > SLOWEST else pause
        await stops_within(stop, pause)
        pause = min(pause * 2, SLOWEST)


async def lead_rounds(
    engine: AsyncEngine, standing: Standing, stop: asyncio.Event, once: Callable[[], Awaitable[object]], seconds: float
) -> None:
    """`lead` at the name of `standing`, with work that is a round again and again, `seconds` after the last."""

    async def work(lease: Lease) -> None:
        while not stop.is_set():
            lease.check()
            await once()
            lease.completed()
            await stops_within(stop, seconds)

    await lead(engine, standing.name, stop, work, standing=standing)


@asynccontextmanager
async def held(engine: AsyncEngine, name: str, terms: Terms = TERMS) -> AsyncIterator[Lease | None]:
    """The lease of that name for as long as the block lasts; None, at once, while it is another's.

    It is renewed meanwhile. Whoever acts asks it first (`check`, `confirm`) whether it was lost.
    """
    lease = await _taken(engine, name, Standing(name), terms)
    if lease is None:
        yield None
        return
    keeping = asyncio.create_task(_keep(engine, lease, terms))
    try:
        yield lease
    finally:
        await _ended(keeping)
        await _give_up(engine, lease, terms)


async def _elected(
    engine: AsyncEngine, name: str, stop: asyncio.Event, standing: Standing, terms: Terms
) -> Lease | None:
    """Waits until this process leads; None when `stop` came first. Raises what says that the database is away."""
    while not stop.is_set():
        if (lease := await _taken(engine, name, standing, terms)) is not None:
            log.info("lease.acquired", name=name, token=lease.token)
            return lease
        standing.completed()  # another process leads, and answers for what it does
        if await stops_within(stop, terms.look):
            break
    return None


async def _taken(engine: AsyncEngine, name: str, standing: Standing, terms: Terms) -> Lease | None:
    """One attempt; None where another process has it. Raises what says that the database is away."""
    asked = now()
    async with asyncio.timeout(terms.patience), engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        token = await leases.take(connection, name, terms)
    standing.led()
    return None if token is None else Lease(name, token, asked + terms.lease - terms.margin, standing)


async def _reign(engine: AsyncEngine, lease: Lease, work: Work, terms: Terms) -> None:
    """Does the work until it ends, or the lease does. Raises LeaseLost, and what the work raises."""
    doing = asyncio.ensure_future(work(lease))
    keeping = asyncio.create_task(_keep(engine, lease, terms))
    try:
        while not doing.done():
            lease.check()
            if keeping.done():
                keeping.result()
            await asyncio.wait({doing, keeping}, timeout=max(0.0, lease.left), return_when=asyncio.FIRST_COMPLETED)
        doing.result()
    finally:
        await _ended(doing)
        await _ended(keeping)
        await _give_up(engine, lease, terms)


async def _keep(engine: AsyncEngine, lease: Lease, terms: Terms) -> None:
    """Renews the lease on a connection of its own, for ever. Raises LeaseLost."""
    while True:
        try:
            async with engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await leases.forget_old(connection)
                while True:
                    asked = now()
                    async with asyncio.timeout(terms.patience):
                        if not await leases.renew(connection, lease, terms):
                            raise lease.lost()
                    lease.renewed(asked + terms.lease - terms.margin)
                    await asyncio.sleep(terms.renew)
        except DATABASE_ERRORS as error:
            log.warning("lease.not_renewed", name=lease.name, why=repr(error), left=round(lease.left, 1))
            await asyncio.sleep(min(SOONEST, terms.look))


async def _give_up(engine: AsyncEngine, lease: Lease, terms: Terms) -> None:
    """Lets others lead at once. Where that fails, the lease expires."""
    if lease.left <= 0:
        return
    with suppress(*DATABASE_ERRORS):
        async with asyncio.timeout(terms.patience), engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await leases.end(connection, lease.name, lease.token)


async def _ended(task: asyncio.Future[Any]) -> None:
    """Cancels a task and waits for its end, whatever it says then. Once may not be enough: a driver that is interrupted
    may raise an error of its own in place of the cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=1.0)
    if not task.cancelled():
        task.exception()
