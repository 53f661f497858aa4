"""A store whose projects are one video each, with effects over it: films arrive, and what was rendered stays usable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cutlog.contract.timeline import Clip, MediaSource
from tests.backfill.conftest import House
from tests.backfill.legacy_store import effects, write

slow = pytest.mark.slow(reason="moves a store into a whole stack, seconds each")


@pytest.fixture
def store(tmp_path: Path, films: tuple[bytes, bytes]) -> tuple[Path, dict[str, Any]]:
    return tmp_path / "legacy", effects(tmp_path / "legacy", films, 2.0)


async def film(house: House, project: str, version: int | None = None) -> list[Clip]:
    """The clips of the lowest track."""
    timeline = await house.client.timeline(project, version)
    return list(timeline.tracks[0].clips) if timeline.tracks else []


@slow
async def test_projects_arrive_as_the_films_that_they_were(house: House, store: tuple[Path, dict[str, Any]]) -> None:
    root, ids = store
    lines = house.lines(root)
    means = lines[-1]["conventions"]
    assert (means["wholeFilm"], means["time"], means["volume"]) == (True, "seconds", "percent")
    odd = {(line["id"], line["what"]) for line in lines if line["item"] == "oddity"}
    assert not [what for _, what in odd if "nothing refers to" in what or "not below uploads" in what], odd

    looks = await house.client.project(ids["looks"])
    assert (looks.name, looks.current_version, looks.duration) == ("looks", 3, 50)
    assert looks.imported is not None and looks.imported.kept_from is None, "snow and blur freeze nothing"
    assert (looks.canvas.width, looks.canvas.height, looks.canvas.fps.num) == (640, 360, 25)
    (clip,) = await film(house, ids["looks"], 1)
    assert isinstance(clip.source, MediaSource)
    assert (clip.at, clip.frames, clip.source.media, clip.source.start) == (0, 50, ids["va"], 0)
    (clip,) = await film(house, ids["looks"])
    assert clip.flip_h and clip.gain_db == -6.0206
    kept = {edit.version: [op["effect"] for op in edit.legacy or ()] async for edit in house.client.edits(ids["looks"])}
    assert kept == {1: ["snow"], 2: [], 3: ["blur"]}

    (clip,) = await film(house, ids["cuts"], 1)
    assert isinstance(clip.source, MediaSource)
    assert (clip.at, clip.frames, clip.source.start, clip.source.end) == (0, 15, 5, 20)
    titles = (await house.client.timeline(ids["cuts"])).tracks[1].clips
    assert [(each.at, each.frames) for each in titles] == [(5, 5)]
    (clip,) = await film(house, ids["fresh"])
    assert clip.frames == 50 and (await house.client.project(ids["fresh"])).current_version == 1
    assert {video.name async for video in house.client.videos()} == {"holiday va.mp4", "holiday vb.mp4"}
    assert not house.lines(root)[-1]["resumed"]


@slow
async def test_what_was_rendered_there_stays_usable(house: House, store: tuple[Path, dict[str, Any]]) -> None:
    root, ids = store
    house.lines(root, "--no-pin")
    looks, old = await house.client.project(ids["looks"]), await house.client.project(ids["old"])
    exports = {export.version: export async for export in house.client.exports(ids["looks"])}
    assert {version: (each.status, each.pinned) for version, each in exports.items()} == {
        1: ("ready", True), 2: ("archived", False), 3: ("ready", False),
    }  # fmt: skip
    assert (looks.latest_proxy_version, looks.latest_export_version) == (3, 3)
    (before,) = [export async for export in house.client.exports(ids["old"])]
    assert (before.status, before.pinned) == ("ready", True) and old.latest_export_key == before.key
    ask = house.client.transport.ask
    path = f"/api/projects/{ids['looks']}/export"
    known = await ask(dict[str, Any], "POST", path, json={"version": 3, "profile": "mp4"}, key="k")
    assert (known["id"], known["status"]) == (exports[3].id, "ready"), "it is not rendered again"


@slow
async def test_an_export_that_only_its_project_names_is_found(house: House, store: tuple[Path, dict[str, Any]]) -> None:
    root, ids = store
    write(root, exportVersions=[])
    lines = house.lines(root)
    (before,) = [export async for export in house.client.exports(ids["old"])]
    assert (before.version, before.status, before.pinned) == (1, "ready", True)
    assert any("is in no row of data/exportVersions.json" in line["what"] for line in lines if line["item"] == "oddity")


@slow
async def test_a_dry_run_counts_what_the_run_counts(house: House, store: tuple[Path, dict[str, Any]]) -> None:
    root, _ = store
    dry, lines = house.lines(root, "--dry-run"), house.lines(root)
    assert dry[-1]["kept"] == lines[-1]["kept"] and dry[-1]["found"] == lines[-1]["found"]
    assert [line for line in dry if line["item"] == "kept"] == [line for line in lines if line["item"] == "kept"]


@slow
async def test_what_the_owner_of_a_store_says_of_its_words_counts(
    house: House, store: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    root, ids = store
    row = {"projectId": ids["looks"], "version": 1, "timestamp": "2025-10-27T09:00:00Z"}
    ops = [
        {"type": "effect", "effect": "wipeOut", "parameters": {"begin": 200, "finish": 400, "client": "web"}},
        {"type": "loudness", "parameters": {"amount": 3}}, {"type": "aurora"},
    ]  # fmt: skip
    write(root, editOperations=[row | {"ops": ops}], exportVersions=[])
    projects = json.loads((root / "data" / "projects.json").read_text())
    write(root, projects=[each | {"currentVersion": 1} for each in projects if each["_id"] == ids["looks"]])
    words = {
        "wipe-out": {"kind": "cut", "arguments": {"begin": "start", "finish": "end"}},
        "loudness": {"kind": "volume", "arguments": {"amount": "volume"}}, "aurora": {"kind": "look"},
    }  # fmt: skip
    said = {"time": "milliseconds", "volume": "factor", "words": words, "ignored": ["client"]}
    mapping = tmp_path / "map.json"
    mapping.write_text(json.dumps(said | {"colour": 1}))
    refused = house.backfill(root, "--map", str(mapping))
    assert refused.returncode == 2 and "colour" in refused.stderr
    mapping.write_text(json.dumps(said))
    lines = house.lines(root, "--map", str(mapping))
    clips = await film(house, ids["looks"])
    assert [(clip.at, clip.frames, clip.gain_db) for clip in clips] == [(0, 5, 9.5424), (5, 40, 9.5424)]
    (kept,) = [line for line in lines if line["item"] == "kept"]
    assert kept["live"] and "'look'" in kept["why"]
