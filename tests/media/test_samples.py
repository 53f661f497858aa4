"""Sounds as ingest keeps them: any sample is read as it was, of what is packed and of what earlier releases left."""

from __future__ import annotations

import subprocess
import wave
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutlog.ffmpeg import samples
from services.media.renditions.recipes import lossless_args
from tests.support.chance import examples

COUNT = 100_003


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> tuple[samples.Samples, Path, Path]:
    """Noise: its samples, bare, and packed."""
    folder = tmp_path_factory.mktemp("sounds")
    noise = np.random.default_rng(3).integers(-32768, 32768, (COUNT, 2)).astype(np.int16)
    return noise, bare(folder / "old", noise), packed(folder / "new", noise)


def bare(path: Path, sound: samples.Samples) -> Path:
    sound.astype("<i2").tofile(path)
    return path


def packed(path: Path, sound: samples.Samples) -> Path:
    with wave.open(str(path.with_suffix(".wav")), "wb") as out:
        out.setparams((2, 2, 48_000, 0, "NONE", ""))
        out.writeframes(sound.astype("<i2").tobytes())
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", str(path.with_suffix(".wav"))]
    subprocess.run([*command, *lossless_args(str(path))], check=True)
    return path


@given(st.integers(-5_000, COUNT + 5_000), st.integers(0, 20_000))
@settings(max_examples=examples(50))
def test_any_range_is_as_it_was_and_silent_outside(
    sounds: tuple[samples.Samples, Path, Path], start: int, count: int
) -> None:
    noise, *files = sounds
    places = np.arange(start, start + count)
    inside = (places >= 0) & (places < COUNT)
    wanted = np.where(inside[:, None], noise[np.clip(places, 0, COUNT - 1)], 0)
    for file in files:
        assert np.array_equal(samples.read(file, start, count), wanted)


def test_all_is_read_in_blocks(sounds: tuple[samples.Samples, Path, Path]) -> None:
    noise, *files = sounds
    for file in files:
        assert samples.length(file) == COUNT
        assert np.array_equal(np.concatenate(list(samples.blocks(file))), noise)


def test_a_sound_without_samples_is_empty(tmp_path: Path) -> None:
    file = packed(tmp_path / "empty", np.zeros((0, 2), np.int16))
    assert samples.length(file) == 0
    assert list(samples.blocks(file)) == []
    assert not samples.read(file, -1, 2).any()


@pytest.mark.parametrize("left", [200, 0.5, 0.99])
def test_what_is_torn_is_told(sounds: tuple[samples.Samples, Path, Path], tmp_path: Path, left: float) -> None:
    torn, data = tmp_path / "torn", sounds[2].read_bytes()
    torn.write_bytes(data[: int(left if left > 1 else left * len(data))])
    with pytest.raises(samples.DamagedSoundError):
        samples.read(torn, COUNT - 10, 5)
    with pytest.raises(samples.DamagedSoundError):
        list(samples.blocks(torn))
