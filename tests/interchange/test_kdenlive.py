"""Kdenlive: what a project says is on the timeline, what is not there is told, and what we write reads as it was."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cutlog.contract import ops as o
from cutlog.contract.time import Fps
from cutlog.contract.timeline import ColorSource, FreezeSource, MediaSource, Speed, TextStyle, Timeline
from services.ops.interchange.converter import Converter
from services.ops.interchange.readers.kdenlive import read
from services.ops.interchange.readers.otio import RefusedError
from services.ops.interchange.writing import written
from tests.interchange.conftest import Brought, imported
from tests.interchange.histories import FILES, LIBRARY, timelines
from tests.interchange.small import edited, told
from tests.support.chance import examples

PROFILE = '<profile frame_rate_num="25" frame_rate_den="1" width="1280" height="720"/>'


def properties(**told: str) -> str:
    return "".join(f'<property name="{name.replace("__", ":")}">{value}</property>' for name, value in told.items())


def producer(ident: str, **told: str) -> str:
    return f'<producer id="{ident}" in="0" out="999">{properties(length="1000", **told)}</producer>'


FILM = producer("f", resource="/x/film.mov", mlt_service="avformat")


def brought(playlist: str, producers: str = FILM, track: str = "", main: str = "", more: str = "") -> Brought:
    return imported(
        read(
            f'<mlt>{PROFILE}{producers}<playlist id="p">{playlist}</playlist>{more}<tractor id="t">{track}'
            f'<track hide="audio" producer="p"/></tractor>'
            f'<tractor id="m">{main}<track producer="t"/></tractor></mlt>'.encode()
        )
    )


def places(found: Brought) -> dict[str, list[tuple[object, ...]]]:
    return {track: [clip[1:] for clip in clips] for track, clips in found.lanes().items()}


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("50", "74"),
        ("00:00:02.000", "00:00:02.960"),
        ("00:00:02,000", "00:00:02,960"),
        ("0:02.0", "0:02.96"),
        ("00:00:02:00", "00:00:02:24"),
    ],
)
def test_times_are_frames_or_clocks_and_ends_are_within(begin: str, end: str) -> None:
    found = brought(f'<blank length="{begin}"/><entry producer="f" in="{begin}" out="{end}"/>')
    assert places(found) == {"v1": [(50, 25, 50)]}
    assert (found.sequence.canvas.fps, found.sequence.canvas.width) == (Fps(25, 1), 1280)
    assert found.lost() == set()


SPEEDS = [
    ("2.000000", Speed(num=2, den=1), False, 100),
    ("-1", None, True, 925),
    ("0.5", Speed(num=1, den=2), False, 25),
]


@pytest.mark.parametrize(("speed", "meant", "reverse", "first"), SPEEDS)
def test_speeds_and_directions(speed: str, meant: Speed | None, reverse: bool, first: int) -> None:
    warped = producer(
        "f", resource=f"{speed}:/x/film.mov", mlt_service="timewarp", warp_speed=speed, warp_resource="/x/film.mov"
    )
    (only,) = brought('<entry producer="f" in="50" out="74"/>', warped).sequence.clips()
    assert isinstance(only.piece.source, MediaSource)
    assert (only.piece.speed, only.piece.reversed, only.piece.source.start) == (meant, reverse, first)


def test_a_filter_that_holds_a_frame_for_all_of_a_clip() -> None:
    held = properties(mlt_service="freeze", frame="00:00:01.000", freeze_after="0", freeze_before="0")
    (only,) = brought(f'<entry producer="f" in="9" out="33"><filter>{held}</filter></entry>').sequence.clips()
    assert isinstance(only.piece.source, FreezeSource) and only.piece.source.frame == 25


def test_switches_names_and_what_is_not_kept() -> None:
    off = producer("f", resource="/x/film.mov", mlt_service="avformat", set_test="").replace(
        '<property name="set_test"></property>',
        '<property name="set.test_audio">1</property><property name="set.test_image">1</property>',
    )
    blur = f"<filter>{properties(mlt_service='avfilter.gblur', kdenlive_id='blur')}</filter>"
    idle = f"<filter>{properties(mlt_service='volume', internal_added='237')}</filter>"
    noise = producer("n", mlt_service="frei0r.plasma")
    wipe = f"<transition>{properties(mlt_service='wipe', a_track='0', b_track='1')}</transition>"
    found = brought(
        f'<entry producer="f" in="0" out="9">{blur}{idle}</entry><entry producer="n" in="0" out="9"/>'
        '<entry producer="gone" in="0" out="9"/>',
        off + noise,
        track=properties(kdenlive__track_name="Titles", kdenlive__locked_track="1"),
        main=wipe,
    )
    (only,) = found.sequence.clips()
    assert not only.piece.enabled
    assert (found.sequence.tracks[0].name, found.sequence.tracks[0].locked) == ("Titles", True)
    assert found.lost() == {"effect", "generator", "clip", "composition"}


def test_clips_that_are_mixed_on_two_playlists() -> None:
    second = '<playlist id="q"><blank length="40"/><entry producer="f" in="100" out="149"/></playlist>'
    mix = f'<transition in="40" out="49">{properties(mlt_service="luma", a_track="0", b_track="1")}</transition>'
    found = brought(
        '<entry producer="f" in="0" out="49"/>', track=mix + '<track hide="audio" producer="q"/>', more=second
    )
    assert places(found) == {"v1": [(0, 45, 0), (45, 45, 105)]}
    joint = found.sequence.clip(found.lanes()["v1"][0][0]).placed.piece.tail
    assert joint is not None and (joint.kind, joint.frames) == ("dissolve", 10)


def test_a_sequence_in_itself_is_refused() -> None:
    with pytest.raises(RefusedError, match="sequences"):
        brought('<entry producer="t" in="0" out="9"/>')


@pytest.mark.parametrize("text", ["<mlt/>", "<xmeml/>", "<mlt", "<mlt><playlist/></mlt>"])
def test_what_holds_no_timeline_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        read(text.encode())


async def test_what_we_write_reads_as_it_was(converter: Converter) -> None:
    timeline = edited(
        o.TransitionAdd(transition="t", left="a", right="b", kind="dissolve", frames=5),
        o.ClipAdd(clip="c", track="v1", at=60, media="film", start=100, end=150),
        o.ClipSpeed(clip="c", num=2, den=1),
        o.ClipAdd(clip="e", track="v1", at=90, media="film", start=100, end=110),
        o.ClipReverse(clip="e", reversed=True),
        o.ClipAdd(clip="d", track="v1", at=100, color="#12abef", frames=9),
        o.ClipFreeze(clip="b", at=30, frames=4, new="f", right="g"),
        o.MarkerAdd(marker="m", at=50, label="hello"),
        o.TrackAdd(track="a1", kind="audio"),
        o.ClipAdd(clip="s", track="a1", at=10, media="song", start=5, end=50),
        o.TrackAdd(track="v2", kind="video"),
        o.ClipAdd(clip="x", track="v2", at=10, media="film", start=5, end=50),
        o.ClipAdd(clip="y", track="v2", at=55, media="film", start=55, end=70),
        o.TransitionAdd(transition="u", left="x", right="y", kind="dissolve", frames=4),
        o.ClipAdd(clip="z", track="v2", at=90, text=TextStyle(text="Hi\nyou & <me>"), frames=4),
        o.ClipSet(clip="d", enabled=False),
        o.TrackSet(track="v2", name="Upper", locked=True),
        fps=Fps(30000, 1001),
    )
    file = await written(converter, timeline, "Film", FILES, "kdenlive")
    assert told(file.losses) == set()
    assert b"cutlog:film sha256:" in file.content


async def test_what_has_no_place_is_told(converter: Converter) -> None:
    timeline = edited(
        o.TransitionAdd(transition="t", left="a", right="b", kind="wipe-left", frames=5),
        o.ClipSet(clip="a", opacity=0.5, gain_db=-3.0),
        o.EffectAdd(clip="a", effect="e", kind="blur"),
        o.ProjectConfigure(background="#101010"),
    )
    losses = told((await written(converter, timeline, "Film", FILES, "kdenlive")).losses)
    assert losses == {
        ("transition-kind", "t"), ("opacity", "a"), ("gain", "a"), ("effect", "a"), ("canvas", "background"),
    }  # fmt: skip


@pytest.mark.slow(reason="generated timelines are written and read by a confined child each")
@settings(max_examples=examples(20), suppress_health_check=list(HealthCheck))
@given(timelines(st.sampled_from([Fps(30, 1), Fps(30000, 1001), Fps(24000, 1001), Fps(25, 2)]), 12))
def test_a_clip_of_which_no_loss_is_told_comes_back_where_it_was(timeline: Timeline) -> None:
    async def there_and_back() -> None:
        converter = Converter("auto")
        file = await written(converter, timeline, "Film", FILES, "kdenlive")
        back = imported(await converter.read("kdenlive", timeline.canvas.fps, file.content), LIBRARY)
        there = {(clip[1], clip[2]) for clips in back.lanes().values() for clip in clips}
        lossy = {loss.where for loss in file.losses if loss.what not in ("canvas", "name")}
        for track in timeline.tracks:
            for clip in track.clips:
                if track.id not in lossy and clip.id not in lossy:
                    assert (clip.at, clip.frames) in there

    asyncio.run(there_and_back())


@pytest.mark.slow(reason="converts thousands of entries")
async def test_four_thousand_entries_are_four_thousand_clips(converter: Converter) -> None:
    entries = "".join(f'<entry producer="f" in="{at % 900}" out="{at % 900 + 24}"/>' for at in range(4_000))
    document = (
        f'<mlt>{PROFILE}{FILM}<playlist id="p">{entries}</playlist><tractor><track producer="p"/></tractor></mlt>'
    )
    found = imported(await converter.read("kdenlive", Fps(24, 1), document.encode()))
    assert found.sequence.clip_count == 4_000 and found.sequence.duration == 100_000
    assert found.lost() == set()


def test_a_colour_is_a_colour() -> None:
    (only,) = brought(
        '<entry producer="c" in="0" out="9"/>', producer("c", resource="0x80Ff80ff", mlt_service="color")
    ).sequence.clips()
    assert only.piece.source == ColorSource(color="#80ff80")
