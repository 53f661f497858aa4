"""Writes the files that `variants` names, and their records: `python -m tests.corpus.make_variants DIRECTORY`."""

from __future__ import annotations

import io
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Final

import imageio_ffmpeg
import numpy as np
import pillow_heif
from PIL import Image

from tests.corpus.variants import FILMS, IMAGES, RATES, TONES, X264
from tests.support.blocks import paint_blocks
from tests.support.photographs import QUARTERS, quarters

FILM: Final = 3
SIZE: Final = (320, 180)
FRAMES: Final = 24
RATE: Final = 48_000
SECONDS: Final = 1.5
CAPTIONS: Final = "1\n00:00:00,100 --> 00:00:00,800\nHello\n"


def main(folder: Path) -> None:
    files, records = folder / "files", folder / "records"
    for each in (files, records):
        each.mkdir(parents=True, exist_ok=True)
    (files / "captions.srt").write_text(CAPTIONS)
    quarters(64, 64).save(files / "cover.jpg")
    for name, (about, words) in FILMS.items():
        frames = int(words.split("-frames:v ")[1].split()[0]) if "-frames:v" in words else FRAMES
        _film(files / name, Fraction(24), frames, words)
        # Pixels of H.263 are 12 wide and 11 high.
        size = (192, 144) if "-s 176x144" in words else SIZE
        _told(
            records,
            name,
            about,
            f"{FRAMES} painted frames, ffmpeg {words}",
            film(Fraction(24), frames, sound="-an" not in words, size=size),
        )
    for name, rate in RATES.items():
        words = f"{_encoder(name)} -an"
        frames = 6 if rate == "1" else FRAMES
        _film(files / name, Fraction(rate), frames, words)
        _told(
            records,
            name,
            f"{rate} frames a second",
            f"{frames} painted frames at {rate}, ffmpeg {words}",
            film(Fraction(rate), frames, sound=False),
        )
    for name, (about, words) in TONES.items():
        _tone(files / name, words)
        _told(records, name, about, f"a tone of 440 Hz, 1.5 s, ffmpeg {words}", TONE)
    for name, (about, kind, options) in IMAGES.items():
        _image(files / name, kind, options)
        _told(records, name, about, f"four quarters, Pillow: {kind} {options}", image())
    _by_copy(files / "cut-by-copy.mp4")
    _jittered(files / "phone-vfr.mp4")
    (files / "captions.srt").unlink()
    (files / "cover.jpg").unlink()


TONE: Final = """
[facts]
kind = "audio"

[project]
fps = [24, 1]

[[clips]]
in = 0
out = 34

[sound]
tone = 440
"""


def film(rate: Fraction, frames: int, *, sound: bool, size: tuple[int, int] = SIZE) -> str:
    pulses = "\n[sound]\npulses = [0.5]\n" if sound else ""
    return f"""
[facts]
kind = "video"
fps = [{rate.numerator}, {rate.denominator}]
vfr = false

[project]
fps = [{rate.numerator}, {rate.denominator}]
width = {size[0]}
height = {size[1]}

[[clips]]
in = 0
out = {frames}
shows = ["0..{frames - 1}"]
{pulses}"""


def image() -> str:
    places = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))
    colors = "".join(
        f"\n[[colors]]\nframe = 2\nx = {x}\ny = {y}\nrgb = {list(color)}\n"
        for (x, y), color in zip(places, QUARTERS, strict=True)
    )
    return f"""
[facts]
kind = "image"
width = 320
height = 180

[project]
fps = [24, 1]

[[clips]]
in = 0
out = 6
{colors}"""


def _told(records: Path, name: str, about: str, made: str, rest: str) -> None:
    stem = name.replace(".", "-")
    told = f'file = "{name}"\nabout = "{about}"\nmade = {_quoted(made)}\n'
    (records / f"{stem}.toml").write_text(told + rest)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _encoder(name: str) -> str:
    if name.endswith("webm"):
        return "-c:v libvpx-vp9 -b:v 100k -cpu-used 5"
    return "-c:v mpeg4 -q:v 8" if name.endswith("avi") else X264


def _film(path: Path, rate: Fraction, frames: int, words: str) -> None:
    painted = b"".join(paint_blocks(k, FILM, SIZE).tobytes() for k in range(frames))
    pulse = np.zeros((max(1, frames // FRAMES), RATE), np.float32)
    pulse[:, RATE // 2 : RATE // 2 + RATE // 1000] = 0.9
    heard = path.with_name("pulse.f32")
    pulse.tofile(heard)
    source = f"-f rawvideo -pix_fmt rgb24 -s {SIZE[0]}x{SIZE[1]} -r {rate} -i pipe:0"
    sound = "" if "-an" in words else f" -f f32le -ar {RATE} -ac 1 -i {heard}"
    pixels = "" if "-pix_fmt" in words else " -pix_fmt yuv420p"
    words = words.replace("@", f"{path.parent}/")
    _ffmpeg(f"{source}{sound} {words}{pixels} {path}", painted)
    heard.unlink()


def _by_copy(path: Path) -> None:
    """48 frames cut with stream copy amid a group: an edit list hides what comes before."""
    whole = path.with_name("whole.mp4")
    _film(whole, Fraction(24), 48, f"{X264} -c:a aac")
    _ffmpeg(f"-ss 0.25 -i {whole} -c copy {path}", b"")
    whole.unlink()


def _jittered(path: Path) -> None:
    """48 frames of H.264 as phones record: each up to 9 ms before its turn."""
    moved = r"settb=1/90000,setpts=round(N*3750-gt(N\,0)*mod(N*397\,800))"
    ticks = "-fps_mode passthrough -enc_time_base 1:90000 -video_track_timescale 90000"
    _film(path, Fraction(24), 48, f"-vf {moved} {ticks} -c:v libx264 -crf 30 -bf 0 -c:a aac")


def _tone(path: Path, words: str) -> None:
    raw = path.with_name("tone.f32")
    (0.4 * np.sin(2 * np.pi * 440 * np.arange(round(SECONDS * RATE)) / RATE)).astype(np.float32).tofile(raw)
    _ffmpeg(f"-f f32le -ar {RATE} -ac 1 -i {raw} {words.replace('@', f'{path.parent}/')} {path}", b"")
    raw.unlink()


def _image(path: Path, kind: str, options: dict[str, object]) -> None:
    name, _, mode = kind.partition(" ")
    shown = quarters()
    if mode == "P":
        shown = shown.convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
    elif mode:
        shown = shown.convert(mode)
    out = io.BytesIO()
    pillow_heif.register_heif_opener()
    shown.save(out, name, **options)
    path.write_bytes(out.getvalue())


def _ffmpeg(words: str, fed: bytes) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostats", "-v", "error", "-y", "-bitexact", *words.split()]
    subprocess.run(command, input=fed, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
