"""Clips whose every frame says which one it is: a bar code that survives scaling and 480p x264, and digits for people.

The code is a band of CELLS columns and two rows across the middle of the picture. In each row the first cell is
black and the last white (the scale to judge the others by); the 16 between hold, in the upper row, the frame's number
and, in the lower, the clip's tag (8 bits) and a check of both (8 bits).

Sound, where asked for, is one steady tone per frame: frame k sounds at `tone(k)` Hz, phase-continuous.
"""

from __future__ import annotations

import itertools
import subprocess
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from tests.support.shelf import once

Image = NDArray[np.uint8]
"""Height × width × RGB."""
Samples = NDArray[np.float32]
"""Mono, -1 to 1."""

BITS = 16
CELLS = BITS + 2
ROWS = ((0.15, 0.40), (0.40, 0.65))
"""Top and bottom of the two rows as fractions of the height."""
CONTRAST = 80
"""Least difference of white and black, of 255, for a code to be one."""
RATE = 48_000
TONES, LOWEST, STEP = 40, 600.0, 75.0
GLYPHS = (
    "111101101101111", "010110010010111", "111001111100111", "111001111001111", "101101111001001",
    "111100111001111", "111100111101111", "111001001001001", "111101111101111", "111101111001111",
)  # fmt: skip


@dataclass(frozen=True)
class Mark:
    """What a frame says: the clip's tag and its own number in the clip."""

    tag: int
    number: int


def paint(number: int, tag: int, size: tuple[int, int]) -> Image:
    """One frame, `size` = (width, height). The ground is grey with a tint by tag."""
    width, height = size
    image = np.full((height, width, 3), 96, np.uint8)
    image[:, :, tag % 3] = 160
    edges = [round(width * cell / CELLS) for cell in range(CELLS + 1)]
    for (top, bottom), bits in zip(ROWS, (number, tag << 8 | _check(number, tag)), strict=True):
        rows = slice(round(height * top), round(height * bottom))
        for cell in range(CELLS):
            on = cell == CELLS - 1 or (cell > 0 and bits >> (BITS - cell) & 1)
            image[rows, edges[cell] : edges[cell + 1]] = 235 if on else 16
    _digits(image, f"{number:05d}")
    return image


def read_mark(image: Image) -> Mark | None:
    """The mark of a picture of any size that shows a painted frame in full; None when it shows none."""
    height, width = image.shape[:2]
    words = []
    for top, bottom in ROWS:
        margin = (bottom - top) * 0.3
        rows = image[
            int(height * (top + margin)) : max(int(height * (bottom - margin)), int(height * (top + margin)) + 1)
        ]
        cells = [
            float(rows[:, int(width * (cell + 0.3) / CELLS) : max(int(width * (cell + 0.7) / CELLS), 1), :3].mean())
            for cell in range(CELLS)
        ]
        if cells[-1] - cells[0] < CONTRAST:
            return None
        middle = (cells[0] + cells[-1]) / 2
        words.append(int("".join("1" if cell > middle else "0" for cell in cells[1:-1]), 2))
    number, tag = words[0], words[1] >> 8
    return Mark(tag, number) if words[1] & 0xFF == _check(number, tag) else None


def read_frame_number(picture: Path | Image) -> int | None:
    """The number that a still (a file or an array) shows; None when it shows no painted frame."""
    image = next(pictures(picture)) if isinstance(picture, Path) else picture
    mark = read_mark(image)
    return mark.number if mark else None


def read_marks(video: Path) -> list[Mark | None]:
    """The mark of every frame of a video, in the order of presentation."""
    return [read_mark(image) for image in pictures(video)]


def read_frame_numbers(video: Path) -> list[int | None]:
    """The number that every frame of a video shows, in the order of presentation."""
    return [mark.number if mark else None for mark in read_marks(video)]


def pictures(path: Path) -> Iterator[Image]:
    """Every decoded frame of a video or still as an array."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)


def samples(path: Path) -> Samples:
    """The first audio stream of a file as mono at 48 kHz, from the time of the first sample."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(str(path)) as container:
        blocks = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)] + [
            part.to_ndarray()[0] for part in resampler.resample(None)
        ]
    return np.concatenate(blocks).astype(np.float32) if blocks else np.zeros(0, np.float32)


