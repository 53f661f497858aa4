"""Sounds of any number of channels, rate and kind of sample become two channels of the right level."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import av
import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray

from cutlog.ffmpeg import MediaRefusedError, samples
from services.media.facts.probed import UnusableError
from tests.corpus.bench import Bench
from tests.corpus.records import ClipOf, Project

slow = pytest.mark.slow(reason="one more file with its proxy and export")

RATE: Final = 48_000
SLOT: Final = 0.25
"""Seconds in which one channel sounds alone."""
LOUD: Final = 0.4
HERTZ: Final = 440.0
H: Final = 0.7071
#: What left and right must get of each channel. Of 5.1, say, 1, 0.7071 and 0.7071 are added up, so all is divided by
#: 2.4142, which is 7.7 dB.
LEVELS: Final[dict[str, tuple[list[tuple[float, float]], float]]] = {
    "mono": ([(1, 1)], 1),
    "stereo": ([(1, 0), (0, 1)], 1),
    "3.0": ([(1, 0), (0, 1), (H, H)], 1 + H),
    "quad": ([(1, 0), (0, 1), (H, 0), (0, H)], 1 + H),
    "4.0": ([(1, 0), (0, 1), (H, H), (0.5, 0.5)], 1.5 + H),
    "5.0": ([(1, 0), (0, 1), (H, H), (H, 0), (0, H)], 1 + 2 * H),
    "5.1": ([(1, 0), (0, 1), (H, H), (0, 0), (H, 0), (0, H)], 1 + 2 * H),
    "5.1(side)": ([(1, 0), (0, 1), (H, H), (0, 0), (H, 0), (0, H)], 1 + 2 * H),
    "6.1": ([(1, 0), (0, 1), (H, H), (0, 0), (0.5, 0.5), (H, 0), (0, H)], 1.5 + 2 * H),
    "7.1": ([(1, 0), (0, 1), (H, H), (0, 0), (H, 0), (0, H), (H, 0), (0, H)], 1 + 3 * H),
    "7.1.4": (
        [(1, 0), (0, 1), (H, H), (0, 0), (H, 0), (0, H), (H, 0), (0, H), (H, 0), (0, H), (H, 0), (0, H)],
        1 + 5 * H,
    ),
    "FL+FR+FL+FR": ([(1, 0), (0, 1), (1, 0), (0, 1)], 2),
    "ambisonic 1": ([(0.5, 0.5), (0.5, 0.5), (0, 0), (0, 0)], 1),
}
#: How many channels of which a file tells nothing are which layout.
USUAL: Final = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
#: Codecs and kinds of samples, with the ending of the file, the codec's words and the rate.
KINDS: Final = {
    "u8": ("wav", "-c:a pcm_u8", 8_000),
    "a-law": ("wav", "-c:a pcm_alaw", 8_000),
    "mu-law": ("au", "-c:a pcm_mulaw", 11_025),
    "s16-big": ("aiff", "-c:a pcm_s16be", 12_000),
    "s24": ("wav", "-c:a pcm_s24le", 96_000),
    "s24-big": ("mov", "-c:a pcm_s24be", 44_100),
    "s32": ("w64", "-c:a pcm_s32le", 192_000),
    "float": ("wav", "-c:a pcm_f32le", 176_400),
    "double": ("caf", "-c:a pcm_f64be", 88_200),
    "aac": ("m4a", "-c:a aac -b:a 128k", 22_050),
    "mp3": ("mp3", "-c:a libmp3lame -b:a 128k", 32_000),
    "opus": ("ogg", "-c:a libopus -b:a 128k", 48_000),
    "vorbis": ("ogg", "-c:a libvorbis -b:a 128k", 16_000),
    "flac-24": ("flac", "-c:a flac -sample_fmt s32", 192_000),
    "alac-24": ("m4a", "-c:a alac -sample_fmt s32p", 48_000),
    "wavpack": ("wv", "-c:a wavpack -sample_fmt fltp", 96_000),
    "tta": ("tta", "-c:a tta", 24_000),
    "ac3": ("ac3", "-c:a ac3 -b:a 192k", 32_000),
    "wma": ("asf", "-c:a wmav2 -b:a 128k", 44_100),
}


def some(every: Iterable[Any], *quick: Any) -> list[Any]:
    """Of all cases, `make test` runs those that are `quick`."""
    return [pytest.param(case, marks=() if case in quick else (pytest.mark.corpus,)) for case in every]


def sounding(channels: int, rate: int = RATE) -> NDArray[np.float32]:
    """Each channel sounds for itself, one after the other."""
    length = round(SLOT * rate)
    sound = np.zeros((channels * length, channels), np.float32)
    for channel in range(channels):
        sound[channel * length :][:length, channel] = LOUD * np.sin(2 * np.pi * HERTZ * np.arange(length) / rate)
    return sound


def write(path: Path, channels: int, words: str, *, rate: int = RATE, layout: str | None = None) -> Path:
    raw = path.with_suffix(".f32")
    sounding(channels, rate).tofile(raw)
    told = ["-ch_layout", layout] if layout else ["-ac", str(channels)]
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", "-f", "f32le", "-ar", str(rate), *told,
         "-i", str(raw), *words.split(), str(path)],
        check=True,
    )  # fmt: skip
    return path


def levels(heard: NDArray[np.float32], channels: int) -> list[tuple[float, float]]:
    """Of a tone's amplitude, what left and right have in the middle of each slot."""
    length = round(SLOT * RATE)
    parts = [heard[k * length + length // 4 : (k + 1) * length - length // 4] for k in range(channels)]
    return [(_amplitude(part[:, 0]) / LOUD, _amplitude(part[:, 1]) / LOUD) for part in parts]


def _amplitude(tone: NDArray[np.float32]) -> float:
    return float(np.sqrt(2 * np.mean(tone**2)))


def wanted(layout: str) -> list[tuple[float, float]]:
    shares, whole = LEVELS[layout]
    return [(left / whole, right / whole) for left, right in shares]


def heard_of(bench: Bench, key: str) -> NDArray[np.float32]:
    return np.concatenate(list(samples.blocks(bench.path(key)))).astype(np.float32) / np.float32(32768)


def decoded(path: Path) -> NDArray[np.float32]:
    with av.open(str(path)) as container:
        blocks = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return np.concatenate(blocks, axis=1).T.astype(np.float32)


@pytest.mark.few(1, reason="one more file with its proxy and export")
@pytest.mark.parametrize("layout", some(LEVELS, "mono", "5.1", "FL+FR+FL+FR"))
async def test_channels_are_mixed_by_the_coefficients_of_bs_775_and_turned_down_so_that_nothing_clips(
    bench: Bench, tmp_path: Path, layout: str
) -> None:
    channels = len(wanted(layout))
    ending, words = ("mkv", "-c:a libopus -mapping_family 2") if "ambisonic" in layout else ("mov", "-c:a pcm_s16le")
    media = await bench.ingest(write(tmp_path / f"layout.{ending}", channels, words, layout=layout))
    assert (media.facts.channels, media.status) == (channels, "ready")
    assert media.renditions.audio is not None
    assert np.allclose(levels(heard_of(bench, media.renditions.audio.key), channels), wanted(layout), atol=0.02)


@slow
@pytest.mark.parametrize("channels", some(USUAL, 4, 6))
async def test_channels_that_are_not_named_are_those_of_the_usual_layout(
    bench: Bench, tmp_path: Path, channels: int
) -> None:
    media = await bench.ingest(unnamed(tmp_path / "plain.wav", channels))
    assert media.renditions.audio is not None
    assert np.allclose(
        levels(heard_of(bench, media.renditions.audio.key), channels), wanted(USUAL[channels]), atol=0.02
    )


@slow
async def test_more_channels_than_have_a_usual_layout_are_heard_in_the_middle(bench: Bench, tmp_path: Path) -> None:
    media = await bench.ingest(unnamed(tmp_path / "recorder.wav", 10))
    assert media.renditions.audio is not None
    assert np.allclose(levels(heard_of(bench, media.renditions.audio.key), 10), [(0.1, 0.1)] * 10, atol=0.01)


@slow
async def test_more_channels_than_can_be_mixed_are_refused(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises((UnusableError, MediaRefusedError), match="64 channels"):
        await bench.ingest(unnamed(tmp_path / "many.wav", 65, rate=8_000))


@slow
@pytest.mark.parametrize("layout", some(("mono", "quad", "5.1(side)", "7.1"), "5.1(side)"))
async def test_proxy_and_export_have_the_levels_of_each_channel(bench: Bench, tmp_path: Path, layout: str) -> None:
    channels = len(wanted(layout))
    media = await bench.ingest(write(tmp_path / "layout.flac", channels, "-c:a flac", layout=layout))
    film = bench.film(media, Project(fps=(24, 1)), ClipOf(start=0, end=channels * 6))
    for made in (await bench.proxy(film), await bench.export(film)):
        assert np.allclose(levels(decoded(made), channels), wanted(layout), atol=0.02)


@pytest.mark.few(1, reason="one more file with its proxy and export")
@pytest.mark.parametrize("kind", some(KINDS, "double", "flac-24", "vorbis"))
async def test_samples_of_every_kind_and_rate_keep_level_pitch_and_length(
    bench: Bench, tmp_path: Path, kind: str
) -> None:
    ending, words, rate = KINDS[kind]
    media = await bench.ingest(write(tmp_path / f"sound.{ending}", 2, words, rate=rate))
    assert (media.kind, media.facts.channels, media.facts.sample_rate) == ("audio", 2, rate)
    assert media.renditions.audio is not None
    heard = heard_of(bench, media.renditions.audio.key)
    # Encoders fill their last packets up, and some tell nothing of what they put before the first.
    assert abs(len(heard) - 2 * SLOT * RATE) < 4096 * RATE / rate
    # LAME turns down by 5 %.
    assert np.allclose(levels(heard, 2), wanted("stereo"), atol=0.06)
    left = heard[: round(SLOT * RATE), 0]
    spectrum = np.abs(np.fft.rfft(left * np.hanning(len(left)), 1 << 16))
    assert abs(float(np.argmax(spectrum)) * RATE / (1 << 16) - HERTZ) < 3


def unnamed(path: Path, channels: int, rate: int = RATE) -> Path:
    """A WAV of 16 bits that does not say where its channels are, as plain ones do not."""
    data = (sounding(channels, rate) * 32767).astype("<i2").tobytes()
    form = (
        (1).to_bytes(2, "little") + channels.to_bytes(2, "little") + rate.to_bytes(4, "little")
        + (rate * channels * 2).to_bytes(4, "little")
        + (channels * 2).to_bytes(2, "little") + (16).to_bytes(2, "little")
    )  # fmt: skip
    parts = b"WAVEfmt " + len(form).to_bytes(4, "little") + form + b"data" + len(data).to_bytes(4, "little") + data
    path.write_bytes(b"RIFF" + len(parts).to_bytes(4, "little") + parts)
    return path
