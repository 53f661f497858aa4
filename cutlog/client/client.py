"""The API's operations, one method each."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import aiohttp

from cutlog.client.errors import Refused, Unreachable
from cutlog.client.events import ProjectEvent
from cutlog.client.transport import Transport
from cutlog.contract.answers.collection import Plan, Verdict
from cutlog.contract.answers.drafts import Draft
from cutlog.contract.answers.edits import Committed, Diff
from cutlog.contract.answers.pages import Page
from cutlog.contract.answers.projects import Export, PinShown, Project, Proxy
from cutlog.contract.answers.projects import Version as Edit
from cutlog.contract.answers.projects import VersionShown as Version
from cutlog.contract.answers.videos import Examination, Video
from cutlog.contract.ops import Op
from cutlog.contract.timeline import Timeline
from cutlog.contract.usage import Usage

T = TypeVar("T")

POLL: Final = 0.15
PATIENCE: Final = 60.0

Progress = Callable[[float], None]
"""Called with the progress of an operation, 0 to 1."""


class Client:
    """Made by `Client.connect`. Each method that creates something sends an Idempotency-Key, so that retries are safe.

    All raise Refused when the stack refuses the request, and Unreachable after a minute without an answer.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str, token: str, *, patience: float = PATIENCE) -> AsyncIterator[Client]:
        """A client of the stack at `url`; `patience` is for how many seconds a service may be unavailable."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=120)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            yield cls(Transport(session, url, token, patience))

    async def upload(self, path: Path, *, on_progress: Progress | None = None, key: str | None = None) -> Video:
        """Uploads a file as a stream. Content that is already stored is answered with its id and `duplicate`."""

        async def chunks() -> AsyncIterator[bytes]:
            size, sent = max(path.stat().st_size, 1), 0
            with path.open("rb") as file:
                while chunk := await asyncio.to_thread(file.read, 1 << 18):
                    yield chunk
                    sent += len(chunk)
                    if on_progress:
                        on_progress(sent / size)

        def form() -> aiohttp.FormData:
            data = aiohttp.FormData()
            data.add_field("file", chunks(), filename=path.name, content_type="application/octet-stream")
            return data

        return await self.transport.ask(Video, "POST", "/api/videos/upload", form=form, key=key or _key())

    async def video(self, video_id: str) -> Video:
        return await self.transport.ask(Video, "GET", f"/api/videos/{video_id}")

    def videos(self) -> AsyncIterator[Video]:
        """All videos of the tenant."""
        return self._pages(Page[Video], "/api/videos", {})

    async def ready_video(self, video_id: str) -> Video:
        """Waits until a video is ready or has failed."""
        return await _until(lambda: self.video(video_id), lambda video: video.status != "processing")

    async def examine(self, ids: Sequence[str] | None = None) -> Examination:
        """Requests that videos be examined again: these, or all of the tenant that an earlier release examined."""
        body = {} if ids is None else {"ids": list(ids)}
        return await self.transport.ask(Examination, "POST", "/api/videos/examine", json=body, key=_key())

    async def examination(self) -> Examination:
        """Progress of the examination."""
        return await self.transport.ask(Examination, "GET", "/api/videos/examine")

    async def create_project(self, name: str, canvas: Mapping[str, Any] | None = None) -> Project:
        body = {"name": name} | ({"canvas": canvas} if canvas else {})
        return await self.transport.ask(Project, "POST", "/api/projects", json=body, key=_key())

    async def usage(self) -> Usage:
        """What the tenant used of each budget this hour, day and month, by project."""
        return await self.transport.ask(Usage, "GET", "/api/usage")

    async def project(self, project_id: str) -> Project:
        return await self.transport.ask(Project, "GET", f"/api/projects/{project_id}")

    def projects(self) -> AsyncIterator[Project]:
        """All projects of the tenant, newest first, fetched page by page."""
        return self._pages(Page[Project], "/api/projects", {})

    async def delete_project(self, project_id: str) -> None:
        """Deletes a project; `restore_project` restores it completely."""
        await self.transport.ask(type(None), "DELETE", f"/api/projects/{project_id}")

    async def restore_project(self, project_id: str) -> Project:
        return await self.transport.ask(Project, "POST", f"/api/projects/{project_id}/restore", key=_key())

    async def timeline(self, project_id: str, version: int | None = None) -> Timeline:
        """The timeline of a version; default: the newest."""
        query = {} if version is None else {"version": str(version)}
        return await self.transport.ask(Timeline, "GET", f"/api/projects/{project_id}/timeline", query=query)

    def edits(self, project_id: str, first: int = 1, up_to: int | None = None) -> AsyncIterator[Edit]:
        """Versions `first` to `up_to` with their ops, in order, fetched page by page."""
        query = {"from": str(first)} | ({} if up_to is None else {"upTo": str(up_to)})
        return self._pages(Page[Edit], f"/api/projects/{project_id}/ops", query)

    async def diff(self, project_id: str, first: int, last: int) -> Diff:
        """What changed from one version to another, clip by clip."""
        query = {"from": str(first), "to": str(last)}
        return await self.transport.ask(Diff, "GET", f"/api/projects/{project_id}/diff", query=query)

    async def revert(
        self, project_id: str, to_version: int, *, expected_version: int | None = None, message: str | None = None
    ) -> Committed:
        """Creates a version whose timeline equals that of `to_version`. Raises VersionConflict."""
        body = {"toVersion": to_version} | _given(expectedVersion=expected_version, message=message)
        return await self.transport.ask(Committed, "POST", f"/api/projects/{project_id}/revert", json=body, key=_key())

    async def undo(
        self,
        project_id: str,
        version: int | None = None,
        *,
        expected_version: int | None = None,
        message: str | None = None,
    ) -> Committed:
        """Creates a version that takes back what `version` did and keeps the later ones; default: your newest that is
        not undone, with those of the same gesture. Raises VersionConflict, when later ones changed the same."""
        body = _given(version=version, expectedVersion=expected_version, message=message)
        return await self.transport.ask(Committed, "POST", f"/api/projects/{project_id}/undo", json=body, key=_key())

    async def redo(
        self, project_id: str, *, expected_version: int | None = None, message: str | None = None
    ) -> Committed:
        """Creates a version that takes your newest undo back. Raises VersionConflict."""
        body = _given(expectedVersion=expected_version, message=message)
        return await self.transport.ask(Committed, "POST", f"/api/projects/{project_id}/redo", json=body, key=_key())

    async def draft(
        self,
        project_id: str,
        ops: Sequence[Op | Mapping[str, Any]],
        *,
        version: int | None = None,
        ttl: int | None = None,
    ) -> Draft:
        """Creates a draft: ops on a version (default: the newest) that can be seen and are not in the log. It expires
        `ttl` seconds after its last use (default: 600)."""
        body = {"ops": ops} | _given(version=version, ttl=ttl)
        return await self.transport.ask(Draft, "POST", f"/api/projects/{project_id}/drafts", json=body, key=_key())

    async def redraft(self, project_id: str, draft_id: str, ops: Sequence[Op | Mapping[str, Any]]) -> Draft:
        """Replaces the ops of a draft, as often as you like."""
        path = f"/api/projects/{project_id}/drafts/{draft_id}"
        return await self.transport.ask(Draft, "PUT", path, json={"ops": ops})

    async def commit_draft(
        self,
        project_id: str,
        draft_id: str,
        *,
        message: str | None = None,
        expected_version: int | None = None,
        on_conflict: Literal["fail", "rebase"] = "fail",
    ) -> Committed:
        """Makes a version of a draft; a second time, returns the first answer. Raises VersionConflict."""
        body = {"onConflict": on_conflict} | _given(message=message, expectedVersion=expected_version)
        path = f"/api/projects/{project_id}/drafts/{draft_id}/commit"
        return await self.transport.ask(Committed, "POST", path, json=body, key=_key())

    async def fork(self, project_id: str, name: str, version: int | None = None) -> Project:
        """Creates a project that starts from a version of this one; default: the newest."""
        body = {"name": name} | _given(version=version)
        return await self.transport.ask(Project, "POST", f"/api/projects/{project_id}/fork", json=body, key=_key())

    def events(self, project_id: str, after: int | None = None) -> AsyncIterator[ProjectEvent]:
        """Follows the events of a project: those after a position of the log, or new ones only. Reconnects without
        missing or repeating an event. Endless; leave it with `aclosing` or `break`."""
        return self.transport.events(f"/api/projects/{project_id}/events", after)

    async def commit(
        self,
        project_id: str,
        ops: Sequence[Op | Mapping[str, Any]],
        *,
        message: str | None = None,
        expected_version: int | None = None,
        on_conflict: Literal["fail", "rebase"] = "fail",
        gesture: str | None = None,
        dry_run: bool = False,
        key: str | None = None,
    ) -> Committed:
        """Appends ops (`cutlog.client.ops`, or equal objects of JSON) as one version, all or nothing.

        Raises VersionConflict when `expected_version` is not the newest; with `on_conflict="rebase"` only if later
        versions changed the same objects. Raises Invalid, with a pointer, when an op does not apply. Versions of one
        `gesture` are undone together. `dry_run` stores nothing.
        """
        body = {"ops": ops} | _given(message=message, expectedVersion=expected_version, gesture=gesture)
        body |= ({"dryRun": True} if dry_run else {}) | ({"onConflict": "rebase"} if on_conflict == "rebase" else {})
        path = f"/api/projects/{project_id}/ops"
        return await self.transport.ask(Committed, "POST", path, json=body, key=key or _key())

    async def version(self, project_id: str, version: int) -> Version:
        return await self.transport.ask(Version, "GET", f"/api/projects/{project_id}/versions/{version}")

    async def rendered_version(self, project_id: str, version: int, *, on_progress: Progress | None = None) -> Version:
        """Waits until the proxy of a version is ready, or will not be (none, failed, superseded)."""
        return await _until(
            lambda: self.version(project_id, version),
            lambda found: found.proxy.status not in ("queued", "rendering"),
            lambda found: on_progress(found.proxy.progress) if on_progress else None,
        )

    async def wait_for_proxy(self, project_id: str, version: int, *, on_progress: Progress | None = None) -> Proxy:
        """The proxy of a version, once it is ready or will not be."""
        return (await self.rendered_version(project_id, version, on_progress=on_progress)).proxy

    async def request_export(self, project_id: str, version: int, profile: str = "mp4") -> Export:
        body = {"version": version, "profile": profile}
        return await self.transport.ask(Export, "POST", f"/api/projects/{project_id}/export", json=body, key=_key())

    async def export(self, project_id: str, export_id: str) -> Export:
        return await self.transport.ask(Export, "GET", f"/api/projects/{project_id}/exports/{export_id}")

    def exports(self, project_id: str) -> AsyncIterator[Export]:
        """The exports of a project, newest first."""
        return self._pages(Page[Export], f"/api/projects/{project_id}/exports", {})

    async def finished_export(self, project_id: str, export_id: str, *, on_progress: Progress | None = None) -> Export:
        """Waits until an export is ready, or will not be."""
        return await _until(
            lambda: self.export(project_id, export_id),
            lambda found: found.status not in ("queued", "rendering"),
            lambda found: on_progress(found.progress) if on_progress else None,
        )

    async def pin(self, project_id: str, version: int, reason: str | None = None) -> None:
        """Pins the exports of a version, present and future; pinning again changes nothing."""
        body = {"pinned": True} | ({"reason": reason} if reason else {})
        path = f"/api/projects/{project_id}/versions/{version}/pin"
        await self.transport.ask(PinShown, "POST", path, json=body, key=_key())

    async def calculate_gc(self, policy: Mapping[str, Any] | None = None, at: datetime | None = None) -> Plan:
        """What garbage collection could delete, by the tenant's policy or another one, now or at a later date."""
        body = ({"policy": policy} if policy else {}) | ({"at": at.isoformat()} if at else {})
        return await self.transport.ask(Plan, "POST", "/api/admin/gc/calculate", json=body, key=_key())

    async def explain_gc(self, export_id: str, plan_id: str | None = None) -> Verdict:
        """Why an export is kept or can be deleted: now, or by the date and policy of a plan."""
        query = {"planId": plan_id} if plan_id else None
        return await self.transport.ask(Verdict, "GET", f"/api/admin/gc/explain/{export_id}", query=query)

    async def _pages(self, page: type[Page[T]], path: str, query: dict[str, str]) -> AsyncIterator[T]:
        while True:
            found = await self.transport.ask(page, "GET", path, query=query)
            for item in found.items:
                yield item
            if found.next is None:
                return
            query = query | {"cursor": found.next}


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


async def _until(
    ask: Callable[[], Awaitable[T]], done: Callable[[T], bool], tell: Callable[[T], None] | None = None
) -> T:
    """Polls until `done`. `patience` limits each request, not the time that the work takes."""
    while True:
        answer = await ask()
        if tell:
            tell(answer)
        if done(answer):
            return answer
        await asyncio.sleep(POLL)


def _key() -> str:
    return str(uuid.uuid4())


__all__ = ["Client", "Refused", "Unreachable"]
