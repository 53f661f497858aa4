"""Server-Sent Events: everything that happens to a project, as it lands."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Annotated, Any, get_args

import msgspec
from aiohttp import web

from cutlog.contract.answers.projects import EventShown
from cutlog.contract.base import Strict, Wire
from cutlog.contract.envelope import RawEvent
from cutlog.contract.events import ProjectEvent
from cutlog.contract.jobs import Progress
from cutlog.contract.subjects import project_stream
from cutlog.web import Api, Content, EventStream, Request, Role
from cutlog.web.problems import INVALID_HEADER
from services.ops.api.context import Ops

Position = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1, description="position in the log")]


class EventsQuery(Strict):
    """From where on: after this position, unless Last-Event-ID says otherwise; from now on without either."""

    after: Position | None = None


def _described(data: type[Wire]) -> type[msgspec.Struct]:
    """EventShown with data of one type, for the document of the API."""
    name = data.__name__
    fields = [("position", int), ("at", datetime), ("actor", str), ("data", data)]
    return msgspec.defstruct(f"{name}Event", fields, tag_field="type", tag=name, namespace={"__doc__": data.__doc__})


DESCRIBED: Any = reduce(or_, map(_described, get_args(ProjectEvent)))


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""

    @api.get(
        "/api/projects/{project}/events",
        role=Role.viewer,
        query=EventsQuery,
        events=True,
        returns={200: Content("text/event-stream", (DESCRIBED, Progress))},
        summary="Follows a project",
    )
    async def events(req: Request[None, EventsQuery]) -> web.StreamResponse:
        """Server-Sent Events: `event` is the type, `id` the position in the log, and `data` is JSON.
        Events of type `progress` report how far a render is; they have no id and are not repeated.
        After a reconnect with `Last-Event-ID`, the stream continues where it ended."""
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
        raise INVALID_HEADER("Last-Event-ID must be the id of an event of this stream: its position in the log.")
    return int(text)
