"""Videos of before are examined again when an operator says so.

Facts and renditions are kept until the new ones are whole: then both change at once, which the log learns as another
MediaReady. Each examination has a `revision`, which is part of its renditions' keys, since cached segments refer to
those of before. What an examination can't make sense of stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.contract.answers.videos import Examination, NotExamined
from cutlog.contract.base import Strict
from cutlog.contract.ids import Id
from cutlog.web import Api, Reply, Request, Role
from cutlog.web.problems import NOT_FOUND
from services.media.records.videos import DERIVE_ATTEMPTS, VideoUnknownError
from services.media.tables import video

ROOT: Final = "/api/videos/examine"
ENGINE: Final = 2
"""Raised when what is made of an upload changes: videos that an earlier one examined are those to examine again."""
SHOWN: Final = 100


class Examine(Strict):
    """The videos to examine again; without `ids`, all of the tenant that an earlier release examined."""

    ids: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=1000)] | None = None


async def begin(connection: AsyncConnection, tenant: str, ids: Sequence[str] | None) -> int:
    """Has videos wait for an examination; how many did not before. Raises VideoUnknownError, and nothing waits.

    What failed to be processed is processed again. What is under way already goes on.
    """
    mine = (video.c.tenant == tenant) & (video.c.ref_count > 0)
    if ids is not None:
        known = set(await connection.scalars(select(video.c.id).where(mine, video.c.id.in_(ids))))
        if unknown := sorted(set(ids) - known):
            raise VideoUnknownError(f"Video {unknown[0]} does not exist.")
    chosen = _outdated() if ids is None else video.c.id.in_(ids)
    here = (video.c.stored == "there") & video.c.status.in_(("ready", "failed")) & video.c.derive_at.is_(None)
    values = {
        "revision": video.c.revision + 1, "derive_at": func.clock_timestamp(), "derive_left": DERIVE_ATTEMPTS,
        "not_examined": None, "progress": 0.0,
        # What failed has nothing to be kept.
        "status": func.replace(video.c.status, "failed", "processing"), "error": None,
    }  # fmt: skip
    return (await connection.execute(update(video).where(mine, chosen, here).values(values))).rowcount


async def standing(connection: AsyncConnection, tenant: str, begun: int = 0) -> Examination:
    mine = (video.c.tenant == tenant) & (video.c.ref_count > 0)
    count = func.count().filter
    waits = (video.c.status == "ready") & video.c.derive_at.is_not(None)
    numbers = select(count(waits), count(_outdated() & (video.c.stored == "there")))
    waiting, outdated = (await connection.execute(numbers.where(mine))).one()
    query = select(video.c.id, video.c.not_examined).where(mine, video.c.not_examined.is_not(None))
    rows = await connection.execute(query.order_by(video.c.id).limit(SHOWN))
    failed = tuple(NotExamined(id=row.id, reason=row.not_examined) for row in rows)
    return Examination(begun=begun, waiting=waiting, outdated=outdated, failed=failed)


def _outdated() -> ColumnElement[bool]:
    return video.c.examined_by < ENGINE


def routes(api: Api, engine: AsyncEngine) -> None:
    """Adds the routes."""

    @api.post(
        ROOT,
        role=Role.operator,
        body=Examine,
        body_optional=True,
        returns={202: Examination},
        problems=(NOT_FOUND,),
        summary="Examines videos again",
    )
    async def examine(req: Request[Examine | None]) -> Reply:
        """Renews the facts and renditions of videos that earlier releases ingested, one after the other. The videos
        remain in use; finished exports do not change. A repeated request starts nothing twice."""
        async with engine.begin() as connection:
            ids = None if req.body is None else req.body.ids
            begun = await begin(connection, req.actor.tenant, ids)
            return Reply(202, await standing(connection, req.actor.tenant, begun))

    @api.get(
        ROOT, role=Role.operator, returns={200: Examination}, summary="Shows the progress of the examination of videos"
    )
    async def show(req: Request) -> Reply:
        async with engine.connect() as connection:
            return Reply(200, await standing(connection, req.actor.tenant))
