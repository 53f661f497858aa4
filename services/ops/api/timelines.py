"""The timeline of any version."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from cutlog.contract.base import Strict
from cutlog.contract.timeline import Timeline
from cutlog.web import Api, Reply, Request, Role
from services.ops.api.context import Ops
from services.ops.api.interchange import exported
from services.ops.resolve import resolve


class TimelineQuery(Strict):
    """The newest version, unless one is named."""

    version: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
    format: Literal["json", "otio", "edl", "fcp7xml", "otioz"] = "json"


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""

    @api.get(
        "/api/projects/{project}/timeline",
        role=Role.viewer,
        query=TimelineQuery,
        returns={200: Timeline},
        problems=(422,),
        summary="Shows the timeline of a version",
    )
    async def timeline(req: Request[None, TimelineQuery]) -> Reply:
        """`format`: `json`, or a file for other editors, whose losses the header `Cutlog-Losses` tells as JSON
        (docs/INTERCHANGE.md)."""
        project_id = req.path["project"]
        owner = await ops.owner(req, project_id)
        version = owner.version if req.query.version is None else req.query.version
        found = await resolved(ops, project_id, owner.tenant, version)
        if req.query.format != "json":
            return await exported(ops, found, req.query.format)
        return Reply(200, found)


async def resolved(ops: Ops, project_id: str, tenant: str, version: int) -> Timeline:
    """A version's timeline with its media as they are now. Raises NotFound."""
    sequence = await ops.history.at(project_id, version)
    media = await ops.catalog.references(tenant, sequence.uses)
    return resolve(sequence, project_id, tenant, version, media)
