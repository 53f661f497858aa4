"""A video's life after its upload: use, release, restarts, what a crash leaves."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest

from cutlog.blobs import open_blobs
from cutlog.db.engine import create_engine
from services.media.ingest import leases
from tests.media.conftest import House
from tests.support.painting import Painter
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts media, ops, NATS and a database for one more case of its kind")


async def use(house: House, video_id: str) -> str:
    """A project with one clip of the video; its id."""
    ops = house.client("ops")
    project = str((await ops("POST", "/api/projects", {"name": "film"})).body["id"])
    edit: list[dict[str, Any]] = [
        {"op": "track.add", "track": "t", "kind": "video", "index": 0},
        {"op": "clip.add", "clip": "c", "track": "t", "at": 0, "media": video_id, "in": 0, "out": 10, "mode": "place"},
    ]
    committed = await ops("POST", f"/api/projects/{project}/ops", {"ops": edit})
    assert committed.status == 201, committed.body
    return project


async def test_each_release_takes_one_upload_back_and_the_last_hides_the_video(
    running: House, painted: Painter
) -> None:
    clip, client = painted(25, 30), running.client()
    video_id = (await client.upload(clip)).body["id"]
    await client.upload(clip)
    assert (await client("DELETE", f"/api/videos/{video_id}")).body == {"refCount": 1}
    assert (await client("GET", f"/api/videos/{video_id}")).status == 200
    assert (await client("DELETE", f"/api/videos/{video_id}")).body == {"refCount": 0}
    assert (await client("GET", f"/api/videos/{video_id}")).status == 404
    assert (await client("DELETE", f"/api/videos/{video_id}")).status == 404
    assert (await client("GET", "/api/videos")).body["items"] == []
    assert len(running.files("videos")) == 1, "bytes are for the garbage collector to remove"
    released = [data["refCount"] for _, kind, data in await running.events() if kind == "MediaReleased"]
    assert released == [1, 0]


@slow
async def test_content_that_was_released_comes_back_with_its_id(running: House, painted: Painter) -> None:
    clip, client = painted(25, 30), running.client()
    video_id = (await client.upload(clip)).body["id"]
    await client("DELETE", f"/api/videos/{video_id}")
    again = await client.upload(clip)
    assert (again.status, again.body["id"], again.body["refCount"]) == (200, video_id, 1)
    assert (await client("GET", f"/api/videos/{video_id}")).status == 200


@slow
async def test_a_video_can_be_used_as_soon_as_its_upload_is_answered(running: House, painted: Painter) -> None:
    video_id = (await running.client().upload(painted(25, 30))).body["id"]
    await use(running, video_id)


@slow
async def test_a_used_video_keeps_its_last_upload(running: House, painted: Painter) -> None:
    clip, client = painted(25, 30), running.client()
    video_id = (await client.upload(clip)).body["id"]
    await client.upload(clip)
    await use(running, video_id)
    await use(running, video_id)

    async def counted() -> bool:
        return bool((await client("GET", f"/api/videos/{video_id}")).body["uses"] == 2)

    await eventually(counted)
    assert (await client("DELETE", f"/api/videos/{video_id}")).body == {"refCount": 1}
    refused = await client("DELETE", f"/api/videos/{video_id}")
    assert (refused.status, refused.body["type"]) == (409, "/problems/media-in-use")
    assert "2 projects" in refused.body["detail"]
    assert (await client("GET", f"/api/videos/{video_id}")).body["refCount"] == 1


@slow
async def test_a_use_that_the_service_has_not_heard_of_yet_still_counts(running: House, painted: Painter) -> None:
    client = running.client()
    video_id = (await client.upload(painted(25, 30))).body["id"]
    await use(running, video_id)
    # Whether the projection has seen it or not: ops has.
    refused = await client("DELETE", f"/api/videos/{video_id}")
    assert (refused.status, refused.body["type"]) == (409, "/problems/media-in-use")
    assert (await client("GET", f"/api/videos/{video_id}")).body["refCount"] == 1


@slow
async def test_work_that_a_stop_interrupted_is_done_after_the_next_start(house: House, painted: Painter) -> None:
    await house.start("ops", "media")
    # Long enough that the stop comes before the end.
    clip = painted(30, 900, (160, 90))
    video = (await house.client().upload(clip)).body

    async def begun() -> bool:
        return bool(await house.rows("SELECT FROM video WHERE derive_run = 1"))

    await eventually(begun)
    await house.stop("media")
    assert {key.rpartition(".")[2] for key in house.files("derived")} <= {"jpg", "slice"}, "the thumbnail comes first"
    assert house.files("temp") == []
    assert await house.rows("SELECT FROM video WHERE status = 'processing'")
    await house.start("media")
    ready = await house.client().ready(video["id"])
    assert ready["status"] == "ready"
    await house.tidied()
    assert len(house.files("derived")) == 3


@slow
async def test_work_of_a_process_that_died_is_taken_over_when_its_lease_ends(house: House, painted: Painter) -> None:
    await house.start("ops", "media")
    video = (await house.client().upload(painted(25, 30))).body
    await house.client().ready(video["id"])
    await house.stop("media")
    await house.rows(
        "UPDATE video SET status = 'processing', derive_run = 7, derive_left = 1, "
        "derive_at = clock_timestamp() + interval '1 second'"
    )
    await house.start("media")
    assert (await house.client().ready(video["id"]))["status"] == "ready"
    assert [tuple(row) for row in await house.rows("SELECT derive_run, derive_at FROM video")] == [(8, None)]


@slow
async def test_a_video_that_ends_every_process_is_given_up(house: House, painted: Painter) -> None:
    await house.start("ops", "media")
    video = (await house.client().upload(painted(25, 30))).body
    await house.client().ready(video["id"])
    await house.rows("UPDATE video SET status = 'processing', derive_left = 0, derive_at = clock_timestamp()")
    failed = await house.client().ready(video["id"])
    assert (failed["status"], failed["error"]) == ("failed", "processing was started too often without finishing")


@slow
async def test_a_film_that_breaks_off_keeps_what_can_be_read(running: House, painted: Painter, tmp_path: Path) -> None:
    clip = painted(25, 100, suffix=".ts")
    torn = tmp_path / "torn.ts"
    torn.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    client = running.client()
    answer = await client.upload(torn)
    assert answer.status == 201
    ready = await client.ready(answer.body["id"])
    assert ready["status"] == "ready"
    assert 20 < ready["facts"]["frames"] < 80


@slow
async def test_what_fails_to_be_derived_is_said_and_another_upload_tries_again(
    running: House, painted: Painter
) -> None:
    clip, client = painted(25, 900, (64, 36)), running.client()
    video = (await client.upload(clip)).body
    original = running.objects / f"videos/default/{video['sha256']}.0.mp4"
    original.rename(original.with_suffix(".away"))
    await running.rows("UPDATE video SET derive_run = derive_run + 1, derive_at = clock_timestamp()")
    failed = await client.ready(video["id"])
    assert failed["status"] == "failed"
    assert failed["error"]
    original.with_suffix(".away").rename(original)
    again = await client.upload(clip)
    assert (again.status, again.body["status"]) == (200, "processing")
    assert (await client.ready(video["id"]))["status"] == "ready"


async def test_an_object_of_a_dead_upload_is_removed(house: House, painted: Painter) -> None:
    settings = house.settings_for("media")
    engine, blobs = create_engine(settings), open_blobs(settings.objects, "secret")
    try:
        key = f"videos/default/{'a' * 64}.0.mp4"
        await blobs.put_bytes(key, b"orphan")
        await house.rows(
            "INSERT INTO upload VALUES ('u_1', 'default', $1, clock_timestamp() - interval '1 second')", key
        )
        assert await leases.sweep(engine, blobs) == 1
        assert house.files() == []
        assert await house.rows("SELECT FROM upload") == []
    finally:
        await engine.dispose()


@slow
@pytest.mark.parametrize("wanted_by", ["video", "upload"])
async def test_an_object_that_is_wanted_outlives_a_dead_upload(house: House, wanted_by: str, painted: Painter) -> None:
    await house.start("ops", "media")
    video = (await house.client().upload(painted(25, 30))).body
    await house.client().ready(video["id"])
    await house.stop("media")
    key = f"videos/default/{video['sha256']}.0.mp4"
    if wanted_by == "upload":
        key = f"videos/default/{'b' * 64}.0.mp4"
        await house.rows(
            "INSERT INTO upload VALUES ('u_live', 'default', $1, clock_timestamp() + interval '1 minute')", key
        )
    settings = house.settings_for("media")
    engine, blobs = create_engine(settings), open_blobs(settings.objects, "secret")
    try:
        await blobs.put_bytes(key, b"wanted")
        await house.rows(
            "INSERT INTO upload VALUES ('u_dead', 'default', $1, clock_timestamp() - interval '1 second')", key
        )
        assert await leases.sweep(engine, blobs) == 0
        assert await blobs.get(key) == b"wanted"
    finally:
        await engine.dispose()


@slow
async def test_history_applied_again_gives_the_same_uses(house: House, painted: Painter) -> None:
    await house.start("ops", "media")
    client = house.client()
    video_id = (await client.upload(painted(25, 30))).body["id"]
    about = await house.client("ops")("POST", "/api/compat/projects", {"title": "Film", "videoId": video_id})
    projects = {await use(house, video_id), about.body["data"]["_id"]}

    async def known() -> set[str]:
        return {row["project_id"] for row in await house.rows("SELECT project_id FROM use")}

    async def all_known() -> bool:
        return await known() == projects

    await eventually(all_known)
    await client.ready(video_id)
    await house.stop("media")
    await house.rows("DELETE FROM use")
    await house.rows("UPDATE checkpoint SET position = 0")
    await house.start("media")
    # That events are missing shows with the next one.
    projects.add(await use(house, video_id))
    await eventually(all_known)


@slow
async def test_two_uploads_of_different_files_go_on_beside_each_other(running: House, painted: Painter) -> None:
    clips = [painted(25, frames) for frames in (30, 31, 32, 33)]
    answers = await asyncio.gather(*(running.client().upload(clip) for clip in clips))
    assert [answer.status for answer in answers] == [201] * 4
    assert {answer.body["sha256"] for answer in answers} == {
        hashlib.sha256(clip.read_bytes()).hexdigest() for clip in clips
    }
