"""What an API key that is limited to projects sees: the videos that these use, and its own uploads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.auth.actor import Actor
from cutlog.web.problems import not_found
from services.media.tables import resumable, uploader, use, video

KEY: Final = "key:"
"""How the subject of an API key begins."""


async def note(connection: AsyncConnection, subject: str, video_id: str) -> None:
    """An API key has uploaded a video."""
    if subject.startswith(KEY):
        await connection.execute(insert(uploader).values(subject=subject, video_id=video_id).on_conflict_do_nothing())


def uploaded_by(actor: Actor) -> ColumnElement[bool]:
    """Of `video`: the actor's own uploads."""
    return exists().where(uploader.c.video_id == video.c.id, uploader.c.subject == actor.subject)


def seen_by(actor: Actor) -> ColumnElement[bool] | None:
    """Of `video`: what the actor sees, None: all of the tenant."""
    if actor.projects is None:
        return None
    used = exists().where(use.c.video_id == video.c.id, use.c.project_id.in_(actor.projects))
    return or_(used, uploaded_by(actor))


def sees(engine: AsyncEngine) -> Callable[[Actor, str, Mapping[str, Any]], Awaitable[None]]:
    """Raises Problem 404 for a video, or an upload, that is not the actor's to see. Only its own uploads are its to
    take back."""

    async def check(actor: Actor, method: str, path: Mapping[str, Any]) -> None:
        async with engine.connect() as connection:
            if (video_id := path.get("video")) is not None:
                shown = uploaded_by(actor) if method == "DELETE" else seen_by(actor)
                query = select(video.c.id).where(video.c.tenant == actor.tenant, video.c.id == video_id)
                if (await connection.execute(query if shown is None else query.where(shown))).first() is None:
                    raise not_found(f"Video {video_id}")
            if (upload_id := path.get("upload")) is not None:
                mine = select(resumable.c.id).where(
                    resumable.c.id == upload_id, resumable.c.tenant == actor.tenant, resumable.c.actor == actor.subject
                )
                if (await connection.execute(mine)).first() is None:
                    raise not_found(f"Upload {upload_id}")

    return check
