"""What a timeline sounds like before it is encoded, and sounds to make timelines of."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import av
import msgspec
import numpy as np
from numpy.typing import NDArray

from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.time import Fps, samples_at
from cutlog.contract.timeline import Clip, MediaRef, MediaSource, Timeline, Track, Transition
from services.render.audio.blocks import FRAME
from services.render.audio.score import Passage, score
from services.render.produce.voice import Voice, keys
from tests.render.studio import Studio
from tests.render.timelines import FPS, media

Stereo = NDArray[np.float32]
"""Samples × channels, -1 to 1."""


def tone(frequency: float, seconds: float, level: float = 0.5) -> Stereo:
    wave = level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE)
    return np.repeat(wave[:, None], 2, axis=1).astype(np.float32)


def noise(seconds: float, level: float = 0.1, seed: int = 1) -> Stereo:
    made = np.random.default_rng(seed).standard_normal((round(seconds * SAMPLE_RATE), 2)) * level
    return np.clip(made, -0.99, 0.99).astype(np.float32)


def impulses(seconds: float, *places: int, level: float = 0.9) -> Stereo:
    made = np.zeros((round(seconds * SAMPLE_RATE), 2), np.float32)
    made[list(places)] = level
    return made


def db(sound: Stereo) -> float:
    """Of the root of the mean square."""
    return float(20 * np.log10(np.sqrt(np.mean(np.square(sound, dtype=np.float64))) + 1e-12))


def pitch(sound: NDArray[np.float32]) -> float:
    """The frequency of the strongest tone in Hz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 19))
    return float(np.argmax(spectrum)) * SAMPLE_RATE / (1 << 19)


def band(sound: Stereo, low: float, high: float) -> float:
    """The level in dB of the tones from `low` to `high` Hz."""
    spectrum = np.fft.rfft(sound[:, 0])
    frequencies = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE)
    part = spectrum[(frequencies >= low) & (frequencies < high)]
    return float(10 * np.log10(np.square(np.abs(part)).sum() / len(sound) ** 2 + 1e-20))


def places(sound: Stereo, above: float = 0.3) -> list[int]:
    """Samples at which impulses stand: those of most power within a hundred."""
    power = np.abs(sound[:, 0])
    found: list[int] = []
    for place in np.flatnonzero(power > above):
        if not found or place - found[-1] > 100:
            found.append(int(place))
        elif power[place] > power[found[-1]]:
            found[-1] = int(place)
    return found


def sample(frame: int, rate: Fps = FPS) -> int:
    return samples_at(frame, rate.fraction, SAMPLE_RATE)


def bit(at: int, start: int, frames: int, of: str = "a", /, **changes: object) -> Clip:
    """Frames [start, start + frames) of a media, or as many as `frames` of a clip with another `speed` need."""
    end = changes.pop("end", start + frames)
    clip = Clip(id=f"{of}-{at}", at=at, frames=frames, source=MediaSource(media=of, start=start, end=end))  # type: ignore[arg-type]
    return msgspec.structs.replace(clip, **changes)


def track(*clips: Clip, number: int = 0, transitions: tuple[Transition, ...] = (), **of: object) -> Track:
    return Track(id=f"s{number}", kind="audio", clips=clips, transitions=transitions, **of)  # type: ignore[arg-type]


class Booth:
    """`listen` gives the samples of a timeline, mixed chunk by chunk."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def tape(self, name: str, sound: Stereo, rate: Fps = FPS) -> MediaRef:
        """A media of that sound alone."""
        data = np.round(sound * 32767).astype("<i2").tobytes()
        blob = await self._studio.blobs.put_bytes(f"derived/default/{name}.0/audio.pcm", data)
        ref = media(name, kind="audio", fps=rate, frames=int(len(sound) * rate.fraction / SAMPLE_RATE))
        assert ref.renditions.audio is not None
        audio = msgspec.structs.replace(ref.renditions.audio, key=blob.key, sha256=blob.sha256, samples=len(sound))
        return msgspec.structs.replace(ref, renditions=msgspec.structs.replace(ref.renditions, audio=audio))

    async def listen(self, timeline: Timeline, *, snap: bool = False) -> Stereo:
        """Samples up to the timeline's end. Where chunks overlap, they must agree."""
        found = score(timeline, 96_000, "encoder", self._studio.ffmpeg.identity, snap=snap)
        out = np.zeros((found.packets * FRAME + FRAME, 2), np.float32)
        at = 0
        for chunk in (chunk.passage for chunk in found.chunks):
            samples = await self._mixed(chunk)
            first = at - chunk.lead * FRAME
            if chunk.lead:
                assert np.array_equal(out[first : at + FRAME], samples[: (chunk.lead + 1) * FRAME])
            out[first : first + len(samples)] = samples
            at += chunk.packets * FRAME
        return out[: found.samples]

    async def _mixed(self, passage: Passage) -> Stereo:
        blobs = self._studio.blobs

        async def opened(stack: AsyncExitStack, key: str) -> Path:
            return await stack.enter_async_context(blobs.local(key))

        voice = Voice(self._studio.ffmpeg, blobs, "default", opened, 1)
        async with AsyncExitStack() as stack:
            tapes = {sha256: await opened(stack, key) for sha256, key in keys([passage]).items()}
            return await voice.mixed(passage, tapes)

    def treated(self) -> dict[str, int]:
        """Sections of treated sounds that are kept, with the moment each was written."""
        return self._kept("*.pcm")

    def measured(self) -> dict[str, int]:
        """Measurements that are kept."""
        return {name: at for name, at in self._kept("*.json").items() if not name.startswith("v")}

    def _kept(self, pattern: str) -> dict[str, int]:
        folder = self._studio.blobs.root / "segments" / "default"
        return {path.stem: path.stat().st_mtime_ns for path in folder.rglob(pattern)}


def decoded(path: Path) -> Stereo:
    with av.open(str(path), "r") as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return np.concatenate(frames, axis=1).T.astype(np.float32)
