"""Plans and the audit of runs as they are stored: written once, read in pages, never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.base import Wire
from services.gc import tables
from services.gc.plan import Basis, Candidate
from services.gc.policy import Policy


class PlanUnknown(Exception):
    """There is no such plan."""


class KeyReused(Exception):
    """The Idempotency-Key was used for another request."""


class Asker(msgspec.Struct, frozen=True):
    """Who asks, and by which request: `key` is the Idempotency-Key, `fingerprint` tells equal requests."""

    tenant: str
    subject: str
    trace: str
    fingerprint: str
    key: str | None = None


class Totals(msgspec.Struct, frozen=True):
    """What a plan comes to: candidates and their bytes, exports kept, and the hash over it all."""

    candidates: int
    kept: int
    bytes: int
    plan_hash: str


class Run(Wire):
    """One act of an admin: who did what and when, on which plan, over how many objects and bytes."""

    run_id: str
    action: str
    actor: str
    at: datetime
    plan_id: str
    plan_hash: str
    position: int
    policy: Policy
    objects: int
    bytes: int


async def add_candidates(connection: AsyncConnection, plan_id: str, first: int, lines: list[Candidate]) -> None:
    """Stores lines of a plan, numbered from `first`."""
    if lines:
        values = [
            {"plan_id": plan_id, "number": number, "candidate": msgspec.to_builtins(line)}
            for number, line in enumerate(lines, first)
        ]
        await connection.execute(insert(tables.plan_candidate), values)


async def add_plan(
    connection: AsyncConnection, plan_id: str, asker: Asker, basis: Basis, totals: Totals, *, simulated: bool
) -> None:
    """Stores a plan. A key that is taken raises sqlalchemy's IntegrityError."""
    await connection.execute(
        insert(tables.plan).values(
            plan_id=plan_id,
            tenant=basis.tenant,
            plan_hash=totals.plan_hash,
            position=basis.position,
            policy=msgspec.to_builtins(basis.policy),
            at=basis.at,
            simulated=simulated,
            candidates=totals.candidates,
            kept=totals.kept,
            bytes=totals.bytes,
            idempotency_key=asker.key,
            fingerprint=asker.fingerprint,
        )
    )


async def add_run(
    connection: AsyncConnection, run_id: str, asker: Asker, action: str, at: datetime, plan_id: str, totals: Totals
) -> None:
    """Stores one line of the audit."""
    await connection.execute(
        insert(tables.run).values(
            run_id=run_id,
            tenant=asker.tenant,
            action=action,
            actor=asker.subject,
            at=at,
            plan_id=plan_id,
            objects=totals.candidates,
            bytes=totals.bytes,
        )
    )


async def made_by(connection: AsyncConnection, asker: Asker) -> str | None:
    """The id of the plan that the same request made before. Raises KeyReused when it was another request."""
    if asker.key is None:
        return None
    plan = tables.plan
    wanted = select(plan.c.plan_id, plan.c.fingerprint)
    row = (
        await connection.execute(wanted.where(plan.c.tenant == asker.tenant, plan.c.idempotency_key == asker.key))
    ).one_or_none()
    if row is None:
        return None
    if row.fingerprint != asker.fingerprint:
        raise KeyReused(asker.key)
    return str(row.plan_id)


async def find(connection: AsyncConnection, tenant: str, plan_id: str | None) -> Any:
    """The row of a plan; without an id, of the newest that is no simulation. Raises PlanUnknown."""
    plan = tables.plan
    wanted = plan.c.plan_id == plan_id if plan_id else plan.c.simulated.is_(False)
    # Ids are UUIDv7: those made later sort later.
    newest = select(plan).where(plan.c.tenant == tenant, wanted).order_by(plan.c.plan_id.desc()).limit(1)
    row = (await connection.execute(newest)).one_or_none()
    if row is None:
        raise PlanUnknown(f"no plan {plan_id}" if plan_id else "no plan was calculated yet")
    return row


async def candidates(connection: AsyncConnection, plan_id: str, after: int, limit: int) -> list[Candidate]:
    """The lines of a plan that follow number `after`."""
    line = tables.plan_candidate
    wanted = select(line.c.candidate).where(line.c.plan_id == plan_id, line.c.number > after)
    found = await connection.scalars(wanted.order_by(line.c.number).limit(limit))
    return [msgspec.convert(each, Candidate) for each in found]


async def runs(connection: AsyncConnection, tenant: str, before: str | None, limit: int) -> list[Run]:
    """The audit, newest first, from the run after (that is, older than) `before` on."""
    run, plan = tables.run, tables.plan
    wanted = (
        select(run, plan.c.plan_hash, plan.c.position, plan.c.policy)
        .join(plan, plan.c.plan_id == run.c.plan_id)
        .where(run.c.tenant == tenant)
        .order_by(run.c.run_id.desc())
        .limit(limit)
    )
    if before:
        wanted = wanted.where(run.c.run_id < before)
    return [
        Run(
            run_id=row.run_id,
            action=row.action,
            actor=row.actor,
            at=row.at,
            plan_id=row.plan_id,
            plan_hash=row.plan_hash,
            position=row.position,
            policy=msgspec.convert(row.policy, Policy),
            objects=row.objects,
            bytes=row.bytes,
        )
        for row in await connection.execute(wanted)
    ]
