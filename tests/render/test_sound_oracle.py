"""Random timelines, mixed in chunks, against a mix of the whole that knows nothing of chunks, curves or takes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cutlog.contract.properties import Animated, Easing, Keyframe, Keyframes
from cutlog.contract.timeline import Clip, Track, Transition
from services.render.audio.blocks import FRAME
from services.render.audio.score import score
from services.render.produce.mix import mix
from tests.render.listening import Stereo, bit, noise, track
from tests.render.straight import RATE, straight
from tests.render.timelines import media, timeline
from tests.support.chance import examples

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


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Stereo]:
    path = tmp_path_factory.mktemp("tape") / "audio.pcm"
    data = np.round(noise(float(SOURCE / RATE.fraction), 0.2) * 32767).astype("<i2")
    data.tofile(path)
    return path, (data / 32768).astype(np.float32)


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
@given(st.tuples(tracks(0), tracks(1)), st.sampled_from([3, 10, 96, 480]), st.booleans())
@settings(max_examples=examples(100), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_chunks_hold_what_the_contract_says(
    tape: tuple[Path, Stereo], both: tuple[Track, Track], packets: int, snap: bool
) -> None:
    path, source = tape
    ref = media("a", kind="audio", fps=RATE, frames=SOURCE)
    film = timeline(*both, library=[ref], fps=RATE)
    audio = ref.renditions.audio
    assert audio is not None
    found = score(film, 96_000, "encoder", "filters", snap=snap, chunk=packets)
    out = np.zeros((found.packets * FRAME + FRAME, 2), np.float32)
    at = 0
    for passage in (chunk.passage for chunk in found.chunks):
        mixed = mix(passage, {audio.sha256: path}, {})
        first = at - passage.lead * FRAME
        assert np.abs(out[first : at + FRAME] - mixed[: (passage.lead + 1) * FRAME]).max() < 1e-6 or not passage.lead
        out[first : first + len(mixed)] = mixed
        at += passage.packets * FRAME
    if not snap:
        assert np.abs(out[: found.samples] - straight(film, source)).max() < 3e-6
