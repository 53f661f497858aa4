"""Values that change: keyframes, easing, fades and effects, and what cuts, trims and speed do to them."""

from __future__ import annotations

import pytest

from cutlog.contract.ops import (
    ClipAdd,
    ClipProperties,
    ClipRoll,
    ClipSet,
    ClipSlip,
    ClipSpeed,
    ClipSplit,
    ClipTrim,
    EffectAdd,
    EffectMove,
    EffectRemove,
    EffectSet,
    Op,
    TextSet,
)
from cutlog.contract.properties import Easing, Keyframe, Keyframes, faster, later, value_at
from cutlog.contract.timeline import Box, Crop, Stroke, TextSource, TextStyle
from services.ops.edits.errors import EditError
from services.ops.edits.excerpt import ANIMATED
from services.ops.edits.looks import RANGES
from services.ops.edits.sequence import Sequence
from services.ops.edits.texts import RANGES as TEXT_RANGES
from tests.ops.drawing import drawn, run
from tests.ops.painting import paint


def keys(*pairs: tuple[int, float], easing: Easing = "linear") -> Keyframes:
    return Keyframes(keyframes=tuple(Keyframe(frame=frame, value=value, easing=easing) for frame, value in pairs))


EASED: list[tuple[Easing, list[float]]] = [
    ("hold", [0, 0, 0, 0, 16]),
    ("linear", [0, 4, 8, 12, 16]),
    ("ease-in", [0, 1, 4, 9, 16]),
    ("ease-out", [0, 7, 12, 15, 16]),
    ("ease-in-out", [0, 2.5, 8, 13.5, 16]),
]


@pytest.mark.parametrize(("easing", "values"), EASED)
def test_each_easing_goes_its_own_way(easing: Easing, values: list[float]) -> None:
    animated = keys((2, 0), (6, 16), easing=easing)
    assert [value_at(animated, frame) for frame in range(2, 7)] == values
    assert (value_at(animated, 0), value_at(animated, 99)) == (0, 16)


def test_later_and_faster_values_are_the_same_floats() -> None:
    animated = keys((0, 0.1), (7, 0.9), (13, 0.3), easing="ease-in-out")
    moved = later(animated, 5)
    assert [value_at(moved, k) for k in range(-5, 20)] == [value_at(animated, k + 5) for k in range(-5, 20)]
    doubled = faster(animated, 2, 1)
    assert [value_at(doubled, k) for k in range(12)] == [value_at(animated, 2 * k) for k in range(12)]
    assert faster(faster(moved, 3, 7), 7, 3) == moved


def opacities(sequence: Sequence) -> list[float]:
    return [cell.values[0] for cell in paint(sequence)["v"] if cell is not None]


@pytest.mark.parametrize("at", range(1, 12))
def test_a_split_keeps_every_value_in_the_middle_of_an_eased_way_too(at: int) -> None:
    whole = run(drawn(v="aaaaaaaaaaaa"), ClipSet(clip="a", opacity=keys((1, 0.1), (10, 0.9), easing="ease-in-out")))
    parts = run(whole, ClipSplit(clip="a", at=at, new="b"))
    assert opacities(parts) == opacities(whole)


def test_keyframes_stay_with_the_picture_when_the_head_is_trimmed_or_rolled() -> None:
    whole = run(drawn(v="aaaabbbb"), ClipSet(clip="b", opacity=keys((0, 0), (3, 0.6))))
    assert opacities(run(whole, ClipTrim(clip="b", start=42)))[4:] == opacities(whole)[6:]
    assert opacities(run(whole, ClipTrim(clip="b", start=42, ripple=True)))[4:] == opacities(whole)[6:]
    assert opacities(run(whole, ClipRoll(left="a", right="b", by=2)))[6:] == opacities(whole)[6:]
    assert opacities(run(whole, ClipRoll(left="a", right="b", by=-2)))[4:] == opacities(whole)[4:]
    assert opacities(run(whole, ClipSlip(clip="b", by=3))) == opacities(whole)


def test_keyframes_keep_to_their_source_frames_when_the_speed_changes() -> None:
    whole = run(drawn(v="aaaaaaaa"), ClipSet(clip="a", opacity=keys((0, 0), (7, 0.7))))
    fast = run(whole, ClipSpeed(clip="a", num=2, den=1))
    assert opacities(fast) == opacities(whole)[::2]
    assert run(fast, ClipSpeed(clip="a", num=1, den=1)) == whole


