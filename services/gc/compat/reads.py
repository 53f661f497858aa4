"""What of the projection and the plans the old backend's rows are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.uploads import path_of
from services.gc.compat.rows import ArchivedRow, CandidateRow
from services.gc.sql import statement

_CANDIDATES: Final = statement("compat_candidates")
_COUNTS: Final = statement("compat_counts")
_ARCHIVED: Final = statement("compat_archived")
_ARCHIVED_BY: Final = statement("compat_archived_by")


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
