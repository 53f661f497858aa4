"""Sources as they come: turned, squeezed, irregular, late, odd, in containers of all kinds."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import pytest

from cutlog.contract.time import Fps
from tests.render.studio import Studio, packet_times
from tests.render.timelines import lane, sequence, solid, timeline
from tests.support.lanes import later
from tests.support.painting import Mark, Painter, read_marks, read_tones, samples, tone

RATE = Fps(25, 1)
FRAMES = 80


def ffmpeg(*args: str | Path) -> None:
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *args], check=True)


@dataclass(frozen=True)
class Trap:
    """How a painted clip is made troublesome: `encode` it again, then `copy` it into another file."""

    name: str
    encode: Sequence[str] = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "14", "-c:a", "aac")
    filters: str = "null"
    before: Sequence[str] = ()
    after: Sequence[str] = ("-map", "0")
    suffix: str = ".mp4"
    size: tuple[int, int] = (320, 180)
    missing: frozenset[int] = field(default_factory=frozenset)
    """Frames that are not in the file: the one before is on screen in their place."""

    def make(self, painted: Painter, folder: Path) -> Path:
        clip = painted(25, FRAMES, self.size, audio=True, tag=1)
        again, out = folder / f"again{self.suffix}", folder / f"out{self.suffix}"
        ffmpeg("-i", clip, "-vf", self.filters, *self.encode, "-fps_mode", "passthrough", again)
        ffmpeg(*self.before, "-i", again, *self.after, "-c", "copy", out)
        return out

    def shown(self, number: int) -> int:
        while number in self.missing:
            number -= 1
        return number


DROPPED = frozenset(n for n in range(FRAMES) if n % 7 in (3, 4) or n in range(30, 38))
SELECT = "select='not(" + "+".join(f"eq(n,{n})" for n in sorted(DROPPED)) + ")'"

TRAPS = [
    Trap("irregular", filters=SELECT, missing=DROPPED),
    Trap("transport stream", suffix=".ts", encode=("-c:v", "libx264", "-bf", "2", "-c:a", "aac")),
    Trap("open GOPs", encode=("-c:v", "libx264", "-bf", "3", "-g", "12", "-x264-params", "open-gop=1", "-c:a", "aac")),
]
MORE = [
    Trap("turned by metadata", filters="transpose=cclock", before=("-display_rotation:v:0", "-90")),
    Trap("pixels twice as wide as high", filters="scale=160:180,setsar=2"),
    Trap("odd size", filters="scale=321:181", encode=("-c:v", "libx264", "-pix_fmt", "yuv444p", "-c:a", "aac")),
    Trap("sound first", after=("-map", "0:a", "-map", "0:v")),
    Trap(
        "more streams than are used", after=("-map", "0:v", "-map", "0:a", "-map", "0:v", "-map", "0:a", "-map", "0:a")
    ),
    Trap("matroska", suffix=".mkv"),
    Trap("webm", suffix=".webm", encode=("-c:v", "libvpx", "-b:v", "3M", "-deadline", "realtime", "-c:a", "libopus")),
    Trap("all intra, ten bits", suffix=".mov", encode=("-c:v", "prores_ks", "-profile:v", "1", "-c:a", "pcm_s24le")),
    Trap("full range", filters="scale=out_range=pc,format=yuvj420p"),
]


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
@pytest.mark.parametrize(
    "trap", [*TRAPS, *later("each renders a proxy and an export", *MORE)], ids=lambda trap: trap.name
)
async def test_the_right_frames_are_shown_and_heard(
    studio: Studio, painted: Painter, tmp_path: Path, trap: Trap
) -> None:
    media = await studio.ingest("m", trap.make(painted, tmp_path))
    assert media.facts.fps == RATE
    film = timeline(sequence((9, 30), (41, 35), (0, 5), of="m"), library=[media], size=(320, 180))
    numbers = [*range(9, 39), *range(41, 76), *range(5)]
    for output in (await studio.proxy(film), await studio.export(film)):
        path = studio.path(output)
        assert read_marks(path) == [Mark(1, trap.shown(number)) for number in numbers]
        heard = read_tones(samples(path), Fraction(25), len(numbers))
        # Tones are told in the middle of a frame; the ones at cuts, and those of another codec's rounding, may waver.
        wrong = [k for k, number in enumerate(numbers) if heard[k] is None or abs(heard[k] - number % 40) % 38 > 1]
        assert len(wrong) <= 3, [(k, numbers[k] % 40, heard[k]) for k in wrong]


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
@pytest.mark.parametrize("late", ["picture", "sound"])
async def test_what_starts_late_stays_in_step(studio: Studio, painted: Painter, tmp_path: Path, late: str) -> None:
    clip, out = painted(25, FRAMES, (320, 180), audio=True, tag=1), tmp_path / "late.mkv"
    picture, sound = ("0.4", "0") if late == "picture" else ("0", "0.4")
    ffmpeg(
        "-itsoffset",
        picture,
        "-i",
        clip,
        "-itsoffset",
        sound,
        "-i",
        clip,
        "-map",
        "0:v",
        "-map",
        "1:a",
        "-c",
        "copy",
        out,
    )
    media = await studio.ingest("m", out)
    film = timeline(sequence((20, 40), of="m"), library=[media], size=(320, 180))
    for output in (await studio.proxy(film), await studio.export(film)):
        path = studio.path(output)
        assert read_marks(path) == [Mark(1, number) for number in range(20, 60)]
        heard = read_tones(samples(path), Fraction(25), 40)
        # The sound of frame k + 10 comes with the picture of frame k, or the other way round.
        shift = 10 if late == "picture" else -10
        assert heard[5:35] == [(number + shift) % 40 for number in range(25, 55)]


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
async def test_surround_sound_is_mixed_down(studio: Studio, painted: Painter, tmp_path: Path) -> None:
    clip, out = painted(25, FRAMES, (320, 180), audio=True, tag=1), tmp_path / "surround.mp4"
    ffmpeg("-i", clip, "-c:v", "copy", "-af", "pan=5.1|FC=c0|FL=0*c0", "-c:a", "aac", out)
    media = await studio.ingest("m", out)
    assert media.facts.channels == 6
    path = studio.path(await studio.proxy(timeline(sequence((10, 40), of="m"), library=[media], size=(320, 180))))
    assert read_tones(samples(path), Fraction(25), 40)[2:38] == [number % 40 for number in range(12, 48)]
    assert tone(0) > 0


@pytest.mark.slow(reason="renders for seconds")
async def test_a_file_that_breaks_off_is_rendered_as_far_as_it_goes(
    studio: Studio, painted: Painter, tmp_path: Path
) -> None:
    clip, whole = painted(25, FRAMES, (320, 180), tag=1), tmp_path / "whole.mkv"
    ffmpeg("-i", clip, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "14", whole)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    media = await studio.ingest("m", cut)
    frames = media.facts.frames
    assert frames is not None
    assert 20 < frames < FRAMES
    film = timeline(sequence((5, frames - 5), of="m"), library=[media], size=(320, 180))
    for output in (await studio.proxy(film), await studio.export(film)):
        marks = read_marks(studio.path(output))
        # Of the very last frame only a part may be there.
        assert marks[:-1] == [Mark(1, number) for number in range(5, frames - 1)]
        assert len(marks) == frames - 5


@pytest.mark.slow(reason="renders one more example of its kind")
async def test_an_hour_at_30000_1001_has_every_frame_at_its_moment(studio: Studio) -> None:
    rate = Fps(30000, 1001)
    frames = 3600 * 30
    path = studio.path(await studio.proxy(timeline(lane(solid(0, frames)), fps=rate, size=(16, 16))))
    times = packet_times(path)
    assert [pts for pts, _ in times] == [1001 * k for k in range(frames)]
    with av.open(str(path), "r") as container:
        seconds = [Fraction(stream.duration or 0) * (stream.time_base or 0) for stream in container.streams]
    assert seconds[0] == frames / rate.fraction
    assert abs(seconds[1] - seconds[0]) < Fraction(1, 48_000)
