"""What `cutlog fsck` looks at of the collector: its projection, and the files that are on their way."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.bus.shadow import Derived
from cutlog.hosting.proof import Proof
from services.gc import tables
from services.gc.projection import apply as projection
from services.gc.report import store

_PENDING: Final = tables.move.c.done_at.is_(None)


async def _moved(connection: AsyncConnection) -> dict[str, str]:
    columns = (tables.move.c.target, tables.move.c.source)
    query = select(*columns).where(_PENDING, tables.move.c.target.is_not(None))
    return {row.target: row.source for row in await connection.execute(query)}


async def _loose(connection: AsyncConnection) -> set[str]:
    """Files that the log has let go and that are still to be removed."""
    query = select(tables.move.c.source, tables.move.c.folder).where(_PENDING, tables.move.c.action == "delete")
    found: set[str] = set()
    for source, folder in await connection.execute(query):
        found.add(source)
        if folder is not None:
            found.add(f"{folder.rstrip('/')}/")
    return found


async def _counts(connection: AsyncConnection) -> dict[str, int]:
    columns = (tables.media.c.media_id, tables.media.c.ref_count)
    return {row.media_id: row.ref_count for row in await connection.execute(select(*columns))}


PROOF: Final = Proof(
    derived=Derived(
        tables=tuple(table.name for table in projection.DERIVED),
        apply=projection.apply,
        checkpoint=projection.NAME,
        subjects=projection.SUBJECTS,
    ),
    belonging=store.everything,
    moved=_moved,
    loose=_loose,
    counts=_counts,
)
