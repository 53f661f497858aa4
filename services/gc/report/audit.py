"""The audit: who did what and when, on which plan, what became of each object, and the bytes that are truly gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.base import Wire
from cutlog.contract.keys import ARCHIVE
from cutlog.db.idempotency import same
from services.gc import tables
from services.gc.errors import GcError
from services.gc.report.plans import KeyedBehalf
from services.gc.rules.policy import Policy

Action = Literal["calculate", "simulate", "archive", "restore", "delete", "schedule"]
Outcome = Literal["done", "skipped"]


class RunUnknownError(GcError):
    """The run does not exist."""


class Item(Wire):
    """What became of one object in a run. `position` is that of its event in the log."""

    id: str
    outcome: Outcome
    reason: str | None = None
    position: int | None = None
    at: datetime | None = None


class Run(Wire):
    """One act of an admin: who did what and when, on which plan, over how many objects and bytes.

    Of an act that moves files: how many objects were moved, how many skipped, and `bytesFreed` of the store, by looking
    at it. `finishedAt` is null while it goes on, or when it was cut short.
    """

    run_id: str
    action: str
    actor: str
    at: datetime
    plan_id: str | None
    plan_hash: str | None
    position: int | None
    policy: Policy | None
    objects: int
    bytes: int
    finished_at: datetime | None = None
    done: int = 0
    skipped: int = 0
    bytes_freed: int = 0


async def begin(
    connection: AsyncConnection, run_id: str, behalf: KeyedBehalf, action: Action, plan_id: str | None, objects: int,
    size: int, *, keyed: bool = False,
) -> None:  # fmt: skip
    """Stores that an act begins. With `keyed`, under its Idempotency-Key: if that is taken, IntegrityError."""
    await connection.execute(
        insert(tables.run).values(
            run_id=run_id,
            tenant=behalf.tenant,
            action=action,
            actor=behalf.actor,
            at=func.now(),
            plan_id=plan_id,
            objects=objects,
            bytes=size,
            idempotency_key=behalf.key if keyed else None,
            fingerprint=behalf.fingerprint if keyed else None,
        )
    )


async def begun_by(connection: AsyncConnection, behalf: KeyedBehalf) -> tuple[str, bool] | None:
    """The id of the act that the same request began before, and whether it came to its end. Raises KeyReusedError."""
    if behalf.key is None:
        return None
    run, end = tables.run, tables.run_end
    wanted = select(run.c.run_id, run.c.fingerprint, end.c.at).outerjoin(end, end.c.run_id == run.c.run_id)
    found = await connection.execute(wanted.where(run.c.tenant == behalf.tenant, run.c.idempotency_key == behalf.key))
    row = found.one_or_none()
    if row is None:
        return None
    same(row.fingerprint, behalf.fingerprint)
    return row.run_id, row.at is not None


async def landed(connection: AsyncConnection, run_id: str, ids: Sequence[str]) -> dict[str, int]:
    """Positions of events that an act had led to before it was cut short, by object: those since it began that no other
    act has noted as its own. Acts of a tenant follow each other, so there is nobody else's."""
    run, move, item = tables.run, tables.move, tables.run_item
    began = (await connection.execute(select(run.c.action, run.c.at).where(run.c.run_id == run_id))).one()
    kind = {
        "archive": (move.c.action == "move") & move.c.target.startswith(f"{ARCHIVE}/"),
        "restore": (move.c.action == "move") & move.c.source.startswith(f"{ARCHIVE}/"),
        "delete": move.c.action == "delete",
    }[began.action]
    others = select(item.c.position).where(item.c.run_id != run_id, item.c.position == move.c.position)
    wanted = (
        select(move.c.object_id, func.max(move.c.position).label("position"))
        .where(move.c.object_id.in_(ids), move.c.at >= began.at, move.c.intent.startswith("event "), kind)
        .where(~others.exists())
        .group_by(move.c.object_id)
    )
    return {row.object_id: row.position for row in await connection.execute(wanted)}


async def note(connection: AsyncConnection, run_id: str, items: list[Item]) -> None:
    """Stores what became of objects; what was said of one before stays."""
    if items:
        values = [
            {
                "run_id": run_id, "object_id": item.id, "outcome": item.outcome, "reason": item.reason,
                "position": item.position,
            }
            for item in items
        ]  # fmt: skip
        await connection.execute(upsert(tables.run_item).on_conflict_do_nothing(), values)


