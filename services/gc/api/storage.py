"""The admin's HTTP face: how much there is, how it grew, and what may go soon."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.blobs import BlobStore
from cutlog.contract.base import Strict, Wire
from cutlog.web import Api, ProblemError, Reply, Request, Role
from cutlog.web.problems import invalid
from services.gc.api.problem_types import OBJECT_UNREADABLE
from services.gc.report import storage
from services.gc.report.reports import now
from services.gc.report.storage import Forecast, Point, Stored

LARGEST = 200
"""Projects in an answer: those with the most bytes."""

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class StorageQuery(Strict, kw_only=True):
    """The hours [from, to); by default the last 30 days."""

    from_: Moment | None = msgspec.field(default=None, name="from")
    to: Moment | None = None


class Storage(Wire):
    """What a tenant has. `bytes` is all of it; `classes` are whole, `projects` those with the most. `growth` is in
    bytes per day over the hours in `history`; `forecast` is what the policy lets go."""

    at: datetime
    bytes: int
    saved_by_dedupe: int
    saved_by_segments: int
    classes: list[Stored]
    projects: list[Stored]
    history: list[Point]
    growth: float
    forecast: list[Forecast]


def routes(api: Api, engine: AsyncEngine, blobs: BlobStore) -> None:
    """Adds the routes."""

    @api.get(
        "/api/admin/storage",
        cost=20,
        role=Role.admin,
        query=StorageQuery,
        returns={200: Storage},
        problems=(OBJECT_UNREADABLE,),
        summary="Says how much is stored, and how it grew",
    )
    async def show(req: Request[None, StorageQuery]) -> Reply:
        tenant = req.actor.tenant
        async with engine.connect() as connection:
            at = await now(connection)
            end = req.query.to or at + timedelta(hours=1)
            start = req.query.from_ or end - timedelta(days=30)
            if start >= end:
                raise invalid(ProblemError("?from", "from must be before to"))
            found = await storage.stored(connection, blobs, tenant)
            points = await storage.history(connection, tenant, start, end)
            ahead = await storage.forecast(connection, blobs, tenant)
        classes = [_whole([each for each in found if each.class_ == name]) for name in _classes(found)]
        of_projects = sorted((each for each in found if each.project_id), key=lambda each: -each.bytes)
        return Reply(
            200,
            Storage(
                at=at,
                bytes=sum(each.bytes for each in classes),
                saved_by_dedupe=sum(each.saved for each in classes if each.class_ == "videos"),
                saved_by_segments=sum(each.saved for each in classes if each.class_ in ("exports", "proxies")),
                classes=classes,
                projects=of_projects[:LARGEST],
                history=points,
                growth=storage.growth(points),
                forecast=ahead,
            ),
        )


def _classes(found: list[Stored]) -> list[storage.StorageClass]:
    return list(dict.fromkeys(each.class_ for each in found))


def _whole(parts: list[Stored]) -> Stored:
    """A class of the whole tenant. What projects share is counted once: where it belongs to none alone."""
    return Stored(
        class_=parts[0].class_, project_id="", objects=sum(each.objects for each in parts),
        bytes=sum(each.bytes for each in parts), shared=sum(each.shared for each in parts if not each.project_id),
        saved=sum(each.saved for each in parts),
    )  # fmt: skip
