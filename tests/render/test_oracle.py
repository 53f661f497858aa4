"""Random timelines made of segments, against the same made by one graph of ffmpeg for the whole (`oracle`)."""

from __future__ import annotations

import asyncio
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cutlog.blobs import LocalBlobs
from cutlog.contract.properties import Animated, Easing, Keyframe, Keyframes
from cutlog.contract.time import Fps
from cutlog.contract.timeline import (
    Blend,
    Clip,
    ColorSource,
    Crop,
    Fit,
    FreezeSource,
    MediaRef,
    MediaSource,
    Speed,
    TextSource,
    TextStyle,
    Timeline,
    Track,
    Transition,
)
from cutlog.ffmpeg import Ffmpeg, samples
from cutlog.hosting.settings import Settings
from tests.render.listening import decoded as heard
from tests.render.oracle import Oracle, decoded
from tests.render.screening import lossless, psnr, screened
from tests.render.straight import straight
from tests.render.studio import Studio
from tests.render.timelines import timeline
from tests.support.chance import examples
from tests.support.painting import Painter, pictures, read_mark

RATE: Final = Fps(30000, 1001)
SIZE: Final = (128, 72)
FRAMES: Final = 150
"""Frames of a source at the project's rate, at least."""
HANDLE: Final = 8
EASINGS: Final[list[Easing]] = ["hold", "linear", "ease-in", "ease-out", "ease-in-out"]
BLENDS: Final[list[Blend]] = ["normal", "normal", "normal", "multiply", "screen", "overlay", "add"]
FITS: Final[list[Fit]] = ["contain", "cover", "stretch", "none"]
KINDS: Final = ["dissolve", "wipe-left", "push-up", "slide-right", "circle-open", "fade-black"]


def _animated(low: float, high: float, usual: float) -> st.SearchStrategy[Animated]:
    moving = st.dictionaries(
        st.integers(0, 40), st.tuples(st.integers(0, 20), st.sampled_from(EASINGS)), min_size=1, max_size=3
    ).map(
        lambda points: Keyframes(
            keyframes=tuple(
                Keyframe(frame=frame, value=round(low + part / 20 * (high - low), 3), easing=easing)
                for frame, (part, easing) in sorted(points.items())
            )
        )
    )
    return st.one_of(st.just(usual), st.just(usual), st.just(usual), moving)


