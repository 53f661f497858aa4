"""A file of captions, sent as it is, becomes captions of a track."""

from __future__ import annotations

from typing import Any

import msgspec

from cutlog.web import ProblemError, Reply, Request
from cutlog.web.problems import TOO_LARGE, TooLarge, invalid
from services.ops.api.committing import committed_once, imported
from services.ops.api.context import Ops
from services.ops.captions.reading import CaptionFormat
from services.ops.edits.errors import EditError
from services.ops.interchange.captions import MAX_CAPTION_FILE
from services.ops.project.asked import CaptionsFile
from services.ops.project.results import Done


class CaptionsSent(msgspec.Struct, frozen=True):
    """What is asked for with a file of captions."""

    format: CaptionFormat
    track: str | None
    expected_version: int | None
    message: str | None
    dry_run: bool


async def bring_captions(ops: Ops, req: Request[bytes, Any], project_id: str, asked: CaptionsSent) -> Reply:
    """201 with what was imported; 200 for a dry run. Raises FileRefusedError, Problem 413, 422."""
    track = asked.track
    if track is None:
        raise invalid(ProblemError("?track", "name the track that the captions are added to; it may be a new one"))
    if len(req.body) > MAX_CAPTION_FILE:
        detail = f"The file has {len(req.body)} bytes; at most {MAX_CAPTION_FILE} are read as captions."
        raise TOO_LARGE(detail, more=TooLarge(limit=MAX_CAPTION_FILE))

    def made(done: Done) -> Reply:
        return Reply(201, imported(done))

    async def act() -> Reply:
        (file,) = await ops.captions.read([(asked.format, req.body)])
        wanted = CaptionsFile(asked.format, track, file, asked.expected_version, asked.message)
        try:
            if asked.dry_run:
                return Reply(200, imported((await ops.commits.preview(project_id, req.behalf, wanted)).done))
            return made((await ops.commits.commit(project_id, req.behalf, wanted, keyed=req.keyed)).done)
        except EditError as error:
            if not error.pointer.endswith("/track"):
                raise
            raise invalid(ProblemError("?track", error.detail)) from None

    return await committed_once(ops, req, project_id, made, act)
