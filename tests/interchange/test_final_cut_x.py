"""FCPXML: what it says is on the timeline, what is not there is told, and what we write reads as it was."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cutlog.contract import ops as o
from cutlog.contract.time import Fps
from cutlog.contract.timeline import ColorSource, FreezeSource, MediaSource, Speed, TextSource, TextStyle, Timeline
from services.ops.interchange.converter import Converter
from services.ops.interchange.readers.fcpxml import read
from services.ops.interchange.readers.otio import RefusedError
from services.ops.interchange.writing import written
from tests.interchange.conftest import Brought, imported
from tests.interchange.histories import FILES, LIBRARY, timelines
from tests.interchange.small import edited, told
from tests.support.chance import examples

FORMAT = '<format id="r1" frameDuration="100/2400s" width="1280" height="720"/>'
ASSET = (
    '<asset id="a" name="a.mov" start="3600s" duration="100s" hasVideo="1" hasAudio="1" format="r1">'
    '<media-rep src="file:///x/a%20b.mov"/></asset>'
)
SONG = '<asset id="s" name="s.wav" src="file:///s.wav" duration="100s" hasAudio="1"/>'


def brought(spine: str, resources: str = "", sequence: str = "") -> Brought:
    return imported(
        read(
            f'<fcpxml version="1.11"><resources>{FORMAT}{ASSET}{SONG}{resources}</resources>'
            '<library><event><project name="P">'
            f'<sequence format="r1" duration="1000s" {sequence}><spine>{spine}</spine></sequence>'
            "</project></event></library>"
            "</fcpxml>".encode()
        )
    )


def places(found: Brought) -> dict[str, list[tuple[object, ...]]]:
    return {track: [clip[1:] for clip in clips] for track, clips in found.lanes().items()}


def clip(offset: str, start: str, duration: str, more: str = "", inner: str = "") -> str:
    times = f'offset="{offset}" start="{start}" duration="{duration}"'
    return f'<asset-clip ref="a" name="c" {times} {more}>{inner}</asset-clip>'


def test_clips_gaps_and_connected_clips_are_where_they_are_seen() -> None:
    above = '<asset-clip ref="a" name="c" lane="1" offset="3602s" start="3650s" duration="1s"/>'
    below = '<asset-clip ref="s" name="m" lane="-1" offset="3601s" duration="4s"/>'
    spine = (
        clip("10s", "3601s", "4s", inner=above + below)
        + '<gap offset="14s" duration="1s"/>'
        + clip("15s", "3600s", "2s")
    )
    found = brought(spine, sequence='tcStart="10s"')
    assert places(found) == {"v1": [(0, 96, 24), (120, 48, 0)], "v2": [(24, 24, 1200)], "a3": [(0, 96, 0)]}
    assert (found.sequence.canvas.width, found.sequence.canvas.height) == (1280, 720)
    assert not any(placed.piece.silent for placed in found.sequence.clips())
    assert found.lost() == set()


def test_offsets_that_are_not_told_follow_each_other() -> None:
    assert places(brought('<asset-clip ref="a" duration="2s"/><asset-clip ref="a" start="3605s" duration="1s"/>')) == {
        "v1": [(0, 48, 0), (48, 24, 120)]
    }


def test_clips_of_clips_sound_of_its_own_and_switches() -> None:
    inner = '<video ref="a" offset="5s" start="3610s" duration="50s"{}'
    spine = (
        '<clip offset="0s" start="6s" duration="1s">'
        + inner.format('><audio ref="a" lane="-1" duration="9s"/></video>')
        + "</clip>"
        '<clip offset="1s" start="6s" duration="1s" enabled="0">'
        + inner.format("/>")
        + "</clip>"
        + clip("2s", "3600s", "1s", 'srcEnable="video"')
    )
    found = brought(spine)
    assert places(found) == {"v1": [(0, 24, 264), (24, 24, 264), (48, 24, 0)]}
    assert [(p.piece.silent, p.piece.enabled) for p in found.sequence.clips()] == [
        (False, True),
        (True, False),
        (True, True),
    ]


def timed(*points: tuple[str, str]) -> str:
    return "<timeMap>" + "".join(f'<timept time="{time}" value="{value}"/>' for time, value in points) + "</timeMap>"


@pytest.mark.parametrize(
    ("points", "speed", "reverse", "first"),
    [
        ([("0s", "2s"), ("10s", "22s")], Speed(num=2, den=1), False, 48),
        ([("0s", "4s"), ("10s", "9s")], Speed(num=1, den=2), False, 96),
        ([("0s", "9s"), ("9s", "0s")], None, True, 192),
        ([("0s", "9s"), ("9s", "-9s")], Speed(num=2, den=1), True, 169),
    ],
)
def test_speed_and_direction(points: list[tuple[str, str]], speed: Speed | None, reverse: bool, first: int) -> None:
    (only,) = brought(clip("0s", "0s", "1s", inner=timed(*points))).sequence.clips()
    assert isinstance(only.piece.source, MediaSource)
    assert (only.piece.speed, only.piece.reversed, only.piece.source.start) == (speed, reverse, first)


def test_a_held_frame_and_a_speed_that_changes() -> None:
    held = clip("0s", "0s", "1s", inner=timed(("0s", "2s"), ("5s", "2s")))
    found = brought(held + clip("1s", "0s", "1s", inner=timed(("0s", "0s"), ("1s", "2s"), ("2s", "3s"))))
    still, fast = (placed.piece for placed in found.sequence.clips())
    assert isinstance(still.source, FreezeSource) and still.source.frame == 48
    assert fast.speed == Speed(num=2, den=1) and "speed" in found.lost()


def test_transitions_are_in_the_middle_of_their_cuts() -> None:
    joint = '<transition name="Cross Dissolve" offset="{}" duration="{}"/>'
    spine = (
        clip("0s", "3605s", "2s")
        + joint.format("3/2s", "1s")
        + clip("2s", "3610s", "2s")
        + joint.format("7/2s", "1/2s")
    )
    one, other = brought(spine).sequence.clips()
    assert one.piece.tail is not None and (one.piece.tail.kind, one.piece.tail.frames) == ("dissolve", 24)
    assert (one.at, one.piece.frames, other.at, other.piece.frames, other.piece.fade_out) == (0, 48, 48, 48, 12)


def test_storylines_compound_clips_multicams_and_auditions() -> None:
    nested = (
        '<media id="n"><sequence format="r1" tcStart="100s" duration="60s"><spine>'
        + clip("100s", "3600s", "9s")
        + "</spine></sequence></media>"
        '<media id="m"><multicam format="r1"><mc-angle angleID="A">'
        + clip("0s", "3620s", "9s")
        + '</mc-angle><mc-angle angleID="B">'
        + clip("0s", "3640s", "9s")
        + "</mc-angle></multicam></media>"
    )
    spine = (
        '<ref-clip ref="n" offset="0s" start="102s" duration="2s"/>'
        '<mc-clip ref="m" offset="2s" start="1s" duration="1s"><mc-source angleID="B" srcEnable="all"/></mc-clip>'
        "<audition>" + clip("3s", "3600s", "1s") + clip("3s", "3650s", "1s") + "</audition>"
        '<gap offset="4s" start="50s" duration="3s"><spine lane="1" offset="51s">'
        + clip("0s", "3601s", "1s")
        + clip("1s", "3602s", "1s")
        + "</spine></gap>"
    )
    found = brought(spine, nested)
    assert places(found) == {
        "v1": [(0, 48, 48), (48, 24, 984), (72, 24, 0)], "v2": [(120, 24, 24), (144, 24, 48)],
    }  # fmt: skip
    assert found.lost() == {"nesting", "multicam", "audition"}


def test_a_compound_clip_in_itself_is_refused() -> None:
    inner = '<ref-clip ref="n" duration="1s"/>'
    nested = f'<media id="n"><sequence format="r1" duration="60s"><spine>{inner}</spine></sequence></media>'
    with pytest.raises(RefusedError, match="compound"):
        brought('<ref-clip ref="n" duration="1s"/>', nested)


def test_titles_colours_markers_and_what_is_not_kept() -> None:
    effects = '<effect id="t" name="Title"/><effect id="k" name="Custom"/><effect id="z" name="Clouds"/>'
    spine = (
        '<title ref="t" offset="0s" duration="1s"><text><text-style ref="1">Hi </text-style>'
        '<text-style ref="1">you</text-style></text>'
        '<text-style-def id="1"><text-style fontColor="1 0.5 0 1"/></text-style-def></title>'
        '<video ref="k" offset="1s" duration="1s"><param name="Color" value="0 0 1"/></video>'
        '<video ref="z" offset="2s" duration="1s"/>'
        + clip("3s", "3601s", "1s", inner='<marker start="7203/2s" value="here"/><adjust-blend amount="0.5"/>'
               '<adjust-conform type="fit"/><filter-video ref="z" name="Glow"/>')
        + '<gap offset="4s" start="0s" duration="1s"><marker start="1/2s" value="later"/></gap>'
        '<caption offset="4s" duration="1s"/>'
    )  # fmt: skip
    found = brought(spine, effects)
    words, color, _ = (placed.piece.source for placed in found.sequence.clips())
    assert isinstance(words, TextSource) and (words.text.text, words.text.color) == ("Hi you", "#ff8000")
    assert color == ColorSource(color="#0000ff")
    assert sorted((marker.at, marker.label) for _, marker in found.sequence.markers.items()) == [
        (84, "here"),
        (108, "later"),
    ]
    assert {(loss.what, loss.detail) for loss in found.losses if loss.what in ("effect", "generator", "captions")} == {
        ("effect", "effect blend is not one of ours"), ("effect", "effect Glow is not one of ours"),
        ("generator", "generator Clouds is not known; in its place is a gap"), ("captions", "a caption was left out"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["<xmeml/>", "<fcpxml/>", "<fcpxml", "<fcpxml><resources/><event><asset-clip ref='a'/></event></fcpxml>"]
)
def test_what_holds_no_project_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        read(text.encode())


async def test_what_we_write_reads_as_it_was(converter: Converter) -> None:
    timeline = edited(
        o.TransitionAdd(transition="t", left="a", right="b", kind="wipe-left", frames=5),
        o.ClipAdd(clip="c", track="v1", at=60, media="film", start=100, end=150),
        o.ClipSpeed(clip="c", num=7, den=3),
        o.ClipReverse(clip="c", reversed=True),
        o.ClipAdd(clip="d", track="v1", at=100, color="#12abef", frames=9),
        o.ClipFreeze(clip="b", at=30, frames=4, new="f", right="g"),
        o.MarkerAdd(marker="m", at=50, label="hello"),
        o.MarkerAdd(marker="n", at=1, label="gap"),
        o.TrackAdd(track="a1", kind="audio"),
        o.ClipAdd(clip="s", track="a1", at=10, media="song", start=5, end=50),
        o.TrackAdd(track="v2", kind="video"),
        o.ClipAdd(clip="x", track="v2", at=10, media="film", start=5, end=50),
        o.ClipAdd(clip="y", track="v2", at=55, media="film", start=55, end=70),
        o.TransitionAdd(transition="u", left="x", right="y", kind="dissolve", frames=4),
        o.ClipAdd(clip="z", track="v2", at=90, text=TextStyle(text="Hi\nyou & <me>"), frames=4),
        o.ClipSet(clip="d", enabled=False),
        fps=Fps(30000, 1001),
    )
    file = await written(converter, timeline, "Film", FILES, "fcpxml")
    assert told(file.losses) == {("transition-kind", "t")}
    assert b"cutlog:film sha256:" in file.content


async def test_what_has_no_place_is_told(converter: Converter) -> None:
    timeline = edited(
        o.ClipSet(clip="a", opacity=0.5, gain_db=-3.0),
        o.EffectAdd(clip="a", effect="e", kind="blur"),
        o.TrackAdd(track="empty", kind="video"),
        o.ProjectConfigure(background="#101010"),
    )
    losses = told((await written(converter, timeline, "Film", FILES, "fcpxml")).losses)
    assert losses == {("opacity", "a"), ("gain", "a"), ("effect", "a"), ("track", "empty"), ("canvas", "background")}


@pytest.mark.slow(reason="generated timelines are written and read by a confined child each")
@settings(max_examples=examples(20), suppress_health_check=list(HealthCheck))
@given(timelines(st.sampled_from([Fps(30, 1), Fps(30000, 1001), Fps(24000, 1001), Fps(25, 2)]), 12))
def test_a_clip_of_which_no_loss_is_told_comes_back_where_it_was(timeline: Timeline) -> None:
    async def there_and_back() -> None:
        converter = Converter("auto")
        file = await written(converter, timeline, "Film", FILES, "fcpxml")
        back = imported(await converter.read("fcpxml", timeline.canvas.fps, file.content), LIBRARY)
        there = {(clip[1], clip[2]) for clips in back.lanes().values() for clip in clips}
        lossy = {loss.where for loss in file.losses if loss.what not in ("canvas", "name")}
        for track in timeline.tracks:
            for clip in track.clips:
                if track.id not in lossy and clip.id not in lossy:
                    assert (clip.at, clip.frames) in there

    asyncio.run(there_and_back())


@pytest.mark.slow(reason="converts thousands of clips")
async def test_four_thousand_clips_there_and_back(converter: Converter) -> None:
    spine = "".join(clip(f"{at}s", "3600s", "1s") for at in range(4_000))
    document = (
        f'<?xml version="1.0"?><!DOCTYPE fcpxml><fcpxml version="1.13"><resources>{FORMAT}{ASSET}</resources>'
        '<project name="P">'
        f'<sequence format="r1"><spine>{spine}</spine></sequence></project></fcpxml>'
    )
    found = imported(await converter.read("fcpxml", Fps(24, 1), document.encode()))
    assert found.sequence.clip_count == 4_000 and found.sequence.duration == 96_000
    assert found.lost() == set()
