"""The service: jobs from events to films."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from cutlog.bus import Bus
from cutlog.contract.commands import RecordMediaFailed
from cutlog.contract.events import MediaFailed
from cutlog.contract.jobs import Progress, ProxyAsked, RenderJob
from tests.render.house import TRACE, House, marks
from tests.render.studio import digest
from tests.support.painting import Painter, read_marks
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts render, ops, NATS and a database for one more case of its kind")


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


@slow
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


@slow
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


@slow
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


@slow
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


@slow
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


@slow
async def test_a_cancelled_export_is_given_up_and_leaves_no_file(house: House, painted: Painter) -> None:
    await house.upload(painted)
    project = await house.project()
    await house.edit(project, {"op": "project.configure", "width": 1920, "height": 1080})
    version = await house.shot(project, "v_1", 0, 0, 120)
    async with house.render():
        asked = await house.call("POST", f"/api/projects/{project}/export", {"version": version}, 202)
        job = f"export.{asked['id']}"
        await eventually(lambda: house.jobs_with(job, "running"))
        await house.call("POST", f"/api/projects/{project}/exports/{asked['id']}/cancel", None, 202)
        await eventually(lambda: house.jobs_with(job, "cancelled"))
        temp = house.studio.blobs.root / "temp"
        await eventually(lambda: not list(temp.iterdir()))
        assert not house.studio.blobs.path(f"export/{project}/v{version}_final.mp4").exists()
        # It may be asked for again, and then it is made.
        await house.call("POST", f"/api/projects/{project}/exports/{asked['id']}/retry", None, 202)
        assert (await house.exported(project, asked["id"]))["status"] == "ready"
    assert len(await house.events("ExportRendered")) == 1


@slow
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
