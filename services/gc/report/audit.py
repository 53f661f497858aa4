"""The audit: who did what and when, on which plan, what became of each object, and the bytes that are truly gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.answers.collection import Policy
from cutlog.contract.base import Wire
from cutlog.contract.keys import ARCHIVE
from cutlog.db.idempotency import same
from services.gc.errors import GcError
from services.gc.report.plans import KeyedBehalf
from services.gc.sql import statement

_ADD: Final = statement("run_add")
_BEGUN_BY: Final = statement("run_begun_by")
_LANDED: Final = statement("run_landed")
_NOTE: Final = statement("run_note")
_END: Final = statement("run_end")
_FREED: Final = statement("run_freed")
_ITEMS: Final = statement("run_items")
_ALL_ITEMS: Final = statement("run_all_items")
_RUNS: Final = statement("runs")

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
    values = {
        "run_id": run_id, "tenant": behalf.tenant, "action": action, "actor": behalf.actor, "plan_id": plan_id,
        "objects": objects, "bytes": size, "idempotency_key": behalf.key if keyed else None,
        "fingerprint": behalf.fingerprint if keyed else None,
    }  # fmt: skip
    await connection.execute(_ADD, values)


async def begun_by(connection: AsyncConnection, behalf: KeyedBehalf) -> tuple[str, bool] | None:
    """The id of the act that the same request began before, and whether it came to its end. Raises KeyReusedError."""
    if behalf.key is None:
        return None
    row = (await connection.execute(_BEGUN_BY, {"tenant": behalf.tenant, "key": behalf.key})).one_or_none()
    if row is None:
        return None
    same(row.fingerprint, behalf.fingerprint)
    return row.run_id, row.ended


async def landed(connection: AsyncConnection, run_id: str, ids: Sequence[str]) -> dict[str, int]:
    """Positions of events that an act had led to before it was cut short, by object: those since it began that no other
    act has noted as its own. Acts of a tenant follow each other, so there is nobody else's."""
    wanted = {"run_id": run_id, "ids": list(ids), "archive": f"{ARCHIVE}/"}
    return {row.object_id: row.position for row in await connection.execute(_LANDED, wanted)}


async def note(connection: AsyncConnection, run_id: str, items: list[Item]) -> None:
    """Stores what became of objects; what was said of one before stays."""
    if items:
        await connection.execute(_NOTE, {"run_id": run_id, "rows": msgspec.json.encode(items).decode()})


async def end(connection: AsyncConnection, run_id: str) -> int:
    """Stores that an act came to its end; the bytes that it freed."""
    freed = await freed_by(connection, run_id)
    await connection.execute(_END, {"run_id": run_id, "freed": freed})
    return freed


async def freed_by(connection: AsyncConnection, run_id: str) -> int:
    """Bytes that were seen to be gone from the store, of the files that a run sent on their way."""
    return int((await connection.execute(_FREED, {"run_id": run_id})).scalar_one())


async def items(connection: AsyncConnection, run_id: str, after: str, limit: int) -> list[Item]:
    """What became of objects in a run, by their ids, from the one after `after` on."""
    rows = await connection.execute(_ITEMS, {"run_id": run_id, "after": after, "limit": limit})
    return [Item(**row) for row in rows.mappings()]


async def all_items(connection: AsyncConnection, run_id: str) -> list[Item]:
    """What became of all objects of a run, in the order in which it was noted."""
    rows = await connection.execute(_ALL_ITEMS, {"run_id": run_id})
    return [Item(**row) for row in rows.mappings()]


async def runs(connection: AsyncConnection, tenant: str, before: str | None, limit: int) -> list[Run]:
    """The audit, newest first, from the run after (that is, older than) `before` on."""
    return await _runs(connection, tenant, before=before, limit=limit)


async def find(connection: AsyncConnection, tenant: str, run_id: str) -> Run:
    """One run. Raises RunUnknownError."""
    found = await _runs(connection, tenant, run_id=run_id)
    if not found:
        raise RunUnknownError(f"no run {run_id}")
    return found[0]


async def _runs(
    connection: AsyncConnection, tenant: str, *, before: str | None = None, run_id: str | None = None, limit: int = 1
) -> list[Run]:
    values = {"tenant": tenant, "before": before, "run_id": run_id, "limit": limit}
    return [_run(row) for row in (await connection.execute(_RUNS, values)).mappings()]


def _run(row: Mapping[Any, Any]) -> Run:
    policy = None if row["policy"] is None else msgspec.convert(row["policy"], Policy)
    return Run(**{**row, "policy": policy})
