"""Archive, restore and delete of each class: what may be asked, how each object is decided again, and the brake."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.blobs import BlobStore
from cutlog.contract.commands import (
    ArchiveExport,
    ArchiveMedia,
    DeleteExport,
    DeleteMedia,
    DeleteProxy,
    RestoreExport,
    RestoreMedia,
)
from cutlog.contract.keys import ArchivedExportKey, archived_video
from services.gc import tables
from services.gc.acts.acting import Acts, Decided, Outcome, Removal
from services.gc.acts.brake import brake
from services.gc.errors import GcError
from services.gc.projection import snapshot
from services.gc.report import plans, policies, store
from services.gc.report.plans import KeyedBehalf
from services.gc.report.reports import now
from services.gc.rules.classes import (
    Class,
    judge_leftover,
    judge_preview,
    judge_proxies,
    judge_segment,
    judge_video,
    judge_video_deletion,
)
from services.gc.rules.plan import Candidate
from services.gc.rules.policy import Policy, Reason, Verdict, judge, judge_deletion
from services.gc.rules.roots import Export, Project

ALL: Final = 1_000_000


class ConfirmationMissingError(GcError):
    """Deleting needs `confirm`, the hash of the plan that listed the candidates."""


class ConfirmationUnknownError(GcError):
    """`confirm` is not the hash of a plan."""


class PlanSimulatedError(GcError):
    """A simulation is read-only; calculate a plan for the present."""


class Collecting:
    """Acts by plan, by name, and by hash."""

    def __init__(self, acts: Acts, blobs: BlobStore) -> None:
        self._acts, self._blobs = acts, blobs

    async def archive(self, behalf: KeyedBehalf, plan_id: str, ids: Sequence[str] | None) -> Outcome:
        """Archives the exports of a plan, or some of them. Raises PlanUnknown, PlanSimulatedError, ActUnderWay."""
        if (before := await self._acts.done_before(behalf)) is not None:
            return before
        async with self._acts.turn(behalf.tenant) as lease:
            async with self._acts.newest() as connection:
                plan = await plans.find(connection, behalf.tenant, plan_id)
                if plan.simulated:
                    raise PlanSimulatedError(str(PlanSimulatedError.__doc__))
                lines = await _lines(connection, plan_id, ids)
            judge_ = _Archiving(behalf.tenant, plan, lines)
            wanted = list(lines) if ids is None else ids
            size = sum(line.size for line in lines.values())
            return await self._acts.carry_out(lease, behalf, "archive", plan_id, wanted, size, judge_)

    async def restore(self, behalf: KeyedBehalf, ids: Sequence[str]) -> Outcome:
        """Brings exports back from the archive. Raises ActUnderWay."""
        if (before := await self._acts.done_before(behalf)) is not None:
            return before
        async with self._acts.turn(behalf.tenant) as lease, self._acts.newest():
            return await self._acts.carry_out(lease, behalf, "restore", None, ids, 0, _Restoring(behalf.tenant))

    async def delete(self, behalf: KeyedBehalf, ids: Sequence[str], confirm: str | None) -> Outcome:
        """Deletes archived exports, and proxies, that a plan said may go.

        Raises ConfirmationMissingError, ConfirmationUnknownError, Braked, ActUnderWay, ObjectUnreadable.
        """
        if not confirm:
            raise ConfirmationMissingError(str(ConfirmationMissingError.__doc__))
        if (before := await self._acts.done_before(behalf)) is not None:
            return before
        async with self._acts.turn(behalf.tenant) as lease:
            async with self._acts.newest() as connection:
                plan = await _confirmed(connection, behalf.tenant, confirm)
                lines = await _lines(connection, plan.plan_id, ids)
                judge_ = _Deleting(behalf.tenant, plan, lines, self._blobs)
                await brake(connection, self._blobs, behalf.tenant, judge_.policy, lines.values())
            size = sum(line.size for line in lines.values())
            return await self._acts.carry_out(lease, behalf, "delete", plan.plan_id, ids, size, judge_)

    async def archive_videos(self, behalf: KeyedBehalf, ids: Sequence[str]) -> Outcome:
        """Archives videos that nobody holds on to. Raises ActUnderWay."""
        return await self._videos(behalf, "archive", ids, _ArchivingVideos(behalf.tenant))

    async def restore_videos(self, behalf: KeyedBehalf, ids: Sequence[str]) -> Outcome:
        """Brings videos back from the archive. Raises ActUnderWay."""
        return await self._videos(behalf, "restore", ids, _RestoringVideos(behalf.tenant))

    async def delete_videos(self, behalf: KeyedBehalf, ids: Sequence[str], confirm: str | None) -> Outcome:
        """Deletes archived videos that a plan said may go. Raises as `delete`."""
        if not confirm:
            raise ConfirmationMissingError(str(ConfirmationMissingError.__doc__))
        if (before := await self._acts.done_before(behalf)) is not None:
            return before
        async with self._acts.turn(behalf.tenant) as lease:
            async with self._acts.newest() as connection:
                plan = await _confirmed(connection, behalf.tenant, confirm)
                lines = await _lines(connection, plan.plan_id, ids)
                judge_ = _DeletingVideos(behalf.tenant, plan, lines)
                await brake(connection, self._blobs, behalf.tenant, judge_.policy, lines.values())
            size = sum(line.size for line in lines.values())
            return await self._acts.carry_out(lease, behalf, "delete", plan.plan_id, ids, size, judge_)

    async def _videos(self, behalf: KeyedBehalf, action: Any, ids: Sequence[str], judge_: Any) -> Outcome:
        if (before := await self._acts.done_before(behalf)) is not None:
            return before
        async with self._acts.turn(behalf.tenant) as lease, self._acts.newest():
            return await self._acts.carry_out(lease, behalf, action, None, ids, 0, judge_)


class _ByPlan:
    """Decides by the policy of a plan, on what the plan names."""

    def __init__(self, tenant: str, plan: Any, lines: dict[str, Candidate]) -> None:
        self.tenant, self.lines = tenant, lines
        self.policy = msgspec.convert(plan.policy, Policy)
        self.erase = frozenset(plan.erase or ())


class _Archiving(_ByPlan):
    async def __call__(self, connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Decided]:
        at = await now(connection)
        found = await snapshot.projects_of(connection, self.tenant, ids)
        return {each: self._decide(each, found.get(each), at) for each in ids}

    def _decide(self, export_id: str, found: tuple[Project, Export] | None, at: datetime) -> Decided:
        if export_id not in self.lines:
            return "it is not in the plan"
        if found is None:
            return "only exports are archived by plan; proxies, segments and leftovers are deleted at once"
        project, export = found
        verdict = next(v for e, v in judge(project, self.policy, at, self.erase) if e.export_id == export_id)
        if verdict.verdict == "kept":
            return _why(verdict)
        return ArchiveExport(
            project_id=project.project_id, export_id=export_id,
            key=str(ArchivedExportKey(export_id, export.version, export.profile)), at=at,
            project_deleted=project.deleted_at is not None, erase=_erasing(project, self.erase),
        )  # fmt: skip


class _Restoring:
    def __init__(self, tenant: str) -> None:
        self.tenant = tenant

    async def __call__(self, connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Decided]:
        found = await snapshot.projects_of(connection, self.tenant, ids)
        return {each: _restored(found.get(each)) for each in ids}


def _restored(found: tuple[Project, Export] | None) -> Decided:
    if found is None:
        return "there is no such export"
    project, export = found
    if export.status != "archived" or export.home is None:
        return f"it is {export.status}"
    return RestoreExport(project_id=project.project_id, export_id=export.export_id, key=export.home)


class _Deleting(_ByPlan):
    def __init__(self, tenant: str, plan: Any, lines: dict[str, Candidate], blobs: BlobStore) -> None:
        super().__init__(tenant, plan, lines)
        self.blobs = blobs

    async def __call__(self, connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Decided]:
        at = await now(connection)
        bare = await self._bare(connection, ids, at)
        found = await snapshot.projects_of(connection, self.tenant, ids)
        moving = await _moving(connection, ids)
        decided: dict[str, Decided] = {}
        for each in ids:
            if each not in self.lines:
                decided[each] = "it is not in the plan"
            elif each in moving:
                decided[each] = "its file is still being archived"
            elif each in bare:
                decided[each] = bare[each]
            elif each.startswith("proxy:"):
                decided[each] = await self._proxy(connection, self.lines[each], at)
            else:
                decided[each] = self._decide(found.get(each), at)
        return decided

    def _decide(self, found: tuple[Project, Export] | None, at: datetime) -> Decided:
        if found is None:
            return "there is no such export"
        project, export = found
        verdict = judge_deletion(project, export, self.policy, at, self.erase)
        if verdict.verdict == "kept":
            return _why(verdict)
        return DeleteExport(
            project_id=project.project_id, export_id=export.export_id, at=at,
            project_deleted=project.deleted_at is not None, erase=_erasing(project, self.erase),
        )  # fmt: skip

    async def _bare(self, connection: AsyncConnection, ids: Sequence[str], at: datetime) -> dict[str, Decided]:
        """Segments, previews and leftovers, which have no other name than their keys."""
        named: dict[Class, list[str]] = {"segment": [], "preview": [], "leftover": []}
        for each in ids:
            if each in self.lines and (line := self.lines[each]).class_ in named:
                named[line.class_].append(each)
        decided: dict[str, Decided] = {
            each: "it does not exist, or something refers to it" for some in named.values() for each in some
        }
        where = (connection, self.blobs, self.tenant)
        if some := named["segment"]:
            for segment in await store.segments(*where, some):
                decided[segment.key] = _removed("segment", segment.key, judge_segment(segment, self.policy, at))
        if some := named["preview"]:
            for preview in await store.previews(*where, some):
                decided[preview.key] = _removed("preview", preview.key, judge_preview(preview, self.policy, at))
        if some := named["leftover"]:
            for leftover in await store.leftovers(*where, some):
                decided[leftover.key] = _removed("leftover", leftover.key, judge_leftover(leftover, at))
        return decided

    async def _proxy(self, connection: AsyncConnection, line: Candidate, at: datetime) -> Decided:
        assert line.project_id is not None
        project = await snapshot.project(connection, self.tenant, line.project_id)
        for proxy, verdict in () if project is None else judge_proxies(project, self.policy, at):
            if proxy.version == line.version:
                if verdict.verdict == "kept":
                    return _why(verdict)
                return DeleteProxy(project_id=line.project_id, version=proxy.version, key=proxy.key)
        return "there is no such proxy"


class _ArchivingVideos:
    def __init__(self, tenant: str) -> None:
        self.tenant = tenant

    async def __call__(self, connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Decided]:
        at, policy = await now(connection), await policies.current(connection, self.tenant)
        decided: dict[str, Decided] = {}
        async for media in snapshot.media(connection, self.tenant, ids):
            verdict = judge_video(media, policy, at)
            decided[media.media_id] = (
                _why(verdict)
                if verdict.verdict == "kept"
                else ArchiveMedia(media_id=media.media_id, key=str(archived_video(media.media_id, media.home)))
            )
        return decided


class _RestoringVideos:
    def __init__(self, tenant: str) -> None:
        self.tenant = tenant

    async def __call__(self, connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Decided]:
        decided: dict[str, Decided] = {}
        async for media in snapshot.media(connection, self.tenant, ids):
            archived = media.status == "archived"
            decided[media.media_id] = RestoreMedia(media_id=media.media_id) if archived else f"it is {media.status}"
        return decided


class _DeletingVideos(_ByPlan):
    async def __call__(self, connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Decided]:
        at = await now(connection)
        moving = await _moving(connection, ids)
        decided: dict[str, Decided] = {each: "it is not in the plan" for each in ids if each not in self.lines}
        async for media in snapshot.media(
            connection, self.tenant, [each for each in ids if each in self.lines] or [""]
        ):
            verdict = judge_video_deletion(media, self.policy, at)
            if media.media_id in moving:
                decided[media.media_id] = "its file is still being archived"
            elif verdict.verdict == "kept":
                decided[media.media_id] = _why(verdict)
            else:
                decided[media.media_id] = DeleteMedia(media_id=media.media_id)
        return decided


def _removed(class_: Class, key: str, verdict: Verdict) -> Decided:
    return _why(verdict) if verdict.verdict == "kept" else Removal(class_, key)


def _why(verdict: Verdict) -> str:
    return "; ".join(_sentence(reason) for reason in verdict.reasons)


def _sentence(reason: Reason) -> str:
    return f"{reason.rule}: {reason.detail}"


def _erasing(project: Project, erase: frozenset[str]) -> bool:
    return project.deleted_at is not None and bool(erase & {project.project_id, "*"})


async def _lines(connection: AsyncConnection, plan_id: str, ids: Sequence[str] | None) -> dict[str, Candidate]:
    if ids is not None:
        return await plans.named(connection, plan_id, ids)
    return {line.id: line for line in await plans.candidates(connection, plan_id, 0, ALL) if line.class_ == "export"}


async def _confirmed(connection: AsyncConnection, tenant: str, confirm: str) -> Any:
    try:
        return await plans.by_hash(connection, tenant, confirm)
    except plans.PlanUnknownError:
        raise ConfirmationUnknownError(str(ConfirmationUnknownError.__doc__)) from None


async def _moving(connection: AsyncConnection, ids: Sequence[str]) -> set[str]:
    """Objects whose files have not followed their events yet."""
    move = tables.move
    waiting = select(move.c.object_id).where(move.c.done_at.is_(None), move.c.object_id.in_(ids))
    return set(await connection.scalars(waiting))
