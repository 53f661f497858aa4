"""Names of segments with looks: what moves keeps them, what changes a picture changes them, and nothing else does."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutlog.contract.effects import EFFECTS
from cutlog.contract.properties import Easing, Keyframe, Keyframes, value_at
from cutlog.contract.timeline import Clip, Crop, Effect, MediaSource, Speed, Timeline
from services.render.plan.profiles import EXPORTS
from services.render.plan.segments import Encoded, plan
from tests.render.screening import SIZE, profile, screened
from tests.render.studio import Studio
from tests.render.timelines import lane, shot, solid, timeline
from tests.support.chance import examples
from tests.support.painting import Painter

edit = msgspec.structs.replace
EXPORT: Final = EXPORTS["mp4"]
EASINGS: Final[list[Easing]] = ["hold", "linear", "ease-in", "ease-out", "ease-in-out"]

_keyed = st.dictionaries(
    st.integers(0, 200),
    st.tuples(st.integers(0, 20), st.sampled_from(EASINGS)),
    min_size=2,
    max_size=4,
).map(
    lambda points: Keyframes(
        keyframes=tuple(
            Keyframe(frame=frame, value=0.25 + part / 40, easing=easing)
            for frame, (part, easing) in sorted(points.items())
        )
    )
)
_values = st.one_of(st.sampled_from([0.5, 0.75]), _keyed)


@st.composite
def looks(draw: st.DrawFn) -> dict[str, Any]:
    """Some properties of a clip's picture."""
    every = {
        "x": _values,
        "y": _values,
        "scale": _values,
        "opacity": _values,
        "rotation": st.sampled_from([0.0, 30.0]),
        "crop": st.sampled_from([None, Crop(left=0.25)]),
        "flip_h": st.booleans(),
        "blend": st.sampled_from(["normal", "screen"]),
        "fade_in": st.integers(0, 30),
        "effects": st.sampled_from([(), (grain(),)]),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(every)), min_size=1))
    return {name: draw(every[name]) for name in sorted(chosen)}


def grain() -> Effect:
    assert "noise" in EFFECTS
    return Effect(id="e", kind="noise", params={"amount": 0.3})


def over(*clips: Clip, before: int = 0) -> Timeline:
    """Clips after so many frames of a colour, over another that lasts as long."""
    moved = [edit(clip, at=clip.at + before) for clip in clips]
    end = max(clip.at + clip.frames for clip in moved)
    ground = [solid(0, before)] if before else []
    return timeline(lane(*ground, solid(before, end - before, "#204060")), lane(*moved, number=1), size=(640, 360))


def names(of: Timeline) -> list[str]:
    return [segment.digest for segment in plan(of, EXPORT, "engine").segments if isinstance(segment, Encoded)]


@given(looks(), st.integers(0, 300), st.integers(2, 250), st.integers(1, 500))
@settings(max_examples=examples(60))
def test_a_clip_that_moves_keeps_the_names_of_its_segments_whatever_it_looks_like(
    look: dict[str, Any], start: int, frames: int, by: int
) -> None:
    clip = edit(shot(0, start, frames), **look)
    still, moved = names(over(clip)), names(over(clip, before=by))
    assert moved[len(moved) - len(still) :] == still


@given(looks(), st.integers(0, 200), st.integers(100, 250), st.integers(1, 60))
@settings(max_examples=examples(60))
def test_a_trim_names_anew_only_the_segment_that_it_cuts(
    look: dict[str, Any], start: int, frames: int, by: int
) -> None:
    clip = edit(shot(0, start, frames), **look)
    before = names(over(clip))
    shorter = edit(clip, frames=frames - by, source=MediaSource(media="v", start=start, end=start + frames - by))
    assert len(set(names(over(shorter))) - set(before)) <= 1
    # As the edit language trims a head: keyframes and fades stay where they were in the picture.
    later = {
        name: edit(value, start=by) if isinstance(value, Keyframes) else value
        for name, value in ((name, getattr(clip, name)) for name in ("x", "y", "scale", "opacity"))
    }
    head = edit(
        clip,
        frames=frames - by,
        source=MediaSource(media="v", start=start + by, end=start + frames),
        head_cut=by if clip.fade_in else 0,
        **later,
    )
    assert len(set(names(over(head))) - set(before)) <= 1


