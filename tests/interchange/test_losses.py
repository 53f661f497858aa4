"""What EDL and FCP7 XML can't hold is told; what is not told came through."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cutlog.contract import ops as o
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas, Timeline
from services.ops.edits.apply import apply_all
from services.ops.edits.sequence import Sequence
from services.ops.interchange.converter import Converter
from services.ops.interchange.edl import edl
from services.ops.interchange.formats import CannotHoldError
from services.ops.interchange.losses import MAX_HEADER, Ledger, header
from services.ops.interchange.readers.timecode import parsed
from services.ops.interchange.writing import written
from tests.interchange.conftest import imported
from tests.interchange.histories import FILES, LIBRARY, MEDIA, timeline_of, timelines
from tests.interchange.small import edited, told
from tests.support.chance import examples

TIMECODE = st.sampled_from([Fps(30, 1), Fps(30000, 1001), Fps(24000, 1001), Fps(25, 1), Fps(60, 1)])


async def test_cuts_go_through_an_edl_and_its_lack_of_a_canvas_is_told(converter: Converter) -> None:
    file = await written(converter, edited(), "Film", FILES, "edl")
    assert told(file.losses) == {("canvas", "width"), ("canvas", "height")}
    assert "FROM CLIP NAME:  film.mov" in file.content.decode()
    assert "00:00:01:15 00:00:02:10 00:00:00:03 00:00:00:23" in file.content.decode()


async def test_speeds_go_through_an_edl_of_drop_frame_timecode(converter: Converter) -> None:
    timeline = edited(o.ClipSpeed(clip="b", num=1, den=2), fps=Fps(30000, 1001))
    file = await written(converter, timeline, "Film", FILES, "edl")
    assert told(file.losses) == {("canvas", "width"), ("canvas", "height")}
    assert "\nM2 " in file.content.decode()


async def test_speeds_directions_and_words_of_markers_go_through_an_edl(converter: Converter) -> None:
    timeline = edited(
        o.TransitionAdd(transition="t", left="a", right="b", kind="dissolve", frames=5),
        o.ClipAdd(clip="c", track="v1", at=60, media="film", start=100, end=150),
        o.ClipSpeed(clip="c", num=2, den=1),
        o.ClipAdd(clip="d", track="v1", at=100, media="film", start=100, end=150),
        o.ClipSpeed(clip="d", num=7, den=3),
        o.ClipReverse(clip="d", reversed=True),
        o.MarkerAdd(marker="m", at=61, label="Look here", color="#ff0000"),
    )
    file = await written(converter, timeline, "Film", FILES, "edl")
    assert told(file.losses) == {("canvas", "width"), ("canvas", "height")}
    # 50 frames of the source in 25.
    assert "FILM     V     C        00:00:04:00 00:00:06:00 00:00:02:10 00:00:03:10" in file.content.decode()


@pytest.mark.parametrize("frame", [0, 1799, 1800, 1801, 17_981, 17_982, 17_984, 107_892, 2_589_407])
@pytest.mark.parametrize("fps", [Fps(30000, 1001), Fps(60000, 1001), Fps(24000, 1001), Fps(25, 1)])
async def test_timecode_is_read_as_it_was_written(fps: Fps, frame: int) -> None:
    cuts = (o.TrackAdd(track="v", kind="video"), o.ClipAdd(clip="c", track="v", at=frame, color="#000000", frames=2))
    timeline = timeline_of(apply_all(Sequence("p", Canvas(fps=fps)), cuts, MEDIA))
    text, _ = edl(timeline, "Film", FILES)
    times = [parsed(word) for word in text.splitlines()[3].split()[-2:]]
    drops = fps.num in (30_000, 60_000)
    assert [time and time.frame(round(fps.fraction), drops) for time in times] == [frame, frame + 2]


async def test_cuts_speeds_transitions_colours_and_markers_go_through_fcp7_xml_without_loss(
    converter: Converter,
) -> None:
    timeline = edited(
        o.TransitionAdd(transition="t", left="a", right="b", kind="wipe-left", frames=5),
        o.ClipAdd(clip="c", track="v1", at=60, media="film", start=100, end=150),
        o.ClipSpeed(clip="c", num=7, den=3),
        o.ClipReverse(clip="c", reversed=True),
        o.ClipAdd(clip="d", track="v1", at=100, color="#12abef", frames=9),
        o.ClipFreeze(clip="b", at=30, frames=4, new="f", right="g"),
        o.MarkerAdd(marker="m", at=50, label="hello"),
        o.TrackAdd(track="a1", kind="audio"),
        o.ClipAdd(clip="s", track="a1", at=10, media="song", start=5, end=50),
        o.ClipSet(clip="d", enabled=False),
    )
    file = await written(converter, timeline, "Film", FILES, "fcp7xml")
    assert told(file.losses) == set()


async def test_every_thing_without_a_place_is_told_by_name(converter: Converter) -> None:
    timeline = edited(
        o.ClipSet(clip="a", opacity=0.5, fade_in=3, gain_db=-3.0),
        o.EffectAdd(clip="a", effect="e", kind="blur"),
        o.ClipLink(clips=("a", "b")),
        o.CaptionsImport(track="en", format="srt", content="1\n00:00:00,000 --> 00:00:01,000\nHi"),
        o.ClipReverse(clip="b", reversed=True),
    )
    fcp7 = told((await written(converter, timeline, "Film", FILES, "fcp7xml")).losses)
    assert fcp7 == {
        ("opacity", "a"), ("fade", "a"), ("gain", "a"), ("effect", "a"), ("link", "a"), ("link", "b"),
        ("captions", "en"),
    }  # fmt: skip
    edl = told((await written(converter, timeline, "Film", FILES, "edl")).losses)
    assert edl > fcp7 - {("captions", "en")} | {("track", "en")}
    assert ("reversed", "b") not in edl


async def test_a_name_can_neither_break_out_of_an_edl_nor_of_xml(converter: Converter) -> None:
    evil = 'a\n999  EVIL V C 00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00\n<b>&"\x07\ufffe'
    for kind in ("edl", "fcp7xml"):
        file = await written(converter, edited(), evil, {"film": evil, "mute": evil}, kind)
        assert "\n999  EVIL" not in file.content.decode()
        found = imported(await converter.read(kind, Fps(25, 1), file.content), LIBRARY)
        assert [clip[1:3] for clip in found.lanes()["v1"]] == [(3, 20), (23, 30)]


async def test_a_rate_without_timecode_is_refused_with_a_reason(converter: Converter) -> None:
    for kind in ("edl", "fcp7xml"):
        with pytest.raises(CannotHoldError, match="15/1"):
            await written(converter, edited(fps=Fps(15, 1)), "Film", FILES, kind)


@pytest.mark.slow(reason="generated timelines are written and read by a confined child each")
@settings(max_examples=examples(25), suppress_health_check=list(HealthCheck))
@given(timelines(TIMECODE, 12), st.sampled_from(["edl", "fcp7xml"]))
def test_a_clip_of_which_no_loss_is_told_comes_back_where_it_was(timeline: Timeline, kind: str) -> None:
    async def there_and_back() -> None:
        converter = Converter("auto")
        try:
            file = await written(converter, timeline, "Film", FILES, kind)  # type: ignore[arg-type]
        except CannotHoldError:
            return
        back = imported(await converter.read(kind, timeline.canvas.fps, file.content), LIBRARY)  # type: ignore[arg-type]
        there = {(clip[1], clip[2]) for clips in back.lanes().values() for clip in clips}
        lossy = {loss.where for loss in file.losses if loss.what not in ("canvas", "name")}
        for track in timeline.tracks:
            for clip in track.clips:
                if track.id not in lossy and clip.id not in lossy:
                    assert (clip.at, clip.frames) in there

    asyncio.run(there_and_back())


def test_the_header_is_short_ascii_json_however_many_losses_there_are() -> None:
    ledger = Ledger()
    for number in range(5_000):
        ledger.add("effect", f"clip-{number}", "ünïcödé 🎬 " * 5)
    ledger.add("marker", "m", "it is not in the file")
    text = header(ledger.report())
    assert len(text) <= MAX_HEADER and text.isascii() and text.isprintable()
    found = json.loads(text)
    assert sum(loss["count"] for loss in found) == 5_001
    assert {loss["what"] for loss in found} == {"effect", "marker"}
    assert json.loads(header(())) == []
