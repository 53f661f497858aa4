"""Timelines as files of other editors, out and in."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import Annotated, Literal

import msgspec

from cutlog.contract.answers.edits import ImportedTimeline
from cutlog.contract.base import Strict
from cutlog.contract.ids import Id
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Timeline
from cutlog.web import Api, ProblemError, Reply, Request, Role
from cutlog.web.problems import BUDGET_EXCEEDED, invalid
from services.ops.api.captions import CaptionsSent, bring_captions
from services.ops.api.committing import Message, VersionNumber, committed_once, imported
from services.ops.api.context import Ops
from services.ops.api.problem_types import (
    EDIT_REFUSED,
    INTERCHANGE_REFUSED,
    MEDIA_GONE,
    MEDIA_MISSING,
    NOTHING_TO_IMPORT,
    VERSION_CONFLICT,
)
from services.ops.captions.reading import CaptionFormat
from services.ops.edits.project import fps_fault
from services.ops.interchange.batch import Mode
from services.ops.interchange.bundle import bundle
from services.ops.interchange.converter import MAX_FILE, ReadFormat
from services.ops.interchange.losses import Ledger, header
from services.ops.interchange.names import slug
from services.ops.interchange.reading import opened, wanted
from services.ops.interchange.writing import MEDIA_TYPES, SUFFIXES, Format, written
from services.ops.project.asked import TimelineFile
from services.ops.project.results import Done


class ImportQuery(Strict):
    """`mode`: instead of the timeline that is there, or on top of it. `missing`: what stands for media that the tenant
    does not have; nothing is imported if it is `refuse`. `fps`: the rate of an EDL, such as 24 or 30000/1001.
    `track`: the track that captions are added to, which may be a new one; only a file of captions has one."""

    format: ReadFormat | CaptionFormat = "otio"
    track: Id | None = None
    mode: Mode = "replace"
    missing: Literal["refuse", "skip", "color"] = "refuse"
    fps: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,7}(/[0-9]{1,7})?$")] | None = None
    expected_version: VersionNumber | None = None
    message: Message | None = None
    dry_run: bool = False


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""

    @api.post(
        "/api/projects/{project}/timeline",
        cost=20,
        role=Role.editor,
        body=bytes,
        consumes="*/*",
        max_body=MAX_FILE,
        query=ImportQuery,
        returns={201: ImportedTimeline, 200: ImportedTimeline},
        problems=(
            VERSION_CONFLICT,
            MEDIA_GONE,
            INTERCHANGE_REFUSED,
            EDIT_REFUSED,
            BUDGET_EXCEEDED,
            MEDIA_MISSING,
            NOTHING_TO_IMPORT,
        ),
        summary="Imports a timeline of another editor as one version",
    )
    async def bring(req: Request[bytes, ImportQuery]) -> Reply:
        """The body is the file. See docs/INTERCHANGE.md for what each format carries. 422 `media-missing` lists media
        that the tenant does not have, unless `missing` says what to put in their places. A file of captions (`srt`,
        `vtt`, `sbv`, `ass`, `ssa`, `ttml`) is added to `track`, in whatever encoding it is."""
        project_id, query = req.path["project"], req.query
        owner = await ops.owner(req, project_id)
        match query.format:
            case "srt" | "vtt" | "sbv" | "ass" | "ssa" | "ttml" as captions:
                file = CaptionsSent(captions, query.track, query.expected_version, query.message, query.dry_run)
                return await bring_captions(ops, req, project_id, file)
            case kind:
                pass

        def made(done: Done) -> Reply:
            return Reply(201, imported(done))

        async def act() -> Reply:
            fps = _fps(query.fps) if query.fps is not None else await _rate_of(ops, project_id, owner.version)
            losses = Ledger()
            told = await asyncio.to_thread(opened, await ops.converter.read(kind, fps, req.body), losses)
            library = await ops.catalog.wanted(req.actor.tenant, await asyncio.to_thread(wanted, told))
            library = library.without(await ops.access.unseen(req.actor, library.ids))
            asked = TimelineFile(
                told, library, losses.report(), query.mode, query.missing, kind, query.expected_version, query.message
            )
            if query.dry_run:
                return Reply(200, imported((await ops.commits.preview(project_id, req.behalf, asked)).done))
            return made((await ops.commits.commit(project_id, req.behalf, asked, keyed=req.keyed)).done)

        return await committed_once(ops, req, project_id, made, act)


async def exported(ops: Ops, timeline: Timeline, kind: Format | Literal["otioz"]) -> Reply:
    """A timeline as a file, with its losses in a header."""
    sequence = await ops.history.at(timeline.project_id, timeline.version)
    names = await ops.catalog.names(timeline.tenant, timeline.media)
    file = f"{slug(sequence.name) or timeline.project_id}-v{timeline.version}.{SUFFIXES[kind]}"
    headers = {"Content-Disposition": f'attachment; filename="{file}"', "X-Content-Type-Options": "nosniff"}
    if kind == "otioz":
        chunks = bundle(ops.blobs, timeline, sequence.name, names)
        return Reply.stream(200, chunks, MEDIA_TYPES[kind], {**headers, "Cutlog-Losses": header(())})
    made = await written(ops.converter, timeline, sequence.name, names, kind)
    headers["Cutlog-Losses"] = header(made.losses)
    return Reply.raw(200, made.content, MEDIA_TYPES[kind], headers)


async def _rate_of(ops: Ops, project_id: str, version: int) -> Fps:
    return (await ops.history.at(project_id, version)).canvas.fps


def _fps(text: str) -> Fps:
    """A rate as the query tells it. Raises Problem 422."""
    num, _, den = text.partition("/")
    try:
        fps = Fps.of(Fraction(int(num), int(den or 1)))
    except ZeroDivisionError:
        fps = Fps(1, 1_000_000)
    if fault := fps_fault(fps):
        raise invalid(ProblemError("?fps", fault))
    return fps
