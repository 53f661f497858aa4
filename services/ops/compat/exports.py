"""Exports and pins, as the old backend had them."""

from __future__ import annotations

import re
from typing import Any, Final

from cutlog.contract.profiles import EXPORTS, SIZED, ExportProfile, size_of_height
from cutlog.contract.timeline import Canvas
from cutlog.contract.uploads import path_of
from cutlog.web import Api, Problem, Reply, Request, Role
from cutlog.web.envelope import Answer
from cutlog.web.problems import not_found
from services.ops.api.context import Ops
from services.ops.api.limits import TOO_MANY_EXPORTS
from services.ops.api.once import keep_unchanged, once
from services.ops.api.problem_types import EXPORT_INVALID, HELD
from services.ops.compat.marks import Marks
from services.ops.compat.projects import found_of
from services.ops.compat.reads import Exported, OldRows
from services.ops.compat.rows import TAG, CompatExport, CompatPinned, Existing, ExportRow, Exports, Pending
from services.ops.decide.commands import SetPin
from services.ops.decide.project import exported
from services.ops.project.asked import Export
from services.ops.project.results import Done, Exporting, Pinning

_FORMATS: Final[dict[str, ExportProfile]] = {
    "mp4": "mp4", "webm": "webm", "mov": "prores", "prores": "prores", "gif": "gif", "m4a": "audio", "audio": "audio",
}  # fmt: skip
_SIZE: Final = re.compile(r"\s*(\d{1,5})\s*[x×X:*]\s*(\d{1,5})\s*")


def routes(api: Api, ops: Ops, rows: OldRows, marks: Marks) -> None:
    """Adds the routes."""

    @api.post(
        "/api/compat/projects/{project}/export",
        role=Role.editor,
        body=CompatExport,
        body_optional=True,
        returns={202: Answer[Pending], 200: Answer[Existing]},
        problems=(EXPORT_INVALID, TOO_MANY_EXPORTS),
        summary="Exports a version",
        tag=TAG,
    )
    async def request(req: Request[CompatExport | None]) -> Reply:
        """200 with `existing` if the export exists, archived or not."""
        project_id, wanted = req.path["project"], req.body or CompatExport()

        def made(done: Done) -> Reply:
            export = done.result
            assert isinstance(export, Exporting)
            return Reply(202, pending(project_id, export.version, export.export_id))

        async def act() -> Reply:
            newest = (await found_of(rows, req)).row.current_version
            version = newest if wanted.version is None else wanted.version
            if not 1 <= version <= newest:
                raise _invalid(f"There is no version {version}; send one from 1 to {newest}.")
            canvas = (await ops.history.at(project_id, version)).canvas
            profile = profile_of(wanted.resolution, wanted.format, canvas)
            if (found := await there(project_id, version, profile)) is not None:
                return await keep_unchanged(ops, req, existing(project_id, found))
            await ops.limits.check(req.actor.tenant)

            asked = Export(version, profile, retry=True)
            outcome = await ops.commits.commit(project_id, req.behalf, asked, keyed=req.keyed)
            if outcome.events:
                return made(outcome.done)
            if (found := await there(project_id, version, profile)) is not None:  # it was made meanwhile
                return await keep_unchanged(ops, req, existing(project_id, found))
            export_id = exported(outcome.state, version, profile)
            assert export_id is not None, "nothing happens only when there is one"
            return await keep_unchanged(ops, req, Reply(202, pending(project_id, version, export_id)))

        return await once(ops, req, made, act)

    @api.get(
        "/api/compat/projects/{project}/exports",
        role=Role.viewer,
        returns={200: Answer[Exports]},
        summary="Lists exports, newest first",
        tag=TAG,
    )
    async def index(req: Request) -> Reply:
        """Exports that have a file, archived or not."""
        project = (await found_of(rows, req)).row
        found = await rows.exports(project.id)
        marked = await marks.of(req.actor.tenant, project.id) if found else frozenset()
        shown = [await row(each, marked) for each in found]
        data = Exports(project_id=project.id, latest_export_key=project.latest_export_key, exports=shown)
        return Reply(200, Answer(data=data))

    @api.post(
        "/api/compat/projects/{project}/versions/{n}/pin",
        audit="pin.changed",
        role=Role.editor,
        path={"n": int},
        body=dict[str, Any],
        body_optional=True,
        returns={200: Answer[CompatPinned]},
        problems=(HELD,),
        summary="Pins or unpins the exports of a version",
        tag=TAG,
    )
    async def pin(req: Request[dict[str, Any] | None]) -> Reply:
        """Unpinning removes every pin of the version, set here or imported."""
        project_id, version = req.path["project"], req.path["n"]

        def made(done: Done) -> Reply:
            pinning = done.result
            assert isinstance(pinning, Pinning)
            data = CompatPinned(project_id=project_id, version=pinning.version, pinned=pinning.pinned)
            return Reply(200, Answer(data=data))

        async def act() -> Reply:
            await found_of(rows, req)
            found = await rows.exports(project_id, version)
            if not found:
                raise not_found(f"An export of version {version}")
            pins = dict.fromkeys(profile for each in found for profile in each.pins)
            admin, now = req.actor.role is Role.admin, ops.now()
            *others, last = [SetPin(version, now, not pins, profile, by_admin=admin) for profile in pins or (None,)]
            for command in (*others, last) if others else ():  # a hold on one of them leaves all as they are
                await ops.commits.preview(project_id, req.behalf, command)
            for command in others:
                await ops.commits.commit(project_id, req.behalf, command)
            outcome = await ops.commits.commit(project_id, req.behalf, last, keyed=req.keyed)
            reply = made(outcome.done)
            return reply if outcome.events else await keep_unchanged(ops, req, reply)

        return await once(ops, req, made, act)

    async def there(project_id: str, version: int, profile: ExportProfile) -> Exported | None:
        """The export of a version that has a file: one in the archive only where there is no other."""
        found = [each for each in await rows.exports(project_id, version) if each.profile == profile]
        return min(found, key=lambda each: each.status == "archived", default=None)

    async def row(export: Exported, marked: frozenset[str] | None) -> ExportRow:
        width, height = _size(export.profile, export.canvas)
        resolution, duration = _told(export)
        return ExportRow(
            id=export.id, version=export.version, file_path=path_of(export.key), size=export.size,
            resolution=f"{width}x{height}" if resolution is None else resolution,
            duration=round(float(export.duration / export.canvas.fps.fraction), 3) if duration is None else duration,
            format=EXPORTS[export.profile].suffix.rpartition(".")[2], pinned=bool(export.pins),
            gc_candidate=None if marked is None else export.id in marked, created_at=export.created_at,
            url=await ops.link(export.key, export.key.rpartition("/")[2]),
        )  # fmt: skip


