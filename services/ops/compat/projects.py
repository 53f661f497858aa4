"""Projects, as the old backend had them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from cutlog.contract.ids import is_id, new_id
from cutlog.contract.lines import one_line
from cutlog.contract.rates import meant_rate
from cutlog.contract.timeline import Canvas
from cutlog.web import Api, Reply, Request, Role
from cutlog.web.envelope import Answer
from cutlog.web.problems import NOT_FOUND, not_found
from services.ops.api.context import Ops
from services.ops.api.once import once
from services.ops.api.problem_types import (
    FPS_INVALID,
    ID_UNAVAILABLE,
    NAME_MISSING,
    RESOLUTION_INVALID,
    SETTINGS_INVALID,
)
from services.ops.compat.reads import Found, OldRows, settings_of, status_of
from services.ops.compat.rows import TAG, CompatProject, ProjectRow, Projects, ProjectsQuery
from services.ops.decide.commands import CreateProject
from services.ops.project.results import Created, Done

MAX_BODY: Final = 64 << 10
RESERVED: Final = frozenset(
    (
        "_id",
        "id",
        "name",
        "title",
        "userId",
        "currentVersion",
        "latestProxyKey",
        "latestExportKey",
        "createdAt",
        "updatedAt",
    )
)
"""Members of a row that are not its frontend's to say."""
_SIZE: Final = re.compile(r"\s*(\d{2,5})\s*[x×X:*]\s*(\d{2,5})\s*")


def routes(api: Api, ops: Ops, rows: OldRows) -> None:
    """Adds the routes."""

    @api.get(
        "/api/compat/projects",
        role=Role.viewer,
        query=ProjectsQuery,
        returns={200: Answer[Projects]},
        summary="Lists projects, newest first",
        tag=TAG,
    )
    async def index(req: Request[None, ProjectsQuery]) -> Reply:
        query = req.query
        found, total = await rows.projects(req.actor.tenant, query.search, query.status, query.limit, query.skipped)
        data = {"projects": [each.body for each in found], "pagination": query.of(total)}
        return Reply(200, {"success": True, "data": data})

    @api.get(
        "/api/compat/projects/{project}",
        role=Role.viewer,
        returns={200: Answer[ProjectRow]},
        summary="Shows a project",
        tag=TAG,
    )
    async def show(req: Request) -> Reply:
        return Reply(200, {"success": True, "data": (await found_of(rows, req)).body})

    @api.post(
        "/api/compat/projects",
        role=Role.editor,
        body=CompatProject,
        max_body=MAX_BODY,
        returns={201: Answer[ProjectRow]},
        problems=(NOT_FOUND, ID_UNAVAILABLE, NAME_MISSING),
        summary="Creates a project that shows a video",
        tag=TAG,
    )
    async def create(req: Request[CompatProject]) -> Reply:
        """The first edit adds the whole video to the timeline."""
        new = req.body
        name = one_line(new.title or new.name or "")
        if not name:
            raise NAME_MISSING("Send `title` or `name`.")
        canvas = canvas_of(new.settings or {})
        media = () if new.video_id is None else (await _video_there(ops, req.actor.tenant, new.video_id),)
        sent = msgspec.json.decode(req.raw, type=dict[str, Any])
        metadata = {key: value for key, value in sent.items() if key not in RESERVED}

        def made(done: Done) -> Reply:
            created, at = done.result, done.at
            assert isinstance(created, Created)
            assert at is not None
            row = ProjectRow(
                old_id=created.project_id, id=created.project_id, name=name, title=name, user_id=created.by,
                video_id=new.video_id, description=new.description or "", settings=settings_of(metadata, canvas),
                status=status_of(metadata), current_version=0, latest_proxy_key=None,
                latest_export_key=None, created_at=at, updated_at=at,
            )  # fmt: skip
            data = Found(row=row, metadata=metadata, brought=False).body
            return Reply(201, {"success": True, "message": "The project was created.", "data": data})

        async def act() -> Reply:
            command = CreateProject(name, canvas, metadata, media)
            return made((await ops.commits.commit(new_id("p"), req.behalf, command, keyed=req.keyed)).done)

        return await once(ops, req, made, act)


async def found_of(rows: OldRows, req: Request[Any, Any]) -> Found:
    """The project that a path names. Raises Problem 404."""
    found = await rows.project(req.actor.tenant, req.path["project"])
    if found is None:
        raise not_found(f"Project {req.path['project']}")
    return found


async def _video_there(ops: Ops, tenant: str, video_id: str) -> str:
    """The id of the media that is meant. Raises Problem 404."""
    media = (await ops.catalog.aliases(tenant, [video_id])).get(video_id, video_id) if is_id(video_id) else ""
    if (await ops.catalog.shelf(tenant, [media])).get(media) is None:
        raise not_found(f"Video {video_id}")
    return media


def canvas_of(settings: Mapping[str, Any]) -> Canvas:
    """The canvas that settings name: `resolution` such as 1920x1080, or `width` and `height`, and `fps`; the usual one
    for what they do not. Raises Problem 400."""
    wanted: dict[str, Any] = {name: settings[name] for name in ("width", "height") if settings.get(name) is not None}
    resolution = settings.get("resolution")
    if resolution is not None:
        size = _SIZE.fullmatch(resolution) if isinstance(resolution, str) else None
        if size is None:
            raise RESOLUTION_INVALID(f"settings.resolution is {resolution!r}; send one such as 1920x1080.")
        wanted |= {"width": int(size[1]), "height": int(size[2])}
    fps = settings.get("fps", settings.get("frameRate"))
    if fps is not None:
        rate = meant_rate(fps)
        if rate is None:
            raise FPS_INVALID(f"settings.fps is {fps!r}; send a number of frames per second, 1 to 240.")
        wanted["fps"] = [rate.numerator, rate.denominator]
    try:
        return msgspec.convert(wanted, Canvas)
    except msgspec.ValidationError as error:
        raise SETTINGS_INVALID(f"settings: {error}") from None
