"""How film is cut into segments, what these are made of, and which of them is made first."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from cutlog.contract.media import FontFace, FontFacts, MediaFacts, Rendition, Renditions
from cutlog.contract.properties import Keyframe, Keyframes
from cutlog.contract.time import Fps
from cutlog.contract.timeline import (
    Clip,
    Effect,
    FreezeSource,
    MediaRef,
    MediaSource,
    Speed,
    Timeline,
)
from services.render.plan.layers import Mixed, Picture, Plate, Shot, Words, typefaces
from services.render.plan.newest import edited, newest_first, pieces
from services.render.plan.profiles import EXPORTS, GIF_HEIGHT, PROXY
from services.render.plan.segments import Copied, Encoded, MediaNotReadyError, Plan, moment, plan
from tests.render.screening import joint
from tests.render.timelines import FPS, lane, media, sequence, sha, shot, solid, timeline, title

edit = msgspec.structs.replace
LINEAR = Keyframes(keyframes=(Keyframe(frame=0, value=0.0), Keyframe(frame=10, value=1.0)))
STILL = MediaFacts(container="png_pipe", duration="0", width=64, height=64, frames=1)
TABLE = MediaRef(id="still", sha256=sha("still"), kind="image", status="ready", facts=STILL, key="videos/t/s.png")


FONT = MediaRef(
    id="font", sha256=sha("font"), kind="font", status="ready", key="videos/t/f.ttf",
    facts=MediaFacts(
        container="ttf", duration="0",
        font=FontFacts(
            faces=tuple(FontFace(family="Sans", style=name, weight=of) for name, of in (("Thin", 100), ("Bold", 700))),
            coverage="20-7e",
        ),
    ),
    renditions=Renditions(master=Rendition(key="derived/t/font.ttf", size=1, sha256="m")),
)  # fmt: skip


def drawn(film: Timeline) -> list[Encoded]:
    return list(plan(film, EXPORTS["mp4"], "engine").encoded().values())


def lettered(font: MediaRef, **style: Any) -> Timeline:
    return timeline(lane(title(0, 5, font="font", **style)), library=[font])


def test_a_title_is_drawn_with_the_face_of_the_nearest_weight() -> None:
    def face(font: MediaRef, **style: Any) -> Any:
        (segment,) = drawn(lettered(font, **style))
        (found,) = {each for layer in segment.layers for each in typefaces(layer)}
        assert list(segment.typefaces()) == [found]
        return found

    bold = face(FONT, weight=600)
    assert (bold.key, bold.sha256, bold.weight, bold.emoji) == ("derived/t/font.ttf", "m", 600, False)
    assert face(FONT, weight=150).family != bold.family
    assert face(FONT).weight in (100, 700)
    assert face(edit(FONT, status="".join("ready"))) == face(FONT), "as it is read"
    assert FONT.facts.font is not UNSET
    emoji = edit(FONT, facts=edit(FONT.facts, font=edit(FONT.facts.font, coverage="20-7e 1f600")))
    assert face(emoji).emoji


@pytest.mark.parametrize(
    "missing",
    [
        {"status": "failed"}, {"renditions": Renditions()}, {"facts": MediaFacts(container="ttf", duration="0")},
    ],
    ids=lambda missing: next(iter(missing)),
)  # fmt: skip
def test_a_font_that_is_not_ready_cannot_be_drawn_with(missing: dict[str, Any]) -> None:
    with pytest.raises(MediaNotReadyError, match="font font is"):
        drawn(lettered(edit(FONT, **missing)))


def test_only_a_picture_can_be_a_colour_table() -> None:
    def film(name: str) -> Timeline:
        clip = edit(shot(0, 0, 5), effects=(Effect(id="e", kind="lut", params={"media": name}),))
        return timeline(lane(clip), library=[media(), media("w"), TABLE])

    (segment,) = drawn(film("still"))
    assert [(name, table.sha256) for name, table in segment.cluts] == [("still", TABLE.sha256)]
    assert [file.sha256 for file in segment.sources()] == [TABLE.sha256, media().sha256]
    with pytest.raises(MediaNotReadyError, match="media w is not a picture"):
        drawn(film("w"))


def test_what_moves_begins_where_the_segment_does() -> None:
    values = tuple(frame / 10 for frame in range(10))
    still = edit(shot(0, 0, 10, "still"), opacity=LINEAR)
    (segment,) = drawn(timeline(lane(still), library=[TABLE]))
    assert [layer.look.opacity for layer in segment.layers if isinstance(layer, Picture)] == [values]
    (segment,) = drawn(timeline(lane(edit(title(0, 10, x=LINEAR), opacity=LINEAR))))
    assert [(layer.x, layer.y, layer.look.opacity) for layer in segment.layers if isinstance(layer, Words)] == [
        (values, 0.5, values)
    ]
    frozen = edit(Clip(id="f", at=0, frames=10, source=FreezeSource(media="v", frame=3)), opacity=LINEAR)
    (segment,) = drawn(timeline(lane(frozen)))
    assert [layer.look.opacity for layer in segment.layers if isinstance(layer, Picture)] == [values]


def test_both_sides_of_a_transition_bring_their_fonts_and_tables() -> None:
    lut = Effect(id="e", kind="lut", params={"media": "still"})
    left = edit(title(0, 10, font="font"), id="l")
    right = edit(shot(10, 90, 10), id="r", effects=(lut,))
    for one, other in ((left, right), (edit(right, at=0), edit(left, at=10))):
        film = timeline(joint(one, other, "dissolve", 6), library=[media(), TABLE, FONT])
        (mixed,) = [each for each in drawn(film) if isinstance(each.layers[-1], Mixed)]
        assert {face.key for face in mixed.typefaces()} == {"derived/t/font.ttf"}
        assert [name for name, _ in mixed.cluts] == ["still"]


def test_a_transition_is_cut_where_its_film_crosses_the_grid() -> None:
    left, right = edit(shot(0, 40, 10), id="l"), edit(solid(10, 20), id="r")
    assert lengths(timeline(joint(left, right, "dissolve", 10)), EXPORTS["mp4"]) == [5, 10, 15]
    crossing = edit(left, source=MediaSource(media="v", start=117, end=127))
    assert lengths(timeline(joint(crossing, right, "dissolve", 10)), EXPORTS["mp4"]) == [5, 3, 7, 15]


def lengths(film: Timeline, profile: Any = PROXY) -> list[int]:
    return [segment.frames for segment in plan(film, profile, "engine").segments]


def test_a_still_picture_begins_a_grid_of_its_own() -> None:
    assert lengths(timeline(lane(solid(3, 60)))) == [3, 25, 25, 10]
    assert lengths(timeline(lane(solid(0, 300))), EXPORTS["mp4"]) == [125, 125, 50]


def test_film_is_cut_where_its_source_crosses_the_grid() -> None:
    assert lengths(timeline(sequence((10, 60)))) == [15, 25, 20]
    fast = edit(shot(0, 10, 90), frames=30, speed=Speed(num=3, den=1))
    assert lengths(timeline(lane(fast))) == [5, 9, 8, 8]
    slow = edit(shot(0, 10, 40), frames=80, speed=Speed(num=1, den=2))
    assert lengths(timeline(lane(slow))) == [30, 50]
    crawling = edit(shot(0, 0, 10), frames=200, speed=Speed(num=1, den=20))
    assert lengths(timeline(lane(crawling))) == [50, 50, 50, 50], "no piece is longer than two lines of the grid"


def test_film_that_runs_backwards_is_cut_short() -> None:
    back = edit(shot(0, 10, 60), reversed=True)
    assert lengths(timeline(lane(back))) == [20, 25, 15]
    assert lengths(timeline(lane(back)), EXPORTS["mp4"]) == [20, 25, 15], "its frames are held in memory"


def test_a_second_of_a_proxy_is_copied_only_as_it_is() -> None:
    def copied(clip: Clip, **of: Any) -> bool:
        return any(isinstance(segment, Copied) for segment in plan(timeline(lane(clip), **of), PROXY, "e").segments)

    assert copied(shot(0, 0, 25)) and copied(shot(0, 50, 10))
    assert not copied(shot(0, 1, 24))
    assert not copied(edit(shot(0, 0, 25), opacity=0.5))
    assert not copied(edit(shot(0, 0, 25), reversed=True))
    assert not copied(edit(shot(0, 0, 50), frames=25, speed=Speed(num=2, den=1)))
    assert not copied(shot(0, 0, 25), fps=Fps(50, 1))
    plane = Rendition(key="a", size=1, sha256="a")
    clear = edit(media(), renditions=edit(media().renditions, proxy_alpha=plane))
    assert not copied(shot(0, 0, 25), library=[clear])


def test_a_clear_proxy_has_its_alpha_beside_it() -> None:
    clear = edit(media(), renditions=edit(media().renditions, proxy_alpha=Rendition(key="a", size=1, sha256="a")))
    (segment,) = plan(timeline(sequence((0, 25)), library=[clear]), PROXY, "e").encoded().values()
    colours, plane = segment.sources()
    assert (colours.alpha, colours.conformed, plane.key, plane.alpha) == ("black", (854, 480), "a", None)
    facts = edit(media().facts, alpha=True)
    for matte, alpha in ((UNSET, "straight"), ("white", "white")):
        upload = edit(media(), facts=edit(facts, matte=matte))
        (found,) = drawn(timeline(sequence((0, 25)), library=[upload]))
        assert [source.alpha for source in found.sources()] == [alpha]


@pytest.mark.parametrize("lost", [None, {"width": None}, {"height": None}])
def test_a_media_without_an_edit_proxy_has_no_proxy_film(lost: dict[str, None] | None) -> None:
    proxy = media().renditions.proxy
    assert proxy is not None
    without = None if lost is None else edit(proxy, **lost)
    film = timeline(sequence((0, 5)), library=[edit(media(), renditions=edit(media().renditions, proxy=without))])
    with pytest.raises(MediaNotReadyError, match="media v has no edit proxy"):
        plan(film, PROXY, "engine")
    assert drawn(film)


def test_a_moment_is_a_segment_of_one_frame_like_that_of_the_film() -> None:
    film = timeline(lane(solid(0, 5), shot(5, 40, 20)), lane(title(8, 4), number=1))
    for at, layers in ((0, 1), (4, 1), (5, 1), (9, 2), (24, 1)):
        found = moment(film, EXPORTS["mp4"], "engine", at)
        assert (found.frames, len(found.layers)) == (1, layers)
        if at >= 5:
            assert isinstance(found.layers[0], Shot) and found.layers[0].start == 35 + at
    clear = moment(timeline(lane(solid(5, 5))), EXPORTS["prores-4444"], "engine", 0)
    assert clear.layers == (Plate(None),)


def colours(*lengths: int, changed: dict[int, str] | None = None) -> Plan:
    clips, at = [], 0
    for number, frames in enumerate(lengths):
        clips.append(solid(at, frames, (changed or {}).get(number, f"#10{number:02x}40")))
        at += frames
    return plan(timeline(lane(*clips)), PROXY, "engine")


@pytest.mark.parametrize(
    ("given", "groups"),
    [
        ((25, 25, 25), [25, 25, 25]), ((10, 10, 10, 10), [40]), ((10, 10, 10, 25), [30, 25]), ((24, 1, 25), [25, 25]),
        ((25, 12), [37]), ((25, 25, 12), [25, 37]), ((25, 13), [25, 13]), ((5,), [5]),
    ],
)  # fmt: skip
def test_a_viewer_is_given_a_second_at_least(given: tuple[int, ...], groups: list[int]) -> None:
    assert [sum(segment.frames for segment in group) for group in pieces(colours(*given))] == groups


def test_the_newest_edit_is_in_the_piece_with_the_first_segment_that_differs() -> None:
    before = colours(10, 10, 10, 25, 25)
    assert edited(colours(10, 10, 10, 25, 25, changed={2: "#ffffff"}), before) == 0
    assert edited(colours(10, 10, 10, 25, 25, changed={3: "#ffffff"}), before) == 1
    assert edited(colours(10, 10, 10, 25, 25, changed={4: "#ffffff"}), before) == 2
    assert edited(colours(10, 10, 10, 25, 20), before) == 2, "it became shorter"
    assert edited(colours(10, 10, 10, 25), before) == 1, "its end was cut away"
    assert edited(colours(10, 10, 10, 25, 25, 25), before) == 3
    assert edited(before, before) == 0
    assert edited(plan(timeline(), PROXY, "engine"), before) == 0


def test_segments_that_are_copied_are_not_made_and_count_as_what_they_show() -> None:
    def film(*shots: tuple[int, int]) -> Plan:
        return plan(timeline(sequence(*shots)), PROXY, "engine")

    before = film((0, 25), (50, 25), (100, 25))
    assert edited(film((0, 25), (75, 25), (100, 25)), before) == 1
    assert edited(film((0, 25), (50, 25), (100, 20)), before) == 2
    assert newest_first(before, set(), 0) == []
    encoded = colours(25, 25, 25)
    first, second, third = encoded.encoded()
    assert [segment.digest for segment in newest_first(encoded, {first, third}, 1)] == [third, first]
    assert [segment.digest for segment in newest_first(encoded, {first, second, third}, 2)] == [third, first, second]


def test_profiles_are_as_large_as_their_names_say() -> None:
    canvas = timeline().canvas
    assert EXPORTS["mp4"].size(canvas) == (1920, 1080)
    assert EXPORTS["mp4-720p"].size(canvas) == (1280, 720) and PROXY.size(canvas) == (854, 480)
    small = timeline(size=(320, 180)).canvas
    assert EXPORTS["mp4-720p"].size(small) == (1280, 720) and EXPORTS["gif"].size(small) == (320, 180)
    assert EXPORTS["gif"].size(canvas) == (854, GIF_HEIGHT)
    assert EXPORTS["gif"].size(timeline(size=(640, 480)).canvas) == (640, 480)


def test_profiles_hold_what_their_names_say() -> None:
    assert {name for name, each in EXPORTS.items() if each.alpha} == {"prores-4444", "webm-alpha"}
    assert {name for name, each in EXPORTS.items() if not each.pictures} == {"audio"}
    assert {name for name, each in EXPORTS.items() if each.sound is None} == {"gif"}
    assert {name for name, each in EXPORTS.items() if each.sound == "libopus"} == {"webm", "webm-alpha"}
    assert {name: each.bitrate for name, each in EXPORTS.items() if each.bitrate != 192_000} == {
        "webm": 128_000, "webm-alpha": 128_000,
    }  # fmt: skip
    assert PROXY.bitrate == 96_000 and PROXY.snap and not any(each.snap for each in EXPORTS.values())
    assert PROXY.grid_frames(FPS.fraction) == 25 and EXPORTS["mp4"].grid_frames(FPS.fraction) == 125
    assert {name for name, each in EXPORTS.items() if each.delay is not None} == {"mp4-hevc"}
    assert all(each.name == name for name, each in EXPORTS.items())
