"""What clips look like: every property, effect and transition, read from the pixels of films without loss."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

from cutlog.contract.effects import EFFECTS, TRANSITIONS, Number
from cutlog.contract.properties import Animated, Easing, Keyframe, Keyframes, value_at
from cutlog.contract.timeline import (
    Box,
    Caption,
    Clip,
    Crop,
    Effect,
    Shadow,
    Speed,
    Stroke,
    Timeline,
    frame_shown,
)
from tests.render.screening import SIZE, at, extent, joint, near, png, psnr, screened
from tests.render.studio import Studio
from tests.render.timelines import lane, shot, solid, timeline, title
from tests.support.lanes import later
from tests.support.painting import Mark, Painter, read_mark

slow = pytest.mark.slow(reason="renders one more example of its kind")

edit = msgspec.structs.replace


def keys(*values: tuple[int, float], easing: Easing = "linear") -> Keyframes:
    return Keyframes(keyframes=tuple(Keyframe(frame=frame, value=value, easing=easing) for frame, value in values))


def over(top: Clip, ground: str = "#000000", size: tuple[int, int] = SIZE) -> Timeline:
    """A clip over one colour."""
    return timeline(lane(solid(0, top.at + top.frames, ground)), lane(top, number=1), library={}, size=size)


def effect(kind: str, **given: Animated | str) -> Effect:
    params = {name: kind.default for name, kind in EFFECTS[kind].params.items() if hasattr(kind, "default")}
    of: dict[str, Animated | str] = {"of": "picture"} if kind == "denoise" else {}
    return Effect(id="e", kind=kind, params={**params, **of, **given})


@pytest.mark.few(1, reason="renders one more example of its kind")
@pytest.mark.parametrize("easing", ["hold", "linear", "ease-in", "ease-out", "ease-in-out"])
async def test_keyframes_put_a_clip_where_they_say_on_every_frame(studio: Studio, easing: Easing) -> None:
    x, y = keys((3, 0.2), (27, 0.7), easing=easing), keys((0, 0.3), (30, 0.7))
    scale = keys((0, 0.2), (29, 0.5), easing=easing)
    block = edit(solid(0, 35, "#ff0000"), x=x, y=y, scale=scale)
    for k, image in enumerate(await screened(studio, over(block))):
        left, top, right, bottom = extent(image)
        assert (left + right) / 2 == pytest.approx(160 * value_at(x, k), abs=2.5)
        assert (top + bottom) / 2 == pytest.approx(90 * value_at(y, k), abs=2.5)
        assert right - left == pytest.approx(160 * value_at(scale, k), abs=4)


async def test_opacity_and_fades_are_exact_on_every_frame(studio: Studio) -> None:
    faded = edit(solid(0, 40, "#c8c8c8"), fade_in=10, fade_out=8, opacity=keys((0, 1.0), (39, 0.5)))
    for k, image in enumerate(await screened(studio, over(faded))):
        rise, fall = min(1.0, k / 10), min(1.0, (39 - k) / 8)
        wanted = 200 * rise * fall * (1 - 0.5 * k / 39)
        assert near(at(image, 0.5, 0.5), [wanted] * 3, by=3), k


@slow
async def test_the_parts_of_a_split_look_as_the_whole_did(studio: Studio) -> None:
    whole = edit(solid(0, 30, "#30a0f0"), fade_in=20, fade_out=20, x=keys((0, 0.3), (29, 0.7), easing="ease-in-out"))
    left = edit(whole, id="l", frames=13, tail_cut=17)
    moved = Keyframes(keyframes=whole.x.keyframes, start=13)  # type: ignore[union-attr]
    right = edit(whole, id="r", at=13, frames=17, head_cut=13, x=moved)
    one = await screened(studio, over(whole))
    film = timeline(lane(solid(0, 30, "#000000")), lane(left, right, number=1), library={}, size=SIZE)
    assert all(np.array_equal(a, b) for a, b in zip(one, await screened(studio, film), strict=True))


@slow
async def test_crop_flip_and_turn_move_the_right_corners(studio: Studio, painted: Painter) -> None:
    a = await studio.ingest("a", painted(25, 10, SIZE, tag=1))
    plain = shot(0, 0, 2, "a")

    async def look(**given: object) -> np.ndarray:
        film = timeline(lane(solid(0, 2, "#0000ff")), lane(edit(plain, **given), number=1), library=[a], size=SIZE)
        return (await screened(studio, film))[1]

    whole = await look()
    assert psnr(np.ascontiguousarray((await look(flip_h=True))[:, ::-1]), whole) > 35
    assert psnr(np.ascontiguousarray((await look(flip_v=True))[::-1]), whole) > 35
    assert psnr(np.ascontiguousarray((await look(rotation=180.0))[::-1, ::-1]), whole) > 18
    cropped = await look(crop=Crop(left=0.25, bottom=0.5))
    for x, y in ((0.1, 0.2), (0.5, 0.9), (0.22, 0.2)):
        assert near(at(cropped, x, y), (0, 0, 255), by=6)
    assert psnr(cropped[:40, 48:], whole[:40, 48:]) > 45
    quarter = await look(rotation=90.0, scale=0.5)
    left, top, right, bottom = extent(255 - quarter, channel=2, level=40)
    assert (right - left, bottom - top) == pytest.approx((45, 80), abs=3)


@pytest.mark.few(2, reason="renders one more example of its kind")
@pytest.mark.parametrize(
    ("blend", "wanted"),
    [
        ("normal", (200, 40, 120)),
        ("multiply", (200 * 100 / 255, 40 * 200 / 255, 120 * 50 / 255)),
        ("screen", (255 - 55 * 155 / 255, 255 - 215 * 55 / 255, 255 - 135 * 205 / 255)),
        ("overlay", (2 * 100 * 200 / 255, 255 - 2 * 55 * 215 / 255, 2 * 50 * 120 / 255)),
        ("add", (255, 240, 170)),
    ],
)
async def test_blend_modes_are_those_of_the_books(studio: Studio, blend: str, wanted: tuple[float, ...]) -> None:
    top = edit(solid(0, 3, "#c82878"), blend=blend, scale=0.5)
    image = (await screened(studio, over(top, "#64c832")))[1]
    assert near(at(image, 0.5, 0.5), wanted, by=9)
    assert near(at(image, 0.1, 0.1), (100, 200, 50), by=8)


@pytest.mark.few(2, reason="renders one more example of its kind")
@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (effect("invert"), (255 - 80, 255 - 160, 255 - 220)),
        (effect("grayscale"), (147, 147, 147)),
        (effect("color", brightness=0.1), (106, 186, 246)),
        (effect("color", saturation=0.0), (147, 147, 147)),
        (effect("hue", degrees=360.0), (80, 160, 220)),
        (effect("blur", radius=0.1), (80, 160, 220)),
        (effect("pixelate", size=0.2), (80, 160, 220)),
        (effect("sharpen", amount=2.0), (80, 160, 220)),
        (effect("denoise", strength=1.0), (80, 160, 220)),
        (effect("chromaKey", color="#50a0dc"), (255, 0, 0)),
        (effect("chromaKey", color="#ff00ff"), (80, 160, 220)),
    ],
    ids=lambda given: given.kind if isinstance(given, Effect) else "",
)
async def test_effects_make_the_colours_that_they_should(
    studio: Studio, given: Effect, wanted: tuple[int, ...]
) -> None:
    image = (await screened(studio, over(edit(solid(0, 3, "#50a0dc"), effects=(given,)), "#ff0000")))[1]
    assert near(at(image, 0.5, 0.5), wanted, by=8)


async def test_white_inverts_to_black_and_back(studio: Studio) -> None:
    for color, wanted in (("#ffffff", 0), ("#000000", 255)):
        image = (await screened(studio, over(edit(solid(0, 2, color), effects=(effect("invert"),)), "#ff0000")))[0]
        assert near(at(image, 0.5, 0.5), [wanted] * 3, by=2)


@slow
async def test_every_parameter_of_every_effect_can_be_at_its_ends_and_move(studio: Studio, painted: Painter) -> None:
    a = await studio.ingest("a", painted(25, 20, SIZE, tag=1))
    for kind, known in EFFECTS.items():
        if known.medium == "sound" or kind == "lut":
            continue
        ranges = {name: of for name, of in known.params.items() if isinstance(of, Number)}
        moving: dict[str, Animated | str] = {name: keys((0, of.low), (9, of.high)) for name, of in ranges.items()}
        clip = edit(shot(0, 0, 10, "a"), effects=(effect(kind, **moving),))
        film = timeline(lane(solid(0, 10, "#808080")), lane(clip, number=1), library=[a], size=SIZE)
        assert len(await screened(studio, film)) == 10


@pytest.mark.few(2, reason="renders one more example of its kind")
@pytest.mark.parametrize("kind", TRANSITIONS)
async def test_a_transition_lasts_just_as_long_as_it_says(studio: Studio, kind: str) -> None:
    # A cut at 10 and 7 frames: over [7, 14).
    left, right = solid(0, 10, "#e02020"), solid(10, 10, "#2020e0")
    film = timeline(joint(left, right, kind, 7), library={}, size=SIZE)
    images = await screened(studio, film)
    for k in (*range(7), *range(14, 20)):
        assert near(at(images[k], 0.5, 0.5, 40), (0xE0, 0x20, 0x20) if k < 7 else (0x20, 0x20, 0xE0), by=5), k
    middle = images[10]
    assert psnr(middle, images[0]) < 45
    assert psnr(middle, images[-1]) < 45


@slow
@pytest.mark.parametrize(
    "kind", ["dissolve", *later("other kinds by the same rule", "push-left", "circle-open", "grain", "fade-black")]
)
async def test_a_transition_over_the_joints_of_segments_is_whole(studio: Studio, painted: Painter, kind: str) -> None:
    a = await studio.ingest("a", painted(25, 110, SIZE, tag=1))
    b = await studio.ingest("b", painted(25, 110, SIZE, tag=2))
    left = edit(shot(0, 5, 40, "a"), id="l")
    film = timeline(joint(left, edit(shot(40, 40, 40, "b"), id="r"), kind, 60), library=[a, b], size=SIZE)
    short, long = await screened(studio, film, 1), await screened(studio, film, 5)
    assert min(psnr(one, other) for one, other in zip(short, long, strict=True)) > 60
    assert read_mark(short[9]) == Mark(1, 14)
    assert read_mark(short[70]) == Mark(2, 70)
    if kind == "dissolve":
        assert read_mark(short[14]) == Mark(1, 19)
        assert read_mark(short[66]) == Mark(2, 66)


@slow
@pytest.mark.parametrize(
    ("num", "den", "phase", "backwards"),
    [
        (7, 3, 2, False),
        (2, 5, 0, True),
        *later("more speeds", (2, 1, 0, False), (1, 2, 0, False), (3, 7, 4, False), (5, 4, 3, True)),
    ],
)
async def test_at_every_speed_each_frame_shows_its_source_frame(
    studio: Studio, painted: Painter, num: int, den: int, phase: int, backwards: bool
) -> None:
    a = await studio.ingest("a", painted(25, 110, SIZE, tag=1))
    speed = Speed(num=num, den=den, phase=phase)
    frames = min(60, int((90 * den - phase) / Fraction(num)))
    clip = shot(0, 6, 90, "a")
    clip = edit(clip, frames=frames, speed=speed, reversed=backwards)
    images = await screened(studio, timeline(lane(clip), library=[a], size=SIZE))
    wanted = [frame_shown(clip.source, speed, backwards, k) for k in range(frames)]  # type: ignore[arg-type]
    assert [mark and mark.number for mark in map(read_mark, images)] == wanted


@slow
async def test_words_have_their_line_plate_and_shadow_and_move(studio: Studio) -> None:
    def words(**style: object) -> Timeline:
        return over(title(0, 6, "IIIII", size=0.5, **style), "#0000c0", (320, 180))

    plain = (await screened(studio, words(color="#ff0000")))[0]
    stroke = (await screened(studio, words(color="#0000c0", stroke=Stroke(color="#ff0000", width=0.03))))[0]
    box = (await screened(studio, words(color="#0000c0", box=Box(color="#ff0000", padding=0.1))))[0]
    for wider, by in ((stroke, 5), (box, 18)):
        assert extent(wider)[2] - extent(plain)[2] == pytest.approx(by, abs=9)
    shadow = (await screened(studio, words(color="#00ff00", shadow=Shadow(color="#ff0000", x=0.2, y=0.0))))[0]
    assert extent(shadow)[2] - extent(plain)[2] == pytest.approx(36, abs=3)
    soft = (await screened(studio, words(color="#00ff00", shadow=Shadow(color="#ff0000", x=0.2, y=0.0, blur=0.02))))[0]
    assert extent(soft, level=40)[2] > extent(plain)[2] + 30
    path = keys((0, 0.3), (5, 0.7))
    for k, image in enumerate(await screened(studio, words(color="#ff0000", x=path))):
        left, _, right, _ = extent(image)
        assert (left + right) / 2 == pytest.approx(320 * value_at(path, k), abs=3)


async def test_captions_are_burned_in_while_they_last_in_lines_that_fit(studio: Studio) -> None:
    said = Caption(id="s", start=4, end=9, text="<i>" + "long words that go on " * 12 + "</i>")
    film = timeline(lane(solid(0, 12, "#000040"), captions=(said,)), library={}, size=(320, 180))
    images = await screened(studio, film)
    assert [bool((image[:, :, 0] > 128).any()) for image in images] == [4 <= k < 9 for k in range(12)]
    left, top, right, bottom = extent(images[5])
    assert 0 < left < right < 320
    assert 90 < top < bottom < 175


async def test_hidden_tracks_and_disabled_clips_are_not_seen(studio: Studio) -> None:
    film = timeline(
        lane(solid(0, 4, "#102030")),
        lane(edit(solid(0, 4, "#ff0000"), scale=0.5), number=1, hidden=True),
        lane(edit(solid(0, 4, "#ff0000"), enabled=False), number=2),
        library={},
        size=SIZE,
    )
    assert near(at((await screened(studio, film))[2], 0.5, 0.5), (0x10, 0x20, 0x30))


@slow
async def test_a_turned_picture_has_no_dark_edge(studio: Studio) -> None:
    turned = edit(solid(0, 2, "#ffffff"), rotation=30.0, scale=0.6)
    image = (await screened(studio, over(turned, "#ffffff")))[1]
    assert int(image.min()) > 245


@slow
@pytest.mark.parametrize("scale", [60.0, 100.0])
async def test_a_picture_a_hundred_times_as_large_shows_the_right_place(
    studio: Studio, painted: Painter, scale: float
) -> None:
    a = await studio.ingest("a", painted(25, 5, SIZE, tag=1))
    # The first cell of the code is black, the last is white: the canvas lies in the middle of it.
    for cell, wanted in ((0.5, 16), (17.5, 235)):
        clip = edit(shot(0, 0, 2, "a"), scale=scale, x=0.5 + (0.5 - cell / 18) * scale, y=0.5 + (0.5 - 0.27) * scale)
        film = timeline(lane(solid(0, 2, "#0000ff")), lane(clip, number=1), library=[a], size=SIZE)
        assert near(at((await screened(studio, film))[1], 0.5, 0.5), [wanted] * 3, by=20)


@slow
async def test_pictures_of_extreme_proportions_and_moves_can_be_shown(studio: Studio, painted: Painter) -> None:
    tall = await studio.ingest("n", painted(25, 3, (16, 1000), tag=3))
    for fit in ("cover", "contain", "stretch", "none"):
        film = timeline(lane(shot(0, 0, 2, "n", fit=fit)), library=[tall], size=(1280, 720))
        assert len(await screened(studio, film)) == 2
    curve = Keyframes(keyframes=tuple(Keyframe(frame=k, value=k * 37 % 100 / 100) for k in range(1000)))
    wild = edit(solid(0, 200, "#ff0000"), x=curve, y=curve, scale=curve, rotation=curve, opacity=curve)
    assert len(await screened(studio, over(wild), 5)) == 200


@slow
async def test_many_layers_are_one_picture(studio: Studio) -> None:
    layers = [
        lane(edit(solid(0, 3, f"#{40 + 2 * n:02x}0000"), id=f"c{n}", scale=1 - n / 160, fade_in=2), number=n)
        for n in range(80)
    ]
    images = await screened(studio, timeline(*layers, library={}, size=SIZE))
    assert near(at(images[2], 0.5, 0.5), (40 + 2 * 79, 0, 0), by=5)
    assert near(at(images[2], 0.01, 0.01, 1), (40, 0, 0), by=9)


@slow
async def test_a_picture_that_moves_stops_at_every_pixel(studio: Studio) -> None:
    way = keys((0, 0.45), (16, 0.55))
    block = edit(solid(0, 17, "#ff0000"), x=way, y=way, scale=0.5)
    images = await screened(studio, over(block))
    assert [extent(image)[0] for image in images] == [32 + k for k in range(17)]
    tops = [extent(image)[1] for image in images]
    assert {after - before for before, after in pairwise(tops)} == {0, 1}


@slow
async def test_what_nothing_is_laid_over_stays_as_it_was(studio: Studio, painted: Painter) -> None:
    a = await studio.ingest("a", painted(25, 5, SIZE, tag=1))
    ground = lane(shot(0, 0, 4, "a"))
    block = edit(solid(0, 4, "#ff0000"), scale=0.1, x=0.9, y=0.9, blend="screen")
    plain = await screened(studio, timeline(ground, library=[a], size=SIZE))
    for blend in ("normal", "screen"):
        film = timeline(ground, lane(edit(block, blend=blend), number=1), library=[a], size=SIZE)
        for one, other in zip(plain, await screened(studio, film), strict=True):
            assert np.array_equal(one[:70], other[:70])


@slow
async def test_grain_is_another_on_every_frame_and_the_same_wherever_a_clip_is_cut(
    studio: Studio, painted: Painter
) -> None:
    a = await studio.ingest("a", painted(25, 60, SIZE, tag=1))
    grainy = edit(shot(0, 10, 40, "a"), effects=(effect("noise", amount=0.3),))

    async def grain(*clips: Clip) -> list[np.ndarray]:
        clean = tuple(edit(clip, effects=()) for clip in clips)
        pair = [await screened(studio, timeline(lane(*each), library=[a], size=SIZE)) for each in (clips, clean)]
        return [one.astype(int) - other for one, other in zip(*pair, strict=True)]

    whole = await grain(grainy)
    assert all(4 < float(np.abs(one).mean()) < 40 for one in whole)
    assert all(float(np.abs(one - other).mean()) > 3 for one, other in pairwise(whole))
    trimmed = await grain(edit(shot(0, 17, 33, "a"), effects=grainy.effects))
    assert all(np.array_equal(one, other) for one, other in zip(whole[7:], trimmed, strict=True))


@slow
async def test_a_colour_table_gives_the_colours_that_stand_in_it(studio: Studio, tmp_path: Path) -> None:
    # The identity of level 4 (64 x 64), with red and blue exchanged.
    step = np.linspace(0, 255, 16).round().astype(np.uint8)
    blue, green, red = np.meshgrid(step, step, step, indexing="ij")
    table = np.stack([blue, green, red], axis=-1).reshape(64, 64, 3)
    path = tmp_path / "table.png"
    path.write_bytes(png(table))
    swap = await studio.ingest("l", path)
    film = timeline(lane(edit(solid(0, 2, "#c02040"), effects=(effect("lut", media="l"),))), library=[swap], size=SIZE)
    assert near(at((await screened(studio, film))[1], 0.5, 0.5), (0x40, 0x20, 0xC0), by=6)


@slow
async def test_a_transition_of_ten_seconds_is_even_from_end_to_end(studio: Studio) -> None:
    left, right = solid(0, 150, "#c00000"), solid(150, 150, "#0000c0")
    images = await screened(studio, timeline(joint(left, right, "dissolve", 250), library={}, size=(64, 36)))
    for k, image in enumerate(images):
        part = min(1.0, max(0.0, (k - 25) / 250))
        assert near(at(image, 0.5, 0.5), (192 * (1 - part), 0, 192 * part), by=6), k


@slow
async def test_another_run_makes_the_same_pixels(studio: Studio, painted: Painter) -> None:
    a = await studio.ingest("a", painted(25, 30, SIZE, tag=1))
    effects = tuple(
        edit(effect(kind), id=kind) for kind in ("noise", "vignette", "blur", "sharpen", "denoise", "pixelate")
    )
    clip = edit(shot(0, 2, 26, "a"), effects=effects, scale=keys((0, 0.5), (25, 1.2)), rotation=7.0)
    film = timeline(lane(solid(0, 26, "#204060")), lane(clip, number=1), library=[a], size=SIZE)
    whole, cut = await screened(studio, film, 5), await screened(studio, film, 1)
    assert min(psnr(one, other) for one, other in zip(whole, cut, strict=True)) > 60
