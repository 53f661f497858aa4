"""What other services fetch: timelines, resolved."""

from __future__ import annotations

from cutlog.contract.timeline import Timeline
from cutlog.web import Api, Reply, Request, Role
from cutlog.web.problems import not_found
from services.ops.api.context import Ops
from services.ops.api.timelines import resolved


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""

    @api.get(
        "/internal/projects/{project}/versions/{n}/timeline",
        role=Role.service,
        callers=("render",),
        path={"n": int},
        returns={200: Timeline},
        summary="The timeline of a version of any tenant, deleted or not",
    )
    async def timeline(req: Request) -> Reply:
        owner = await ops.reads.owner(req.path["project"])
        if owner is None:
            raise not_found(f"Project {req.path['project']}")
        headers = {"Cutlog-Deleted": "true"} if owner.deleted else {}
        return Reply(200, await resolved(ops, req.path["project"], owner.tenant, req.path["n"]), headers, large=True)
