"""What layers a film has over time: clips, transitions, captions."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cutlog.contract.media import MediaFacts
from cutlog.contract.properties import Keyframe, Keyframes
from cutlog.contract.timeline import (
    Caption,
    Clip,
    Crop,
    Effect,
    FreezeSource,
    MediaRef,
    Speed,
)
from services.render.plan.captions import FOOT, Line, caption_style, lines_of, plain
from services.render.plan.looks import Look, curve
from services.render.plan.spans import Footage, Frozen, Mix, Solid, Span, Still, Title, advance, spans
from tests.render.screening import joint
from tests.render.timelines import lane, media, sha, shot, solid, timeline, title

edit = msgspec.structs.replace
LINEAR = Keyframes(keyframes=(Keyframe(frame=0, value=0.0), Keyframe(frame=10, value=1.0)))
STILL = MediaFacts(container="png_pipe", duration="0", width=64, height=64, frames=1)
TABLE = MediaRef(id="still", sha256=sha("still"), kind="image", status="ready", facts=STILL, key="videos/t/s.png")


def one(clip: Clip, **of: Any) -> Span:
    """The only span of a film of one clip."""
    (span,) = spans(timeline(lane(clip), library=[media(), TABLE], **of))
    return span


def test_footage_runs_on_at_its_speed_and_direction() -> None:
    double = edit(shot(0, 40, 20), frames=10, speed=Speed(num=2, den=1, phase=0))
    assert one(double).layers == (Footage("v", 40, num=2),)
    back = edit(shot(0, 40, 20), reversed=True)
    assert one(back).layers == (Footage("v", 59, backwards=True),)
    footage = Footage("v", 40, num=2, den=3, phase=1)
    assert advance(footage, 4) == Footage("v", 43, num=2, den=3, phase=0)
    assert advance(edit(footage, backwards=True), 5) == Footage("v", 37, num=2, den=3, phase=2, backwards=True)


def test_what_stands_stays_as_it_is_and_its_look_goes_on() -> None:
    look = Look(x=LINEAR)
    for layer in (Frozen("v", 3, look), Still("still", look), Solid("#ff0000", look)):
        assert advance(layer, 4) == edit(layer, look=look.later(4)) != layer
    mix = Mix("dissolve", 2, 9, Solid("#ff0000", look), None)
    assert advance(mix, 4) == Mix("dissolve", 6, 9, Solid("#ff0000", look.later(4)), None)


def test_a_title_that_moves_goes_on_where_it_was() -> None:
    (first, second) = spans(timeline(lane(title(0, 20, x=LINEAR)), lane(solid(5, 15), number=1)))[0:2]
    moving, later = first.layers[1], second.layers
    assert isinstance(moving, Title) and later == (Solid("#ff0000"),)
    on = advance(moving, 4)
    assert isinstance(on, Title) and curve(on.text.x, 0, 2) == (0.4, 0.5)


@pytest.mark.parametrize(
    ("clip", "layer"),
    [
        (Clip(id="f", at=0, frames=4, source=FreezeSource(media="v", frame=6)), Frozen("v", 6)),
        (Clip(id="f", at=0, frames=4, source=FreezeSource(media="still", frame=6)), Still("still")),
        (shot(0, 0, 4, "still"), Still("still")),
    ],
)
def test_pictures_that_stand_are_of_a_moment_or_a_still(clip: Clip, layer: Frozen | Still) -> None:
    assert one(clip).layers[-1] == layer


def covered(clip: Clip, of: MediaRef, size: tuple[int, int] = (1920, 1080)) -> bool:
    """Whether a clip hides what lies below."""
    film = timeline(lane(solid(0, 10)), lane(clip, number=1), library=[of, TABLE], size=size)
    (span,) = spans(film)
    return len(span.layers) == 1


def test_a_clip_covers_what_lies_below_where_it_fills_the_canvas_and_is_opaque() -> None:
    tall, large = media(size=(608, 1080)), media(size=(2000, 1100))
    assert covered(shot(0, 0, 10), media())
    assert not covered(shot(0, 0, 10), tall)
    assert covered(shot(0, 0, 10, fit="cover"), tall) and covered(shot(0, 0, 10, fit="stretch"), tall)
    assert covered(shot(0, 0, 10, fit="none"), media()) and covered(shot(0, 0, 10, fit="none"), large)
    assert not covered(shot(0, 0, 10, fit="none"), media(size=(1918, 1080)))
    assert not covered(shot(0, 0, 10, fit="none"), media(size=(1920, 1078)))
    clear = edit(media(), facts=edit(media().facts, alpha=True))
    assert not covered(shot(0, 0, 10), clear)
    assert not covered(shot(0, 0, 10, "still", fit="cover"), media())
    freeze = Clip(id="f", at=0, frames=10, source=FreezeSource(media="v", frame=6))
    assert covered(freeze, media()) and not covered(freeze, tall)
    assert covered(solid(0, 10, "#00ff00"), media())


@pytest.mark.parametrize(
    "look",
    [
        {"x": 0.4}, {"y": 0.4}, {"scale": 2.0}, {"rotation": 1.0}, {"opacity": 0.9}, {"crop": Crop(left=0.1)},
        {"blend": "add"}, {"fade_in": 3}, {"fade_out": 3},
        {"effects": (Effect(id="e", kind="chromaKey", params={"color": "#00ff00", "similarity": 0.1, "blend": 0.0}),)},
    ],
    ids=lambda look: next(iter(look)),
)  # fmt: skip
def test_a_look_may_let_through_what_lies_below(look: dict[str, Any]) -> None:
    assert not covered(edit(shot(0, 0, 10), **look), media())


@pytest.mark.parametrize(
    "look",
    [
        {"flip_h": True}, {"flip_v": True}, {"crop": Crop()},
        {"effects": (Effect(id="e", kind="grayscale", params={}),)},
    ],
    ids=lambda look: next(iter(look)),
)  # fmt: skip
def test_a_look_that_only_changes_pixels_hides_as_much(look: dict[str, Any]) -> None:
    assert covered(edit(shot(0, 0, 10), **look), media())


@pytest.mark.parametrize(("frames", "begin", "end"), [(6, 7, 13), (5, 8, 13), (1, 10, 11)])
def test_a_transition_takes_its_frames_from_both_sides_of_the_cut(frames: int, begin: int, end: int) -> None:
    left, right = edit(shot(0, 40, 10), id="l"), edit(shot(10, 90, 10), id="r")
    found = spans(timeline(joint(left, right, "dissolve", frames)))
    assert [(span.at, span.end) for span in found] == [(0, begin), (begin, end), (end, 20)]
    assert found[1].layers[1:] == (
        Mix("dissolve", 0, frames, Footage("v", 40 + begin), Footage("v", 90 - (10 - begin))),
    )
    assert found[2].layers == (Footage("v", 90 + end - 10),)


def test_a_transition_mixes_with_nothing_where_a_clip_is_disabled() -> None:
    left, right = edit(shot(0, 40, 10), id="l"), edit(shot(10, 90, 10), id="r")
    off = spans(timeline(joint(edit(left, enabled=False), right, "dissolve", 6)))
    assert off[1].layers[1:] == (Mix("dissolve", 0, 6, None, Footage("v", 87)),)
    off = spans(timeline(joint(left, edit(right, enabled=False), "dissolve", 6)))
    assert off[1].layers[1:] == (Mix("dissolve", 0, 6, Footage("v", 47), None),)
    assert off[2].layers == (Solid("#000000"),)
    neither = spans(timeline(joint(edit(left, enabled=False), edit(right, enabled=False), "dissolve", 6)))
    assert neither == (Span(0, 20, (Solid("#000000"),)),)


def test_without_ground_a_gap_shows_nothing() -> None:
    film = timeline(lane(solid(5, 5)))
    assert spans(film, ground=False) == (Span(0, 5, (Solid(None),)), Span(5, 5, (Solid("#ff0000"),)))


def caption(name: str, start: int, end: int, text: str) -> Caption:
    return Caption(id=name, start=start, end=end, text=text)


def test_captions_that_overlap_stand_below_each_other_in_the_order_in_which_they_begin() -> None:
    said = (caption("b", 6, 9, "b"), caption("a", 2, 8, "<i>a</i>"), caption("c", 12, 14, "c"))
    assert lines_of(lane(captions=said)) == [
        Line(2, 6, "a"), Line(6, 8, "a\nb"), Line(8, 9, "b"), Line(12, 14, "c"),
    ]  # fmt: skip
    assert lines_of(lane(captions=(caption("a", 0, 5, "<b></b>"),))) == [] == lines_of(lane())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<i>Hello</i> {\\an8}there ", "Hello there"), ("a < b > c", "a  c"), ("<>", "<>"), ("{an8}", "{an8}"),
        ("1 < 2", "1 < 2"), (f"<{'x' * 100}>", ""), (f"<{'x' * 101}>", f"<{'x' * 101}>"),
    ],
)  # fmt: skip
def test_captions_are_shown_without_their_tags(text: str, words: str) -> None:
    assert plain(text) == words


def test_burned_captions_stand_at_the_foot_and_those_beside_the_film_nowhere() -> None:
    said = (caption("a", 2, 5, "Hi"),)
    burned = spans(timeline(lane(shot(0, 0, 10), captions=said, caption_mode="burn", caption_font="noto-sans")))
    assert [(span.at, span.end, len(span.layers)) for span in burned] == [(0, 2, 1), (2, 5, 2), (5, 10, 1)]
    assert burned[1].layers[1] == Title(caption_style("Hi", "noto-sans"), caption=True)
    assert caption_style("Hi").y == FOOT and caption_style("Hi").fit == "wrap"
    assert len(spans(timeline(lane(shot(0, 0, 10), captions=said, caption_mode="sidecar")))) == 1
    beyond = spans(timeline(lane(shot(0, 0, 10), captions=(caption("a", 8, 50, "Hi"), caption("b", 60, 70, "no")))))
    assert [(span.at, span.end) for span in beyond] == [(0, 8), (8, 10)]
