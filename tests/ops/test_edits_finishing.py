"""Transitions, captions, markers, going back, and the gate for what can't be shown yet."""

from __future__ import annotations

import pytest

from cutlog.contract.ops import (
    CaptionRemove,
    CaptionSet,
    CaptionsImport,
    ClipAdd,
    ClipMove,
    ClipRemove,
    ClipReplace,
    ClipReverse,
    ClipRoll,
    ClipSlip,
    ClipSpeed,
    ClipSplit,
    ClipTrim,
    HistoryRevert,
    MarkerAdd,
    MarkerMove,
    MarkerRemove,
    Op,
    TrackRemove,
    TrackSet,
    TransitionAdd,
    TransitionRemove,
    TransitionSet,
)
from cutlog.contract.properties import Keyframe, Keyframes
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Caption, Marker
from services.ops.edits.apply import apply
from services.ops.edits.captions import nearest_frame
from services.ops.edits.cues import CueFormat, read
from services.ops.edits.errors import EditError
from services.ops.edits.sequence import Sequence
from tests.ops.drawing import MEDIA, drawn, picture, run


def between(name: str, left: str, right: str, frames: int, kind: str = "dissolve") -> TransitionAdd:
    return TransitionAdd(transition=name, left=left, right=right, kind=kind, frames=frames)


FADE = between("t", "a", "b", 5)


def test_a_transition_moves_nothing() -> None:
    sequence = run(drawn(v="aaaabbbb"), FADE)
    assert picture(sequence) == {"v": "aaaabbbb"}
    assert dict(sequence.transitions.items()) == {"t": "a"}
    assert run(sequence, TransitionRemove(transition="t")).tracks == drawn(v="aaaabbbb").tracks


def test_a_transition_can_be_changed() -> None:
    sequence = run(drawn(v="aaaabbbb"), FADE, TransitionSet(transition="t", kind="wipe-left", frames=2))
    joint = sequence.clip("a").placed.piece.tail
    assert joint is not None
    assert (joint.kind, joint.frames, joint.before, joint.after) == ("wipe-left", 2, 1, 1)


#: An edit, and whether the transition between a and b outlives it, as that of which clip.
OUTLIVES: list[tuple[Op, str | None]] = [
    (ClipRemove(clip="a"), None),
    (ClipRemove(clip="b"), None),
    (ClipMove(clip="b", at=20), None),
    (ClipMove(clip="a", at=0), "a"),
    (ClipTrim(clip="a", end=44), None),
    (ClipTrim(clip="a", end=44, ripple=True), "a"),
    (ClipTrim(clip="b", start=42, ripple=True), "a"),
    (ClipTrim(clip="a", start=42), "a"),
    (ClipSplit(clip="a", at=3, new="z"), "z"),
    (ClipSplit(clip="b", at=9, new="z"), "a"),
    (ClipRoll(left="a", right="b", by=1), "a"),
    (ClipSlip(clip="b", by=5), "a"),
    (ClipReplace(clip="b", media="mute", start=9), "a"),
    (ClipReverse(clip="b", reversed=True), "a"),
    (ClipAdd(clip="n", track="v", at=6, media="film", start=0, end=3, mode="insert"), None),
    (ClipAdd(clip="n", track="v", at=2, media="film", start=0, end=1, mode="insert", split="z"), "z"),
    (ClipAdd(clip="n", track="v", at=5, media="film", start=0, end=2, mode="overwrite"), None),
    (TrackRemove(track="v"), None),
]


@pytest.mark.parametrize(("op", "left"), OUTLIVES)
def test_a_transition_goes_when_its_clips_are_parted_and_only_then(op: Op, left: str | None) -> None:
    sequence = run(drawn(v="aaaaaabbbbbb"), FADE, op)
    assert dict(sequence.transitions.items()) == ({} if left is None else {"t": left})


CUES = "1\n00:00:00,100 --> 00:00:00,200\nOne\n\n2\n00:00:00,150 --> 00:00:01,000\n<i>Two</i>\nlines\n"


def captions(sequence: Sequence, track: str) -> list[Caption]:
    found = sequence.track(track)[1].captions
    return sorted((caption for _, caption in found.items()), key=lambda caption: caption.start)


def test_captions_come_on_a_new_track_on_top() -> None:
    sequence = run(drawn(v="aa"), CaptionsImport(track="en", format="srt", content=CUES))
    assert [(track.id, track.kind, len(track.lane)) for track in sequence.tracks] == [
        ("v", "video", 1),
        ("en", "video", 0),
    ]
    assert captions(sequence, "en") == [
        Caption(id="en-c1", start=3, end=6, text="One"),
        Caption(id="en-c2", start=5, end=30, text="Two\nlines"),
    ]
    assert sequence.duration == 2


