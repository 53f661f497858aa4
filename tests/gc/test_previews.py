"""Frames and thumbnails that a viewer's GET stored have a class of their own, a time to live and a plan."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cutlog.contract.keys import CacheKey, Content, ThumbnailKey
from tests.gc.house import EAGER, House, house
from tests.support.configuration import SettingsFactory

pytestmark = pytest.mark.slow(reason="starts ops, gc, NATS and a database for one more case of its kind")

DAY = 86_400


@pytest.fixture
async def home(settings_for: SettingsFactory) -> AsyncIterator[House]:
    async with house(settings_for) as made:
        yield made


async def written(home: House, key: str, days: float, size: int = 5) -> str:
    """An object that was written some days ago."""
    await home.blobs.put_bytes(key, b"j" * size)
    moment = time.time() - days * DAY
    os.utime(home.objects / key, (moment, moment))
    return key


async def offered(home: House, **policy: Any) -> dict[str, int]:
    body = {"policy": EAGER | policy, "classes": ["preview"]}
    plan = await home.gc("POST", "/calculate", body)
    assert {each["class"] for each in plan["candidates"]} <= {"preview"}
    return {each["id"]: each["size"] for each in plan["candidates"]}


async def test_previews_go_after_their_time_to_live_and_segments_are_none(home: House) -> None:
    await home.media("m")
    content = Content("default", hashlib.sha256(b"m").hexdigest(), 1)
    thumbnails = [str(ThumbnailKey(content, frame)) for frame in (0, 7)]
    frames = [str(CacheKey("default", digest * 32, "jpeg")) for digest in ("aa", "bb")]
    lossless = str(CacheKey("default", "cc" * 32, "png"))
    for young, aged in (thumbnails, frames):
        await written(home, young, 6.9)
        await written(home, aged, 7.1)
    await written(home, lossless, 7.1, size=9)
    for kind in ("mp4", "pcm", "json"):
        await written(home, str(CacheKey("default", "dd" * 32, kind)), 1000)
    old = {thumbnails[1]: 5, frames[1]: 5, lossless: 9}
    assert await offered(home) == old, "seven days by default"
    assert (await home.gc("GET", "/policy"))["previewTtlDays"] == 7
    assert await offered(home, previewTtlDays=8) == {}
    assert await offered(home, previewTtlDays=0, minAgeHours=24 * 8) == {}

    verdict = await home.gc("GET", f"/explain?id={thumbnails[0]}")
    assert verdict["verdict"] == "kept" and verdict["reasons"][0]["rule"] == "ttl"
    assert "previewTtlDays 7" in verdict["reasons"][0]["detail"]
    assert (await home.gc("GET", f"/explain?id={lossless}"))["verdict"] == "candidate"

    shown = await home.http("GET", "/api/admin/storage")
    classes = {each["class"]: (each["objects"], each["bytes"]) for each in shown[1]["classes"]}
    assert classes["previews"] == (5, 29) and classes["segments"] == (3, 15)
    assert shown[1]["forecast"][0]["classes"]["preview"] == 19

    plan = await home.gc("POST", "/calculate", {"policy": EAGER, "classes": ["preview"]})
    await written(home, frames[1], 0)  # asked for again since the plan
    body = {"exportIds": [*old, thumbnails[0]], "confirm": plan["planHash"]}
    done = await home.gc("POST", "/delete", body)
    assert set(done["deleted"]) == {thumbnails[1], lossless} and done["bytesFreed"] == 14
    reasons = {each["exportId"]: each["reason"] for each in done["skipped"]}
    assert reasons[frames[1]].startswith("ttl: ") and reasons[thumbnails[0]] == "it is not in the plan"
    assert home.there("derived") == {thumbnails[0], f"{content.folder}/proxy.mp4"}


async def test_thumbnails_of_a_deleted_video_are_leftovers_and_others_keep_theirs(home: House) -> None:
    gone = await written(home, str(ThumbnailKey(Content("default", "ab" * 32, 1), 3)), 30)
    foreign = await written(home, str(ThumbnailKey(Content("zeta", "ab" * 32, 1), 3)), 30)
    plan = await home.gc("POST", "/calculate", {"policy": EAGER, "classes": ["preview", "leftover"]})
    assert [(each["class"], each["id"]) for each in plan["candidates"]] == [("leftover", gone)]
    done = await home.gc("POST", "/delete", {"exportIds": [gone, foreign], "confirm": plan["planHash"]})
    assert done["deleted"] == [gone] and home.there("derived") == {foreign}
