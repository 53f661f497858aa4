"""A file of captions, sent as it is, becomes captions of a track."""

from __future__ import annotations

from typing import Any

import msgspec

from cutlog.web import ProblemError, Reply, Request
from cutlog.web.problems import TOO_LARGE, TooLarge, invalid
from services.ops.api.committing import committed_once, imported, stored
from services.ops.api.context import Ops, who
from services.ops.api.once import keep
from services.ops.captions.reading import CaptionFormat
from services.ops.decide.commands import CommitOps, ProjectCommand
from services.ops.decide.project_state import ProjectState
from services.ops.decide.refusals import NotFound
from services.ops.edits.errors import EditError
from services.ops.interchange.captions import MAX_CAPTION_FILE, added, letters_on
from services.ops.interchange.converter import FileRefused
from services.ops.interchange.losses import Ledger, Loss
from services.ops.project.handling import Outcome


class CaptionsSent(msgspec.Struct, frozen=True):
    """What is asked for with a file of captions."""

    format: CaptionFormat
    track: str | None
    expected_version: int | None
    message: str | None
    dry_run: bool


async def bring_captions(ops: Ops, req: Request[bytes, Any], project_id: str, asked: CaptionsSent) -> Reply:
    """201 with what was imported; 200 for a dry run. Raises FileRefused, Problem 413, 422."""
    track = asked.track
    if track is None:
        raise invalid(ProblemError("?track", "name the track that the captions are added to; it may be a new one"))
    if len(req.body) > MAX_CAPTION_FILE:
        detail = f"The file has {len(req.body)} bytes; at most {MAX_CAPTION_FILE} are read as captions."
        raise TOO_LARGE(detail, more=TooLarge(limit=MAX_CAPTION_FILE))
    losses: list[tuple[Loss, ...]] = []

    async def act() -> Reply:
        (file,) = await ops.captions.read([(asked.format, req.body)])

        async def make(state: ProjectState | None) -> ProjectCommand:
            if state is None:
                raise NotFound(f"Project {project_id} does not exist.")
            ledger, sequence = Ledger(), state.sequence
            shelf = await ops.catalog.shelf(req.actor.tenant, sequence.uses)
            letters = letters_on(track, sequence, shelf)
            try:
                op = added(track, asked.format, file, sequence.canvas.fps, letters, ledger)
            except EditError as error:
                raise FileRefused(f"{error.detail[0].upper()}{error.detail[1:]}.") from None
            losses[:] = [ledger.report()]
            message = asked.message or f"import {asked.format}"
            return CommitOps((op,), stored([op]), shelf, shelf.sha256, asked.expected_version, message)

        def body(outcome: Outcome) -> Any:
            return imported(outcome, losses[0])

        try:
            if asked.dry_run:
                return Reply(200, body(await ops.handling.preview(project_id, who(req), make)))
            kept = keep(req, 201, body)
            return Reply(201, body(await ops.handling.project(project_id, who(req), make, keep=kept)))
        except EditError as error:
            if not error.pointer.endswith("/track"):
                raise
            raise invalid(ProblemError("?track", error.detail)) from None

    return await committed_once(ops, req, project_id, act)
