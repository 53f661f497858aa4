"""Moving in from another store, a page at a time. Asked by `cutlog backfill`, never through the gateway.

Every page can be sent again: what is there already is passed over.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.auth.rings import OPERATOR
from cutlog.contract.answers.internal import Kept, KeptOp, Landed, Rehearsed
from cutlog.contract.base import Strict
from cutlog.contract.behalf import Behalf
from cutlog.contract.events import ProjectEvent, VersionCommitted
from cutlog.contract.ids import Id
from cutlog.contract.imports import ImportedExport, ImportedProxy, ImportedVersion
from cutlog.contract.legacy import Conventions
from cutlog.contract.lines import one_line
from cutlog.contract.ops import Name
from cutlog.contract.timeline import Canvas
from cutlog.web import Api, Reply, Request, Role
from services.ops.api.context import Ops
from services.ops.api.problem_types import (
    EDITED_SINCE,
    EXPORTS_UNAVAILABLE,
    ID_UNAVAILABLE,
    NOT_IMPORTED,
    REHEARSAL_LOST,
    ExportsTaken,
)
from services.ops.decide.importing import ImportFiles, ImportVersions, LegacyVersion, UndoImport, decide_import
from services.ops.decide.project_state import ProjectState
from services.ops.decide.refusals import IdUnavailableError
from services.ops.edits.project import fps_fault
from services.ops.edits.sources import Material
from services.ops.legacy.reading import written_kind
from services.ops.project.asked import OldVersions
from services.ops.project.history import Head

MAX_PAGE: Final = 8 << 20
REHEARSED: Final = 64
"""Dry runs of projects whose timelines are remembered from page to page."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class VersionsPage(Strict):
    """The next versions of a project. `videos` has the ids of media by the ids that the ops use. With `dryRun` nothing
    is stored, and `rehearsed` has the media that are not here yet; `first` marks the first page of a dry run. `film` is
    the video, by its legacy id, that version 1 begins as, `seconds` how long it is said to be; `metadata` what else the
    store says of the project."""

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
    rehearsed: dict[str, Rehearsed] = msgspec.field(default_factory=dict)
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)


class FilesPage(Strict):
    """Exports and proxies of an imported project, whose files are in the store. With `dryRun` it is only asked whether
    the ids of the exports are available."""

    tenant: Id
    source: Text
    legacy_id: Text
    exports: tuple[ImportedExport, ...]
    proxies: tuple[ImportedProxy, ...]
    dry_run: bool = False


class Undo(Strict):
    """Which import to take back. With `dryRun` it is only asked whether that is possible."""

    tenant: Id
    source: Text
    dry_run: bool = False


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""
    rehearsed: OrderedDict[tuple[str, str], ProjectState] = OrderedDict()

    @api.post(
        "/internal/imports/{run}/projects/{project}/versions",
        role=Role.service,
        callers=(OPERATOR,),
        body=VersionsPage,
        max_body=MAX_PAGE,
        returns={200: Landed},
        problems=(ID_UNAVAILABLE, NOT_IMPORTED, EDITED_SINCE, REHEARSAL_LOST),
        summary="Imports the next versions of a project",
    )
    async def versions(req: Request[VersionsPage]) -> Reply:
        page, run, project_id = req.body, req.path["run"], req.path["project"]
        canvas = page.canvas
        if fps_fault(canvas.fps):
            canvas = msgspec.structs.replace(canvas, fps=Canvas().fps)
        asked = OldVersions(
            run, page.source, page.legacy_id, one_line(page.name) or project_id, canvas, page.created_at,
            page.versions, page.videos,
            {name: Material(media.kind, media.facts) for name, media in page.rehearsed.items()}, page.conventions,
            page.film, page.seconds, page.metadata or UNSET,
        )  # fmt: skip
        if page.dry_run:
            return Reply(200, await _rehearse(ops, rehearsed, run, project_id, page, asked))
        outcome = await ops.commits.commit(project_id, _behalf(req, page.tenant), asked)
        return Reply(200, await _landed(ops, run, project_id, outcome.state, outcome.events, page))

    @api.post(
        "/internal/imports/{run}/projects/{project}/files",
        role=Role.service,
        callers=(OPERATOR,),
        body=FilesPage,
        max_body=MAX_PAGE,
        returns={200: Landed, 204: None},
        problems=(EXPORTS_UNAVAILABLE, EDITED_SINCE),
        summary="Records exports and proxies that were imported",
    )
    async def files(req: Request[FilesPage]) -> Reply:
        page = req.body
        if taken := await ops.reads.exports_elsewhere(req.path["project"], [each.export_id for each in page.exports]):
            raise EXPORTS_UNAVAILABLE(EXPORTS_UNAVAILABLE.example, more=ExportsTaken(exports=tuple(taken)))
        if page.dry_run:
            return Reply(204)
        command = ImportFiles(req.path["run"], page.source, page.legacy_id, page.exports, page.proxies)
        outcome = await ops.commits.commit(req.path["project"], _behalf(req, page.tenant), command)
        return Reply(200, _where(req.path["run"], outcome.state))

    @api.post(
        "/internal/imports/{run}/projects/{project}/undo",
        role=Role.service,
        callers=(OPERATOR,),
        body=Undo,
        returns={204: None},
        problems=(EDITED_SINCE,),
        summary="Takes an imported project back",
    )
    async def undo(req: Request[Undo]) -> Reply:
        project_id, behalf = req.path["project"], _behalf(req, req.body.tenant)
        if forks := await ops.reads.forks(project_id):
            detail = f"Projects were forked from it since: {', '.join(forks)}."
            raise EDITED_SINCE(detail)
        command = UndoImport(req.path["run"], req.body.source)
        if req.body.dry_run:
            await ops.commits.preview(project_id, behalf, command)
        else:
            await ops.commits.commit(project_id, behalf, command)
        return Reply(204)


