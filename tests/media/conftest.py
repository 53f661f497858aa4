"""The media service and ops on real PostgreSQL, NATS and ffmpeg, in this process, and clients of them."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import imageio_ffmpeg
import msgspec
import pytest

from services.media import bootstrap as media_bootstrap
from services.ops import bootstrap as ops_bootstrap
from tests.support.configuration import SettingsFactory
from tests.support.database import Database
from tests.support.painting import Painter
from tests.support.waiting import PATIENCE, eventually


@dataclass(frozen=True)
class Answer:
    """What came back, whole."""

    status: int
    body: Any
    headers: Any
    raw: bytes


@dataclass
class Client:
    """One user's requests to one service."""

    session: aiohttp.ClientSession
    url: str
    token: str

    async def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        if body is not None:
            more["data"], headers["Content-Type"] = msgspec.json.encode(body), "application/json"
        async with self.session.request(
            method, self.url + path, headers=headers, allow_redirects=False, **more
        ) as answer:
            raw = await answer.read()
            decoded = msgspec.json.decode(raw) if "json" in answer.content_type and raw else None
            return Answer(answer.status, decoded, answer.headers, raw)

    async def upload(
        self, file: Path | bytes, *, name: str | None = None, key: str | None = None, part: str = "file"
    ) -> Answer:
        """POST /api/videos/upload with one file."""
        form = aiohttp.FormData(quote_fields=False)
        data = file if isinstance(file, bytes) else file.read_bytes()
        form.add_field(part, data, filename=name or (file.name if isinstance(file, Path) else "file.mp4"))
        return await self("POST", "/api/videos/upload", data=form, headers={"Idempotency-Key": key} if key else {})

    async def ready(self, video_id: str) -> dict[str, Any]:
        """The video once it is no longer processing."""

        async def done() -> dict[str, Any]:
            body: dict[str, Any] = (await self("GET", f"/api/videos/{video_id}")).body
            return body if body["status"] != "processing" else {}

        return await eventually(done)


@dataclass
class House:
    """ops and media of one test. `objects` is the folder of the store."""

    settings_for: SettingsFactory
    session: aiohttp.ClientSession
    database: Database
    objects: Path
    running: dict[str, AsyncExitStack] = field(default_factory=dict)

    async def start(self, *names: str, given: Mapping[str, Any] | None = None, **changes: Any) -> None:
        """With settings changed, and arguments `given` to the service."""
        servings: dict[str, Callable[..., Any]] = {"ops": ops_bootstrap.serving, "media": media_bootstrap.serving}
        for name in names:
            stack = AsyncExitStack()
            settings = self.settings_for(name).model_copy(update=changes)
            await stack.enter_async_context(servings[name](settings, **(given or {})))
            self.running[name] = stack

    async def stop(self, *names: str) -> None:
        for name in names:
            await self.running.pop(name).aclose()

    def client(self, service: str = "media", role: str = "editor", tenant: str = "default") -> Client:
        return Client(
            self.session, self.settings_for(service).peers[service], self.settings_for.token(role, tenant=tenant)
        )

    def files(self, folder: str = "") -> list[str]:
        """Keys of all files of the store, unfinished ones included."""
        root = self.objects / folder
        return sorted(p.relative_to(self.objects).as_posix() for p in root.rglob("*") if p.is_file())

    async def rows(self, query: str, *values: Any, service: str = "media") -> list[Any]:
        connection = await asyncpg.connect(self.database.dsn(service))
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    async def tidied(self) -> None:
        """Returns when nobody is at a video, and what attempts left is removed."""

        async def done() -> bool:
            return not await self.rows("SELECT FROM video WHERE derive_at IS NOT NULL OR tidy_at IS NOT NULL")

        await eventually(done)

    async def events(self) -> list[tuple[str, str, Any]]:
        """(stream, type, data) of the whole log."""
        rows = await self.rows("SELECT stream, type, data FROM event ORDER BY position", service="ops")
        return [(row["stream"], row["type"], msgspec.json.decode(row["data"])) for row in rows]


@pytest.fixture
async def house(settings_for: SettingsFactory, database: Database, tmp_path: Path) -> AsyncIterator[House]:
    """Nothing runs yet: `await house.start("ops", "media")`."""
    async with aiohttp.ClientSession() as session:
        made = House(settings_for, session, database, tmp_path / "data" / "objects")
        yield made
        async with asyncio.timeout(PATIENCE):
            await made.stop(*reversed(list(made.running)))


@pytest.fixture
async def running(house: House) -> House:
    """ops and media at work."""
    await house.start("ops", "media")
    return house


@pytest.fixture
def endless(painted: Painter, tmp_path: Path) -> Callable[[int], Path]:
    """Films of so many seconds that are made in no time, and whose edit proxy takes minutes."""

    def made(seconds: int) -> Path:
        path = tmp_path / f"long-{seconds}.mp4"
        again = ["-stream_loop", str(seconds - 1), "-i", str(painted(25, 25)), "-c", "copy", str(path)]
        subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", *again], check=True)
        return path

    return made
