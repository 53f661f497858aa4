"""A version and its proxy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from msgspec import UNSET

from cutlog.blobs import playing_seconds
from cutlog.contract.answers.projects import Proxy, VersionShown
from cutlog.web import Api, Reply, Request, Role
from cutlog.web.budgets import spent
from cutlog.web.links import FileLink
from cutlog.web.problems import not_found
from cutlog.web.waiting import Wait
from services.ops.api.context import Ops
from services.ops.api.exports import completed
from services.ops.api.problem_types import PROXY_FAILED
from services.ops.api.waiting import changed
from services.ops.readmodel.reads import VersionRow


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""

    @api.get(
        "/api/projects/{project}/versions/{n}",
        role=Role.viewer,
        path={"n": int},
        returns={200: VersionShown},
        summary="Shows a version, its proxy and its exports",
    )
    async def show(req: Request) -> Reply:
        project_id, n = req.path["project"], req.path["n"]
        row = await found(req)
        exports = await ops.reads.exports(project_id, version=n)
        return Reply(
            200,
            VersionShown(
                version=n, position=row.position, at=row.at, actor=row.actor, message=row.message,
                duration=row.duration, digest=row.digest, proxy=await proxy_of(project_id, row, req.actor.tenant),
                exports=[await completed(ops, export) for export in exports],
                undoes=UNSET if row.undoes is None else tuple(row.undoes),
                gesture=UNSET if row.gesture is None else row.gesture,
            ),
        )  # fmt: skip

    @api.get(
        "/api/projects/{project}/versions/{n}/proxy",
        role=Role.viewer,
        path={"n": int},
        query=Wait,
        returns={302: None, 200: FileLink, 202: Proxy},
        problems=(PROXY_FAILED,),
        summary="Redirects to the proxy of a version, or renders it",
    )
    async def proxy(req: Request[None, Wait]) -> Reply:
        """302 to the file (200 with its URL if Accept names application/json); 202 while it renders. The proxy of a
        superseded version may be kept as a recipe, without its file, and becomes a file again on request. With `wait`,
        once that begins or ends."""
        project_id = req.path["project"]

        async def look() -> tuple[VersionRow, Proxy]:
            row = await found(req)
            return row, await proxy_of(project_id, row, req.actor.tenant)

        row, now = await changed(ops, project_id, look, lambda seen: seen[1].status, req.query.wait)
        match now.status:
            case "ready":
                assert now.key is not None
                return await ops.links.lead(req, now.key, seconds=_seconds(row))
            case "none":
                raise not_found(f"A proxy of version {row.version}, which has no frames,")
            case "failed":
                raise PROXY_FAILED(now.error or "")
            case "superseded":
                await ops.renders.ask_proxy(project_id, row.version, req.actor.tenant, req.trace)
                return Reply(202, Proxy(status="queued"), {"Retry-After": "1"})
            case "queued" | "rendering":
                return Reply(202, now, {"Retry-After": "1"})

    async def found(req: Request[Any, Any]) -> VersionRow:
        await ops.owner(req, req.path["project"])
        row = await ops.reads.version(req.path["project"], req.path["n"])
        if row is None:
            raise not_found(f"Version {req.path['n']}")
        return row

    async def proxy_of(project_id: str, row: VersionRow, tenant: str) -> Proxy:
        if row.proxy_key is not None and not await ops.proxy_uses.note(project_id, row.version, _seconds(row)):
            row = replace(row, proxy_key=None)  # it is just being folded
        status, progress = ops.renders.proxy_status(project_id, row)
        uses = await ops.render_usage.of(tenant) if status in ("queued", "rendering") else None
        waiting = spent(uses or [])
        return Proxy(
            status=status,
            progress=progress,
            key=row.proxy_key,
            url=await ops.link(row.proxy_key, seconds=_seconds(row)) if row.proxy_key is not None else None,
            error=row.proxy_failed if status == "failed" else None,
            waits_for=None if waiting is None else waiting.budget,
            waits_until=None if waiting is None else waiting.reset,
        )


def _seconds(row: VersionRow) -> int:
    """How long a link to the proxy works, which players read while they play."""
    return playing_seconds(row.duration, row.fps.fraction)
