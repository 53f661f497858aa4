"""The service at work beside the real ops, PostgreSQL and NATS: from an edit to the file and the event."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec
import pytest
from pydantic import SecretStr

from cutlog.blobs import LocalBlobs
from cutlog.bus import Bus
from cutlog.contract.commands import Command, RecordMediaFailed, RecordMediaReady, RecordMediaUploaded
from cutlog.contract.events import MediaFailed, MediaReady, MediaUploaded
from cutlog.contract.jobs import Progress, ProxyAsked, RenderJob
from cutlog.contract.timeline import MediaRef
from cutlog.ffmpeg import Ffmpeg
from services.ops.bootstrap import serving as serving_ops
from services.render.bootstrap import serving as serving_render
from tests.render.studio import Studio, digest
from tests.support.configuration import SettingsFactory
from tests.support.database import Database
from tests.support.messaging import NatsServer
from tests.support.painting import Mark, Painter, read_marks
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

        return self.studio.blobs.path(str(await eventually(there, timeout=60)))

    async def export(self, project: str, version: int) -> dict[str, Any]:
        asked: dict[str, Any] = await self.call("POST", f"/api/projects/{project}/export", {"version": version}, 202)
        return await self.exported(project, asked["id"])

    async def exported(self, project: str, export: str, *status: str) -> dict[str, Any]:
        found: dict[str, Any] = {}

        async def ended() -> bool:
            found.update(await self.call("GET", f"/api/projects/{project}/exports/{export}"))
            return found["status"] in (status or ("ready", "failed"))

        await eventually(ended, timeout=60)
        return found

    async def events(self, type_: str) -> list[dict[str, Any]]:
        """The data of all events of a type, in order."""
        connection = await asyncpg.connect(self.database.owner_url)
        try:
            rows = await connection.fetch("SELECT data FROM ops.event WHERE type = $1 ORDER BY position", type_)
            return [msgspec.json.decode(row["data"]) for row in rows]
        finally:
            await connection.close()

    async def jobs(self) -> dict[str, str]:
        """Status of every job."""
        connection = await asyncpg.connect(self.database.owner_url)
        try:
            return {row["job_id"]: row["status"] for row in await connection.fetch("SELECT * FROM render.job")}
        finally:
            await connection.close()

    async def jobs_with(self, job: str, status: str) -> bool:
        """Whether a job is there, in that state."""
        return (await self.jobs()).get(job) == status


@pytest.fixture
async def house(settings_for: SettingsFactory, database: Database, nats: NatsServer) -> AsyncIterator[House]:
    settings = settings_for("render")
    studio = Studio(await Ffmpeg.find(settings), LocalBlobs(settings.data / "objects", "x"))
    house = House(settings_for, database, nats, studio)
    async with AsyncExitStack() as parts:
        house.url = (await parts.enter_async_context(serving_ops(settings_for("ops")))).url
        house.session = await parts.enter_async_context(aiohttp.ClientSession())
        house.media = await parts.enter_async_context(await Bus.connect(nats.url, nats.seed("media"), name="media"))
        yield house


def marks(*parts: tuple[int, int]) -> list[Mark | None]:
    return [Mark(1, number) for start, end in parts for number in range(start, end)]


async def test_every_version_gets_its_proxy_and_an_export_its_file(house: House, painted: Painter) -> None:
    async with house.render():
        await house.upload(painted)
        project = await house.project()
        version = await house.shot(project, "v_1", 0, 13, 73)
        assert read_marks(await house.proxy(project, version)) == marks((13, 73))
        version = await house.shot(project, "v_1", 60, 0, 20)
        path = await house.proxy(project, version)
        assert path == house.studio.blobs.path(f"proxy/p_1/v{version}_proxy.mp4")
        assert read_marks(path) == marks((13, 73), (0, 20))
        export = await house.export(project, version)
        assert export["status"] == "ready"
        assert export["key"] == f"export/p_1/v{version}_final.mp4"
        path = house.studio.blobs.path(export["key"])
        assert (digest(path), path.stat().st_size) == (export["sha256"], export["size"])
        assert read_marks(path) == marks((13, 73), (0, 20))
    rendered = await house.events("ProxyRendered")
    assert [event["version"] for event in rendered] == [version - 1, version]
    # The head of the first shot, to the next second, was encoded; the second version needed nothing new.
    assert [event["encoded"] for event in rendered] == [12, 0]


async def test_newer_versions_overtake_older_ones_that_wait(house: House, painted: Painter) -> None:
    await house.upload(painted)
    project = await house.project()
    versions = [await house.shot(project, "v_1", 10 * k, k, k + 10) for k in range(8)]
    async with house.render():
        await house.proxy(project, versions[-1])
        found = await house.jobs()
    statuses = [found[f"proxy.{project}.{version}"] for version in versions]
    assert statuses[-1] == "done"
    assert statuses.count("superseded") >= 5
    assert len(await house.events("ProxyRendered")) == statuses.count("done")


async def test_an_overtaken_version_is_rendered_when_asked_for(house: House, painted: Painter) -> None:
    await house.upload(painted)
    project = await house.project()
    versions = [await house.shot(project, "v_1", 10 * k, k, k + 10) for k in range(3)]
    async with house.render():
        await house.proxy(project, versions[-1])
        assert (await house.jobs())[f"proxy.{project}.{versions[0]}"] == "superseded"
        bus = await Bus.connect(house.nats.url, house.nats.seed("operator"), name="operator")
        async with bus:
            asked = ProxyAsked(project_id=project, version=versions[0], tenant="default", trace=TRACE)
            await bus.request("render.cmd.proxy", msgspec.json.encode(asked))
        assert read_marks(await house.proxy(project, versions[0])) == marks((0, 10))


async def test_a_job_waits_for_media_that_are_processed(house: House, painted: Painter) -> None:
    async with house.render():
        ref = await house.upload(painted, ready=False)
        project = await house.project()
        version = await house.shot(project, "v_1", 0, 5, 25)
        job = f"proxy.{project}.{version}"

        async def waiting() -> bool:
            return (await house.jobs()).get(job) == "waiting"

        await eventually(waiting)
        await house.ready(ref)
        assert read_marks(await house.proxy(project, version)) == marks((5, 25))


async def test_a_job_fails_when_its_media_does(house: House, painted: Painter) -> None:
    async with house.render():
        await house.upload(painted, ready=False)
        project = await house.project()
        version = await house.shot(project, "v_1", 0, 5, 25)
        await house.say(RecordMediaFailed(media_id="v_1", event=MediaFailed(reason="no")))

        async def failed() -> bool:
            return bool((await house.version(project, version))["proxy"]["status"] == "failed")

        await eventually(failed)
    (event,) = await house.events("ProxyFailed")
    assert "v_1" in event["reason"]


async def test_progress_is_told_up_to_the_end(house: House, painted: Painter) -> None:
    told: list[Progress] = []
    async with await Bus.connect(house.nats.url, house.nats.seed("operator"), name="operator") as bus:

        async def hear(message: Any) -> None:
            told.append(msgspec.json.decode(message.data, type=Progress))

        await bus.subscribe("progress.>", hear)
        async with house.render():
            await house.upload(painted)
            project = await house.project()
            version = await house.shot(project, "v_1", 0, 13, 73)
            await house.proxy(project, version)
            await eventually(lambda: bool(told) and told[-1].fraction == 1.0)
    assert {each.project_id for each in told} == {project}
    assert [each.frames_done for each in told] == sorted(each.frames_done for each in told)
    assert told[-1].frames_total == 60


async def test_two_services_side_by_side_make_one_result(house: House, painted: Painter) -> None:
    await house.upload(painted)
    project = await house.project()
    version = await house.shot(project, "v_1", 0, 13, 73)
    one, two = house.settings("render"), house.settings("render").model_copy(update={"listen": "127.0.0.1:0"})
    async with serving_render(one), serving_render(two):
        await house.proxy(project, version)
        export = await house.export(project, version)
    assert export["status"] == "ready"
    assert len(await house.events("ProxyRendered")) == 1
    assert len(await house.events("ExportRendered")) == 1


async def test_a_replay_has_no_side_effect(house: House, painted: Painter) -> None:
    await house.upload(painted)
    project = await house.project()
    async with house.render():
        version = await house.shot(project, "v_1", 0, 13, 73)
        path = await house.proxy(project, version)
        await house.export(project, version)
        written = path.stat().st_mtime_ns
        before = await house.jobs()
        async with await Bus.connect(house.nats.url, house.nats.seed("operator"), name="operator") as bus:
            await bus.api("CONSUMER.DELETE.EVENTS.render")
            config = {
                "durable_name": "render", "deliver_policy": "all", "ack_policy": "all", "ack_wait": 30_000_000_000,
                "max_deliver": -1, "max_ack_pending": 10_000, "replay_policy": "instant",
            }  # fmt: skip
            await bus.api("CONSUMER.CREATE.EVENTS.render", {"stream_name": "EVENTS", "config": config})

            async def replayed() -> bool:
                status = msgspec.json.decode((await bus.request("render.status")).data)
                return bool(status["projections"][0]["replays"] == 1 and status["projections"][0]["state"] == "running")

            await eventually(replayed, timeout=40)
        # A later edit shows that the service has gone on after it.
        await house.proxy(project, await house.shot(project, "v_1", 60, 0, 5))
        assert await house.jobs() == before | {f"proxy.{project}.{version + 1}": "done"}
    assert path.stat().st_mtime_ns == written
    assert len(await house.events("ProxyRendered")) == 2
    assert len(await house.events("ExportRendered")) == 1


async def test_jobs_that_were_lost_with_their_rows_come_back_when_render_looks_at_the_events_again(
    house: House, painted: Painter
) -> None:
    async def again(wish: bytes) -> Any:
        async with await Bus.connect(house.nats.url, house.nats.seed("operator"), name="operator") as operator:
            reply = await operator.request("render.replay", wish, timeout=20)
        return (reply.headers or {}).get("Nats-Service-Error-Code") or msgspec.json.decode(reply.data)

    ref = await house.upload(painted, ready=False)
    project = await house.project()
    version = await house.shot(project, "v_1", 0, 5, 30)
    async with house.render():
        job = f"proxy.p_1.{version}"
        await eventually(lambda: house.jobs_with(job, "waiting"))
        owner = await asyncpg.connect(house.database.owner_url)
        await owner.execute("DELETE FROM render.job")
        await owner.close()
        assert await house.jobs() == {}
        for _ in range(2):  # twice is as good as once
            assert (await again(b'{"from": 1}'))["events"] >= 2
        await eventually(lambda: house.jobs_with(job, "waiting"))
        await house.ready(ref)
        assert read_marks(await house.proxy(project, version)) == marks((5, 30))
        assert await again(b'{"from": 3, "to": 2}') == "400"
    assert len(await house.events("ProxyRendered")) == 1


async def test_the_bus_may_lose_everything_while_a_job_waits(house: House, painted: Painter) -> None:
    ref = await house.upload(painted, ready=False)
    project = await house.project()
    async with house.render():
        version = await house.shot(project, "v_1", 0, 13, 73)
        await eventually(lambda: _is(house, f"proxy.{project}.{version}", "waiting"))
        house.nats.kill()
        house.nats.wipe()
        house.nats.restart()
        await house.ready(ref)
        assert read_marks(await house.proxy(project, version)) == marks((13, 73))


async def test_a_service_that_stops_hands_its_work_on(house: House, painted: Painter) -> None:
    await house.upload(painted)
    project = await house.project()
    await house.edit(project, {"op": "project.configure", "width": 1920, "height": 1080})
    version = await house.shot(project, "v_1", 0, 0, 120)
    asked = await house.call("POST", f"/api/projects/{project}/export", {"version": version}, 202)
    job = f"export.{asked['id']}"
    async with house.render():

        async def running() -> bool:
            return (await house.jobs()).get(job) == "running"

        await eventually(running)
    assert (await house.jobs())[job] in ("admitted", "done")
    async with house.render():
        export = await house.exported(project, asked["id"])
    assert export["status"] == "ready"
    assert read_marks(house.studio.blobs.path(export["key"])) == marks((0, 120))
    assert len(await house.events("ExportRendered")) == 1


async def test_a_cancelled_export_is_given_up_and_leaves_no_file(house: House, painted: Painter) -> None:
    await house.upload(painted)
    project = await house.project()
    await house.edit(project, {"op": "project.configure", "width": 1920, "height": 1080})
    version = await house.shot(project, "v_1", 0, 0, 120)
    async with house.render():
        asked = await house.call("POST", f"/api/projects/{project}/export", {"version": version}, 202)
        job = f"export.{asked['id']}"
        await eventually(lambda: _is(house, job, "running"))
        await house.call("POST", f"/api/projects/{project}/exports/{asked['id']}/cancel", None, 202)
        await eventually(lambda: _is(house, job, "cancelled"))
        temp = house.studio.blobs.root / "temp"
        await eventually(lambda: not list(temp.iterdir()))
        assert not house.studio.blobs.path(f"export/{project}/v{version}_final.mp4").exists()
        # It may be asked for again, and then it is made.
        await house.call("POST", f"/api/projects/{project}/exports/{asked['id']}/retry", None, 202)
        assert (await house.exported(project, asked["id"]))["status"] == "ready"
    assert len(await house.events("ExportRendered")) == 1


async def test_a_job_that_can_never_succeed_says_why_and_goes_to_the_dead_letters(
    house: House, painted: Painter
) -> None:
    ref = await house.upload(painted)
    project = await house.project()
    version = await house.shot(project, "v_1", 0, 3, 50)
    house.studio.blobs.path(ref.key).unlink()
    async with house.render():
        export = await house.export(project, version)
        assert export["status"] == "failed"
        assert ref.key in export["error"]
        async with await Bus.connect(house.nats.url, house.nats.seed("operator"), name="operator") as bus:
            letter = await bus.api("STREAM.MSG.GET.DLQ", {"seq": 1, "next_by_subj": "dlq.job.render.lo.>"})
        body = base64.b64decode(letter["message"]["data"])
        assert msgspec.json.decode(body, type=RenderJob).export_id == export["id"]
        assert ref.key in base64.b64decode(letter["message"]["hdrs"]).decode()


async def test_another_goes_on_at_once_when_a_worker_is_killed(house: House, painted: Painter) -> None:
    await house.upload(painted, frames=400)
    project = await house.project()
    await house.edit(project, {"op": "project.configure", "width": 640, "height": 360})
    versions = [await house.shot(project, "v_1", part * 350, part, part + 350) for part in range(4)]
    asked = await house.call("POST", f"/api/projects/{project}/export", {"version": versions[-1]}, 202)
    environment = {
        f"CUTLOG_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in house.settings("render")
        if value is not None and name != "peers"
    }
    environment["CUTLOG_PEERS"] = msgspec.json.encode(house.settings.peers).decode()
    environment["PATH"] = os.environ["PATH"]
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cutlog", "serve", "render", env=environment, cwd=Path(__file__).parents[2]
    )
    try:
        await eventually(lambda: len(house.studio.pictures()) >= 6, timeout=60)
    finally:
        worker.kill()
        await worker.wait()
    assert (await house.jobs())[f"export.{asked['id']}"] == "running"
    left = house.studio.segments()
    async with house.render():
        export = await house.exported(project, asked["id"])
    assert export["status"] == "ready"
    assert {name: written for name, written in house.studio.segments().items() if name in left} == left
    assert read_marks(house.studio.blobs.path(export["key"])) == marks(*((part, part + 350) for part in range(4)))
    (rendered,) = await house.events("ExportRendered")
    assert rendered["encoded"] < rendered["frames"]


async def _is(house: House, job: str, status: str) -> bool:
    return (await house.jobs()).get(job) == status
