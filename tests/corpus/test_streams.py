"""Files of several streams: which one is chosen, and what a clip shows and plays that names others."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import msgspec
import pytest
from msgspec import UNSET

from cutlog.contract.timeline import ClipStreams, FreezeSource, MediaSource, Timeline
from services.render.plan.streams import with_streams
from tests.corpus.bench import Bench
from tests.corpus.listening import tone
from tests.corpus.records import ClipOf, Project
from tests.support.painting import Image, pictures, samples

slow = pytest.mark.slow(reason="one more file with its proxy and export")

PROJECT = Project(fps=(24, 1))
RED, GREEN, BLUE = (254, 0, 0), (0, 128, 0), (0, 0, 254)
#: In the file's order, after a cover. Green and the third sound are flagged as the default.
PICTURES, SOUNDS = {1: RED, 2: GREEN, 3: BLUE}, {4: 440, 5: 660, 6: 880}


def ffmpeg(*args: str) -> None:
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *args], check=True)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A cover that is not flagged, three pictures of different sizes and rates, three languages."""
    inputs = ["-f", "lavfi", "-i", "color=white:s=64x64:d=0.04:r=25"]
    for color, size, rate in (("red", "320x180", 24), ("green", "640x360", 24), ("blue", "320x240", 48)):
        inputs += ["-f", "lavfi", "-i", f"color={color}:s={size}:d=2:r={rate}"]
    for hertz in SOUNDS.values():
        inputs += ["-f", "lavfi", "-i", f"sine={hertz}:r=48000:d=2"]
    maps = [part for number in range(7) for part in ("-map", f"{number}:0")]
    codecs = ["-c:v:0", "mjpeg", "-pix_fmt:v:0", "yuvj420p"]
    for number in (1, 2, 3):
        codecs += [f"-c:v:{number}", "libx264", f"-pix_fmt:v:{number}", "yuv420p"]
    flags = ["-disposition:v", "0", "-disposition:a", "0", "-disposition:v:2", "default", "-disposition:a:2", "default"]
    tags = ["-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=fra", "-metadata:s:a:2", "language=deu"]
    path = tmp_path / "recording.mkv"
    ffmpeg(*inputs, *maps, *codecs, "-c:a", "aac", *flags, *tags, str(path))
    return path


def naming(film: Timeline, streams: ClipStreams, *, freeze: bool = False) -> Timeline:
    """The film with its clip naming these streams, as render gets it."""
    track = film.tracks[0]
    source = track.clips[0].source
    assert isinstance(source, MediaSource)
    new: MediaSource | FreezeSource = msgspec.structs.replace(source, stream=streams)
    if freeze:
        new = FreezeSource(media=source.media, frame=3, stream=streams)
    clip = msgspec.structs.replace(track.clips[0], source=new, fit="stretch")
    return with_streams(msgspec.structs.replace(film, tracks=(msgspec.structs.replace(track, clips=(clip,)),)))


def is_of(image: Image, color: tuple[int, int, int]) -> bool:
    middle = image[image.shape[0] // 2, image.shape[1] // 2]
    return all(abs(int(a) - b) <= 12 for a, b in zip(middle, color, strict=True))


@slow
async def test_the_flagged_streams_are_chosen_and_all_are_told(bench: Bench, recording: Path) -> None:
    media = await bench.ingest(recording)
    streams = media.facts.streams
    assert streams is not UNSET
    assert [(stream.index, stream.kind) for stream in streams] == [
        (0, "video"), (1, "video"), (2, "video"), (3, "video"), (4, "audio"), (5, "audio"), (6, "audio"),
    ]  # fmt: skip
    assert [stream.index for stream in streams if stream.chosen] == [2, 6]
    assert [stream.index for stream in streams if stream.default] == [2, 6]
    assert [stream.index for stream in streams if stream.attached] == [0]
    assert [stream.index for stream in streams if stream.usable] == [1, 2, 3, 4, 5, 6]
    assert [stream.language for stream in streams if stream.kind == "audio"] == ["eng", "fra", "deu"]
    assert (media.facts.width, media.facts.height, media.kind) == (640, 360, "video")
    made = {
        stream.index: (stream.proxy is not None, stream.audio is not None) for stream in media.renditions.streams or ()
    }
    assert made == {1: (True, False), 3: (True, False), 4: (False, True), 5: (False, True)}


@slow
@pytest.mark.parametrize(("video", "audio"), [(None, None), (1, 4), (3, None), (None, 5), (2, 6)])
async def test_a_clip_shows_and_plays_the_streams_that_it_names(
    bench: Bench, recording: Path, video: int | None, audio: int | None
) -> None:
    media = await bench.ingest(recording)
    named = ClipStreams(video=UNSET if video is None else video, audio=UNSET if audio is None else audio)
    film = naming(bench.film(media, PROJECT, ClipOf(start=0, end=40)), named)
    color, hertz = PICTURES[video or 2], SOUNDS[audio or 6]
    for path in (await bench.proxy(film), await bench.export(film)):
        shown = list(pictures(path))
        assert len(shown) == 40 and all(is_of(image, color) for image in shown)
        heard = tone(samples(path))
        assert heard is not None and abs(heard - hertz) < 3
    assert is_of(await bench.still(film, 20), color)


@slow
async def test_a_frozen_frame_is_one_of_the_stream_that_it_names(bench: Bench, recording: Path) -> None:
    media = await bench.ingest(recording)
    film = naming(bench.film(media, PROJECT, ClipOf(start=0, end=10)), ClipStreams(video=3), freeze=True)
    for path in (await bench.proxy(film), await bench.export(film)):
        assert all(is_of(image, BLUE) for image in pictures(path))


@slow
async def test_music_with_a_cover_that_is_not_flagged_is_no_film(bench: Bench, tmp_path: Path) -> None:
    cover = tmp_path / "cover.png"
    ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", str(cover))
    for name, codec in (("m.mkv", "flac"), ("m.mp4", "aac"), ("m.mov", "pcm_s16le"), ("n.mka", "libvorbis")):
        path = tmp_path / name
        ffmpeg("-f", "lavfi", "-i", "sine=440:d=3", "-i", str(cover), "-map", "0:a", "-map", "1:v", "-c:a", codec,
               "-c:v", "png" if name != "m.mp4" else "mjpeg", "-disposition:v", "0", str(path))  # fmt: skip
        media = await bench.ingest(path)
        assert (media.kind, media.facts.fps) == ("audio", None), name
        assert round(float(media.facts.duration), 1) == 3, name


@slow
async def test_motion_jpeg_with_sound_is_a_film(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "m.avi"
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:r=5:d=2", "-f", "lavfi", "-i", "sine=440:d=2", "-c:v", "mjpeg",
           "-c:a", "pcm_s16le", str(path))  # fmt: skip
    media = await bench.ingest(path)
    assert (media.kind, media.facts.frames) == ("video", 10)
