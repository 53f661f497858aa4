"""The render service as users meet it: ops and media's voice beside it, in a test's own stack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec

from cutlog.bus import Bus
from cutlog.contract.commands import Command, RecordMediaFailed, RecordMediaReady, RecordMediaUploaded
from cutlog.contract.events import MediaReady, MediaUploaded
from cutlog.contract.timeline import MediaRef
from services.render.bootstrap import serving as serving_render
from tests.render.studio import Studio
from tests.support.configuration import SettingsFactory
from tests.support.database import Database
from tests.support.messaging import NatsServer
from tests.support.painting import Mark, Painter
from tests.support.served import served
from tests.support.waiting import eventually

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SMALL = {"width": 320, "height": 180, "fps": [25, 1]}


class House:
    """ops and media's voice, and render as often as a test starts it."""

    def __init__(self, settings: SettingsFactory, database: Database, nats: NatsServer, studio: Studio) -> None:
        self.settings, self.database, self.nats, self.studio = settings, database, nats, studio
        self.session: aiohttp.ClientSession
        self.media: Bus
        self.url = ""

    @asynccontextmanager
    async def render(self) -> AsyncIterator[None]:
        """The render service, for as long as the context is open."""
        async with serving_render(self.settings("render")):
            yield

    @asynccontextmanager
    async def process(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """`cutlog serve render` as a process of its own, ready for work, killed at the end."""
        async with served("render", self.settings("render"), self.session) as (process, _):
            yield process

    async def call(self, method: str, path: str, body: object = None, expect: int = 200) -> Any:
        headers = {"Authorization": f"Bearer {self.settings.token('editor')}"}
        async with self.session.request(method, self.url + path, json=body, headers=headers) as reply:
            text = await reply.text()
            assert reply.status == expect, text
            return msgspec.json.decode(text) if text else None

    async def project(self, project: str = "p_1") -> str:
        await self.call("POST", "/api/projects", {"id": project, "name": "Test", "canvas": SMALL}, 201)
        await self.edit(project, {"op": "track.add", "track": "t", "kind": "video", "index": 0})
        return project

    async def edit(self, project: str, *ops: dict[str, object]) -> int:
        answer = await self.call("POST", f"/api/projects/{project}/ops", {"ops": ops}, 201)
        return int(answer["version"])

    async def shot(self, project: str, media: str, at: int, start: int, end: int) -> int:
        op = {
            "op": "clip.add",
            "clip": f"c{at}",
            "track": "t",
            "at": at,
            "media": media,
            "in": start,
            "out": end,
            "mode": "place",
        }
        return await self.edit(project, op)

    async def upload(self, painted: Painter, name: str = "v_1", *, ready: bool = True, frames: int = 120) -> MediaRef:
        """What the media service would have done and said."""
        clip = painted(25, frames, (320, 180), tag=1, audio=True)
        ref = await self.studio.ingest(name, clip)
        told = MediaUploaded(
            sha256=ref.sha256, size=clip.stat().st_size, name="clip.mp4", key=ref.key, generation=0, kind="video",
            facts=ref.facts, ref_count=1,
        )  # fmt: skip
        await self.say(RecordMediaUploaded(media_id=name, event=told))
        if ready:
            await self.ready(ref)
        return ref

    async def ready(self, ref: MediaRef) -> None:
        event = MediaReady(facts=ref.facts, renditions=ref.renditions)
        await self.say(RecordMediaReady(media_id=ref.id, event=event))

    async def say(self, body: RecordMediaUploaded | RecordMediaReady | RecordMediaFailed) -> None:
        key = f"{type(body).__name__}:{body.media_id}"
        command = Command(key=key, tenant="default", actor="media", trace=TRACE, body=body)
        reply = await self.media.command("media", command)
        assert reply.accepted is not None, reply

    async def version(self, project: str, version: int) -> dict[str, Any]:
        found: dict[str, Any] = await self.call("GET", f"/api/projects/{project}/versions/{version}")
        return found

    async def proxy(self, project: str, version: int) -> Path:
        """The proxy of a version, once the log says that it is there."""

        async def there() -> str | None:
            proxy = (await self.version(project, version))["proxy"]
            assert proxy["status"] != "failed", proxy
            return proxy["key"] if proxy["status"] == "ready" else None

        return self.studio.blobs.path(str(await eventually(there)))

    async def export(self, project: str, version: int) -> dict[str, Any]:
        asked: dict[str, Any] = await self.call("POST", f"/api/projects/{project}/export", {"version": version}, 202)
        return await self.exported(project, asked["id"])

    async def frame(self, project: str, version: int, at: int) -> bytes:
        """A frame of a version as a viewer gets it, from the render service."""
        url = f"{self.settings.peers['render']}/api/projects/{project}/versions/{version}/frame?at={at}"
        headers = {"Authorization": f"Bearer {self.settings.token('viewer')}"}
        async with self.session.get(url, headers=headers) as reply:
            assert reply.status == 200, await reply.text()
            return await reply.read()

    async def exported(self, project: str, export: str, *status: str) -> dict[str, Any]:
        found: dict[str, Any] = {}

        async def ended() -> bool:
            found.update(await self.call("GET", f"/api/projects/{project}/exports/{export}"))
            return found["status"] in (status or ("ready", "failed"))

        await eventually(ended)
        return found

    async def events(self, type_: str) -> list[dict[str, Any]]:
        """The data of all events of a type, in order."""
        rows = await self.rows("SELECT data FROM ops.event WHERE type = $1 ORDER BY position", type_)
        return [msgspec.json.decode(row["data"]) for row in rows]

    async def jobs(self) -> dict[str, str]:
        """Status of every job."""
        return {row["job_id"]: row["status"] for row in await self.rows("SELECT * FROM render.job")}

    async def rows(self, query: str, *values: object) -> list[asyncpg.Record]:
        """What the database has, as its owner sees it."""
        connection = await asyncpg.connect(self.database.owner_url)
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    async def jobs_with(self, job: str, status: str) -> bool:
        """Whether a job is there, in that state."""
        return (await self.jobs()).get(job) == status


def marks(*parts: tuple[int, int]) -> list[Mark | None]:
    return [Mark(1, number) for start, end in parts for number in range(start, end)]
