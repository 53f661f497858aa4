"""Legacy ops about the whole film, translated and read back frame by frame, beside a film that is a list of frames."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cutlog.contract.legacy import Conventions
from cutlog.contract.media import MediaFacts
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas, MediaSource
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Known, Material
from services.ops.legacy.draft import PICTURE
from services.ops.legacy.looking import MUTED, SILENT
from services.ops.legacy.reading import UntranslatableError
from services.ops.legacy.translate import translated
from tests.support.chance import examples

RATE, LENGTH = 10, 60
FACTS = MediaFacts(
    container="mov", duration="6", width=160, height=90, sar=(1, 1), fps=Fps(RATE, 1), frames=LENGTH,
    video_codec="h264", audio_codec="aac", channels=2, sample_rate=48_000, start_offset="0",
)  # fmt: skip
KNOWN = Known({"v_1": Material("video", FACTS)})
FILM = {"type": "addClip", "videoId": 1, "start": 0, "end": LENGTH / RATE, "clipId": "film"}
WHOLE = Conventions(whole_film=True)


class Frame(NamedTuple):
    """What one frame of a film shows, and how loud it is."""

    source: int
    gain: float = 0.0
    opacity: float = 1.0
    scale: float = 1.0
    mirrored: bool = False


START = [Frame(number) for number in range(LENGTH)]


def film(*legacy: Any, conventions: Conventions = WHOLE) -> Sequence:
    empty = Sequence("test", Canvas(fps=Fps(RATE, 1)))
    found = translated([FILM, *legacy], empty, {"1": "v_1"}, KNOWN, 1, conventions)
    if found.kept:
        raise UntranslatableError(found.why[0])
    return found.sequence


def shown(sequence: Sequence) -> list[Frame]:
    """The film as its frames; every gap would be one frame too few."""
    frames: list[Frame] = []
    (track,) = (each for each in sequence.tracks if each.id == PICTURE)
    for placed in track.lane:
        assert placed.at == len(frames), "there is a gap"
        piece = placed.piece
        assert isinstance(piece.source, MediaSource)
        for number in range(piece.frames):
            step = number if piece.speed is None else (number * piece.speed.num + piece.speed.phase) // piece.speed.den
            source = piece.source.end - 1 - step if piece.reversed else piece.source.start + step
            frames.append(Frame(source, piece.gain_db, piece.opacity, piece.scale, piece.flip_h))  # type: ignore[arg-type]
    return frames


def seconds(frame: int) -> float:
    return frame / RATE


def span(op: dict[str, Any], frames: list[Frame]) -> tuple[int, int]:
    start, end = op.get("startTime", 0), op.get("endTime", seconds(len(frames)))
    return round(start * RATE), round(end * RATE)


def done(op: dict[str, Any], frames: list[Frame]) -> list[Frame]:
    """What the op does to a film that is a list of frames."""
    start, end = span(op, frames)
    head, middle, tail = frames[:start], frames[start:end], frames[end:]
    match op["type"]:
        case "trim":
            return middle
        case "cut":
            return head + tail
        case "volume":
            gain = SILENT if not op["volume"] else {0.5: -6.0206, 1: 0.0}[op["volume"]]
            return head + [each._replace(gain=gain) for each in middle] + tail
        case "mute":
            return head + [each._replace(gain=MUTED if each.gain in (0.0, MUTED) else SILENT) for each in middle] + tail
        case "opacity":
            return head + [each._replace(opacity=op["opacity"]) for each in middle] + tail
        case "zoom":
            return head + [each._replace(scale=op["scale"]) for each in middle] + tail
        case "effect":
            return head + [each._replace(mirrored=True) for each in middle] + tail
        case other:
            raise AssertionError(other)


def adds_up(op: dict[str, Any], frames: list[Frame]) -> bool:
    """Whether an op finds changed already what it changes."""
    match op["type"]:
        case "volume":
            return op["volume"] > 0 and any(each.gain for each in frames)
        case "opacity":
            return any(each.opacity != 1 for each in frames)
        case "zoom":
            return any(each.scale != 1 for each in frames)
        case "effect":
            return any(each.mirrored for each in frames)
        case _:
            return False


TIMES = st.integers(0, LENGTH).map(seconds)
OPS = st.one_of(
    st.fixed_dictionaries({"type": st.just("volume"), "volume": st.sampled_from([0, 0.5, 1])},
                          optional={"startTime": TIMES, "endTime": TIMES}),
    st.fixed_dictionaries({"type": st.just("mute")}, optional={"startTime": TIMES, "endTime": TIMES}),
    st.fixed_dictionaries({"type": st.just("opacity"), "opacity": st.sampled_from([0.25, 1.0])},
                          optional={"startTime": TIMES, "endTime": TIMES}),
    st.fixed_dictionaries({"type": st.just("zoom"), "scale": st.sampled_from([0.5, 2.0])},
                          optional={"startTime": TIMES, "endTime": TIMES}),
    st.fixed_dictionaries({"type": st.just("effect"), "effect": st.just("hflip")},
                          optional={"startTime": TIMES, "endTime": TIMES}),
    st.fixed_dictionaries({"type": st.just("trim"), "startTime": TIMES, "endTime": TIMES}),
    st.fixed_dictionaries({"type": st.just("cut"), "startTime": TIMES, "endTime": TIMES}),
)  # fmt: skip


@given(st.lists(OPS, max_size=6))
@example([{"type": "cut", "startTime": 1.0, "endTime": 2.0}, {"type": "trim", "startTime": 0.5, "endTime": 1.5}])
@settings(max_examples=examples(300))
def test_what_was_translated_says_frame_by_frame_what_the_ops_said(ops: list[dict[str, Any]]) -> None:
    before: list[dict[str, Any]] = []
    frames = START
    for op in ops:
        start, end = span(op, frames)
        needs_end = "startTime" in op and "endTime" not in op
        sure = 0 <= start < end and start < len(frames) and not needs_end
        sure = sure and not adds_up(op, frames[start:end])
        expected = done(op, frames) if sure else None
        if expected is None:
            with pytest.raises(UntranslatableError):
                film(*before, op)
            continue
        if not expected:  # all of it was cut out
            continue
        before, frames = [*before, op], expected
        assert shown(film(*before)) == frames


@pytest.mark.parametrize(
    ("op", "why"),
    [
        ({"type": "remove"}, "does not say what of the film goes"),
        ({"type": "volume", "volume": 50}, "more than anybody means"),
        ({"type": "gain", "value": 3}, "a factor or decibels"),
        ({"type": "volume", "gain": 3}, "a factor or decibels"),
        ({"type": "zoom", "level": 50}, "a factor or percent"),
        ({"type": "speed", "speed": 50}, "a factor or percent"),
        ({"type": "fade", "direction": "sideways", "duration": 1}, "no way to fade"),
        ({"type": "fade", "duration": 1, "fadeIn": 2}, "says twice"),
        ({"type": "speed", "factor": 2, "ramp": "smooth"}, "what ramp means"),
        ({"type": "effect", "effect": "snow", "parameters": {"density": 50}}, "'snow' is no kind"),
        ({"type": "mute", "unless": "loud"}, "what unless means"),
        ({"type": "trim", "start": 1, "startTime": 2}, "may mean one thing"),
        ({"type": "volume", "volume": 0.5, "params": {"volume": 0.6}}, "twice, and not the same"),
        ({"type": "text", "action": "blink", "text": "x", "start": 0, "end": 1}, "blink"),
        ({"type": "text", "text": "x", "start": 1}, "how long"),
        ({"type": "opacity", "opacity": 0.5, "start": 1}, "where it begins and not where it ends"),
    ],
)
def test_an_op_that_is_understood_by_half_is_kept(op: dict[str, Any], why: str) -> None:
    with pytest.raises(UntranslatableError, match=why):
        film(op)


def test_a_title_over_the_film_keeps_changes_of_its_time_away() -> None:
    title = {"type": "addText", "text": "x", "startTime": 3, "endTime": 6}
    (track,) = (each for each in film(title).tracks if each.id == "titles")
    assert [(placed.at, placed.end) for placed in track.lane] == [(30, 60)]
    with pytest.raises(UntranslatableError, match="lies over the film"):
        film(title, {"type": "cut", "startTime": 1, "endTime": 2})
    with pytest.raises(UntranslatableError, match="on track titles, too"):
        film(title, {"type": "zoom", "scale": 2})
    assert shown(film(title, {"type": "volume", "volume": 0.5}))[0].gain == -6.0206
    gone = film(title | {"clipId": "t"}, {"type": "text", "action": "remove", "id": "t"})
    assert not any(track.lane for track in gone.tracks if track.id == "titles")


@pytest.mark.parametrize(
    ("op", "fades"),
    [
        ({"type": "fade", "direction": "out", "duration": 1}, (0, 10)),
        ({"type": "fade", "parameters": {"type": "in", "duration": 1}}, (10, 0)),
        ({"type": "effect", "effect": "fadeOut", "params": {"duration": 2}}, (0, 20)),
        ({"type": "fade", "duration": 1}, (10, 10)),
        ({"type": "fade", "fadeIn": 1, "fadeOut": 2}, (10, 20)),
    ],
)
def test_a_fade_goes_the_way_that_it_says(op: dict[str, Any], fades: tuple[int, int]) -> None:
    (placed,) = film(op).clips()
    assert (placed.piece.fade_in, placed.piece.fade_out) == fades


def test_volumes_are_what_the_store_has_them_in_and_kept_where_that_is_not_sure() -> None:
    half = {"type": "volume", "volume": 50}
    (placed,) = film(half, conventions=Conventions(whole_film=True, volume="percent")).clips()
    assert placed.piece.gain_db == -6.0206
    with pytest.raises(UntranslatableError, match="factors or percent"):
        film(half, conventions=Conventions(whole_film=True, volume="unsure"))


def test_mute_and_its_opposite() -> None:
    quiet = {"type": "mute", "muted": False}
    assert shown(film(quiet)) == START
    assert shown(film({"type": "mute"}, quiet)) == START
    with pytest.raises(UntranslatableError, match="which volume"):
        film({"type": "volume", "volume": 0.5}, {"type": "mute"}, quiet)


def test_a_clip_that_is_named_has_times_of_its_own() -> None:
    part = FILM | {"clipId": "part", "start": 2, "end": 4}
    named = {"type": "speed", "clipId": "part", "factor": 2, "start": 1, "end": 2}
    with pytest.raises(UntranslatableError, match="of the clip or of its source"):
        film(part, named)
    usual = Conventions()
    assert [frame.source for frame in shown(film({"type": "trim", "start": 2, "end": 3}, conventions=usual))] == list(
        range(20, 30)
    )


def test_a_clip_has_its_place_and_what_it_shows() -> None:
    placed = {"type": "addClip", "videoId": 1, "clipId": "d", "start": 8, "trimStart": 2, "trimEnd": 4}
    (_, clip) = film(placed).clips()
    assert isinstance(clip.piece.source, MediaSource)
    assert (clip.at, clip.piece.source.start, clip.piece.source.end) == (80, 20, 40)
    with pytest.raises(UntranslatableError, match="the same length"):
        film(placed | {"end": 9})


@pytest.mark.parametrize(
    "op",
    [
        {"type": "effect", "effect": "snow", "action": "add"}, {"type": "effect", "parameters": {"effect": "snow"}},
        {"type": "effect", "action": "remove", "effect": "mute", "startTime": 1, "endTime": 2},
    ],
)  # fmt: skip
def test_a_look_or_a_sound_is_kept_and_freezes_nothing_however_it_is_put(op: dict[str, Any]) -> None:
    empty = Sequence("test", Canvas(fps=Fps(RATE, 1)))
    found = translated([FILM, op], empty, {"1": "v_1"}, KNOWN, 1, WHOLE)
    assert found.kept == (op,) and shown(found.sequence) == START


def test_an_action_says_what_an_op_is_and_no_more() -> None:
    (_, titles) = film({"action": "addText", "text": "x", "startTime": 1, "endTime": 2}).tracks
    assert [(placed.at, placed.end) for placed in titles.lane] == [(10, 20)]
