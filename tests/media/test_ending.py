"""Work on a video ends when nobody wants the video any more, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cutlog.contract.keys import revision_of
from tests.media.conftest import House
from tests.support.fsck import assert_sound, services
from tests.support.painting import Painter
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts media, ops, NATS and a database for one more case of its kind")


def at_work(house: House) -> list[int]:
    """Processes of ffmpeg that read a file of the store."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue  # it has just ended
            if b"-progress" in command and str(house.objects).encode() in command:
                found.append(int(folder.name))
    return found


async def under_way(house: House) -> None:
    """Returns when ffmpeg is at an edit proxy."""

    async def begun() -> bool:
        return bool(await house.rows("SELECT FROM video WHERE progress > 0")) and len(at_work(house)) == 1

    await eventually(begun)


async def proven(house: House) -> None:
    """Whatever was made is gone, and everything agrees."""
    await house.tidied()
    async with services(house.settings_for, "ops", "media") as parts:
        await assert_sound(parts)


async def test_deleting_a_video_ends_ffmpeg_and_leaves_nothing_of_it(
    running: House, endless: Callable[[int], Path]
) -> None:
    clip, client = endless(4000), running.client()
    video = (await client.upload(clip)).body
    await under_way(running)
    assert (await client("DELETE", f"/api/videos/{video['id']}")).body == {"refCount": 0}
    await eventually(lambda: not at_work(running))
    await proven(running)
    assert running.files() == [f"videos/default/{video['sha256']}.0.mp4"], "what gc collects"
    last = (await running.events())[-1]
    assert (last[1], last[2]["reason"]) == ("MediaFailed", "it was deleted before it was processed")


@slow
async def test_a_deleted_video_that_is_uploaded_again_is_processed_again(running: House, painted: Painter) -> None:
    clip, client = painted(30, 900, (160, 90)), running.client()
    video = (await client.upload(clip)).body
    await under_way(running)
    await client("DELETE", f"/api/videos/{video['id']}")
    again = await client.upload(clip)
    assert (again.status, again.body["id"], again.body["status"]) == (200, video["id"], "processing")
    assert (await client.ready(video["id"]))["status"] == "ready"
    await proven(running)
    made = next(data["renditions"] for _, kind, data in await running.events() if kind == "MediaReady")
    assert all(revision_of(each["key"]) for each in made.values() if each), "what was removed had other keys"


@slow
async def test_an_examination_of_a_deleted_video_ends_and_its_renditions_stay(running: House, painted: Painter) -> None:
    clip, client = painted(30, 900, (160, 90)), running.client()
    video = (await client.upload(clip)).body
    await client.ready(video["id"])
    await running.tidied()
    made = running.files("derived")
    await running.client(role="operator")("POST", "/api/videos/examine", {"ids": [video["id"]]})
    await under_way(running)
    await client("DELETE", f"/api/videos/{video['id']}")
    await eventually(lambda: not at_work(running))
    await proven(running)
    assert running.files("derived") == made
    assert [row["status"] for row in await running.rows("SELECT status FROM video")] == ["ready"]


@slow
async def test_of_what_failed_nothing_is_left_but_its_poster(running: House, endless: Callable[[int], Path]) -> None:
    client = running.client()
    video = (await client.upload(endless(4000))).body
    await under_way(running)
    await running.rows("UPDATE video SET derive_run = derive_run + 1, derive_left = -1, derive_at = clock_timestamp()")
    assert (await client.ready(video["id"]))["status"] == "failed"
    await eventually(lambda: not at_work(running))
    await proven(running)
    assert [key.rpartition("/")[2] for key in running.files("derived")] == ["thumbnail.jpg"], "it is shown"
