"""Which projects use which videos, learnt from the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.envelope import Event
from cutlog.contract.events import ProjectCreated, ProjectForked, ProjectImportUndone, VersionCommitted
from services.media.sql import statement

_ADD: Final = statement("uses_add")
_END: Final = statement("uses_end")
_CLEAR: Final = statement("uses_clear")
_COUNT: Final = statement("uses_count")
_OF: Final = statement("uses_of")

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
        await connection.execute(_END, {"projects": list(undone)})
    if found:
        videos, projects = zip(*sorted(found), strict=True)
        await connection.execute(_ADD, {"videos": list(videos), "projects": list(projects)})


async def clear(connection: AsyncConnection) -> None:
    """Forgets all, to be learnt again from the first event."""
    await connection.execute(_CLEAR)


async def count(connection: AsyncConnection, video_ids: Sequence[str]) -> dict[str, int]:
    """How many projects use each video."""
    rows = await connection.execute(_COUNT, {"ids": list(video_ids)})
    return {row.video_id: row.projects for row in rows}


async def projects(connection: AsyncConnection, video_id: str) -> list[str]:
    """The projects that use a video."""
    return list(await connection.scalars(_OF, {"video_id": video_id}))
