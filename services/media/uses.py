"""Which projects use which videos, learnt from the log."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.envelope import Event
from cutlog.contract.events import ProjectForked, VersionCommitted
from services.media.tables import use

NAME = "media"
"""The consumer's durable name, and that of its checkpoint."""

SUBJECTS = ("evt.project.*.ProjectForked", "evt.project.*.VersionCommitted")


async def apply(connection: AsyncConnection, batch: Sequence[Event]) -> None:
    """Notes uses. They are never taken back: a project's history keeps what any of its versions shows."""
    found = {
        (media_id, event.entity)
        for event in batch
        if isinstance(event.data, ProjectForked | VersionCommitted)
        for media_id in event.data.media_added
    }
    if found:
        rows = [{"video_id": video_id, "project_id": project_id} for video_id, project_id in sorted(found)]
        await connection.execute(insert(use).on_conflict_do_nothing(), rows)


async def clear(connection: AsyncConnection) -> None:
    """Forgets all, to be learnt again from the first event."""
    await connection.execute(delete(use))


async def count(connection: AsyncConnection, video_ids: Sequence[str]) -> dict[str, int]:
    """How many projects use each video."""
    query = select(use.c.video_id, func.count()).where(use.c.video_id.in_(video_ids)).group_by(use.c.video_id)
    return {row[0]: row[1] for row in await connection.execute(query)}
