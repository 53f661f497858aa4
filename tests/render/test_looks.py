"""Looks that move, and segments that are joined because one goes on where the other ends."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cutlog.contract.media import MediaFacts
from cutlog.contract.properties import Keyframe, Keyframes
from cutlog.contract.timeline import (
    Clip,
    Crop,
    Effect,
    MediaRef,
    Speed,
)
from services.render.plan.captions import caption_style
from services.render.plan.layers import Mixed, Picture, Plate, Shot, SourceFile, Words, join, sources
from services.render.plan.looks import Applied, Fade, Look, Shown, curve, highest, joined, look_of, shown, shows
from services.render.plan.profiles import EXPORTS
from services.render.plan.segments import plan
from tests.render.timelines import sequence, sha, shot, solid, timeline

edit = msgspec.structs.replace
LINEAR = Keyframes(keyframes=(Keyframe(frame=0, value=0.0), Keyframe(frame=10, value=1.0)))
STILL = MediaFacts(container="png_pipe", duration="0", width=64, height=64, frames=1)
TABLE = MediaRef(id="still", sha256=sha("still"), kind="image", status="ready", facts=STILL, key="videos/t/s.png")


def test_a_fade_is_dark_at_its_end_and_bright_beside_it() -> None:
    assert [Fade(0, 4, out=False).value(frame) for frame in (-1, 0, 1, 3, 4, 9)] == [0, 0, 0.25, 0.75, 1, 1]
    assert [Fade(0, 4, out=True).value(frame) for frame in (-9, 0, 1, 3, 4)] == [1, 0.75, 0.5, 0, 0]
    assert Fade(2, 4, out=False).value(0) == 0.5


def test_fades_of_a_clip_begin_at_its_cuts() -> None:
    clip = edit(shot(0, 0, 20), fade_in=4, fade_out=5, head_cut=1, tail_cut=2)
    assert look_of(clip, 0).fades == (Fade(1, 4, out=False), Fade(-17, 5, out=True))
    assert look_of(clip, 3).fades == (Fade(4, 4, out=False), Fade(-14, 5, out=True))
    assert shown(look_of(edit(shot(0, 0, 4), fade_in=2, opacity=0.5), 0), 0, 4).opacity == (0.0, 0.25, 0.5, 0.5)
    assert shown(look_of(edit(shot(0, 0, 4), fade_in=2, fade_out=2), 0), 0, 4).opacity == (0.0, 0.5, 0.5, 0.0)
    assert shown(look_of(edit(shot(0, 0, 9), fade_in=2), 0), 2, 4).opacity == 1.0, "it is over"


def test_a_look_goes_on_with_all_that_moves() -> None:
    effect = Effect(id="e", kind="blur", params={"radius": LINEAR})
    moving = dict.fromkeys(("x", "y", "scale", "rotation", "opacity"), LINEAR)
    clip = edit(shot(0, 0, 20), **moving, effects=(effect,), flip_h=True, flip_v=True, blend="add", crop=Crop(top=0.1))
    at_once, later = shown(look_of(clip, 0), 3, 2), shown(look_of(clip, 3), 0, 2)
    assert at_once == later
    assert at_once == Shown(
        **dict.fromkeys(moving, (0.3, 0.4)), zooms=True, effects=(Applied("blur", {"radius": (0.3, 0.4)}),),
        flip_h=True, flip_v=True, blend="add", crop=Crop(top=0.1),
    )  # fmt: skip


def test_a_scale_that_moves_somewhere_else_zooms_all_the_same() -> None:
    assert shown(Look(scale=LINEAR), 50, 2) == Shown(scale=1.0, zooms=True)
    level = Keyframes(keyframes=(Keyframe(frame=0, value=2.0), Keyframe(frame=9, value=2.0)))
    assert shown(Look(scale=level), 0, 2) == Shown(scale=2.0)


def test_values_are_as_fine_as_a_picture_needs_and_one_if_they_are_the_same() -> None:
    assert curve(0.123_456_78, 0, 5) == 0.123457
    nearly = Keyframes(keyframes=(Keyframe(frame=0, value=0.5), Keyframe(frame=9, value=0.500_000_2)))
    assert curve(nearly, 0, 9) == 0.5
    assert highest((0.1, 0.7, 0.3)) == 0.7 and highest(0.2) == 0.2


def test_grain_goes_by_the_frames_of_the_source_as_they_are_played() -> None:
    noise = Effect(id="e", kind="noise", params={"amount": 0.4})

    def grains(clip: Clip, frame: int = 0) -> Any:
        (effect,) = shown(look_of(edit(clip, effects=(noise,)), frame), 0, 2).effects
        assert effect.params["amount"] == 0.4
        return effect.params["grain"]

    first = grains(shot(0, 0, 20))
    assert first[1] == first[0] + 1
    assert grains(shot(5, 0, 20)) == first, "wherever it lies"
    assert grains(shot(0, 3, 20)) == grains(shot(0, 0, 20), 3), "a trim takes grains away and changes none"
    slow = edit(shot(0, 3, 20), frames=40, speed=Speed(num=1, den=2))
    assert grains(slow)[0] - first[0] == 6
    assert grains(edit(slow, speed=Speed(num=2, den=1, phase=1)))[0] - first[0] == 2
    assert grains(edit(shot(0, 3, 20), reversed=True))[0] - first[0] == -23
    assert grains(solid(0, 9)) == first and grains(solid(0, 9), 4)[0] == first[0] + 4


def test_an_effect_on_sound_shows_nothing() -> None:
    loud, dim = Effect(id="a", kind="highpass", params={"frequency": 80.0}), Effect(id="b", kind="invert", params={})
    assert (shows(loud), shows(dim)) == (False, True)
    assert [effect.kind for effect in look_of(edit(shot(0, 0, 9), effects=(loud, dim)), 0).effects] == ["invert"]


def test_a_picture_is_placed_as_fit_says_unless_its_look_moves_it() -> None:
    assert Shown().placed and Shown(opacity=0.5, flip_h=True).placed
    for other in ({"x": 0.4}, {"y": 0.4}, {"scale": 2.0}, {"rotation": 1.0}, {"crop": Crop(left=0.1)}):
        assert not Shown(**other).placed


@pytest.mark.parametrize(
    ("left", "right", "both"),
    [
        (Shown(), Shown(), Shown()),
        (Shown(x=0.1), Shown(x=0.2), Shown(x=(0.1, 0.1, 0.2))),
        (Shown(x=(0.1, 0.2), y=0.3), Shown(x=0.2, y=0.3), Shown(x=(0.1, 0.2, 0.2), y=0.3)),
        (Shown(x=(0.1, 0.2)), Shown(x=(0.1, 0.2)), None),
        (Shown(blend="add"), Shown(), None),
        (Shown(flip_h=True), Shown(), None),
        (Shown(flip_v=True), Shown(), None),
        (Shown(zooms=True), Shown(), None),
        (Shown(crop=Crop(left=0.1)), Shown(), None),
        (Shown(effects=(Applied("blur", {"radius": 0.1}),)), Shown(), None),
        (
            Shown(effects=(Applied("blur", {"radius": 0.1}),)), Shown(effects=(Applied("blur", {"radius": 0.2}),)),
            Shown(effects=(Applied("blur", {"radius": (0.1, 0.1, 0.2)}),)),
        ),
        (
            Shown(effects=(Applied("lut", {"media": "a"}),), opacity=0.1),
            Shown(effects=(Applied("lut", {"media": "a"}),)),
            Shown(effects=(Applied("lut", {"media": "a"}),), opacity=(0.1, 0.1, 1.0)),
        ),
        (Shown(effects=(Applied("lut", {"media": "a"}),)), Shown(effects=(Applied("lut", {"media": "b"}),)), None),
        (Shown(effects=(Applied("lut", {"media": "b"}),)), Shown(effects=(Applied("lut", {"media": "a"}),)), None),
    ],
)  # fmt: skip
def test_two_looks_are_one_where_only_curves_differ(left: Shown, right: Shown, both: Shown | None) -> None:
    if both is None and left == right:
        assert joined(left, 2, right, 2) == Shown(x=(0.1, 0.2, 0.1, 0.2))
    else:
        assert joined(left, 2, right, 1) == both


FILE = SourceFile(key="k", sha256="s", container="mov", clock=None, conformed=None)


def placed() -> Shot:
    (segment,) = plan(timeline(sequence((0, 5))), EXPORTS["mp4"], "engine").encoded().values()
    (layer,) = segment.layers
    assert isinstance(layer, Shot)
    return edit(layer, source=FILE)


def test_film_that_goes_on_is_joined_and_other_film_is_not() -> None:
    first = edit(placed(), start=10, num=2, den=3, phase=1)
    on = edit(first, start=13, phase=0, look=Shown(x=0.2))
    assert join((first,), 4, (on,), 1) == (edit(first, look=Shown(x=(0.5, 0.5, 0.5, 0.5, 0.2))),)
    assert join((first,), 4, (edit(on, start=14),), 1) is None
    assert join((first,), 4, (edit(on, phase=1),), 1) is None
    back = edit(first, backwards=True)
    assert join((back,), 4, (edit(on, backwards=True),), 1) is None
    assert join((first,), 4, (on, Plate("#000000")), 1) is None
    assert join((first,), 4, (Plate("#000000"),), 1) is None
    assert join((Plate("#000000"), first), 4, (Plate("#111111"), on), 1) is None
    assert join((Plate("#000000"),), 4, (Plate("#000000", Shown(opacity=0.5)),), 1) == (
        Plate("#000000", Shown(opacity=(1.0, 1.0, 1.0, 1.0, 0.5))),
    )
    mixed = Mixed("dissolve", 0, 9, Plate("#000000"), None)
    assert join((mixed,), 4, (mixed,), 1) is None


def test_words_are_joined_where_they_stand() -> None:
    style = caption_style("Hi")
    words = Words(style, 0.5, 0.5)
    assert join((words,), 2, (words,), 2) == (words,)
    assert join((words,), 2, (edit(words, look=Shown(opacity=0.5)),), 1) == (
        edit(words, look=Shown(opacity=(1.0, 1.0, 0.5))),
    )
    assert join((words,), 2, (edit(words, text=caption_style("Ho")),), 2) is None
    moving = edit(words, x=(0.1, 0.2))
    assert join((moving,), 2, (moving,), 2) is None
    picture = Picture(FILE, placed().placement)
    assert join((picture,), 2, (picture,), 2) == (picture,)
    assert join((picture,), 2, (edit(picture, frame=3),), 2) is None


def test_a_layer_names_its_files_and_fonts_on_both_sides_of_a_transition() -> None:
    plane = edit(FILE, key="alpha")
    source = edit(FILE, plane=plane)
    clear = edit(placed(), source=source)
    mixed = Mixed("dissolve", 0, 9, clear, Picture(FILE, placed().placement))
    assert list(sources(mixed)) == [source, plane, FILE]
    assert list(sources(Mixed("dissolve", 0, 9, None, clear))) == [source, plane]
    assert list(sources(Plate(None))) == [] == list(sources(Words(caption_style("Hi"), 0.5, 0.5)))
    assert source.content == "s+s" and edit(FILE, stream=2, alpha="black").content == "s#2+black"