def fades(sequence: Sequence) -> list[tuple[float, ...]]:
    return [cell.values[2:4] for cell in paint(sequence)["v"] if cell is not None]


def test_a_split_cuts_fades_off_and_undoing_it_brings_them_back() -> None:
    whole = run(drawn(v="aaaaaaaa"), ClipSet(clip="a", fade_in=4, fade_out=4))
    for at in range(1, 8):
        parts = run(whole, ClipSplit(clip="a", at=at, new="b"))
        assert fades(parts) == fades(whole)
        again = run(parts, ClipTrim(clip="b", end=40 + at + 1), ClipTrim(clip="b", end=48))
        assert fades(again)[at:][-1:] == fades(whole)[-1:]


def test_a_fade_stays_at_the_edge_that_is_trimmed() -> None:
    whole = run(drawn(v="aaaaaaaa"), ClipSet(clip="a", fade_out=2))
    assert [level for _, level in fades(run(whole, ClipTrim(clip="a", end=44)))] == [1, 1, 1, 0.5]


def test_a_fade_that_is_set_after_a_split_is_whole() -> None:
    parts = run(drawn(v="aaaaaaaa"), ClipSet(clip="a", fade_in=6, audio_fade_in=6), ClipSplit(clip="a", at=4, new="b"))
    piece = run(parts, ClipSet(clip="b", fade_in=3)).clip("b").placed.piece
    assert (piece.fade_in, piece.audio_fade_in, piece.head_cut) == (3, 2, 0)


def test_the_keyframes_of_texts_and_effects_are_cut_too() -> None:
    sequence = run(
        drawn(v="aaaa"),
        ClipAdd(clip="t", track="v", at=4, text=TextStyle(text="Hi", x=keys((0, 0), (3, 3))), frames=4),
        EffectAdd(clip="a", effect="e", kind="blur", params={"radius": keys((0, 0), (3, 0.15))}),
        ClipSplit(clip="a", at=2, new="b"),
        ClipSplit(clip="t", at=6, new="u"),
    )
    source = sequence.clip("u").placed.piece.source
    assert isinstance(source, TextSource)
    assert value_at(source.text.x, 0) == 2
    radius = sequence.clip("b").placed.piece.effects[0].params["radius"]
    assert isinstance(radius, Keyframes)
    assert value_at(radius, 1) == 0.15


def test_properties_can_come_with_a_new_clip() -> None:
    properties = ClipProperties(opacity=0.5, rotation=90, crop=Crop(left=0.25), flip_h=True, blend="screen", fade_in=3)
    sequence = run(drawn(v=""), ClipAdd(clip="n", track="v", at=0, color="#ff0000", frames=9, properties=properties))
    piece = sequence.clip("n").placed.piece
    assert (piece.opacity, piece.rotation, piece.crop) == (0.5, 90, Crop(left=0.25))
    assert (piece.flip_h, piece.blend, piece.fade_in) == (True, "screen", 3)
    assert run(sequence, ClipSet(clip="n", crop=None)).clip("n").placed.piece.crop is None


def test_parts_of_a_title_can_be_taken_away() -> None:
    sequence = run(
        drawn(v=""),
        ClipAdd(clip="t", track="v", at=0, text=TextStyle(text="Hi", stroke=Stroke(), box=Box(padding=0.1)), frames=4),
        TextSet(clip="t", stroke=None, size=0.2),
    )
    assert sequence.clip("t").placed.piece.source == TextSource(
        text=TextStyle(text="Hi", box=Box(padding=0.1), size=0.2)
    )


def kinds(sequence: Sequence) -> list[str]:
    return [effect.kind for effect in sequence.clip("a").placed.piece.effects]


def test_effects_are_added_in_order_changed_moved_and_removed() -> None:
    sequence = run(
        drawn(v="aa"),
        EffectAdd(clip="a", effect="e1", kind="blur"),
        EffectAdd(clip="a", effect="e2", kind="hue", params={"degrees": 90}),
        EffectAdd(clip="a", effect="e3", kind="grayscale", index=0),
    )
    assert kinds(sequence) == ["grayscale", "blur", "hue"]
    assert sequence.clip("a").placed.piece.effects[1].params == {"radius": 0.01}
    sequence = run(sequence, EffectMove(clip="a", effect="e2", index=0), EffectRemove(clip="a", effect="e3"))
    assert kinds(sequence) == ["hue", "blur"]
    sequence = run(sequence, EffectSet(clip="a", effect="e1", params={"radius": 0.1}))
    assert sequence.clip("a").placed.piece.effects[1].params == {"radius": 0.1}


