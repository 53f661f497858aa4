"""Videos with what their frontend said of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Numeric, Row, Select, cast, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.media.compat.rows import Described, VideosQuery
from services.media.records import videos
from services.media.records.videos import Stored, VideoUnknownError
from services.media.tables import brought, described, video

#: What the store that a video came from said of it: first the row whose id it has.
_CAME: Final = (
    select(brought.c.metadata)
    .where(brought.c.video_id == video.c.id)
    .order_by(brought.c.alias.is_not(None), brought.c.brought_at)
    .limit(1)
    .correlate(video)
    .scalar_subquery()
)


def _said(name: str) -> ColumnElement[str]:
    """A text that a frontend, or the store that a video came from, said of it."""
    return func.coalesce(described.c[name], func.jsonb_extract_path_text(_CAME, name))


_TITLE: Final = func.coalesce(_said("title"), video.c.name)
_ORDERS: Final[Mapping[str, ColumnElement[Any]]] = {
    "createdAt": video.c.created_at, "title": func.lower(_TITLE), "name": func.lower(video.c.name),
    "fileSize": video.c.size, "duration": cast(video.c.facts["duration"].astext, Numeric),
}  # fmt: skip

Whole = tuple[Stored, Described]


async def page(connection: AsyncConnection, tenant: str, query: VideosQuery) -> tuple[list[Whole], int]:
    """A page of a tenant's videos, and how many there are."""
    there = _there(tenant)
    if query.search:
        sought = func.lower(query.search)
        tags = func.array_to_string(described.c.tags, ","), func.jsonb_extract_path_text(_CAME, "tags")
        texts = (_TITLE, video.c.name, _said("description"), *tags)
        there = there.where(or_(*(func.strpos(func.lower(text), sought) > 0 for text in texts)))
    total = await connection.scalar(select(func.count()).select_from(there.subquery()))
    order = _ORDERS[query.sort.removeprefix("-")]
    down = query.sort.startswith("-")
    there = there.order_by(
        order.desc().nulls_last() if down else order.asc().nulls_last(), video.c.id.desc() if down else video.c.id
    )
    rows = await connection.execute(there.limit(query.limit).offset(query.skipped))
    return [_whole(row) for row in rows], int(total or 0)


async def one(connection: AsyncConnection, tenant: str, name: str) -> Whole:
    """A tenant's video by its id, or by one that it had in another store. Raises VideoUnknownError."""
    row = (await connection.execute(_there(tenant).where(video.c.id == name))).one_or_none()
    if row is None:
        known_as = select(brought.c.video_id).where(brought.c.tenant == tenant, brought.c.legacy_id == name)
        known_as = known_as.order_by(brought.c.brought_at).limit(1)
        row = (await connection.execute(_there(tenant).where(video.c.id.in_(known_as)))).one_or_none()
    if row is None:
        raise VideoUnknownError(f"Video {name[:80]} does not exist.")
    return _whole(row)


async def describe(connection: AsyncConnection, video_id: str, said: Described) -> None:
    """Keeps what was said of a video, unless something is known of it already."""
    if said != Described():
        values = {"video_id": video_id, "title": said.title, "description": said.description, "tags": said.tags}
        await connection.execute(insert(described).values(values).on_conflict_do_nothing())


def _there(tenant: str) -> Select[Any]:
    """Videos that have an upload, with what is said of them."""
    return (
        select(video, described.c.title, described.c.description, described.c.tags, _CAME.label("came"))
        .outerjoin(described, described.c.video_id == video.c.id)
        .where(video.c.tenant == tenant, video.c.ref_count > 0)
    )


def _whole(row: Row[Any]) -> Whole:
    came: Mapping[str, Any] = row.came or {}
    texts = {name: came[name] for name in ("title", "description") if isinstance(came.get(name), str)}
    tags = came.get("tags")
    words = [str(tag) for tag in tags] if isinstance(tags, list) else []
    owner = came.get("userId")
    stored = videos.stored(row)
    if isinstance(owner, str):
        stored = msgspec.structs.replace(stored, actor=owner)
    return stored, Described(
        title=row.title or texts.get("title"), description=row.description or texts.get("description", ""),
        tags=list(row.tags or words),
    )  # fmt: skip
