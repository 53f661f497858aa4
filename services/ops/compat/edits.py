"""Edits in the words of the old backend: translated by the rules of an import, or refused. None is half done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from cutlog.web import Api, Reply, Request, Role
from cutlog.web.envelope import Answer
from cutlog.web.reply import JSON
from services.ops.api.context import Ops
from services.ops.api.edits import check_stored_size
from services.ops.api.once import once
from services.ops.api.problem_types import OP_REFUSED
from services.ops.compat.projects import found_of
from services.ops.compat.reads import Found, OldRows
from services.ops.compat.rows import TAG, Edited, NewOps, Operations, OperationsQuery
from services.ops.legacy.wording import begins_as_film, job_id, operation_id
from services.ops.project import results
from services.ops.project.asked import OldBatch
from services.ops.project.results import Done

MAX_BODY: Final = 256 << 10
PAGE: Final = 200


def routes(api: Api, ops: Ops, rows: OldRows) -> None:
    """Adds the routes."""

    @api.post(
        "/api/compat/projects/{project}/ops",
        role=Role.editor,
        body=NewOps,
        max_body=MAX_BODY,
        returns={201: Answer[Edited]},
        problems=(OP_REFUSED,),
        summary="Appends ops as one version",
        tag=TAG,
    )
    async def edit(req: Request[NewOps]) -> Reply:
        """400 if an op has no exact equivalent: nothing is stored, and the message names what to send instead."""
        project_id, sent = req.path["project"], req.body.ops
        check_stored_size(req.raw + req.raw)  # both what came and what it means are stored

        def made(done: Done) -> Reply:
            edited = done.result
            assert isinstance(edited, results.Edited)
            version = edited.version
            data = Edited(
                project_id=project_id, version=version, operation_id=operation_id(project_id, version),
                job_id=job_id(project_id, version), ops=sent,
            )  # fmt: skip
            message = f"Version {version} was created; its proxy is being rendered."
            return Reply(201, Answer(data=data, message=message))

        async def act() -> Reply:
            asked = OldBatch(sent, await _film(ops, await found_of(rows, req), project_id))
            return made((await ops.commits.commit(project_id, req.behalf, asked, keyed=req.keyed)).done)

        return await once(ops, req, made, act)

    @api.get(
        "/api/compat/projects/{project}/ops",
        role=Role.viewer,
        query=OperationsQuery,
        returns={200: Answer[Operations]},
        summary="Lists versions with their ops, in order",
        tag=TAG,
    )
    async def index(req: Request[None, OperationsQuery]) -> Reply:
        """Up to `version`. Ops of the edit language are shown as effects of that name."""
        owner = await ops.owner(req, req.path["project"])
        last = owner.version if req.query.version is None else min(owner.version, req.query.version)
        return Reply.stream(200, _listed(rows, req.path["project"], owner.version, last), JSON)


async def _film(ops: Ops, found: Found, project_id: str) -> str | None:
    """The video as all of which a project begins, if it does."""
    said = found.metadata.get("videoId")
    if isinstance(said, str) and not found.brought:
        return said
    if not found.brought or not found.row.current_version:
        return None
    first = await ops.reads.versions(project_id, 1, 1, 1)
    return found.row.video_id if first and begins_as_film(first[0].ops) else None


async def _listed(rows: OldRows, project_id: str, current: int, last: int) -> AsyncIterator[bytes]:
    """The answer with all versions to `last`, a page at a time: memory stays flat, however long the history is."""
    head = msgspec.json.encode({"projectId": project_id, "currentVersion": current})
    yield b'{"success":true,"data":' + head[:-1] + b',"operations":['
    first, comma = 1, b""
    while first <= last:
        page = await rows.operations(project_id, first, last, PAGE)
        if not page:
            break
        yield comma + b",".join(map(msgspec.json.encode, page))
        first, comma = page[-1].version + 1, b","
    yield b"]}}"