def profile_of(resolution: str | None, format: str | None, canvas: Canvas) -> ExportProfile:  # noqa: A002
    """What an export of that size and format is called here. Raises Problem 400."""
    wanted = "mp4" if format is None else format.strip().lower().removeprefix(".")
    profile = _FORMATS.get(wanted)
    if profile is None:
        raise _invalid(f"format is {format!r}; send one of {', '.join(_FORMATS)}.")
    if resolution is None:
        return profile
    size = _SIZE.fullmatch(resolution)
    width, height = (int(size[1]), int(size[2])) if size else (0, 0)
    if (width, height) == (canvas.width, canvas.height):
        return profile
    sizes = {_size(other, canvas): other for other in SIZED} if profile == "mp4" else {}
    if (width, height) not in sizes:
        own = (canvas.width, canvas.height)
        offered = ", ".join(f"{wide}x{high}" for wide, high in dict.fromkeys((own, *sizes)))
        raise _invalid(f"resolution is {resolution!r}; as {wanted} this version can be exported as {offered}.")
    return sizes[width, height]


def pending(project_id: str, version: int, export_id: str) -> Answer[Pending]:
    """The answer for an export that is not there yet."""
    return Answer(data=Pending(project_id=project_id, version=version, job_id=export_id, status="pending"))


def existing(project_id: str, export: Exported) -> Reply:
    """The answer for one that is."""
    data = Existing(
        project_id=project_id, version=export.version, export_id=export.id, file_path=path_of(export.key),
        existing=True,
    )  # fmt: skip
    return Reply(200, Answer(data=data, message="This version was exported before."))


def _told(export: Exported) -> tuple[str | None, float | None]:
    """The size and length of a file, as the store that it came from has them."""
    resolution, duration = export.metadata.get("resolution"), export.metadata.get("duration")
    if isinstance(duration, bool) or not isinstance(duration, int | float) or duration <= 0:
        duration = None
    return resolution if isinstance(resolution, str) else None, duration


def _size(profile: ExportProfile, canvas: Canvas) -> tuple[int, int]:
    high = SIZED.get(profile)
    return (canvas.width, canvas.height) if high is None else size_of_height(canvas.width, canvas.height, high)


def _invalid(detail: str) -> Problem:
    return EXPORT_INVALID(detail)
