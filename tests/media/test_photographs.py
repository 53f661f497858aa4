"""Photographs are taken in whatever they are called."""

from __future__ import annotations

import pytest

from tests.media.conftest import House
from tests.support.painting import pictures
from tests.support.photographs import (
    CLOSE,
    HEIGHT,
    WIDTH,
    animation,
    bomb,
    furthest,
    heif,
    jpeg,
    quarters,
    seen,
)

slow = pytest.mark.slow(reason="starts media, ops, NATS and a database for one more case of its kind")


@slow
@pytest.mark.parametrize("name", ["photo.jpg", "photo.png", "photo.mp4"])
async def test_a_photograph_is_ready_and_has_a_thumbnail(running: House, name: str) -> None:
    client = running.client()
    answer = await client.upload(jpeg(quarters()), name=name)
    assert (answer.status, answer.body["kind"]) == (201, "image")
    ready = await client.ready(answer.body["id"])
    assert (ready["status"], ready["facts"]["width"], ready["facts"]["height"]) == ("ready", WIDTH, HEIGHT)
    (original,) = running.files("videos")
    assert original.endswith(".0.jpg")
    (thumbnail,) = running.files("derived")
    assert furthest(seen(next(pictures(running.objects / thumbnail)))) <= CLOSE


@slow
async def test_a_phones_photograph_is_stored_with_what_it_was_rewritten_as(running: House) -> None:
    client = running.client()
    answer = await client.upload(heif(quarters(), orientation=6), name="IMG_0001.HEIC")
    assert (answer.status, answer.body["kind"]) == (201, "image")
    ready = await client.ready(answer.body["id"])
    assert (ready["status"], ready["facts"]["width"], ready["facts"]["height"]) == ("ready", WIDTH, HEIGHT)
    (original,) = running.files("videos")
    assert original.endswith(".0.heic")
    master, thumbnail = running.files("derived")
    assert master.endswith("/master.png")
    for file in (master, thumbnail):
        assert furthest(seen(next(pictures(running.objects / file)))) <= CLOSE
    told = next(data for _, kind, data in await running.events() if kind == "MediaReady")
    assert told["renditions"]["master"]["key"] == master


@slow
async def test_an_animation_is_a_video_at_once_and_when_it_is_ready(running: House) -> None:
    client = running.client()
    data = animation([(200, 30, 30, 255), (30, 200, 30, 255)], [100, 500])
    answer = await client.upload(data, name="moving.webp")
    assert (answer.status, answer.body["kind"], answer.body["facts"]["duration"]) == (201, "video", "0.6")
    ready = await client.ready(answer.body["id"])
    assert (ready["status"], ready["facts"]["duration"], ready["facts"]["frames"]) == ("ready", "0.6", 6)
    assert ready["facts"]["videoCodec"] == "webp"


@slow
async def test_a_bomb_is_refused_with_its_size(running: House) -> None:
    answer = await running.client().upload(bomb(), name="bomb.tif")
    assert answer.status == 422
    assert "60000 × 60000" in answer.body["errors"][0]["detail"]
    assert running.files() == []
