"""Renditions of real files with every known trap, told by painted numbers, tones and colours."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import cutlog.operate.cli
from cutlog.blobs import LocalBlobs
from cutlog.contract.media import Rendition
from cutlog.contract.time import Fps
from cutlog.ffmpeg import samples
from services.media.facts.probed import judge
from services.media.renditions.derive import Derive, Derived
from services.media.renditions.previews import sheet
from tests.support import cutouts
from tests.support.encoders import bundled
from tests.support.lanes import later
from tests.support.painting import (
    Painter,
    Samples,
    pictures,
    read_frame_number,
    read_frame_numbers,
    read_tones,
)

slow = pytest.mark.slow(reason="one more kind of film to make a proxy of")

RATE = 48_000

#: "Big Buck Bunny", © Blender Foundation, CC BY 3.0, www.bigbuckbunny.org: the clip of the demo.
SAMPLE = Path(cutlog.operate.cli.__file__).parent / "sample" / "bigbuckbunny.mp4"


@dataclass
class Bench:
    """Derives from files in a store of its own."""

    blobs: LocalBlobs
    derive: Derive
    folder: Path

    async def __call__(self, file: Path) -> Derived:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        key = f"videos/default/{digest}.0{file.suffix}"
        await self.blobs.put_file(key, file)
        return await self.derive.make(key, "default", digest, 0)

    def path(self, rendition: Rendition | None) -> Path:
        assert rendition is not None
        return self.blobs.path(rendition.key)

    def make(self, name: str, *args: str) -> Path:
        """A file made by ffmpeg, unconfined: `args` without the output."""
        path = self.folder / name
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *args, str(path)]
        subprocess.run(command, check=True, cwd=self.folder)
        return path

    def stereo(self, derived: Derived) -> NDArray[np.int16]:
        return np.concatenate(list(samples.blocks(self.path(derived.renditions.audio))))

    def sound(self, derived: Derived) -> Samples:
        """The sound as mono floats; both channels are checked to be there."""
        raw = self.stereo(derived)
        assert derived.renditions.audio is not None
        assert derived.renditions.audio.samples == len(raw)
        mono: Samples = raw.mean(axis=1, dtype=np.float32) / np.float32(32768)
        return mono

    def numbers(self, derived: Derived) -> list[int | None]:
        return read_frame_numbers(self.path(derived.renditions.proxy))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    blobs = LocalBlobs(tmp_path / "store", "secret")
    return Bench(blobs, Derive(bundled(), blobs), tmp_path)


def size(path: Path) -> tuple[int, int]:
    height, width, _ = next(pictures(path)).shape
    return width, height


@pytest.mark.parametrize(
    "rate", [Fraction(30000, 1001), *later("more rates", Fraction(25), Fraction(24000, 1001), Fraction(60))]
)
async def test_the_edit_proxy_has_every_frame_at_its_place(bench: Bench, painted: Painter, rate: Fraction) -> None:
    derived = await bench(painted(rate, 75))
    assert derived.facts.fps == Fps.of(rate)
    assert bench.numbers(derived) == list(range(75))
    assert derived.renditions.audio is None
    proxy = derived.renditions.proxy
    assert proxy is not None
    assert (proxy.width, proxy.height, proxy.frames) == (854, 480, 75)
    with av.open(str(bench.path(proxy))) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == rate
        packets = [packet for packet in container.demux(stream) if packet.size]
        gop = round(rate)
        assert [k for k, packet in enumerate(packets) if packet.is_keyframe] == list(range(0, 75, gop))
        assert all(packet.pts == packet.dts for packet in packets), "no B-frames"
        assert stream.time_base is not None
        unit = stream.time_base * rate
        assert [packet.pts * unit for packet in packets if packet.pts is not None] == list(range(75))


@slow
async def test_made_twice_it_is_the_same_to_the_byte(bench: Bench, painted: Painter) -> None:
    clip = painted(25, 30, audio=True)
    assert await bench(clip) == await bench(clip)


@slow
@pytest.mark.parametrize("angle", [90, 180, 270])
async def test_a_turned_film_is_upright(bench: Bench, painted: Painter, angle: int) -> None:
    clip = painted(25, 10)
    # What a camera held sideways writes: the picture lies, and a player must turn it by `angle` clockwise.
    lying = {90: "transpose=cclock", 180: "hflip,vflip", 270: "transpose=clock"}[angle]
    stored = bench.make("lying.mp4", "-i", str(clip), "-vf", lying, "-c:v", "libx264", "-crf", "16")
    turned = bench.make("turned.mp4", "-display_rotation", str(-angle), "-i", str(stored), "-c", "copy")
    derived = await bench(turned)
    assert derived.facts.rotation == angle
    assert (derived.facts.width, derived.facts.height) == ((160, 90) if angle == 180 else (90, 160))
    assert bench.numbers(derived) == list(range(10))
    assert size(bench.path(derived.renditions.proxy)) == (854, 480)
    assert read_frame_number(bench.path(derived.renditions.thumbnail)) == 1


@slow
async def test_pixels_that_are_not_square_become_so(bench: Bench, painted: Painter) -> None:
    clip = painted(25, 10, (120, 90), extra=("-vf", "setsar=4/3"))
    derived = await bench(clip)
    assert derived.facts.sar == (4, 3)
    assert size(bench.path(derived.renditions.proxy)) == (854, 480)
    assert bench.numbers(derived) == list(range(10))


@slow
async def test_odd_sizes_become_even(bench: Bench, painted: Painter) -> None:
    clip = painted(25, 10, (161, 91), encode=("-c:v", "libx264", "-pix_fmt", "yuv444p", "-crf", "16"))
    derived = await bench(clip)
    assert (derived.facts.width, derived.facts.height) == (161, 91)
    assert size(bench.path(derived.renditions.proxy)) == (850, 480)
    assert bench.numbers(derived) == list(range(10))


@slow
async def test_an_irregular_film_becomes_regular_at_its_usual_rate(bench: Bench, painted: Painter) -> None:
    # Frames 20 to 24 are missing: their neighbour stands in for them, nothing moves.
    clip = bench.make(
        "vfr.mp4", "-i", str(painted(25, 60)), "-vf", "select='not(between(n,20,24))'",
        "-fps_mode", "vfr", "-c:v", "libx264", "-crf", "16",
    )  # fmt: skip
    derived = await bench(clip)
    assert (derived.facts.vfr, derived.facts.fps, derived.facts.frames) == (True, Fps(25, 1), 60)
    numbers = bench.numbers(derived)
    assert numbers[:20] == list(range(20))
    assert set(numbers[20:25]) <= {19, 25}
    assert numbers[25:] == list(range(25, 60))


@slow
async def test_a_film_that_starts_late_on_its_own_clock_starts_with_its_first_frame(
    bench: Bench, painted: Painter
) -> None:
    clip = bench.make("late.mkv", "-i", str(painted(25, 30, audio=True)), "-c", "copy", "-output_ts_offset", "3.2")
    derived = await bench(clip)
    assert bench.numbers(derived) == list(range(30))
    assert read_tones(bench.sound(derived), Fraction(25), 30)[1:-1] == list(range(1, 29))


@slow
@pytest.mark.parametrize("container", ["mp4", *later("the same by another demuxer", "mkv")])
@pytest.mark.parametrize("frames", [-10, 10])
async def test_sound_that_starts_at_another_time_is_put_right(
    bench: Bench, painted: Painter, container: str, frames: int
) -> None:
    """`frames`: how much later the sound starts than the picture."""
    clip, offset = str(painted(25, 50, audio=True)), f"{abs(frames) / 25}"
    later = ["-map", "0:v", "-map", "1:a"] if frames > 0 else ["-map", "1:v", "-map", "0:a"]
    shifted = bench.make(f"shifted.{container}", "-i", clip, "-itsoffset", offset, "-i", clip, *later, "-c", "copy")
    derived = await bench(shifted)
    assert abs(Fraction(derived.facts.start_offset) - Fraction(frames, 25)) < Fraction(1, 30)
    # The last picture stands for as long as there is sound.
    assert bench.numbers(derived) == [*range(50), *[49] * max(0, frames)]
    tones = read_tones(bench.sound(derived), Fraction(25), 50)
    if frames > 0:
        assert tones[: frames - 1] == [None] * (frames - 1)
        assert tones[frames + 1 : -1] == [k % 40 for k in range(1, 50 - frames - 1)]
    else:
        assert tones[1 : 50 + frames - 2] == [k % 40 for k in range(1 - frames, 50 - 2)]


@slow
async def test_six_channels_become_two_without_clipping(bench: Bench, painted: Painter) -> None:
    clip = bench.make(
        "surround.mp4", "-i", str(painted(25, 25)), "-f", "lavfi", "-i",
        "sine=440:d=1:r=48000,volume=7,pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0",
        "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-b:a", "384k",
    )  # fmt: skip
    derived = await bench(clip)
    assert derived.facts.channels == 6
    raw = bench.stereo(derived)
    assert len(raw) == RATE
    assert 3000 < np.abs(raw[10_000:40_000]).max() < 32_767


@slow
async def test_sound_of_another_rate_keeps_its_time(bench: Bench, painted: Painter) -> None:
    clip = bench.make(
        "44100.mp4", "-i", str(painted(25, 50, audio=True)), "-c:v", "copy", "-c:a", "aac", "-ar", "44100", "-ac", "1"
    )
    derived = await bench(clip)
    assert (derived.facts.sample_rate, derived.facts.channels) == (44_100, 1)
    assert read_tones(bench.sound(derived), Fraction(25), 50)[1:-1] == [k % 40 for k in range(1, 49)]


async def test_sound_of_16_bits_is_kept_to_the_bit_and_silence_takes_no_room(bench: Bench) -> None:
    source = bench.make(
        "half.wav", "-f", "lavfi", "-i", "aevalsrc=random(0)-0.5|random(1)-0.5:s=48000:d=1,apad=whole_dur=600",
        "-c:a", "pcm_s16le",
    )  # fmt: skip
    derived = await bench(source)
    kept, wanted = bench.stereo(derived), np.fromfile(source, "<i2")[-600 * RATE * 2 :].reshape(-1, 2)
    assert kept.any() and np.array_equal(kept, wanted)
    sound = derived.renditions.audio
    assert sound is not None and sound.samples == 600 * RATE
    assert sound.size < wanted.nbytes / 200, "599 of 600 seconds are silent"


@slow
async def test_sound_of_which_nothing_is_left_is_empty(bench: Bench, painted: Painter) -> None:
    clip = str(painted(25, 25))
    early = bench.make(
        "early.mkv", "-f", "lavfi", "-i", "sine=440:d=1:r=48000", "-itsoffset", "5", "-i", clip, "-map", "1:v",
        "-map", "0:a", "-c:v", "copy", "-c:a", "pcm_s16le",
    )  # fmt: skip
    derived = await bench(early)
    sound = derived.renditions.audio
    assert sound is not None
    assert (sound.samples, sound.size, derived.renditions.waveform) == (0, 0, None)
    assert not samples.read(bench.path(sound), 0, 10).any()
    assert bench.numbers(derived) == list(range(25))


@slow
async def test_the_film_may_come_after_sound_and_covers(bench: Bench, painted: Painter) -> None:
    bench.make("cover.png", "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1")
    clip = str(painted(25, 20, audio=True))
    mixed = bench.make(
        "mixed.mp4", "-i", "cover.png", "-i", clip, "-map", "1:a", "-map", "0:v", "-map", "1:v", "-map", "1:a",
        "-c", "copy", "-disposition:v:0", "attached_pic",
    )  # fmt: skip
    derived = await bench(mixed)
    assert derived.facts.video_codec == "h264"
    assert bench.numbers(derived) == list(range(20))


async def test_a_song_with_a_cover_is_sound_only(bench: Bench, painted: Painter) -> None:
    bench.make("cover.png", "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1")
    song = bench.make(
        "song.mp3", "-f", "lavfi", "-i", "sine=d=2", "-i", "cover.png", "-map", "0:a", "-map", "1:v",
        "-disposition:v:0", "attached_pic",
    )  # fmt: skip
    derived = await bench(song)
    assert (derived.facts.width, derived.facts.fps) == (None, None)
    assert derived.renditions.proxy is None
    assert derived.renditions.thumbnail is None
    assert abs(len(bench.sound(derived)) - 2 * RATE) < RATE // 10


@pytest.mark.few(1, reason="one more kind of film to make a proxy of")
@pytest.mark.parametrize("name", ["still.png", "still.jpg", "still.bmp", "still.webp"])
async def test_a_still_has_a_thumbnail_only(bench: Bench, painted: Painter, name: str) -> None:
    still = bench.make(name, "-i", str(painted(25, 10)), "-frames:v", "1")
    derived = await bench(still)
    assert (derived.facts.width, derived.facts.height, derived.facts.fps) == (160, 90, None)
    assert (derived.renditions.proxy, derived.renditions.audio) == (None, None)
    assert size(bench.path(derived.renditions.thumbnail)) == (160, 90)
    assert read_frame_number(bench.path(derived.renditions.thumbnail)) == 0


@slow
async def test_a_moving_gif_is_a_film(bench: Bench, painted: Painter) -> None:
    derived = await bench(bench.make("moving.gif", "-i", str(painted(10, 12))))
    assert (derived.facts.fps, derived.facts.frames) == (Fps(10, 1), 12)
    assert bench.numbers(derived) == list(range(12))


@slow
@pytest.mark.parametrize(
    ("name", "encode"),
    [
        ("mpeg2.ts", ("-c:v", "mpeg2video", "-q:v", "2")),
        ("bframes.mkv", ("-c:v", "libx264", "-bf", "3", "-crf", "16")),
        *later(
            "tests/corpus has files of all codecs",
            ("vp9.webm", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M")),
            ("prores.mov", ("-c:v", "prores_ks")),
            ("mjpeg.avi", ("-c:v", "mjpeg", "-q:v", "2")),
        ),
    ],
)
async def test_usual_codecs_and_containers_are_read_to_the_frame(
    bench: Bench, painted: Painter, name: str, encode: tuple[str, ...]
) -> None:
    derived = await bench(bench.make(name, "-i", str(painted(25, 40)), *encode))
    assert (derived.facts.fps, derived.facts.vfr, derived.facts.frames) == (Fps(25, 1), False, 40)
    assert bench.numbers(derived) == list(range(40))


@slow
async def test_full_range_colours_become_those_of_every_proxy(bench: Bench) -> None:
    white = bench.make(
        "white.mov", "-f", "lavfi", "-i", "color=white:s=64x36:d=0.4,format=yuvj444p", "-c:v", "mjpeg", "-q:v", "1"
    )
    derived = await bench(white)
    with av.open(str(bench.path(derived.renditions.proxy))) as container:
        frame = next(container.decode(video=0))
        light = frame.to_ndarray(format="gray")
        context = container.streams.video[0].codec_context
        assert (context.color_range, context.colorspace, context.color_primaries) == (1, 1, 1)
    assert abs(int(np.frombuffer(bytes(frame.planes[0]), np.uint8)[0]) - 235) <= 1
    assert light.min() > 250


@slow
async def test_a_real_film_with_surround_sound(bench: Bench) -> None:
    derived = await bench(SAMPLE)
    assert (derived.facts.fps, derived.facts.frames, derived.facts.channels) == (Fps(25, 1), 132, 6)
    proxy, audio = derived.renditions.proxy, derived.renditions.audio
    assert proxy is not None
    assert audio is not None
    assert (proxy.width, proxy.height, proxy.frames) == (854, 480, 132)
    assert audio.samples == 132 * RATE // 25


@slow
async def test_the_facts_of_a_film_do_not_depend_on_how_much_of_it_was_read(bench: Bench, painted: Painter) -> None:
    ffmpeg = bundled()
    clip = painted(Fraction(30000, 1001), 60, audio=True)
    quick, whole = judge(await ffmpeg.probe(clip)).facts, judge(await ffmpeg.probe(clip, times=True)).facts
    assert quick == msgspec.structs.replace(whole, timing=msgspec.UNSET)


@slow
@pytest.mark.parametrize("name", ["vp9.webm", "qtrle.mov"])
async def test_what_is_transparent_is_shown_over_black_and_its_alpha_kept_beside(bench: Bench, name: str) -> None:
    derived = await bench(cutouts.made(bench.folder / name))
    proxy, alpha = derived.renditions.proxy, derived.renditions.proxy_alpha or None
    assert derived.facts.alpha is True
    assert proxy is not None
    assert alpha is not None
    assert (alpha.frames, alpha.width, alpha.height) == (proxy.frames, proxy.width, proxy.height)
    assert (alpha.frames, alpha.key) == (cutouts.FRAMES, proxy.key.replace("proxy.mp4", "proxy-alpha.mp4"))
    assert dict(derived.renditions.files())["proxy_alpha"] == alpha
    wider = (proxy.width or 0) / cutouts.SIZE[0]
    clear = round(4 * wider)
    both = zip(pictures(bench.path(proxy)), pictures(bench.path(alpha)), strict=True)
    for number, (shown, mask) in enumerate(both):
        bar = round((cutouts.bar_at(number) + cutouts.BAR / 2) * wider)
        assert _apart(shown[240, bar], cutouts.RED) <= 12
        assert [int(mask[240, x, 0]) for x in (bar, clear)] == [255, 0]
        assert abs(int(mask[240, -9, 0]) - cutouts.HALF) <= 2
        assert _apart(shown[240, clear], (0, 0, 0)) <= 8, "nothing is here"
        assert _apart(shown[240, -9], cutouts.over(cutouts.BLUE, (0, 0, 0), cutouts.HALF)) <= 12
    with Image.open(bench.path(derived.renditions.thumbnail)) as thumbnail:
        assert _apart(np.asarray(thumbnail.convert("RGB"))[40, 2], (0, 0, 0)) <= 8


def _apart(found: NDArray[np.uint8], wanted: cutouts.Rgb) -> int:
    return int(np.abs(found.astype(int) - wanted).max())


@slow
async def test_the_sheet_of_a_long_film_shows_key_frames(bench: Bench, painted: Painter) -> None:
    derived = await bench(painted(2, 2100, (64, 36)))
    of = sheet(derived.facts)
    assert (of.count, of.step) == (100, 21)
    with Image.open(bench.path(derived.renditions.sprite)) as whole:
        for number in (0, 1, 2, 57, 99):
            row, column = divmod(number, 10)
            place = column * of.width, row * of.height, (column + 1) * of.width, (row + 1) * of.height
            found = read_frame_number(np.asarray(whole.crop(place)))
            assert found == 21 * number // 2 * 2, "the key frame that is shown a second before at most"
