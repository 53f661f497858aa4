"""Server-Sent Events: everything that happens to a project, as it lands."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web

from cutlog.contract.base import Strict, Wire
from cutlog.contract.envelope import RawEvent
from cutlog.contract.jobs import Progress
from cutlog.contract.subjects import project_stream
from cutlog.web import Api, Content, EventStream, Problem, ProblemError, Request, Role
from services.ops.api.context import Ops

Position = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1, description="position in the log")]


class EventsQuery(Strict):
    """From where on: after this position, unless Last-Event-ID says otherwise; from now on without either."""

    after: Position | None = None


class EventShown(Wire):
    """An event of the project."""

    position: int
    type: str
    at: datetime
    actor: str
    data: msgspec.Raw


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""

    @api.get(
        "/api/projects/{project}/events",
        role=Role.viewer,
        query=EventsQuery,
        events=True,
        returns={200: Content("text/event-stream")},
        summary="Follows a project",
    )
    async def events(req: Request[None, EventsQuery]) -> web.StreamResponse:
        """Each event has the event's type, its position as id, and `{position, type, at, actor, data}`. Events of type
        `progress` tell how far a render is; they have no id and are not repeated."""
        project_id = req.path["project"]
        await ops.owner(req, project_id)
        after = req.query.after if req.last_event_id is None else _position(req.last_event_id)
        seen = await ops.reads.stream_version_at(project_stream(project_id), 2**53 - 1 if after is None else after)
        async with EventStream(req) as stream, aclosing(ops.feed.follow(project_id, seen)) as feed:
            async for item in feed:
                match item:
                    case RawEvent():
                        shown = EventShown(
                            position=item.position, type=item.type, at=item.at, actor=item.actor, data=item.data
                        )
                        await stream.send(item.position, item.type, shown)
                    case Progress():
                        await stream.send(None, "progress", item)
        return stream.response


def _position(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        detail = "Last-Event-ID is not the id of one of our events, which are positions in the log."
        raise Problem(422, "invalid-request", "The request is not valid", detail, errors=[ProblemError("", detail)])
    return int(text)
