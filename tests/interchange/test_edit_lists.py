"""Edit lists (EDL) of other programs: what they say is on the timeline, and what is not there is told."""

from __future__ import annotations

from fractions import Fraction

import pytest

from cutlog.contract.time import Fps
from cutlog.contract.timeline import FreezeSource, MediaSource, Speed
from services.ops.interchange.converter import Converter
from services.ops.interchange.readers.cmx3600 import read
from services.ops.interchange.readers.otio import RefusedError
from services.ops.interchange.readers.timecode import parsed
from tests.interchange.conftest import Bring, Brought, imported

NTSC = Fps(30000, 1001)
FILM = Fps(24, 1)
HEAD = "TITLE: T\nFCM: NON-DROP FRAME\n\n"
ONE = "001  AX       V     C        00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00\n"


def brought(text: str, fps: Fps = FILM) -> Brought:
    return imported(read(text, fps.fraction))


def places(text: str, fps: Fps = FILM) -> dict[str, list[tuple[int, int, object]]]:
    return {track: [clip[1:] for clip in clips] for track, clips in brought(text, fps).lanes().items()}


async def test_the_speed_that_resolve_tells(bring: Bring) -> None:
    found = await bring("resolve-m2.edl")
    assert found.sequence.duration == 48
    (clip,) = found.sequence.clips()
    assert (clip.at, clip.piece.frames, clip.piece.speed) == (0, 48, Speed(num=2, den=1))
    assert found.lost() == {"start-timecode"}


async def test_drop_frame_timecode_with_colons(bring: Bring) -> None:
    found = await bring("fcm-drop-frame-colons.edl", NTSC)
    assert [(placed.at, placed.piece.frames) for placed in found.sequence.clips()] == [(1740, 60), (1800, 30)]
    assert (found.sequence.duration, found.sequence.canvas.fps) == (1830, NTSC)


async def test_what_drops_frames_is_at_an_ntsc_rate(bring: Bring) -> None:
    assert (await bring("fcm-drop-frame-colons.edl", Fps(30, 1))).sequence.canvas.fps == NTSC
    semicolons = HEAD + ONE.replace(":00:", ":00;").replace(":00 ", ";00 ")
    assert brought(semicolons, Fps(60, 1)).sequence.canvas.fps == Fps(60000, 1001)


def test_drop_frame_timecode_where_there_is_none_is_told() -> None:
    assert "timecode" in brought("FCM: DROP FRAME\n" + ONE, Fps(25, 1)).lost()


@pytest.mark.parametrize(
    ("text", "frame"),
    [("00:00:59:29", 1799), ("00:01:00:02", 1800), ("00:10:00:00", 17_982), ("01:00:00:00", 107_892)],
)
def test_two_numbers_are_dropped_in_each_minute_but_of_each_tenth(text: str, frame: int) -> None:
    timecode = parsed(text)
    assert timecode is not None and timecode.frame(30, True) == frame
    doubled = timecode.frame(60, True)
    assert doubled - 2 * frame in (0, -timecode.frame_number)


SPEEDS: list[tuple[str, Fps, Speed | None, bool]] = [
    ("048.0", Fps(24, 1), Speed(num=2, den=1), False),
    ("-024.0", Fps(24, 1), None, True),
    ("-12", Fps(24, 1), Speed(num=1, den=2), True),
    ("059.9", NTSC, Speed(num=2, den=1), False),
    ("060.0", NTSC, Speed(num=2, den=1), False),
    ("030.0", NTSC, None, False),
    ("012.5", Fps(25, 1), Speed(num=1, den=2), False),
    ("008.0", Fps(24, 1), Speed(num=1, den=3), False),
]


@pytest.mark.parametrize(("told", "fps", "speed", "reverse"), SPEEDS)
@pytest.mark.parametrize(
    "line", ["M2   AX             {}                00:00:01:00", "M2 A REEL {}", "M2 A B {} 00:00:01;00"]
)
def test_speeds_and_directions_are_kept(line: str, told: str, fps: Fps, speed: Speed | None, reverse: bool) -> None:
    found = brought(HEAD + ONE + line.format(told).replace(";", ":") + "\n", fps)
    (clip,) = found.sequence.clips()
    assert isinstance(clip.piece.source, MediaSource)
    assert (clip.piece.speed, clip.piece.reversed, clip.piece.source.start) == (speed, reverse, round(fps.fraction))
    assert "speed" not in found.lost()


def test_a_speed_of_nothing_holds_the_frame() -> None:
    (clip,) = brought(HEAD + ONE + "M2   AX  000.0  00:00:01:00\n").sequence.clips()
    assert isinstance(clip.piece.source, FreezeSource) and clip.piece.source.frame == 24


