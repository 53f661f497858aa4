"""Plans as they are stored: written once, read in pages, never changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.answers.collection import Candidate
from cutlog.contract.behalf import Behalf
from cutlog.db.driver import driver
from cutlog.db.idempotency import same
from services.gc.errors import GcError
from services.gc.rules.plan import Basis
from services.gc.sql import statement

_ADD: Final = statement("plan_add")
_MADE_BY: Final = statement("plan_made_by")
_FIND: Final = statement("plan_find")
_BY_HASH: Final = statement("plan_by_hash")
_CANDIDATES: Final = statement("plan_candidates")
_NAMED: Final = statement("plan_candidates_named")


class PlanUnknownError(GcError):
    """The plan does not exist."""


class KeyedBehalf(Behalf, frozen=True):
    """On whose behalf, and by which request: `key` is the Idempotency-Key, `fingerprint` tells equal requests."""

    fingerprint: str
    key: str | None = None


class Totals(msgspec.Struct, frozen=True):
    """What a plan comes to: candidates and their bytes, exports kept, and the hash over it all."""

    candidates: int
    kept: int
    bytes: int
    plan_hash: str


async def add_candidates(
    connection: AsyncConnection, plan_id: str, lines: AsyncIterator[tuple[bytes, Candidate]]
) -> None:
    """Stores the lines of a plan, each as JSON and as it is, numbered from 1, while they come."""

    async def records() -> AsyncIterator[tuple[str, int, str, str]]:
        number = 0
        async for encoded, line in lines:
            number += 1
            yield plan_id, number, encoded.decode(), line.id

    raw = await driver(connection)
    columns = ["plan_id", "number", "candidate", "object_id"]
    await raw.copy_records_to_table("plan_candidate", records=records(), columns=columns)


async def add_plan(
    connection: AsyncConnection, plan_id: str, behalf: KeyedBehalf, basis: Basis, totals: Totals, *, simulated: bool,
    erase: frozenset[str] = frozenset(),
) -> None:  # fmt: skip
    """Stores a plan. A key that is taken raises sqlalchemy's IntegrityError."""
    values = {
        "plan_id": plan_id, "tenant": basis.tenant, "plan_hash": totals.plan_hash, "position": basis.position,
        "policy": msgspec.json.encode(basis.policy).decode(), "at": basis.at, "simulated": simulated,
        "candidates": totals.candidates, "kept": totals.kept, "bytes": totals.bytes, "idempotency_key": behalf.key,
        "fingerprint": behalf.fingerprint, "erase": sorted(erase) or None,
    }  # fmt: skip
    await connection.execute(_ADD, values)


async def made_by(connection: AsyncConnection, behalf: KeyedBehalf) -> str | None:
    """The id of the plan that the same request made before. Raises KeyReusedError when it was another request."""
    if behalf.key is None:
        return None
    row = (await connection.execute(_MADE_BY, {"tenant": behalf.tenant, "key": behalf.key})).one_or_none()
    if row is None:
        return None
    same(row.fingerprint, behalf.fingerprint)
    return str(row.plan_id)


async def find(connection: AsyncConnection, tenant: str, plan_id: str | None) -> Any:
    """The row of a plan; without an id, of the newest that is no simulation. Raises PlanUnknownError."""
    row = (await connection.execute(_FIND, {"tenant": tenant, "plan_id": plan_id})).one_or_none()
    if row is None:
        raise PlanUnknownError(f"no plan {plan_id}" if plan_id else "no plan was calculated yet")
    return row


async def candidates(connection: AsyncConnection, plan_id: str, after: int, limit: int) -> list[Candidate]:
    """The lines of a plan that follow number `after`."""
    found = await connection.scalars(_CANDIDATES, {"plan_id": plan_id, "after": after, "limit": limit})
    return [msgspec.convert(each, Candidate) for each in found]


async def by_hash(connection: AsyncConnection, tenant: str, plan_hash: str) -> Any:
    """The row of a plan that is no simulation, by its hash. Raises PlanUnknownError."""
    row = (await connection.execute(_BY_HASH, {"tenant": tenant, "plan_hash": plan_hash})).one_or_none()
    if row is None:
        raise PlanUnknownError("no plan has this hash")
    return row


async def named(connection: AsyncConnection, plan_id: str, ids: Sequence[str]) -> dict[str, Candidate]:
    """Lines of a plan by the ids of their objects; those that it does not have are missing."""
    rows = await connection.scalars(_NAMED, {"plan_id": plan_id, "ids": list(ids)})
    found = [msgspec.convert(each, Candidate) for each in rows]
    return {each.id: each for each in found}
