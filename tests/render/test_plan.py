"""Plans: which segments a version is made of, and what their names depend on."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from cutlog.contract.time import Fps
from cutlog.contract.timeline import Clip, Crop, Effect, MediaRef, MediaSource, Speed, Timeline, Track
from services.render.audio.score import score
from services.render.plan.profiles import EXPORTS, PROXY, Profile
from services.render.plan.segments import Copied, Encoded, MediaNotReadyError, Plan, Segment, plan
from services.render.produce.receipts import film_digest
from tests.render.timelines import lane, media, sequence, shot, solid, timeline, title

EXPORT = EXPORTS["mp4"]

shots = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 200)), min_size=1, max_size=8)
rates = st.sampled_from([Fps(25, 1), Fps(30, 1), Fps(24000, 1001), Fps(30000, 1001), Fps(50, 1), Fps(12, 1)])
profiles = st.sampled_from([PROXY, EXPORT])


def planned(of: Timeline, profile: Profile = PROXY) -> Plan:
    return plan(of, profile, "engine")


def names(of: Timeline, profile: Profile = PROXY) -> list[Segment]:
    return list(planned(of, profile).segments)


#: Each field of a clip, and a value that must be seen or heard; those that are neither are None.
SHOWN: dict[str, object] = {
    "id": None, "link": None, "at": 3, "frames": 90, "source": MediaSource(media="v", start=31, end=131),
    "enabled": False, "fit": "cover", "gain_db": -6.0, "x": 0.4, "y": 0.4,
    "scale": 0.5, "rotation": 10.0, "opacity": 0.5, "pan": -1.0, "crop": Crop(left=0.1), "flip_h": True, "flip_v": True,
    "fade_in": 9, "fade_out": 9, "audio_fade_in": 9, "audio_fade_out": 9, "head_cut": 2, "tail_cut": 2,
    "blend": "multiply", "speed": Speed(num=2, den=1),
    "effects": (Effect(id="e", kind="blur", params={"radius": 5.0}),), "reversed": True, "silent": True,
}  # fmt: skip


def test_every_field_of_a_clip_shows_in_the_film() -> None:
    assert set(SHOWN) == set(Clip.__struct_fields__), "a field that nobody renders would be dropped in silence"
    fades = dict.fromkeys(("fade_in", "fade_out", "audio_fade_in", "audio_fade_out"), 20)
    usual = replace(shot(0, 30, 100), head_cut=1, tail_cut=1, **fades)
    library = [media(size=(1440, 1080))]

    def film(clip: Clip) -> str:
        whole = timeline(lane(solid(0, 200, "#123456")), lane(clip, number=1), library=library)
        return film_digest(planned(whole), score(whole, 96_000, "encoder", "engine"))

    for name, value in SHOWN.items():
        if value is not None:
            assert film(replace(usual, **{name: value})) != film(usual), name


@given(shots, rates, rates, profiles)
def test_the_segments_of_a_version_have_exactly_its_frames(
    parts: list[tuple[int, int]], rate: Fps, source: Fps, profile: Profile
) -> None:
    whole = timeline(
        sequence(*parts), lane(title(7, 20), number=1), fps=rate, library=[media(fps=source, frames=10_000)]
    )
    found = planned(whole, profile)
    assert found.frames == whole.duration
    assert all(segment.frames > 0 for segment in found.segments)


@given(shots, st.integers(1, 500), rates, profiles)
def test_film_that_moves_on_the_timeline_keeps_its_names(
    parts: list[tuple[int, int]], by: int, rate: Fps, profile: Profile
) -> None:
    def pushed(shift: int) -> Timeline:
        clips = sequence(*parts).clips
        moved = tuple(shot(clip.at + shift, part[0], part[1]) for clip, part in zip(clips, parts, strict=True))
        return timeline(lane(solid(0, shift), *moved), fps=rate)

    # A ripple edit: what comes first is longer now, everything else is later.
    before, after = names(pushed(100), profile), names(pushed(100 + by), profile)
    assert set(before[-1:]) <= set(after)
    still = [segment for segment in before if not (isinstance(segment, Encoded) and "Plate" in repr(segment.layers))]
    assert [segment for segment in after if segment in set(still)] == still


@given(st.integers(0, 300), st.integers(60, 300), st.integers(1, 20), profiles)
def test_a_trim_names_anew_only_what_it_cuts(start: int, frames: int, by: int, profile: Profile) -> None:
    assume(start != 90 and start + frames != 50)  # where one clip goes on where another ends, they are cut as one
    before = set(names(timeline(sequence((0, 90), (start, frames), (50, 90))), profile))
    head = set(names(timeline(sequence((0, 90), (start + by, frames - by), (50, 90))), profile))
    tail = set(names(timeline(sequence((0, 90), (start, frames - by), (50, 90))), profile))
    assert len(head - before) <= 1
    assert len(tail - before) <= 1


def test_a_name_does_not_depend_on_ids_versions_or_projects() -> None:
    one = timeline(sequence((3, 50)), library={"v": media()})
    same = media("other")
    other = MediaRef(
        id="other",
        sha256=media().sha256,
        kind="video",
        status="ready",
        facts=same.facts,
        key="elsewhere",
        renditions=media().renditions,
    )
    clip = shot(0, 3, 50, "other")
    two = timeline(Track(id="x", kind="video", clips=(clip,)), library={"other": other}, version=9)
    assert set(planned(one, EXPORT).encoded()) == set(planned(two, EXPORT).encoded())
    assert planned(one, EXPORT).digest == planned(two, EXPORT).digest


@pytest.mark.parametrize(
    "other",
    [
        timeline(sequence((4, 50))),
        timeline(lane(shot(0, 3, 50, fit="stretch")), size=(1280, 960)),
        timeline(sequence((3, 50)), fps=Fps(30, 1)),
        timeline(lane(shot(0, 3, 50, "w")), library=[media("w")]),
        timeline(sequence((3, 50)), lane(title(0, 50), number=1)),
    ],
)
def test_a_name_depends_on_all_that_is_seen(other: Timeline) -> None:
    assert set(planned(timeline(sequence((3, 50))), EXPORT).encoded()).isdisjoint(planned(other, EXPORT).encoded())


def test_another_build_of_ffmpeg_names_everything_anew() -> None:
    whole = timeline(sequence((3, 50)))
    assert set(plan(whole, EXPORT, "a").encoded()).isdisjoint(plan(whole, EXPORT, "b").encoded())


def test_seconds_of_an_edit_proxy_are_copied_from_its_first_key_frame_on() -> None:
    first, second, third = names(timeline(sequence((30, 60))))
    assert isinstance(first, Encoded)
    assert first.frames == 20
    assert isinstance(second, Copied)
    assert (second.first, second.frames) == (50, 25)
    # The last one is cut short: without B-frames, the beginning of a GOP stands alone.
    assert isinstance(third, Copied)
    assert (third.first, third.frames) == (75, 15)


@pytest.mark.parametrize(
    "whole",
    [
        timeline(sequence((0, 50)), lane(title(0, 50), number=1)),
        timeline(sequence((0, 50)), size=(1280, 960)),
        timeline(sequence((0, 50)), library=[media(fps=Fps(30, 1))]),
        timeline(sequence((0, 50)), library=[media(size=(1440, 1080))]),
    ],
    ids=["under a title", "another canvas", "another rate", "other proportions"],
)
def test_what_is_not_just_the_edit_proxy_is_encoded(whole: Timeline) -> None:
    assert not planned(whole).copied()


def test_an_edit_proxy_of_other_settings_is_encoded_from() -> None:
    whole = timeline(sequence((0, 50)))
    proxy = media().renditions.proxy
    assert proxy is not None
    assert planned(whole).copied().keys() == {proxy.sha256}
    assert not plan(whole, PROXY, "engine", frozenset({proxy.sha256})).copied()


def test_a_long_gap_is_one_segment_again_and_again() -> None:
    found = planned(timeline(lane(solid(0, 250, "#123456"))))
    assert len(found.segments) == 10
    assert len(found.encoded()) == 1


def test_a_gap_and_a_clip_of_its_colour_are_the_same() -> None:
    gap = planned(timeline(lane(solid(0, 25), solid(50, 25)), background="#00ff00"))
    clip = planned(timeline(lane(solid(0, 25), solid(25, 25, "#00ff00"), solid(50, 25))))
    assert gap.segments == clip.segments


def test_segments_of_another_rate_lie_on_the_grid_of_the_source() -> None:
    found = planned(timeline(sequence((10, 100)), fps=Fps(30, 1)), PROXY)
    starts = [layer.start for segment in found.encoded().values() for layer in segment.layers]  # type: ignore[union-attr]
    # Seconds of a source at 25 begin where a project at 30 first shows its frames 25, 50, 75.
    assert starts == [10, 30, 60, 90]
    assert [Fraction(start * 25, 30) // 1 for start in starts[1:]] == [25, 50, 75]


def test_media_that_is_not_ready_cannot_be_planned() -> None:
    ready = media()
    waiting = MediaRef(id="v", sha256=ready.sha256, kind="video", status="processing", facts=ready.facts, key=ready.key)
    with pytest.raises(MediaNotReadyError):
        planned(timeline(sequence((0, 10)), library=[waiting]))
