"""Moving in from another store, a page at a time. Asked by `cutlog backfill`, never through the gateway.

Every page can be sent again: what is there already is passed over.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from cutlog.contract.base import Strict, Wire
from cutlog.contract.events import ProjectEvent, VersionCommitted
from cutlog.contract.ids import Id
from cutlog.contract.imports import ImportedExport, ImportedProxy
from cutlog.contract.legacy import Conventions
from cutlog.contract.letters import ANY
from cutlog.contract.lines import one_line
from cutlog.contract.ops import Name
from cutlog.contract.timeline import Canvas
from cutlog.web import Api, Problem, Reply, Request, Role
from services.ops.api.context import Ops, always
from services.ops.decide.importing import ImportFiles, ImportVersions, LegacyVersion, UndoImport, decide_import
from services.ops.decide.project_state import ProjectState
from services.ops.decide.refusals import IdUnavailable
from services.ops.edits.project import fps_fault
from services.ops.edits.sources import TRUSTED, Sources
from services.ops.handling import Who
from services.ops.history import Head

MAX_PAGE: Final = 8 << 20
REHEARSED: Final = 64
"""Dry runs of projects whose timelines are remembered from page to page."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class VersionsPage(Strict):
    """The next versions of a project. `videos` has the ids of media by the ids that the ops use. With `dryRun` nothing
    is stored, and media that are not there yet are taken as good; `first` marks the first page of a dry run. `film` is
    the video, by its legacy id, that version 1 begins as, `seconds` how long it is said to be."""

    tenant: Id
    source: Text
    legacy_id: Text
    name: Name
    canvas: Canvas
    created_at: datetime | None
    versions: tuple[LegacyVersion, ...]
    videos: dict[str, str]
    film: str | None = None
    seconds: float | None = None
    conventions: Conventions = Conventions()
    dry_run: bool = False
    first: bool = False


class FilesPage(Strict):
    """Exports and proxies of an imported project, whose files are in the store."""

    tenant: Id
    source: Text
    legacy_id: Text
    exports: tuple[ImportedExport, ...]
    proxies: tuple[ImportedProxy, ...]


class Undo(Strict):
    """Which import to take back. With `dryRun` it is only asked whether that is possible."""

    tenant: Id
    source: Text
    dry_run: bool = False


class Kept(Wire):
    """A version with ops that are kept as they were written, and why. With `live` the timeline goes on without them."""

    version: int
    why: str
    live: bool = False


