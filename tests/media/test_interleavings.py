"""Uploads that meet others, releases, archiving, deletion and sweeps at every step: what somebody holds is there."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.blobs import BlobStore, open_blobs
from cutlog.bus import Bus, Outbox
from cutlog.contract.behalf import Behalf
from cutlog.contract.commands import ArchiveMedia, Command, DeleteMedia, MediaCommand
from cutlog.contract.ids import new_id
from cutlog.db.engine import create_engine
from cutlog.ffmpeg import Ffmpeg
from services.media.ingest import leases
from services.media.ingest.receive import Ingest
from tests.media.conftest import House
from tests.media.recordings import sound
from tests.support.waiting import eventually

STEPS = ("looked", "stored", "counted")
BEHALF = Behalf("default", "tester", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


@dataclass
class Rivals:
    """What others may do to a video meanwhile, each to its end."""

    house: House
    engine: AsyncEngine
    blobs: BlobStore
    bus: Bus
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def release(self, video_id: str) -> None:
        await self.house.client()("DELETE", f"/api/videos/{video_id}")

    @asynccontextmanager
    async def unsent(self) -> AsyncIterator[bool]:
        """Nothing leaves the outbox in the block; whether something waits there."""
        connection = await asyncpg.connect(self.house.database.dsn("media"))
        try:
            async with connection.transaction():
                await connection.execute("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")
                yield bool(await connection.fetchval("SELECT count(*) FROM outbox"))
        finally:
            await connection.close()

    async def sweep(self, video_id: str) -> None:
        await leases.sweep(self.engine, self.blobs)

    async def archive(self, video_id: str) -> None:
        """As the collector does: the event first, then the file."""
        (row,) = await self.house.rows("SELECT key FROM video WHERE id = $1", video_id)
        key = str(row["key"])
        if await self._ask(ArchiveMedia(media_id=video_id, key=f"archive/{video_id}_{next(self.numbers)}")):
            await self._follow(video_id, key)

    async def delete(self, video_id: str) -> None:
        await self.archive(video_id)
        (row,) = await self.house.rows("SELECT key FROM video WHERE id = $1", video_id)
        if await self._ask(DeleteMedia(media_id=video_id)):
            assert await self.blobs.delete(str(row["key"]))

    async def _ask(self, body: MediaCommand) -> bool:
        command = Command(key=new_id("k"), tenant="default", actor="gc", trace=BEHALF.trace, body=body)
        return (await self.bus.command("gc", command)).refused is None

    async def _follow(self, video_id: str, source: str) -> None:
        """Moves the file, and waits until the service has heard of it."""

        async def heard() -> str:
            (row,) = await self.house.rows("SELECT key FROM video WHERE id = $1", video_id)
            return str(row["key"]) if row["key"] != source else ""

        await self.blobs.rename(source, await eventually(heard))


@pytest.fixture
async def rivals(running: House) -> AsyncIterator[Rivals]:
    settings = running.settings_for("gc")
    engine, blobs = create_engine(running.settings_for("media")), open_blobs(settings.objects, "secret")
    async with await Bus.connect(settings.nats_url, settings.nats_seed.get_secret_value(), name="gc") as bus:
        yield Rivals(running, engine, blobs, bus)
    await engine.dispose()


async def ingest(rivals: Rivals, reached: Callable[[str], Awaitable[None]]) -> Ingest:
    ffmpeg = await Ffmpeg.find(rivals.house.settings_for("media"))
    return Ingest(rivals.engine, rivals.blobs, ffmpeg, Outbox(rivals.engine, "media"), reached)


async def once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def held(rivals: Rivals, data: bytes) -> int:
    """Asserts that the content is there to be downloaded, once the log and all services agree; how often it is held."""
    client, sha256 = rivals.house.client(), hashlib.sha256(data).hexdigest()

    async def settled() -> bool:
        return await rivals.house.rows("SELECT FROM outbox") == []

    await eventually(settled)
    checked = (await client("POST", "/api/videos/check", {"sha256": sha256, "size": len(data)})).body
    assert checked["exists"], "somebody holds it"
    video = await client.ready(checked["id"])
    assert video["status"] == "ready"
    (row,) = await rivals.house.rows("SELECT key, stored FROM video WHERE sha256 = $1", sha256)
    if await rivals.blobs.head(row["key"]) is None:  # restored by the event; the collector brings the file back
        archived = [head.key async for head in rivals.blobs.list("archive") if checked["id"] in head.key]
        assert len(archived) == 1
        await rivals.blobs.rename(archived[0], row["key"])
    assert row["stored"] == "there"
    link = (await client("GET", f"/api/videos/{video['id']}/download")).headers["Location"]
    assert (await client("GET", link)).raw == data
    (state,) = await rivals.house.rows("SELECT state::text FROM media WHERE id = $1", video["id"], service="ops")
    assert '"stored":"there"' in state["state"].replace(" ", "")
    return int(video["refCount"])


@pytest.mark.slow(reason="the same with fewer clients is test_many_at_once_of_the_same_content_are_one_video")
async def test_twenty_clients_with_the_same_bytes_make_one_object_that_is_held_twenty_times(running: House) -> None:
    data, client = sound(), running.client()
    answers = await asyncio.gather(*(client.upload(data, name=f"{number}.wav") for number in range(20)))
    assert sorted(answer.status for answer in answers) == [200] * 19 + [201]
    (video,) = (await client("GET", "/api/videos")).body["items"]
    assert video["refCount"] == 20
    assert len(running.files("videos")) == 1
    await client.ready(video["id"])
    for left in reversed(range(20)):
        assert (await client("DELETE", f"/api/videos/{video['id']}")).body == {"refCount": left}
    counts = [data["refCount"] for _, kind, data in await running.events() if kind != "MediaReady"]
    assert counts == [*range(1, 21), *reversed(range(20))]


@pytest.mark.slow(reason="a rival acts before each step of an upload")
@pytest.mark.parametrize("rival", ["release", "archive", "delete", "sweep"])
async def test_content_that_is_uploaded_while_it_goes_stays(rivals: Rivals, rival: str) -> None:
    client = rivals.house.client()
    for step in STEPS:
        data = sound()
        video = (await client.upload(data, name="a.wav")).body
        await client.ready(video["id"])
        acted: list[str] = []

        async def meanwhile(name: str, step: str = step, video_id: str = video["id"], acted: list[str] = acted) -> None:
            if name != step or acted:
                return
            async with AsyncExitStack() as unsent:
                late = name == "counted" and rival in ("archive", "delete")
                if late and not await unsent.enter_async_context(rivals.unsent()):
                    return  # ops knows of the upload already: what an admin does now is no race
                acted.append(name)
                await getattr(rivals, rival)(video_id)

        outcome = await (await ingest(rivals, meanwhile)).take(BEHALF, "b.wav", once(data), None)
        assert outcome.status in (200, 201)
        # Nothing is stored of content that is there: nobody can act at that step.
        assert acted == ([] if step == "stored" else acted if step == "counted" else [step])
        expected = {"release": 1, "archive": 2, "delete": 1, "sweep": 2}[rival] if acted else 2
        assert await held(rivals, data) == expected, step


@pytest.mark.slow(reason="a rival acts before each step of an upload")
@pytest.mark.parametrize("rival", ["release", "delete", "sweep"])
async def test_content_that_was_deleted_is_uploaded_again_while_others_act(rivals: Rivals, rival: str) -> None:
    client = rivals.house.client()
    for step in STEPS:
        data = sound()
        video = (await client.upload(data, name="a.wav")).body
        await client.ready(video["id"])
        await rivals.delete(video["id"])

        async def gone(video_id: str = video["id"]) -> bool:
            return (await client("GET", f"/api/videos/{video_id}")).status == 404

        await eventually(gone)

        async def meanwhile(name: str, step: str = step, video_id: str = video["id"]) -> None:
            if name == step and step != "counted":
                await getattr(rivals, rival)(video_id)

        outcome = await (await ingest(rivals, meanwhile)).take(BEHALF, "b.wav", once(data), None)
        assert outcome.status == 201
        assert await held(rivals, data) == 1
        again = (await client("GET", f"/api/videos/{video['id']}")).body
        assert again["sha256"] == video["sha256"], "the same video, of another generation"
        kept = [key for key in rivals.house.files("videos") if video["sha256"] in key]
        assert kept == [f"videos/default/{video['sha256']}.1.wav"]


@pytest.mark.slow(reason="starts media, ops, NATS and a database for one more case of its kind")
async def test_a_deletion_that_comes_late_does_not_touch_the_next_generation(rivals: Rivals) -> None:
    client, data = rivals.house.client(), sound()
    video = (await client.upload(data, name="a.wav")).body
    await client.ready(video["id"])
    await rivals.delete(video["id"])
    await rivals.house.stop("media")
    await rivals.house.rows("UPDATE checkpoint SET position = 0")
    await rivals.house.start("media")
    assert (await client.upload(data, name="a.wav")).status == 201
    await rivals.house.stop("media")
    # All of history once more, as after a reset of the consumer.
    await rivals.house.rows("UPDATE checkpoint SET position = 0")
    await rivals.house.start("media")
    assert await held(rivals, data) == 1
