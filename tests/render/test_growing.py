"""Segments of a film that is still being written."""

from __future__ import annotations

from pathlib import Path

import pytest

from cutlog.contract.time import Fps
from services.render.cache.growing import Growing
from services.render.cache.packets import BrokenFilmError, Film, read_film, unseal
from services.render.compile import compile_run
from services.render.plan.profiles import EXPORTS, PROXY, Profile
from services.render.plan.segments import plan
from tests.render.timelines import lane, solid, timeline
from tests.support.encoders import bundled

FPS = Fps(25, 1)
COLORS = ("#ff0000", "#00ff00", "#0000ff", "#ffffff")
LENGTHS = (25, 20, 10, 5)


async def film(folder: Path, profile: Profile) -> bytes:
    """What one process of ffmpeg writes of segments of these colours and lengths."""
    starts = (0, 25, 45, 55)
    clips = [solid(at, frames, color) for at, frames, color in zip(starts, LENGTHS, COLORS, strict=True)]
    segments = list(plan(timeline(lane(*clips), size=(64, 36)), profile, "e").encoded().values())
    assert tuple(segment.frames for segment in segments) == LENGTHS
    run = compile_run(segments, (64, 36), FPS, profile.encoder(FPS.fraction), {}, 1)
    await bundled().run(run.args, reads=run.reads, writes=folder)
    return (folder / "run.mp4").read_bytes()


def films(segments: list[bytes]) -> list[Film]:
    return [read_film(unseal(segment), FPS) for segment in segments]


@pytest.mark.few(1, reason="one more encoder of its kind")
@pytest.mark.parametrize("profile", [EXPORTS["mp4"], PROXY, EXPORTS["prores"]], ids=lambda profile: profile.name)
async def test_a_segment_is_there_once_its_last_picture_is_written(tmp_path: Path, profile: Profile) -> None:
    data = await film(tmp_path, profile)
    whole = films(Growing(tmp_path / "run.mp4", FPS, LENGTHS).whole(ended=True))
    assert [len(each.packets) for each in whole] == list(LENGTHS)
    path = tmp_path / "growing.mp4"
    growing, found = Growing(path, FPS, LENGTHS), []
    assert growing.whole(ended=False) == [], "there is no file yet"
    counts = []
    for written in (*range(0, len(data), max(1, len(data) // 40)), len(data)):
        path.write_bytes(data[:written])
        found += growing.whole(ended=False)
        counts.append(len(found))
    assert films(found + growing.whole(ended=True)) == whole, "the same, however often somebody looked"
    assert {1, 2, 3} <= set(counts) and counts == sorted(counts), "each as soon as it is whole"


async def test_a_film_that_ends_early_is_refused_but_for_what_is_whole(tmp_path: Path) -> None:
    data = await film(tmp_path, PROXY)
    (tmp_path / "run.mp4").write_bytes(data[: len(data) * 9 // 10])
    growing = Growing(tmp_path / "run.mp4", FPS, LENGTHS)
    assert 0 < len(growing.whole(ended=False)) < len(LENGTHS)
    with pytest.raises(BrokenFilmError):
        growing.whole(ended=True)
