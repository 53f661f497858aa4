"""Random timelines, mixed in chunks, against a mix of the whole that knows nothing of chunks, curves or takes."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cutlog.contract.profiles import SAMPLE_RATE
from cutlog.contract.properties import Animated, Easing, Keyframe, Keyframes
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Clip, MediaSource, Timeline, Track, Transition
from services.render import sound
from services.render.mix import mix
from tests.render.listening import Stereo, bit, noise, sample, track
from tests.render.timelines import media, timeline

RATE = Fps(30000, 1001)
SOURCE = 120
"""Frames of the source."""

EASINGS: list[Easing] = ["hold", "linear", "ease-in", "ease-out", "ease-in-out"]

_keyframes = st.dictionaries(
    st.integers(0, 30), st.tuples(st.floats(0, 1), st.sampled_from(EASINGS)), min_size=1, max_size=4
)


def _animated(low: float, high: float) -> st.SearchStrategy[Animated]:
    moving = _keyframes.map(
        lambda points: Keyframes(
            keyframes=tuple(
                Keyframe(frame=frame, value=low + part * (high - low), easing=easing)
                for frame, (part, easing) in sorted(points.items())
            )
        )
    )
    return st.one_of(st.just(0.0), st.floats(low, high), moving)


@st.composite
def tracks(draw: st.DrawFn, number: int) -> Track:
    """Clips with handles of ten frames, some of which touch and cross."""
    clips: list[Clip] = []
    transitions: list[Transition] = []
    at = draw(st.integers(0, 10))
    for index in range(draw(st.integers(1, 4))):
        frames = draw(st.integers(12, 40))
        start = draw(st.integers(10, SOURCE - 10 - frames))
        clip = bit(
            at,
            start,
            frames,
            gain_db=draw(_animated(-30, 6)),
            pan=draw(_animated(-1, 1)),
            audio_fade_in=draw(st.integers(0, 15)),
            audio_fade_out=draw(st.integers(0, 15)),
            head_cut=draw(st.integers(0, 5)),
            tail_cut=draw(st.integers(0, 5)),
            reversed=draw(st.booleans()),
            silent=draw(st.integers(0, 5)) == 0,
        )
        clip = msgspec.structs.replace(clip, id=f"c{number}-{index}")
        if clips and clips[-1].at + clips[-1].frames == at and draw(st.booleans()):
            frames_across = draw(st.integers(1, 6))
            joint = Transition(
                id=f"t{number}-{index}", left=clips[-1].id, right=clip.id, kind="dissolve", frames=frames_across
            )
            transitions.append(joint)
        clips.append(clip)
        at += frames + draw(st.sampled_from([0, 0, 3]))
    gain = draw(st.floats(-12, 3))
    return track(
        *clips, number=number, transitions=tuple(transitions), gain_db=gain, muted=draw(st.integers(0, 5)) == 0
    )


def straight(of: Timeline, source: Stereo, *, snap: bool) -> Stereo:
    """Every sample by the words of the contract, if `source` is that of the media "a" and others have none.

    With `snap`, a clip's sound is moved so that it lies whole AAC frames from its source, with its curves of gain and
    pan; its cuts and fades are not.
    """
    rate = of.canvas.fps.fraction
    out = np.zeros((sample(of.duration, RATE), 2))
    for lane in of.tracks:
        ends = {each.left: each for each in lane.transitions}
        starts = {each.right: each for each in lane.transitions}
        for clip in lane.clips:
            if lane.muted or clip.silent or getattr(clip.source, "media", None) != "a":
                continue
            before, after = starts.get(clip.id), ends.get(clip.id)
            first = clip.at - (before.frames // 2 if before else 0)
            last = clip.at + clip.frames + (after.frames - after.frames // 2 if after else 0)
            here = np.arange(sample(first, RATE), min(len(out), sample(last, RATE)))
            ahead = _ahead(clip, rate)
            late = ahead - 1024 * math.floor(ahead / 1024 + 0.5) if snap else 0
            heard = _source(clip, here - late + ahead, source)
            heard = heard * 10 ** ((_values(clip.gain_db, clip.at, here - late, rate) + lane.gain_db) / 20)[:, None]
            pan = _values(clip.pan, clip.at, here - late, rate)
            heard[:, 0] *= np.where(pan > 0, np.cos(pan * np.pi / 2), 1)
            heard[:, 1] *= np.where(pan < 0, np.cos(pan * np.pi / 2), 1)
            rises = [(clip.at - clip.head_cut, clip.audio_fade_in)] + ([(first, before.frames)] if before else [])
            end = clip.at + clip.frames + clip.tail_cut
            falls = [(end - clip.audio_fade_out, clip.audio_fade_out)]
            falls += [(last - after.frames, after.frames)] if after else []
            for begins, frames in rises:
                heard *= np.sin(_part(here, begins, frames, 1.0) * np.pi / 2)[:, None]
            for begins, frames in falls:
                heard *= np.cos(_part(here, begins, frames, 0.0) * np.pi / 2)[:, None]
            out[here] += heard
    return np.clip(out, -1, 32767 / 32768).astype(np.float32)


def _ahead(clip: Clip, rate: Fraction) -> int:
    """Samples by which its source, or that backwards, is ahead of the film."""
    assert isinstance(clip.source, MediaSource)
    begins = -clip.source.end if clip.reversed else clip.source.start
    return round((begins - clip.at) * SAMPLE_RATE / rate)


def _source(clip: Clip, places: Any, source: Stereo) -> Any:
    places = -1 - places if clip.reversed else places
    inside = (places >= 0) & (places < len(source))
    return np.where(inside[:, None], source[np.clip(places, 0, len(source) - 1)], 0).astype(np.float64)


def _part(here: Any, begins: int, frames: int, without: float) -> Any:
    if not frames:
        return np.full(len(here), without)
    first, last = sample(begins, RATE), sample(begins + frames, RATE)
    return np.clip((here - first) / (last - first), 0, 1)


def _values(animated: Animated, at: int, here: Any, rate: Fraction) -> Any:
    if not isinstance(animated, Keyframes):
        return np.full(len(here), animated)
    keys = [(round((at + key.frame) * SAMPLE_RATE / rate), key.value, key.easing) for key in animated.keyframes]
    out = np.full(len(here), keys[0][1])
    for (first, old, easing), (last, new, _) in pairwise(keys):
        t = np.clip((here - first) / (last - first), 0, 1)
        shaped = {
            "hold": 0 * t,
            "linear": t,
            "ease-in": t**2,
            "ease-out": 1 - (1 - t) ** 2,
            "ease-in-out": 3 * t**2 - 2 * t**3,
        }[easing]
        out = np.where(here >= first, old + (new - old) * shaped, out)
    return np.where(here >= keys[-1][0], keys[-1][1], out)


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Stereo]:
    path = tmp_path_factory.mktemp("tape") / "audio.pcm"
    data = np.round(noise(float(SOURCE / RATE.fraction), 0.2) * 32767).astype("<i2")
    data.tofile(path)
    return path, (data / 32768).astype(np.float32)


@given(st.tuples(tracks(0), tracks(1)), st.sampled_from([3, 10, 96, 480]), st.booleans())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_chunks_hold_what_the_contract_says(
    tape: tuple[Path, Stereo], both: tuple[Track, Track], packets: int, snap: bool
) -> None:
    path, source = tape
    ref = media("a", kind="audio", fps=RATE, frames=SOURCE)
    film = timeline(*both, library=[ref], fps=RATE)
    audio = ref.renditions.audio
    assert audio is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sound, "CHUNK", packets)
        found = sound.score(film, 96_000, "encoder", "filters", snap=snap)
    out = np.zeros((found.packets * sound.FRAME + sound.FRAME, 2), np.float32)
    at = 0
    for chunk in found.chunks:
        mixed = mix(chunk, {audio.sha256: path}, {})
        out[at : at + len(mixed) - chunk.lead * sound.FRAME] = mixed[chunk.lead * sound.FRAME :]
        at += chunk.packets * sound.FRAME
    assert np.abs(out[: found.samples] - straight(film, source, snap=snap)).max() < 3e-6