def test_captions_are_added_to_a_track_changed_and_removed() -> None:
    both = CaptionsImport(track="v", format="srt", content=CUES)
    sequence = run(drawn(v="aa"), both, CaptionRemove(caption="v-c1"), both)
    assert sorted(caption.id for caption in captions(sequence, "v")) == ["v-c2", "v-c3", "v-c4"]
    sequence = run(
        sequence, CaptionSet(caption="v-c3", start=0, end=2, text="Hi"), TrackSet(track="v", captions="sidecar")
    )
    assert captions(sequence, "v")[0] == Caption(id="v-c3", start=0, end=2, text="Hi")
    assert sequence.tracks[0].caption_mode == "sidecar"


READ: list[tuple[CueFormat, str, list[tuple[int, int, str]]]] = [
    ("srt", "\ufeff1\r\n00:00:01,000 --> 00:00:02,500\r\nHi\r\n\r\n", [(1000, 2500, "Hi")]),
    ("srt", "00:00:01.000 --> 01:00:02.500\nHi", [(1000, 3602500, "Hi")]),
    ("srt", "7\n00:00:01,000 --> 00:00:02,000 X1:1 X2:2\n{\\an8}<b>a</b> < b <3\n", [(1000, 2000, "a < b <3")]),
    ("srt", "1\n00:00:01,000 --> 00:00:02,000\n\n\n2\n00:00:03,000 --> 00:00:04,000\n12\n", [(3000, 4000, "12")]),
    ("srt", "", []),
    ("vtt", "WEBVTT", []),
    ("vtt", "WEBVTT - Film\nKind: captions\n\n00:01.000 --> 00:02.000 align:start\nHi", [(1000, 2000, "Hi")]),
    (
        "vtt",
        "WEBVTT\n\nNOTE a --> b\n\nSTYLE\n::cue {}\n\nintro\n01:00:01.000 --> 01:00:02.000\n"
        "<v Bob>Hi &amp; <00:01.500>bye</v>",
        [(3601000, 3602000, "Hi & bye")],
    ),
    (
        "vtt",
        "WEBVTT\n\n00:01.000 --> 00:03.000\nA\n\n00:02.000 --> 00:04.000\nB",
        [(1000, 3000, "A"), (2000, 4000, "B")],
    ),
]


@pytest.mark.parametrize(("kind", "content", "cues"), READ)
def test_files_of_captions_are_read_as_players_read_them(
    kind: CueFormat, content: str, cues: list[tuple[int, int, str]]
) -> None:
    found = list(read(content, kind))
    assert [(cue.start, cue.end, cue.text) for cue in found] == cues


NOT_READ: list[tuple[CueFormat, str, int]] = [
    ("srt", "1\nnonsense\n", 2),
    ("srt", "nonsense\n", 1),
    ("srt", "1\n00:01,000 --> 00:02,000\nshort", 2),
    ("srt", "1\n00:00:02,000 --> 00:00:01,000\nback", 2),
    ("srt", "1\n00:00:01,000 --> 00:00:02,000\nok\n\n2\n00:99:00,000 --> 00:99:01,000\nno", 6),
    ("srt", "1\n00:00:01,000 --> 00:00:02,000\n" + "x" * 2001, 2),
    ("vtt", "1\n00:00:01.000 --> 00:00:02.000\nno header", 1),
    ("vtt", "WEBVTT\n\nname\n", 3),
]


@pytest.mark.parametrize(("kind", "content", "line"), NOT_READ)
def test_what_is_no_file_of_captions_is_refused_with_its_line(kind: CueFormat, content: str, line: int) -> None:
    with pytest.raises(EditError) as refusal:
        run(drawn(), CaptionsImport(track="en", format=kind, content=content))
    assert refusal.value.pointer == "/content"
    assert refusal.value.detail.startswith(f"line {line}: ")


def test_ten_thousand_captions_are_read_and_one_of_them_is_changed() -> None:
    cues = "\n\n".join(
        f"{n}\n{at},000 --> {at},900\nNo {n}"
        for n in range(10_000)
        if (at := f"{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}")
    )
    sequence = run(drawn(), CaptionsImport(track="en", format="srt", content=cues))
    sequence = run(sequence, CaptionSet(caption="en-c10000", text="Last"))
    assert len(captions(sequence, "en")) == 10_000
    assert captions(sequence, "en")[-1] == Caption(id="en-c10000", start=9999 * 30, end=9999 * 30 + 27, text="Last")


@pytest.mark.parametrize(
    "bomb", ["<" * 50_000, "{\\" * 30_000, "<v " * 30_000, "00:00:01,000 --> " * 20_000, "&amp" * 30_000]
)
def test_hostile_text_costs_no_more_than_its_length(bomb: str) -> None:
    with pytest.raises(EditError):
        run(drawn(), CaptionsImport(track="en", format="srt", content=f"1\n00:00:01,000 --> 00:00:02,000\n{bomb}"))


def test_a_moment_becomes_the_nearest_frame() -> None:
    assert [nearest_frame(ms, Fps(30, 1)) for ms in (0, 16, 17, 33, 50)] == [0, 0, 1, 1, 2]
    assert nearest_frame(3_600_000, Fps(30000, 1001)) == 107_892