class Landed(Wire):
    """The version and duration in frames at which a project is now, how many versions this page added, and which of
    them could not be translated. `began`: by this run; `touched`: no other has brought more since."""

    version: int
    duration: int
    added: int
    began: bool
    touched: bool
    kept: tuple[Kept, ...] = ()


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""
    rehearsed: OrderedDict[tuple[str, str], ProjectState] = OrderedDict()

    @api.post(
        "/internal/imports/{run}/projects/{project}/versions",
        role=Role.service,
        body=VersionsPage,
        max_body=MAX_PAGE,
        returns={200: Landed},
        problems=(409,),
        summary="Imports the next versions of a project",
    )
    async def versions(req: Request[VersionsPage]) -> Reply:
        page, run, project_id = req.body, req.path["run"], req.path["project"]
        canvas = page.canvas
        if fps_fault(canvas.fps):
            canvas = msgspec.structs.replace(canvas, fps=Canvas().fps)
        media = set(page.videos.values())

        async def make(state: ProjectState | None) -> ImportVersions:
            used = state.sequence.uses if state is not None else ()
            # What another store showed is history: its texts are not doubted, whatever they are made of.
            shelf = await ops.catalog.shelf(page.tenant, media | set(used), ANY)
            complete = all(shelf.get(media_id) is not None for media_id in media)
            sources: Sources = TRUSTED if page.dry_run and not complete else shelf

            def sha256(media_id: str) -> str:
                return shelf.sha256(media_id) if shelf.get(media_id) is not None else media_id

            return ImportVersions(
                run, page.source, page.legacy_id, one_line(page.name) or project_id, canvas, page.created_at,
                page.versions, page.videos, sources, sha256, page.conventions, page.videos.get(page.film or ""),
                page.seconds,
            )  # fmt: skip

        if page.dry_run:
            return Reply(200, await _rehearse(ops, rehearsed, run, project_id, page, make))
        outcome = await ops.handling.project(project_id, _who(req, page.tenant), make)
        return Reply(200, _landed(run, outcome.state, outcome.events))

    @api.post(
        "/internal/imports/{run}/projects/{project}/files",
        role=Role.service,
        body=FilesPage,
        max_body=MAX_PAGE,
        returns={200: Landed},
        problems=(409,),
        summary="Records exports and proxies that were imported",
    )
    async def files(req: Request[FilesPage]) -> Reply:
        page = req.body
        if taken := await ops.reads.exports_elsewhere(req.path["project"], [each.export_id for each in page.exports]):
            title, detail = "Ids of exports are not available", "Choose other ids for the exports that are named."
            raise Problem(409, "exports-unavailable", title, detail, extra={"exports": taken})
        command = ImportFiles(req.path["run"], page.source, page.legacy_id, page.exports, page.proxies)
        outcome = await ops.handling.project(req.path["project"], _who(req, page.tenant), always(command))
        return Reply(200, _landed(req.path["run"], outcome.state, outcome.events))

    @api.post(
        "/internal/imports/{run}/projects/{project}/undo",
        role=Role.service,
        body=Undo,
        returns={204: None},
        problems=(409,),
        summary="Takes an imported project back",
    )
    async def undo(req: Request[Undo]) -> Reply:
        project_id, who = req.path["project"], _who(req, req.body.tenant)
        if forks := await ops.reads.forks(project_id):
            detail = f"Projects were forked from it since: {', '.join(forks)}."
            raise Problem(409, "edited-since", "Later work builds on the import", detail)
        command = always(UndoImport(req.path["run"], req.body.source))
        if req.body.dry_run:
            await ops.handling.preview(project_id, who, command)
        else:
            await ops.handling.project(project_id, who, command)
        return Reply(204)


async def _rehearse(
    ops: Ops, rehearsed: OrderedDict[tuple[str, str], ProjectState], run: str, project_id: str, page: VersionsPage,
    make: Any,
) -> Landed:  # fmt: skip
    place = (run, project_id)
    if page.first:
        head = await ops.history.head(project_id)
        state = None if head is None else head.state
        if state is not None and state.tenant != page.tenant:
            raise IdUnavailable
    else:
        state = rehearsed.get(place)
        if state is None:
            detail = "The first pages of this dry run are not remembered any more; send them again."
            raise Problem(409, "rehearsal-lost", "The dry run begins anew", detail)
    events = decide_import(state, await make(state))
    if events:
        before = None if state is None else Head(state, 0)
        state = Head.folded(before, events, page.tenant).state
    assert state is not None, "a page that begins a project has events"
    rehearsed[place] = state
    rehearsed.move_to_end(place)
    if len(rehearsed) > REHEARSED:
        rehearsed.popitem(last=False)
    return _landed(run, state, events)


def _landed(run: str, state: ProjectState, events: Sequence[ProjectEvent]) -> Landed:
    versions = [event for event in events if isinstance(event, VersionCommitted)]
    kept = tuple(
        Kept(version=event.version, why=event.imported.why, live=event.imported.live)
        for event in versions
        if event.imported is not msgspec.UNSET and event.imported.why is not None
    )
    came = state.imported
    assert came is not None, "only imported projects land"
    return Landed(
        version=state.version,
        duration=state.sequence.duration,
        added=len(versions),
        began=came.begun_by == run,
        touched=came.run == run,
        kept=kept,
    )


def _who(req: Request[Any, Any], tenant: str) -> Who:
    return Who(tenant, req.actor.subject, req.trace)
