"""Exports that may go, as far as SQL can tell. It only leaves out what some rule surely keeps: whatever it gives is
judged by the rules of `policy`, so a fault here can keep an export too long and never let one go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gc import tables
from services.gc.rules.plan import Basis
from services.gc.rules.policy import Policy, Ready, policy_of
from services.gc.rules.roots import Export

AT_ONCE: Final = 2_000
"""Rows that are fetched and held at once."""

#: $1 tenant, $2 the moment, $3 least time to live, $4 least number of newest that are kept, $5 projects to erase, $6
#: whether that is all of them, $7 whether every version with a message is kept.
_POSSIBLE: Final = """
SELECT r.export_id, r.version, r.profile, r.key, r.size, r.finished_at, r.project_id, r.deleted_at, r.newer, r.highest,
       t.message
FROM (
  SELECT e.export_id, e.version, e.profile, e.key, e.size, e.finished_at, e.project_id, p.deleted_at,
         row_number() OVER (PARTITION BY e.project_id ORDER BY e.finished_at DESC, e.version DESC, e.export_id DESC) - 1
           AS newer,
         max(e.version) OVER (PARTITION BY e.project_id) AS highest,
         p.deleted_at IS NOT NULL AND ($6 OR e.project_id = ANY ($5::text[])) AS erasing
  FROM export e JOIN project p USING (project_id)
  WHERE p.tenant = $1 AND e.status = 'ready'
) AS r
LEFT JOIN tagged t ON t.project_id = r.project_id AND t.version = r.version AND r.deleted_at IS NULL
WHERE (r.erasing
       OR (greatest(r.finished_at, r.deleted_at) + $3::interval <= $2
           AND (r.deleted_at IS NOT NULL OR r.newer >= greatest($4, 1) AND r.version < r.highest)
           AND NOT ($7 AND t.message IS NOT NULL)))
  AND NOT EXISTS (
    SELECT FROM pin k
    WHERE k.project_id = r.project_id AND k.version = r.version AND k.pinned AND (NOT r.erasing OR k.mode <> 'normal')
      AND (k.profile IS NULL OR k.profile = r.profile) AND (k.expires_at IS NULL OR k.expires_at > $2))
ORDER BY r.project_id, r.newer
"""


async def possible(
    connection: AsyncConnection, basis: Basis, erase: frozenset[str]
) -> AsyncIterator[tuple[str, Ready, Policy]]:
    """(project, facts, the policy that counts there), in the order of a plan. Memory stays flat."""
    own = {scope.project_id: policy_of(basis.policy, scope.project_id) for scope in basis.policy.scope}
    policies = (basis.policy, *own.values())
    arguments = (
        basis.tenant, basis.at, timedelta(days=min(policy.ttl_days for policy in policies)),
        min(policy.keep_latest for policy in policies), sorted(erase - {"*"}), "*" in erase,
        all(policy.keep_tagged for policy in policies),
    )  # fmt: skip
    async for row in _rows(connection, arguments):
        id_, version, profile, key, size, finished_at, project_id, deleted_at, newer, highest, message = row
        export = Export(id_, version, profile, "ready", key, size, finished_at)
        erasing = deleted_at is not None and bool(erase & {project_id, "*"})
        facts = Ready(export, newer, highest, (), deleted_at, message, erasing)
        yield project_id, facts, own.get(project_id, basis.policy)


async def _rows(connection: AsyncConnection, arguments: tuple[Any, ...]) -> AsyncIterator[Any]:
    """Rows of a cursor of the driver, which costs a third of what they cost through all layers. While some are judged,
    the next are fetched."""
    raw = (await connection.get_raw_connection()).driver_connection
    assert raw is not None, "the connection is open"
    cursor = await raw.cursor(_POSSIBLE, *arguments)
    coming = asyncio.ensure_future(cursor.fetch(AT_ONCE))
    try:
        while rows := await coming:
            coming = asyncio.ensure_future(cursor.fetch(AT_ONCE))
            await asyncio.sleep(0)  # so that it is asked for before these are looked at
            for row in rows:
                yield row
    finally:
        coming.cancel()


async def count(connection: AsyncConnection, tenant: str) -> int:
    """How many exports of all states there are."""
    export, project = tables.export, tables.project
    joined = export.join(project, export.c.project_id == project.c.project_id)
    query = select(func.count()).select_from(joined).where(project.c.tenant == tenant)
    return (await connection.execute(query)).scalar_one()