def test_markers_are_put_moved_and_removed() -> None:
    sequence = run(
        drawn(v="aa"), MarkerAdd(marker="m", at=5, label="Beat"), MarkerMove(marker="m", at=7, color="#ff0000")
    )
    assert sequence.markers.get("m") == Marker(id="m", at=7, label="Beat", color="#ff0000")
    assert len(run(sequence, MarkerRemove(marker="m")).markers) == 0


def test_a_revert_brings_back_the_timeline_and_keeps_ids_taken() -> None:
    before = run(drawn(v="aabb"), between("t", "a", "b", 1))
    after = run(before, ClipRemove(clip="a"), ClipAdd(clip="n", track="v", at=9, color="#ff0000", frames=2))
    back = apply(after, HistoryRevert(to_version=1), MEDIA, {1: before}.get)
    assert back.tracks == before.tracks
    assert dict(back.transitions.items()) == {"t": "a"}
    assert back.uses == before.uses
    assert "n" in back.taken


REMOVE = TransitionRemove(transition="t")
ON_V = CaptionsImport(track="v", format="srt", content=CUES)
REFUSED: list[tuple[dict[str, str], tuple[Op, ...], str, str]] = [
    ({"v": "aa.bb"}, (FADE,), "/right", "without a gap"),
    ({"v": "aabb"}, (between("t", "a", "b", 2, "warp"),), "/kind", "dissolve"),
    ({"a1": "aabb"}, (between("t", "a", "b", 2, "radial"),), "/kind", "dissolve"),
    ({"v": "aaaabb"}, (FADE,), "/frames", "first 3 frames of clip b, which has 2"),
    ({"v": "abbbb"}, (FADE,), "/frames", "last 2 frames of clip a, which has 1"),
    ({"v": "aaaabbbb"}, (FADE, between("u", "a", "b", 2, "radial")), "/left", "t is"),
    ({"v": "aaaabbbb"}, (ClipSlip(clip="b", by=-39), FADE), "/frames", "clip b's source before its start; there are 1"),
    ({"v": "aaaabbbb"}, (ClipSlip(clip="a", by=54), FADE), "/frames", "clip a's source after its end; there are 2"),
    ({"v": "aaaabbbb"}, (FADE, ClipSlip(clip="a", by=56)), "/by", "3 are missing"),
    ({"v": "aaaabbbb"}, (FADE, ClipTrim(clip="b", end=42, ripple=True)), "/out", "clip b, which has 2"),
    ({"v": "aaaabbbb"}, (FADE, ClipSpeed(clip="b", num=4, den=1)), "/num", "clip b, which has 1"),
    ({"v": "aaaabbbb"}, (FADE, ClipSplit(clip="a", at=3, new="z")), "/at", "clip z, which has 1"),
    (
        {"v": "aaaabbbbcccc"},
        (FADE, between("u", "b", "c", 4)),
        "/frames",
        "3 of them under the transition at its start",
    ),
    ({"v": "aaaabbbb"}, (TransitionSet(transition="t", frames=2),), "/transition", "no transition t;"),
    ({"v": "aaaabbbb"}, (FADE, REMOVE, REMOVE), "/transition", "any more"),
    ({"v": "aaaabbbb"}, (FADE, TransitionSet(transition="t")), "", "kind, frames"),
    ({"a1": ""}, (CaptionsImport(track="a1", format="srt", content=CUES),), "/track", "sound only"),
    ({"v": ""}, (CaptionsImport(track="en", format="srt", content=""),), "/content", "no caption"),
    ({"v": ""}, (CaptionsImport(track="x" * 58, format="srt", content=CUES),), "/track", "57 characters"),
    ({"v": ""}, (CaptionSet(caption="v-c1", start=1),), "/caption", "no caption v-c1;"),
    ({"v": ""}, (ON_V, CaptionSet(caption="v-c1", end=2)), "/end", "greater"),
    ({"v": ""}, (ON_V, CaptionSet(caption="v-c1")), "", "start, end, text"),
    ({"v": ""}, (MarkerMove(marker="m", at=2),), "/marker", "no marker m;"),
    ({"v": ""}, (MarkerAdd(marker="v", at=2),), "/marker", "used before"),
    ({"v": ""}, (HistoryRevert(to_version=7),), "/toVersion", "no version 7"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "ops", "pointer", "words"), REFUSED)
def test_what_does_not_apply_is_refused_with_a_pointer_and_a_sentence(
    before: dict[str, str], ops: tuple[Op, ...], pointer: str, words: str
) -> None:
    sequence = run(drawn(**before), *ops[:-1])
    with pytest.raises(EditError) as refusal:
        run(sequence, ops[-1])
    assert (refusal.value.pointer, words in refusal.value.detail) == (pointer, True), refusal.value


KEYS = Keyframes(keyframes=(Keyframe(frame=0, value=0),))