@st.composite
def clips(draw: st.DrawFn, number: int, name: str, at: int) -> Clip:
    """Something of any kind, often plain, with handles."""
    kind = draw(st.sampled_from(["a", "a", "b", "c", "freeze", "colour", "text"]))
    frames = draw(st.integers(12, 45))
    looks: dict[str, Any] = {}
    if draw(st.booleans()):
        looks = {
            "x": draw(_animated(0.2, 0.8, 0.5)),
            "y": draw(_animated(0.2, 0.8, 0.5)),
            "scale": draw(_animated(0.25, 1.25, 1.0)),
            "rotation": draw(st.sampled_from([0.0, 0.0, 0.0, 17.0, 180.0])),
            "opacity": draw(_animated(0.1, 1.0, 1.0)),
            "crop": draw(st.sampled_from([None, None, Crop(left=0.26, bottom=0.13)])),
            "flip_h": draw(st.booleans()),
            "flip_v": draw(st.integers(0, 3)) == 0,
            "blend": draw(st.sampled_from(BLENDS)),
            "fade_in": draw(st.sampled_from([0, 0, 7])),
            "fade_out": draw(st.sampled_from([0, 0, 9])),
        }
    if kind == "colour":
        return Clip(id=name, at=at, frames=frames, source=ColorSource(color="#c08030"), **looks)
    if kind == "text":
        # Letters over equal letters would show how chroma is rounded, and nothing else.
        words = TextStyle(
            text="Öl 7", size=0.3, color="#f0f040", x=draw(_animated(0.3, 0.7, 0.5)), y=0.2 + 0.3 * number
        )
        return Clip(id=name, at=at, frames=frames, source=TextSource(text=words), **looks)
    fit = draw(st.sampled_from(FITS))
    if kind == "freeze":
        held = FreezeSource(media="b", frame=draw(st.integers(0, FRAMES - 1)))
        return Clip(id=name, at=at, frames=frames, source=held, fit=fit, **looks)
    speed = draw(st.sampled_from([None, None, None, (2, 1), (1, 2), (3, 7), (5, 4)]))
    taken = frames if speed is None else -(-frames * speed[0] // speed[1]) + 1
    room = HANDLE * 2 + 1
    taken = min(taken, FRAMES - 2 * room)
    if speed is not None:
        frames = min(frames, -(-taken * speed[1] // speed[0]))
    start = draw(st.integers(room, FRAMES - room - taken))
    return Clip(
        id=name,
        at=at,
        frames=frames,
        source=MediaSource(media=kind, start=start, end=start + taken),
        fit=fit,
        speed=speed and Speed(num=speed[0], den=speed[1]),
        reversed=draw(st.integers(0, 4)) == 0,
        silent=speed is not None,
        gain_db=draw(st.sampled_from([0.0, -6.0])),
        audio_fade_in=draw(st.sampled_from([0, 6])),
        **looks,
    )


@st.composite
def tracks(draw: st.DrawFn, number: int) -> Track:
    made: list[Clip] = []
    transitions: list[Transition] = []
    at = draw(st.sampled_from([0, 0, 5]))
    for index in range(draw(st.integers(1, 3))):
        clip = draw(clips(number, f"c{number}-{index}", at))
        if made and made[-1].at + made[-1].frames == at and draw(st.booleans()):
            across = draw(st.integers(1, HANDLE))
            kind = draw(st.sampled_from(KINDS))
            transitions.append(
                Transition(id=f"t{number}-{index}", left=made[-1].id, right=clip.id, kind=kind, frames=across)
            )
        made.append(clip)
        at = clip.at + clip.frames + draw(st.sampled_from([0, 0, 0, 4]))
    return Track(id=f"track{number}", kind="video", clips=tuple(made), transitions=tuple(transitions))


stacks: Final = st.integers(1, 3).flatmap(lambda count: st.tuples(*map(tracks, range(count))))


class Bench:
    """Sources in a store, decoded too, and a loop to render on."""

    def __init__(self, folder: Path, painted: Painter) -> None:
        self._folder = folder
        self._runner = asyncio.Runner()
        ffmpeg = self._runner.run(Ffmpeg.find(Settings(data=folder)))
        self._studio = Studio(ffmpeg, LocalBlobs(folder / "objects", "secret"))
        a = painted(RATE.fraction, FRAMES, SIZE, tag=1, audio=True)
        files = {
            "a": a,
            "b": painted(25, FRAMES, (96, 96), tag=2),
            "c": painted(Fraction(24000, 1001), FRAMES, (160, 90), tag=3),
        }
        self._library = [self._runner.run(self._studio.ingest(name, path)) for name, path in files.items()]
        self._reels = {name: decoded(path) for name, path in files.items()}

    def close(self) -> None:
        self._runner.close()

    def sound(self) -> Any:
        audio = self._library[0].renditions.audio
        assert audio is not None
        return np.concatenate(list(samples.blocks(self._studio.blobs.path(audio.key)))).astype(np.float32) / 32768

    def compare(self, stack: tuple[Track, ...]) -> None:
        """Both renderings of a timeline show and sound the same."""
        library: list[MediaRef] = self._library
        film = timeline(*stack, library=library, fps=RATE, size=SIZE, background="#204060")
        film = msgspec.structs.replace(film, digest=f"{abs(hash(repr(stack))):x}")
        found = self._runner.run(screened(self._studio, film))
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            path = Path(folder) / "whole.mp4"
            Oracle(film, self._reels, Path(folder)).render(path, lossless(RATE.fraction))
            wanted = list(pictures(path))
        assert len(found) == len(wanted) == film.duration
        for frame, (one, other) in enumerate(zip(found, wanted, strict=True)):
            assert read_mark(one) == read_mark(other), f"frame {frame}"
            assert psnr(one, other) > 40, f"frame {frame}: {psnr(one, other):.1f} dB"
        self._listen(film)

    def _listen(self, film: Timeline) -> None:
        """The sound is that of one mix, in step to the sample: any shift would be louder than the encoder's error."""
        path = self._studio.blobs.path(f"export/p_1/{film.digest}.1.mp4")
        sound, mix = heard(path), straight(film, self.sound())
        assert len(sound) >= len(mix)
        difference = sound[: len(mix)] - mix
        assert np.sqrt(np.mean(difference**2)) <= 0.1 * np.sqrt(np.mean(mix**2)) + 0.003


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, painted: Painter) -> Any:
    made = Bench(tmp_path_factory.mktemp("oracle"), painted)
    yield made
    made.close()


loose: Final = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.mark.slow(reason="renders for seconds")
@given(stack=stacks)
@settings(loose, max_examples=6, derandomize=True, phases=[Phase.generate])
def test_segments_show_what_one_graph_shows(bench: Bench, stack: tuple[Track, ...]) -> None:
    bench.compare(stack)


@pytest.mark.long
@given(stack=stacks)
@settings(loose, max_examples=examples(120))
def test_segments_show_what_one_graph_shows_on_many_timelines(bench: Bench, stack: tuple[Track, ...]) -> None:
    bench.compare(stack)
