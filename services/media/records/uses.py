"""Which projects use which videos, learnt from the log."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.envelope import Event
from cutlog.contract.events import ProjectCreated, ProjectForked, ProjectImportUndone, VersionCommitted
from services.media.tables import use

SUBJECTS = (
    "evt.project.*.ProjectCreated",
    "evt.project.*.ProjectForked",
    "evt.project.*.ProjectImportUndone",
    "evt.project.*.VersionCommitted",
)


async def apply(connection: AsyncConnection, batch: Sequence[Event]) -> None:
    """Notes uses. A project's history keeps what any of its versions shows; only with the project are they gone."""
    found: set[tuple[str, str]] = set()
    undone: set[str] = set()
    for event in batch:
        match event.data:
            case (
                ProjectCreated(media_added=media)
                | ProjectForked(media_added=media)
                | VersionCommitted(media_added=media)
            ):
                found.update((media_id, event.entity) for media_id in media)
            case ProjectImportUndone():
                undone.add(event.entity)
                found = {each for each in found if each[1] != event.entity}
            case _:
                pass
    if undone:
        await connection.execute(delete(use).where(use.c.project_id.in_(undone)))
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


async def projects(connection: AsyncConnection, video_id: str) -> list[str]:
    """The projects that use a video."""
    return list((await connection.execute(select(use.c.project_id).where(use.c.video_id == video_id))).scalars())
