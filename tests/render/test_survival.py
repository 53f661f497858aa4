"""Jobs while others die, stop, go away or forget: each film is made all the same, and once."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.bus import Bus
from cutlog.contract.commands import Output
from services.render.bootstrap import serving as serving_render
from services.render.produce.timelines import OpsAwayError, Timelines
from services.render.queue import jobs
from services.render.queue.worker import Worker
from tests.render.house import House, marks
from tests.support.painting import Painter, read_marks
from tests.support.waiting import PATIENCE, eventually

slow = pytest.mark.slow(reason="starts render, ops, NATS and a database for one more case of its kind")


@slow
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


@slow
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

            await eventually(replayed)
        # A later edit shows that the service has gone on after it.
        await house.proxy(project, await house.shot(project, "v_1", 60, 0, 5))
        assert await house.jobs() == before | {f"proxy.{project}.{version + 1}": "done"}
    assert path.stat().st_mtime_ns == written
    assert len(await house.events("ProxyRendered")) == 2
    assert len(await house.events("ExportRendered")) == 1


@slow
async def test_a_film_that_was_stored_and_not_reported_is_reported_although_a_newer_version_came(
    house: House, painted: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, failed = Worker._finish, asyncio.Event()

    async def broken_once(worker: Worker, job: jobs.Job, digest: str, output: Output) -> None:
        if not failed.is_set():
            failed.set()
            raise ConnectionError("the database went away")
        await finish(worker, job, digest, output)

    monkeypatch.setattr(Worker, "_finish", broken_once)
    await house.upload(painted)
    project = await house.project()
    async with house.render():
        first = await house.shot(project, "v_1", 0, 5, 30)
        await asyncio.wait_for(failed.wait(), PATIENCE)
        assert house.studio.blobs.path(f"proxy/{project}/v{first}_proxy.mp4").exists()
        await house.proxy(project, await house.shot(project, "v_1", 30, 5, 10))
        await house.proxy(project, first)
    assert sorted(event["version"] for event in await house.events("ProxyRendered")) == [first, first + 1]


@slow
async def test_a_worker_that_lost_its_lease_takes_it_again_before_it_begins_anything(
    house: House, painted: Painter
) -> None:
    good = "SELECT FROM render.lease WHERE name LIKE 'worker %' AND expires_at > clock_timestamp()"
    await house.upload(painted)
    project = await house.project()
    async with house.render():
        await house.proxy(project, await house.shot(project, "v_1", 0, 5, 30))
        owner = await asyncpg.connect(house.database.owner_url)
        try:
            ended = await owner.fetch("""
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = 'cutlog_render'
            """)
            assert len(ended) > 2
            await eventually(lambda: owner.fetch(good))
            # While nobody holds the lock, whatever runs is taken for the work of a dead worker, many times a second.
            await house.proxy(project, await house.shot(project, "v_1", 30, 5, 10))
            assert await owner.fetchval("SELECT max(failures) FROM render.job") <= 1
        finally:
            await owner.close()
    assert len(await house.events("ProxyRendered")) == 2


@slow
async def test_nothing_is_begun_while_the_lock_is_not_held(
    house: House, painted: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, claim = jobs.alive, jobs.claim
    done: list[str] = []

    async def lost_for_a_while(connection: AsyncConnection, worker: str) -> bool:
        done.append("held" if len(done) >= 3 and await held(connection, worker) else "lost")
        return done[-1] == "held"

    async def claimed(*arguments: Any) -> jobs.Job | None:
        done.append("claimed")
        return await claim(*arguments)

    monkeypatch.setattr(jobs, "alive", lost_for_a_while)
    monkeypatch.setattr(jobs, "claim", claimed)
    await house.upload(painted)
    project = await house.project()
    async with house.render():
        await house.proxy(project, await house.shot(project, "v_1", 0, 5, 30))
    assert done[:5] == ["lost", "lost", "lost", "held", "claimed"]


@slow
async def test_jobs_that_were_lost_with_their_rows_come_back_when_render_looks_at_the_events_again(
    house: House, painted: Painter
) -> None:
    async def again(wish: bytes) -> Any:
        async with await Bus.connect(house.nats.url, house.nats.seed("operator"), name="operator") as operator:
            reply = await operator.request("render.replay", wish, timeout=PATIENCE)
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


@slow
async def test_the_bus_may_lose_everything_while_a_job_waits(house: House, painted: Painter) -> None:
    ref = await house.upload(painted, ready=False)
    project = await house.project()
    async with house.render():
        version = await house.shot(project, "v_1", 0, 13, 73)
        await eventually(lambda: house.jobs_with(f"proxy.{project}.{version}", "waiting"))
        house.nats.kill()
        house.nats.wipe()
        house.nats.restart()
        await house.ready(ref)
        assert read_marks(await house.proxy(project, version)) == marks((13, 73))


@pytest.mark.slow(reason="a long film is rendered twice over")
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


@pytest.mark.slow(reason="two processes render a long film")
async def test_another_goes_on_at_once_when_a_worker_is_killed(house: House, painted: Painter) -> None:
    await house.upload(painted, frames=400)
    project = await house.project()
    await house.edit(project, {"op": "project.configure", "width": 640, "height": 360})
    versions = [await house.shot(project, "v_1", part * 350, part, part + 350) for part in range(4)]
    asked = await house.call("POST", f"/api/projects/{project}/export", {"version": versions[-1]}, 202)
    async with house.process():
        await eventually(lambda: len(house.studio.pictures()) >= 6)
    assert (await house.jobs())[f"export.{asked['id']}"] == "running"
    left = house.studio.segments()
    async with house.render():
        export = await house.exported(project, asked["id"])
    assert export["status"] == "ready"
    assert {name: written for name, written in house.studio.segments().items() if name in left} == left
    assert read_marks(house.studio.blobs.path(export["key"])) == marks(*((part, part + 350) for part in range(4)))
    (rendered,) = await house.events("ExportRendered")
    assert rendered["encoded"] < rendered["frames"]


@pytest.mark.slow(reason="pauses between tries go by")
async def test_a_job_waits_while_ops_is_away_however_often_it_is_tried(
    house: House, painted: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = Timelines.fetch
    tries = 0

    async def away(self: Timelines, project_id: str, version: int) -> Any:
        nonlocal tries
        tries += 1
        if tries <= jobs.MAX_FAILURES + 2:
            raise OpsAwayError("no answer")
        return await fetched(self, project_id, version)

    monkeypatch.setattr(Timelines, "fetch", away)
    await house.upload(painted)
    project = await house.project()
    version = await house.shot(project, "v_1", 0, 5, 30)
    async with house.render():
        assert read_marks(await house.proxy(project, version)) == marks((5, 30))
    assert tries > jobs.MAX_FAILURES + 2 and not await house.events("ProxyFailed")
