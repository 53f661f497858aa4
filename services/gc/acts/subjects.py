"""What an act is about: exports, videos, proxies, files. Each is decided again as the act comes to it, in one way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.blobs import BlobStore
from cutlog.contract.answers.collection import Candidate, Class, Policy, Verdict
from cutlog.contract.commands import (
    ArchiveExport,
    ArchiveMedia,
    CommandBody,
    DeleteExport,
    DeleteMedia,
    DeleteProxy,
    RestoreExport,
    RestoreMedia,
)
from cutlog.contract.keys import ArchivedExportKey
from cutlog.contract.originals import archived_video
from services.gc.acts.acting import Decided, Removal
from services.gc.projection import snapshot
from services.gc.report import store
from services.gc.rules.classes import (
    Bare,
    Segment,
    judge_leftover,
    judge_preview,
    judge_proxies,
    judge_segment,
    judge_video,
    judge_video_deletion,
)
from services.gc.rules.policy import judge, judge_deletion
from services.gc.rules.roots import Export, Media, Project, Proxy


class Ruling(NamedTuple):
    """By what is judged; `erase` names the deleted projects whose exports go whatever the policy."""

    policy: Policy
    at: datetime
    erase: frozenset[str] = frozenset()


class Subject(Protocol):
    """One object. What it can't be asked for is answered with a reason."""

    def archived(self, ruling: Ruling) -> Decided: ...
    def restored(self) -> Decided: ...
    def deleted(self, ruling: Ruling) -> Decided: ...


Find = Callable[[AsyncConnection, Sequence[str]], Awaitable[Mapping[str, Subject]]]
"""The objects with these ids; those that do not exist are missing."""


class _OfExport(NamedTuple):
    project: Project
    export: Export

    def archived(self, ruling: Ruling) -> Decided:
        judged = judge(self.project, ruling.policy, ruling.at, ruling.erase)
        verdict = next(verdict for export, verdict in judged if export.export_id == self.export.export_id)
        return _unless_kept(
            verdict,
            ArchiveExport(
                project_id=self.project.project_id, export_id=self.export.export_id,
                key=str(ArchivedExportKey(self.export.export_id, self.export.version, self.export.profile)),
                at=ruling.at, project_deleted=self.project.deleted_at is not None, erase=self._erasing(ruling),
            ),
        )  # fmt: skip

    def restored(self) -> Decided:
        if self.export.status != "archived" or self.export.home is None:
            return f"it is {self.export.status}"
        return RestoreExport(project_id=self.project.project_id, export_id=self.export.export_id, key=self.export.home)

    def deleted(self, ruling: Ruling) -> Decided:
        return _unless_kept(
            judge_deletion(self.project, self.export, ruling.policy, ruling.at, ruling.erase),
            DeleteExport(
                project_id=self.project.project_id, export_id=self.export.export_id, at=ruling.at,
                project_deleted=self.project.deleted_at is not None, erase=self._erasing(ruling),
            ),
        )  # fmt: skip

    def _erasing(self, ruling: Ruling) -> bool:
        return self.project.deleted_at is not None and bool(ruling.erase & {self.project.project_id, "*"})


class _OfVideo(NamedTuple):
    media: Media

    def archived(self, ruling: Ruling) -> Decided:
        verdict = judge_video(self.media, ruling.policy, ruling.at)
        if verdict.verdict == "kept":
            return _why(verdict)
        return ArchiveMedia(media_id=self.media.media_id, key=str(archived_video(self.media.media_id, self.media.home)))

    def restored(self) -> Decided:
        archived = self.media.status == "archived"
        return RestoreMedia(media_id=self.media.media_id) if archived else f"it is {self.media.status}"

    def deleted(self, ruling: Ruling) -> Decided:
        verdict = judge_video_deletion(self.media, ruling.policy, ruling.at)
        return _unless_kept(verdict, DeleteMedia(media_id=self.media.media_id))


class _OfProxy(NamedTuple):
    project: Project
    proxy: Proxy

    def archived(self, ruling: Ruling) -> Decided:
        return _NOT_ARCHIVED

    def restored(self) -> Decided:
        return _NOT_ARCHIVED

    def deleted(self, ruling: Ruling) -> Decided:
        judged = judge_proxies(self.project, ruling.policy, ruling.at)
        verdict = next(verdict for proxy, verdict in judged if proxy.version == self.proxy.version)
        command = DeleteProxy(project_id=self.project.project_id, version=self.proxy.version, key=self.proxy.key)
        return _unless_kept(verdict, command)


class _OfFile(NamedTuple):
    class_: Class
    file: Segment | Bare

    def archived(self, ruling: Ruling) -> Decided:
        return _NOT_ARCHIVED

    def restored(self) -> Decided:
        return _NOT_ARCHIVED

    def deleted(self, ruling: Ruling) -> Decided:
        match self.file:
            case Segment() as segment:
                verdict = judge_segment(segment, ruling.policy, ruling.at)
            case Bare() as bare if self.class_ == "preview":
                verdict = judge_preview(bare, ruling.policy, ruling.at)
            case bare:
                verdict = judge_leftover(bare, ruling.at)
        return _unless_kept(verdict, Removal(self.class_, self.file.key))


_Lookup = Callable[[AsyncConnection, BlobStore, str, Collection[str]], Awaitable[Sequence[Segment | Bare]]]
_FILES: Final[tuple[tuple[Class, _Lookup], ...]] = (
    ("segment", store.segments), ("preview", store.previews), ("leftover", store.leftovers),
)  # fmt: skip
"""What has no other name than its key."""
_NOT_ARCHIVED: Final = "only exports and videos are archived; it is deleted at once"


def exports(tenant: str) -> Find:
    """Exports of a tenant."""

    async def find(connection: AsyncConnection, ids: Sequence[str]) -> Mapping[str, Subject]:
        found = await snapshot.projects_of(connection, tenant, ids)
        return {each: _OfExport(project, export) for each, (project, export) in found.items()}

    return find


def videos(tenant: str) -> Find:
    """Videos of a tenant."""

    async def find(connection: AsyncConnection, ids: Sequence[str]) -> Mapping[str, Subject]:
        # None would be all.
        return {media.media_id: _OfVideo(media) async for media in snapshot.media(connection, tenant, ids or [""])}

    return find


def planned(tenant: str, lines: Mapping[str, Candidate], blobs: BlobStore) -> Find:
    """What a plan names of a tenant, but for videos."""

    async def find(connection: AsyncConnection, ids: Sequence[str]) -> Mapping[str, Subject]:
        named = [lines[each] for each in ids if each in lines]
        found = dict(await exports(tenant)(connection, ids))
        proxies = [line for line in named if line.class_ == "proxy"]
        wanted = {line.project_id for line in proxies if line.project_id is not None}
        if wanted:
            async for project in snapshot.projects(connection, tenant, wanted):
                versions = {line.version: line.id for line in proxies if line.project_id == project.project_id}
                found |= {
                    versions[proxy.version]: _OfProxy(project, proxy)
                    for proxy in project.proxies
                    if proxy.version in versions
                }
        where = connection, blobs, tenant
        for class_, lookup in _FILES:
            if keys := [line.id for line in named if line.class_ == class_]:
                found |= {file.key: _OfFile(class_, file) for file in await lookup(*where, keys)}
        return found

    return find


def _unless_kept(verdict: Verdict, decided: CommandBody | Removal) -> Decided:
    return _why(verdict) if verdict.verdict == "kept" else decided


def _why(verdict: Verdict) -> str:
    return "; ".join(f"{reason.rule}: {reason.detail}" for reason in verdict.reasons)