def tone(number: int) -> float:
    """Frequency in Hz of frame `number`'s sound; they repeat after TONES frames."""
    return LOWEST + STEP * (number % TONES)


def read_tone(sound: Samples) -> int | None:
    """Number modulo TONES of the frame whose sound this is (a frame's worth of samples); None for silence."""
    middle = sound[len(sound) // 5 : len(sound) * 4 // 5]
    if len(middle) == 0 or float(np.abs(middle).max()) < 0.02:
        return None
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 1 << 15))
    peak = float(np.argmax(spectrum)) * RATE / (1 << 15)
    return round((peak - LOWEST) / STEP) % TONES


def read_tones(sound: Samples, fps: Fraction, frames: int) -> list[int | None]:
    """`read_tone` of each of `frames` frames at `fps`."""
    edges = [round(Fraction(RATE * k) / fps) for k in range(frames + 1)]
    return [read_tone(sound[start:end]) for start, end in itertools.pairwise(edges)]


def sound(fps: Fraction, frames: int) -> Samples:
    """One tone per frame, half of full scale."""
    edges = [round(Fraction(RATE * k) / fps) for k in range(frames + 1)]
    steps = np.concatenate([np.full(end - start, tone(k)) for k, (start, end) in enumerate(itertools.pairwise(edges))])
    return (0.5 * np.sin(2 * np.pi * np.cumsum(steps) / RATE)).astype(np.float32)


class Painter:
    """Makes clips, each once in a run of the tests: `painted(fps=25, frames=50, size=(160, 90), audio=True, tag=1)`."""

    def __call__(
        self,
        fps: Fraction | int = 25,
        frames: int = 50,
        size: tuple[int, int] = (160, 90),
        *,
        audio: bool = False,
        tag: int = 1,
        suffix: str = ".mp4",
        encode: Sequence[str] = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-pix_fmt", "yuv420p"),
        extra: Sequence[str] = (),
    ) -> Path:
        """A clip's path. `encode` chooses the codec, `extra` are further output arguments of ffmpeg (rotation, …)."""
        key = (Fraction(fps), frames, size, audio, tag, suffix, tuple(encode), tuple(extra))
        name = f"painted{zlib.crc32(repr(key).encode()):08x}{suffix}"

        def paint_all(folder: Path) -> None:
            make(folder / name, Fraction(fps), frames, size, audio=audio, tag=tag, arguments=[*encode, *extra])

        return once(key, paint_all) / name


def make(
    path: Path, fps: Fraction, frames: int, size: tuple[int, int], *, audio: bool, tag: int, arguments: Sequence[str]
) -> None:
    """Writes one clip with the ffmpeg of the imageio-ffmpeg wheel. Raises CalledProcessError."""
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24",
        "-s", f"{size[0]}x{size[1]}", "-r", str(fps), "-i", "pipe:0",
    ]  # fmt: skip
    wave = path.with_suffix(".f32")
    if audio:
        sound(fps, frames).tofile(wave)
        command += ["-f", "f32le", "-ar", str(RATE), "-ac", "1", "-i", str(wave), "-c:a", "aac", "-b:a", "128k"]
    command += [*arguments, "-fps_mode", "passthrough", str(path)]
    subprocess.run(command, input=b"".join(paint(k, tag, size).tobytes() for k in range(frames)), check=True)
    wave.unlink(missing_ok=True)


def _check(number: int, tag: int) -> int:
    return (number * 37 + (number >> 8) * 11 + tag * 101 + 0x5A) & 0xFF


def _digits(image: Image, text: str) -> None:
    height, width = image.shape[:2]
    dot = max(1, height // 36)
    for place, character in enumerate(text):
        for index, bit in enumerate(GLYPHS[int(character)]):
            if bit == "1":
                top = round(height * 0.75) + index // 3 * dot
                left = width // 8 + (place * 4 + index % 3) * dot
                image[top : top + dot, left : left + dot] = 235