DISSOLVE = (
    "001  A  V  C      00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00\n* FROM CLIP NAME: a.mov\n"
    "002  A  V  C      00:00:01:00 00:00:01:00 00:00:01:00 00:00:01:00\n"
    "002  B  V  D 012  00:00:05:00 00:00:07:00 00:00:01:00 00:00:02:00\n"
    "* FROM CLIP NAME: a.mov\n* TO CLIP NAME: b.mov\n"
)


def test_each_side_of_a_transition_has_its_own_speed() -> None:
    found = brought(f"{HEAD}{DISSOLVE}M2 B 048.0 00:00:05:00\n")
    assert [(placed.piece.id, placed.at, placed.piece.speed) for placed in found.sequence.clips()] == [
        ("a-mov", 0, None), ("b-mov", 30, Speed(num=2, den=1)),
    ]  # fmt: skip


def test_a_speed_that_is_not_told_is_told_to_be_missing() -> None:
    found = brought(HEAD + ONE.replace("00:00:02:00", "00:00:03:00"))
    (detail,) = [loss.detail for loss in found.losses if loss.what == "source-range"]
    assert detail.startswith("source has 48 frames and record 24")


def test_from_black_and_to_black_are_fades() -> None:
    found = brought(
        HEAD + "001  BL V C     00:00:00:00 00:00:00:00 00:00:00:00 00:00:00:00\n"
        "001  A  V D 012 00:00:01:00 00:00:02:00 00:00:00:00 00:00:01:00\n* TO CLIP NAME: a.mov\n"
        "002  A  V C     00:00:02:00 00:00:02:00 00:00:01:00 00:00:01:00\n"
        "002  BL V D 006 00:00:00:00 00:00:00:06 00:00:01:00 00:00:01:06\n"
    )
    (clip,) = found.sequence.clips()
    assert (clip.piece.frames, clip.piece.fade_in, clip.piece.fade_out) == (30, 12, 6)


def test_sound_and_pictures_of_an_event_are_on_tracks_of_their_own() -> None:
    lines = (
        "001  A  B     C  00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00\n* FROM CLIP NAME: a.mov\n"
        "002  A  AA/V  C  00:00:01:00 00:00:02:00 00:00:01:00 00:00:02:00\n* FROM CLIP NAME: a.mov\n"
        "003  A  A2    C  00:00:09:00 00:00:10:00 00:00:02:00 00:00:03:00\n* FROM CLIP NAME: a.mov\n"
        "004  A  NONE  C  00:00:09:00 00:00:10:00 00:00:02:00 00:00:03:00\n"
    )
    assert places(HEAD + lines) == {"v1": [(0, 24, 0), (24, 24, 24)], "a3": [(48, 24, 216)]}


def test_events_in_any_order_and_on_each_other_are_all_there() -> None:
    lines = (
        "003  C  V  C  00:00:00:00 00:00:01:00 00:00:02:00 00:00:03:00\n"
        "001  A  V  C  00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00\n"
        "002  B  V  K  00:00:00:00 00:00:01:00 00:00:00:12 00:00:01:12\n"
    )
    found = brought(HEAD + lines)
    assert {track: [clip[:3] for clip in clips] for track, clips in found.lanes().items()} == {
        "v1": [("a", 0, 24), ("c", 48, 24)], "v2": [("b", 12, 24)],
    }  # fmt: skip
    assert "key" in found.lost()


def test_one_bad_line_is_told_and_the_others_are_read() -> None:
    found = brought(f"{HEAD}{ONE}002  AX  V  C  00:00:00:00 nonsense\n003  AX V C 0 0 0 0\nwhat is this\n")
    assert [loss.where for loss in found.losses if loss.what == "line"] == ["line 5", "line 6", "line 7"]
    assert found.sequence.clip_count == 1


@pytest.mark.parametrize("text", ["001  AX V C 00:00:00:00 nonsense", "words", "\0", "{}"])
def test_what_holds_no_event_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(RefusedError):
        read(text, Fraction(24))


def test_markers_are_where_the_record_says() -> None:
    found = brought(f"{HEAD}{ONE}* LOC: 01:00:00:07 RED     here it is\n* LOC: nonsense\n")
    assert [(marker.at, marker.label, marker.color) for _, marker in found.sequence.markers.items()] == [
        (7, "here it is", "#ff0000")
    ]
    assert "marker" in found.lost()


@pytest.mark.slow(reason="converts thousands of events")
async def test_four_thousand_events_are_four_thousand_clips(converter: Converter) -> None:
    lines = [HEAD]
    for number in range(4_000):
        start, end = (f"{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}:00" for at in (number, number + 1))
        lines.append(f"{number:06}  AX  V  C  {start} {end} {start} {end}\n* FROM CLIP NAME: f{number % 50}.mov\n")
    found = imported(await converter.read("edl", Fps(24, 1), "".join(lines).encode()))
    assert found.sequence.clip_count == 4_000 and found.sequence.duration == 96_000
    assert found.lost() == set()
