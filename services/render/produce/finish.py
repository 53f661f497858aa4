"""What only a whole film can get: sound that is encoded in one piece, and a GIF's colours."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final, cast

import av
import numpy as np
from av.audio.stream import AudioStream

from cutlog.contract.profiles import CHANNELS, SAMPLE_RATE
from cutlog.ffmpeg import Ffmpeg, Limits
from services.render.audio.blocks import FRAME
from services.render.audio.score import Passage
from services.render.produce.mix import Samples

GIF: Final = "film.gif"
_PALETTE: Final = "palette.png"

#: Pictures of a GIF last whole hundredths of a second, and browsers slow down those that last less than two.
_GIF_RATE: Final = Fraction(100, 3)

_FULL: Final = 2**31 - 1


def own_samples(passage: Passage, samples: Samples) -> Samples:
    """Of what was mixed for a passage, the samples that no other one has."""
    return samples[passage.lead * FRAME : (passage.lead + passage.packets) * FRAME]


def encoded(pcm: Path, samples: int, stream: AudioStream) -> Iterator[av.Packet[AudioStream]]:
    """All packets of a film's sound. `pcm` holds its samples as float32 in stereo, and maybe more."""
    heard = np.memmap(pcm, "<f4", "r").reshape(-1, CHANNELS)[:samples]
    whole = stream.codec_context.name.startswith("pcm_")
    for start in range(0, samples, FRAME):
        part = np.ascontiguousarray(heard[start : start + FRAME]).reshape(1, -1)
        if whole:
            part = (np.clip(part.astype(np.float64), -1.0, 1.0) * _FULL).astype(np.int32)
        frame = av.AudioFrame.from_ndarray(part, format="s32" if whole else "flt", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = start
        frame.time_base = Fraction(1, SAMPLE_RATE)
        yield from cast("list[av.Packet[AudioStream]]", stream.encode(frame))
    yield from cast("list[av.Packet[AudioStream]]", stream.encode(None))


def gif_step(rate: Fraction) -> int:
    """Every how manieth frame of a film a GIF shows."""
    return -(-rate // _GIF_RATE)


async def make_gif(ffmpeg: Ffmpeg, film: Path, rate: Fraction, frames: int) -> Path:
    """The GIF of a film, beside it: 256 colours that suit all of it, played over and over."""
    step = gif_step(rate)
    limits = Limits(seconds=300 + 4 * frames)
    source = ["-f", "mov", "-i", film.name]
    await ffmpeg.run(
        [*source, "-vf", f"framestep={step},palettegen=stats_mode=full", "-frames:v", "1", "-update", "1", _PALETTE],
        writes=film.parent,
        limits=limits,
    )
    use = f"[0:v]framestep={step}[film];[film][1:v]paletteuse=dither=bayer:bayer_scale=4:diff_mode=rectangle"
    await ffmpeg.run(
        [*source, "-f", "png_pipe", "-i", _PALETTE, "-filter_complex", use,
         "-fps_mode", "passthrough", "-loop", "0", "-fflags", "+bitexact", GIF],
        writes=film.parent,
        limits=limits,
    )  # fmt: skip
    return film.parent / GIF
