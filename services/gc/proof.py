"""What `cutlog fsck` looks at of the collector: its projection, and the files that are on their way."""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.bus.shadow import Derived
from cutlog.hosting.proof import Proof
from services.gc.projection import apply as projection
from services.gc.report import store
from services.gc.sql import statement

_UNDER_WAY: Final = statement("moves_under_way")
_DELETING: Final = statement("moves_deleting")
_COUNTS: Final = statement("media_counts")


async def _moved(connection: AsyncConnection) -> dict[str, str]:
    return {row.target: row.source for row in await connection.execute(_UNDER_WAY) if row.target is not None}


async def _loose(connection: AsyncConnection) -> set[str]:
    """Files that the log has let go and that are still to be removed."""
    found: set[str] = set()
    for source, folder in await connection.execute(_DELETING):
        found.add(source)
        if folder is not None:
            found.add(f"{folder.rstrip('/')}/")
    return found


async def _counts(connection: AsyncConnection) -> dict[str, int]:
    return {row.media_id: row.ref_count for row in await connection.execute(_COUNTS)}


PROOF: Final = Proof(
    derived=Derived(
        tables=projection.DERIVED,
        apply=projection.apply,
        checkpoint=projection.NAME,
        subjects=projection.SUBJECTS,
    ),
    belonging=store.everything,
    moved=_moved,
    loose=_loose,
    counts=_counts,
)