@given(_keyed, st.sampled_from(["x", "y", "scale", "opacity"]), st.integers(1, 40))
@settings(max_examples=examples(60))
def test_the_phase_of_a_keyframe_is_in_the_name_of_just_the_segments_that_it_changes(
    curve: Keyframes, name: str, by: int
) -> None:
    one, other = (edit(shot(0, 0, 250), **{name: each}) for each in (curve, edit(curve, start=by)))
    first, second = (plan(over(clip), EXPORT, "engine").segments for clip in (one, other))
    at = 0
    for left, right in zip(first, second, strict=True):
        assert isinstance(left, Encoded)
        assert isinstance(right, Encoded)
        here, there = (_shown(clip, name, at, left.frames) for clip in (one, other))
        zooms = name == "scale"
        assert (left.digest == right.digest) == (here == there) or (zooms and here == there)
        at += left.frames


def _shown(clip: Clip, name: str, at: int, frames: int) -> list[float]:
    return [round(value_at(getattr(clip, name), frame), 6) for frame in range(at, at + frames)]


CHANGES: Final[list[dict[str, Any]]] = [
    {"x": 0.51},
    {"y": 0.4},
    {"scale": 0.9},
    {"rotation": 1.0},
    {"opacity": 0.99},
    {"crop": Crop(top=0.1)},
    {"flip_h": True},
    {"flip_v": True},
    {"blend": "add"},
    {"fade_in": 3},
    {"fade_out": 3},
    {"fit": "stretch"},
    {"effects": (grain(),)},
    {"speed": Speed(num=2, den=1)},
    {"reversed": True},
]


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
async def test_another_look_has_another_name_and_other_pixels(studio: Studio, painted: Painter) -> None:
    a = await studio.ingest("a", painted(25, 40, (96, 90), tag=1))
    plain = edit(shot(0, 2, 12, "a"), frames=6)

    def film(clip: Clip) -> Timeline:
        return timeline(lane(solid(0, 6, "#204060")), lane(clip, number=1), library=[a], size=SIZE)

    seen = {tuple(plan(film(plain), profile(1), "e").encoded()): await screened(studio, film(plain))}
    for change in CHANGES:
        other = film(edit(plain, **change))
        digests = tuple(plan(other, profile(1), "e").encoded())
        assert digests not in seen, change
        pictures = await screened(studio, other)
        for known in seen.values():
            assert any(not np.array_equal(left, right) for left, right in zip(known, pictures, strict=True)), change
        seen[digests] = pictures


@pytest.mark.slow(reason="renders one more example of its kind")
async def test_equal_names_show_equal_pictures_however_they_were_said(studio: Studio, painted: Painter) -> None:
    a = await studio.ingest("a", painted(25, 60, SIZE, tag=1))
    ramp = Keyframes(keyframes=(Keyframe(frame=0, value=0.2), Keyframe(frame=30, value=0.8)))
    whole = edit(shot(0, 5, 30, "a"), x=ramp, effects=(grain(),), scale=0.5)
    left = edit(whole, frames=13, source=MediaSource(media="a", start=5, end=18))
    right = edit(
        whole, id="r", at=13, frames=17, source=MediaSource(media="a", start=18, end=35), x=edit(ramp, start=13)
    )
    apart = edit(right, at=20)

    def film(*clips: Clip) -> Timeline:
        return timeline(lane(solid(0, 40)), lane(*clips, number=1), library=[a], size=SIZE)

    split, moved = film(left, right), film(left, apart)
    one, two, three = (plan(f, profile(1), "e").encoded() for f in (film(whole), split, moved))
    assert one.keys() == two.keys()
    common = set(one) & set(three)
    assert common
    shown = {name: await screened(studio, f) for name, f in {"whole": film(whole), "moved": moved}.items()}
    # From frame 25 of the source on a segment begins: it is frame 20 of the one film and 27 of the other.
    assert all(np.array_equal(shown["whole"][20 + k], shown["moved"][27 + k]) for k in range(10))
