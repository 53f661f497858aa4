"""Which object is at a path of the old backend, for whoever serves it."""

from __future__ import annotations

import re
from typing import Annotated, Final

import msgspec

from cutlog.blobs import MAX_LINK_SECONDS
from cutlog.contract.answers.internal import Object
from cutlog.contract.base import Strict
from cutlog.contract.keys import (
    EXPORTED,
    ORIGINALS,
    PROXIES,
    ArchivedExportKey,
    ExportKey,
    ProxyKey,
    UnknownKeyError,
    parse_key,
)
from cutlog.web import Api, Reply, Request, Role
from cutlog.web.problems import NOT_FOUND, not_found
from services.ops.api.context import Ops
from services.ops.compat.reads import OldRows

_OF_PROJECT: Final = re.compile(rf"(?P<folder>{EXPORTED}|{PROXIES})/(?P<project>[^/]{{1,255}})/(?P<file>[^/]{{1,255}})")
_UNVERSIONED: Final = re.compile(rf"{ORIGINALS}/(?P<project>[^/]{{1,255}})_final\.mp4")
"""Where exports were before there were versions."""


class PathQuery(Strict):
    """A path below the folder of uploads."""

    path: Annotated[str, msgspec.Meta(max_length=1024)]


def routes(api: Api, ops: Ops, rows: OldRows) -> None:
    """Adds the routes."""

    @api.get(
        "/internal/tenants/{tenant}/uploads",
        role=Role.service,
        callers=("media",),
        query=PathQuery,
        returns={200: Object},
        problems=(NOT_FOUND,),
        summary="The object at a path of the old backend",
    )
    async def find(req: Request[None, PathQuery]) -> Reply:
        key = await found(req.path["tenant"], req.query.path)
        if key is None:
            raise not_found("The file")
        return Reply(200, Object(key=key))

    async def found(tenant: str, path: str) -> str | None:
        """The key, where what it names is the tenant's; projects may go by the ids of their old store."""
        if (named := _UNVERSIONED.fullmatch(path)) is not None:
            project = await rows.named(tenant, named["project"])
            return await unversioned(project[0]) if project is not None and project[1] else None
        if (named := _OF_PROJECT.fullmatch(path)) is not None:
            project = await rows.named(tenant, named["project"])
            if project is None:
                return None
            path = f"{named['folder']}/{project[0]}/{named['file']}"
        try:
            key = parse_key(path)
        except UnknownKeyError:
            return None
        match key:
            case ProxyKey(project_id=project_id, version=version):
                row = await ops.reads.version(project_id, version) if version < 2**31 else None
                if row is None or row.proxy_key != path:
                    return None
                return path if await ops.proxy_uses.note(project_id, version, MAX_LINK_SECONDS) else None
            case ExportKey(project_id=project_id, version=version):
                there = await rows.exports(project_id, version) if version < 2**31 else []
                return path if any(each.key == path for each in there) else None
            case ArchivedExportKey(export_id=export_id):
                return path if await rows.archived(tenant, export_id) == path else None
            case _:
                return None

    async def unversioned(project_id: str) -> str | None:
        """The export of a project that has one from before there were versions: its first."""
        there = [each for each in await rows.exports(project_id) if each.profile == "mp4"]
        return min(there, key=lambda each: (each.version, each.created_at)).key if there else None
