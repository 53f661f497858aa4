"""Photographs are taken in whatever they are called."""

from __future__ import annotations

import pytest

from tests.media.conftest import House
from tests.support.painting import pictures
from tests.support.photographs import CLOSE, HEIGHT, WIDTH, furthest, jpeg, quarters, seen


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
