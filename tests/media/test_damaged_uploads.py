"""Damaged files over HTTP: an answer in words, never a 500."""

from __future__ import annotations

from typing import Final

import pytest

from tests.corpus.damage import damaged
from tests.media.conftest import House

#: Of each kind of container one goes over HTTP, too.
UPLOADED: Final = (
    "h264-bframes.avi", "fragmented.mp4", "opengop-h264.mkv", "opengop-mpeg2.ts", "hidden-frames-vp8.webm",
    "cover-not-flagged.m4a", "theora.ogv", "prores.mov",
)  # fmt: skip


@pytest.mark.fuzz
@pytest.mark.parametrize("name", UPLOADED)
async def test_a_damaged_upload_is_never_answered_500(running: House, name: str) -> None:
    client = running.client()
    for done, data in damaged(name, 1):
        answer = await client.upload(data or b"\0", name=name)
        assert answer.status in (200, 201, 422), (done, answer.body)
        if answer.status == 201:
            assert (await client.ready(answer.body["id"]))["status"] in ("ready", "failed"), done
