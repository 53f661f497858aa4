"""The painted clips that other tests rely on can be read back after what those tests do to them."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from tests.support.painting import (
    TONES,
    Mark,
    Painter,
    paint,
    read_frame_number,
    read_frame_numbers,
    read_mark,
    read_marks,
    read_tones,
    samples,
)


@pytest.mark.parametrize("number", [0, 1, 255, 256, 43_690, 65_535])
@pytest.mark.parametrize("size", [(160, 90), (321, 181), (1920, 1080)])
def test_any_number_is_read_from_any_size(number: int, size: tuple[int, int]) -> None:
    assert read_mark(paint(number, 7, size)) == Mark(7, number)


def test_a_picture_without_a_code_has_no_number() -> None:
    assert read_frame_number(np.zeros((90, 160, 3), np.uint8)) is None
    assert read_frame_number(np.full((90, 160, 3), 255, np.uint8)) is None
    noise = np.random.default_rng(1).integers(0, 256, (90, 160, 3), np.uint8)
    assert read_frame_number(noise) is None


def test_two_frames_blended_are_neither(painted: Painter) -> None:
    blend = (paint(21845, 1, (160, 90)).astype(int) + paint(43690, 1, (160, 90)).astype(int)) // 2
    assert read_frame_number(blend.astype(np.uint8)) not in (21845, 43690)


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001)])
def test_every_frame_of_a_clip_is_known(painted: Painter, fps: Fraction) -> None:
    clip = painted(fps=fps, frames=40, tag=3)
    assert read_marks(clip) == [Mark(3, number) for number in range(40)]


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
def test_numbers_survive_a_480p_proxy(painted: Painter, tmp_path: Path) -> None:
    proxy = tmp_path / "proxy.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(painted(frames=40)), "-vf", "scale=-2:480"]
    subprocess.run([*command, "-c:v", "libx264", "-crf", "30", "-preset", "ultrafast", str(proxy)], check=True)
    assert read_frame_numbers(proxy) == list(range(40))


def test_sound_tells_the_frame_too(painted: Painter) -> None:
    clip = painted(frames=45, audio=True)
    assert read_tones(samples(clip), Fraction(25), 45)[1:-1] == [number % TONES for number in range(45)][1:-1]
