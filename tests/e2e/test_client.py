"""The SDK against the whole stack: progress of uploads, proxies and exports, and the events that tell of them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest

from cutlog.client import ops
from tests.e2e.conftest import Tenant
from tests.e2e.job import CANVAS
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.slow(reason="needs the whole stack, beside the main job")


async def test_a_user_sees_each_step_of_the_way_and_its_end(tenant: Tenant, clip: Path) -> None:
    client = tenant.client
    sent: list[float] = []
    uploaded = await client.upload(clip, on_progress=sent.append, key="the same upload")
    assert sent[-1] == 1.0 and all(earlier < later for earlier, later in pairwise(sent))
    assert (await client.upload(clip, key="the same upload")).id == uploaded.id
    video = await client.ready_video(uploaded.id)
    assert [found.id async for found in client.videos()] == [video.id]
    project = await client.create_project("Film", CANVAS)
    types: list[str] = []

    async def follow() -> None:
        async with aclosing(client.events(project.id, after=0)) as events:  # type: ignore[type-var]
            async for event in events:
                types.append(event.type)
                if event.type == "ExportRendered":
                    return

    following = asyncio.create_task(follow())
    async with asyncio.timeout(PATIENCE):
        cut: list[ops.Op] = [
            ops.TrackAdd(track="v1", kind="video"),
            ops.ClipAdd(clip="a", track="v1", at=0, media=video.id, start=5, end=45),
        ]
        made = await client.commit(project.id, cut)
        told: list[float] = []
        proxy = await client.wait_for_proxy(project.id, made.version, on_progress=told.append)
        assert proxy.status == "ready" and proxy.url is not None
        assert told == sorted(told) and all(0 <= part <= 1 for part in told)
        async with aiohttp.ClientSession() as session, session.get(proxy.url) as film:
            assert (film.status, film.content_type) == (200, "video/mp4")
            assert b"ftyp" in (await film.read())[:12]
        asked = await client.request_export(project.id, made.version, "mp4-360p")
        export = await client.finished_export(project.id, asked.id, on_progress=told.append)
        assert (export.status, export.profile) == ("ready", "mp4-360p") and export.size
        await following
    assert [found.id async for found in client.exports(project.id)] == [asked.id]
    facts = ["ProjectCreated", "VersionCommitted", "ProxyRendered", "ExportRequested", "ExportRendered"]
    assert [name for name in types if name != "progress"] == facts
    assert "progress" in types