async def _rehearse(
    ops: Ops, rehearsed: OrderedDict[tuple[str, str], ProjectState], run: str, project_id: str, page: VersionsPage,
    asked: OldVersions,
) -> Landed:  # fmt: skip
    place = (run, project_id)
    if page.first:
        head = await ops.history.head(project_id)
        state = None if head is None else head.state
        if state is not None and state.tenant != page.tenant:
            raise IdUnavailableError
    else:
        state = rehearsed.get(place)
        if state is None:
            raise REHEARSAL_LOST(REHEARSAL_LOST.example)
    command = (await ops.commits.prepared(project_id, page.tenant, asked, state)).command
    assert isinstance(command, ImportVersions)
    events = decide_import(state, command)
    if events:
        before = None if state is None else Head(state, 0)
        state = Head.folded(before, events, page.tenant).state
    assert state is not None, "a page that begins a project has events"
    rehearsed[place] = state
    rehearsed.move_to_end(place)
    if len(rehearsed) > REHEARSED:
        rehearsed.popitem(last=False)
    return await _landed(ops, run, project_id, state, events, page)


async def _landed(
    ops: Ops, run: str, project_id: str, state: ProjectState, events: Sequence[ProjectEvent], page: VersionsPage
) -> Landed:
    """What became of a page: of its versions that are here since an earlier one the log tells."""
    added = {event.version: event.imported for event in events if isinstance(event, VersionCommitted)}
    sent = {version.version: version for version in page.versions}
    known = [version for version in sent if version not in added]
    before = await ops.reads.imported(project_id, known[0], known[-1]) if known else {}
    kept = (_kept(sent[version], came) for version, came in (before | added).items())
    told = tuple(each for each in kept if each is not None)
    return msgspec.structs.replace(_where(run, state), added=len(added), kept=told)


def _kept(sent: LegacyVersion, came: ImportedVersion | UnsetType) -> Kept | None:
    if came is UNSET or came.why is None:
        return None
    reasons = came.reasons or (came.why,) * len(came.legacy)
    found = tuple(
        KeptOp(kind=written_kind(op), why=reason, op=op)
        for op, reason in zip(came.legacy, reasons, strict=True)
        if reason
    )
    beside = len(came.legacy) if came.legacy else len(sent.ops)
    return Kept(version=sent.version, why=came.why, live=came.live, ops=found, with_them=beside - len(found))


def _where(run: str, state: ProjectState) -> Landed:
    came = state.imported
    assert came is not None, "only imported projects land"
    return Landed(
        version=state.version, duration=state.sequence.duration, added=0, began=came.begun_by == run,
        touched=came.run == run,
    )  # fmt: skip


def _behalf(req: Request[Any, Any], tenant: str) -> Behalf:
    return Behalf(tenant, req.actor.subject, req.trace)
