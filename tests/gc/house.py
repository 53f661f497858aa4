"""ops and gc on real PostgreSQL, NATS and files, with whoever renders and uploads played by the test."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from cutlog.blobs import BlobStore, open_blobs
from cutlog.bus import Bus
from cutlog.contract.commands import (
    Command,
    CommandBody,
    CommandSource,
    Output,
    RecordMediaReady,
    RecordMediaUploaded,
    ReportExport,
    ReportProxy,
)
from cutlog.contract.events import MediaReady, MediaUploaded
from cutlog.contract.keys import Content, ExportKey, FilmProfile, OriginalKey, ProxyKey, RenditionKey
from cutlog.contract.media import MediaFacts, Rendition, Renditions
from cutlog.contract.receipts import FORMAT, Receipt, written
from cutlog.contract.time import Fps
from cutlog.process.readiness import CannotServe
from services.gc.bootstrap import serving as serving_gc
from services.ops.bootstrap import serving as serving_ops
from tests.support.configuration import SettingsFactory
from tests.support.waiting import PATIENCE, eventually

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FACTS = MediaFacts(container="mov", duration="10", width=320, height=180, fps=Fps(30, 1), frames=300)
EAGER = {"ttlDays": 0, "keepLatest": 0, "archiveGraceDays": 0, "maxDeleteFraction": 1.0}
TRACK = {"op": "track.add", "track": "v", "kind": "video"}


class Killed(CannotServe):
    """The process is dead from here on."""


@dataclass
class Failpoint:
    """Kills the collector as it comes to a step for the `at`-th time in all; with 0 it never does."""

    at: int = 0
    steps: list[str] = field(default_factory=list)
    dead: bool = False

    async def __call__(self, step: str) -> None:
        if self.dead:
            raise Killed(step)
        self.steps.append(step)
        if len(self.steps) == self.at:
            self.dead = True
            raise Killed(step)


class House:
    """Everything that a film goes through, by hand."""

    def __init__(
        self, settings_for: SettingsFactory, session: aiohttp.ClientSession, blobs: BlobStore, buses: dict[str, Bus]
    ) -> None:
        self.settings_for, self.session, self.blobs, self.buses = settings_for, session, blobs, buses
        self.urls: dict[str, str] = {}
        self.failpoint = Failpoint()
        self._gc: AsyncExitStack | None = None
        self._count = 0

    @property
    def objects(self) -> Path:
        return Path(self.settings_for("gc").objects.removeprefix("file://"))

    def there(self, *folders: str) -> set[str]:
        """Keys of all files in some folders of the store."""
        return {
            path.relative_to(self.objects).as_posix()
            for folder in folders
            for path in (self.objects / folder).rglob("*")
            if path.is_file()
        }

    async def start_gc(self, at: int = 0) -> None:
        """Starts the collector, to be killed at a step."""
        self.failpoint = Failpoint(at)
        self._gc = AsyncExitStack()
        server = await self._gc.enter_async_context(serving_gc(self.settings_for("gc"), self.failpoint))
        self.urls["gc"] = server.url

    async def stop_gc(self) -> None:
        if self._gc is not None:
            await self._gc.aclose()
            self._gc = None

    async def http(
        self, method: str, path: str, body: Any = None, *, role: str = "admin", tenant: str = "default", key: str = "",
        subject: str = "tester", accept: str = "*/*",
    ) -> tuple[int, Any]:  # fmt: skip
        """Status and JSON of a path of either service."""
        headers = {
            "Accept": accept,
            "Authorization": f"Bearer {self.settings_for.token(role, tenant=tenant, subject=subject)}",
        }
        if key:
            headers["Idempotency-Key"] = key
        url = self.urls["gc" if "/admin/" in path else "ops"] + path
        async with self.session.request(
            method, url, json=body, headers=headers, timeout=aiohttp.ClientTimeout(total=PATIENCE)
        ) as reply:
            text = await reply.text()
            return reply.status, await reply.json(content_type=None) if text and "json" in reply.content_type else text

    async def gc(self, method: str, path: str, body: Any = None, **how: Any) -> Any:
        """The answer of `/api/admin/gc` + path, as soon as the collector has read the whole log."""
        found: list[Any] = []

        async def answered() -> bool:
            status, answer = await self.http(method, f"/api/admin/gc{path}", body, **how)
            found.append((status, answer))
            return status != 503

        # A consumer that died without a word is given its messages again after half a minute.
        await eventually(answered)
        status, answer = found[-1]
        assert status < 300, (status, answer)
        return answer

    async def ok(self, method: str, path: str, body: Any = None, **how: Any) -> Any:
        """The answer of ops, which must be a success."""
        status, answer = await self.http(method, path, body, **how)
        assert status < 300, (status, answer)
        return answer

    async def tell(self, source: CommandSource, body: CommandBody, *, tenant: str = "default") -> Any:
        """What a service of that name reports."""
        return await self.tell_as(self.buses[source], source, body, tenant=tenant)

    async def tell_as(self, bus: Bus, source: CommandSource, body: CommandBody, *, tenant: str = "default") -> Any:
        self._count += 1
        command = Command(key=f"{source} {self._count}", tenant=tenant, actor=source, trace=TRACE, body=body)
        return await bus.command(source, command)

    async def project(self, project_id: str, versions: int = 3, *, tenant: str = "default", media: str = "") -> None:
        """A project of some versions, each a second longer than the one before."""
        await self.ok("POST", "/api/projects", {"name": project_id, "id": project_id}, tenant=tenant)
        for n in range(1, versions + 1):
            await self.version(project_id, n, tenant=tenant, media=media if n == 1 else "")

    async def version(
        self, project_id: str, n: int, *, tenant: str = "default", media: str = "", message: str | None = None
    ) -> None:
        at = {"op": "clip.add", "clip": f"c{n}", "track": "v", "at": 30 * (n - 1)}
        clip = at | ({"media": media, "in": 0, "out": 30} if media else {"color": "#ff0000", "frames": 30})
        ops = [TRACK, clip] if n == 1 else [clip]
        body = {"ops": ops} | ({"message": message} if message else {})
        await self.ok("POST", f"/api/projects/{project_id}/ops", body, tenant=tenant)

    async def export(self, project_id: str, version: int, *, tenant: str = "default", size: int = 100) -> str:
        """An export that is ready; its id."""
        body = {"version": version}
        made = await self.ok("POST", f"/api/projects/{project_id}/export", body, tenant=tenant)
        await self.render(project_id, version, made["id"], tenant=tenant, size=size)
        return str(made["id"])

    async def render(
        self, project_id: str, version: int, export_id: str, *, tenant: str = "default", size: int = 100,
        salt: str = "",
    ) -> Any:  # fmt: skip
        """Writes the film of an export, the same bytes each time, and reports it."""
        key = str(ExportKey(project_id, version, "mp4"))
        film = hashlib.sha256(f"{key}{salt}".encode()).digest() * (size // 32 + 1)
        blob = await self.blobs.put_bytes(key, film[:size])
        output = Output(key=key, size=blob.size, sha256=blob.sha256, frames=30 * version, encoded=30)
        body = ReportExport(project_id=project_id, export_id=export_id, version=version, profile="mp4", output=output)
        return await self.tell("render", body, tenant=tenant)

    async def proxy(self, project_id: str, version: int, *, size: int = 10) -> str:
        """A proxy that is ready; its key."""
        key = str(ProxyKey(project_id, version))
        blob = await self.blobs.put_bytes(key, b"p" * size)
        output = Output(key=key, size=size, sha256=blob.sha256, frames=30, encoded=30)
        await self.tell("render", ReportProxy(project_id=project_id, version=version, digest="d", output=output))
        return key

    async def receipt(self, project_id: str, version: int, profile: FilmProfile, *segments: str, key: str = "k") -> str:
        """What the renderer says a film is made of; the key of that."""
        receipt = Receipt(
            format=FORMAT, project_id=project_id, version=version, profile=profile, timeline="t", film="f0" * 32,
            output=Output(key=key, size=1, sha256="ab" * 32, frames=30, encoded=30), encoder="e", arguments=(),
            segments=segments, sound=(),
        )  # fmt: skip
        await self.blobs.put_bytes(str(receipt.key), written(receipt))
        return str(receipt.key)

    async def media(self, media_id: str, *, tenant: str = "default", size: int = 50) -> str:
        """A video that is ready, with an edit proxy; the key of its original."""
        sha256 = hashlib.sha256(media_id.encode()).hexdigest()
        content = Content(tenant, sha256, 1)
        key, made = str(OriginalKey(content, ".mov")), str(RenditionKey(content, "proxy.mp4"))
        await self.blobs.put_bytes(key, b"v" * size)
        await self.blobs.put_bytes(made, b"d" * 7)
        uploaded = MediaUploaded(
            sha256=sha256, size=size, name=f"{media_id}.mov", key=key, generation=1, kind="video", facts=FACTS,
            ref_count=1,
        )  # fmt: skip
        await self.tell("media", RecordMediaUploaded(media_id=media_id, event=uploaded), tenant=tenant)
        proxy = Rendition(key=made, size=7, sha256="cd" * 32, frames=300)
        ready = MediaReady(facts=FACTS, renditions=Renditions(proxy=proxy))
        await self.tell("media", RecordMediaReady(media_id=media_id, event=ready), tenant=tenant)
        return key

    async def shown(self, project_id: str, export_id: str) -> Any:
        """An export as its owner sees it."""
        return await self.ok("GET", f"/api/projects/{project_id}/exports/{export_id}", role="viewer")

    async def archived(self, **policy: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """A plan of all that may go, and what became of it."""
        plan = await self.gc("POST", "/calculate", {"policy": EAGER | policy})
        return plan, await self.gc("POST", "/archive", {"planId": plan["planId"]})


@asynccontextmanager
async def house(settings_for: SettingsFactory) -> AsyncIterator[House]:
    """Both services at work."""
    async with AsyncExitStack() as parts:
        ops = await parts.enter_async_context(serving_ops(settings_for("ops")))
        session = await parts.enter_async_context(aiohttp.ClientSession())
        buses: dict[str, Bus] = {}
        for name in ("render", "media"):
            settings = settings_for(name)
            seed = settings.nats_seed.get_secret_value()
            buses[name] = await parts.enter_async_context(await Bus.connect(settings.nats_url, seed, name=name))
        blobs = open_blobs(settings_for("gc").objects, "secret")
        made = House(settings_for, session, blobs, buses)
        made.urls["ops"] = ops.url
        await made.start_gc()
        try:
            yield made
        finally:
            await made.stop_gc()