def test_a_table_of_colours_is_a_media_that_the_clip_uses() -> None:
    sequence = run(drawn(v="aa"), EffectAdd(clip="a", effect="e", kind="lut", params={"media": "clut"}))
    assert dict(sequence.uses.items()) == {"film": 1, "clut": 1}
    assert dict(run(sequence, EffectRemove(clip="a", effect="e")).uses.items()) == {"film": 1}


def test_every_property_that_may_have_keyframes_has_a_range() -> None:
    assert set(RANGES) == set(ANIMATED)
    assert set(TEXT_RANGES) == {"x", "y"}


REFUSED: list[tuple[Op, str, str]] = [
    (ClipSet(clip="a", x=keys((2, 0), (2, 1))), "/x/keyframes/1/frame", "must increase"),
    (ClipSet(clip="a", opacity=keys((0, 0), (2, 1.5))), "/opacity/keyframes/1/value", "from 0 to 1"),
    (ClipSet(clip="a", gain_db=keys((0, 99))), "/gainDb/keyframes/0/value", "from -120 to 40"),
    (ClipSet(clip="a", crop=Crop(left=0.5, right=0.5)), "/crop/right", "less than 1"),
    (ClipSet(clip="a", crop=Crop(top=0.5, bottom=0.5)), "/crop/bottom", "less than 1"),
    (
        ClipAdd(clip="n", track="v", at=9, color="#000000", frames=2, properties=ClipProperties(pan=keys((0, 2)))),
        "/properties/pan/keyframes/0/value",
        "from -1 to 1",
    ),
    (
        ClipAdd(clip="n", track="v", at=9, text=TextStyle(text="x", y=keys((0, 9))), frames=2),
        "/text/y/keyframes/0/value",
        "from -4 to 4",
    ),
    (TextSet(clip="t", x=keys((0, 9))), "/x/keyframes/0/value", "from -4 to 4"),
    (EffectAdd(clip="a", effect="e", kind="glow"), "/kind", "the kinds are: color, hue"),
    (EffectAdd(clip="a", effect="a", kind="blur"), "/effect", "used before"),
    (EffectAdd(clip="a", effect="e", kind="blur", index=1), "/index", "0 to 0"),
    (EffectAdd(clip="a", effect="e", kind="blur", params={"size": 1.0}), "/params/size", "its parameters are: radius"),
    (EffectAdd(clip="a", effect="e", kind="blur", params={"radius": 1.0}), "/params/radius", "from 0 to 0.2"),
    (EffectAdd(clip="a", effect="e", kind="blur", params={"radius": "1"}), "/params/radius", "a number"),
    (EffectAdd(clip="a", effect="e", kind="chromaKey", params={"color": 1.0}), "/params/color", "#rrggbb"),
    (EffectAdd(clip="a", effect="e", kind="denoise", params={"of": "smell"}), "/params/of", "picture, sound"),
    (EffectAdd(clip="a", effect="e", kind="lut"), "/params", "media is missing"),
    (EffectAdd(clip="a", effect="e", kind="lut", params={"media": "none"}), "/params/media", "no media none"),
    (EffectAdd(clip="a", effect="e", kind="lut", params={"media": "film"}), "/params/media", "not a HALD CLUT"),
    (EffectAdd(clip="t", effect="e", kind="lowpass"), "/kind", "changes sounds"),
    (EffectAdd(clip="m", effect="e", kind="blur"), "/kind", "changes pictures"),
    (EffectAdd(clip="m", effect="e", kind="denoise", params={"of": "picture"}), "/kind", "changes pictures"),
    (EffectSet(clip="a", effect="e", params={"radius": 0.1}), "/effect", "none; add one"),
    (EffectRemove(clip="a", effect="e"), "/effect", "no effect e"),
]


@pytest.mark.parametrize(("op", "pointer", "words"), REFUSED)
def test_what_does_not_apply_is_refused_with_a_pointer_and_a_sentence(op: Op, pointer: str, words: str) -> None:
    sequence = run(drawn(v="aa", a1="mm"), ClipAdd(clip="t", track="v", at=2, text=TextStyle(text="Hi"), frames=2))
    with pytest.raises(EditError) as refusal:
        run(sequence, op)
    assert (refusal.value.pointer, words in refusal.value.detail) == (pointer, True), refusal.value
