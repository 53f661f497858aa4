"""What people upload, from the gateway to what a project shows of it: transparent films, and films examined again."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import urllib.request
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pytest
from PIL import Image as Pillow

from cutlog.client import Video
from cutlog.operate.stack.postgres import Postgres
from tests.e2e.conftest import Tenant
from tests.render.screening import at, near
from tests.support import cutouts
from tests.support.cutouts import BAND, BAR, BLUE, HALF, RED, bar_at, over
from tests.support.painting import Image, Painter, pictures, read_frame_number, read_frame_numbers
from tests.support.stacks import RunningStack
from tests.support.waiting import eventually

GREEN = (0, 200, 0)
CLOSE = 12


def added(clip: str, track: str, **source: Any) -> list[dict[str, Any]]:
    """A clip at the beginning of a track of its own."""
    return [
        {"op": "track.add", "track": track, "kind": "video"},
        {"op": "clip.add", "clip": clip, "track": track, "at": 0, **source},
    ]


async def frame(tenant: Tenant, project: str, version: int, number: int) -> Image:
    """A frame of a version, as a page asks the gateway for it."""
    url = f"{tenant.stack.url}/api/projects/{project}/versions/{version}/frame?at={number}"
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {tenant.token}", "Accept": "image/png"})

    def answer() -> bytes:
        with urllib.request.urlopen(asked) as reply:
            data: bytes = reply.read()
            return data

    return np.asarray(Pillow.open(io.BytesIO(await asyncio.to_thread(answer))).convert("RGB"))


@pytest.mark.slow(reason="needs the whole stack, beside the main job")
async def test_a_transparent_upload_shows_the_clip_below_it(tenant: Tenant, tmp_path: Path) -> None:
    client = tenant.client
    video = await client.ready_video((await client.upload(cutouts.made(tmp_path / "vp9.webm"))).id)
    facts = await client.transport.ask(dict[str, Any], "GET", f"/api/videos/{video.id}")
    assert facts["facts"]["alpha"] is True
    width, height = cutouts.SIZE
    fps = [cutouts.FPS.num, cutouts.FPS.den]
    project = await client.create_project("Over green", {"width": width, "height": height, "fps": fps})
    below = added("green", "v1", color="#00c800", frames=8)
    await client.commit(project.id, [*below, *added("film", "v2", media=video.id, **{"in": 0, "out": 8})])
    version = await client.rendered_version(project.id, 1)
    export = await client.finished_export(project.id, (await client.request_export(project.id, 1)).id)
    assert version.proxy.key and export.key
    single = await frame(tenant, project.id, 1, 5)
    for images in (pictures(tenant.object(version.proxy.key)), pictures(tenant.object(export.key))):
        for image in (list(images)[5], single):
            bar = bar_at(5)
            assert near(at(image, (bar + BAR / 2) / width, 0.5), RED, CLOSE), "the bar"
            assert near(at(image, (bar + BAR + 8) / width, 0.5), GREEN, CLOSE), "beside it"
            assert near(at(image, (BAND + 10) / width, 0.5), over(BLUE, GREEN, HALF), CLOSE), "half transparent"


async def used(tenant: Tenant, project: str, version: int) -> set[str]:
    """The keys of what a version's clips are rendered from."""
    timeline = await tenant.client.transport.ask(
        dict[str, Any], "GET", f"/api/projects/{project}/timeline?version={version}"
    )
    return {made["key"] for media in timeline["media"].values() for made in media["renditions"].values() if made}


async def attempts(stack: RunningStack, video: Video) -> int:
    """How often its processing was begun."""
    owner = Postgres.at(stack.data / "postgres", stack.state.postgres_port, stack.secrets.database("owner"))
    connection = await asyncpg.connect(owner.url("cutlog"))
    try:
        return int(await connection.fetchval("SELECT derive_run FROM media.video WHERE id = $1", video.id))
    finally:
        await connection.close()


@pytest.mark.slow(reason="media is killed, and what it claimed is free again after 12 s")
async def test_a_project_renders_across_an_examination_in_which_media_is_killed(
    tenant: Tenant, painted: Painter
) -> None:
    client, stack = tenant.client, tenant.stack
    video = await client.ready_video((await client.upload(painted(25, 400, (320, 180), tag=1))).id)
    project = await client.create_project("Before and after", {"width": 320, "height": 180, "fps": [25, 1]})
    await client.commit(project.id, added("a", "v", media=video.id, **{"in": 100, "out": 130}))
    await client.rendered_version(project.id, 1)
    export = await client.finished_export(project.id, (await client.request_export(project.id, 1)).id)
    assert export.key
    finished, before = tenant.object(export.key).read_bytes(), await used(tenant, project.id, 1)
    began = await attempts(stack, video)

    assert (await client.examine([video.id])).begun == 1

    async def begun() -> bool:
        return await attempts(stack, video) > began

    await eventually(begun)
    pid = stack.pids["media"]
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: stack.pids.get("media") not in (None, pid))

    # What it showed is there all the while.
    await client.commit(project.id, [{"op": "clip.trim", "clip": "a", "in": 110}])
    trimmed = await client.rendered_version(project.id, 2)
    assert trimmed.proxy.key
    assert read_frame_numbers(tenant.object(trimmed.proxy.key))[10:] == list(range(110, 130))
    assert read_frame_number(await frame(tenant, project.id, 2, 15)) == 115

    async def done() -> bool:
        # A service that is being started again is not there for a moment.
        now = await client.examination()
        assert not now.failed
        return now.waiting == 0

    await eventually(done)
    assert await attempts(stack, video) >= began + 2, "the examination was cut short, and begun again"

    async def renewed() -> bool:
        return await used(tenant, project.id, 2) == {key.replace(".0/", ".0/r1/") for key in before}

    await eventually(renewed)
    await client.commit(project.id, [{"op": "clip.trim", "clip": "a", "out": 140}])
    longer = await client.rendered_version(project.id, 3)
    second = await client.finished_export(project.id, (await client.request_export(project.id, 3)).id)
    assert longer.proxy.key and second.key
    for key in (longer.proxy.key, second.key):
        assert read_frame_numbers(tenant.object(key))[10:] == list(range(110, 140))
    # The version of before is rendered as it was, and so is a film that was finished.
    assert read_frame_number(await frame(tenant, project.id, 1, 7)) == 107
    again = await client.export(project.id, export.id)
    assert (again.status, again.key, again.sha256) == ("ready", export.key, export.sha256)
    assert tenant.object(export.key).read_bytes() == finished
