"""What of the projection and the plans the old backend's rows are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.uploads import path_of
from services.gc.compat.rows import ArchivedRow, CandidateRow

# An export is marked since the first of the plans that name it without a gap until now.
_CANDIDATES: Final = text("""
    WITH newest AS (
      SELECT plan_id FROM plan WHERE tenant = :tenant AND NOT simulated ORDER BY plan_id DESC LIMIT 1
    )
    SELECT e.export_id, e.project_id, p.name, e.version, e.key, e.size, e.finished_at, e.status,
           CASE WHEN e.status = 'archived' THEN coalesce(e.archived_at, e.finished_at) ELSE (
             SELECT min(q.at) FROM plan q
             JOIN plan_candidate c ON c.plan_id = q.plan_id AND c.object_id = e.export_id
             WHERE q.tenant = :tenant AND NOT q.simulated AND q.plan_id > coalesce((
               SELECT r.plan_id FROM plan r WHERE r.tenant = :tenant AND NOT r.simulated AND NOT EXISTS (
                 SELECT 1 FROM plan_candidate d WHERE d.plan_id = r.plan_id AND d.object_id = e.export_id
               ) ORDER BY r.plan_id DESC LIMIT 1
             ), '')
           ) END AS marked_at
    FROM export e JOIN project p ON p.project_id = e.project_id
    WHERE p.tenant = :tenant AND (CAST(:project AS text) IS NULL OR e.project_id = :project) AND e.key IS NOT NULL
      AND (e.status = 'archived' OR (e.status = 'ready' AND EXISTS (
        SELECT 1 FROM plan_candidate c JOIN newest ON newest.plan_id = c.plan_id WHERE c.object_id = e.export_id
      )))
      AND NOT EXISTS (
        SELECT 1 FROM pin WHERE pin.project_id = e.project_id AND pin.version = e.version AND pin.pinned
          AND (pin.profile IS NULL OR pin.profile = e.profile) AND (pin.expires_at IS NULL OR pin.expires_at > now())
      )
    ORDER BY marked_at, e.export_id
""")
_COUNTS: Final = text("""
    SELECT (SELECT count(*) FROM project p WHERE p.tenant = :tenant AND p.deleted_at IS NULL) AS projects,
           count(*) AS ready, count(*) FILTER (WHERE EXISTS (
             SELECT 1 FROM pin WHERE pin.project_id = e.project_id AND pin.version = e.version AND pin.pinned
               AND (pin.profile IS NULL OR pin.profile = e.profile)
               AND (pin.expires_at IS NULL OR pin.expires_at > now())
           )) AS pinned
    FROM export e JOIN project p ON p.project_id = e.project_id WHERE p.tenant = :tenant AND e.status = 'ready'
""")
_ARCHIVED: Final = text("""
    SELECT e.export_id, e.project_id, e.version, e.key, e.size
    FROM export e JOIN project p ON p.project_id = e.project_id
    WHERE p.tenant = :tenant AND e.export_id = ANY(:ids) AND e.key IS NOT NULL ORDER BY e.export_id
""")
_ARCHIVED_BY: Final = text("""
    SELECT DISTINCT ON (i.object_id) i.object_id, p.plan_hash
    FROM run r JOIN run_item i ON i.run_id = r.run_id JOIN plan p ON p.plan_id = r.plan_id
    WHERE r.tenant = :tenant AND r.action = 'archive' AND i.outcome = 'done' AND i.object_id = ANY(:ids)
    ORDER BY i.object_id, r.run_id DESC
""")


async def candidates(connection: AsyncConnection, tenant: str, project: str | None = None) -> list[CandidateRow]:
    """Exports of a tenant, or of one of its projects, that the newest plan names, or that are in the archive; none that
    is pinned."""
    found = await connection.execute(_CANDIDATES, {"tenant": tenant, "project": project})
    return [
        CandidateRow(
            project_id=row.project_id, project_name=row.name, version=row.version, export_id=row.export_id,
            file_path=path_of(row.key), size=row.size, created_at=row.finished_at, gc_marked_at=row.marked_at,
        )
        for row in found
    ]  # fmt: skip


async def counts(connection: AsyncConnection, tenant: str) -> Any:
    """How many `projects` there are, `ready` exports, and `pinned` ones among these."""
    return (await connection.execute(_COUNTS, {"tenant": tenant})).one()


async def archived(connection: AsyncConnection, tenant: str, ids: Sequence[str]) -> list[ArchivedRow]:
    """Where the files of exports are."""
    return [
        ArchivedRow(
            export_id=row.export_id, project_id=row.project_id, version=row.version, file_path=path_of(row.key),
            size=row.size,
        )
        for row in await connection.execute(_ARCHIVED, {"tenant": tenant, "ids": list(ids)})
    ]  # fmt: skip


async def hashes(connection: AsyncConnection, tenant: str, ids: Sequence[str]) -> dict[str, str]:
    """The hashes of the plans by which exports were last archived; those that no plan archived are missing."""
    found = await connection.execute(_ARCHIVED_BY, {"tenant": tenant, "ids": list(ids)})
    return {row.object_id: row.plan_hash for row in found}