async def end(connection: AsyncConnection, run_id: str) -> int:
    """Stores that an act came to its end; the bytes that it freed."""
    item = tables.run_item
    counted = select(
        func.count().filter(item.c.outcome == "done"), func.count().filter(item.c.outcome == "skipped")
    ).where(item.c.run_id == run_id)
    done, skipped = (await connection.execute(counted)).one()
    freed = await freed_by(connection, run_id)
    values = {"run_id": run_id, "done": done, "skipped": skipped, "freed": freed}
    await connection.execute(upsert(tables.run_end).values(values).on_conflict_do_nothing())
    return freed


async def freed_by(connection: AsyncConnection, run_id: str) -> int:
    """Bytes that were seen to be gone from the store, of the files that a run sent on their way."""
    item, move = tables.run_item, tables.move
    by_event = select(func.coalesce(func.sum(move.c.freed), 0)).join(item, item.c.position == move.c.position)
    of_events = await connection.scalar(by_event.where(item.c.run_id == run_id, move.c.intent.startswith("event ")))
    by_run = select(func.coalesce(func.sum(move.c.freed), 0)).where(move.c.intent.startswith(f"{run_id} "))
    return int(of_events or 0) + int(await connection.scalar(by_run) or 0)


async def items(connection: AsyncConnection, run_id: str, after: str, limit: int) -> list[Item]:
    """What became of objects in a run, by their ids, from the one after `after` on."""
    item = tables.run_item
    wanted = select(item).where(item.c.run_id == run_id, item.c.object_id > after)
    return [
        Item(id=row.object_id, outcome=row.outcome, reason=row.reason, position=row.position, at=row.at)
        for row in await connection.execute(wanted.order_by(item.c.object_id).limit(limit))
    ]


async def all_items(connection: AsyncConnection, run_id: str) -> list[Item]:
    """What became of all objects of a run, in the order in which it was noted."""
    item = tables.run_item
    wanted = select(item).where(item.c.run_id == run_id).order_by(item.c.at, item.c.object_id)
    return [
        Item(id=row.object_id, outcome=row.outcome, reason=row.reason, position=row.position, at=row.at)
        for row in await connection.execute(wanted)
    ]


async def runs(connection: AsyncConnection, tenant: str, before: str | None, limit: int) -> list[Run]:
    """The audit, newest first, from the run after (that is, older than) `before` on."""
    run = tables.run
    wanted = _runs().where(run.c.tenant == tenant).order_by(run.c.run_id.desc()).limit(limit)
    if before:
        wanted = wanted.where(run.c.run_id < before)
    return [_shown(row) for row in await connection.execute(wanted)]


async def find(connection: AsyncConnection, tenant: str, run_id: str) -> Run:
    """One run. Raises RunUnknownError."""
    run = tables.run
    found = await connection.execute(_runs().where(run.c.tenant == tenant, run.c.run_id == run_id))
    row = found.one_or_none()
    if row is None:
        raise RunUnknownError(f"no run {run_id}")
    return _shown(row)


def _runs() -> Any:
    run, plan, end = tables.run, tables.plan, tables.run_end
    return (
        select(
            run, plan.c.plan_hash, plan.c.position, plan.c.policy, end.c.at.label("finished_at"), end.c.done,
            end.c.skipped, end.c.freed,
        )
        .outerjoin(plan, plan.c.plan_id == run.c.plan_id)
        .outerjoin(end, end.c.run_id == run.c.run_id)
    )  # fmt: skip


def _shown(row: Any) -> Run:
    return Run(
        run_id=row.run_id,
        action=row.action,
        actor=row.actor,
        at=row.at,
        plan_id=row.plan_id,
        plan_hash=row.plan_hash,
        position=row.position,
        policy=None if row.policy is None else msgspec.convert(row.policy, Policy),
        objects=row.objects,
        bytes=row.bytes,
        finished_at=row.finished_at,
        done=row.done or 0,
        skipped=row.skipped or 0,
        bytes_freed=row.freed or 0,
    )
