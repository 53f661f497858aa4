"""Exports that are transparent where nothing is shown: `prores-4444` and `webm-alpha`."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import av
import imageio_ffmpeg
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from cutlog.contract.profiles import ExportProfile
from cutlog.contract.timeline import Crop
from tests.render.studio import Studio
from tests.render.timelines import lane, shot, solid, timeline, title
from tests.support import cutouts
from tests.support.cutouts import BAND, BAR, BLUE, FPS, HALF, RED, SIZE, bar_at

slow = pytest.mark.slow(reason="renders one more example of its kind")

edit = msgspec.structs.replace
PROFILES: Final[tuple[ExportProfile, ...]] = ("prores-4444", "webm-alpha")
DECODERS: Final[dict[ExportProfile, tuple[str, ...]]] = {"prores-4444": (), "webm-alpha": ("-c:v", "libvpx-vp9")}
CLOSE: Final = 14


def shown(path: Path, profile: ExportProfile, size: tuple[int, int] = SIZE) -> NDArray[np.int16]:
    """Every frame as straight RGBA, as another program reads it."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *DECODERS[profile], "-i", str(path)]
    command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgba", "pipe:1"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, size[1], size[0], 4).astype(np.int16)


def near(found: NDArray[np.int16], wanted: tuple[int, ...], by: int = CLOSE) -> bool:
    return bool(np.abs(found - np.array(wanted)).max() <= by)


@slow
@pytest.mark.parametrize("profile", PROFILES)
async def test_what_is_clear_in_the_project_is_clear_in_the_export(
    studio: Studio, tmp_path: Path, profile: ExportProfile
) -> None:
    """Over more than one segment; in a gap nothing is seen, whatever the background."""
    media = await studio.ingest("m", cutouts.made(tmp_path / "qtrle.mov"))
    top = lane(shot(0, 0, 10, "m"), shot(60, 0, 12, "m"))
    film = timeline(top, library=[media], size=SIZE, fps=FPS, background="#ffffff")
    frames = shown(studio.path(await studio.export(film, profile)), profile)
    assert len(frames) == film.duration
    assert len(studio.pictures()) >= 2, "segments were joined"
    for number, source in [(0, 0), (4, 4), (9, 9), (60, 0), (66, 6), (71, 11)]:
        middle = frames[number, SIZE[1] // 2]
        bar = bar_at(source) + BAR // 2
        assert near(middle[bar], (*RED, 255)), (number, middle[bar])
        assert middle[4 if bar > 40 else 60, 3] <= 3, (number, "beside the bar")
        if bar + BAR < BAND:
            assert near(middle[150], (*BLUE, HALF)), (number, middle[150])
    assert frames[10:60, :, :, 3].max() == 0, "the gap"


@slow
@pytest.mark.parametrize("profile", PROFILES)
async def test_colours_titles_looks_and_blends_lie_on_nothing(studio: Studio, profile: ExportProfile) -> None:
    half = edit(solid(0, 4, "#c81e1e"), crop=Crop(right=0.5), opacity=0.5)
    screen = edit(solid(4, 4, "#1e1ec8"), crop=Crop(left=0.5), blend="screen")
    film = timeline(lane(half, screen), lane(title(8, 4, "MMMM", size=0.5), number=1), size=SIZE, fps=FPS, duration=12)
    frames = shown(studio.path(await studio.export(film, profile)), profile)
    assert near(frames[1, 48, 40], (200, 30, 30, 128))
    assert frames[1, 48, 120, 3] == 0
    assert near(frames[5, 48, 120], (30, 30, 200, 255)), "blended with nothing, a colour is itself"
    assert frames[5, 48, 40, 3] == 0
    assert frames[9, :, :, 3].max() >= 250
    assert frames[9, 2, 2, 3] == 0


@slow
async def test_blended_over_something_it_is_what_it_is_elsewhere(studio: Studio) -> None:
    below = edit(solid(0, 2, "#404040"), crop=Crop(right=0.5))
    film = timeline(
        lane(below), lane(edit(solid(0, 2, "#1e1ec8"), blend="add"), number=1), size=SIZE, fps=FPS, duration=2
    )
    frame = shown(studio.path(await studio.export(film, "prores-4444")), "prores-4444")[1]
    assert near(frame[48, 40], (94, 94, 255, 255))
    assert near(frame[48, 120], (30, 30, 200, 255))


@slow
@pytest.mark.parametrize(
    ("profile", "codec", "sound"), [("prores-4444", "prores", "pcm_s24le"), ("webm-alpha", "vp9", "opus")]
)
async def test_other_programs_are_told_of_the_alpha(
    studio: Studio, tmp_path: Path, profile: ExportProfile, codec: str, sound: str
) -> None:
    media = await studio.ingest("m", cutouts.made(tmp_path / "qtrle.mov"))
    film = timeline(lane(shot(0, 0, 4, "m")), library=[media], size=SIZE, fps=FPS)
    output = await studio.export(film, profile)
    with av.open(str(studio.path(output)), "r") as made:
        video, audio = made.streams.video[0], made.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == (codec, sound)
        if profile == "webm-alpha":
            assert b"\x53\xc0\x81\x01" in studio.path(output).read_bytes()[:2000], "AlphaMode is 1"
            assert all(p.has_sidedata("matroska_block_additional") for p in made.demux(video=0) if p.size)
        else:
            assert (video.codec_context.pix_fmt, video.codec_context.codec_tag) == ("yuva444p12le", "ap4h")
    again = await studio.ingest("again", studio.path(output))
    assert again.facts.alpha is True, "it can be uploaded and composited in turn"
    assert output.key.endswith({"prores-4444": "v1_prores-4444.mov", "webm-alpha": "v1_webm-alpha.webm"}[profile])
