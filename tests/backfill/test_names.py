"""What rows say beside their films stays: names, titles, dates, other fields; and ids of videos that became one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cutlog.client import NotFound
from cutlog.client.errors import Invalid
from cutlog.contract.timeline import MediaSource
from tests.backfill.conftest import House
from tests.backfill.legacy_store import effects, place, write

slow = pytest.mark.slow(reason="moves a store into a whole stack, seconds each")

AT = datetime(2025, 10, 27, 9, 0, 0, 123_000, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path, films: tuple[bytes, bytes]) -> tuple[Path, dict[str, Any]]:
    """The store of effects, in which the first video was uploaded once more, and cut in one more project."""
    root = tmp_path / "legacy"
    ids = effects(root, films, 2.0)
    ids |= {"again": "again-" + ids["va"], "copy": "copy-" + ids["looks"]}
    videos, projects = (json.loads((root / "data" / f"{name}.json").read_text()) for name in ("videos", "projects"))
    place(root, "videos/stored-c.mp4", films[0])
    videos.append(videos[0] | {
        "_id": ids["again"], "title": "The same", "originalName": "copy.mp4", "filePath": "uploads/videos/stored-c.mp4",
        "filename": "stored-c.mp4", "createdAt": "2025-11-01T00:00:00Z",
    })  # fmt: skip
    projects.append({"_id": ids["copy"], "title": "copy", "videoId": ids["again"], "currentVersion": 1})
    write(root, videos=videos, projects=projects)
    return root, ids


async def ask(house: House, path: str) -> dict[str, Any]:
    return await house.client.transport.ask(dict[str, Any], "GET", path)


@slow
async def test_names_dates_and_other_fields_are_kept_and_shown(
    house: House, store: tuple[Path, dict[str, Any]]
) -> None:
    root, ids = store
    lines = house.lines(root)
    looks = await house.client.project(ids["looks"])
    user = json.loads((root / "data" / "projects.json").read_text())[0]["userId"]
    assert looks.created_at == AT
    assert looks.metadata == {"userId": user, "settings": {"resolution": "640x360", "fps": 25}, "status": "draft"}
    listed = {each.id: each.metadata async for each in house.client.projects()}
    assert listed[ids["looks"]] == looks.metadata and listed[ids["copy"]] is None
    assert (await house.client.project(ids["copy"])).created_at is not None
    times = [edit.at async for edit in house.client.edits(ids["looks"])]
    assert times == [AT + timedelta(minutes=version) for version in (1, 2, 3)]
    exports = [each async for each in house.client.exports(ids["looks"])]
    assert {each.created_at for each in exports} == {AT + timedelta(minutes=10)}
    assert all(each.metadata == {"resolution": "1920x1080", "format": "mp4"} for each in exports)

    for video_id in (ids["va"], ids["again"]):
        video = await house.client.video(video_id)
        assert (video.id, video.name, video.created_at, video.ref_count) == (ids["va"], "holiday va.mp4", AT, 2)
        first, second = video.imported or ()
        assert (first.legacy_id, first.alias, first.name, first.created_at) == (ids["va"], None, "holiday va.mp4", AT)
        assert first.metadata is not None and first.metadata["title"] == "Clip va" and first.metadata["userId"] == user
        assert (second.legacy_id, second.alias, second.name) == (ids["again"], ids["again"], "copy.mp4")
        assert second.metadata is not None and second.metadata["title"] == "The same"
    assert len([each async for each in house.client.videos()]) == 2
    told = {(line["file"], line["what"]) for line in lines if line["item"] == "oddity"}
    for file, field, rows in (("projects", "userId", 4), ("videos", "title", 3), ("exportVersions", "format", 4)):
        assert (f"data/{file}.json", f"the field {field!r} of {rows} rows has no place here") in told


@slow
async def test_ids_of_videos_that_became_one_go_on_to_be_good(house: House, store: tuple[Path, dict[str, Any]]) -> None:
    root, ids = store
    run = house.lines(root)[-1]["run"]
    (clip,) = (await house.client.timeline(ids["copy"])).tracks[0].clips
    assert isinstance(clip.source, MediaSource) and clip.source.media == ids["va"]
    assert house.rollback(run).returncode == 0
    for video_id in (ids["va"], ids["again"]):
        with pytest.raises(NotFound):
            await house.client.video(video_id)

    for _ in range(2):  # a second run changes nothing about it
        house.lines(root)
    assert len((await house.client.video(ids["again"])).imported or ()) == 2
    project = await house.client.create_project("new")
    await house.client.commit(project.id, [
        {"op": "track.add", "track": "t", "kind": "video"},
        {"op": "clip.add", "clip": "c", "track": "t", "at": 0, "media": ids["again"], "in": 0, "out": 10},
    ])  # fmt: skip
    await house.client.commit(project.id, [{"op": "clip.replace", "clip": "c", "media": ids["again"], "in": 5}])
    sent = [op async for edit in house.client.edits(project.id) for op in edit.ops]
    assert [op["media"] for op in sent if "media" in op] == [ids["va"], ids["va"]], "the log knows no other ids"
    wrong = {"op": "clip.replace", "clip": "c", "media": "nobody", "in": 5}
    with pytest.raises(Invalid):
        await house.client.commit(project.id, [wrong])
    path = f"/api/videos/{ids['again']}"
    released = await house.client.transport.ask(dict[str, Any], "DELETE", path, key="one less")
    assert released == {"refCount": 1} and (await house.client.video(ids["va"])).ref_count == 1
